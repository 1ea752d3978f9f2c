"""Disable late, and never without a warning that had time to be read; retention starts with it (spec, section 3)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from arrears.core.account import Action, Subscription
from arrears.core.cuts import cut
from arrears.core.deadlines import ahead, deadline
from arrears.core.facts import Disabled
from arrears.core.states import State
from arrears.core.view import ONE_DAY, Due, View


def rule(view: View) -> Iterator[Due]:
    """At the end of the deadline's day; where the policy restricts first, only what has been restricted."""
    for sub, action in ahead(view):
        if action is not Action.DISABLE:
            continue
        if sub.state is State.PAST_DUE and view.policy.restrict_after_days is not None:
            continue
        yield from cut(view, sub, Action.DISABLE, partial(_disabled, view, sub))


def _disabled(view: View, sub: Subscription) -> Disabled:
    day = deadline(view, sub, Action.DISABLE)
    assert day is not None
    return Disabled(
        subscription=sub.no,
        generation=sub.generation,
        on=day,
        order_no=sub.order_count + 1,
        terms=view.pinned,
        tell_at=view.morning(day + ONE_DAY),
        evidence=view.evidence(sub, Action.DISABLE, view.policy),
        before=sub.state,
    )
