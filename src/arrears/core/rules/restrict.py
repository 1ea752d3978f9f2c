"""Restrict late, and never without a warning that had time to be read. Only where the policy has this stage."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from arrears.core.account import Action, Subscription
from arrears.core.cuts import cut
from arrears.core.deadlines import ahead, deadline
from arrears.core.facts import Restricted
from arrears.core.view import ONE_DAY, Due, View


def rule(view: View) -> Iterator[Due]:
    """At the end of the deadline's day."""
    for sub, action in ahead(view):
        if action is Action.RESTRICT:
            yield from cut(view, sub, Action.RESTRICT, partial(_restricted, view, sub))


def _restricted(view: View, sub: Subscription) -> Restricted:
    day = deadline(view, sub, Action.RESTRICT)
    assert day is not None
    return Restricted(
        subscription=sub.no,
        generation=sub.generation,
        on=day,
        entered_on=day if view.today <= day + ONE_DAY else view.today,
        order_no=sub.order_count + 1,
        tell_at=view.morning(day + ONE_DAY),
        evidence=view.evidence(sub, Action.RESTRICT, view.policy),
        before=sub.state,
    )
