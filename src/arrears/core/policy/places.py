"""Where people rest on which days: public holidays and weekends of countries and their parts.

They are data of the library `holidays`. A law can change them after a day was promised; a promised day only moves
later, so that a new holiday can put a stop off and never bring one forward.
"""

from __future__ import annotations

import re
import threading
from datetime import date
from functools import lru_cache
from typing import Final

import holidays

from arrears.core.errors import Refused

_SATURDAY: Final = 5
_ONE_AT_A_TIME: Final = threading.Lock()
"""A year's holidays are worked out when first asked for, and a run has two lanes."""
_PLACE: Final = re.compile(r"([A-Z]{2})(?:-([A-Za-z0-9]{1,5}))?", re.ASCII)


def check_place(place: str) -> None:
    """Refuses `unknown_place` where no holidays of a country (`NL`), or a part of it (`DE-BY`), are known."""
    if not _PLACE.fullmatch(place):
        raise Refused("unknown_place", "is not a country's two letters, or those and its part")
    _calendar(place)


def is_weekend(place: str, day: date) -> bool:
    """Whether a day is one of the weekend in a country; Saturday and Sunday where none is named."""
    if not place:
        return day.weekday() >= _SATURDAY
    with _ONE_AT_A_TIME:
        return _calendar(place).is_weekend(day)


@lru_cache(maxsize=8192)
def is_working_day(place: str, day: date) -> bool:
    """Whether people work on a day in a country or a part of it; from Monday to Friday where none is named."""
    if not place:
        return day.weekday() < _SATURDAY
    with _ONE_AT_A_TIME:
        return _calendar(place).is_working_day(day)


@lru_cache(maxsize=256)
def _calendar(place: str) -> holidays.HolidayBase:
    country, _, part = place.partition("-")
    try:
        return holidays.country_holidays(country, subdiv=part or None)
    except NotImplementedError:
        raise Refused("unknown_place", "has no known public holidays") from None
