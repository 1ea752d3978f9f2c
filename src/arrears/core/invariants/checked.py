"""The checker's own book of one account: what its facts say, kept apart from the state that `evolve` makes.

A second, plainer reading of the same facts; where the two differ one of them is wrong. Amounts are minor units,
days local days, instants UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from arrears.core.account import Action, DoubtKind, Hold, HoldScope, Mode, Stop, Terms
from arrears.core.announcements import Announcement
from arrears.core.arrangements import Arrangement
from arrears.core.calendar import Calendar, calendar_of
from arrears.core.closed import closed
from arrears.core.facts import Fact, Recorded
from arrears.core.guards import Guards
from arrears.core.payments.values import AttemptState
from arrears.core.policy import ClockScope as ClockScope
from arrears.core.policy import Policies, Policy
from arrears.core.states import Reason, State

ONE_DAY: Final = timedelta(days=1)

STOP: Final = closed(
    "what a hold on an action stops",
    Action,
    {Action.RESTRICT: Stop.RESTRICT, Action.DISABLE: Stop.DISABLE, Action.DELETE: Stop.DELETE},
)


class Breach(NamedTuple):
    """One broken invariant: its id, the account (0: the installation) and what was found."""

    invariant: str
    account: int
    what: str


class Span(NamedTuple):
    """One time in which a system doubt stood; `end` is None while it does."""

    kind: DoubtKind
    start: datetime
    end: datetime | None


class CheckedInstallation:
    """The doubts of the whole installation over time. `grace` is how long one may stand before it counts: where many
    processes work, a decision taken in the same moment has not seen it yet."""

    def __init__(self, grace: timedelta = timedelta(0)) -> None:
        self._open: dict[DoubtKind, datetime] = {}
        self._spans: list[Span] = []
        self._grace = grace

    def changed(self, at: datetime, guards: Guards) -> None:
        """The guards are these from now on; calls come in the order of time."""
        for kind in guards.doubts:
            self._open.setdefault(kind, at)
        for kind in [k for k in self._open if k not in guards.doubts]:
            self._spans.append(Span(kind, self._open.pop(kind), at))

    def spans_over(self, at: datetime, *, from_before: bool = False) -> list[Span]:
        """The doubts that stood at an instant, with the time that they stood; `from_before`: not those that only began
        in that very instant, in which an account may have been decided before they did."""
        every = [*self._spans, *(Span(kind, start, None) for kind, start in self._open.items())]
        return [
            s
            for s in every
            if s.start + self._grace <= at and (s.end is None or at < s.end) and not (from_before and s.start == at)
        ]


class CheckedDebt:
    """An invoice, open or paid."""

    __slots__ = ("currency", "day_0", "due_on", "ended", "forced_from", "no", "open", "subs", "total")

    def __init__(self, no: int, currency: str, total: int, due_on: date, subs: tuple[int, ...]) -> None:
        self.no = no
        self.currency = currency
        self.total = total
        self.open = total
        self.due_on = due_on
        self.subs = subs
        self.day_0: date | None = None
        self.forced_from: date | None = None
        self.ended = False


class Warned:
    """One warning that left, and whether and when it was accepted; `otherwise` by what a person told."""

    __slots__ = ("accepted_at", "action", "generation", "otherwise", "promised_on", "seq", "void")

    def __init__(self, seq: int, action: Action, generation: int, promised_on: date) -> None:
        self.seq = seq
        self.action = action
        self.generation = generation
        self.promised_on = promised_on
        self.accepted_at: datetime | None = None
        self.otherwise = False
        self.void = False


class End:
    """One time without service. `ladder`: a stage that lasted when it began, and with which it may go on if what had
    stopped it is taken back before that day is over."""

    __slots__ = (
        "capped",
        "ended_on",
        "ladder",
        "order_no",
        "ordered_at",
        "recorded_at",
        "released_by",
        "scheduled_at",
        "seq",
        "stopped_on",
        "terms",
    )

    def __init__(self, terms: Terms, stopped_on: date, recorded: Recorded, order_no: int) -> None:
        self.terms = terms
        self.stopped_on = stopped_on
        self.recorded_at = recorded.at
        self.seq = recorded.seq
        self.order_no = order_no
        self.ladder = False
        self.ended_on: date | None = None
        self.scheduled_at: datetime | None = None
        self.released_by: set[str] = set()
        self.ordered_at: datetime | None = None
        self.capped = False


class Sub:
    """A subscription. `since` is the fact from which its warnings count, for its debt and for its end."""

    __slots__ = (
        "cut",
        "end",
        "entered_on",
        "generation",
        "no",
        "open_orders",
        "order_no",
        "past_due_seq",
        "promised",
        "reasons",
        "resumes",
        "service",
        "state",
        "warned",
    )

    def __init__(self, no: int, service: str) -> None:
        self.no = no
        self.service = service
        self.state = State.ACTIVE
        self.generation = 1
        self.reasons: set[Reason] = set()
        self.cut = False
        self.entered_on: date | None = None
        self.past_due_seq = 0
        self.promised: dict[Action, date] = {}
        self.warned: list[Warned] = []
        self.end: End | None = None
        self.order_no = 0
        self.open_orders: dict[int, str] = {}
        self.resumes: dict[int, datetime] = {}


class CheckedDoubt(NamedTuple):
    """One account doubt and the time that it stood."""

    kind: DoubtKind
    ref: str
    start: datetime
    end: datetime | None
    until: date | None = None


class CheckedTry:
    """An attempt to take money, open or over; `parts` are minor units by debt."""

    __slots__ = ("amount", "currency", "is_open", "method", "no", "on_page", "parts", "state")

    def __init__(self, no: int, method: int, currency: str, amount: int, parts: dict[int, int], on_page: bool) -> None:
        self.no = no
        self.method = method
        self.currency = currency
        self.amount = amount
        self.parts = parts
        self.on_page = on_page
        self.state = AttemptState.CREATED
        self.is_open = True


class CheckedPayment:
    """A payment: what a bank has taken back of it, by reference, with what of that nobody owes; what of it has come
    back; what was given back out of its credit; and what of the losses was none in the end."""

    __slots__ = ("amount", "came_back", "given", "no_loss", "reversed")

    def __init__(self) -> None:
        self.amount = 0
        self.reversed: dict[str, tuple[int, int]] = {}
        self.came_back: dict[str, int] = {}
        self.given: dict[str, int] = {}
        self.no_loss = 0


class AccountBook:
    """Everything the checks need to know about one account."""

    def __init__(self, policies: Policies, installation: CheckedInstallation) -> None:
        self.no = 0
        self.policies = policies
        self.installation = installation
        self.terms = Terms("", "UTC")
        self.debts: dict[int, CheckedDebt] = {}
        self.open: dict[int, CheckedDebt] = {}
        self.gone: dict[int, datetime] = {}
        """Since when nothing is open any more of an invoice."""
        self.subs: dict[int, Sub] = {}
        self.holds: dict[int, Hold] = {}
        self.arranged: dict[int, Arrangement] = {}
        self.arrangements_seen = 0
        self.doubts: list[CheckedDoubt] = []
        self.by_invoice: list[tuple[datetime, datetime | None]] = []
        """When the account was in invoice mode; an end of None has not come."""
        self.credit: dict[str, int] = {}
        self.case: Terms | None = None
        self.case_no = 0
        self.waited = 0
        """The case in which a transfer on its way was waited for last."""
        self.parked = False
        self.seq = 0
        self.at: datetime | None = None
        self.reminded: set[tuple[int, ...]] = set()
        self.rungs: set[tuple[object, ...]] = set()
        self.announced: set[Announcement] = set()
        self.noticed_on: date | None = None
        self.unanswered: set[int] = set()
        self.notices: dict[int, list[Warned]] = {}
        self.methods: dict[int, date | None] = {}  # the last day on which each can be charged; None: removed
        self.paying: dict[int, int] = {}
        self.attempts: dict[int, CheckedTry] = {}
        self.keys: set[str] = set()
        self.refunds: set[str] = set()
        self.payments: dict[str, CheckedPayment] = {}
        self.taken_back: set[str] = set()
        """Payments of which something was taken back or has come back, since the last transaction."""
        self.left_unnamed = False
        """Whether money has left of which nobody said which payment it was."""
        self.helped: set[tuple[int, str]] = set()
        self.unbooked = 0
        """The attempt that was just said to be paid, until its money is booked."""
        self.breaches: list[Breach] = []

    def payment(self, ref: str) -> CheckedPayment:
        """What is known of a payment."""
        return self.payments.setdefault(ref, CheckedPayment())

    def breach(self, invariant: str, what: str) -> None:
        """Complain."""
        self.breaches.append(Breach(invariant, self.no, f"fact {self.seq}: {what}"))

    # -- terms -----------------------------------------------------------------------------------------------

    @property
    def policy(self) -> Policy:
        """The policy of the running case, or the newest of the account's name."""
        return self.policies[(self.case or self.terms).policy]

    @property
    def calendar(self) -> Calendar:
        """The calendar of the running case, or the account's."""
        return calendar_of((self.case or self.terms).zone)

    @property
    def account_wide(self) -> bool:
        """Whether every subscription answers for every debt, because the policy says so."""
        return self.policy.scope is ClockScope.ACCOUNT

    # -- what is owed ----------------------------------------------------------------------------------------

    def owing(self, sub: Sub) -> list[CheckedDebt]:
        """The past-due debts that this subscription answers for, oldest due date first."""
        if self.case is None:
            return []
        wide = self.account_wide
        found = [d for d in self.open.values() if d.day_0 is not None and not d.ended and (wide or sub.no in d.subs)]
        if len(found) < 2:
            return found
        found.sort(key=lambda d: (d.due_on, d.no))
        return found

    @property
    def past_due(self) -> list[CheckedDebt]:
        """Every past-due debt whose case is not over."""
        return [d for d in self.open.values() if d.day_0 is not None and not d.ended]

    def debt_held(self, debt: CheckedDebt, *, promised: bool = True) -> bool:
        """Whether a hold on this very debt is open; unless `promised`, another one than a promise to pay places."""
        on = [h for h in self.holds.values() if h.scope is HoldScope.DEBT and h.target == debt.no]
        return any(h.ended_at is None and (promised or not h.arrangement) for h in on)

    # -- holds -----------------------------------------------------------------------------------------------

    def spans(self, stop: Stop, sub: Sub, debt: CheckedDebt | None) -> list[tuple[datetime, datetime | None]]:
        """When this was stopped: the start and end of each hold in scope; an end of None has not come."""
        return [
            (h.from_at, self.hold_end(h))
            for h in self.holds.values()
            if stop in h.stops
            and (
                h.scope is HoldScope.ACCOUNT
                or (h.scope is HoldScope.SUBSCRIPTION and h.target == sub.no)
                or (h.scope is HoldScope.DEBT and debt is not None and h.target == debt.no)
            )
        ]

    def hold_end(self, hold: Hold) -> datetime | None:
        """When a hold ended, or will."""
        if hold.ended_at is not None:
            return hold.ended_at
        return None if hold.until is None else self.calendar.end_of_day(hold.until)

    # -- doubts ----------------------------------------------------------------------------------------------

    def doubts_over(self, at: datetime, *, from_before: bool = False) -> list[tuple[DoubtKind, datetime | None]]:
        """Every doubt that stood at an instant, with its end; `from_before`: see Installation.spans_over."""
        own = [(d.kind, d.end) for d in self.doubts if d.start <= at and (d.end is None or at < d.end)]
        spans = self.installation.spans_over(at, from_before=from_before)
        theirs: list[tuple[DoubtKind, datetime | None]] = [(s.kind, s.end) for s in spans if s.kind != DoubtKind.BANK]
        for span in spans if len(theirs) < len(spans) else ():
            for start, end in self.by_invoice if span.kind is DoubtKind.BANK else ():
                if start <= at and (end is None or at < end) and not (from_before and start == at):
                    theirs.append((span.kind, min((e for e in (span.end, end) if e is not None), default=None)))
        return own + theirs

    def pays(self, mode: Mode, at: datetime) -> None:
        """The account pays in this way from now on: who pays by card does not wait for what the bank says."""
        stands = bool(self.by_invoice) and self.by_invoice[-1][1] is None
        if mode is Mode.INVOICE and not stands:
            self.by_invoice.append((at, None))
        elif mode is not Mode.INVOICE and stands:
            self.by_invoice[-1] = (self.by_invoice[-1][0], at)


def reaches_minimum(debts: Iterable[CheckedDebt], policy: Policy) -> bool:
    """Whether these debts are enough, in any currency, for more than reminders to follow."""
    sums: dict[str, int] = {}
    for debt in debts:
        sums[debt.currency] = sums.get(debt.currency, 0) + debt.open
    return any(total >= max(1, policy.minimum_minor.get(currency, 0)) for currency, total in sums.items())


Checks = dict[type[Fact], Callable[[AccountBook, Any, Recorded], None]]
"""How each kind of fact is checked against the book, and changes it."""
