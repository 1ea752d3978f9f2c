"""Placing a hold on an account that is open for a change (spec, section 3, Holds)."""

from __future__ import annotations

from datetime import date
from typing import Final

from arrears.core import facts as f
from arrears.core.account import ALL_STOPS, Hold, HoldScope, Stop
from arrears.core.errors import Refused
from arrears.core.unit import Unit
from arrears.engine.acting import open_debts, subscription_of

HOLD_DAYS_MAX: Final = 366
"""A hold is a stop with an end (spec, section 1); longer ones are renewed by a person who looked again."""


def place_hold(
    unit: Unit, scope: HoldScope, target: int, stops: tuple[Stop, ...], reason: str, until: date | None, author: str
) -> int:
    """Place a hold in a unit whose account is under its lock; the hold's number within the account."""
    named: tuple[int, ...] = ()
    if scope is HoldScope.DEBT:
        [debt] = open_debts(unit, [target])
        stops, named = ALL_STOPS, debt.subscriptions
    elif scope is HoldScope.SUBSCRIPTION:
        subscription_of(unit, target)
    if not stops or not reason.strip():
        raise Refused("bad_hold", "a hold says what it stops and why")
    number = unit.account.hold_count + 1
    placed = Hold(
        no=number,
        scope=scope,
        target=target if scope is not HoldScope.ACCOUNT else 0,
        stops=stops,
        reason=reason,
        from_at=unit.now,
        until=until,
        named=named,
    )
    unit.record(f.HoldPlaced(hold=placed), author, reason)
    return number
