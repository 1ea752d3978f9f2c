"""Days on which a policy lets something stop: working days that a working day follows, so that help is there. And days
on which banks move money."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from arrears.core.policy import Policy
from arrears.core.policy.places import is_working_day

_ONE_DAY: Final = timedelta(days=1)
_DAYS_MAX: Final = 60
"""No country rests longer; a calendar that does is not followed."""


def stop_day(policy: Policy, day: date) -> date:
    """`day` itself, or the first after it that the policy allows: of the working days those before another one."""
    return _stop_day(policy.holidays, day) if policy.business_days else day


def bank_days_after(day: date, count: int) -> date:
    """The day that lies so many bank days after another: Monday to Friday, as transfers move in every country."""
    while count:
        day += _ONE_DAY
        count -= is_working_day("", day)
    return day


@lru_cache(maxsize=8192)
def _stop_day(place: str, day: date) -> date:
    found = day
    for _ in range(_DAYS_MAX):
        if is_working_day(place, found) and is_working_day(place, found + _ONE_DAY):
            return found
        found += _ONE_DAY
    return day
