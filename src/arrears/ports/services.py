"""The operator's services, as the engine sees them: they obey orders."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol


class Order(NamedTuple):
    """A command to a service, named so exactly that it cannot hit another subscription."""

    id: str
    service: str
    account: int
    subscription: int
    generation: int
    number: int
    command: str


class Services(Protocol):
    """Whoever gives orders to the services and hears that they were carried out."""

    def order(self, order: Order, now: datetime) -> datetime | None:
        """Give an order, as often as needed; the instant it was done, or None while it is only accepted."""
