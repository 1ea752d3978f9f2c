"""Restrict late, and never without a warning that had time to be read. Only where the policy has this stage."""

from __future__ import annotations

from collections.abc import Iterable

from arrears.core.account import Action
from arrears.core.deadlines import Ahead, ahead
from arrears.core.escalation import escalate
from arrears.core.facts import Restricted
from arrears.core.view import ONE_DAY, Due, View


def rule(view: View) -> Iterable[Due]:
    """At the end of the deadline's day."""
    if view.policy.restrict_after_days is None:
        return ()
    return [due for one in ahead(view) if one.action is Action.RESTRICT for due in escalate(view, one, _restricted)]


def _restricted(view: View, one: Ahead) -> Restricted:
    day, sub = one.deadline, one.sub
    assert day is not None
    return Restricted(
        subscription=sub.no,
        generation=sub.generation,
        on=day,
        entered_on=day if view.today <= day + ONE_DAY else view.today,
        order_no=sub.order_count + 1,
        tell_at=view.morning(day + ONE_DAY),
        evidence=view.evidence(sub, one.action, one.policy),
        before=sub.state,
    )
