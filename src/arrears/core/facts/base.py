"""What every fact has, and the small values that several facts carry."""

from __future__ import annotations

from datetime import date, datetime

import msgspec


class Fact(msgspec.Struct, frozen=True, omit_defaults=True, gc=False, tag_field="kind"):
    """Base of all facts."""


class Allocation(msgspec.Struct, frozen=True):
    """Money put on one debt."""

    debt: int
    minor: int


class Owing(msgspec.Struct, frozen=True):
    """One debt as it stood when a decision was taken."""

    debt: int
    currency: str
    open_minor: int
    day_0: date


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an escalation was decided on: re-evaluated, it gives the same answer (I7)."""

    policy: str
    owing: tuple[Owing, ...] = ()
    warning_accepted_at: datetime | None = None
    promised_on: date | None = None
