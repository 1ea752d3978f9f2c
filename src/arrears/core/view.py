"""One account seen through its policies at one instant: the day arithmetic that every rule shares.

Days are counted without the full local days of holds, and no deadline lies inside a hold (spec, section 3, Holds).
Nothing here decides; it answers "which day is that?".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from arrears.core.account import Account, Action, Debt, DoubtKind, Hold, HoldScope, Mode, Stop, Subscription, Terms
from arrears.core.calendar import Calendar, calendar_of
from arrears.core.facts import Evidence, Fact, NoticePart, Owing
from arrears.core.guards import Guards
from arrears.core.money import MINOR_MAX
from arrears.core.policy import ClockScope as ClockScope
from arrears.core.policy import Policy

ONE_DAY: Final = timedelta(days=1)
IMMEDIATELY: Final = datetime(1, 1, 1, tzinfo=UTC)
"""Before every instant: what must hold in every committed state, whatever the time."""


class Rank:
    """What goes first among things due at one instant: money and causes before charges, charges before messages,
    messages before cuts."""

    HOLD: Final = 0
    CREDIT: Final = 1
    PAST_DUE: Final = 2
    CONSEQUENCE: Final = 3
    CHARGE: Final = 4
    NOTICE: Final = 5
    ESCALATION: Final = 6


class Due(msgspec.Struct, frozen=True, gc=False):
    """What a rule proposes: at this instant, this. `build` makes the fact, or the part of a message."""

    at: datetime
    rank: int
    subject: int
    label: str
    build: Callable[[], Fact | NoticePart]
    at_once: bool = False


class View:
    """An account, the policies by version, the system's guards, and now; what several rules need is found once."""

    __slots__ = (
        "_debts",
        "_today",
        "account",
        "ahead",
        "calendar",
        "guards",
        "now",
        "past_due",
        "policies",
        "policy",
        "terms",
    )

    def __init__(self, policies: Mapping[str, Policy], account: Account, guards: Guards, now: datetime) -> None:
        case = account.case
        self.policies = policies
        self.account = account
        self.guards = guards
        self.now = now
        self.terms: Terms = account.terms if case is None else case.terms
        """The terms of the running case, or those that a case starting now would get."""
        self.policy = policies[self.terms.policy]
        self.calendar = calendar_of(self.terms.zone)
        self.past_due = account.past_due
        self.ahead: Any = None
        """What deadlines.py has worked out for this view."""
        self._today: date | None = None
        self._debts: dict[int, tuple[Debt, ...]] = {}

    @property
    def pinned(self) -> Terms:
        """The terms that something starting now keeps: those of the running case, else today's version."""
        if self.account.case is not None:
            return self.account.case.terms
        return Terms(self.policy.version, self.terms.zone, self.policy.scope is ClockScope.ACCOUNT)

    @property
    def today(self) -> date:
        """The local day of now."""
        if self._today is None:
            self._today = self.calendar.local_day(self.now)
        return self._today

    @property
    def doubts(self) -> tuple[DoubtKind, ...]:
        """Every doubt that makes an escalation wait."""
        return tuple(d.kind for d in self.account.doubts) + self.guards.doubts_of(self.account.mode)

    def debts_of(self, sub: Subscription) -> tuple[Debt, ...]:
        """The past-due debts whose clock this subscription follows (see Account.debts_of)."""
        debts = self._debts.get(sub.no)
        if debts is None:
            debts = self._debts[sub.no] = self.account.debts_of(sub)
        return debts

    def all_held(self, sub: Subscription) -> bool:
        """Whether something is past due for a subscription and all of it is held: nobody asks for it now."""
        debts = self.debts_of(sub)
        return debts != () and all(self.account.debt_is_held(debt.no) for debt in debts)

    def morning(self, day: date, calendar: Calendar | None = None) -> datetime:
        """09:00 (the policy's `notice_at`) of a local day."""
        return (self.calendar if calendar is None else calendar).at(day, self.policy.notice_at)

    def next_morning(self, after: datetime, calendar: Calendar | None = None) -> datetime:
        """The first 09:00 at or after an instant."""
        day = (self.calendar if calendar is None else calendar).local_day(after)
        at = self.morning(day, calendar)
        return at if at >= after else self.morning(day + ONE_DAY, calendar)

    # -- holds -----------------------------------------------------------------------------------------------

    def holds_on(self, stop: Stop, sub: Subscription | None, debt: Debt | None) -> list[Hold]:
        """The holds, open or ended, that stop this for this subscription and this debt."""
        return [
            h
            for h in self.account.holds
            if stop in h.stops
            and (
                h.scope is HoldScope.ACCOUNT
                or (h.scope is HoldScope.SUBSCRIPTION and sub is not None and h.target == sub.no)
                or (h.scope is HoldScope.DEBT and debt is not None and h.target == debt.no)
            )
        ]

    def holds_on_deletion(self, sub: Subscription, debt: Debt | None) -> list[Hold]:
        """The holds of whose days none counts towards a deletion that follows this debt: those that stop it, and what
        stopped it through another debt that names the subscription, before this one was past due. Where none leads
        to it that names it, those on what is not owed any more."""
        found = self.holds_on(Stop.DELETE, sub, debt)
        leads = debt if debt is not None and sub.no in debt.subscriptions else None
        for hold in self.account.holds:
            if sub.no not in hold.named or (leads is not None and hold.target == leads.no):
                continue
            ends = [at for at in (self.hold_end(hold), hold.debt_gone_at) if at is not None]
            if leads is not None and leads.day_0 is not None:
                ends.append(self.calendar.start_of_day(leads.day_0))
            elif self.account.debt(hold.target) is not None:
                continue
            if ends and hold.from_at < min(ends):
                found.append(replace(hold, ended_at=min(ends)))
        return found

    def hold_end(self, hold: Hold) -> datetime | None:
        """When a hold ended or will end; None while nobody can say. Its last day is one of the account, also where a
        service end that it keeps open has another zone."""
        if hold.ended_at is not None:
            return hold.ended_at
        return None if hold.until is None else self.calendar.end_of_day(hold.until)

    def _held_days(self, holds: list[Hold], calendar: Calendar) -> Iterator[tuple[date, date | None]]:
        """The full local days inside each hold, merged, in order; None is 'without end'."""
        spans: list[tuple[date, date | None]] = []
        for hold in holds:
            first = calendar.local_day(hold.from_at)
            if calendar.start_of_day(first) < hold.from_at:
                first += ONE_DAY
            end = self.hold_end(hold)
            last = None if end is None else calendar.local_day(end) - ONE_DAY
            if last is None or last >= first:
                spans.append((first, last))
        spans.sort(key=lambda span: span[0])
        merged: list[tuple[date, date | None]] = []
        for first, last in spans:
            if merged and (merged[-1][1] is None or first <= merged[-1][1] + ONE_DAY):
                before = merged[-1][1]
                open_ended = before is None or last is None
                merged[-1] = (merged[-1][0], None if open_ended else max(before, last))  # type: ignore[type-var]
            else:
                merged.append((first, last))
        yield from merged

    def day_number(self, start: date, days: int, holds: list[Hold], calendar: Calendar) -> date | None:
        """The first day from `days` counted days after `start` at whose end nothing is held; None if an open hold
        keeps it from ever coming."""
        day = self.counted(start, days, holds, calendar)
        return day if day is None or not holds else self._end_outside(day, holds, calendar)

    def counted(self, start: date, days: int, holds: list[Hold], calendar: Calendar) -> date | None:
        """The day that is `days` counted days after `start`; None if an open hold keeps it from ever coming."""
        day = start + timedelta(days=days)
        if not holds:
            return day
        for first, last in self._held_days(holds, calendar):
            first = max(first, start)
            if first > day:
                break
            if last is None:
                return None
            if last >= first:
                day += last - first + ONE_DAY
        return day

    def clear_day(self, day: date, holds: list[Hold], calendar: Calendar) -> date | None:
        """The first day from `day` at whose end nothing is held; a day that is over counts as today while a hold
        stands, so that a hold placed after a deadline that was missed still stops it."""
        for hold in holds:
            end = self.hold_end(hold)
            if hold.from_at <= self.now and (end is None or self.now < end) and calendar.end_of_day(day) <= self.now:
                day = calendar.local_day(self.now)
        return self._end_outside(day, holds, calendar)

    def _end_outside(self, day: date, holds: list[Hold], calendar: Calendar) -> date | None:
        """The first day from `day` whose end no hold covers, even for part of a day."""
        moved = True
        while moved:
            moved = False
            at = calendar.end_of_day(day)
            for hold in holds:
                end = self.hold_end(hold)
                if hold.from_at < at and (end is None or at < end):
                    if end is None:
                        return None
                    day = max(day + ONE_DAY, calendar.local_day(end - timedelta(microseconds=1)))
                    moved = True
                    break
        return day

    def outside(self, at: datetime, holds: list[Hold], calendar: Calendar | None = None) -> datetime | None:
        """`at`, or the first 09:00 after the holds that cover it; None while nobody can say. What was due before a
        hold and is still to be sent waits for its end too."""
        for _ in range(len(holds) + 1):
            for hold in holds:
                end = self.hold_end(hold)
                if any(hold.from_at <= t and (end is None or t < end) for t in (at, max(at, self.now))):
                    if end is None:
                        return None
                    at = self.next_morning(end, calendar)
                    break
            else:
                return at
        return at

    # -- clocks ----------------------------------------------------------------------------------------------

    def debt_clock(
        self,
        sub: Subscription,
        days: int,
        followed: Debt,
        leading: list[Hold],
        kept: Callable[[list[Hold]], date | None],
    ) -> date | None:
        """Day `days` of the subscription's oldest debt: the one with the most days counted, and no earlier than what it
        is `kept` for. A day counts for neither on which that debt was held, or the one that is `followed`, whose holds
        are `leading`. A debt that is held is no clock for another, also where its days were over before the hold
        began."""
        found: date | None = None
        for debt in self.debts_of(sub):
            assert debt.day_0 is not None
            if debt is not followed and self.account.debt_is_held(debt.no):
                continue
            holds = leading if debt is followed else [*leading, *self.holds_on(Stop.DELETE, sub, debt)]
            day = latest(self.day_number(debt.day_0, days, holds, self.calendar), kept(holds))
            if day is not None and (found is None or day < found):
                found = day
        return found

    @staticmethod
    def oldest_day_0(debts: Sequence[Debt]) -> date | None:
        """The earliest day 0; without holds that is the debt with the most days counted."""
        if len(debts) == 1:
            return debts[0].day_0
        return min([d.day_0 for d in debts if d.day_0 is not None], default=None)

    def enough(self, sub: Subscription) -> bool:
        """Whether the past-due sum reaches the policy's minimum in any currency (below it: reminders only). A hold
        changes days, never sums."""
        minimum = self.policy.minimum_minor
        if not minimum:
            return True
        sums: dict[str, int] = {}
        for debt in self.debts_of(sub):
            sums[debt.currency] = sums.get(debt.currency, 0) + debt.open_minor
        return any(total >= minimum.get(currency, 0) for currency, total in sums.items())

    def too_small(self, debt: Debt) -> bool:
        """Whether a rest is not past due: within the tolerance, or so small that its payer could not pay it."""
        tolerated = self.policy.tolerance_minor.get(debt.currency, 0)
        return debt.open_minor <= tolerated or debt.open_minor < self.carried_below(debt.currency)

    def carried_below(self, currency: str) -> int:
        """Rests below this are carried to the next invoice: no provider takes so little, and a payer by card has no
        other way (spec, section 3, Amounts). 0 where there is no such limit; more than any sum where none is taken."""
        limits = self.guards.limits
        if not limits or currency not in limits or self.account.mode is not Mode.CARD:
            return 0
        return MINOR_MAX + 1 if limits[currency].takes_nothing else limits[currency].minimum_minor

    def not_by_card(self, debt: Debt) -> bool:
        """Whether a payer by card owes this in a currency that no provider takes. It is paid by bank transfer or in no
        way, so it stops nothing, and is said."""
        return self.carried_below(debt.currency) > MINOR_MAX

    def evidence(self, sub: Subscription, action: Action, policy: Policy) -> Evidence:
        """What stood at the moment of an escalation."""
        promise = sub.promise(action)
        return Evidence(
            policy=policy.version,
            owing=tuple(
                Owing(d.no, d.currency, d.open_minor, d.day_0) for d in self.debts_of(sub) if d.day_0 is not None
            ),
            warning_accepted_at=promise.accepted_at,
            promised_on=promise.promised_on,
        )


def latest(a: date | None, b: date | None) -> date | None:
    """The later of two days; None while either cannot be known."""
    return None if a is None or b is None else max(a, b)


def service_ended_on(stopped_on: date, recorded_at: datetime, acknowledged_at: datetime, zone: str) -> date:
    """The day from whose end retention counts (spec, section 8): the stored day of the stop if it was recorded
    and acknowledged before the end of the next day, else the local day of the later of the two."""
    calendar = calendar_of(zone)
    last = max(recorded_at, acknowledged_at)
    if last < calendar.end_of_day(stopped_on + ONE_DAY):
        return stopped_on
    return calendar.local_day(last)
