"""Words that every sentence about an account is made of: days, what is planned, and what has to be so to prevent it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from arrears.core.account import Account, Action
from arrears.core.closed import closed
from arrears.core.states import Reason

WILL: Final = closed(
    "words of what comes",
    Action,
    {Action.RESTRICT: "is restricted", Action.DISABLE: "stops", Action.DELETE: "is deleted with its data"},
)


def in_words(day: date) -> str:
    """`31 January 2026`, the same in every locale of the machine."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


_MONTHS: Final = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)


_LIFTED_WHEN: Final = {Reason.PAST_DUE: "everything is paid", Reason.CANCELED: "it is reactivated"}


def unless_lifted(reasons: Sequence[Reason]) -> str:
    """`unless everything is paid`: what has to be so for these reasons to be gone."""
    when = [_LIFTED_WHEN.get(reason, f"the {reason.replace('_', ' ')} is lifted") for reason in reasons]
    return f"unless {' and '.join(when)}"


def service_of(account: Account, number: int) -> str:
    """The service of a subscription."""
    return account.subscription(number).service
