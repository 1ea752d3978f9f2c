"""What happened is told at 09:00 of the day after; a deletion at the first 09:00 after its confirmation; that services
run again at once, when the last of them has said so."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from arrears.core.account import Tell
from arrears.core.facts import Told
from arrears.core.states import RUNNING
from arrears.core.view import IMMEDIATELY, Due, Rank, View


def rule(view: View) -> Iterable[Due]:
    """Each thing that has not been told yet."""
    dues: list[Due] = []
    for sub in view.account.subscriptions:
        for tell in sub.tells:
            if tell.what != RUNNING or not _resuming(view):
                dues.append(_due(view, sub.no, tell))
    return dues


def _resuming(view: View) -> bool:
    return any(order.kind == "resume" for sub in view.account.subscriptions for order in sub.orders)


def _due(view: View, subscription: int, tell: Tell) -> Due:
    build = partial(Told, subscription=subscription, what=tell.what, on=tell.on)
    at_once = tell.what == RUNNING
    at = IMMEDIATELY if at_once else view.next_morning(tell.not_before)
    return Due(at, Rank.NOTICE, subscription, f"told {tell.what}", build, at_once)
