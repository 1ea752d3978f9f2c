"""What restrict, disable and delete have in common: the deadline, and waiting under doubt.

A doubt does not move days. If one stands at the deadline nothing is cut, the warnings given so far become void,
and when no doubt is left a new warning with its full lead is due (spec, section 3, Doubt and Holds).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from arrears.core.account import Action, Subscription
from arrears.core.deadlines import deadline
from arrears.core.facts import Deferred, DoubtEnded, Fact
from arrears.core.view import IMMEDIATELY, Due, Rank, View


def cut(view: View, sub: Subscription, action: Action, build: Callable[[], Fact]) -> Iterator[Due]:
    """The proposal to cut at the end of the deadline's day, or to wait there, or to warn anew after waiting."""
    if sub.promise(action).doubted:
        if not view.doubts:
            ended = partial(DoubtEnded, subscription=sub.no, action=action)
            yield Due(IMMEDIATELY, Rank.CONSEQUENCE, sub.no, f"{action} no longer waits", ended)
        return
    day = deadline(view, sub, action)
    if day is None:
        return
    _, calendar = view.terms_for(sub, action)
    at = calendar.end_of_day(day)
    if view.doubts:
        yield Due(at, Rank.CUT, sub.no, f"{action} waits", doubted(view, sub, action))
    else:
        yield Due(at, Rank.CUT, sub.no, str(action), build)


def doubted(view: View, sub: Subscription, action: Action) -> Callable[[], Fact]:
    """What is recorded when a doubt stands at the deadline."""
    return partial(Deferred, subscription=sub.no, action=action, doubts=view.doubts)
