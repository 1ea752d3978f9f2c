"""One transaction over many accounts in memory: what was sent is written when the context ends without an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, cast

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
        self._given = 0

    def units(self, new: int, also: Sequence[int]) -> Sequence[Unit]:
        """See ports.AccountsInParts."""
        sent = {unit.no: unit for unit in self.sent}
        existing = [sent.get(unit.no, unit) for unit in self._store.units_of(sorted(also), self._now)]
        now = existing[0].now if existing else self._now
        first = max(self._store.slots, default=0) + self._given + 1
        self._given += new
        return [*(Unit(first + place, None, 0, GENESIS, now) for place in range(new)), *existing]

    def encoder(self) -> Callable[[Sequence[Unit], Mapping[int, NewAccount]], Sequence[object]]:
        """See ports.AccountsInParts. Units are kept as they are, in this process."""

        def kept(units: Sequence[Unit], opened: Mapping[int, NewAccount]) -> Sequence[object]:
            self.new.update(opened)
            return units

        return kept

    def send(self, encoded: Sequence[object]) -> None:
        """See ports.AccountsInParts."""
        sent = {unit.no for unit in self.sent}
        self.sent += [unit for unit in cast(Sequence[Unit], encoded) if unit.changed and unit.no not in sent]

    def keep_sending(self) -> None:
        """See ports.AccountsInParts. Nothing is under way."""

    def describe(self, account: int, known: NewAccount) -> None:
        """See ports.AccountsInParts."""
        self.described.append(partial(self._store.describe, account, known))
        self.described.append(partial(self._store.name_method, account, known.method, self._now))
