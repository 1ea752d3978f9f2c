"""The small values of an event's body: money, days, instants, and things by the names that outsiders know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from arrears.core.ids import SUBSCRIPTION, format_id

EventBody = dict[str, Any]


class EventNames(NamedTuple):
    """How an account's things are called outside: its invoices' numbers and its subscriptions' services, by the number
    that facts name them by."""

    account: int
    invoices: Mapping[int, str]
    services: Mapping[int, str]

    def invoice(self, debt: int) -> str | None:
        """The number of an invoice; None for 0, which is none."""
        return self.invoices.get(debt)

    def several(self, debts: Iterable[int]) -> list[str | None]:
        """The numbers of invoices."""
        return [self.invoice(debt) for debt in debts]

    def subscription(self, no: int) -> EventBody:
        """A subscription: its id and its service."""
        return {"id": format_id(SUBSCRIPTION, self.account, no), "service": self.services.get(no)}

    def subscriptions(self, numbers: Iterable[int]) -> list[EventBody]:
        """Subscriptions, each as `subscription` says it."""
        return [self.subscription(no) for no in numbers]


def money(amount_minor: int, currency: str) -> EventBody:
    """An amount with its currency."""
    return {"amount_minor": amount_minor, "currency": currency}


def day(on: date | None) -> str | None:
    """A local day of the account, `2026-07-01`."""
    return None if on is None else on.isoformat()


def instant(at: datetime | None) -> str | None:
    """An instant in UTC, `2026-07-01T09:00:00Z`."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
