"""Holds and disputes: stops on escalation that a person places and releases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from arrears.core.account import ALL_STOPS, HoldScope, Stop
from arrears.core.errors import Refused
from arrears.core.ids import HOLD, format_id
from arrears.core.rules.hold import end_hold
from arrears.core.view import View
from arrears.engine.acting import acting_on, local_today
from arrears.engine.holding import HOLD_DAYS_MAX, place_hold
from arrears.ports import Accounts


def hold(
    store: Accounts,
    account: int,
    *,
    scope: HoldScope,
    target: int = 0,
    stops: Sequence[Stop] = ALL_STOPS,
    reason: str,
    until: date,
    now: datetime,
    author: str,
) -> int:
    """Stop the named escalations up to and including the local day `until`; the hold's number."""
    with acting_on(store, account, now) as unit:
        today = local_today(unit)
        if not today <= until <= today + timedelta(days=HOLD_DAYS_MAX):
            raise Refused("bad_date", f"a hold ends between {today} and {today + timedelta(days=HOLD_DAYS_MAX)}")
        return place_hold(unit, scope, target, tuple(stops), reason, until, author)


def dispute(store: Accounts, account: int, debt: int, now: datetime, author: str, reason: str = "dispute") -> int:
    """Hold everything about one invoice that the customer objects to, or whose payment their bank reversed, until it is
    released; the hold's number."""
    with acting_on(store, account, now) as unit:
        return place_hold(unit, HoldScope.DEBT, debt, ALL_STOPS, reason, None, author)


def release(store: Accounts, account: int, number: int, now: datetime, author: str, why: str = "") -> None:
    """End a hold now. Warnings whose date the hold moved no longer count; new ones follow with their full lead."""
    policies = store.policies()
    guards = store.system().guards
    with acting_on(store, account, now) as unit:
        found = next((h for h in unit.account.holds if h.no == number and h.ended_at is None), None)
        if found is None:
            raise Refused("unknown_hold", f"{format_id(HOLD, account, number)} is not an open hold")
        view = View(policies, unit.account, guards, now)
        unit.record(end_hold(view, found, now), author, why)
