"""A service's word that an order has been carried out, as it is recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from arrears.core.account import Account, OpenOrder, Subscription
from arrears.core.facts import OrderAcknowledged
from arrears.core.guards import Guards
from arrears.core.policy import Policies
from arrears.core.view import View, service_ended_on

_NOTHING: Final[Mapping[str, int]] = {}


def acknowledged(
    view: View,
    subscription: int,
    order_no: int,
    order: str,
    done_at: datetime,
    deleted: Mapping[str, int] = _NOTHING,
) -> OrderAcknowledged:
    """The fact that an open order (`disable`, `delete`, ...) of a subscription was carried out at `done_at`: where it
    stopped the service it says on which local day that ended, and when it may be told (spec, section 8). `deleted` is
    what the service counted."""
    sub = view.account.subscription(subscription)
    ended_on = None
    if order == "disable" and sub.end is not None and sub.end.order_no == order_no:
        end = sub.end
        ended_on = end.ended_on
        if ended_on is None:
            ended_on = service_ended_on(end.stopped_on, end.recorded_at, done_at, end.terms.zone)
    tell_at = {"delete": view.next_morning(view.now), "resume": view.now}.get(order)
    if any(one.no == order_no and one.repeated for one in sub.orders):
        tell_at = None
    return OrderAcknowledged(
        subscription=subscription,
        order_no=order_no,
        order=order,
        generation=sub.generation,
        ended_on=ended_on,
        tell_at=tell_at,
        on=None if tell_at is None else view.today,
        deleted=dict(deleted),
    )


def overtaken(sub: Subscription, order: OpenOrder) -> OrderAcknowledged:
    """The fact that a newer order came to a service before this one, so that this one is never carried out."""
    return OrderAcknowledged(sub.no, order.no, order.kind, sub.generation, overtaken=True)


def acknowledgements(policies: Policies, account: Account, now: datetime) -> Iterator[OrderAcknowledged]:
    """One for each order that is open, as if all were carried out now."""
    if any(sub.orders for sub in account.subscriptions):
        view = View(policies, account, Guards(), now)
        for sub in account.subscriptions:
            for order in sub.orders:
                yield acknowledged(view, sub.no, order.no, order.kind, now)
