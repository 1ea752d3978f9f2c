"""Disable late, and never without a warning that had time to be read; retention starts with it (spec, section 3)."""

from __future__ import annotations

from collections.abc import Iterable

from arrears.core.account import Action
from arrears.core.deadlines import Ahead, ahead
from arrears.core.escalation import escalate
from arrears.core.facts import Disabled
from arrears.core.states import State
from arrears.core.view import ONE_DAY, Due, View


def rule(view: View) -> Iterable[Due]:
    """At the end of the deadline's day; where the policy restricts first, only what has been restricted."""
    lying_ahead = ahead(view)
    if not lying_ahead:
        return ()
    restricts = view.policy.restrict_after_days is not None
    return [
        due
        for one in lying_ahead
        if one.action is Action.DISABLE and not (restricts and one.sub.state is State.PAST_DUE)
        for due in escalate(view, one, _disabled)
    ]


def _disabled(view: View, one: Ahead) -> Disabled:
    day, sub = one.deadline, one.sub
    assert day is not None
    return Disabled(
        subscription=sub.no,
        generation=sub.generation,
        on=day,
        order_no=sub.order_count + 1,
        terms=view.pinned,
        tell_at=view.morning(day + ONE_DAY),
        evidence=view.evidence(sub, one.action, one.policy),
        before=sub.state,
    )
