"""A year of exports: each month the billing system's newer word comes in, with arrears collecting between.

The model is a second, plainer book: what the billing system knows of each invoice, and what arrears itself took. At the
end the two add up, invoice by invoice, and no customer is worse off for an import.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.stories.ledger import COLUMNS, Ledger
from tests.stories.story import Story

from arrears.core import facts as f
from arrears.core.known import IMPORTER, KINDS, known_of
from arrears.core.receivables import InvoiceStanding, ReceivablesBook
from arrears.engine.commands.importing import import_book

MONTHS = 12
CUSTOMERS = 2
HAPPENS = ("nothing", "nothing", "nothing", "paid", "part", "back", "disputed", "moved", "credited", "gone")


@dataclass
class Asked:
    """One invoice as the model has it, in minor units: what is asked, what the export says is paid, what arrears took,
    what was booked on the export's word.
    `gone`: the export does not list it any more."""

    asked: int
    said: int = 0
    ours: int = 0
    by_book: int = 0
    gone: bool = False

    def export(self) -> None:
        """The export is imported: it can add what is missing, and take back only what an export has said before."""
        if self.gone:
            return
        if self.said > self.by_book + self.ours:
            self.by_book = self.said - self.ours
        elif self.said < self.by_book:
            self.by_book = self.said


class Year:
    """Two customers, an invoice each a month."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.story = Story(bill=False)
        self.ledgers = [Ledger(self.story, f"B{n}") for n in range(CUSTOMERS)]
        self.model: dict[str, Asked] = {}
        self.paid = 0

    def month(self, number: int) -> None:
        self.story.until(30 * number, "12:00")
        for at, ledger in enumerate(self.ledgers):
            name = f"I{at}-{number}"
            ledger.invoice(name, 30 * number + 14)
            self.model[name] = Asked(ledger.invoices[name].total_minor)
            for older in list(ledger.invoices):
                self.happens(ledger, older)
        self.export()
        self.story.until(30 * number + 10)
        self.arrears_collects()

    def happens(self, ledger: Ledger, name: str) -> None:
        """What a month does to one invoice at the billing system."""
        one, row = self.model[name], ledger.invoices[name]
        if one.gone:
            return
        match self.chance.choice(HAPPENS):
            case "paid":
                one.said = one.asked
            case "part":
                one.said = max(one.said, one.asked // 2)
            case "back":
                one.said = 0
            case "disputed":
                ledger.change(name, disputed=not row.disputed)
            case "moved" if row.standing is InvoiceStanding.OPEN:
                ledger.change(name, due_on=row.due_on + timedelta(days=10))
            case "credited" if one.asked > 2000 and not (one.said or one.ours or one.by_book):
                # Of what is paid already it would be account credit, which pays another invoice.
                one.asked -= 1000
                ledger.change(name, total_minor=one.asked)
            case "gone":
                one.gone = True
            case _:
                pass

    def export(self) -> None:
        rows, payments = [], []
        for ledger in self.ledgers:
            ledger.payments = []
            for name, row in ledger.invoices.items():
                if not self.model[name].gone:
                    rows.append(row)
                    if self.model[name].said:
                        ledger.pay(name, self.model[name].said)
            payments += ledger.payments
        book = ReceivablesBook(tuple(one.account for one in self.ledgers), tuple(rows), tuple(payments), "", COLUMNS)
        import_book(self.story.store, book, self.story.now, IMPORTER)
        self.nobody_is_worse_off()
        for asked in self.model.values():
            asked.export()
        again = import_book(self.story.store, replace(book), self.story.now, IMPORTER)
        assert again.changes == [], "the same export again changes nothing"

    def nobody_is_worse_off(self) -> None:
        """An import itself stops, deletes and demands nothing."""
        for number in self.numbers():
            for one in self.story.store.history(number):
                if one.at == self.story.now:
                    assert not isinstance(one.fact, f.Disabled | f.Restricted | f.DeletionOrdered), one
                    assert not (isinstance(one.fact, f.Noticed) and (one.fact.reminder or one.fact.warnings)), one

    def numbers(self) -> list[int]:
        return sorted(self.story.store.account_numbers([one.account.ref for one in self.ledgers]).values())

    def arrears_collects(self) -> None:
        """A customer pays one invoice through arrears, in full or in part."""
        for number in self.numbers():
            account = self.story.account_of(number)
            due = [d for d in account.debts if self.chance.random() < 0.3]
            for debt in due[:1]:
                minor = self.chance.choice([debt.open_minor, max(1, debt.open_minor // 3)])
                self.story.pay(minor, (debt.no,), account=number)
                self.model[debt.number].ours += minor

    def check(self) -> None:
        """Invoice by invoice: what is paid is what arrears took and what the export said besides, and no more."""
        for number in self.numbers():
            account = self.story.account_of(number)
            known = known_of(self.story.store.facts_of([number], KINDS)[number], IMPORTER)
            mine = {name: self.model[name] for name in known.by_number}
            came = sum(p.minor for p in known.payments.values())
            assert came == sum(one.ours + one.by_book for one in mine.values())
            owed = sum(d.open_minor for d in account.debts)
            assert owed == sum(one.asked - one.ours - one.by_book for one in mine.values())
            assert account.credit == {}


@pytest.mark.sample(3)
@pytest.mark.parametrize("seed", range(8))
def test_after_twelve_exports_each_account_owes_what_is_asked_less_what_came_once(seed: int) -> None:
    year = Year(seed)
    for number in range(MONTHS):
        year.month(number)
    year.check()
