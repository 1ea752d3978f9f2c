"""Every debt is reminded of on its day 0; the later reminders follow the oldest past-due debt that is not held, by its
own day 0, at 09:00 (spec, section 3, Whose clock)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import partial

from arrears.core.account import Case, Debt, Hold, Stop
from arrears.core.facts import RemindedDebt, Reminder
from arrears.core.view import IMMEDIATELY, Due, Rank, View

FIRST = 0
"""The step that every debt has for itself."""


def rule(view: View) -> Iterable[Due]:
    """The next rung of each debt that is not done; after an outage the newest, with the overtaken ones recorded as
    skipped."""
    case = view.account.case
    if case is None or view.account.doubts:
        return ()
    return [due for debt, steps in _left(view) for due in _next(view, case, debt, steps)]


def _left(view: View) -> list[tuple[Debt, list[int]]]:
    """The debts that are still to be reminded of, each with its steps that are not done."""
    if not view.past_due:
        return []
    oldest, found = _oldest(view), []
    for debt in view.past_due:
        reminded = debt.reminded
        left = [step for step in view.policy.remind_days if (step == FIRST or debt is oldest) and step not in reminded]
        if left:
            found.append((debt, left))
    return found


def _next(view: View, case: Case, debt: Debt, left: Sequence[int]) -> Iterable[Due]:
    holds = reminder_holds(view, debt)
    first: datetime | None = None
    due: list[int] = []
    upcoming = FIRST
    for step in left:
        day = _day(view, debt, step, holds)
        at = None if day is None else view.outside(view.morning(day), holds)
        if at is None:
            break
        if step != FIRST and case.oldest_since is not None and at < case.oldest_since:
            # Its day was over before this debt was the one to follow.
            continue
        if first is None:
            first = at
        upcoming = step
        if at > view.now:
            break
        due.append(step)
    if first is None:
        return ()
    steps = due or [upcoming]
    assert debt.day_0 is not None
    # The reminder after a decline goes out at once, unless a hold has moved it; every other at 09:00.
    at_once = steps[-1] == FIRST and debt.declined and first == view.morning(debt.day_0)
    if at_once and any(h.ended_at is None and h.from_at <= view.now for h in holds):
        return ()  # a hold that is over at this instant is ended first, and then this is looked at again
    part = RemindedDebt(debt.no, steps[-1], tuple(steps[:-1]), debt.anew_seq)
    build = partial(Reminder, case=case.no, step=part.step, skipped=part.skipped, debts=(part,))
    at = IMMEDIATELY if at_once else first
    return (Due(at, Rank.NOTICE, debt.no, f"reminder {part.step}", build, at_once),)


def _oldest(view: View) -> Debt:
    """The debt with the most days counted, of those that are not held now, or of all where every one is held."""
    if not view.account.holds:
        return min(view.past_due, key=lambda debt: debt.day_0 or date.max)
    found: list[tuple[bool, date, int]] = []
    for place, debt in enumerate(view.past_due):
        holds = reminder_holds(view, debt)
        day = _day(view, debt, FIRST + 1, holds)
        held = any(h.ended_at is None and h.from_at <= view.now for h in holds)
        found.append((held, day or date.max, place))
    return view.past_due[min(found)[2]]


def _day(view: View, debt: Debt, step: int, holds: list[Hold]) -> date | None:
    assert debt.day_0 is not None
    if not holds:
        return debt.day_0 + timedelta(step)
    return view.counted(debt.day_0, step, holds, view.calendar)


def reminder_holds(view: View, debt: Debt) -> list[Hold]:
    """The holds on reminding about this debt; one on a subscription counts when all its subscriptions have it."""
    if not view.account.holds:
        return []
    subs = [s for s in view.account.subscriptions if s.no in debt.subscriptions]
    common: list[Hold] | None = None
    for sub in subs:
        holds = view.holds_on(Stop.REMIND, sub, debt)
        common = holds if common is None else [h for h in common if h in holds]
    return view.holds_on(Stop.REMIND, None, debt) if common is None else common
