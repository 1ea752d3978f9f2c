"""The default strategy: twice soon, for what was an accident, then when a salary has just arrived."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from arrears.core.calendar import Calendar, calendar_of
from arrears.core.payments.planner import Tried
from arrears.core.payments.strategies import MORNING
from arrears.core.payments.values import REQUEST_REFUSED, AttemptState, Initiator

_ONE_DAY: Final = timedelta(days=1)
_FRIDAY: Final = 4
_PAYDAYS: Final = frozenset((1, 2, 15, 16, 25, 26, 27, 28))


class Paydays(NamedTuple):
    """Attempts of ours on `first_days` of the case (day 0 is the day the debt became past due), later ones on the
    1st, 2nd, 15th, 16th, 25th to 28th or last working day of a month, `gap_days` or more after the one before; at
    most `attempts_max` a case, each between 08:00 and 10:00 local time."""

    attempts_max: int = 4
    first_days: tuple[int, ...] = (1, 3)
    gap_days: int = 5
    spread: timedelta = timedelta(hours=2)

    def preferred(self, earliest_local_day: date, zone: str, history: Sequence[Tried], day_0: date) -> datetime | None:
        """08:00 (UTC) of the preferred day, None after `attempts_max`."""
        calendar = calendar_of(zone)
        days = days_tried(calendar, history, day_0)
        if len(days) >= self.attempts_max:
            return None
        if len(days) < len(self.first_days):
            day = max(earliest_local_day, day_0 + timedelta(days=self.first_days[len(days)]))
            if days:
                # After an outage the first attempt came late: keep the distance, not the day.
                apart = self.first_days[len(days)] - self.first_days[len(days) - 1]
                day = max(day, days[-1] + timedelta(days=apart))
        else:
            day = earliest_local_day
            if days:
                day = max(day, days[-1] + timedelta(days=self.gap_days))
            while not is_payday(day):
                day += _ONE_DAY
        return calendar.at(day, MORNING)


def days_tried(calendar: Calendar, history: Sequence[Tried], day_0: date) -> list[date]:
    """The days after day 0 on which we have tried, in order, one for each attempt."""
    return sorted(day for day in (calendar.local_day(t.at) for t in history if _ours(t)) if day > day_0)


def is_payday(day: date) -> bool:
    """Whether salaries have typically just arrived: a usual day, or the last Monday-to-Friday day of a month."""
    if day.day in _PAYDAYS:
        return True
    if day.weekday() > _FRIDAY:
        return False
    following = day + timedelta(days=3 if day.weekday() == _FRIDAY else 1)
    return following.month != day.month


def _ours(tried: Tried) -> bool:
    # What the provider would not even try is our own mistake: when that is asked again is no strategy's to say.
    unsaid = tried.codes.decline in ("", REQUEST_REFUSED)
    canceled = tried.state is AttemptState.CANCELED and not tried.reached_network and unsaid
    return tried.by is Initiator.MERCHANT and not canceled
