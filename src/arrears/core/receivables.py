"""A receivables book as plain values: who was billed, for what, and what they paid.

Import and replay take these and nothing else, so that where a book came from (which file, which columns,
which date format) ends at the adapter that read it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final, Literal, NamedTuple, Protocol

import msgspec
from msgspec.structs import replace

from arrears.core.invoice_lines import InvoiceLine, TaxLine

BookMode = Literal["card", "invoice"]

Progress = Callable[[int, int], None]
"""Is told how much of a book is done, of how much."""


class InvoiceStanding(StrEnum):
    """What the billing system says of an invoice as a whole."""

    OPEN = "open"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


class NamedMethod(NamedTuple):
    """A payment method that somebody says a customer has at a provider: what the provider calls the payer and the
    method. Nothing else is known of it, and nothing is charged before the provider has shown it."""

    at_provider: str
    customer_ref: str
    ref: str


class BookAccount(msgspec.Struct, frozen=True, gc=False):
    """One customer. `zone` is an IANA name, `country` two capital letters, `email` None where none is known. `policy`
    is the name of the policy that it follows, `copies` are further addresses that are warned, `method` is its default
    payment method at a provider, `billing_address` at most six lines with line breaks between them, `tax_number` as its
    papers show it; both are empty where nothing is known."""

    ref: str
    name: str
    country: str
    zone: str
    locale: str
    mode: BookMode
    email: str | None
    policy: str = "default"
    copies: tuple[str, ...] = ()
    method: NamedMethod | None = None
    billing_address: str = ""
    tax_number: str = ""
    unsaid: frozenset[str] = frozenset()
    """The fields that this row has no word about, whatever stands in them."""

    @property
    def is_named_only(self) -> bool:
        """Whether this says no more than whose the invoices are: nobody is opened by that."""
        return "name" in self.unsaid


class BookInvoice(msgspec.Struct, frozen=True, gc=False):
    """Money asked, `total_minor` zero or more. `row` is the line of the file it came from (the header is 1)."""

    row: int
    number: str
    account_ref: str
    services: tuple[str, ...]
    issued_on: date
    due_on: date
    currency: str
    total_minor: int
    disputed: bool
    standing: InvoiceStanding = InvoiceStanding.OPEN
    unsaid: frozenset[str] = frozenset()
    """See BookAccount; `paid` stands for its payments."""
    lines: tuple[InvoiceLine, ...] = ()
    tax_lines: tuple[TaxLine, ...] = ()
    """What its document shows (see invoice_lines); both empty where nothing is said of that."""

    @property
    def asked_minor(self) -> int:
        """What is asked: nothing of an invoice that was withdrawn."""
        return 0 if self.standing is InvoiceStanding.VOID else self.total_minor


class BookPayment(msgspec.Struct, frozen=True, gc=False):
    """Money that arrived and names its invoice; `ref` is unique for its invoice, `amount_minor` above zero. `dated`:
    the file says when it was paid; else `paid_on` is the due date, which only a replay looks at. `apart`: its source
    knows it from every payment that arrears has taken itself, so it is no other money than its reference says."""

    row: int
    ref: str
    account_ref: str
    invoice_number: str
    paid_on: date
    currency: str
    amount_minor: int
    dated: bool = True
    apart: bool = False


class BookCredit(msgspec.Struct, frozen=True, gc=False):
    """A credit note, `amount_minor` above zero; of one invoice, or of the account where `invoice_number` is empty.
    `balance`: the sum is what is left of it, the rest having gone to invoices already."""

    row: int
    number: str
    account_ref: str
    invoice_number: str
    issued_on: date
    currency: str
    amount_minor: int
    balance: bool = False


@dataclass(slots=True)
class AccountRows:
    """Everything that a book says of one account: its invoices in the order of (`issued_on`, `number`), the payments of
    each of them by its number, its credit notes."""

    account: BookAccount
    invoices: list[BookInvoice] = field(default_factory=list)
    payments: dict[str, list[BookPayment]] = field(default_factory=dict)
    credits: list[BookCredit] = field(default_factory=list)


def written_alike(number: str) -> str:
    """What two ways to write one number have in common: letters of either size, blanks and zeros in front."""
    return "".join(unicodedata.normalize("NFKC", number).casefold().split()).lstrip("0")


def renumbered(rows: AccountRows, numbers: Mapping[str, str]) -> AccountRows:
    """The same rows with other numbers of invoices and credit notes, from the old to the new; a payment that is called
    as its invoice is called as that still."""
    now = {number: numbers.get(number, number) for number in rows.payments}
    return AccountRows(
        rows.account,
        [replace(one, number=numbers.get(one.number, one.number)) for one in rows.invoices],
        {
            now[number]: [
                replace(one, invoice_number=now[number], ref=now[number] if one.ref == number else one.ref)
                for one in parts
            ]
            for number, parts in rows.payments.items()
        },
        [
            replace(
                one,
                number=numbers.get(one.number, one.number),
                invoice_number=numbers.get(one.invoice_number, one.invoice_number),
            )
            for one in rows.credits
        ],
    )


class OpenItems(NamedTuple):
    """A book that lists only what is open: an invoice that an earlier one had and this one has not is paid. `service`:
    only of this one; empty where the rows say their services themselves."""

    service: str = ""


class ReceivablesBook(msgspec.Struct, frozen=True):
    """A whole book in an order that does not depend on the file's.

    Accounts by `ref`, invoices and credit notes by (`issued_on`, `number`), payments by (`paid_on`, `ref`). Every
    invoice's account and every payment's invoice is in the book. `digest` is the SHA-256 of the file's bytes, in hex.
    `columns` says where each field stood that the file has a word about, for a mistake that only the database knows;
    a field of an account or an invoice that is not there has no word to be compared. `left_out` counts the rows that
    the map leaves out, by why; `open_items`: it lists only what is open.
    """

    accounts: tuple[BookAccount, ...]
    invoices: tuple[BookInvoice, ...]
    payments: tuple[BookPayment, ...]
    digest: str
    columns: Mapping[str, str] = msgspec.field(default_factory=dict)
    credits: tuple[BookCredit, ...] = ()
    left_out: Mapping[str, int] = msgspec.field(default_factory=dict)
    open_items: OpenItems | None = None


class Complaint(NamedTuple):
    """What is wrong with a row: its number, whose it is, and the reason."""

    row: int
    ref: str
    reason: str


class KeptAccount(NamedTuple):
    """The rows of one account as its source keeps them: plain values that another process can put together. `row_count`
    is how many they are."""

    ref: str
    rows: Any
    row_count: int


NamedThings = tuple[list[str], list[str]]
"""What rows name: numbers of invoices (their own, and those that credit notes are of), and references of payments."""

Merge = Callable[[KeptAccount], tuple[AccountRows, list[Complaint]]]
"""Puts the rows of one account together, and says what they contradict each other in."""


class BookSource(Protocol):
    """A book that is read an account at a time."""

    @property
    def open_items(self) -> OpenItems | None:
        """Whether, and of what, the book lists only what is open."""

    @property
    def columns(self) -> Mapping[str, str]:
        """See ReceivablesBook."""

    @property
    def left_out(self) -> Mapping[str, int]:
        """See ReceivablesBook."""

    @property
    def shared_refs(self) -> Mapping[str, Set[str]]:
        """The accounts of each payment's reference that several of them name."""

    @property
    def rows(self) -> int:
        """About how many rows it has."""

    @property
    def merge(self) -> Merge:
        """What puts the rows of an account together."""

    def kept(self) -> Iterator[KeptAccount]:
        """Every account, each once."""

    def names(self, ref: str) -> bool:
        """Whether any row is of this customer."""

    def keys(self, account: KeptAccount) -> tuple[list[str], list[str], list[str]]:
        """The numbers of an account's invoices, the references of its payments, and the numbers that its credit notes
        have and name; some of them may turn out not to be its own."""

    def misread(self) -> Iterator[tuple[str, NamedThings]]:
        """What each row names of which something cannot be read, with its customer, as far as that could be read."""

    def complain(self, complaints: Iterable[Complaint]) -> None:
        """Keep what `merge` has found."""

    def is_wrong(self, ref: str) -> bool:
        """Whether any row of this account that was read so far is wrong."""

    def reasons(self) -> dict[str, dict[int, str]]:
        """What is wrong with the rows of each account, by row."""

    def refuse_if_wrong(self, *, per_account: bool) -> None:
        """Raises Refused `bad_book` if a row is wrong; with `per_account` only if nobody can say whose it is."""


