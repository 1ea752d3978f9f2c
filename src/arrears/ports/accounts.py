"""Accounts: units of work under their locks, snapshots without one, what is due, and the journal of their facts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from typing import NamedTuple, Protocol

from arrears.core.account import Account, Mode
from arrears.core.facts import Recorded, SystemFact
from arrears.core.guards import Guards
from arrears.core.policy import Policies
from arrears.core.receivables import NamedMethod
from arrears.core.unit import Unit
from arrears.core.view import View
from arrears.ports.actions import Claim
from arrears.ports.installation import InstallationState
from arrears.ports.messages import MailMove


class NewAccount(NamedTuple):
    """What is known of a customer when the account is opened. Names and addresses never enter a fact: the store keeps
    them in rows that can be erased. `ref` is the operator's own name for the account, unique among all."""

    ref: str
    name: str
    country: str
    zone: str
    locale: str
    mode: Mode
    policy: str = "default"
    contact: str | None = None
    copies: tuple[str, ...] = ()
    """Further addresses that are warned, and that nobody may sign in with."""
    method: NamedMethod | None = None
    """The default payment method that a book says the customer has at a provider."""
    billing_address: str = ""
    """At most six lines, with line breaks between them; empty where none is known."""
    tax_number: str = ""
    """What the customer's papers show, such as a VAT number; empty where none is known."""


class Poisoned(Exception):
    """The store refused what a batch contains: something would exist twice, or be what it may not be. Nothing of
    the batch was written."""


class Batch(Protocol):
    """Units of work under their accounts' locks, inside one transaction. Leaving it without an error commits."""

    units: Sequence[Unit]
    guards: Guards
    """The doubts about the installation as they stood when this transaction began."""
    policies: Policies
    """The policies as they stood then: every adopted one by its version, and the newest of each name by that name."""

    def write_early(self, units: Sequence[Unit]) -> None:
        """Begin to write these units while others of the batch are still being decided. They must be finished: what
        is recorded on them afterwards is lost."""

    def look(self, units: Sequence[Unit]) -> None:
        """Begin to look whether all that stands of these accounts in this transaction, before they are written, is as
        it was left."""

    def unproven(self) -> Collection[int]:
        """Of the accounts that were looked at, those of which that was not found; `audit` says what it is, if it is
        anything."""

    def audit(self, units: Sequence[Unit]) -> Mapping[int, str]:
        """Of these accounts, in this transaction and as they were before it, those of which something is not as it was
        left: their ledger's sums, their journal, their state or a row was changed by hand. Each with what it is."""

    def audited(self, account: int) -> Sequence[Recorded]:
        """The journal of an account that `audit` has found to be as it was left, from its first fact on."""

    def grant_deletions(self, day: date, wanted: int, cap: int) -> int:
        """How many of `wanted` deletions the cap of this UTC day still allows; what is granted is used up."""

    def end_claims(self, claims: Sequence[tuple[Claim, bool]]) -> Sequence[Claim]:
        """Mark claimed actions done (True) or failed (False). Returns those that their claimer still held; the others
        were claimed by somebody else meanwhile and are unchanged."""

    def postpone_claims(self, claims: Sequence[tuple[Claim, datetime | None]]) -> Sequence[Claim]:
        """Leave claimed actions in the queue, to be claimed at the instant given, or when the lease is over (None); the
        try is not counted. Returns those that their claimer still held."""

    def move_mails(self, moves: Sequence[MailMove], now: datetime) -> Sequence[MailMove]:
        """Messages have come to another state. Of a message that had been accepted, the instant of that is kept. What
        has come back (BACK) meanwhile stays so, whatever else is stored later: such messages are returned as they
        are."""

    def send_notice_again(self, account: int, seq: int) -> None:
        """Put the notice of this fact back into the queue, because it has another address to go to."""

    def mark_dead(self, address: str, why: str, now: datetime) -> None:
        """Note that this address has bounced hard: nothing goes there until its owner has confirmed it anew."""


