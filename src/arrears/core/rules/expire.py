"""A card that pays for something and is about to expire is announced 60, 30 and 7 days ahead (spec, section 4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import partial
from typing import Final

from arrears.core.account import Method
from arrears.core.facts import Expiring
from arrears.core.states import State
from arrears.core.view import Due, Rank, View

DAYS_AHEAD: Final = (60, 30, 7)


def rule(view: View) -> Iterable[Due]:
    """The next announcement of each active card; of those that are overdue only the newest is made."""
    return _announcements(view) if view.account.methods else ()


def _announcements(view: View) -> Iterator[Due]:
    active = {s.method for s in view.account.subscriptions if s.method and s.state is not State.DELETED}
    for method in view.account.methods:
        if method.no in active and not method.removed and method.expires_on is not None:
            yield from _announcement(view, method)


def _announcement(view: View, method: Method) -> Iterator[Due]:
    assert method.expires_on is not None
    if method.expires_on < view.today:
        return
    left = [days for days in DAYS_AHEAD if not method.announced_days or days < method.announced_days]
    due = [days for days in left if view.morning(method.expires_on - timedelta(days)) <= view.now]
    for days in due[-1:] or left[:1]:
        build = partial(Expiring, method=method.no, days=days, expires_on=method.expires_on)
        at = view.morning(method.expires_on - timedelta(days))
        yield Due(at, Rank.NOTICE, method.no, f"card expires in {days} days", build)
