"""What an act would do, before it is done: the command itself is run under the account's lock, with every consequence,
and taken back before it is committed. What is shown is what the engine does, and no second reckoning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple, TypeVar, cast

from arrears.core.account import Account
from arrears.core.errors import Refused
from arrears.ports import AccountReader, Batch

S = TypeVar("S", bound=AccountReader)


class Rehearsed(NamedTuple):
    """The account before an act, what it would be after it, and the number of its newest fact: the act has this effect
    as long as the account has no other."""

    before: Account
    after: Account
    seq: int


class _TakenBack(Exception):
    def __init__(self, rehearsed: Rehearsed) -> None:
        super().__init__("taken back")
        self.rehearsed = rehearsed


def rehearse(store: S, number: int, act: Callable[[S], object]) -> Rehearsed:
    """Run an act that changes this one account, and take it back. `act` gets a store that reads as the other does and
    commits nothing; it must write by way of its accounts alone. Refuses what the act refuses."""
    try:
        act(cast(S, _Stage(store, number, 0)))
    except _TakenBack as over:
        return over.rehearsed
    raise AssertionError("an act that touched no account")


def as_rehearsed(store: S, number: int, seq: int, act: Callable[[S], object]) -> None:
    """Run the act if the newest fact of the account still is the one that it was rehearsed on; refuses
    `changed_meanwhile`, under the account's lock, and what the act refuses."""
    act(cast(S, _Stage(store, number, seq)))


class _Stage:
    """A store whose accounts are taken back (`seq` 0), or are those that were looked at (`seq`)."""

    def __init__(self, store: AccountReader, number: int, seq: int) -> None:
        self._behind: Any = store
        self._number = number
        self._seq = seq

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)

    @contextmanager
    def accounts(self, numbers: Sequence[int], now: datetime) -> Iterator[Batch]:
        """As the store's own."""
        with self._behind.accounts(numbers, now) as batch:
            unit = next(unit for unit in batch.units if unit.no == self._number)
            before, seq = unit.account, unit.seq
            if self._seq and seq != self._seq:
                raise Refused("changed_meanwhile", "the account has changed since this was looked at; look again")
            yield batch
            if not self._seq:
                raise _TakenBack(Rehearsed(before, unit.account, seq))
