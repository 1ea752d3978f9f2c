"""What happened is told at 09:00 of the day after; a deletion at the first 09:00 after its confirmation."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from arrears.core.account import Tell
from arrears.core.facts import Told
from arrears.core.view import Due, Rank, View


def rule(view: View) -> Iterable[Due]:
    """Each thing that has not been told yet."""
    return [_told(view, sub.no, tell) for sub in view.account.subscriptions for tell in sub.tells]


def _told(view: View, subscription: int, tell: Tell) -> Due:
    build = partial(Told, subscription=subscription, what=tell.what, on=tell.on)
    return Due(view.next_morning(tell.not_before), Rank.NOTICE, subscription, f"told {tell.what}", build)