class AccountsInParts(Protocol):
    """Many accounts in one transaction, a part of them at a time, each account in one part. What this thread reads
    from the store meanwhile, it reads in that transaction."""

    guards: Guards
    """The doubts about the installation as they stood when this transaction began."""

    def units(self, new: int, also: Sequence[int]) -> Sequence[Unit]:
        """Units of so many accounts that do not exist yet, numbered in order, then those of the existing accounts
        `also`, under their locks. All are of one instant: of the newest fact that is there, if that is later (I21).
        The number of an account that is not sent in the end is lost."""

    def encoder(self) -> Callable[[Sequence[Unit], Mapping[int, NewAccount]], Sequence[object]]:
        """A function that makes of units, and of what is known of the new ones by their numbers, what `send` takes. It
        touches neither the store nor this transaction; where the store is PostgreSQL, another process can do it."""

    def send(self, encoded: Sequence[object]) -> None:
        """Begin to write what the encoder made."""

    def keep_sending(self) -> None:
        """Let what has begun go on while the next part is being decided; returns at once."""

    def describe(self, account: int, known: NewAccount) -> None:
        """What is known of this customer is now this; its reference stays."""


class AccountReader(InstallationState, Protocol):
    """Accounts as they were last committed, and what decides over them, read without a lock."""

    def snapshots(self, numbers: Sequence[int]) -> Mapping[int, Account]:
        """These accounts by number; refuses `unknown_account`."""

    def account_numbers(self, refs: Sequence[str]) -> Mapping[str, int]:
        """Account numbers by the operator's own reference; absent where unknown."""


class AccountViews(Protocol):
    """Accounts as they were last committed, each with what decides over it."""

    def seen(self, number: int, now: datetime) -> View | None:
        """One account, the policies and the guards, read at one instant, as a rule sees them at `now`; None where there
        is no such account."""


class Accounts(InstallationState, Protocol):
    """Accounts under their locks: what every command asks for."""

    def accounts(self, numbers: Sequence[int], now: datetime) -> AbstractContextManager[Batch]:
        """Units of these accounts, locked in ascending order; refuses `unknown_account`. They are of `now`, or of the
        newest fact that is there if that is later: time does not go back within a stream (I21)."""


class AccountOpening(AccountReader, Protocol):
    """New accounts, and finding those that are there."""

    def open_accounts(self, accounts: Sequence[NewAccount], now: datetime) -> AbstractContextManager[Batch]:
        """Units of accounts that do not exist yet, numbered in order; refuses a `ref` that exists."""

    def in_parts(self, now: datetime, wait_max: timedelta | None = None) -> AbstractContextManager[AccountsInParts]:
        """One transaction over more accounts than fit into memory; leaving it without an error commits. One is under
        way at a time; whoever waits longer than `wait_max` is refused: `import_under_way`."""


class DueAccounts(Protocol):
    """The accounts at which the collections run has to look."""

    def due(self, now: datetime, limit: int) -> AbstractContextManager[Batch]:
        """Units of up to `limit` accounts that are due, skipping those that another run holds, and those that have a
        fact of a later instant."""

    def set_aside(self, number: int, now: datetime, why: str) -> None:
        """Leave an account to staff whose units cannot be read or written: it is no longer due, and the system stream
        and the tasks say why. Nothing of the account itself is touched."""

    def next_due(self) -> datetime | None:
        """The earliest instant at which any account is due, or None."""


class Journal(Protocol):
    """The recorded facts themselves."""

    def history(self, number: int) -> Sequence[Recorded]:
        """All facts of one account in order."""

    def system_fact(self, seq: int) -> SystemFact | None:
        """The fact of this number in the installation's stream; None where there is none."""

    def history_after(self, number: int, seq: int, most: int) -> Sequence[Recorded]:
        """The facts of one account after the one with this number, so many at most, in order. Facts of an account are
        numbered under its lock: whoever goes on from the last one misses none and sees none twice."""

    def digest(self) -> str:
        """SHA-256, in hexadecimal, over the heads of all streams in order: equal journals give equal digests."""
