"""The operator's own days: a declined charge is tried again on these days of a case and on no other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from arrears.core.calendar import calendar_of
from arrears.core.payments.planner import Tried
from arrears.core.payments.strategies import MORNING
from arrears.core.payments.strategies.paydays import days_tried


class FixedDays(NamedTuple):
    """Attempts of ours on `days` of the case (day 0 is the day the debt became past due), each between 08:00 and 10:00
    local time, at most `attempts_max`. One that the networks forbid on its day is not made up for."""

    days: tuple[int, ...]
    attempts_max: int
    spread: timedelta = timedelta(hours=2)

    def preferred(self, earliest_local_day: date, zone: str, history: Sequence[Tried], day_0: date) -> datetime | None:
        """08:00 (UTC) of the next of the days; None when they are over, or after `attempts_max`."""
        calendar = calendar_of(zone)
        tried = days_tried(calendar, history, day_0)
        if len(tried) >= self.attempts_max:
            return None
        for one in self.days:
            day = day_0 + timedelta(days=one)
            if day >= earliest_local_day and day not in tried:
                return calendar.at(day, MORNING)
        return None
