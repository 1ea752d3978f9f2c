"""What the oracle knows of one account: what came from outside, and what was done, each as it stands in the journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime

from tests.oracle.days import DAY, ends, local_day, starts

RESTRICT, DISABLE, DELETE, REMIND = "restrict", "disable", "delete", "remind"
BEFORE = {RESTRICT: "past_due", DISABLE: "restricted"}


@dataclass
class BookDebt:
    """An issued invoice with something open."""

    no: int
    currency: str
    open: int
    due: date
    subs: tuple[int, ...]
    forced: date | None = None
    day_0: date | None = None
    ended: bool = False
    known: datetime | None = None
    """When the invoice came."""
    reminded: set[int] = field(default_factory=set)


@dataclass
class BookHold:
    """A stop: scope `debt`, `subscription` or `account`; on a debt it stops everything."""

    no: int
    scope: str
    target: int
    stops: frozenset[str]
    start: datetime
    until: date | None
    ended: datetime | None = None
    told: dict[tuple[int, str], date] = field(default_factory=dict)
    """What had been told when it was placed, by subscription and action."""
    promised: bool = False
    """Whether a promise to pay placed it."""
    moved: list[BookWarning] = field(default_factory=list)
    """What had been sent when it was placed, and named days which it moved."""
    names: tuple[int, ...] = ()
    """The subscriptions that the debt on which it stands is for."""
    gone: datetime | None = None
    """When nothing of that debt was open any more."""

    def end(self, zone: str) -> datetime | None:
        """When it ended or will end of itself; None where nobody knows."""
        last = None if self.until is None else ends(self.until, zone)
        return min(filter(None, (last, self.ended)), default=None)

    def active(self, now: datetime, zone: str) -> bool:
        """Whether it stops anything at this instant."""
        end = self.end(zone)
        return self.start <= now and (end is None or now < end)

    def span(self, zone: str, now: datetime | None, account_zone: str = "") -> tuple[date, date]:
        """The first and the last local day that lie in it whole; with `now`, as far as that has come. Its own last day
        is one of the account, where days are counted in another zone."""
        end = self.end(account_zone or zone)
        if end is None:
            end = now or datetime.max.replace(tzinfo=self.start.tzinfo) - DAY
        first = local_day(self.start, zone)
        if self.start > starts(first, zone):
            first += DAY
        return first, local_day(end, zone) - DAY


@dataclass
class BookPromise:
    """What is promised of some debts: the last day of each part, and how much may be open after it."""

    debts: tuple[int, ...]
    left: list[tuple[date, int]]
    """The parts that are not done, the next first."""
    kept: int = 0


@dataclass
class BookWarning:
    """A warning that was sent, and what became of it."""

    seq: int
    sub: int
    generation: int
    action: str
    step: int
    named: date
    sent: date
    accepted: datetime | None = None
    spoken: bool = False
    lost: bool = False
    void: bool = False
    failed: bool = False

    @property
    def counts(self) -> bool:
        """Whether somebody has been told, and nothing since has made it untrue."""
        return self.accepted is not None and not self.lost and not self.void


@dataclass
class BookEnd:
    """The time without service."""

    policy: str
    zone: str
    on: date
    recorded: datetime
    order_no: int
    canceled: bool
    ended_on: date | None = None
    scheduled: datetime | None = None
    ordered: bool = False


@dataclass
class BookSubscription:
    """A subscription: why it is not active, since when its stage counts, and what has been told of it."""

    no: int
    state: str = "active"
    reasons: set[str] = field(default_factory=set)
    generation: int = 1
    entered: date | None = None
    end: BookEnd | None = None
    paid_since_stop: bool = False
    cut: bool = False
    told: dict[str, date] = field(default_factory=dict)
    warned: list[BookWarning] = field(default_factory=list)
    deferred: set[str] = field(default_factory=set)
    interrupted: date | None = None
    """The day on which something else than debt stopped it while it was past due: taken back before that day is over
    the service had not ended, and everything is as it was (record 65)."""

    def counting(self, action: str) -> list[BookWarning]:
        """The warnings that count, the first accepted first."""
        found = [w for w in self.warned if w.action == action and w.counts]
        return sorted(found, key=lambda w: w.accepted or w.sent)

    def lapse(self, *actions: str) -> None:
        """Nothing said so far of these counts; that a step has named a date stays so."""
        for warned in self.warned:
            warned.void = warned.void or warned.action in actions
        self.deferred -= set(actions)

    def void(self, action: str, before: datetime) -> None:
        """Warnings accepted before this instant count no longer."""
        for warned in self.warned:
            if warned.action == action and warned.accepted is not None and warned.accepted < before:
                warned.void = True


@dataclass
class BookCase:
    """The bracket around an episode: it keeps the policy and the zone that it began with."""

    policy: str
    zone: str


Spans = list[tuple[date, date]]


def held_on(day: date, spans: Spans) -> bool:
    """Whether a day lies in one of these."""
    return any(first <= day <= last for first, last in spans)


def reached(start: date, days: int, held: Callable[[date], bool]) -> date:
    """The first day on which so many days have been counted since `start`; held days do not count."""
    day, left = start, days
    while True:
        if not held(day):
            if not left:
                return day
            left -= 1
        day += DAY


def counted(start: date, day: date, spans: Spans) -> int:
    """How many days have been counted from `start` to the end of the day before `day`."""
    return sum(not held_on(start + n * DAY, spans) for n in range((day - start).days))
