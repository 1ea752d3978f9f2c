"""The operator's services, as the engine sees them: they obey orders."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import NamedTuple, Protocol


class Order(NamedTuple):
    """A command to a service, named so exactly that it cannot hit another subscription. `name` is the account's: a
    service that knows this subscription by another name, its own or that of an earlier order, refuses to delete."""

    id: str
    service: str
    account: int
    subscription: int
    generation: int
    number: int
    command: str
    name: str = ""


class Obeyed(NamedTuple):
    """A service's word that an order was carried out at `at`. Of an order to delete: what it `deleted` and, where it is
    not finished, what is `left`, each counted by its own names (`{"files": 12}`)."""

    at: datetime
    deleted: Mapping[str, int] = {}
    left: Mapping[str, int] = {}


class OnItsWay(Enum):
    """An order is in the queue of deliveries, which gives it until it is carried out; whoever hears that records it."""

    QUEUED = "queued"


class Services(Protocol):
    """Whoever gives orders to the services and hears that they were carried out."""

    def order(self, order: Order, now: datetime) -> Obeyed | OnItsWay | None:
        """Give an order, as often as needed; what was done, or None while it is only accepted, or cannot be given yet:
        it is given again then, as while something is left of what is to be deleted. One that is on its way is not."""