def as_it_is(account: KeptAccount) -> tuple[AccountRows, list[Complaint]]:
    """The rows of an account that have been put together already."""
    return account.rows, []


class _WholeBook:
    """A book in memory, without a mistake, an account at a time."""

    merge = staticmethod(as_it_is)

    def __init__(
        self,
        accounts: Iterable[AccountRows],
        columns: Mapping[str, str],
        left_out: Mapping[str, int],
        open_items: OpenItems | None,
        wrong: Mapping[str, dict[int, str]],
        misread: Sequence[tuple[str, NamedThings]] = (),
    ) -> None:
        self._wrong = wrong
        self._misread = misread
        self.columns = columns
        self.open_items = open_items
        self.left_out = left_out
        self._rows = {rows.account.ref: rows for rows in accounts}
        self.rows = sum(len(rows.invoices) + len(rows.credits) for rows in self._rows.values())
        refs: dict[str, set[str]] = {}
        for ref, rows in self._rows.items():
            for payment in (payment for parts in rows.payments.values() for payment in parts):
                refs.setdefault(payment.ref, set()).add(ref)
        self.shared_refs: Mapping[str, Set[str]] = {ref: whose for ref, whose in refs.items() if len(whose) > 1}

    def kept(self) -> Iterator[KeptAccount]:
        """See BookSource."""
        for ref, rows in self._rows.items():
            yield KeptAccount(ref, rows, len(rows.invoices) + len(rows.credits))

    def names(self, ref: str) -> bool:
        """See BookSource."""
        return ref in self._rows

    def keys(self, account: KeptAccount) -> tuple[list[str], list[str], list[str]]:
        """See BookSource."""
        rows: AccountRows = account.rows
        noted = [number for note in rows.credits for number in (note.number, note.invoice_number)]
        return [i.number for i in rows.invoices], [p.ref for parts in rows.payments.values() for p in parts], noted

    def misread(self) -> Iterator[tuple[str, NamedThings]]:
        """See BookSource."""
        return iter(self._misread)

    def complain(self, complaints: Iterable[Complaint]) -> None:
        """See BookSource."""

    def is_wrong(self, ref: str) -> bool:
        """See BookSource."""
        return ref in self._wrong

    def reasons(self) -> dict[str, dict[int, str]]:
        """See BookSource."""
        return {**self._wrong}

    def refuse_if_wrong(self, *, per_account: bool) -> None:
        """See BookSource."""


