"""What the contract tests share: an honest book in either store, and how a store says no."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

import psycopg

from arrears.core.account import Mode
from arrears.core.errors import Refused
from arrears.core.policy import default_policy
from arrears.engine import commands
from arrears.engine.booking import Payment
from arrears.engine.perform import perform_all
from arrears.engine.run import run
from arrears.engine.system import adopt_policy
from arrears.ports import Channel, NewAccount, Poisoned, Services, Store
from arrears.store.memory.store import MemoryStore
from arrears.store.postgres.store import PostgresStore

DAY_1: Final = date(2026, 1, 1)
API: Final = "api:1"
NO: Final = (Refused, Poisoned, psycopg.DataError)
"""How a store says that something may not be: for people, in memory, or as a constraint of the database."""

AnyStore = MemoryStore | PostgresStore


def at(day: int, hour: int = 0) -> datetime:
    """An hour of a day of the story; day 1 is 1 January 2026."""
    return datetime.combine(DAY_1, datetime.min.time(), UTC) + timedelta(days=day - 1, hours=hour)


def new_account(ref: str) -> NewAccount:
    """Somebody honest with a card."""
    return NewAccount(ref, "Somebody", "NL", "UTC", "nl", Mode.CARD, "default", f"{ref}@example.org")


def open_book(store: Store, accounts: int = 1, services: Sequence[str] = ("cloud",)) -> list[int]:
    """Accounts with these services on day 1, and the default policy."""
    adopt_policy(store, default_policy(), at(1), "staff:1")
    new = [(new_account(f"A{n}"), services) for n in range(1, accounts + 1)]
    return commands.open_accounts(store, new, at(1), API)


def invoice(account: int, number: str, *, due_day: int = 1, subscriptions: tuple[int, ...] = (1,)) -> commands.Invoice:
    """EUR 120.00, issued on day 1."""
    due_on = DAY_1 + timedelta(days=due_day - 1)
    return commands.Invoice(account, number, "EUR", 12_000, DAY_1, due_on, subscriptions)


def owing_book(store: Store, accounts: int = 1, services: Sequence[str] = ("cloud",)) -> list[int]:
    """The same, each with one invoice for all services that is due on day 1."""
    numbers = open_book(store, accounts, services)
    subscriptions = tuple(range(1, len(services) + 1))
    issued = [invoice(n, f"I{n}", subscriptions=subscriptions) for n in numbers]
    commands.issue_invoices(store, issued, at(1), API)
    return numbers


def payment(account: int, ref: str, minor: int = 12_000) -> Payment:
    """Money for the first invoice."""
    return Payment(account, ref, "EUR", minor, (1,))


def play(store: Store, channel: Channel, services: Services, first_day: int, last_day: int) -> None:
    """Run and perform at midnight and at 09:00 of each of these days."""
    for day in range(first_day, last_day + 1):
        for now in (at(day), at(day, 9)):
            run(store, now)
            perform_all(store, channel, services, lambda now=now: now)  # type: ignore[misc]


def standing(store: Store, numbers: Sequence[int]) -> tuple[object, ...]:
    """Everything that can be read back of these accounts, to compare before and after."""
    return (
        store.digest(),
        store.snapshots(numbers),
        [store.history(n) for n in numbers],
        store.next_due(),
        store.system(),
    )


def wait_until(true: Callable[[], bool], seconds_max: float = 60) -> None:
    deadline = time.monotonic() + seconds_max
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
