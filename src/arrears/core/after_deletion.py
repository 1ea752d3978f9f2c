"""Which subscription to a service is meant on a day: what was deleted is final, and whoever uses the service again has
another one (decision 86).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from arrears.core.account import Account, Subscription
from arrears.core.calendar import calendar_of


def is_going(sub: Subscription) -> bool:
    """Whether its deletion was ordered: nothing brings it back."""
    return sub.end is not None and sub.end.ordered_at is not None


def billed_on(subscriptions: Iterable[Subscription], service: str, day: date) -> Subscription | None:
    """The subscription to this service for which an invoice of this day is: the first whose deletion had not been
    ordered on a local day before; None where there is none, or it was."""
    for sub in subscriptions:
        if sub.service == service and not _went_before(sub, day):
            return sub
    return None


def _went_before(sub: Subscription, day: date) -> bool:
    if sub.end is None or sub.end.ordered_at is None:
        return False
    return calendar_of(sub.end.terms.zone).local_day(sub.end.ordered_at) < day


def used_from(subscriptions: Iterable[Subscription], service: str, at: datetime) -> list[Subscription]:
    """The subscriptions to this service that somebody may mean who began to use it at this instant: one whose deletion
    was ordered since then, else those that are not deleted and will not be."""
    same = [sub for sub in subscriptions if sub.service == service]
    gone = [sub for sub in same if sub.end is not None and sub.end.ordered_at is not None and sub.end.ordered_at >= at]
    return gone or [sub for sub in same if not is_going(sub)]


def named_by(account: Account, service: str) -> list[Subscription]:
    """The subscriptions that the name of a service means: those that are not deleted and will not be, else all."""
    same = [sub for sub in account.subscriptions if sub.service == service]
    return [sub for sub in same if not is_going(sub)] or same
