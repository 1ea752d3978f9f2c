"""The days that a letter names when it leaves, which can be later than when it was decided.

What is told of an action that no counted warning announces is never earlier than today and the lead (spec, section 3):
a warning that an outage kept back names the day that pages and answers name by now, not the one it was decided with.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from msgspec.structs import replace

from arrears.core.account import Account, Action
from arrears.core.deadlines import ahead
from arrears.core.guards import Guards
from arrears.core.messages.content import DatedAction
from arrears.core.policy import Policies
from arrears.core.view import View
from arrears.engine.messages.drafting_announced import on_days
from arrears.engine.messages.drafting_people import Draft
from arrears.engine.messages.subscription_names import subscription_names


def days_announced(account: Account, policies: Policies, now: datetime) -> dict[tuple[str, Action], date]:
    """The day of each action ahead, by the service's name in messages. Of a parked account nothing is worked out: what
    its terms need may be what is lost."""
    if account.parked:
        return {}
    # What waits, and what can be charged, moves no day.
    view = View(policies, account, Guards(), now)
    names = subscription_names(account)
    coming = ((names[one.sub.no], one.action, one.announced_day) for one in ahead(view))
    return {(name, action): on for name, action, on in coming if on is not None}


def restated(draft: Draft, told: dict[tuple[str, Action], date], today: date) -> Draft:
    """A draft as it leaves: each day is the one that is told by now, and so are the days that are left."""
    actions = named(draft.actions, told)
    draft = draft._replace(ends=named(draft.ends, told))
    return draft._replace(actions=actions) if draft.days_left is None else on_days(draft, actions, today)


def named(actions: Iterable[DatedAction], told: dict[tuple[str, Action], date]) -> tuple[DatedAction, ...]:
    """The same, each on the later of its own day and the one that is told by now, the earliest first."""
    moved = (replace(one, on=max(one.on, told.get((one.service, one.action), one.on))) for one in actions)
    return tuple(sorted(moved, key=lambda one: (one.on, one.service)))
