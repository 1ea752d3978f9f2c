"""The day on which something will happen is part of the state: told the same everywhere, and it only moves later."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from arrears.core.deadlines import ahead, told_day
from arrears.core.facts import DateMoved
from arrears.core.view import IMMEDIATELY, Due, Rank, View


def rule(view: View) -> Iterator[Due]:
    """Record each day that is later than the one told so far, in the transaction that made it so."""
    for sub, action in ahead(view):
        day = told_day(view, sub, action)
        told = sub.promise(action).promised_on
        if day is not None and (told is None or day > told):
            build = partial(DateMoved, subscription=sub.no, action=action, on=day)
            yield Due(IMMEDIATELY, Rank.CONSEQUENCE, sub.no, f"{action} on", build)
