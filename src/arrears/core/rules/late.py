"""What was ordered to run again is promised within 24 hours; where it is not acknowledged by then, a support request
opens by itself (spec, section 9)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from arrears.core.account import OpenOrder, Subscription
from arrears.core.facts import LateOrder, ResumeLate
from arrears.core.people.support import RESUME_WITHIN
from arrears.core.states import RUNS
from arrears.core.view import Due, Rank, View


def rule(view: View) -> Iterable[Due]:
    """Every order that becomes late at one instant is in one request, each once."""
    waiting = [
        (order.since + RESUME_WITHIN, sub, order)
        for sub in view.account.subscriptions
        if sub.orders and sub.state in RUNS
        for order in sub.orders
        if order.since is not None and not order.late_seq
    ]
    if not waiting:
        return ()
    at = min(at for at, _, _ in waiting)
    late = [(sub, order) for due, sub, order in waiting if due <= max(at, view.now)]
    return (Due(at, Rank.CONSEQUENCE, late[0][0].no, "a service that should run again", partial(_late, late)),)


def _late(late: list[tuple[Subscription, OpenOrder]]) -> ResumeLate:
    return ResumeLate(orders=tuple(LateOrder(sub.no, sub.generation, order.no, order.given_seq) for sub, order in late))
