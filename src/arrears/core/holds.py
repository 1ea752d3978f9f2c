"""Holds: a stop on escalation with a scope, a reason and an end (spec, section 3)."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from arrears.core.value import Value


class Stop(StrEnum):
    """What a hold can stop (spec, section 3, Holds)."""

    REMIND = "remind"
    CHARGE = "charge"
    RESTRICT = "restrict"
    DISABLE = "disable"
    DELETE = "delete"


ALL_STOPS = tuple(Stop)


class HoldScope(StrEnum):
    """What a hold is on."""

    DEBT = "debt"
    SUBSCRIPTION = "subscription"
    ACCOUNT = "account"


class Moved(Value, frozen=True):
    """An action of a subscription whose day a hold moved to `on` when it was placed, which fact `seq` says: what named
    an earlier one before that."""

    subscription: int
    stop: Stop
    on: date
    seq: int


class Hold(Value, frozen=True, omit_defaults=True):
    """A stop on escalation. `until` is its last local day; None means until it is released (disputes). `moved` is what
    it put later when it was placed."""

    no: int
    scope: HoldScope
    target: int
    stops: tuple[Stop, ...]
    reason: str
    from_at: datetime
    until: date | None = None
    ended_at: datetime | None = None
    arrangement: int = 0
    """The promise to pay that places it, up to its next day; 0 for every other."""
    moved: tuple[Moved, ...] = ()
    named: tuple[int, ...] = ()
    """The subscriptions that the held debt names: their deletion was held on these days, whatever becomes of it."""
    debt_gone_at: datetime | None = None
    """When nothing was open any more of the debt on which it stands."""
