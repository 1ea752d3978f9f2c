"""Support requests: what they are about, who makes them, and what each of them holds (spec, section 10).

A request stops time, it takes nothing back: its holds end by themselves, closing it does not end them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from arrears.core.account import Account, Stop, Subscription
from arrears.core.closed import closed
from arrears.core.states import State


class About(StrEnum):
    """What a request is about."""

    PAID_BUT_DISABLED = "paid_but_disabled"
    CANNOT_PAY = "cannot_pay"
    INVOICE_QUESTION = "invoice_question"
    ADMINISTRATOR_GONE = "administrator_gone"
    INVOICE_MODE = "invoice_mode"
    OTHER = "other"


class Via(StrEnum):
    """How a request came: from somebody signed in, through a pay link, from a stranger whose mail address is
    confirmed, or by itself."""

    ADMINISTRATOR = "administrator"
    READER = "reader"
    LINK = "link"
    ANONYMOUS = "anonymous"
    ARREARS = "arrears"


class Held(NamedTuple):
    """So many local days, beginning with the next, on which these do not happen."""

    stops: tuple[Stop, ...]
    days: int


_OWN: Final = (Held((Stop.DELETE,), 14), Held((Stop.RESTRICT, Stop.DISABLE), 5))
_OTHERS: Final = (Held((Stop.DELETE,), 5),)

HOLDS: Final[Mapping[Via, tuple[Held, ...]]] = closed(
    "holds of a request",
    Via,
    {
        Via.ADMINISTRATOR: _OWN,
        Via.LINK: _OWN,
        Via.READER: _OTHERS,
        Via.ANONYMOUS: _OTHERS,
        Via.ARREARS: (),
    },
)
"""What each holds. A reader may not act for the account, but is known: as much as a confirmed stranger (decision 15).
Whoever holds disablement holds the restriction before it, which takes a service offline too."""

RESUME_WITHIN: Final = timedelta(hours=24)
"""Promised to everybody who pays (spec, section 9)."""


def slot(via: Via, about: About) -> str:
    """What may hold once: the administrator's requests of each kind, the readers' all together, the visitors' too."""
    return about.value if via in (Via.ADMINISTRATOR, Via.LINK) else via.value


def bracket(account: Account) -> int:
    """The case in which a request holds once. Outside of a case, while something is kept that will be deleted, one
    number below zero until the next case; 0 where nothing lies ahead that could be held."""
    if account.case is not None:
        return account.case.no
    ends = any(sub.end is not None and sub.end.ordered_at is None for sub in account.subscriptions)
    return -1 - account.case_count if ends else 0


def held_until(account: Account, numbers: Iterable[int], stop: Stop) -> date | None:
    """The last local day on which one of these holds keeps this from happening to a service; None where none does, or
    it lies ahead of no service."""
    wanted = set(numbers) if any(_lies_ahead(sub, stop) for sub in account.subscriptions) else set()
    days = [h.until for h in account.holds if h.no in wanted and h.ended_at is None and stop in h.stops]
    return max((day for day in days if day is not None), default=None)


def _lies_ahead(sub: Subscription, stop: Stop) -> bool:
    if stop is Stop.DELETE:
        return sub.end is not None and sub.end.ordered_at is None
    return sub.state in (State.PAST_DUE, State.RESTRICTED)
