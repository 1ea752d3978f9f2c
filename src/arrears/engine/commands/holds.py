"""Holds and disputes: stops on escalation that a person places and releases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from arrears.core import facts as f
from arrears.core.account import ALL_STOPS, Hold, HoldScope, Stop
from arrears.core.errors import Refused
from arrears.core.ids import HOLD, format_id
from arrears.core.rules.hold import end_hold
from arrears.core.unit import Unit
from arrears.core.view import View
from arrears.engine.acting import acting_on, local_today
from arrears.engine.holding import HOLD_DAYS_MAX, place_hold
from arrears.ports import Accounts, Receivables


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
    journal: Receivables | None = None,
) -> int:
    """Stop the named escalations up to and including the local day `until`; the hold's number. With the `journal` what
    the same author has said already is refused: `nothing_changes`."""
    with acting_on(store, account, now) as unit:
        today = local_today(unit)
        if not today <= until <= today + timedelta(days=HOLD_DAYS_MAX):
            raise Refused("bad_date", f"a hold ends between {today} and {today + timedelta(days=HOLD_DAYS_MAX)}")
        asked = ALL_STOPS if scope is HoldScope.DEBT else tuple(stops)
        if journal is not None:
            same = (one for one in _placed_by(journal, unit, author, scope, target) if one.until == until)
            _refuse_said(unit, next((one for one in same if {*one.stops} == {*asked} and one.reason == reason), None))
        return place_hold(unit, scope, target, asked, reason, until, author)


def dispute(
    store: Accounts,
    account: int,
    debt: int,
    now: datetime,
    author: str,
    reason: str = "dispute",
    journal: Receivables | None = None,
) -> int:
    """Hold everything about one invoice that the customer objects to, or whose payment their bank reversed, until it is
    released; the hold's number. With the `journal` a dispute that the same author has placed and nobody has ended is
    refused, whatever its words: `nothing_changes`."""
    with acting_on(store, account, now) as unit:
        if journal is not None:
            placed = _placed_by(journal, unit, author, HoldScope.DEBT, debt)
            _refuse_said(unit, next((one for one in placed if one.until is None), None))
        return place_hold(unit, HoldScope.DEBT, debt, ALL_STOPS, reason, None, author)


def _placed_by(journal: Receivables, unit: Unit, author: str, scope: HoldScope, target: int) -> Iterator[Hold]:
    """The open holds on this thing that this author has placed. Another's are theirs to end: a dispute that an import
    holds ends with its file, and what a person has said beside it goes on."""
    placed = journal.facts_of([unit.no], [f.HoldPlaced]).get(unit.no, ())
    theirs = {one.fact.hold.no for one in placed if isinstance(one.fact, f.HoldPlaced) and one.author == author}
    for one in unit.account.holds:
        if one.no in theirs and one.ended_at is None and (one.scope, one.target) == (scope, target):
            yield one


def _refuse_said(unit: Unit, same: Hold | None) -> None:
    if same is not None:
        raise Refused("nothing_changes", f"{format_id(HOLD, unit.no, same.no)} is that already, and it is open")


def release(store: Accounts, account: int, number: int, now: datetime, author: str, why: str = "") -> None:
    """End a hold now. Warnings whose date the hold moved no longer count; new ones follow with their full lead."""
    policies = store.policies()
    guards = store.system().guards
    with acting_on(store, account, now) as unit:
        found = next((h for h in unit.account.holds if h.no == number and h.ended_at is None), None)
        if found is None:
            raise Refused("unknown_hold", f"{format_id(HOLD, account, number)} is not an open hold")
        if found.arrangement:
            promised = f"promise {found.arrangement} places {format_id(HOLD, account, number)}; end the promise instead"
            raise Refused("held_by_promise", promised)
        view = View(policies, unit.account, guards, now)
        unit.record(end_hold(view, found, now), author, why)
