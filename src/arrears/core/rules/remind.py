"""Reminders follow the account's oldest past-due debt, at 09:00 of their day (spec, section 3, Whose clock)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial

from arrears.core.account import Debt, Hold, Stop
from arrears.core.facts import Reminder
from arrears.core.view import IMMEDIATELY, Due, Rank, View


def rule(view: View) -> Iterable[Due]:
    """The next rung that is not done; after an outage the newest, with the overtaken ones recorded as skipped."""
    case = view.account.case
    if case is None or view.account.doubts:
        return ()
    reminded = case.reminded
    left = [step for step in view.policy.remind_days if step not in reminded]
    if not left:
        return ()
    first: datetime | None = None
    due: list[int] = []
    for step in left:
        at = _at(view, step)
        if at is None:
            break
        if first is None:
            first = at
        if at > view.now:
            break
        due.append(step)
    if first is None:
        return ()
    steps = due or left[:1]
    # The reminder after a decline goes out at once, unless a hold has moved it; every other at 09:00.
    at_once = steps[-1] == 0 and first in [
        view.morning(d.day_0) for d in view.past_due if d.declined and d.day_0 is not None
    ]
    build = partial(Reminder, case=case.no, step=steps[-1], skipped=tuple(steps[:-1]))
    return (Due(IMMEDIATELY if at_once else first, Rank.NOTICE, 0, f"reminder {steps[-1]}", build, at_once),)


def _at(view: View, step: int) -> datetime | None:
    """The 09:00 of this rung for the debt that has the most days counted, outside its holds."""
    if not view.account.holds:
        oldest = view.oldest_day_0(view.past_due)
        return None if oldest is None else view.morning(oldest + timedelta(step))
    found: datetime | None = None
    for debt in view.past_due:
        assert debt.day_0 is not None
        holds = _holds(view, debt)
        day = view.day_number(debt.day_0, step, holds, view.calendar)
        if day is None:
            continue
        at = view.outside(view.morning(day), holds)
        if at is not None and (found is None or at < found):
            found = at
    return found


def _holds(view: View, debt: Debt) -> list[Hold]:
    """The holds on reminding about this debt; one on a subscription counts when all its subscriptions have it."""
    subs = [s for s in view.account.subscriptions if s.no in debt.subscriptions]
    common: list[Hold] | None = None
    for sub in subs:
        holds = view.holds_on(Stop.REMIND, sub, debt)
        common = holds if common is None else [h for h in common if h in holds]
    return view.holds_on(Stop.REMIND, None, debt) if common is None else common
