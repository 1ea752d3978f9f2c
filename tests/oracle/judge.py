"""The journal of one account, judged fact by fact and run by run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta

from tests.oracle.book import DELETE, DISABLE, RESTRICT, BookCase, BookDebt, BookEnd, BookSubscription, BookWarning
from tests.oracle.days import DAY, ends, local_day, morning, starts
from tests.oracle.outside import Outside

from arrears.core import facts as f
from arrears.core.policy import Policy

Said = Iterator[str]
LATEST = time(21)


class Judge(Outside):
    """`take` a fact, `ran` after each run; both yield what is not as the text says."""

    def __init__(self, policies: Mapping[str, Policy]) -> None:
        super().__init__(policies)
        self.unwarned: dict[tuple[int, str], datetime] = {}
        self.unreminded: dict[int, datetime] = {}

    def take(self, recorded: f.Recorded) -> Said:
        """One more fact."""
        self.version += 1
        self._plans.clear()
        if not isinstance(recorded.fact, f.HoldPlaced | f.ArrangementMade | f.SupportOpened | f.DateMoved):
            self.placing.clear()
        name = f"_{_snake(type(recorded.fact).__name__)}"
        handler = getattr(self, name, None)
        if handler is not None:
            for what in handler(recorded.fact, recorded) or ():
                yield f"fact {recorded.seq}: {what}"

    # -- what arrears decided ----------------------------------------------------------------------------------------

    def _became_past_due(self, fact: f.BecamePastDue, r: f.Recorded) -> Said:
        if self.case is None:
            self.case = BookCase(fact.terms.policy, fact.terms.zone)
            if (fact.terms.zone, self.policies[fact.terms.policy].name) != (self.zone, self.policies[self.policy].name):
                yield "the case does not begin with the account's own terms"
        policy, zone = self.terms(None, "")
        for one in fact.debts:
            debt = self.debts[one.debt]
            debt.day_0 = one.day_0
            yield from self._day_0(debt, r.at, policy, zone)
        for no in fact.subscriptions:
            sub = self.subs[no]
            if "past_due" in sub.reasons:
                continue
            sub.reasons.add("past_due")
            self._enter(sub, fact, r, zone)

    def _enter(self, sub: BookSubscription, fact: f.BecamePastDue, r: f.Recorded, zone: str) -> None:
        first = min(d.day_0 for d in self.owed_for(sub) if d.day_0 is not None)
        today = local_day(r.at, zone)
        sub.entered = today if today > first + DAY else first
        sub.lapse(RESTRICT, DISABLE)
        sub.told = {action: day for action, day in sub.told.items() if action == DELETE}
        if sub.state == "active":
            sub.state = "past_due"

    def _day_0(self, debt: BookDebt, now: datetime, policy: Policy, zone: str) -> Said:
        day = min(filter(None, (debt.due + DAY, debt.forced)))
        if debt.forced is not None and debt.forced > day and debt.day_0 == debt.forced:
            day = debt.forced
        if debt.day_0 != day:
            yield f"debt {debt.no} is past due since {day}, not since {debt.day_0}"
        if now < starts(day, zone):
            yield f"debt {debt.no} is not past due before {day}"
        if debt.open <= policy.tolerance_minor.get(debt.currency, 0):
            yield f"debt {debt.no} is within the tolerance"

    def _within_tolerance(self, fact: f.WithinTolerance, r: f.Recorded) -> Said:
        policy, _ = self.terms(None, "")
        for no in fact.debts:
            debt = self.debts[no]
            debt.day_0, debt.forced = None, None
            if debt.open > policy.tolerance_minor.get(debt.currency, 0):
                yield f"debt {no} is more than the tolerance"
            self._paid(BookDebt(debt.no, debt.currency, 0, debt.due, debt.subs, day_0=debt.due))

    def _date_moved(self, fact: f.DateMoved, r: f.Recorded) -> Said:
        sub = self.subs[fact.subscription]
        before = sub.told.get(fact.action.value)
        sub.told[fact.action.value] = fact.on
        for hold in self.placing:
            if hold.scope == "debt" or fact.action.value in hold.stops:
                sent = [w for w in sub.warned if w.action == fact.action.value and not w.void]
                hold.moved += [w for w in sent if w.named < fact.on]
        if before is not None and fact.on < before:
            yield f"{fact.action.value} of {sub.no} was promised for {before}, and moves to {fact.on}"

    def _restricted(self, fact: f.Restricted, r: f.Recorded) -> Said:
        sub = self.subs[fact.subscription]
        yield from self._cut(sub, RESTRICT, fact.on, r.at)
        _, zone = self.terms(sub, RESTRICT)
        sub.state, sub.entered, sub.cut = "restricted", self._entered(fact.on, r.at, zone), True
        sub.paid_since_stop = False

    def _disabled(self, fact: f.Disabled, r: f.Recorded) -> Said:
        sub = self.subs[fact.subscription]
        yield from self._cut(sub, DISABLE, fact.on, r.at)
        if not sub.cut:
            sub.paid_since_stop = False
        sub.state, sub.cut = "disabled", True
        sub.end = BookEnd(fact.terms.policy, fact.terms.zone, fact.on, r.at, fact.order_no, canceled=False)
        sub.warned, sub.told, sub.deferred = [], {}, set()

    @staticmethod
    def _entered(on: date, at: datetime, zone: str) -> date:
        today = local_day(at, zone)
        return today if today > on + DAY else on

    def _cut(self, sub: BookSubscription, action: str, on: date, at: datetime) -> Said:
        wanted, label = self.due_day(sub, action, at), f"{action} of {sub.no} on {on}"
        if self.next_action(sub) != action:
            yield f"{label}: its next stage is {self.next_action(sub)}"
        if not self.free(sub, action, at):
            yield f"{label}: it is held, or too little is owed"
        if self.in_doubt():
            yield f"{label}: in doubt ({', '.join(sorted(self.in_doubt()))})"
        if wanted is None:
            yield f"{label}: nothing leads to it (plan {self.plan(sub, action, at)}, {sub.counting(action)})"
            return
        exact = max(wanted, sub.told.get(action, wanted))
        if on < wanted:
            yield f"{label}: EARLY, not before {wanted}"
        elif on != exact:
            yield f"{label}: not on {exact}"
        _, zone = self.terms(sub, action)
        if at < ends(on, zone):
            yield f"{label}: EARLY, the day is not over"
        yield from self._on_a_day_off(sub, action, at, label)

    def _on_a_day_off(self, sub: BookSubscription, action: str, at: datetime, label: str) -> Said:
        yesterday = local_day(at, self.terms(sub, action)[1]) - DAY
        if self.free_day(sub, action, yesterday) != yesterday:
            yield f"{label}: done on or before a day off, on {at}"

    def _deferred(self, fact: f.Deferred, r: f.Recorded) -> Said:
        sub = self.subs[fact.subscription]
        sub.deferred.add(fact.action.value)
        if not self.in_doubt():
            yield f"{fact.action.value} of {sub.no} waits, and nothing is in doubt"

    def _warnings_lapsed(self, fact: f.WarningsLapsed, r: f.Recorded) -> Said:
        sub, action = self.subs[fact.subscription], fact.action.value
        policy, _ = self.terms(sub, action)
        debts = self.naming(sub) if action == DELETE else self.owed_for(sub)
        if debts and self.enough(sub, policy) and "canceled" not in sub.reasons:
            yield f"the warnings of {action} of {sub.no} lapse, and enough is owed"
        sub.lapse(action)

    def _resumed(self, fact: f.Resumed, r: f.Recorded) -> Said:
        sub = self.subs[fact.subscription]
        owed = self.owed_for(sub)
        if not fact.keeps_past_due:
            if any(not self._asks_nothing(d, r.at) for d in owed) and not self._not_its_own(sub):
                yield f"{sub.no} is resumed, and owes"
            sub.reasons.discard("past_due")
        elif sub.cut and any(not self._asks_nothing(d, r.at) for d in owed):
            yield f"{sub.no} is resumed, and owes what is not held"
        elif sub.cut and not sub.paid_since_stop:
            yield f"{sub.no} is resumed, and nothing was paid since it stopped"
        sub.state = fact.after.value
        sub.cut = sub.paid_since_stop = False
        interrupted = sub.interrupted if sub.state == "past_due" and sub.end is not None else None
        if interrupted is not None and sub.end is not None:
            self._keeps_its_stage(sub, sub.end, interrupted, fact, r)
            return
        sub.interrupted = None
        if fact.order_no or fact.after.value in ("active", "past_due"):
            if sub.end is not None:
                sub.generation += 1
            sub.end = None
            sub.warned, sub.told, sub.deferred = [], {}, set()
        if fact.keeps_past_due:
            sub.entered = local_day(r.at, self.day_zone)

    def _asks_nothing(self, debt: BookDebt, now: datetime) -> bool:
        """Held; also by a promise to pay whose day is over, while nobody can say what became of it (record 72)."""
        unseen = [h for h in self.holds.values() if h.promised and h.ended is None and h.target == debt.no]
        return self.held(debt, now) or unseen != []

    def _keeps_its_stage(
        self, sub: BookSubscription, end: BookEnd, stopped: date, fact: f.Resumed, r: f.Recorded
    ) -> None:
        """It never ceased to be past due, so it is in the stage that it was in, and what was said of that counts. Whole
        days without the service are no days of it; once its day is over the service had ended (record 74)."""
        back = local_day(r.at, end.zone)
        assert sub.entered is not None
        sub.entered += sum(stopped < stopped + n * DAY < back for n in range((back - stopped).days)) * DAY
        if r.at >= ends(stopped, end.zone):
            sub.generation += 1
            sub.told.pop(DELETE, None)
            sub.warned = [w for w in sub.warned if w.action != DELETE]
        sub.end, sub.interrupted = None, None

    def _not_its_own(self, sub: BookSubscription) -> bool:
        return not self.naming(sub)

    def _case_ended(self, fact: f.CaseEnded, r: f.Recorded) -> Said:
        if fact.outcome.value == "ended_deleted":
            if not any(s.end is not None and s.end.ordered for s in self.subs.values()):
                yield "the case ends by a deletion that was not ordered"
            for debt in self.past_due():
                debt.ended = True
        elif self.past_due():
            yield "the case ends, and something is past due"
        self.case = None

    # -- deletion --------------------------------------------------------------------------------------------------

    def _deletion_scheduled(self, fact: f.DeletionScheduled, r: f.Recorded) -> Said:
        sub = self.subs[fact.subscription]
        yield from self._cut(sub, DELETE, fact.on, r.at)
        if sub.end is not None:
            sub.end.scheduled = r.at

    def _deletion_unscheduled(self, fact: f.DeletionUnscheduled, r: f.Recorded) -> None:
        end = self.subs[fact.subscription].end
        if end is not None:
            end.scheduled = None

    def _deletion_ordered(self, fact: f.DeletionOrdered, r: f.Recorded) -> Said:
        sub = self.subs[fact.subscription]
        end = sub.end
        if end is None or end.scheduled is None:
            yield f"{sub.no} is ordered to be deleted, and that was not scheduled"
            return
        policy, _ = self.terms(sub, DELETE)
        if r.at < end.scheduled + timedelta(hours=max(24, policy.delete_cool_off_hours)):
            yield f"{sub.no}: EARLY, its deletion has not cooled off"
        if not self.free(sub, DELETE, r.at):
            yield f"{sub.no} is ordered to be deleted: it is held, or too little is owed"
        if self.in_doubt():
            yield f"{sub.no} is ordered to be deleted in doubt"
        yield from self._on_a_day_off(sub, DELETE, r.at, f"{sub.no} is ordered to be deleted")
        day = self.due_day(sub, DELETE, r.at)
        if day is None or r.at < ends(day, end.zone):
            yield f"{sub.no} is ordered to be deleted: EARLY, not before {day}"
        end.ordered = True
        sub.state = "deleted"

    # -- notices ---------------------------------------------------------------------------------------------------

    def _noticed(self, fact: f.Noticed, r: f.Recorded) -> Said:
        zone = self.day_zone
        if not fact.at_once:
            policy, _ = self.terms(None, "")
            if fact.on in self.noticed:
                yield f"a second message on {fact.on}"
            self.noticed.add(fact.on)
            zones = {zone} | {s.end.zone for s in self.subs.values() if s.end is not None}
            hours = {policy.notice_at} | {self.policies[s.end.policy].notice_at for s in self.subs.values() if s.end}
            early = all(r.at < morning(local_day(r.at, z), min(hours), z) for z in zones)
            if early and not fact.each(f.Told):
                yield f"a message on {fact.on} before its hour"
        for part in fact.each(f.Warning):
            yield from self._warning(part, r)
        for reminder in fact.each(f.Reminder):
            for one in reminder.debts:
                yield from self._reminded(one, r)

    def _warning(self, part: f.Warning, r: f.Recorded) -> Said:
        sub, action = self.subs[part.subscription], part.action.value
        _, zone = self.terms(sub, action)
        today = local_day(r.at, zone)
        label = f"warning {part.step} of {action} of {sub.no} for {part.promised_on}"
        exact = self.announced_day(sub, action, r.at)
        if not self.free(sub, action, r.at):
            yield f"{label}: it is held, or too little is owed"
        if {"attempt", "bank_credit"} & {kind for kind, _ in self.doubts}:
            yield f"{label}: in doubt"
        given = {w.named for w in sub.warned if (w.action, w.step) == (action, part.step)}
        while exact in given:
            exact = self.free_day(sub, action, exact + DAY)  # A warning is unique for its step and date.
        if exact is None:
            yield f"{label}: nothing lies ahead"
        elif part.promised_on != exact:
            yield f"{label}: it is {exact}"
        warned = BookWarning(r.seq, sub.no, part.generation, action, part.step, part.promised_on, today)
        sub.warned.append(warned)
        self.sent.setdefault(r.seq, []).append(warned)

    def _reminded(self, one: f.RemindedDebt, r: f.Recorded) -> Said:
        debt = self.debts.get(one.debt)
        label = f"reminder {one.step} of debt {one.debt}"
        if debt is None or debt.day_0 is None:
            yield f"{label}: it is not past due"
            return
        if one.step in debt.reminded:
            yield f"{label}: the same once more"
        debt.reminded |= {one.step, *one.skipped}
        if self.held(debt, r.at) or any(
            h.active(r.at, self.day_zone) and h.scope == "account" and "remind" in h.stops for h in self.holds.values()
        ):
            yield f"{label}: it is held"
        if {"attempt", "bank_credit"} & {kind for kind, _ in self.doubts}:
            yield f"{label}: in doubt"
        today = local_day(r.at, self.day_zone)
        days = self.counted_days(debt, None, "remind", today, r.at)
        before = debt.known and [h for h in self.holds.values() if (h.end(self.day_zone) or r.at) <= debt.known]
        # A hold that was over before anybody had heard of the invoice keeps no reminder of it back (record 36).
        if one.step and days < one.step and not before:
            yield f"{label}: EARLY, on day {days}"

    # -- after a run -----------------------------------------------------------------------------------------------

    def ran(self, now: datetime) -> Said:
        """Whatever must have happened by now has happened."""
        for sub in self.subs.values():
            yield from self._left_undone(sub, now)
        for debt in self.past_due():
            yield from self._not_reminded(debt, now)
        for number, one in self.promises.items():
            if now > ends(one.left[0][0], self.day_zone) and not self.doubts:
                yield f"{now}: nobody has looked at what was promised for {one.left[0][0]} in promise {number}"
            elif self._promised_minor(one) <= one.left[0][1]:
                yield f"{now}: the next part of promise {number} is paid, and nothing says so"

    def _not_reminded(self, debt: BookDebt, now: datetime) -> Said:
        """Every debt gets its own first reminder, also while a case is open: by the first morning on which nothing
        keeps it back."""
        stopping = [h for h in self.holds.values() if "remind" in h.stops and h.active(now, self.day_zone)]
        of = {h.target for h in stopping if h.scope == "subscription"}
        kept = any(h.scope == "account" for h in stopping) or (bool(debt.subs) and of.issuperset(debt.subs))
        policy, _ = self.terms(None, "")
        if kept or debt.reminded or self.doubts or self.held(debt, now) or 0 not in policy.remind_days:
            self.unreminded.pop(debt.no, None)
            return
        since, day = self.unreminded.setdefault(debt.no, now), local_day(now, self.day_zone)
        hour = morning(day, policy.notice_at, self.day_zone)
        # What is late leaves until 21:00, else at the next morning.
        if since < hour <= now < morning(day, LATEST, self.day_zone) and day not in self.noticed:
            yield f"{now}: nobody is reminded of debt {debt.no}, past due since {debt.day_0}"

    def _left_undone(self, sub: BookSubscription, now: datetime) -> Said:
        action = self.next_action(sub)
        owed = self.owed_for(sub)
        if "past_due" in sub.reasons and not owed and sub.state != "deleted":
            yield f"{sub.no} is past due, and nothing is"
        if action is None or not self.free(sub, action, now):
            self.unwarned = {key: at for key, at in self.unwarned.items() if key[0] != sub.no}
            return
        if action != DELETE and ("canceled" in sub.reasons or sub.end is not None):
            return
        policy, zone = self.terms(sub, action)
        day = self.due_day(sub, action, now)
        if day is not None and not self.in_doubt():
            day = max(day, sub.told.get(action, day))
            scheduled = action == DELETE and sub.end is not None and sub.end.scheduled is not None
            yesterday = local_day(now, zone) - DAY
            rests = self.free_day(sub, action, yesterday) != yesterday
            if ends(day, zone) <= now and not scheduled and not rests:
                yield f"{now}: {action} of {sub.no} is due since {day}, and was not done"
        yield from self._unwarned(sub, action, now, policy, zone)

    def _unwarned(self, sub: BookSubscription, action: str, now: datetime, policy: Policy, zone: str) -> Said:
        """After its morning, who has nothing that counts has been warned again once the plan has come."""
        plan, today = self.plan(sub, action, now), local_day(now, zone)
        if plan is None or sub.counting(action) or self.doubts or action in sub.deferred:
            self.unwarned.pop((sub.no, action), None)
            return
        if max(plan, sub.told.get(action, plan)) > today:
            return
        held = [d.no for d in self.owed_for(sub) if self.held(d, now)]
        if any(self.plan(sub, action, now, without=no) != plan for no in held):
            return  # The hold on a debt keeps back the warnings that follow it.
        kept = today + timedelta(days=self.lead(policy, action))
        if any(w.action == action and not w.void and w.named >= kept for w in sub.warned):
            # A day that a day off has put later can still be kept: it is not named twice.
            self.unwarned.pop((sub.no, action), None)
            return
        since = self.unwarned.setdefault((sub.no, action), now)
        hour = max(policy.notice_at, self.terms(None, "")[0].notice_at)
        # One message a day of the account, whose zone may by now be another than that of the service end.
        day = local_day(now, self.day_zone)
        mornings = morning(today, hour, zone), morning(day, hour, self.day_zone)
        late = morning(day, LATEST, self.day_zone)
        if since < min(mornings) and max(mornings) <= now < late and day not in self.noticed:
            yield f"{now}: nobody is warned of the {action} of {sub.no}, planned for {plan}"


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
