"""What the oracle takes from outside as it is told: money, holds, doubts, cancellations, and what became of mail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta

from tests.oracle.book import (
    DELETE,
    DISABLE,
    RESTRICT,
    BookDebt,
    BookEnd,
    BookHold,
    BookPromise,
    BookSubscription,
    BookWarning,
)
from tests.oracle.days import DAY, ends, local_day
from tests.oracle.ladder import TextLadder

from arrears.core import facts as f
from arrears.core.policy import Policy

Said = Iterator[str]


class Outside(TextLadder):
    """One method a kind of fact; what they yield is not as the text says."""

    def __init__(self, policies: Mapping[str, Policy]) -> None:
        super().__init__(policies)
        self.sent: dict[int, list[BookWarning]] = {}
        self.promises: dict[int, BookPromise] = {}
        self.placing: list[BookHold] = []
        """Holds of which nothing has followed but that days moved."""

    # -- from outside ----------------------------------------------------------------------------------------------

    def _account_opened(self, fact: f.AccountOpened, r: f.Recorded) -> None:
        self.policy, self.zone = fact.terms.policy, fact.terms.zone

    _terms_changed = _account_opened

    def _subscription_added(self, fact: f.SubscriptionAdded, r: f.Recorded) -> None:
        self.subs[fact.subscription] = BookSubscription(fact.subscription)

    def _invoice_issued(self, fact: f.InvoiceIssued, r: f.Recorded) -> None:
        d = fact.debt
        self.debts[d.no] = BookDebt(d.no, d.currency, d.open_minor, d.due_on, d.subscriptions, known=r.at)

    def _less(self, parts: Iterable[tuple[int, int]], at: datetime) -> None:
        for no, minor in parts:
            debt = self.debts.get(no)
            if debt is None:
                continue
            debt.open -= minor
            if debt.open <= 0:
                del self.debts[no]
                for hold in self.on_debt(no):
                    hold.gone = at
                self._paid(debt)

    def _paid(self, debt: BookDebt) -> None:
        if debt.day_0 is None:
            return
        wide = self.case is not None and self.policies[self.case.policy].scope == "account"
        for sub in self.subs.values():
            if sub.no in debt.subs or wide:
                sub.paid_since_stop = sub.paid_since_stop or sub.cut

    def _payment_booked(self, fact: f.PaymentBooked, r: f.Recorded) -> None:
        self._less(((a.debt, a.minor) for a in fact.allocations), r.at)

    def _credit_allocated(self, fact: f.CreditAllocated, r: f.Recorded) -> None:
        self._less(((a.debt, a.minor) for a in fact.allocations), r.at)

    def _invoice_credited(self, fact: f.InvoiceCredited, r: f.Recorded) -> None:
        self._less([(fact.debt, fact.minor - fact.credit_minor)], r.at)

    def _written_off(self, fact: f.WrittenOff, r: f.Recorded) -> None:
        self._less([(fact.debt, fact.minor)], r.at)

    def _charge_declined(self, fact: f.ChargeDeclined, r: f.Recorded) -> None:
        for no in fact.debts:
            debt = self.debts.get(no)
            if debt is not None and debt.day_0 is None:
                # Within the tolerance it made nothing past due; of several the newest counts (record 36).
                debt.forced = fact.on

    def _debt_reopened(self, fact: f.DebtReopened, r: f.Recorded) -> Said:
        today = local_day(r.at, self.day_zone)
        found = self.debts.pop(fact.debt.no, None)
        open_before = 0 if found is None else found.open
        d = fact.debt
        for hold in self.on_debt(d.no):
            hold.gone = None
        self.debts[d.no] = BookDebt(d.no, d.currency, open_before + fact.minor, d.due_on, d.subscriptions, forced=today)
        yield from ()

    def _due_moved(self, fact: f.DueMoved, r: f.Recorded) -> None:
        debt = self.debts.get(fact.debt)
        if debt is not None:
            debt.due, debt.day_0, debt.forced = fact.due_on, None, None
        self._nothing_goes_on()

    def _nothing_goes_on(self) -> None:
        """Days may have moved meanwhile: whoever is stopped for something else is warned anew."""
        for sub in self.subs.values():
            sub.interrupted = None

    def _canceled(self, fact: f.Canceled, r: f.Recorded) -> None:
        self._stopped(fact.subscription, "canceled", fact.on, fact.terms, fact.order_no, r)

    def _reason_set(self, fact: f.ReasonSet, r: f.Recorded) -> None:
        self._stopped(fact.subscription, fact.reason.value, fact.on, fact.terms, fact.order_no, r)

    def _stopped(self, no: int, reason: str, on: date, terms: object, order_no: int, r: f.Recorded) -> None:
        sub = self.subs[no]
        sub.reasons.add(reason)
        if sub.end is None or reason == "canceled":
            # Who cancels what is stopped has a service end of its own from that day, and is warned anew.
            order_no = order_no or (sub.end.order_no if sub.end is not None else 0)
            if sub.end is None:
                sub.interrupted = on if sub.state == "past_due" else None
            sub.lapse(*((DELETE,) if sub.interrupted else (RESTRICT, DISABLE, DELETE)))
            # A restriction for debt is overtaken: when this reason is lifted, its ladder begins again.
            sub.cut = sub.cut and sub.end is not None
            policy, zone = terms.policy, terms.zone  # type: ignore[attr-defined]
            sub.end = BookEnd(policy, zone, on, r.at, order_no, canceled=reason == "canceled")
            sub.end.ended_on = on if reason == "canceled" else None
            sub.state = "disabled"

    def _reactivated(self, fact: f.Reactivated, r: f.Recorded) -> None:
        self.subs[fact.subscription].reasons.discard("canceled")

    def _reason_lifted(self, fact: f.ReasonLifted, r: f.Recorded) -> None:
        self.subs[fact.subscription].reasons.discard(fact.reason.value)

    def _hold_placed(self, fact: f.HoldPlaced, r: f.Recorded) -> None:
        h = fact.hold
        stops = frozenset(s.value for s in h.stops)
        told = {(sub.no, action): on for sub in self.subs.values() for action, on in sub.told.items()}
        placed = BookHold(h.no, h.scope.value, h.target, stops, h.from_at, h.until, told=told)
        placed.promised = bool(h.arrangement)
        placed.names = self.debts[h.target].subs if placed.scope == "debt" else ()
        self.holds[h.no] = placed
        self.placing.append(placed)

    def _hold_ended(self, fact: f.HoldEnded, r: f.Recorded) -> None:
        hold = self.holds[fact.hold]
        # Released early, it has moved what was promised to where its last day would have put it.
        found = set() if hold.until is None else self._ended_by(hold, r.at)
        hold.ended = r.at
        found |= self._ended_by(hold, r.at) | self._still_moved(hold, r.at)
        for no, action in found:
            # Also what was accepted in that very instant: the journal has it before the end.
            self.subs[no].void(action, (hold.end(self.day_zone) or r.at) + timedelta(microseconds=1))
        self._nothing_goes_on()

    def _arrangement_made(self, fact: f.ArrangementMade, r: f.Recorded) -> None:
        made = fact.arrangement
        sums = [part.minor for part in made.parts]
        left = [(part.on, sum(sums[place + 1 :])) for place, part in enumerate(made.parts)]
        self.promises[made.no] = BookPromise(made.debts, left)

    def _promised_minor(self, one: BookPromise, *, now: datetime | None = None) -> int:
        """What is past due of what is promised; with `now` without what something else keeps from being asked for."""
        holds = [h for h in self.holds.values() if h.scope == "debt" and not h.promised]
        disputed = {h.target for h in holds if now is not None and h.ended is None}
        debts = [self.debts[no] for no in one.debts if no in self.debts and no not in disputed]
        return sum(debt.open for debt in debts if debt.day_0 is not None)

    def _arrangement_kept(self, fact: f.ArrangementKept, r: f.Recorded) -> Said:
        one = self.promises[fact.arrangement]
        over = r.at >= ends(one.left[0][0], self.day_zone)
        if self._promised_minor(one, now=r.at if over else None) > one.left[fact.kept - one.kept - 1][1]:
            yield f"promise {fact.arrangement} is not kept"
        done = fact.kept - one.kept
        one.left, one.kept = one.left[done:], fact.kept
        if not one.left:
            del self.promises[fact.arrangement]

    def _arrangement_ended(self, fact: f.ArrangementEnded, r: f.Recorded) -> Said:
        """Whoever had promised is warned anew; broken it is when its day is over and its part is not there."""
        one = self.promises.pop(fact.arrangement)
        if fact.broken and r.at < ends(one.left[0][0], self.day_zone):
            yield f"promise {fact.arrangement} is broken EARLY, on {local_day(r.at, self.day_zone)}"
        if fact.broken and self._promised_minor(one, now=r.at) <= one.left[0][1]:
            yield f"promise {fact.arrangement} is broken, and its part is paid"
        for sub in self.subs.values():
            for action in (RESTRICT, DISABLE, DELETE) if {d.no for d in self.owed_for(sub)} & {*one.debts} else ():
                sub.void(action, r.at + timedelta(microseconds=1))

    def _still_moved(self, hold: BookHold, now: datetime) -> set[tuple[int, str]]:
        """What it moved when it was placed, where that is still the first warning that counts and its day is no longer
        the one it named. A hold on a debt that has been paid since holds nothing any more."""
        found = set()
        for warned in hold.moved:
            sub = self.subs[warned.sub]
            owed = hold.scope != "debt" or hold.target in {d.no for d in self.owed_for(sub)}
            plan = self.plan(sub, warned.action, now)
            later = plan is not None and plan > warned.named
            counting = sub.counting(warned.action)
            known = any(one.named == plan for one in counting)  # The very day, and it stays: nothing to take back.
            if owed and later and not known and counting[:1] == [warned]:
                found.add((sub.no, warned.action))
        return found

    def _ended_by(self, hold: BookHold, now: datetime) -> set[tuple[int, str]]:
        """What its end takes with it, also inside another hold without an end: there is no day at all in that, and
        this one has moved it all the same."""
        self.ending = hold.no
        open_ended = [h for h in self.holds.values() if h.end(self.day_zone) is None]
        self._plans.clear()
        found = set(self._stale(hold, now))
        found |= set(self._kept_inside(hold, now)) if open_ended else set()
        for other in open_ended:
            other.ended = now
        self._plans.clear()
        found |= set(self._stale(hold, now))
        for other in open_ended:
            other.ended = None
        self._plans.clear()
        self.ending = 0
        return found

    def _stale(self, hold: BookHold, now: datetime) -> Iterator[tuple[int, str]]:
        for sub in self.subs.values():
            yield from ((sub.no, a) for a in (RESTRICT, DISABLE, DELETE) if self._moved(hold, sub, a, now))

    def _moved(self, hold: BookHold, sub: BookSubscription, action: str, now: datetime) -> bool:
        """Whether the day that was promised before the hold has moved by it."""
        counting = sub.counting(action)
        if not counting:
            return False
        if not self._concerned(hold, sub, action):
            return False
        after, before = self.plan(sub, action, now), self._freely(hold, sub, action, now)
        if after is None:
            return False
        told, first = sub.told.get(action), counting[0]
        # By the clocks alone: what was warned of is then an earlier day than what happens, and stays true (record 36).
        if after > first.named and told is not None and told > hold.told.get((sub.no, action), date.min):
            after = max(after, told)
        lead = self._lead_over(sub, first)
        if after > max(first.named, lead) and (before is None or after > before):
            return True
        return self._kept_back(hold, max(after, first.named, lead), sub, action, now)

    def _kept_inside(self, hold: BookHold, now: datetime) -> Iterator[tuple[int, str]]:
        """Where another one leaves no day at all: it stood at or after the day that was warned of, and that a doubt had
        let the stage before wait by then makes no difference (record 77)."""
        for sub, action in ((s, a) for s in self.subs.values() for a in (RESTRICT, DISABLE, DELETE)):
            counting = sub.counting(action)
            if counting and self.plan(sub, action, now) is None and self._concerned(hold, sub, action):
                first = counting[0]
                if self._kept_back(hold, max(first.named, self._lead_over(sub, first)), sub, action, now):
                    yield sub.no, action

    def _concerned(self, hold: BookHold, sub: BookSubscription, action: str) -> bool:
        mine = hold.scope == "debt" and hold.target in {d.no for d in self.owed_for(sub)}
        return mine or (action in hold.stops and self._concerns(hold, sub))

    def _lead_over(self, sub: BookSubscription, first: BookWarning) -> date:
        policy, zone = self.terms(sub, first.action)
        assert first.accepted is not None
        lead = local_day(first.accepted, zone) + timedelta(days=self.lead(policy, first.action))
        return self.free_day(sub, first.action, lead)

    def _freely(self, hold: BookHold, sub: BookSubscription, action: str, now: datetime) -> date | None:
        """The plan without any hold: of two that overlap neither moves anything by itself. Of the days that were told,
        those of before this hold: what was told later while it lasted may be its doing (record 36)."""
        holds, self.holds = self.holds, {}
        told, sub.told = sub.told, {a: hold.told[sub.no, a] for a in sub.told if (sub.no, a) in hold.told}
        self._plans.clear()
        plan = self.plan(sub, action, now)
        self.holds, sub.told = holds, told
        self._plans.clear()
        return plan

    def _kept_back(self, hold: BookHold, day: date, sub: BookSubscription, action: str, now: datetime) -> bool:
        """Whether it stood at the end of the day on which the action would have come, or came while that waited."""
        if hold.scope == "debt":
            others = self.plan(sub, action, now, without=hold.target)
            if hold.target not in {d.no for d in self.owed_for(sub)} or (others is not None and others <= day):
                return False
        elif not (action in hold.stops and self._concerns(hold, sub)):
            return False
        end = hold.end(self.day_zone)
        return end is not None and end > ends(day, self.day_zone)

    def _doubt_raised(self, fact: f.DoubtRaised, r: f.Recorded) -> None:
        self.doubts.add((fact.doubt.value, fact.ref))

    def _doubt_cleared(self, fact: f.DoubtCleared, r: f.Recorded) -> None:
        self.doubts.discard((fact.doubt.value, fact.ref))
        self.doubt_gone(r.at)

    def doubt_gone(self, now: datetime) -> None:
        """A doubt that was present at a deadline voids the warnings accepted before its end."""
        if self.in_doubt():
            return
        for sub in self.subs.values():
            for action in sub.deferred:
                sub.void(action, now)
            sub.deferred = set()

    def _order_acknowledged(self, fact: f.OrderAcknowledged, r: f.Recorded) -> Said:
        sub = self.subs[fact.subscription]
        end = sub.end
        if end is None or end.order_no != fact.order_no or end.canceled or fact.order != "disable":
            return
        done = local_day(r.at, end.zone)
        end.ended_on = end.on if r.at < ends(end.on + DAY, end.zone) else max(done, local_day(end.recorded, end.zone))
        if fact.ended_on != end.ended_on:
            yield f"service {sub.no} ended on {end.ended_on}, not on {fact.ended_on}"

    # -- mail ------------------------------------------------------------------------------------------------------

    def _notice_accepted(self, fact: f.NoticeAccepted, r: f.Recorded) -> None:
        for warned in self.sent.get(fact.notice, ()):
            if warned.sub not in fact.left_out:
                self._heard(warned, r.at)

    def _heard(self, warned: BookWarning, at: datetime) -> None:
        """The lead runs from the first time that it counted, and does so still. What somebody was told is promised and
        comes no earlier any more, also where its step had named the planned day before and so named the day after."""
        if warned.accepted is None or warned.lost:
            warned.accepted, warned.lost = at, False
        sub = self.subs[warned.sub]
        if not warned.void and warned.generation == sub.generation:
            sub.told[warned.action] = max(warned.named, sub.told.get(warned.action, warned.named))

    def _warned_otherwise(self, fact: f.WarnedOtherwise, r: f.Recorded) -> None:
        for warned in self.sent.get(fact.notice, ()):
            if (warned.sub, warned.action) == (fact.subscription, fact.action.value):
                warned.spoken = warned.spoken or not warned.counts
                self._heard(warned, r.at)

    def _notice_failed(self, fact: f.NoticeFailed, r: f.Recorded) -> None:
        for warned in self.sent.get(fact.notice, ()):
            warned.failed = True

    def _recipients_changed(self, fact: f.RecipientsChanged, r: f.Recorded) -> None:
        self._lose(fact.lost, spoken=fact.replaced)

    def _notice_bounced(self, fact: f.NoticeBounced, r: f.Recorded) -> None:
        self._lose(fact.lost, spoken=False)

    def _lose(self, notices: Iterable[int], *, spoken: bool) -> None:
        """What came back counts no more; what a person was told does, unless somebody else is told now."""
        for seq in notices:
            for warned in self.sent.get(seq, ()):
                warned.lost = warned.lost or spoken or not warned.spoken
