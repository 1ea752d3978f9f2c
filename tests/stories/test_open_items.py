"""A list of open items: who paid is simply not in the next one (docs/import.md)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from tests.stories.ledger import PRICE, Ledger
from tests.stories.story import STAFF, Story

from arrears.core.errors import Refused
from arrears.core.known import IMPORTER
from arrears.core.receivables import OpenItems, ReceivablesBook
from arrears.core.states import State
from arrears.engine.commands import corrections
from arrears.engine.commands.importing import ImportReport, import_book


class OpenList:
    """Some customers, each with open items, who come in one list."""

    def __init__(self, story: Story, *refs: str) -> None:
        self.story = story
        self.ledgers = {ref: Ledger(story, ref) for ref in refs}
        self.open_items: OpenItems | None = OpenItems()

    def book(self) -> ReceivablesBook:
        books = [ledger.book() for ledger in self.ledgers.values() if ledger.invoices]
        return ReceivablesBook(
            tuple(book.accounts[0] for book in books),
            tuple(invoice for book in books for invoice in book.invoices),
            (),
            "",
            {name: label for book in books for name, label in book.columns.items()},
            open_items=self.open_items,
        )

    def comes(self, **how: Any) -> ImportReport:
        report = import_book(self.story.store, self.book(), self.story.now, IMPORTER, **how)
        self.story.stage.perform()
        return report

    def open_minor(self, ref: str) -> list[int]:
        """What is open of a customer, by invoice."""
        number = self.story.store.account_numbers([ref])[ref]
        return [d.open_minor for d in self.story.store.snapshots([number])[number].debts if not d.ended]


@pytest.fixture
def items() -> OpenList:
    """Anne has two open items, Bert one; all were due yesterday, and the first list has come."""
    found = OpenList(Story(bill=False), "ANNE", "BERT")
    found.ledgers["ANNE"].invoice("A1", -1).invoice("A2", -1)
    found.ledgers["BERT"].invoice("B1", -1)
    found.comes()
    found.story.no = found.story.store.account_numbers(["BERT"])["BERT"]
    return found


def test_who_paid_is_not_in_the_next_list_and_is_never_cut(items: OpenList) -> None:
    items.story.until(20)
    del items.ledgers["BERT"].invoices["B1"]
    report = items.comes()
    assert (report.changed, items.open_minor("BERT")) == ({"gone": 1}, [])
    assert [(c.account, c.invoice, c.before, c.after) for c in report.changes] == [("BERT", "B1", 10000, 0)]
    items.story.until(200)
    assert items.story.account.subscriptions[0].state is State.ACTIVE
    items.story.check()


def test_of_a_customer_who_is_still_in_the_list_only_what_is_gone_is_paid(items: OpenList) -> None:
    del items.ledgers["ANNE"].invoices["A1"]
    assert (items.comes().changed, items.open_minor("ANNE")) == ({"gone": 1}, [PRICE])
    assert items.comes().changed == {}, "the same list again says nothing new"


def test_what_comes_back_into_the_list_is_owed_again_from_that_day(items: OpenList) -> None:
    kept = dict(items.ledgers["BERT"].invoices)
    items.ledgers["BERT"].invoices.clear()
    items.comes()
    items.story.until(10)
    items.ledgers["BERT"].invoices = kept
    items.comes()
    assert items.open_minor("BERT") == [PRICE]
    assert [d.day_0 for d in items.story.account.debts] == [items.story.date(10)]


def test_a_book_of_another_kind_settles_nothing_by_its_silence(items: OpenList) -> None:
    items.open_items = None
    items.ledgers["BERT"].invoices.clear()
    report = items.comes()
    assert (report.changed, report.count["invoices_gone"], items.open_minor("BERT")) == ({}, 1, [PRICE])


def test_a_list_of_one_service_says_nothing_of_another(items: OpenList) -> None:
    items.open_items = OpenItems("mail")
    items.ledgers["ANNE"].invoices = {
        "M1": replace(items.ledgers["ANNE"].invoices["A1"], number="M1", services=("mail",))
    }
    items.ledgers["BERT"].invoices.clear()
    assert (items.comes().changed, items.open_minor("BERT"), len(items.open_minor("ANNE"))) == ({}, [PRICE], 3)


def test_what_no_list_has_brought_stays_open(items: OpenList) -> None:
    items.story.bill(10)
    assert len(items.open_minor("BERT")) == 2
    items.ledgers["BERT"].invoices.clear()
    items.comes()
    assert len(items.open_minor("BERT")) == 1, "an invoice of the API is in no list"


def test_who_is_called_otherwise_has_paid_nothing_by_that(items: OpenList) -> None:
    items.ledgers["CARL"] = Ledger(items.story, "CARL").invoice("CARL/1", -1)
    items.comes()
    late = Ledger(items.story, "DORA").invoice("DORA/1", -1)
    items.ledgers["CARL"] = late
    assert list(items.comes(per_account=True).refused) == ["DORA"]
    assert items.open_minor("CARL") == [PRICE]
    corrections.rename_ref(items.story.store, "CARL", "DORA", items.story.now, STAFF, "a new name")
    assert (items.comes().changed, items.open_minor("DORA")) == ({}, [PRICE])


def test_half_a_list_is_no_list(items: OpenList) -> None:
    for number in range(12):
        items.ledgers["ANNE"].invoice(f"N{number}", 5)
    items.comes()
    items.ledgers["ANNE"].invoices.clear()
    with pytest.raises(Refused) as refused:
        items.comes()
    assert (refused.value.code, refused.value.message) == (
        "much_gone",
        "14 of 15 open invoices are not in this list; import the whole list, or say --much-gone if so many were really"
        " paid",
    )
    assert len(items.open_minor("ANNE")) == 14
    assert (items.comes(much_gone=True).changed, items.open_minor("ANNE")) == ({"gone": 14}, [])


def test_an_account_whose_rows_are_refused_loses_nothing_to_silence(items: OpenList) -> None:
    items.ledgers["ANNE"].change("A2", currency="USD")
    del items.ledgers["ANNE"].invoices["A1"]
    report = items.comes(per_account=True)
    assert (list(report.refused), report.changed, items.open_minor("ANNE")) == (["ANNE"], {}, [PRICE, PRICE])


def test_an_item_that_was_paid_through_arrears_and_is_gone_is_not_paid_twice(items: OpenList) -> None:
    items.story.pay(PRICE)
    items.ledgers["BERT"].invoices.clear()
    assert (items.comes().changed, items.story.account.credit) == ({}, {})
