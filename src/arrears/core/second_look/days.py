"""The days that a deletion waits for, counted one by one: retention, the debt's own days, the lead of its warnings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta

from arrears.core.account import HoldScope
from arrears.core.calendar import Calendar, calendar_of
from arrears.core.policy import Policy
from arrears.core.second_look.reading import ONE_DAY, ReadDebt, ReadEnd, ReadJournal, ReadWarning

HeldDays = tuple[date, date]
"""The first and the last local day that lie whole in a hold."""


def by_clocks(journal: ReadJournal, number: int, policy: Policy, *, held: bool = True) -> date | None:
    """The first day by which a subscription has been kept for its retention, and its oldest debt been past due for as
    long as the policy says, without the days on which deletion was held. None: no debt leads to it that could. With
    `held` False as if nothing had ever been held."""
    sub, end = journal.subs[number], _end_of(journal, number)
    assert policy.retention_days is not None
    assert end.ended_on is not None
    ended_on, days = end.ended_on, policy.retention_days
    whole = (policy.disable_after_days or 0) + days
    zone = calendar_of(end.terms.zone)

    def reached(start: date, days: int, debts: Sequence[ReadDebt], calendar: Calendar) -> date:
        leads = debts[0] if debts and number in debts[0].subscriptions else None
        spans = [span for debt in (None, *debts) for span in _spans(journal, number, debt, calendar)]
        spans += _through_others(journal, number, leads, calendar)
        return _reached(start, days, lambda day: held and _within(day, spans))

    owed = journal.owed_for(number)
    if not owed:
        return None if sub.cut else reached(ended_on, days, (), zone)
    naming = [debt for debt in owed if number in debt.subscriptions]
    clocks = [debt for debt in owed if not journal.debt_held(debt.no)]
    # Only what names it leads to its deletion, whosever clock it is: a day counts on which neither was held.
    pairs = [(a, b) for a in naming for b in clocks if a in clocks] if naming else [(a, a) for a in clocks]
    by_debt = [
        max(reached(ended_on, days, pair, zone), reached(_day_0(pair[1]), whole, pair, journal.calendar))
        for pair in pairs
    ]
    return min(by_debt, default=None)


def _day_0(debt: ReadDebt) -> date:
    assert debt.day_0 is not None
    return max(debt.day_0, debt.not_before)


def counting(journal: ReadJournal, number: int, policy: Policy) -> list[tuple[ReadWarning, date]]:
    """The warnings that somebody has got and that nothing has made untrue since, each with the first day on which the
    deletion may come by it: the day that it names, and its lead after it was got (spec, section 3)."""
    end = _end_of(journal, number)
    kept, freely = by_clocks(journal, number, policy), by_clocks(journal, number, policy, held=False)
    calendar = calendar_of(end.terms.zone)
    found = []
    for warning in end.warnings:
        if warning.accepted_at is None or kept is None or freely is None:
            continue
        lead_ends = calendar.local_day(warning.accepted_at) + timedelta(days=policy.delete_lead_days)
        day = max(warning.promised_on, lead_ends)
        if not (_moved(journal, number, warning, kept, max(day, freely)) or _doubted(journal, warning, max(day, kept))):
            found.append((warning, day))
    return found


def _moved(journal: ReadJournal, number: int, warning: ReadWarning, kept: date, without: date) -> bool:
    """Whether a hold has put the day later than the warning says and than it would be, and ended after it was got."""
    assert warning.accepted_at is not None
    if kept <= without:
        return False
    ends = [journal.hold_ends(hold) for hold in journal.holds.values() if journal.stops_deletion(hold, number)]
    return any(end is not None and end > warning.accepted_at for end in ends)


def _doubted(journal: ReadJournal, warning: ReadWarning, day: date) -> bool:
    """Whether a doubt stood at the end of the day on which the deletion would have come by this warning."""
    assert warning.accepted_at is not None
    at = journal.calendar.end_of_day(day)
    return any(since < at < until and warning.accepted_at < until for since, until in journal.doubted)


def _end_of(journal: ReadJournal, number: int) -> ReadEnd:
    end = journal.subs[number].end
    assert end is not None, "asked of what has been stopped"
    return end


def _spans(journal: ReadJournal, number: int, debt: ReadDebt | None, calendar: Calendar) -> list[HeldDays]:
    """The holds on the deletion of this subscription and those on this debt, in whole days."""
    found = []
    for hold in journal.holds.values():
        of_debt = debt is not None and hold.scope is HoldScope.DEBT and hold.target == debt.no
        if of_debt or journal.stops_deletion(hold, number):
            found.append(_whole_days(hold.from_at, journal.hold_ends(hold), calendar))
    return found


def _through_others(journal: ReadJournal, number: int, leads: ReadDebt | None, calendar: Calendar) -> list[HeldDays]:
    """The holds on other debts that named this subscription, in whole days before the one that leads to its deletion
    was past due. Where none does, on what is not owed any more, as long as it was."""
    found = []
    for hold in journal.holds.values():
        gone = journal.gone.get(hold.target)
        if number not in hold.named or (gone is None if leads is None else hold.target == leads.no):
            continue
        ends = [at for at in (journal.hold_ends(hold), gone) if at is not None]
        if leads is not None and leads.day_0 is not None:
            ends.append(journal.calendar.start_of_day(leads.day_0))
        found.append(_whole_days(hold.from_at, min(ends, default=None), calendar))
    return found


def _whole_days(since: datetime, until: datetime | None, calendar: Calendar) -> HeldDays:
    first = calendar.local_day(since)
    if since > calendar.start_of_day(first):
        first += ONE_DAY
    return first, date.max if until is None else calendar.local_day(until) - ONE_DAY


def _within(day: date, spans: Iterable[HeldDays]) -> bool:
    return any(first <= day <= last for first, last in spans)


def _reached(start: date, days: int, off: Callable[[date], bool]) -> date:
    """The first day by which so many have been counted after `start`; a day that is off does not count."""
    day = start
    while True:
        if not off(day):
            if not days:
                return day
            days -= 1
        day += ONE_DAY
