"""One contract, two stores: what an import reads of the receivables that are there, and what it writes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date

import pytest
from msgspec.structs import replace
from tests.store.contract import API, AnyStore, at
from tests.stories.ledger import COLUMNS

from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.core.known import IMPORTER, KINDS, known_of
from arrears.core.policy import default_policy
from arrears.core.receivables import (
    AccountRows,
    BookAccount,
    BookCredit,
    BookInvoice,
    BookPayment,
    InvoiceStanding,
    ReceivablesBook,
    rows_of_accounts,
)
from arrears.engine import commands
from arrears.engine.booking import Payment
from arrears.engine.commands import corrections
from arrears.engine.commands.importing import ImportReport, import_book
from arrears.engine.system import adopt_policy
from arrears.ports import Place, Sums
from arrears.store.memory.store import MemoryStore
from arrears.store.postgres.store import PostgresStore

ANNE = BookAccount("A", "Anne", "NL", "UTC", "nl", "card", "anne@example.org")
ONE = BookInvoice(2, "I1", "A", ("cloud",), date(2026, 1, 1), date(2026, 1, 10), "EUR", 10_000, False)
TWO = replace(ONE, row=3, number="I2", due_on=date(2026, 1, 20))
BOOK = ReceivablesBook((ANNE,), (ONE, TWO), (), "", COLUMNS)


def paid(invoice: BookInvoice, minor: int) -> BookPayment:
    return BookPayment(invoice.row, invoice.number, "A", invoice.number, invoice.issued_on, "EUR", minor)


def comes(store: AnyStore, book: ReceivablesBook, day: int, **how: bool) -> ImportReport:
    return import_book(store, book, at(day), IMPORTER, **how)


def months(store: AnyStore) -> None:
    """A book that comes four times, with a payment through arrears and corrections between."""
    adopt_policy(store, default_policy(), at(1), "staff:1")
    comes(store, BOOK, 2)
    commands.record_payments(store, [Payment(1, "bank-1", "EUR", 4000, (1,))], at(3), API)
    comes(store, replace(BOOK, payments=(paid(ONE, 10_000), paid(TWO, 5000))), 5)
    less = replace(TWO, total_minor=8000, due_on=date(2026, 2, 20), disputed=True)
    note = BookCredit(4, "CN-1", "A", "I2", date(2026, 1, 3), "EUR", 1000)
    renamed = replace(
        ANNE,
        name="Anne BV",
        email="new@example.org",
        mode="invoice",
        copies=("cfo@x.test", "boss@x.test"),
        billing_address="Dorpsstraat 1\n1234 AB Ons Dorp",
        tax_number="NL000099998B57",
    )
    comes(store, replace(BOOK, accounts=(renamed,), invoices=(ONE, less), payments=(), credits=(note,)), 12)
    corrections.credit(store, "I1", 500, at(13), "staff:1", "agreed")


def another_name(store: AnyStore) -> list[tuple[str, ...]]:
    """Of A's two invoices one comes under another name, paid, and is refused; then both are A's again. What A is in
    doubt of after each book."""
    adopt_policy(store, default_policy(), at(1), "staff:1")
    under_b = replace(ONE, account_ref="B")
    other = replace(
        BOOK,
        accounts=(ANNE, replace(ANNE, ref="B")),
        invoices=(under_b, TWO),
        payments=(replace(paid(ONE, 10_000), account_ref="B"), paid(TWO, 5000)),
    )
    doubts = []
    for day, book in ((2, BOOK), (15, other), (16, other), (17, replace(BOOK, payments=(paid(ONE, 10_000),)))):
        import_book(store, book, at(day), IMPORTER, per_account=True, rows_in_a_part=1)
        doubts.append(tuple(doubt.ref for doubt in store.snapshots([1])[1].doubts))
    return doubts


def test_both_stores_doubt_whoever_has_what_refused_rows_name_though_its_own_rows_are_taken(store: AnyStore) -> None:
    memory = MemoryStore()
    assert another_name(store) == another_name(memory) == [(), ("book",), ("book",), ()]
    assert store.digest() == memory.digest()
    cleared = [one for one in store.history(1) if isinstance(one.fact, f.DoubtCleared)]
    assert len(cleared) == 1, "it did not end between two books that say the same"


def test_both_stores_come_to_the_same_facts_and_the_same_answers(store: AnyStore) -> None:
    months(store)
    memory = MemoryStore()
    months(memory)
    assert store.digest() == memory.digest()
    assert store.described([1]) == memory.described([1])
    assert store.described([1])[1].contact == "new@example.org"
    assert store.described([1])[1].copies == ("boss@x.test", "cfo@x.test")
    assert store.described([1])[1].billing_address == "Dorpsstraat 1\n1234 AB Ons Dorp"
    assert store.described([1])[1].tax_number == "NL000099998B57"
    assert dict(store.book_sums(date(2026, 1, 15))) == dict(memory.book_sums(date(2026, 1, 15)))
    assert dict(store.policy_followers()) == {"default": 1}
    assert store.invoice_count() == 2
    assert store.invoice_places(["I1", "I9"]) == {"I1": Place(1, "A")}
    assert store.payment_places(["bank-1", "none"]) == {"bank-1": Place(1, "A")}
    assert store.facts_of([1], [f.DueMoved]).keys() == {1}
    assert store.invoices(1)[2].due_on == date(2026, 2, 20)


def test_a_book_names_the_billing_address_at_once_and_a_newer_word_counts(store: AnyStore) -> None:
    adopt_policy(store, default_policy(), at(1), "staff:1")
    first = replace(ANNE, billing_address="Dorpsstraat 1\nOns Dorp", tax_number="NL1")
    comes(store, replace(BOOK, accounts=(first,)), 2)
    assert store.described([1])[1].billing_address == "Dorpsstraat 1\nOns Dorp"
    moved = comes(store, replace(BOOK, accounts=(replace(first, billing_address="Kade 2\nOns Dorp"),)), 3)
    assert dict(moved.changed) == {"billing_address": 1}
    assert [(one.before, one.after) for one in moved.changes] == [("Dorpsstraat 1, Ons Dorp", "Kade 2, Ons Dorp")]
    unfilled = replace(ANNE, unsaid=frozenset({"billing_address", "tax_number"}))
    assert not comes(store, replace(BOOK, accounts=(unfilled,)), 4).changed
    assert store.described([1])[1].tax_number == "NL1"


def test_the_sums_are_those_that_the_import_said(store: AnyStore) -> None:
    adopt_policy(store, default_policy(), at(1), "staff:1")
    first = comes(store, replace(BOOK, payments=(paid(ONE, 3000),)), 15)
    assert first.after == dict(store.book_sums(date(2026, 1, 15))) == {"EUR": Sums(20_000, 0, 17_000, 7000)}
    gone = replace(
        BOOK, invoices=(replace(ONE, standing=InvoiceStanding.UNCOLLECTIBLE), TWO), payments=(paid(ONE, 3000),)
    )
    second = comes(store, gone, 25)
    assert (second.before["EUR"].open, second.after) == (17_000, dict(store.book_sums(date(2026, 1, 25))))


def test_a_dry_run_and_a_refused_book_write_nothing(store: AnyStore) -> None:
    months(store)
    before = store.digest()
    comes(store, replace(BOOK, invoices=(ONE, replace(TWO, total_minor=7000))), 14, dry_run=True)
    with pytest.raises(Refused):
        comes(store, replace(BOOK, invoices=(replace(ONE, total_minor=20_000), TWO)), 14)
    assert store.digest() == before


def test_what_is_known_of_an_invoice_is_what_its_facts_say(store: AnyStore) -> None:
    months(store)
    known = known_of(store.facts_of([1], KINDS)[1], IMPORTER)
    one, two = known.invoices[1], known.invoices[2]
    assert (one.total_minor, two.total_minor, two.noted_minor) == (9500, 7000, 1000)
    assert (known.by_book(1), known.by_book(2), two.book_holds) == (0, 0, (1,))


def many(count: int) -> ReceivablesBook:
    """A book of so many accounts, each with two invoices of which one is paid, by one transfer for all of them."""
    accounts = tuple(replace(ANNE, ref=f"A{n}", name=f"Anne {n}") for n in range(count))
    first = [replace(ONE, row=2 * n, number=f"I{n}-1", account_ref=f"A{n}") for n in range(count)]
    second = [replace(TWO, row=2 * n + 1, number=f"I{n}-2", account_ref=f"A{n}") for n in range(count)]
    payments = tuple(
        BookPayment(i.row, "T1" if n < 4 else i.number, i.account_ref, i.number, i.issued_on, "EUR", 10_000)
        for n, i in enumerate(first)
    )
    return ReceivablesBook(accounts, tuple(first + second), payments, "", COLUMNS)


def test_a_book_in_many_parts_comes_to_the_same_as_in_one(store: AnyStore) -> None:
    memory = MemoryStore()
    for one, rows in ((store, 3), (memory, 1000)):
        adopt_policy(one, default_policy(), at(1), "staff:1")
        for day in (2, 3):
            report = import_book(one, many(7), at(day), IMPORTER, rows_in_a_part=rows)
        assert (report.count["known_invoices"], report.count["known_payments"], report.changes) == (14, 7, [])
        assert report.before == report.after == {"EUR": Sums(140_000, 0, 70_000, 0)}
        assert report.count["invoices_gone"] == 0
    assert store.digest() == memory.digest()
    assert sorted(store.payment_places(["T1", "T1+2", "T1+3", "T1+4"])) == ["T1", "T1+2", "T1+3", "T1+4"]


def test_a_row_of_the_last_part_that_cannot_be_taken_leaves_nothing_of_the_first(store: AnyStore) -> None:
    adopt_policy(store, default_policy(), at(1), "staff:1")
    comes(store, BOOK, 2)
    before = store.digest()
    book = many(5)
    taken = replace(book.invoices[-1], number="I1")
    with pytest.raises(Refused, match="invoice I1 is A4's, and here it is A's already"):
        import_book(store, replace(book, invoices=(*book.invoices[:-1], taken)), at(3), IMPORTER, rows_in_a_part=1)
    assert store.digest() == before
    assert store.account_numbers(["A0", "A4"]) == {}
    report = import_book(store, book, at(3), IMPORTER, dry_run=True, rows_in_a_part=1)
    assert (report.count["accounts"], store.digest()) == (5, before)


def test_who_is_called_otherwise_and_numbers_apart_is_found_by_the_old_numbers(store: AnyStore) -> None:
    adopt_policy(store, default_policy(), at(1), "staff:1")
    first = replace(ONE, number="A/1")
    comes(store, replace(BOOK, invoices=(first,)), 2)
    as_b = replace(first, number="B/1", account_ref="B")
    newer = replace(BOOK, accounts=(replace(ANNE, ref="B"),), invoices=(as_b,))
    with pytest.raises(Refused, match="rename-ref A B "):
        comes(store, newer, 3)
    corrections.rename_ref(store, "A", "B", at(4), "staff:1", "a new name")
    assert (comes(store, newer, 5).changes, store.account_numbers(["A", "B"])) == ([], {"B": 1})
    assert store.invoice_places(["A/1", "B/1"]) == {"A/1": Place(1, "B")}


def test_of_two_imports_at_once_the_second_waits_and_begins_with_what_the_first_came_to(
    make_postgres: Callable[[], PostgresStore],
) -> None:
    store = make_postgres()
    adopt_policy(store, default_policy(), at(1), "staff:1")
    later: list[ImportReport] = []
    second = threading.Thread(target=lambda: later.append(comes(store, replace(BOOK, invoices=(TWO,)), 2)))

    def while_the_first_is_under_way(done: int, of: int) -> None:
        if not second.ident:
            second.start()
            deadline = time.monotonic() + 60
            while not waits(store) and second.is_alive():
                assert time.monotonic() < deadline, "the second import neither waits nor ends"

    report = import_book(store, replace(BOOK, invoices=(ONE,)), at(2), IMPORTER, while_the_first_is_under_way)
    second.join(60)
    assert (report.before, later[0].before) == ({}, report.after)
    assert later[0].after == {"EUR": Sums(20_000, 0, 20_000, 0)}


def waits(store: PostgresStore) -> bool:
    with store.transaction() as db:
        row = db.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchone()
    return bool(row and row[0])


def test_rows_alone_say_nothing_of_the_book_and_what_is_not_said_stays(store: AnyStore) -> None:
    adopt_policy(store, default_policy(), at(1), "staff:1")
    comes(store, BOOK, 2)
    named = BookAccount("A", "", "", "UTC", "", "card", None, unsaid=frozenset({"name", "country", "locale", "policy"}))
    disputed = replace(ONE, disputed=True, unsaid=frozenset({"paid", "standing"}))
    rows = rows_of_accounts([AccountRows(named, [disputed])], COLUMNS, {})
    report = import_book(store, rows, at(3), IMPORTER, per_account=True, whole=False)
    assert [(one.what, one.invoice) for one in report.changes] == [("disputed", "I1")]
    assert (dict(report.before), dict(report.after), report.count["invoices_gone"]) == ({}, {}, 0)
    assert store.described([1])[1].name == "Anne"
    alone = AccountRows(replace(named, ref="nobody"), [replace(ONE, number="I8", account_ref="nobody")])
    report = import_book(store, rows_of_accounts([alone], COLUMNS, {}), at(4), IMPORTER, per_account=True, whole=False)
    assert list(report.wrong) == ["nobody"]
    assert store.account_numbers(["nobody"]) == {}
    assert store.history_after(1, 1, 2) == store.history(1)[1:3]


def test_a_credit_note_that_is_not_used_up_is_no_payment(store: AnyStore) -> None:
    adopt_policy(store, default_policy(), at(1), "staff:1")
    held = (replace(ONE, disputed=True), replace(TWO, disputed=True))
    note = BookCredit(4, "CN-1", "A", "", date(2026, 1, 3), "EUR", 50_000)
    report = comes(store, replace(BOOK, invoices=held, payments=(paid(ONE, 4000),), credits=(note,)), 15)
    after = report.after["EUR"]
    assert report.after == dict(store.book_sums(date(2026, 1, 15)))
    assert (after.issued, after.paid, after.open, after.credit) == (-30_000, 4000, 16_000, 50_000)
