"""A billing system that exports its book, again and again, into a story."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from msgspec.structs import replace
from tests.stories.story import Story

from arrears.core.known import IMPORTER
from arrears.core.receivables import (
    BookAccount,
    BookCredit,
    BookInvoice,
    BookPayment,
    ReceivablesBook,
    compared,
)
from arrears.engine.commands.importing import ImportReport, import_book

PRICE: Final = 10_000
SAID: Final = (*compared(BookAccount), *compared(BookInvoice), "number", "paid", "paid_on", "ref")
COLUMNS: Final = {name: f"column {name}" for name in SAID}


class Ledger:
    """The billing system of one customer, as it exports itself now."""

    def __init__(self, story: Story, ref: str = "B1") -> None:
        self.story = story
        self.account = BookAccount(ref, "Bert", "NL", "UTC", "nl", "card", "bert@example.org")
        self.invoices: dict[str, BookInvoice] = {}
        self.payments: list[BookPayment] = []
        self.credits: list[BookCredit] = []

    def invoice(self, number: str, due: int, **more: Any) -> Ledger:
        """An invoice of 100.00 that is due on a day of the story."""
        on = self.story.date(due)
        row = len(self.invoices) + 2
        issued = min(on, self.story.date(0)) - timedelta(days=14)
        asked = BookInvoice(row, number, self.account.ref, ("cloud",), issued, on, "EUR", PRICE, False)
        self.invoices[number] = replace(asked, **more)
        return self

    def pay(self, number: str, minor: int = PRICE, ref: str = "") -> Ledger:
        """A row that says so much of an invoice is paid."""
        one = self.invoices[number]
        paid = BookPayment(one.row, ref or number, one.account_ref, number, one.issued_on, one.currency, minor)
        self.payments.append(paid)
        return self

    def change(self, number: str, **now: Any) -> Ledger:
        """The same invoice, with another word about it."""
        self.invoices[number] = replace(self.invoices[number], **now)
        return self

    def book(self) -> ReceivablesBook:
        """The export as it is now."""
        return ReceivablesBook(
            (self.account,), tuple(self.invoices.values()), tuple(self.payments), "", COLUMNS, tuple(self.credits)
        )

    def comes(self, **how: bool) -> ImportReport:
        """The export is imported, and what follows at once happens."""
        report = import_book(self.story.store, self.book(), self.story.now, IMPORTER, **how)
        self.story.stage.perform()
        return report


def imported(*, due: int = -1, **story: Any) -> tuple[Story, Ledger]:
    """A story whose account B1 came with a book of one invoice, I1, of 100.00."""
    told = Story(bill=False, **story)
    ledger = Ledger(told).invoice("I1", due)
    ledger.comes()
    told.no = told.store.account_numbers(["B1"])["B1"]
    return told, ledger
