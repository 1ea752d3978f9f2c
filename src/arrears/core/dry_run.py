"""What a policy would change, before it is in force: each account foretold under the policies as they stand and as they
would stand, and the two compared.

Nothing is decided here: what becomes of an account is what `forecast` says, so everything that it leaves out is left
out here too: nobody pays, nothing is charged and nothing new is invoiced. Doubts about the whole installation are taken
to be over, and no day's cap keeps a deletion back. A running case keeps its version, so it comes to the same twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec

from arrears.core import facts as f
from arrears.core.account import Account, Action, decode_account
from arrears.core.closed import closed
from arrears.core.forecast import Step, forecast
from arrears.core.guards import Guards
from arrears.core.parallel import Meanwhile, OrderedMap, map_here
from arrears.core.policy import Policies, Policy
from arrears.core.view import View

DAYS: Final = 130
"""So far a dry run looks by itself: from day 0 to the deletion by the default policy, and its second look."""

DIFFERENCES_MAX: Final = 500
"""So many are told one by one; the counts are of all."""

PART_ACCOUNTS: Final = 50
"""So many accounts are foretold in one piece of work: some tenths of a second."""

_STOPS: Final = closed(
    "facts by which an action begins",
    Action,
    {Action.RESTRICT: f.Restricted, Action.DISABLE: f.Disabled, Action.DELETE: f.DeletionScheduled},
)
_ACTIONS: Final = {fact: action for action, fact in _STOPS.items()}


class DueAccount(NamedTuple):
    """An account of which something is due: its stored state as text, whether messages find somebody, and when it is
    looked at next; None: as soon as no doubt about the installation stands. A policy that is adopted wakes nobody."""

    number: int
    state: str
    heard: bool
    next_at: datetime | None


class Stopped(msgspec.Struct, frozen=True, gc=False):
    """The first time that one thing is done to one subscription: the day that is told, and what it rests on, in minor
    units by currency."""

    on: date
    owed: dict[str, int]


class AccountCourse(msgspec.Struct, frozen=True, gc=False):
    """What becomes of one account in a time. `stops` by action and subscription; `digest` is SHA-256, in hexadecimal,
    over everything that is recorded in it, each with its instant."""

    stops: dict[tuple[Action, int], Stopped]
    notices: int
    digest: str


class ComparedCourses(msgspec.Struct, frozen=True, gc=False):
    """One account under the policies as they stand and as they would. `doubted`: something unknown of the account
    itself keeps back what would be done to it, so neither says all."""

    account: int
    before: AccountCourse
    after: AccountCourse
    in_arrears: bool
    doubted: bool


class DryRunWork(msgspec.Struct, frozen=True):
    """What is done with each part of a book; it can be pickled. `new` is the policy that would be adopted."""

    policies: dict[str, Policy]
    new: Policy
    guards: Guards
    now: datetime
    until: datetime

    def __call__(self, part: Sequence[DueAccount], meanwhile: Meanwhile) -> list[ComparedCourses]:
        """These accounts, each compared."""
        return [self._compared(one) for one in part]

    def _compared(self, due: DueAccount) -> ComparedCourses:
        account = decode_account(due.state)
        before_it = _Asked(self.policies, self.new.name)
        before = self._course(account, before_it, due)
        after = before
        if before_it.was_asked:
            after = self._course(account, _as_adopted(self.policies, self.new), due)
        return ComparedCourses(
            account.no, before, after, bool(account.past_due), bool(account.doubts or account.parked)
        )

    def _course(self, account: Account, policies: Policies, due: DueAccount) -> AccountCourse:
        view = View(policies, account, self.guards, self.now)
        return course_of(_until(forecast(view, heard=due.heard, looked_at=due.next_at), self.until))


class _Asked(dict[str, Policy]):
    """Policies that know whether one of them was looked up by its name. Whoever did not, does not notice another."""

    def __init__(self, policies: Policies, name: str) -> None:
        super().__init__(policies)
        self._name = name
        self.was_asked = False

    def __getitem__(self, key: str) -> Policy:
        self.was_asked = self.was_asked or key == self._name
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.was_asked = self.was_asked or key == self._name
        return super().get(key, default)


def _as_adopted(policies: Policies, new: Policy) -> Policies:
    return {**policies, new.name: new, new.version: new}


def _until(steps: Iterator[Step], until: datetime) -> Iterator[Step]:
    for step in steps:
        if step.at > until:
            return
        yield step


def course_of(steps: Iterable[Step]) -> AccountCourse:
    """What becomes of an account, from what is recorded by arrears itself, foretold or in the journal."""
    stops: dict[tuple[Action, int], Stopped] = {}
    notices, lines = 0, []
    for at, fact in steps:
        lines.append(_line(at, fact))
        notices += isinstance(fact, f.Noticed)
        if isinstance(fact, f.Restricted | f.Disabled | f.DeletionScheduled):
            owed: Counter[str] = Counter()
            for owing in fact.evidence.owing:
                owed[owing.currency] += owing.open_minor
            stops.setdefault((_ACTIONS[type(fact)], fact.subscription), Stopped(fact.on, dict(owed)))
    # Within one instant an order that is carried out at once is answered sooner or later among the rest.
    return AccountCourse(stops, notices, sha256("".join(sorted(lines)).encode()).hexdigest())


def _line(at: datetime, fact: f.AnyFact) -> str:
    """A fact as both can say it who foretell it and who have recorded it: without numbers of other facts."""
    said: Iterable[object] = ()
    if isinstance(fact, f.Noticed):
        said = [(type(part).__name__, getattr(part, "promised_on", None)) for part in fact.parts]
    parts = (at.isoformat(), f.kind_of(fact), getattr(fact, "subscription", 0), getattr(fact, "on", None), *said)
    return "|".join(map(str, parts)) + "\n"


class ActionCount(NamedTuple):
    """How many subscriptions one thing is done to, before and after; of those to which it is done only before
    (`fewer`), only after (`more`), and on another day."""

    before: int
    after: int
    fewer: int
    more: int
    later: int
    earlier: int


class CourseDifference(NamedTuple):
    """One thing that is done to a subscription on another day, or not at all (None)."""

    account: int
    subscription: int
    action: Action
    before: date | None
    after: date | None


class DryRunTotals:
    """What a whole book comes to. `owed` is, by currency, what those are past due with that are disabled: before and
    after, in minor units. `differences` are the first DIFFERENCES_MAX, in the order of the accounts."""

    def __init__(self) -> None:
        self.accounts = self.in_arrears = self.doubted = self.changed = 0
        self.notices = (0, 0)
        self.counts = {action: ActionCount(0, 0, 0, 0, 0, 0) for action in Action}
        self.owed: dict[str, tuple[int, int]] = {}
        self.differences: list[CourseDifference] = []
        self._digests = (sha256(), sha256())

    def add(self, one: ComparedCourses) -> None:
        """One account more; they come in the order of their numbers."""
        self.accounts += 1
        self.in_arrears += one.in_arrears
        self.doubted += one.doubted
        self.changed += one.before.digest != one.after.digest
        self.notices = (self.notices[0] + one.before.notices, self.notices[1] + one.after.notices)
        for total, course in zip(self._digests, (one.before, one.after), strict=True):
            total.update(f"{one.account}|{course.digest}\n".encode())
        for key in sorted({*one.before.stops, *one.after.stops}):
            self._count(one.account, key, one.before.stops.get(key), one.after.stops.get(key))

    def _count(self, account: int, key: tuple[Action, int], before: Stopped | None, after: Stopped | None) -> None:
        action, subscription = key
        if action is Action.DISABLE:
            self._owe(before, 0)
            self._owe(after, 1)
        was, then = (None if one is None else one.on for one in (before, after))
        later = was is not None and then is not None and then > was
        earlier = was is not None and then is not None and then < was
        counted = ActionCount(was is not None, then is not None, then is None, was is None, later, earlier)
        self.counts[action] = ActionCount(*map(sum, zip(self.counts[action], counted, strict=True)))
        if was != then and len(self.differences) < DIFFERENCES_MAX:
            self.differences.append(CourseDifference(account, subscription, action, was, then))

    def _owe(self, stopped: Stopped | None, place: int) -> None:
        for currency, minor in () if stopped is None else stopped.owed.items():
            sums = [*self.owed.get(currency, (0, 0))]
            sums[place] += minor
            self.owed[currency] = sums[0], sums[1]

    @property
    def digests(self) -> tuple[str, str]:
        """SHA-256, in hexadecimal, over what becomes of every account, before and after."""
        return self._digests[0].hexdigest(), self._digests[1].hexdigest()


def dry_run(
    work: DryRunWork,
    parts: Iterable[Sequence[DueAccount]],
    ordered_map: OrderedMap = map_here,
    progress: Callable[[int], None] | None = None,
) -> DryRunTotals:
    """Compare every account of a book, given in the order of their numbers; `progress` is told how many are done."""
    totals = DryRunTotals()
    for part in ordered_map(work, parts):
        for one in part:
            totals.add(one)
        if progress is not None:
            progress(totals.accounts)
    return totals
