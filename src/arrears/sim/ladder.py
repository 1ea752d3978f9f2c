"""A second, plainer reading of the ladder (spec, section 3), written from its text: on which day an action may happen.

It reads the facts in order and counts days one by one. It knows nothing of the rules that decide, of their order or of
what they keep; where the two name different days one of them is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Final

from msgspec.structs import replace

from arrears.core import facts as f
from arrears.core.account import Action, Hold, HoldScope, Stop, Terms
from arrears.core.calendar import Calendar, calendar_of
from arrears.core.policy import ClockScope, Policy
from arrears.core.states import State
from arrears.sim.ladder_days import HeldTimes, allowed_day, numbered_day
from arrears.sim.ladder_values import Announced, OwedDebt, Used

ONE_DAY: Final = timedelta(days=1)


class Ladder:
    """The facts of one account so far, and what they allow."""

    def __init__(self, policies: Mapping[str, Policy]) -> None:
        self.policies = policies
        self.terms = Terms("", "UTC")
        self.case: Terms | None = None
        self.debts: dict[int, OwedDebt] = {}
        self.subs: dict[int, Used] = {}
        self.holds: dict[int, Hold] = {}
        self.gone: dict[int, datetime] = {}
        """Since when nothing is open any more of a debt."""
        self.promised: dict[int, tuple[int, ...]] = {}
        self.warnings: list[Announced] = []
        self.found: list[str] = []

    # -- days ------------------------------------------------------------------------------------------------------

    def spans(self, stop: Stop, sub: Used, debt: OwedDebt | None) -> HeldTimes:
        """When this was held for this subscription because of this debt."""
        calendar, found = calendar_of((self.case or self.terms).zone), []
        for hold in self.holds.values():
            on = {
                HoldScope.ACCOUNT: True,
                HoldScope.SUBSCRIPTION: hold.target == sub.no,
                HoldScope.DEBT: debt is not None and hold.target == debt.no,
            }
            if stop in hold.stops and on[hold.scope]:
                last = None if hold.until is None else calendar.end_of_day(hold.until)
                found.append((hold.from_at, hold.ended_at or last))
        return found

    def spans_through_others(self, sub: Used, leads: OwedDebt | None) -> HeldTimes:
        """When deletion was held by holds on other debts that named it, before the one that leads to it was past due;
        where none does, on what is not owed any more, as long as it was."""
        calendar, found = calendar_of((self.case or self.terms).zone), []
        for hold in self.holds.values():
            gone = self.gone.get(hold.target)
            if sub.no not in hold.named or (gone is None if leads is None else hold.target == leads.no):
                continue
            last = None if hold.until is None else calendar.end_of_day(hold.until)
            first = None if leads is None or leads.day_0 is None else calendar.start_of_day(leads.day_0)
            ends = [at for at in (hold.ended_at or last, gone, first) if at is not None]
            if not ends or hold.from_at < min(ends):
                found.append((hold.from_at, min(ends, default=None)))
        return found

    def debts_of(self, sub: Used, *, named: bool = False) -> list[OwedDebt]:
        """The past-due debts whose clock a subscription follows, or those that name it."""
        wide = self.policy.scope is ClockScope.ACCOUNT and not named
        past_due = [d for d in self.debts.values() if d.open > 0 and d.day_0 is not None and not d.ended]
        return [d for d in past_due if wide or sub.no in d.subscriptions]

    @property
    def policy(self) -> Policy:
        """The version that the running case keeps."""
        return self.policies[(self.case or self.terms).policy]

    def allowed(self, sub: Used, action: Action, floor: Iterable[date], *, held: bool = True) -> date | None:
        """The day of an action: the latest of the debt's day, the stage's days, and `floor`, outside every hold."""
        policy, calendar, start = self.policy, calendar_of((self.case or self.terms).zone), sub.entered_on
        restrict, stop = policy.restrict_after_days or 0, Stop(action.value)
        days = policy.restrict_after_days if action is Action.RESTRICT else policy.disable_after_days
        dwell = days - restrict if sub.state is State.RESTRICTED and days is not None else days
        if action is Action.DELETE:
            assert sub.end is not None
            policy, calendar, start = self.policies[sub.end.policy], calendar_of(sub.end.zone), sub.ended_on
            dwell = policy.retention_days
            days = None if dwell is None else (policy.disable_after_days or 0) + dwell
        if start is None or days is None or dwell is None:
            return None
        debts, named = self.debts_of(sub), self.debts_of(sub, named=True)
        # A deletion follows what names it, by the clock of any: a day on which either was held counts for neither.
        pairs: list[tuple[OwedDebt | None, OwedDebt | None]] = [(leads, clock) for leads in named for clock in debts]
        if action is not Action.DELETE or not (named or sub.cut):
            pairs = [(debt, debt) for debt in debts]
        found: list[date | None] = []
        for leads, clock in pairs or ([] if sub.cut else [(None, None)]):
            spans = [*self.spans(stop, sub, leads), *self.spans(stop, sub, clock)]
            if action is Action.DELETE:
                spans += self.spans_through_others(sub, leads if named else None)
            spans = spans if held else []
            by_stage = numbered_day(start, dwell, spans, calendar)
            by_debt = (
                by_stage if clock is None or clock.day_0 is None else numbered_day(clock.day_0, days, spans, self._zone)
            )
            if by_debt is not None and by_stage is not None:
                found.append(allowed_day(max(by_debt, by_stage, *floor), spans, calendar, policy))
        return min([day for day in found if day is not None], default=None)

    @property
    def _zone(self) -> Calendar:
        return calendar_of((self.case or self.terms).zone)

    # -- warnings --------------------------------------------------------------------------------------------------

    def counting(self, sub: Used, action: Action) -> list[Announced]:
        """The warnings that count, the first that was accepted first."""
        since = sub.end_since if action is Action.DELETE else sub.since
        found = [
            w
            for w in self.warnings
            if (w.subscription, w.generation, w.action) == (sub.no, sub.generation, action)
            and w.seq > since
            and w.accepted_at is not None
            and not w.void
        ]
        return sorted(found, key=lambda w: (w.accepted_at, w.seq))

    def lead(self, sub: Used, warning: Announced) -> date:
        """The day on which its lead is over."""
        policy, calendar = self.policy, self._zone
        if warning.action is Action.DELETE and sub.end is not None:
            policy, calendar = self.policies[sub.end.policy], calendar_of(sub.end.zone)
        days = {
            Action.RESTRICT: policy.restrict_lead_days,
            Action.DISABLE: policy.disable_lead_days,
            Action.DELETE: policy.delete_lead_days,
        }
        assert warning.accepted_at is not None
        return calendar.local_day(warning.accepted_at) + timedelta(days=days[warning.action])

    def void(self, subscription: int, action: Action) -> None:
        """What was announced so far counts no more."""
        for warning in self.warnings:
            if warning.subscription == subscription and warning.action is action:
                warning.void = True

    # -- facts -----------------------------------------------------------------------------------------------------

    def read(self, recorded: f.Recorded) -> None:
        """One fact more; `found` says on which day an action happened that was not its day."""
        fact = recorded.fact
        match fact:
            case f.Restricted():
                self._acts(self.subs[fact.subscription], Action.RESTRICT, fact.on, recorded)
            case f.Disabled():
                self._acts(self.subs[fact.subscription], Action.DISABLE, fact.on, recorded)
            case f.DeletionScheduled():
                self._acts(self.subs[fact.subscription], Action.DELETE, fact.on, recorded)
            case f.HoldEnded():
                self._hold_ended(fact)
            case f.ArrangementMade(arrangement=made):
                self.promised[made.no] = made.debts
            case f.ArrangementEnded():
                self._promise_ended(self.promised[fact.arrangement])
            case _:
                pass
        self._money(fact, recorded.at)
        self._stages(fact, recorded)
        self._messages(fact, recorded)

    def _acts(self, sub: Used, action: Action, on: date, recorded: f.Recorded) -> None:
        what = f"fact {recorded.seq}: {action} of subscription {sub.no} on {on}"
        counting = self.counting(sub, action)
        if not counting:
            self.found.append(f"{what}: no warning counts")
            return
        told = sub.told.get(action, counting[0].on)
        day = self.allowed(sub, action, (told, self.lead(sub, counting[0])))
        if day != on:
            self.found.append(f"{what}: its day is {day}")

    def _hold_ended(self, fact: f.HoldEnded) -> None:
        """Judged as the hold stood: with its last day, where it is released before it."""
        hold = self.holds[fact.hold]
        before = dict(self.holds)
        moment = {no: h if h.until or h.ended_at else replace(h, ended_at=fact.at) for no, h in before.items()}
        for sub in self.subs.values():
            elsewhere = hold.scope is HoldScope.SUBSCRIPTION and hold.target != sub.no
            other = hold.scope is HoldScope.DEBT and hold.target not in [d.no for d in self.debts_of(sub)]
            for action in () if elsewhere or other else self._ahead(sub):
                counting = self.counting(sub, action)
                if not counting or Stop(action.value) not in hold.stops:
                    continue
                floor = (counting[0].on, self.lead(sub, counting[0]))
                freely = self.allowed(sub, action, floor, held=False)
                for holds in (moment, {**before, hold.no: moment[hold.no]}):
                    self.holds = holds
                    day = self.allowed(sub, action, floor)
                    if day is not None and freely is not None and day > freely:
                        self.void(sub.no, action)
                self.holds = before
        self.holds[hold.no] = replace(hold, ended_at=fact.at)
        self._days_moved()

    def _days_moved(self) -> None:
        for sub in self.subs.values():
            sub.goes_on = False

    def _promise_ended(self, debts: tuple[int, ...]) -> None:
        """Who had promised to pay these is warned anew of everything that lay ahead."""
        for sub in self.subs.values():
            for action in Action if any(debt.no in debts for debt in self.debts_of(sub)) else ():
                if self.counting(sub, action):
                    self.void(sub.no, action)

    def _ahead(self, sub: Used) -> tuple[Action, ...]:
        if sub.state is State.PAST_DUE:
            return (Action.DISABLE,) if self.policy.restrict_after_days is None else (Action.RESTRICT,)
        return {State.RESTRICTED: (Action.DISABLE,), State.DISABLED: (Action.DELETE,)}.get(sub.state, ())

    def _less(self, debt: int, minor: int, at: datetime) -> None:
        self.debts[debt].open -= minor
        if self.debts[debt].open <= 0:
            self.gone[debt] = at

    def _money(self, fact: f.AnyFact, at: datetime) -> None:
        match fact:
            case f.InvoiceIssued(debt=d):
                self.debts[d.no] = OwedDebt(d.no, d.subscriptions, d.open_minor)
            case f.PaymentBooked(allocations=parts) | f.CreditAllocated(allocations=parts):
                for part in parts:
                    self._less(part.debt, part.minor, at)
            case f.WrittenOff(debt=no, minor=minor):
                self._less(no, minor, at)
            case f.InvoiceCredited(debt=no, minor=minor, credit_minor=kept) if minor > kept:
                self._less(no, minor - kept, at)
            case f.DueMoved(debt=no, voided=voided):
                self.debts[no].day_0 = None
                for one in voided:
                    self.void(one.subscription, one.action)
                self._days_moved()
            case f.DebtReopened(debt=d):
                self.debts[d.no] = OwedDebt(d.no, d.subscriptions, d.open_minor)
                self.gone.pop(d.no, None)
            case f.WithinTolerance(debts=numbers):
                for no in numbers:
                    self.debts[no].day_0 = None
            case f.HoldPlaced(hold=hold):
                self.holds[hold.no] = hold
            case f.AccountOpened(terms=terms) | f.TermsChanged(terms=terms):
                self.terms = terms
            case f.SubscriptionAdded(subscription=no):
                self.subs[no] = Used(no)
            case _:
                pass

    def _stages(self, fact: f.AnyFact, recorded: f.Recorded) -> None:
        match fact:
            case f.BecamePastDue():
                self._past_due(fact, recorded)
            case f.Restricted(subscription=no, on=on):
                today = self._zone.local_day(recorded.at)
                self.subs[no].state, self.subs[no].entered_on = State.RESTRICTED, on if today <= on + ONE_DAY else today
            case f.Disabled(subscription=no, terms=terms):
                self._stopped(self.subs[no], terms, recorded.seq, None, cut=True)
            case f.Canceled(subscription=no, on=on, terms=terms):
                self._interrupted(self.subs[no], on)
                self._stopped(self.subs[no], terms, recorded.seq, on, cut=self.subs[no].cut)
            case f.ReasonSet(subscription=no, on=on, terms=terms, order_no=order):
                self._interrupted(self.subs[no], on)
                if self.subs[no].end is None:
                    self._stopped(self.subs[no], terms, recorded.seq, None if order else on, cut=False)
                self.subs[no].state = State.DISABLED
            case f.OrderAcknowledged(subscription=no, ended_on=ended_on) if ended_on is not None:
                self.subs[no].ended_on = ended_on
            case f.OrderAcknowledged(subscription=no, order="delete"):
                self.subs[no].state = State.DELETED
            case f.Resumed():
                self._resumed(self.subs[fact.subscription], fact, recorded)
            case f.CaseEnded(outcome=outcome):
                self.case = None
                for debt in self.debts.values():
                    debt.ended = debt.ended or (outcome.value == "ended_deleted" and debt.day_0 is not None)
            case _:
                pass

    def _past_due(self, fact: f.BecamePastDue, recorded: f.Recorded) -> None:
        self.case = fact.terms
        for part in fact.debts:
            self.debts[part.debt].day_0 = part.day_0
        first, today = min(part.day_0 for part in fact.debts), self._zone.local_day(recorded.at)
        for no in fact.subscriptions:
            sub = self.subs[no]
            if not sub.owing:
                sub.owing, sub.since, sub.goes_on = True, recorded.seq, False
                for action in (Action.RESTRICT, Action.DISABLE):
                    sub.told.pop(action, None)
            if sub.state is State.ACTIVE:
                sub.state, sub.entered_on = State.PAST_DUE, first if today <= first + ONE_DAY else today

    def _stopped(self, sub: Used, terms: Terms, seq: int, ended_on: date | None, *, cut: bool) -> None:
        sub.state, sub.cut, sub.end, sub.end_since, sub.ended_on = State.DISABLED, cut, terms, seq, ended_on

    @staticmethod
    def _interrupted(sub: Used, on: date) -> None:
        if sub.end is None:
            sub.goes_on, sub.stopped_on = sub.state is State.PAST_DUE, on

    def _resumed(self, sub: Used, fact: f.Resumed, recorded: f.Recorded) -> None:
        goes_on = sub.end is not None and sub.goes_on and fact.after is State.PAST_DUE
        if goes_on is not fact.goes_on:
            self.found.append(f"fact {recorded.seq}: the stage of subscription {sub.no} goes on: {goes_on}")
        if goes_on and sub.end is not None and sub.entered_on is not None:
            gone = (calendar_of(sub.end.zone).local_day(recorded.at) - sub.stopped_on).days
            sub.entered_on += timedelta(days=max(gone - 1, 0))
            if fact.entered_on != sub.entered_on:
                self.found.append(f"fact {recorded.seq}: the stage of subscription {sub.no} is of {sub.entered_on}")
            sub.state, sub.end, sub.ended_on, sub.goes_on = fact.after, None, None, False
            if gone:
                self._of_a_new_generation(sub)
            return
        sub.owing, sub.cut, sub.since, sub.goes_on = fact.keeps_past_due, False, recorded.seq, False
        for action in (Action.RESTRICT, Action.DISABLE):
            sub.told.pop(action, None)
        sub.state = fact.after
        if fact.after is not State.DISABLED:
            sub.generation += sub.end is not None
            sub.end, sub.ended_on = None, None
            sub.told.pop(Action.DELETE, None)
            sub.entered_on = fact.on if fact.after is State.PAST_DUE else None

    def _of_a_new_generation(self, sub: Used) -> None:
        sub.generation += 1
        sub.told.pop(Action.DELETE, None)
        for told in self.warnings:
            if told.subscription == sub.no and told.action is not Action.DELETE:
                told.generation = sub.generation

    def _heard(self, told: Announced, at: datetime) -> None:
        if told.accepted_at is not None:
            return
        told.accepted_at = at
        sub = self.subs[told.subscription]
        if told in self.counting(sub, told.action):
            sub.told[told.action] = max(told.on, sub.told.get(told.action, told.on))

    def _messages(self, fact: f.AnyFact, recorded: f.Recorded) -> None:
        match fact:
            case f.Noticed():
                for w in fact.each(f.Warning):
                    told = Announced(recorded.seq, w.subscription, w.generation, w.action, w.promised_on)
                    self.warnings.append(told)
            case f.NoticeAccepted(notice=seq, left_out=left_out):
                for told in self.warnings:
                    if told.seq == seq and told.subscription not in left_out:
                        self._heard(told, recorded.at)
            case f.WarnedOtherwise(notice=seq, subscription=no, action=action):
                for told in self.warnings:
                    if (told.seq, told.subscription, told.action) == (seq, no, action):
                        told.otherwise = told.accepted_at is None
                        self._heard(told, recorded.at)
            case f.NoticeBounced(lost=lost) | f.RecipientsChanged(lost=lost):
                replaced = isinstance(fact, f.RecipientsChanged) and fact.replaced
                for told in self.warnings:
                    if told.seq in lost and (replaced or not told.otherwise):
                        told.accepted_at, told.otherwise = None, False
            case f.DateMoved(subscription=no, action=action, on=on):
                self.subs[no].told[action] = max(on, self.subs[no].told.get(action, on))
            case (
                f.Deferred(subscription=no, action=action)
                | f.DoubtEnded(subscription=no, action=action)
                | f.WarningsLapsed(subscription=no, action=action)
            ):
                self.void(no, action)
            case _:
                pass


def disagreements(history: Iterable[f.Recorded], policies: Mapping[str, Policy]) -> Iterator[str]:
    """Every action on one account that happened on another day than the text allows."""
    ladder = Ladder(policies)
    for recorded in history:
        ladder.read(recorded)
    yield from ladder.found
