"""Accounts, their facts and what follows from them: units of work, the queue of actions, the installation's state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import NamedTuple, Protocol, runtime_checkable

from arrears.core.account import Account, Guards
from arrears.core.facts import AnyFact, Recorded, SystemFact
from arrears.core.invariants import Breach
from arrears.core.policy import Policy
from arrears.core.system import System
from arrears.core.unit import Unit
from arrears.ports.book import NewAccount, Receivables
from arrears.ports.messages import (
    MailBook,
    MailMove,
)
from arrears.ports.payments import MoneyBook
from arrears.ports.setups import Setups
from arrears.ports.support import Support


class Claim(NamedTuple):
    """An action this performer may perform until its lease ends. `tries` fences it: a later claim counts higher."""

    account: int
    seq: int
    kind: str
    subscription: int
    order_no: int
    order: str
    tries: int


class Poisoned(Exception):
    """The store refused what a batch contains: something would exist twice, or be what it may not be. Nothing of
    the batch was written."""


class Batch(Protocol):
    """Units of work under their accounts' locks, inside one transaction. Leaving it without an error commits."""

    units: Sequence[Unit]
    guards: Guards
    """The installation's doubts as they stood when this transaction began."""

    def send(self, units: Sequence[Unit]) -> None:
        """These units are finished: they may be on their way while others are still being decided."""

    def ledger_open(self, accounts: Sequence[int]) -> Mapping[tuple[int, int], int]:
        """The open minor units of each (account, debt) by the sum of the ledger's entries, in this transaction."""

    def grant_deletions(self, day: date, wanted: int, cap: int) -> int:
        """How many of `wanted` deletions this UTC day's cap still allows; what is granted is used up."""

    def finish(self, claims: Sequence[tuple[Claim, bool]]) -> Sequence[Claim]:
        """Mark claims done (True) or failed (False); only those still held by their claimer are returned."""

    def keep(self, claims: Sequence[tuple[Claim, datetime | None]]) -> Sequence[Claim]:
        """Leave claims to be claimed again, as if for the first time, at the instant given, or when their lease is
        over; only those still held by their claimer are returned."""

    def move_mails(self, moves: Sequence[MailMove], now: datetime) -> None:
        """Messages have come to another state; of what had been accepted, the instant of that is kept."""

    def again(self, account: int, seq: int) -> None:
        """The notice of this fact is performed once more: it has another address to go to."""

    def describe(self, account: int, known: NewAccount) -> None:
        """What is known of this customer is now this; its reference stays."""

    def bury(self, address: str, why: str, now: datetime) -> None:
        """This address has bounced hard: nothing goes there until its owner has confirmed it anew."""


@runtime_checkable
class SelfChecking(Protocol):
    """A store that can look at all it keeps, and name every invariant that is broken there."""

    def check_all(self) -> tuple[int, Sequence[Breach]]:
        """How many things were checked, and what is broken."""


class Store(MoneyBook, MailBook, Setups, Support, Receivables, Protocol):
    """Accounts, their facts and what follows from them; in PostgreSQL, or in memory for the simulator."""

    def open_accounts(
        self, accounts: Sequence[NewAccount], now: datetime, also: Sequence[int] = ()
    ) -> AbstractContextManager[Batch]:
        """Units of accounts that do not exist yet, numbered in order, then those of the existing accounts `also`;
        refuses a `ref` that exists."""

    def accounts(self, numbers: Sequence[int], now: datetime) -> AbstractContextManager[Batch]:
        """Units of these accounts, locked in ascending order; refuses `unknown_account`. They are of `now`, or of the
        newest fact that is there if that is later: time does not go back within a stream (I21)."""

    def due(self, now: datetime, limit: int) -> AbstractContextManager[Batch]:
        """Units of up to `limit` accounts that are due, skipping those that another run holds, and those that have a
        fact of a later instant."""

    def set_aside(self, number: int, now: datetime, why: str) -> None:
        """Leave an account to a person whose units cannot be read or written: it is no longer due, and the system
        stream and the tasks say why. Nothing of the account itself is touched."""

    def claim(self, now: datetime, limit: int, lease_seconds: int) -> Sequence[Claim]:
        """Up to `limit` actions to perform, each held until the lease ends; orders of a subscription in order."""

    def give_back(self, claims: Sequence[Claim]) -> None:
        """These were not attempted, or certainly came to nothing: when the lease is over they are claimed again, as if
        for the first time."""

    def snapshots(self, numbers: Sequence[int]) -> Mapping[int, Account]:
        """The accounts as committed now, without locking them."""

    def messages(self, claims: Sequence[Claim]) -> Mapping[tuple[int, int], AnyFact]:
        """The facts that the claimed notices are about, by (account, seq)."""

    def policies(self) -> Mapping[str, Policy]:
        """Every adopted policy by version, and the newest of each name by name."""

    def adopt(self, policy: Policy, now: datetime, author: str) -> None:
        """Make this version the newest of its name; adopting the newest again changes nothing."""

    def tick(self, now: datetime) -> tuple[System, float]:
        """The installation's state before this tick, and application minus database clock in seconds; the tick
        itself is recorded."""

    def record_system(self, fact: SystemFact, now: datetime, author: str, why: str) -> None:
        """Append to the system stream and fold it into the installation's state."""

    def system(self) -> System:
        """The installation's state, without a tick."""

    def wake_waiting(self, now: datetime) -> int:
        """Make every account due that waited for a doubt; how many there were."""

    def next_due(self) -> datetime | None:
        """The earliest instant at which any account is due, or None."""

    def resumed_with(self, facts: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], tuple[int, ...]]:
        """Of facts (account, seq): the subscriptions ordered to run again in the same transaction."""

    def account_numbers(self, refs: Sequence[str]) -> Mapping[str, int]:
        """Account numbers by the operator's own reference; absent where unknown."""

    def history(self, number: int) -> Sequence[Recorded]:
        """All facts of one account in order."""

    def digest(self) -> str:
        """SHA-256 over the heads of all streams in order: equal logs give equal digests."""
