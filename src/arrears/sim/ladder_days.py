"""Days counted one by one for the second reckoning of the ladder (see ladder.py)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from arrears.core.calendar import Calendar
from arrears.core.policy import Policy
from arrears.core.policy.places import is_working_day

HeldTimes = list[tuple[datetime, datetime | None]]
"""From when to when something was held; an end of None has not come."""

ONE_DAY: Final = timedelta(days=1)
NEVER: Final = 4000
"""Days after which a hold without an end is taken to have none."""


def numbered_day(start: date, days: int, spans: HeldTimes, calendar: Calendar) -> date | None:
    """The day with this number, counted from `start` as 0, where a day that lies wholly inside a hold has none."""
    if not spans:
        return start + timedelta(days=days)
    number, day = -1, start
    for _ in range(NEVER):
        first, last = calendar.start_of_day(day), calendar.end_of_day(day)
        number += not any(a <= first and (b is None or last <= b) for a, b in spans)
        if number >= days:
            return day
        day += ONE_DAY
    return None


def allowed_day(day: date, spans: HeldTimes, calendar: Calendar, policy: Policy) -> date | None:
    """The first day from this one whose end no hold covers and that the policy allows."""
    for _ in range(NEVER if spans or policy.business_days else 1):
        end = calendar.end_of_day(day)
        held = any(a < end and (b is None or end < b) for a, b in spans)
        rest = policy.business_days and not all(is_working_day(policy.holidays, d) for d in (day, day + ONE_DAY))
        if not held and not rest:
            return day
        day += ONE_DAY
    return None
