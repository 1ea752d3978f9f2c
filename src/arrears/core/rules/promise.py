"""The day on which something will happen is part of the state: told the same everywhere, and it only moves later."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from arrears.core.deadlines import ahead
from arrears.core.facts import DateMoved
from arrears.core.view import IMMEDIATELY, Due, Rank, View


def rule(view: View) -> Iterable[Due]:
    """Record each day that is later than the one told so far, in the transaction that made it so."""
    dues: list[Due] = []
    for one in ahead(view):
        day, told = one.stored_day, one.promise.promised_on
        if day is not None and (told is None or day > told):
            build = partial(DateMoved, subscription=one.sub.no, action=one.action, on=day)
            dues.append(Due(IMMEDIATELY, Rank.CONSEQUENCE, one.sub.no, f"{one.action} on", build))
    return dues
