"""Deciding under an account's lock: what a command or the world recorded, and every consequence of it, in one
transaction. The rooms of the engine know this and not each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Final

from arrears.core.account import Debt, Subscription
from arrears.core.calendar import calendar_of
from arrears.core.decide import decide
from arrears.core.errors import Refused
from arrears.core.facts import (
    DeletionCapped,
    DeletionOrdered,
    Fact,
)
from arrears.core.guards import Guards
from arrears.core.ids import INVOICE, SUBSCRIPTION, format_id
from arrears.core.policy import Policies
from arrears.core.unit import Unit
from arrears.core.view import View
from arrears.engine.failpoints import reached
from arrears.ports import Accounts, Batch

FACTS_MAX: Final = 500
"""More facts than this for one account at one instant is a rule that never comes to rest: our own mistake."""


def decide_until_rest(
    unit: Unit, policies: Policies, guards: Guards, *, only_consequences: bool, deletions: DeletionGrant | None = None
) -> None:
    """Decide and record until nothing is due for this account; its next look is then known."""
    for _ in range(FACTS_MAX):
        decision = decide(policies, unit.account, guards, unit.now, only_consequences=only_consequences)
        for fact in decision.facts:
            unit.record(_within_cap(fact, deletions))
        if decision.at_rest:
            unit.next_at = decision.next_at
            return
    raise AssertionError(f"account {unit.no} never comes to rest at {unit.now}")


class DeletionGrant:
    """The day's cap on deletions, asked for one at a time inside the batch's transaction."""

    def __init__(self, batch: Batch, now: datetime, cap: int) -> None:
        self._batch = batch
        self._day = now.astimezone(UTC).date()
        self._cap = cap
        self._used_up = False
        self._granted = 0

    def one(self) -> bool:
        """Whether one more deletion may be ordered today. After the first no the store is not asked again."""
        if not self._used_up:
            self._used_up = self._batch.grant_deletions(self._day, 1, self._cap) == 0
        self._granted += not self._used_up
        return not self._used_up

    def spend(self, orders: int) -> bool:
        """Whether so many orders stand that were granted; each grant is good for one."""
        self._granted -= orders
        return self._granted >= 0


def _within_cap(fact: Fact, deletions: DeletionGrant | None) -> Fact:
    if not isinstance(fact, DeletionOrdered):
        return fact
    if fact.released or (deletions is not None and deletions.one()):
        return fact
    return DeletionCapped(subscription=fact.subscription, generation=fact.generation)


@contextmanager
def _acting(store: Accounts, numbers: Sequence[int], now: datetime) -> Iterator[Batch]:
    with store.accounts(sorted(set(numbers)), now) as batch:
        yield batch
        for unit in batch.units:
            if unit.stored:
                decide_until_rest(unit, batch.policies, batch.guards, only_consequences=True)
        reached("command.before_commit")
    reached("command.after_commit")


@contextmanager
def acting(store: Accounts, numbers: Sequence[int], now: datetime) -> Iterator[dict[int, Unit]]:
    """Hold these accounts under their locks, in one transaction; yields their units by number. On leaving, every
    consequence of what was recorded is recorded too, so that no committed state lacks one."""
    with _acting(store, numbers, now) as batch:
        yield {unit.no: unit for unit in batch.units}


@contextmanager
def acting_on(store: Accounts, number: int, now: datetime) -> Iterator[Unit]:
    """Hold one account as `acting` does; yields its unit."""
    with acting(store, [number], now) as units:
        yield units[number]


@contextmanager
def seeing(store: Accounts, number: int, now: datetime) -> Iterator[tuple[Unit, View]]:
    """Hold one account as `acting` does; yields its unit, and the account as a rule sees it now, under its lock."""
    with _acting(store, [number], now) as batch:
        [unit] = batch.units
        yield unit, View(batch.policies, unit.account, batch.guards, now)


def local_today(unit: Unit) -> date:
    """The local day of a unit's instant in the account's zone; a running case keeps the zone it started with."""
    case = unit.account.case
    return calendar_of((unit.account if case is None else case).terms.zone).local_day(unit.now)


def open_debts(unit: Unit, numbers: Sequence[int]) -> list[Debt]:
    found = [unit.account.debt(number) for number in numbers]
    missing = [format_id(INVOICE, unit.no, n) for n, d in zip(numbers, found, strict=True) if d is None]
    if missing:
        raise Refused("unknown_invoice", f"{', '.join(missing)}: nothing is open")
    return [d for d in found if d is not None]


def subscription_of(unit: Unit, number: int) -> Subscription:
    try:
        sub = unit.account.subscription(number)
    except KeyError:
        raise Refused("unknown_subscription", f"account {unit.no} has no subscription {number}") from None
    if sub.end is not None and sub.end.ordered_at is not None:
        raise Refused("deleted", f"{format_id(SUBSCRIPTION, unit.no, number)}: its deletion has been ordered")
    return sub
