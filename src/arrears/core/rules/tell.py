"""What happened is told at 09:00 of the day after; a deletion at the first 09:00 after its confirmation."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from arrears.core.facts import Told
from arrears.core.view import Due, Rank, View


def rule(view: View) -> Iterator[Due]:
    """Each thing that has not been told yet."""
    for sub in view.account.subscriptions:
        for tell in sub.tells:
            build = partial(Told, subscription=sub.no, what=tell.what, on=tell.on)
            at = view.next_morning(tell.not_before)
            yield Due(at, Rank.NOTICE, sub.no, f"told {tell.what}", build)
