"""The day on which something will happen is part of the state: told the same everywhere, and it only moves later."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from arrears.core.account import Action
from arrears.core.deadlines import counts_here, told_day
from arrears.core.facts import DateMoved
from arrears.core.view import IMMEDIATELY, Due, Rank, View


def rule(view: View) -> Iterator[Due]:
    """Record each day that is later than the one told so far, in the transaction that made it so."""
    for sub in view.account.subscriptions:
        for action in Action:
            if not counts_here(view, sub, action):
                continue
            day = told_day(view, sub, action)
            told = sub.promise(action).promised_on
            if day is not None and (told is None or day > told):
                build = partial(DateMoved, subscription=sub.no, action=action, on=day)
                yield Due(IMMEDIATELY, Rank.CONSEQUENCE, sub.no, f"{action} on", build)
