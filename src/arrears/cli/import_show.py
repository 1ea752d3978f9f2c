"""`arrears import --show N`: the first rows of a book as its map understands them, without a database."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Any, Final

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
    found = heapq.nsmallest(count, understood, key=lambda one: one[0])
    if as_json:
        print_json([dict(zip(_HEADER, one, strict=True)) for one in found])
    else:
        rows([_HEADER, *found])
        for why, number in sorted(book.left_out.items()):
            click.echo(f"left out: {number} ({why})")
    book.mistakes.refuse_if_any()


def _understood(each: AccountRows) -> Iterator[tuple[Any, ...]]:
    ref = each.account.ref
    for i in each.invoices:
        paid = sum(p.amount_minor for p in each.payments.get(i.number, ()))
        standing = f"{i.standing}, disputed" if i.disputed else i.standing.value
        sums = (format_amount(i.total_minor, i.currency), format_amount(paid, i.currency))
        yield (i.row, ref, i.number, " ".join(i.services), str(i.issued_on), str(i.due_on), *sums, standing)
    for note in each.credits:
        asked = format_amount(-note.amount_minor, note.currency)
        yield (note.row, ref, note.number, "", str(note.issued_on), "", asked, "", "credit note")
