"""What came by bank, as rows: files, entries, each transfer with what was decided about it, and who pays from where."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from arrears.core.bank.matching import OpenItem
from arrears.core.bank.statements import BankFile, BankStatement, BankTransaction
from arrears.ports.accounts import AccountReader, Accounts
from arrears.ports.book import Receivables
from arrears.ports.store import CollectionsRun

TakeFile = Callable[[BankFile, bytes, str], bool]
"""Takes a file that was read (with its digest and its name); False where nothing of it was taken."""


class CreditState(StrEnum):
    """Where a transfer is: *new* until it was looked at, *waiting* for a person, *matched* and booked, *ignored* by a
    person as none of ours, *noted* as money of ours that went out, or *returned*: it took a credit back, or was taken
    back."""

    NEW = "new"
    WAITING = "waiting"
    MATCHED = "matched"
    IGNORED = "ignored"
    NOTED = "noted"
    RETURNED = "returned"


class StoredCredit(NamedTuple):
    """One transfer of an entry: `transaction` as it was read, the rest from its entry and what was decided. Of one that
    took another back `takes_back` is that one; 0: none."""

    number: int
    own_iban: str
    currency: str
    amount_minor: int
    booked_on: date
    bank_reference: str
    reversal: bool
    unclear: str
    transaction: BankTransaction
    state: CreditState
    why: str
    takes_back: int = 0

    @property
    def comes_back(self) -> bool:
        """Whether the bank says of it that it takes back another, so that it is no new money."""
        return self.amount_minor != 0 and (self.reversal or self.transaction.returned)


class CreditPart(NamedTuple):
    """A payment as which a credit, or a part of it, was booked."""

    account: int
    ref: str
    amount_minor: int


class Closing(NamedTuple):
    """Where a statement of an account begins and ends, in minor units."""

    opening_minor: int
    closing_minor: int
    closed_on: date
    number: int


class BankBook(Protocol):
    """What came by bank. Each method is one transaction, or a part of the one that this thread has open."""

    def bank_file_known(self, digest: bytes) -> bool:
        """Whether this very file was taken before."""

    def keep_bank_file(
        self, digest: bytes, name: str, statements: Sequence[BankStatement], now: datetime
    ) -> Sequence[Sequence[int | None]]:
        """Keep a file, with those of its entries that no other file has told of; for each statement the first credit
        of each entry, None for one that was here. Nothing for a file that was taken before."""

    def credits_in(self, states: Collection[CreditState], numbers: Collection[int] | None = None) -> list[StoredCredit]:
        """The transfers in these states, or of them those with these numbers, the oldest first."""

    def credits_after(self, number: int, state: CreditState, most: int) -> list[StoredCredit]:
        """At most so many transfers in this state whose number is above this one, in order."""

    def open_credits(self, numbers: Collection[int]) -> Mapping[int, int]:
        """Of these transfers those that are new or wait, each with as how many payments it was ever booked; nobody else
        decides about them until the transaction ends."""

    def match_credits(
        self, whys: Mapping[int, str], parts: Sequence[tuple[int, CreditPart]], author: str, now: datetime
    ) -> None:
        """These open transfers are matched, each with its reason, and booked as these payments."""

    def decide_credit(
        self,
        number: int,
        was: Collection[CreditState],
        state: CreditState,
        why: str,
        author: str,
        now: datetime,
        *,
        takes_back: int = 0,
    ) -> bool:
        """Move a transfer from one of these states; False, and nothing changed, where it is in another. `takes_back`:
        the credit that it takes back."""

    def add_parts(self, number: int, parts: Sequence[CreditPart]) -> None:
        """The payments that it was booked as."""

    def parts_of(self, number: int) -> Sequence[CreditPart]:
        """The payments that it is booked as now."""

    def booked_for(self, numbers: Collection[int]) -> Mapping[int, int]:
        """Of these transfers those that are booked, each with the account of its first payment."""

    def parts_count(self, number: int) -> int:
        """How many payments it was ever booked as, undone ones among them."""

    def undo_parts(self, number: int, left: Mapping[str, int]) -> None:
        """It is booked as nothing any more, but for these of its payments, by reference, each with what is left."""

    def credits_like(self, numbers: Collection[int]) -> Mapping[int, Sequence[StoredCredit]]:
        """For each of these debits the credits that it may take back, and for each of these credits the debits: of the
        same account, booked before it, and not taken back yet. Those with the same reference of the bank or the payer
        are of any sum from half to twice as much, those of the same IBAN of the same sum, or of what it says was
        paid, with charges and without them."""

    def waiting_returns(self, author: str) -> Sequence[StoredCredit]:
        """What waits and takes back another, and was last decided about by this author, in order."""

    def return_of(self, number: int) -> int:
        """What took back a transfer; 0: nothing."""

    def doubted_by(self, number: int) -> Sequence[int]:
        """The accounts that a credit may belong to."""

    def set_doubted(self, number: int, accounts: Mapping[int, date | None]) -> None:
        """It may belong to these accounts, and to no others; to each for good, or until the day given."""

    def doubts_until(self, today: date) -> Sequence[tuple[int, int]]:
        """The credits and accounts of which the day is over."""

    def learn_payer(self, iban: str, account: int, number: int) -> None:
        """A person has seen that this account pays from this IBAN."""

    def forget_payers(self, number: int) -> None:
        """What a credit has taught is unlearnt."""

    def payers_of(self, ibans: Collection[str]) -> Mapping[str, Sequence[int]]:
        """The accounts that pay from each IBAN."""

    def invoices_numbered(self, keys: Collection[str]) -> Mapping[str, Sequence[OpenItem]]:
        """The invoices whose number, letters and digits alone, is each of these; whether they are held is not said."""

    def invoices_ending(self, digits: Collection[str]) -> Mapping[str, Sequence[OpenItem]]:
        """Open invoices whose number ends in each of these digits, zeros in front left out; of very many, some."""

    def invoices_open_of(self, accounts: Collection[int]) -> Mapping[int, Sequence[OpenItem]]:
        """The open invoices of these accounts, the oldest due date first; whether they are held is not said."""

    def invoices_asking(
        self, sums: Collection[tuple[int, str]], most: int
    ) -> Mapping[tuple[int, str], Sequence[OpenItem]]:
        """Up to `most` open invoices of which exactly each sum (minor units, currency) is open."""

    def names_of(self, accounts: Iterable[int]) -> Mapping[int, str]:
        """What the accounts are called."""

    def closings(self, iban: str, currency: str) -> Sequence[Closing]:
        """Where the statements of an account begin and end, the oldest first; early notices have no place."""

    def newest_closing(self) -> Mapping[tuple[str, str], date]:
        """The newest day that is closed, by account and currency."""


class AccountsAndBank(Accounts, AccountReader, Receivables, BankBook, Protocol):
    """Accounts, locked and as last committed, their receivables, and what came by bank."""


class BankTaking(AccountsAndBank, CollectionsRun, Protocol):
    """The same with the tasks and doubts of the whole installation: a statement that is missing is one."""
