"""The journal of one account, read for a deletion alone: what is owed, what is held, what was told and to whom it came.

Nothing of it is folded as the account is, and nothing is taken from a rule: where both say the same, two have said it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from arrears.core import facts as f
from arrears.core.account import Action, CaseOutcome, DoubtKind, Hold, HoldScope, Mode, Stop, Terms
from arrears.core.calendar import Calendar, calendar_of
from arrears.core.ledger import CREDIT, RECEIVABLE, entries_of
from arrears.core.payments.values import OPEN_STATES, AttemptState
from arrears.core.second_look.methods import ReadMethods
from arrears.core.states import State

ONE_DAY: Final = timedelta(days=1)


ReadOwing = tuple[int, str, int, date | None]
"""An invoice, its currency, what is open of it in minor units, and its day 0."""


@dataclass(slots=True)
class ReadDebt:
    """An invoice. `not_before` is the first day on which it can be past due: the day after it was due, or the day on
    which a bank said no or took money back."""

    no: int
    currency: str
    due_on: date
    subscriptions: tuple[int, ...]
    not_before: date
    day_0: date | None = None
    over: bool = False


@dataclass(slots=True)
class ReadWarning:
    """A warning of the deletion that was written, and since when somebody has it."""

    seq: int
    promised_on: date
    accepted_at: datetime | None = None
    spoken: bool = False


@dataclass(slots=True)
class ReadEnd:
    """One time without service, and how far its deletion has come."""

    terms: Terms
    stopped_on: date
    recorded_at: datetime
    order_no: int
    ended_on: date | None = None
    said_on: date | None = None
    """The day from which retention is said to count."""
    told: date | None = None
    warnings: list[ReadWarning] = field(default_factory=list)
    scheduled: f.DeletionScheduled | None = None
    scheduled_at: datetime | None = None
    owed: tuple[ReadOwing, ...] = ()
    """What was owed for it when its deletion was scheduled."""
    capped: bool = False
    released_by: set[str] = field(default_factory=set)
    ordered: bool = False


@dataclass(slots=True)
class ReadSubscription:
    """A subscription; `cut`: it was stopped for debt."""

    service: str
    generation: int = 1
    orders: int = 0
    cut: bool = False
    end: ReadEnd | None = None


class ReadJournal:
    """Everything that a deletion must not overlook, fact by fact."""

    def __init__(self, history: Iterable[f.Recorded]) -> None:
        self.terms = Terms("", "UTC")
        self.mode = Mode.CARD
        self.case: Terms | None = None
        self.debts: dict[int, ReadDebt] = {}
        self.open: Counter[int] = Counter()
        self.gone: dict[int, datetime] = {}
        """Since when nothing is open any more of an invoice."""
        self.credit: Counter[str] = Counter()
        self.subs: dict[int, ReadSubscription] = {}
        self.holds: dict[int, Hold] = {}
        self.ended: dict[int, datetime] = {}
        self.attempts: dict[int, AttemptState | None] = {}
        """What money could still move; None where nobody waits for it any more."""
        self.pages: set[int] = set()
        self.methods = ReadMethods()
        self.doubts: dict[tuple[DoubtKind, str], datetime] = {}
        self.doubted: list[tuple[datetime, datetime]] = []
        """The doubts of the account that are over, each from when to when it stood."""
        for recorded in history:
            self.take(recorded)

    @property
    def calendar(self) -> Calendar:
        """In whose days what is owed and held is counted."""
        return calendar_of((self.case or self.terms).zone)

    def owed_for(self, number: int) -> list[ReadDebt]:
        """What is past due, not paid and pursued, whose clock this subscription follows: the oldest due date first."""
        if self.case is None:
            return []
        wide = self.case.account_wide
        found = [
            debt
            for debt in self.debts.values()
            if debt.day_0 is not None and not debt.over and self.open[debt.no] > 0
            if wide or number in debt.subscriptions
        ]
        return sorted(found, key=lambda debt: (debt.due_on, debt.no))

    def owed(self, number: int) -> tuple[ReadOwing, ...]:
        """The same, as evidence says it."""
        return tuple((debt.no, debt.currency, self.open[debt.no], debt.day_0) for debt in self.owed_for(number))

    def debt_held(self, number: int) -> bool:
        """Whether somebody objects to this invoice, or it is held for another reason."""
        return any(
            hold.scope is HoldScope.DEBT and hold.target == number and no not in self.ended
            for no, hold in self.holds.items()
        )

    def take(self, recorded: f.Recorded) -> None:
        """One more fact."""
        for entry in entries_of(recorded):
            if entry.ledger == RECEIVABLE:
                self.open[entry.debt] += entry.minor
                if self.open[entry.debt] > 0:
                    self.gone.pop(entry.debt, None)
                else:
                    self.gone.setdefault(entry.debt, recorded.at)
            elif entry.ledger == CREDIT:
                self.credit[entry.currency] -= entry.minor
        self.methods.take(recorded.fact)
        self._of_debts(recorded)
        self._of_service(recorded)
        self._of_waiting(recorded)
        self._of_letters(recorded)
        self._of_deletion(recorded)

    def _of_debts(self, recorded: f.Recorded) -> None:
        match recorded.fact:
            case f.AccountOpened(terms=terms, mode=mode) | f.TermsChanged(terms=terms, mode=mode):
                self.terms, self.mode = terms, mode
            case f.InvoiceIssued(debt=new):
                not_before = new.due_on + ONE_DAY
                self.debts[new.no] = ReadDebt(new.no, new.currency, new.due_on, new.subscriptions, not_before)
            case f.ChargeDeclined(debts=numbers):
                for debt in self._known(numbers):
                    debt.not_before = min(debt.not_before, self.calendar.local_day(recorded.at))
            case f.DebtReopened(debt=again):
                for debt in self._known([again.no]):
                    debt.day_0, debt.over, debt.not_before = None, False, again.due_on + ONE_DAY
                    if again.past_due_from is not None:
                        debt.not_before = self.calendar.local_day(recorded.at)
            case f.DueMoved(debt=number, due_on=due_on):
                for debt in self._known([number]):
                    debt.due_on, debt.day_0, debt.not_before = due_on, None, due_on + ONE_DAY
            case f.BecamePastDue(debts=parts, opened=opened, terms=terms):
                if opened:
                    self.case = terms
                for part in parts:
                    self.debts[part.debt].day_0 = part.day_0
            case f.WithinTolerance(debts=numbers):
                for debt in self._known(numbers):
                    debt.day_0 = None
            case f.CaseEnded(outcome=outcome):
                self.case = None
                for debt in self.debts.values():
                    debt.over = debt.over or (outcome is CaseOutcome.ENDED_DELETED and debt.day_0 is not None)
            case _:
                pass

    def _known(self, numbers: Iterable[int]) -> list[ReadDebt]:
        return [self.debts[number] for number in numbers if number in self.debts]

    def _of_service(self, recorded: f.Recorded) -> None:
        match recorded.fact:
            case f.SubscriptionAdded(subscription=number, service=service):
                self.subs[number] = ReadSubscription(service)
            case f.OrderRepeated(subscription=number, order_no=order):
                self._ordered(number, order)
            case f.Restricted(subscription=number, order_no=order):
                self._ordered(number, order)
            case f.Disabled(subscription=number, order_no=order, terms=terms, on=on):
                self._ordered(number, order)
                self.subs[number].cut = True
                self.subs[number].end = ReadEnd(terms, on, recorded.at, order)
            case f.Canceled(subscription=number, order_no=order, terms=terms, on=on):
                self._ordered(number, order)
                self.subs[number].cut = self.subs[number].cut and self.subs[number].end is not None
                self.subs[number].end = ReadEnd(terms, on, recorded.at, order, ended_on=on)
            case f.ReasonSet(subscription=number, order_no=order, terms=terms, on=on):
                self._ordered(number, order)
                if self.subs[number].end is None:
                    self.subs[number].end = ReadEnd(terms, on, recorded.at, order, ended_on=None if order else on)
            case f.Resumed(subscription=number, order_no=order, after=after, goes_on=goes_on):
                self._ordered(number, order)
                sub = self.subs[number]
                sub.cut = False
                if after is not State.DISABLED:
                    sub.generation += sub.end is not None and not (goes_on and _that_day(sub.end, recorded.at))
                    sub.end = None
            case f.OrderAcknowledged(subscription=number, order="disable", overtaken=False):
                self._stopped(self.subs[number].end, recorded.fact, recorded.at)
            case _:
                pass

    def _ordered(self, number: int, order_no: int) -> None:
        self.subs[number].orders += order_no > 0

    @staticmethod
    def _stopped(end: ReadEnd | None, word: f.OrderAcknowledged, at: datetime) -> None:
        """Retention counts from the day of the stop, where that was recorded and we had the service's word before the
        end of the day after it; else from the day of the later of the two (spec, section 8)."""
        if end is None or end.order_no != word.order_no or end.ended_on is not None:
            return
        calendar = calendar_of(end.terms.zone)
        heard_at = max(end.recorded_at, at)
        in_time = heard_at < calendar.end_of_day(end.stopped_on + ONE_DAY)
        end.ended_on = end.stopped_on if in_time else calendar.local_day(heard_at)
        end.said_on = word.ended_on

    def _of_waiting(self, recorded: f.Recorded) -> None:
        match recorded.fact:
            case f.HoldPlaced(hold=hold):
                self.holds[hold.no] = hold
            case f.HoldEnded(hold=number, at=at):
                self.ended[number] = at
            case f.DoubtRaised(doubt=kind, ref=ref):
                self.doubts.setdefault((kind, ref), recorded.at)
            case f.DoubtCleared(doubt=kind, ref=ref):
                since = self.doubts.pop((kind, ref), None)
                if since is not None:
                    self.doubted.append((since, recorded.at))
            case f.AttemptCreated(attempt=number, on_page=on_page):
                self.attempts[number] = AttemptState.CREATED
                if on_page:
                    self.pages.add(number)
            case f.AttemptMoved(attempt=number, to=to, counts=counts):
                waits = to in OPEN_STATES
                self.attempts[number] = to if waits and (counts or to is not AttemptState.NEEDS_CUSTOMER) else None
                if not waits:
                    self.pages.discard(number)
            case f.ChallengeLapsed(attempt=number):
                self.attempts[number] = None
            case _:
                pass

    def _of_letters(self, recorded: f.Recorded) -> None:
        match recorded.fact:
            case f.Noticed():
                for part in recorded.fact.each(f.Warning):
                    sub = self.subs[part.subscription]
                    if part.action is Action.DELETE and sub.end is not None and part.generation == sub.generation:
                        sub.end.warnings.append(ReadWarning(recorded.seq, part.promised_on))
            case f.NoticeAccepted(notice=notice, left_out=left_out):
                for warning in self._warnings([notice], left_out):
                    warning.accepted_at = warning.accepted_at or recorded.at
            case f.WarnedOtherwise(notice=notice, subscription=number, action=Action.DELETE):
                for warning in self._warnings([notice], [no for no in self.subs if no != number]):
                    warning.spoken = warning.spoken or warning.accepted_at is None
                    warning.accepted_at = warning.accepted_at or recorded.at
            case f.NoticeBounced(lost=lost):
                self._lost(lost, spoken=False)
            case f.RecipientsChanged(lost=lost, replaced=replaced):
                self._lost(lost, spoken=replaced)
            case f.HoldEnded(voided=voided) | f.DueMoved(voided=voided):
                for one in voided:
                    self._void(one.subscription, one.action)
            case f.Deferred() | f.DoubtEnded() | f.WarningsLapsed():
                self._void(recorded.fact.subscription, recorded.fact.action)
            case _:
                pass

    def _warnings(self, notices: Iterable[int], left_out: Iterable[int] = ()) -> list[ReadWarning]:
        ends = [sub.end for no, sub in self.subs.items() if no not in left_out and sub.end is not None]
        return [warning for end in ends for warning in end.warnings if warning.seq in notices]

    def _lost(self, notices: Iterable[int], *, spoken: bool) -> None:
        for warning in self._warnings(notices):
            if spoken or not warning.spoken:
                warning.accepted_at, warning.spoken = None, False

    def _void(self, number: int, action: Action) -> None:
        end = self.subs[number].end
        if action is Action.DELETE and end is not None:
            end.warnings.clear()

    def _of_deletion(self, recorded: f.Recorded) -> None:
        match recorded.fact:
            case f.DateMoved(subscription=number, action=Action.DELETE, on=on):
                end = self.subs[number].end
                if end is not None:
                    end.told = on if end.told is None else max(on, end.told)
            case f.DeletionScheduled(subscription=number):
                end = self.subs[number].end
                if end is not None:
                    end.scheduled, end.scheduled_at = recorded.fact, recorded.at
                    end.capped, end.released_by, end.owed = False, set(), self.owed(number)
            case f.DeletionUnscheduled(subscription=number):
                end = self.subs[number].end
                if end is not None:
                    end.scheduled, end.scheduled_at = None, None
            case f.DeletionCapped(subscription=number):
                end = self.subs[number].end
                if end is not None:
                    end.capped = True
            case f.DeletionReleased(subscription=number, scheduled_at=at):
                end = self.subs[number].end
                if end is not None and end.scheduled_at == at and recorded.author.startswith("staff:"):
                    end.released_by.add(recorded.author)
            case f.DeletionOrdered(subscription=number, order_no=order):
                self._ordered(number, order)
                end = self.subs[number].end
                if end is not None:
                    end.ordered = True
            case _:
                pass

    # -- holds -----------------------------------------------------------------------------------------------------

    def stops_deletion(self, hold: Hold, number: int) -> bool:
        """Whether a hold is on this subscription or on its account, and stops deletion."""
        of_it = hold.scope is HoldScope.SUBSCRIPTION and hold.target == number
        return Stop.DELETE in hold.stops and (of_it or hold.scope is HoldScope.ACCOUNT)

    def hold_ends(self, hold: Hold) -> datetime | None:
        """When a hold ended, or the end of its last day; None where nobody knows."""
        last = None if hold.until is None else self.calendar.end_of_day(hold.until)
        return min([at for at in (last, self.ended.get(hold.no)) if at is not None], default=None)


def _that_day(end: ReadEnd, at: datetime) -> bool:
    """Whether the day of a stop is not over: what is taken back on it changes nothing, and its ladder goes on."""
    return at < calendar_of(end.terms.zone).end_of_day(end.stopped_on)
