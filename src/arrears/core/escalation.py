"""What restrict, disable and delete have in common: the deadline, and waiting under doubt.

A doubt does not move days. If one stands at the deadline nothing is cut, the warnings given so far become void,
and when no doubt is left a new warning with its full lead is due (spec, section 3, Doubt and Holds). A payment page
that is open makes it wait too, for as long as the page lives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Final

from arrears.core.deadlines import Ahead
from arrears.core.facts import Deferred, DoubtEnded, Fact
from arrears.core.view import IMMEDIATELY, ONE_DAY, Due, Rank, View

DELETIONS_PER_DAY: Final = 10
"""So many deletions are ordered by themselves in a UTC day, in the whole installation; the others wait for the release
by two people (spec, section 8). An installation may say another number (`ARREARS_DELETIONS_PER_DAY`)."""


def page_is_open(view: View, opened_before: datetime | None = None) -> bool:
    """Whether somebody may be paying on the provider's page now, or has paid and we have not heard of it.

    Nothing is cut then, until the page is over: an hour, or as soon as the provider can be asked. No day moves and no
    warning is void by that, as they are under a doubt: who only opens pages wins an hour, and with ever new ones
    (`opened_before`) no more than a day, but for a deletion, which cannot be undone."""
    pages = (attempt.created_at for attempt in view.account.attempts if attempt.on_page)
    return any(opened_before is None or opened < opened_before for opened in pages)


def escalate(view: View, one: Ahead, build: Callable[[View, Ahead], Fact]) -> Iterable[Due]:
    """The proposal to cut at the end of the deadline's day, or to wait there, or to warn anew after waiting."""
    sub, action = one.sub, one.action
    if one.promise.doubted:
        if view.doubts:
            return ()
        ended = partial(DoubtEnded, subscription=sub.no, action=action)
        return (Due(IMMEDIATELY, Rank.CONSEQUENCE, sub.no, f"{action} no longer waits", ended),)
    if one.deadline is None:
        return ()
    if view.doubts:
        at = one.calendar.end_of_day(one.deadline)
        return (Due(at, Rank.ESCALATION, sub.no, f"{action} waits", partial(deferred, view, one)),)
    if page_is_open(view, one.acts_at + ONE_DAY):
        return ()
    return (Due(one.acts_at, Rank.ESCALATION, sub.no, action, partial(build, view, one)),)


def deferred(view: View, one: Ahead) -> Deferred:
    """What is recorded when a doubt stands at the deadline."""
    return Deferred(subscription=one.sub.no, action=one.action, doubts=view.doubts)
