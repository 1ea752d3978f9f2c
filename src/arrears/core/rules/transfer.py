"""A transfer that the customer says is on its way is waited for until its days are over, or nothing is past due any
more (spec, section 6; decision 62)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from arrears.core.account import DoubtKind
from arrears.core.facts import DoubtCleared
from arrears.core.view import IMMEDIATELY, ONE_DAY, Due, Rank, View


def rule(view: View) -> Iterable[Due]:
    """On the morning after its last day: a deadline at the end of that day has still waited."""
    return _ends(view) if view.account.doubts else ()


def _ends(view: View) -> Iterator[Due]:
    for doubt in view.account.doubts:
        if doubt.kind is DoubtKind.TRANSFER and doubt.until is not None:
            at = view.morning(doubt.until + ONE_DAY) if view.account.past_due else IMMEDIATELY
            over = partial(DoubtCleared, doubt=doubt.kind, ref=doubt.ref)
            yield Due(at, Rank.CONSEQUENCE, 0, "the days of a transfer are over", over)
