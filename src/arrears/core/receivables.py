"""A receivables book as plain values: who was billed, for what, and what they paid.

Import and replay take these and nothing else, so that where a book came from (which file, which columns,
which date format) ends at the adapter that read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

BookMode = Literal["card", "invoice"]


@dataclass(frozen=True, slots=True)
class BookAccount:
    """One customer. `zone` is an IANA name, `country` two capital letters, `email` None where none is known."""

    ref: str
    name: str
    country: str
    zone: str
    locale: str
    mode: BookMode
    email: str | None


@dataclass(frozen=True, slots=True)
class BookInvoice:
    """Money asked, `total_minor` above zero. `row` is the line of the file it came from (the header is 1)."""

    row: int
    number: str
    account_ref: str
    service: str
    issued_on: date
    due_on: date
    currency: str
    total_minor: int
    disputed: bool

    @property
    def services(self) -> tuple[str, ...]:
        """What the invoice is for; a row names one service."""
        return (self.service,)


@dataclass(frozen=True, slots=True)
class BookPayment:
    """Money that arrived and names its invoice; `ref` is unique in its book, `amount_minor` above zero."""

    row: int
    ref: str
    account_ref: str
    invoice_number: str
    paid_on: date
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ReceivablesBook:
    """A whole book in an order that does not depend on the file's.

    Accounts by `ref`, invoices by (`issued_on`, `number`), payments by (`paid_on`, `ref`). Every invoice's
    account and every payment's invoice is in the book. `digest` is the SHA-256 of the file's bytes, in hex.
    `columns` says where each of INVOICE_FIELDS, PAYMENT_FIELDS and `number`, `paid_on`, `ref` stood, for a mistake
    that only the database knows.
    """

    accounts: tuple[BookAccount, ...]
    invoices: tuple[BookInvoice, ...]
    payments: tuple[BookPayment, ...]
    digest: str
    columns: Mapping[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class KnownInvoice:
    """An invoice that is in the database already; `services` are those of the subscriptions that it is for."""

    account_ref: str
    no: int
    services: tuple[str, ...]
    currency: str
    total_minor: int
    issued_on: date
    due_on: date


@dataclass(frozen=True, slots=True)
class KnownPayment:
    """A payment that is in the database already."""

    account_ref: str
    currency: str
    amount_minor: int


INVOICE_FIELDS: Final = ("account_ref", "services", "currency", "total_minor", "issued_on", "due_on")
PAYMENT_FIELDS: Final = ("account_ref", "currency", "amount_minor")
"""What a row and the database must say alike."""
