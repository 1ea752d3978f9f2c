"""A store that shows every committed transaction to a checker; otherwise it is the store that it wraps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final, cast

from arrears.core.facts import SystemFact
from arrears.core.unit import Unit
from arrears.ports import AccountsInParts, Batch, NewAccount, Store


def methods_of(port: type) -> frozenset[str]:
    """The names of the methods of a protocol, its own and those of the protocols that it joins."""
    return frozenset(
        name for one in port.__mro__ for name, value in vars(one).items() if name[0] != "_" and callable(value)
    )


def watched(
    inner: Store,
    committed: Callable[[Sequence[Unit]], None],
    system_changed: Callable[[datetime], None],
    port: type = Store,
) -> Store:
    """The same store, watched: `committed` sees the units of each transaction once it is committed, `system_changed`
    the instant of each change of the guards. `port` is Store or a protocol that joins it with more."""
    return cast(Store, _Watched(inner, committed, system_changed, port))


class _Watched:
    """What commits units or changes the guards is watched below. Every other method of the port is the inner store's
    own, taken from the port itself, so that none can be forgotten or swapped."""

    def __init__(
        self,
        inner: Store,
        committed: Callable[[Sequence[Unit]], None],
        system_changed: Callable[[datetime], None],
        port: type = Store,
    ) -> None:
        self._inner = inner
        self._committed = committed
        self._system_changed = system_changed
        for name in methods_of(port) - WATCHED:
            setattr(self, name, getattr(inner, name))

    @contextmanager
    def open_accounts(self, accounts: Sequence[NewAccount], now: datetime) -> Iterator[Batch]:
        with self._inner.open_accounts(accounts, now) as batch:
            yield batch
        self._committed(batch.units)

    @contextmanager
    def in_parts(self, now: datetime, wait_max: timedelta | None = None) -> Iterator[AccountsInParts]:
        with self._inner.in_parts(now, wait_max) as parts:
            seen = _Parts(parts)
            yield seen
        # A unit that was sent once more, with further facts, is one.
        self._committed(list({id(unit): unit for unit in seen.sent}.values()))

    @contextmanager
    def accounts(self, numbers: Sequence[int], now: datetime) -> Iterator[Batch]:
        with self._inner.accounts(numbers, now) as batch:
            yield batch
        self._committed(batch.units)

    @contextmanager
    def due(self, now: datetime, limit: int) -> Iterator[Batch]:
        with self._inner.due(now, limit) as batch:
            yield batch
        self._committed(batch.units)

    def record_system(self, fact: SystemFact, now: datetime, author: str, why: str) -> None:
        self._inner.record_system(fact, now, author, why)
        self._system_changed(now)


class _Parts:
    """Parts of one transaction, with all units that were sent in it."""

    def __init__(self, inner: AccountsInParts) -> None:
        self.sent: list[Unit] = []
        self.guards = inner.guards
        self.units, self.describe, self.keep_sending = inner.units, inner.describe, inner.keep_sending
        self._inner = inner

    def encoder(self) -> Callable[[Sequence[Unit], Mapping[int, NewAccount]], Sequence[object]]:
        encode = self._inner.encoder()

        def seen(units: Sequence[Unit], opened: Mapping[int, NewAccount]) -> Sequence[object]:
            self.sent += units
            return encode(units, opened)

        return seen

    def send(self, encoded: Sequence[object]) -> None:
        self._inner.send(encoded)


WATCHED: Final = frozenset(name for name in vars(_Watched) if name[0] != "_")
"""The methods that do more here than the inner store's."""
