"""What an import reads of the receivables that are there already, and how it says what has changed of an account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from typing import NamedTuple, Protocol

from arrears.core.facts import Fact, Recorded
from arrears.ports.accounts import NewAccount


class Place(NamedTuple):
    """Whose an invoice or a payment is: the account's number, and the operator's own reference of it."""

    account: int
    ref: str


class Alike(NamedTuple):
    """An invoice that may be here under another customer's reference: its number, and the part of it that stands behind
    the reference; its days, its currency and its total."""

    number: str
    bare: str
    issued_on: date
    due_on: date
    currency: str
    total_minor: int


class Sums(NamedTuple):
    """The whole book in one currency, in minor units: asked, given up, still open, open after its due date, and the
    customers' account credit that no invoice has used up."""

    issued: int = 0
    given_up: int = 0
    open: int = 0
    overdue: int = 0
    credit: int = 0

    @property
    def paid(self) -> int:
        """What has been paid. What an unused credit note takes from `issued` is in `credit`."""
        return self.issued - self.given_up - self.open + self.credit


class Receivables(Protocol):
    """The receivables that are there already."""

    def facts_of(self, numbers: Sequence[int], kinds: Sequence[type[Fact]]) -> Mapping[int, Sequence[Recorded]]:
        """The facts of these kinds of each account, in order; with no facts, an account may be missing."""

    def stored_facts_of(
        self, numbers: Sequence[int], kinds: Sequence[type[Fact]]
    ) -> Mapping[int, Sequence[tuple[str, str]]]:
        """The author and the stored text of each of these facts, which whoever needs them reads (`decode_fact`)."""

    def described(self, numbers: Sequence[int]) -> Mapping[int, NewAccount]:
        """What is known of these customers now."""

    def administered(self, numbers: Sequence[int]) -> AbstractSet[int]:
        """Which of these accounts have an administrator, so that nobody writes to the address that they were opened
        with."""

    def rename_ref(self, account: int, ref: str) -> None:
        """The operator calls this customer so from now on, in the transaction that is open; no other has that name."""

    def invoice_places(self, numbers: Sequence[str]) -> Mapping[str, Place]:
        """Whose each of these invoices is; absent where there is none of that number."""

    def invoices_alike(self, asked: Sequence[Alike]) -> Mapping[str, Place]:
        """By the number of each of these of which one is here with the same part behind a reference, issue date and
        currency, and the same due date or total: whose that is."""

    def payment_places(self, refs: Sequence[str]) -> Mapping[str, Place]:
        """Whose each of these payments is; absent where there is none of that reference."""

    def open_invoices(self) -> Mapping[str, Place]:
        """Whose each open invoice is, by its number."""

    def invoice_count(self) -> int:
        """How many invoices there are."""

    def payment_count(self) -> int:
        """How many payments there are."""

    def book_sums(self, today: date) -> Mapping[str, Sums]:
        """The sums of the whole book by currency; an invoice is overdue that is open and was due before `today`."""

    def policy_followers(self) -> Mapping[str, int]:
        """How many accounts name each policy."""
