"""A receivables book as plain values: who was billed, for what, and what they paid.

Import and replay take these and nothing else, so that where a book came from (which file, which columns,
which date format) ends at the adapter that read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any, Final, Literal

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


def _compared(row: type[Any], known: type[Any], left_out: Mapping[str, str]) -> tuple[str, ...]:
    """The fields in which a row and the database must agree: all that either has, but those left out for a reason.

    Raises TypeError for a field that only one of them has and that nobody left out, and for one left out of nothing.
    """
    of_row, of_known = {one.name for one in fields(row)}, [one.name for one in fields(known)]
    names = tuple(name for name in of_known if name not in left_out)
    wrong = of_row.difference(names, left_out) | {
        name for name in names if name not in of_row and not hasattr(row, name)
    }
    wrong |= left_out.keys() - of_row - set(of_known)
    if wrong:
        raise TypeError(f"{row.__name__}: {', '.join(sorted(wrong))} neither compared nor left out for a reason")
    return names


INVOICE_FIELDS: Final = _compared(
    BookInvoice,
    KnownInvoice,
    {
        "row": "where it stood in the file",
        "number": "it is found by this",
        "no": "our own number",
        "service": "compared as `services`",
        "disputed": "a hold of its own, placed and released without the book once the invoice is here",
    },
)
PAYMENT_FIELDS: Final = _compared(
    BookPayment,
    KnownPayment,
    {
        "row": "where it stood in the file",
        "ref": "it is found by this",
        "invoice_number": "where the money is now may have changed since it was booked",
        "paid_on": "the database has the day on which it was booked",
    },
)
"""In what a row and the database must say alike."""
