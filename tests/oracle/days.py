"""Local days, counted one by one, with the standard library alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

DAY = timedelta(days=1)
SATURDAY = 5


def local_day(instant: datetime, zone: str) -> date:
    """The date that a clock on the wall shows."""
    return instant.astimezone(ZoneInfo(zone)).date()


@lru_cache(maxsize=50_000)
def starts(day: date, zone: str) -> datetime:
    """The first instant of a local day, found by halving: no rule about clock changes is needed."""
    noon = datetime.combine(day, time(12), UTC)
    low, high = noon - timedelta(hours=40), noon + timedelta(hours=40)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        middle = middle.replace(microsecond=0)
        if local_day(middle, zone) >= day:
            high = middle
        else:
            low = middle
    return high


def ends(day: date, zone: str) -> datetime:
    """The end of a local day is the first instant of the next."""
    return starts(day + DAY, zone)


@lru_cache(maxsize=50_000)
def works(day: date, place: str) -> bool:
    """Whether people work on a day: not at the weekend, nor on a public holiday of a country or a part of it."""
    if day.weekday() >= SATURDAY:
        return False
    country, _, part = place.partition("-")
    return not place or day not in holidays.country_holidays(country, part or None, years=day.year)


def first_free(day: date, *, business_days: bool, place: str) -> date:
    """The first day from this one on which something may stop: it and the next are working days, if that is asked."""
    while business_days and not (works(day, place) and works(day + DAY, place)):
        day += DAY
    return day


@lru_cache(maxsize=50_000)
def morning(day: date, at: time, zone: str) -> datetime:
    """An hour of a local day."""
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)
