"""One transaction over many accounts in memory: what was sent is written when the context ends without an error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from arrears.core.unit import GENESIS, Unit
from arrears.ports import NewAccount

if TYPE_CHECKING:
    from arrears.store.memory.store import MemoryStore


class MemoryParts:
    """See ports.AccountsInParts."""

    def __init__(self, store: MemoryStore, now: datetime) -> None:
        self.guards = store.system().guards
        self.sent: list[Unit] = []
        self.new: dict[int, NewAccount] = {}
        self.described: list[Callable[[], None]] = []
        self._store = store
        self._now = now

    def units(self, accounts: Sequence[NewAccount], also: Sequence[int]) -> Sequence[Unit]:
        """See ports.AccountsInParts."""
        existing = self._store.units_of(sorted(also), self._now)
        now = existing[0].now if existing else self._now
        first = len(self._store.slots) + len(self.new) + 1
        units = [Unit(first + place, None, 0, GENESIS, now) for place in range(len(accounts))]
        self.new |= {unit.no: new for unit, new in zip(units, accounts, strict=True)}
        return [*units, *existing]

    def send(self, units: Sequence[Unit]) -> None:
        """See ports.AccountsInParts."""
        self.sent += [unit for unit in units if unit.changed]

    def keep_sending(self) -> None:
        """See ports.AccountsInParts. Nothing is under way."""

    def describe(self, account: int, known: NewAccount) -> None:
        """See ports.AccountsInParts."""
        self.described.append(partial(self._store.describe, account, known))
