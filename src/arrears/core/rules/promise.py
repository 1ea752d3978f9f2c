"""The day on which something will happen is part of the state: told the same everywhere, and it only moves later."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from msgspec.structs import replace

from arrears.core.account import Hold
from arrears.core.deadlines import Ahead, ahead
from arrears.core.facts import DateMoved
from arrears.core.view import IMMEDIATELY, Due, Rank, View


def rule(view: View) -> Iterable[Due]:
    """Record each day that is later than the one told so far, in the transaction that made it so."""
    dues: list[Due] = []
    for one in ahead(view):
        day, told = one.stored_day, one.promise.promised_on
        if day is not None and (told is None or day > told):
            build = partial(_moved, view, one)
            dues.append(Due(IMMEDIATELY, Rank.CONSEQUENCE, one.sub.no, f"{one.action} on", build))
    return dues


def _moved(view: View, one: Ahead) -> DateMoved:
    day, promise = one.stored_day, one.promise
    assert day is not None
    by_holds: tuple[int, ...] = ()
    if view.account.holds and any(s.seq > promise.since_seq and s.promised_on < day for s in promise.sent):
        by_holds = tuple([h.no for h in _placed_now(view, one)])
    return DateMoved(subscription=one.sub.no, action=one.action, on=day, by_holds=by_holds)


def _placed_now(view: View, one: Ahead) -> list[Hold]:
    """The holds placed in this instant without which the day would stay what was told."""
    placed = [h for h in view.account.holds if h.from_at == view.now and h.ended_at is None and one.stop in h.stops]
    if not placed:
        return []
    others = tuple([h for h in view.account.holds if h not in placed])
    without = View(view.policies, replace(view.account, holds=others), view.guards, view.now)
    for free in ahead(without):
        if (free.sub.no, free.action) == (one.sub.no, one.action):
            return placed if free.stored_day is None or free.stored_day == one.promise.promised_on else []
    return placed
