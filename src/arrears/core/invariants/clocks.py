"""Days counted one by one, and the debts by whose days an action comes (I9, I10, I13)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from arrears.core.account import Action
from arrears.core.calendar import Calendar, calendar_of
from arrears.core.invariants.checked import ONE_DAY, STOP, AccountBook, CheckedDebt, Sub
from arrears.core.states import State

Spans = list[tuple[datetime, datetime | None]]


def stopped(spans: Spans, at: datetime) -> bool:
    """Whether a hold covers this instant."""
    return any(start < at and (end is None or at < end) for start, end in spans)


def counted_days(start: date, on: date, spans: Spans, calendar: Calendar) -> int:
    """The days after `start` up to `on`, without those that lie wholly inside a hold; `start` itself, when it is
    held, is taken off too (spec, section 3, Holds)."""
    days = (on - start).days
    if spans:
        day = start
        while day <= on:
            first, last = calendar.start_of_day(day), calendar.end_of_day(day)
            if any(a <= first and (b is None or last <= b) for a, b in spans):
                days -= 1
            day += ONE_DAY
    return days


def first_day(start: date, days: int, spans: Spans, calendar: Calendar) -> date | None:
    """The first day by which `days` days have counted and whose end no hold covers; None if a hold has no end yet."""
    if not spans:
        return start + timedelta(days=days)
    counted, day = -1, start
    while True:
        first, last = calendar.start_of_day(day), calendar.end_of_day(day)
        counted += not any(a <= first and (b is None or last <= b) for a, b in spans)
        if counted >= days and not stopped(spans, last):
            return day
        if any(b is None and a <= first for a, b in spans):
            return None
        day += ONE_DAY


def clocks(book: AccountBook, sub: Sub, action: Action) -> list[tuple[CheckedDebt, Spans]]:
    """The debts by whose days this may come to this subscription, each with what no day counts of: its holds, and of a
    deletion those of a debt that names the subscription. Of several that do, each leads to it."""
    owing, stop = book.owing(sub), STOP[action]
    if not book.holds:
        return [(debt, []) for debt in owing]
    if action is not Action.DELETE:
        return [(debt, book.spans(stop, sub, debt)) for debt in owing]
    naming = [debt for debt in owing if sub.no in debt.subs]
    if not naming:
        return [(debt, book.spans(stop, sub, debt) + through_others(book, sub, None)) for debt in owing]
    return [
        (debt, book.spans(stop, sub, debt) + book.spans(stop, sub, leads) + through_others(book, sub, leads))
        for debt in owing
        for leads in naming
    ]


def through_others(book: AccountBook, sub: Sub, leads: CheckedDebt | None) -> Spans:
    """When deletion was held by holds on other debts that named the subscription, before the one that leads to it was
    past due; where none does, on what is not owed any more, as long as it was (spec, section 8)."""
    found: Spans = []
    for hold in book.holds.values():
        gone = book.gone.get(hold.target)
        if sub.no not in hold.named or (gone is None if leads is None else hold.target == leads.no):
            continue
        first = None if leads is None or leads.day_0 is None else book.calendar.start_of_day(leads.day_0)
        ends = [at for at in (book.hold_end(hold), gone, first) if at is not None]
        if not ends or hold.from_at < min(ends):
            found.append((hold.from_at, min(ends, default=None)))
    return found


def of_none(book: AccountBook, sub: Sub, action: Action) -> Spans:
    """What no day counts of where nothing is owed."""
    return book.spans(STOP[action], sub, None) + (through_others(book, sub, None) if action is Action.DELETE else [])


def clock_day(book: AccountBook, sub: Sub, action: Action, *, held: bool = True) -> date | None:
    """The day on which the clocks alone would act, counted one by one; None where this action does not lie ahead."""
    if action is Action.DELETE:
        if sub.state is not State.DISABLED or sub.end is None or sub.end.ended_on is None or sub.end.ordered_at:
            return None
        policy, calendar, entered = (
            book.policies[sub.end.terms.policy],
            calendar_of(sub.end.terms.zone),
            sub.end.ended_on,
        )
        if policy.retention_days is None:
            return None
        stage, days = policy.retention_days, (policy.disable_after_days or 0) + policy.retention_days
    else:
        policy, calendar = book.policy, book.calendar
        restricts = policy.restrict_after_days
        first_stage = State.PAST_DUE if restricts is None or action is Action.RESTRICT else State.RESTRICTED
        if sub.state is not first_stage or sub.entered_on is None or (action is Action.RESTRICT and restricts is None):
            return None
        begins = policy.disable_after_days if action is Action.DISABLE else restricts
        if begins is None:
            return None
        entered, days = sub.entered_on, begins
        stage = days - (restricts or 0 if first_stage is State.RESTRICTED else 0)
    found = []
    since = [(debt.day_0, spans) for debt, spans in clocks(book, sub, action)]
    for day_0, spans in since or [(None, of_none(book, sub, action))]:
        spans = spans if held else []
        by_stage = first_day(entered, stage, spans, calendar)
        by_debt = by_stage if day_0 is None else first_day(day_0, days, spans, book.calendar)
        if by_stage is not None and by_debt is not None:
            found.append(max(by_stage, by_debt))
    return min(found, default=None)
