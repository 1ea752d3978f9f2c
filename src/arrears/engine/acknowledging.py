"""What a service says of an order, recorded under the account's lock: carried out, in part, or overtaken."""

from __future__ import annotations

from collections.abc import Mapping

from arrears.core import facts as f
from arrears.core.account import OpenOrder
from arrears.core.acknowledging import acknowledged, overtaken
from arrears.core.errors import Refused
from arrears.core.guards import Guards
from arrears.core.policy import Policy
from arrears.core.unit import Unit
from arrears.core.view import View
from arrears.ports import Obeyed


def acknowledge(unit: Unit, policies: Mapping[str, Policy], subscription: int, order_no: int, said: Obeyed) -> None:
    """Record a service's word that an order was carried out; refused for an order that is not open. What was given
    before it and is still open is overtaken: the service drops it."""
    sub = unit.account.subscription(subscription)
    order = open_order(unit, subscription, order_no)
    if order is None:
        raise Refused("unknown_order", f"order {order_no} of subscription {subscription} is not open")
    for older in [one for one in sub.orders if one.no < order_no]:
        record_overtaken(unit, subscription, older)
    view = View(policies, unit.account, Guards(), unit.now)
    fact = acknowledged(view, subscription, order_no, order.kind, said.at, said.deleted)
    unit.record(fact, f"service:{sub.service}")


def record_overtaken(unit: Unit, subscription: int, order: OpenOrder) -> None:
    """Record that a newer order came before this one, which will never be carried out; refused of the newest, and of a
    deletion, after which none comes."""
    sub = unit.account.subscription(subscription)
    if order.no >= sub.order_count or order.kind == "delete":
        raise Refused("not_overtaken", f"order {order.no} of subscription {subscription} is the newest that was given")
    unit.record(overtaken(sub, order), f"service:{sub.service}")


def answered_in_part(unit: Unit, subscription: int, order_no: int, said: Obeyed) -> None:
    """Record that a service has not deleted everything, unless it has said so in these numbers before. The order stays
    open, is given again, and staff see it."""
    sub = unit.account.subscription(subscription)
    order = open_order(unit, subscription, order_no)
    if order is None or order.kind != "delete":
        raise Refused("unknown_order", f"order {order_no} of subscription {subscription} is no open order to delete")
    if order.left != tuple(sorted(said.left.items())):
        in_part = f.DeletedInPart(subscription, order_no, sub.generation, dict(said.left), dict(said.deleted))
        unit.record(in_part, f"service:{sub.service}")


def open_order(unit: Unit, subscription: int, order_no: int) -> OpenOrder | None:
    """An order that has not been acknowledged; None where there is none with this number."""
    found = (one for one in unit.account.subscriptions if one.no == subscription)
    return next((order for sub in found for order in sub.orders if order.no == order_no), None)
