"""`arrears import --show N`: the first rows of a book as its map understands them, without a database."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import date
from typing import Any, Final, NamedTuple

import click

from arrears.adapters.books import BookRows
from arrears.cli.common import print_json, rows
from arrears.core.money import format_amount
from arrears.core.receivables import AccountRows

_HEADER: Final = ("row", "customer", "number", "service", "issued", "due", "asked", "paid", "standing")


def show_rows(book: BookRows, count: int, as_json: bool) -> None:
    """Print the invoices and credit notes of the first `count` rows, then raise Refused `bad_book` if any row of the
    file is wrong."""
    understood = (one for each in book.accounts() for one in _understood(each))
    found = heapq.nsmallest(count, understood, key=lambda one: one.row)
    if as_json:
        print_json([one.as_values() for one in found])
    else:
        rows([_HEADER, *(one.as_row() for one in found)])
        for why, number in sorted(book.left_out.items()):
            click.echo(f"left out: {number} ({why})")
    book.mistakes.refuse_if_any()


class _Shown(NamedTuple):
    """An invoice as its row was understood; a credit note asks for less than nothing and has no due date."""

    row: int
    customer: str
    number: str
    services: tuple[str, ...]
    issued_on: date
    due_on: date | None
    currency: str
    asked_minor: int
    paid_minor: int | None
    standing: str
    disputed: bool

    def as_values(self) -> dict[str, Any]:
        """For a script."""
        return self._asdict()

    def as_row(self) -> tuple[Any, ...]:
        """For people, below _HEADER."""
        asked = format_amount(self.asked_minor, self.currency)
        paid = "" if self.paid_minor is None else format_amount(self.paid_minor, self.currency)
        standing = f"{self.standing}, disputed" if self.disputed else self.standing
        days = (str(self.issued_on), "" if self.due_on is None else str(self.due_on))
        named = (self.row, self.customer, self.number, " ".join(self.services))
        return (*named, *days, asked, paid, standing.replace("_", " "))


def _understood(each: AccountRows) -> Iterator[_Shown]:
    ref = each.account.ref
    for i in each.invoices:
        paid = sum(p.amount_minor for p in each.payments.get(i.number, ()))
        services, sums = tuple(i.services), (i.currency, i.total_minor, paid)
        yield _Shown(i.row, ref, i.number, services, i.issued_on, i.due_on, *sums, str(i.standing), bool(i.disputed))
    for note in each.credits:
        less = -note.amount_minor
        named = (note.row, ref, note.number, (), note.issued_on, None)
        yield _Shown(*named, note.currency, less, None, "credit_note", disputed=False)