def rows_of_book(book: ReceivablesBook) -> BookSource:
    """A whole book, an account at a time."""
    rows = {account.ref: AccountRows(account) for account in book.accounts}
    for invoice in book.invoices:
        rows[invoice.account_ref].invoices.append(invoice)
    for payment in book.payments:
        rows[payment.account_ref].payments.setdefault(payment.invoice_number, []).append(payment)
    for note in book.credits:
        rows[note.account_ref].credits.append(note)
    return _WholeBook(rows.values(), book.columns, book.left_out, book.open_items, {})


def rows_of_accounts(
    accounts: Iterable[AccountRows],
    columns: Mapping[str, str],
    wrong: Mapping[str, dict[int, str]],
    misread: Sequence[tuple[str, NamedThings]] = (),
) -> BookSource:
    """Some rows that are no whole book, an account at a time; `columns` as in ReceivablesBook, `wrong` what is wrong
    with the rows of an account that is to be left as it is, `misread` what those of them name that are not among its
    rows."""
    return _WholeBook(accounts, columns, {}, None, wrong, misread)


MAY_BE_EMPTIED: Final = ("billing_address", "tax_number")
"""What a word that is empty takes away from an account; a cell that is not filled is no word."""

NOT_COMPARED: Final[Mapping[str, str]] = {
    "BookAccount.ref": "it is what an account is known by",
    "BookAccount.unsaid": "it is which fields there is no word about",
    "BookInvoice.unsaid": "it is which fields there is no word about",
    "BookInvoice.row": "it is where the file says it",
    "BookInvoice.number": "it is what an invoice is known by",
    "BookPayment.row": "it is where the file says it",
    "BookPayment.ref": "what counts is how much of an invoice is paid, whatever each part of it is called",
    "BookPayment.invoice_number": "payments are compared invoice by invoice",
    "BookPayment.paid_on": "what is paid is paid; a day in the past has no consequence, and arrears keeps its own",
    "BookPayment.dated": "it is whether the file says a day",
    "BookPayment.apart": "it is how well the source knows it",
    "BookPayment.currency": "it is the invoice's, which is compared",
    "BookPayment.account_ref": "it is the invoice's, which is compared",
    "BookCredit.row": "it is where the file says it",
    "BookCredit.number": "it is what a credit note is known by",
    "BookCredit.account_ref": "a number that is another account's is refused as a new one there",
    "BookCredit.invoice_number": "what a credit note once went to has been booked",
    "BookCredit.issued_on": "a day in the past has no consequence",
    "BookCredit.balance": "it is which sum the file says",
    "BookCredit.currency": "the sum of another currency is another sum",
}
"""Why a field of a book is not compared with the database when the book comes again. Every other field is."""


def compared(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields of a kind of row that are compared when a book comes again, in the order of their declaration."""
    return tuple(name for name in kind.__struct_fields__ if f"{kind.__name__}.{name}" not in NOT_COMPARED)
