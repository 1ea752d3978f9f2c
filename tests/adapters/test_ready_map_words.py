"""What the ready maps make of each word, empty cell and currency of the systems they are for. The words are those of
the systems' own lists, which the maps name."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from tests.adapters.test_ready_maps import MAPS

from arrears.adapters.books import load_map, read_book
from arrears.core.errors import Refused
from arrears.core.receivables import InvoiceStanding, ReceivablesBook

Row = dict[str, str]

LAGO: Row = {
    "issuing_date": "2026-01-10",
    "customer_external_id": "c1",
    "customer_name": "Ann",
    "customer_email": "a@x.example",
    "invoice_number": "L-1",
    "payment_status": "pending",
    "status": "finalized",
    "currency": "EUR",
    "total_amount_cents": "12100",
    "payment_due_date": "2026-02-09",
}
ODOO: Row = {
    "Number": "INV/1",
    "Invoice Partner Display Name": "Ann Ltd",
    "Invoice/Bill Date": "2026-01-10",
    "Due Date": "2026-02-09",
    "Total Signed": "117.00",
    "Total in Currency Signed": "100.00",
    "Amount Due Signed": "117.00",
    "Amount Due": "100.00",
    "Currency": "GBP",
    "Status": "Posted",
    "Payment Status": "Not Paid",
}
FRESHBOOKS: Row = {
    "Client Name": "Ann",
    "Invoice #": "0001",
    "Date Issued": "01/10/2026",
    "Invoice Status": "sent",
    "Date Due": "02/09/2026",
    "Line Total": "10.00",
    "Currency": "USD",
}
WHMCS: Row = {
    "id": "101",
    "userid": "1",
    "companyname": "Ann",
    "invoicenum": "",
    "date": "2026-01-10",
    "duedate": "2026-01-24",
    "total": "100.00",
    "status": "Unpaid",
    "currencycode": "EUR",
}
STRIPE: Row = {
    "Amount Remaining": "20.00",
    "Currency": "eur",
    "Customer": "cus_1",
    "Date (UTC)": "2026-01-10 23:59",
    "Due Date (UTC)": "",
    "Number": "AAA-1",
    "Total": "20.00",
    "Status": "open",
    "Customer Name": "Ann",
    "Customer Email": "ann@x.example",
}
ZOHO: Row = {
    "Invoice Date": "2026-03-01",
    "Invoice Number": "INV-1",
    "Invoice Status": "Sent",
    "Customer ID": "cus_0",
    "Customer Name": "Ann",
    "Due Date": "2026-03-31",
    "Currency Code": "EUR",
    "Total": "100.00",
    "Balance": "100.00",
    "Primary Contact EmailID": "a@x.example",
}
WAVE: Row = {
    "Invoice Number": "INV-1",
    "Customer": "Ann",
    "Invoice Date": "2026-03-01",
    "Due Date": "2026-03-31",
    "Total": "$100.00",
    "Amount Due": "$100.00",
    "Status": "Sent",
    "Currency": "USD",
}
CHARGEBEE: Row = {
    "id": "INV-1",
    "customer_id": "cus_0",
    "status": "payment_due",
    "date": "2026-03-01T08:15:00Z",
    "due_date": "",
    "currency_code": "EUR",
    "total": "10000",
    "amount_due": "10000",
}
AGING: Row = {
    "Transaction Type": "Invoice",
    "Customer": "Ann",
    "Num": "1",
    "Date": "03/01/2026",
    "Due Date": "03/31/2026",
    "Amount": "100.00",
    "Open Balance": "100.00",
}


def book_of(folder: Path, name: str, *rows: Row) -> ReceivablesBook:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    (folder / "book.csv").write_text(text.getvalue(), encoding="utf-8")
    return read_book(folder / "book.csv", load_map(MAPS / f"{name}.toml"))


def demanded(book: ReceivablesBook) -> int:
    """What a customer would be asked for: open and not held, less what is paid."""
    asked = {i.number: i.total_minor for i in book.invoices if i.standing is InvoiceStanding.OPEN and not i.disputed}
    paid = sum(p.amount_minor for p in book.payments if p.invoice_number in asked)
    return sum(asked.values()) - paid - sum(c.amount_minor for c in book.credits)


WORDS: tuple[tuple[str, Row, str, dict[str, int]], ...] = (
    (
        "lago",
        LAGO,
        "status",
        {"finalized": 12_100}
        | dict.fromkeys(("draft", "voided", "failed", "pending", "generating", "open", "closed", "deleted"), 0),
    ),
    ("lago", LAGO, "payment_status", {"pending": 12_100, "failed": 12_100, "succeeded": 0}),
    ("odoo", ODOO, "Status", {"Posted": 10_000, "Draft": 0, "Cancelled": 0}),
    ("odoo", ODOO, "Payment Status", {"Not Paid": 10_000, "Partially Paid": 10_000, "Blocked": 0}),
    (
        "freshbooks",
        FRESHBOOKS,
        "Invoice Status",
        dict.fromkeys(("sent", "viewed", "overdue", "retry", "failed", "resolved"), 1_000)
        | dict.fromkeys(("paid", "auto-paid", "success", "draft", "created", "disputed", "partial", "deleted"), 0),
    ),
    (
        "whmcs",
        WHMCS,
        "status",
        {"Unpaid": 10_000, "Collections": 10_000}
        | dict.fromkeys(("Paid", "Cancelled", "Refunded", "Draft", "Payment Pending"), 0),
    ),
    ("stripe", STRIPE, "Status", {"open": 2_000, "draft": 0, "void": 0, "uncollectible": 0, "paid": 2_000}),
    (
        "zoho-books",
        ZOHO,
        "Invoice Status",
        dict.fromkeys(("Sent", "Overdue", "PartiallyPaid", "Viewed", "Unpaid", "Open"), 10_000)
        | dict.fromkeys(("Draft", "Void", "PendingApproval", "Approved", "Rejected"), 0),
    ),
    (
        "wave",
        WAVE,
        "Status",
        dict.fromkeys(("Sent", "Viewed", "Overdue", "Unpaid", "Partial"), 10_000)
        | dict.fromkeys(("Draft", "Saved", "Unsent"), 0),
    ),
    (
        "chargebee",
        CHARGEBEE,
        "status",
        dict.fromkeys(("posted", "payment_due", "not_paid"), 10_000) | dict.fromkeys(("voided", "pending"), 0),
    ),
)


@pytest.mark.parametrize(("name", "row", "column", "words"), WORDS, ids=lambda v: v if isinstance(v, str) else "")
def test_each_word_of_a_systems_own_list_asks_for_what_is_owed(
    tmp_path: Path, name: str, row: Row, column: str, words: dict[str, int]
) -> None:
    found = {word: demanded(book_of(tmp_path, name, row | {column: word})) for word in words}
    assert found == words


def test_odoo_customers_owe_what_their_invoice_says_and_not_the_companys_currency(tmp_path: Path) -> None:
    yen = {"Total in Currency Signed": "100000", "Amount Due": "40000", "Currency": "JPY"}
    book = book_of(tmp_path, "odoo", ODOO | yen | {"Total Signed": "620.00", "Amount Due Signed": "248.00"})
    assert demanded(book) == 40_000
    refund = ODOO | {"Number": "R/1", "Total in Currency Signed": "-30.00", "Amount Due": "30.00"}
    assert demanded(book_of(tmp_path, "odoo", ODOO, refund)) == 7_000


def test_odoo_sums_of_the_company_are_never_read_in_another_currency(tmp_path: Path) -> None:
    euros = ODOO | {"Currency": "EUR", "Total Signed": "100.00", "Amount Due Signed": "40.00"}
    assert demanded(book_of(tmp_path, "odoo-one-currency", euros)) == 4_000
    with pytest.raises(Refused, match='column Currency: "GBP" is none'):
        book_of(tmp_path, "odoo-one-currency", ODOO)


def test_whmcs_invoices_have_a_number_before_they_are_paid(tmp_path: Path) -> None:
    book = book_of(tmp_path, "whmcs", WHMCS, WHMCS | {"id": "102", "invoicenum": "2026-1", "status": "Paid"})
    assert [i.number for i in book.invoices] == ["101", "102"]


def test_what_stripe_charges_by_itself_is_due_when_issued_and_a_total_below_nothing_is_a_credit_note(
    tmp_path: Path,
) -> None:
    below = {"Number": "AAA-2", "Total": "-20.00", "Amount Remaining": "0.00", "Status": "paid"}
    book = book_of(tmp_path, "stripe", STRIPE, STRIPE | below)
    assert [(str(i.due_on), i.total_minor) for i in book.invoices] == [("2026-01-10", 2_000)]
    assert demanded(book) == 2_000


def test_a_payment_that_no_invoice_has_taken_is_credit_in_the_aging_report(tmp_path: Path) -> None:
    payment = {"Transaction Type": "Payment", "Due Date": "", "Amount": "-60.00", "Open Balance": "-60.00"}
    assert demanded(book_of(tmp_path, "quickbooks-aging", AGING, AGING | payment | {"Num": "8841"})) == 4_000
    with pytest.raises(Refused, match="column Num: is empty"):
        book_of(tmp_path, "quickbooks-aging", AGING, AGING | payment | {"Num": ""})


def test_erpnext_lists_only_what_is_open() -> None:
    assert load_map(MAPS / "erpnext.toml").rules.lists_open
