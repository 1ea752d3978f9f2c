"""The maps that ship, each on a file with the columns that its system really writes, against sums counted apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.adapters.honest_book import HONEST, MAP, as_csv, read

from arrears.adapters.books import load_map, read_book
from arrears.core.errors import Refused
from arrears.core.receivables import InvoiceStanding

EXPORTS = Path(__file__).parent / "shapes"
MAPS = Path(__file__).parents[2] / "examples" / "maps"
# Thirty invoices of ten customers; what was asked and what was paid of it, counted from how the files were made.
ASKED, PAID = 4_286_842, 2_898_669


def row(**cells: str) -> str:
    return as_csv([HONEST | cells])


@pytest.mark.parametrize(
    ("shape", "name", "currency"),
    [
        ("lago", "lago", "EUR"),
        ("xero_2dec", "xero", "GBP"),
        ("xero_4dec", "xero", "GBP"),
        ("zoho", "zoho-books", "EUR"),
        ("odoo", "odoo", "EUR"),
        ("wave", "wave", "USD"),
        ("whmcs", "whmcs", "USD"),
        ("qbo_list", "quickbooks-online", "USD"),
        ("stripe_cleaned", "stripe", "EUR"),
        ("chargebee", "chargebee", "EUR"),
        ("erpnext", "erpnext", "EUR"),
        ("freshbooks", "freshbooks", "USD"),
        ("german", "german-list", "EUR"),
        ("german_total", "german-list", "EUR"),
        ("datev-opos", "datev-opos", "EUR"),
    ],
)
def test_a_ready_map_reads_its_systems_export_to_the_cent(shape: str, name: str, currency: str) -> None:
    book = read_book(EXPORTS / f"{shape}.csv", load_map(MAPS / f"{name}.toml"))
    assert {i.currency for i in book.invoices} == {currency}
    assert sum(i.asked_minor for i in book.invoices) == ASKED
    assert sum(p.amount_minor for p in book.payments) == PAID


@pytest.mark.parametrize(
    ("shape", "name", "currency"),
    [("qbo_aging", "quickbooks-aging", "USD"), ("sap-open-items", "sap-open-items", "EUR")],
)
def test_a_list_of_open_items_asks_for_what_is_open(shape: str, name: str, currency: str) -> None:
    book = read_book(EXPORTS / f"{shape}.csv", load_map(MAPS / f"{name}.toml"))
    assert ({i.currency for i in book.invoices}, book.payments) == ({currency}, ())
    assert sum(i.asked_minor for i in book.invoices) == ASKED - PAID


def test_what_was_given_up_at_kill_bill_is_written_off() -> None:
    book = read_book(EXPORTS / "kill-bill.csv", load_map(MAPS / "kill-bill.toml"))
    given_up = [i for i in book.invoices if i.standing is InvoiceStanding.UNCOLLECTIBLE]
    assert [i.total_minor for i in given_up] == [5900]
    assert sum(i.asked_minor for i in book.invoices) - 5900 == ASKED
    assert sum(p.amount_minor for p in book.payments) == PAID


@pytest.mark.parametrize(("shape", "paid"), [("french", PAID), ("french_eursign", 0)])
def test_a_french_list_has_narrow_blanks_between_its_digits(shape: str, paid: int) -> None:
    book = read_book(EXPORTS / f"{shape}.csv", load_map(MAPS / "french-list.toml"))
    assert sum(i.asked_minor for i in book.invoices) == ASKED
    assert sum(p.amount_minor for p in book.payments) == paid


def test_a_byte_order_mark_proves_utf_16_whatever_the_map_says(tmp_path: Path) -> None:
    said = (MAPS / "german-list.toml").read_text(encoding="utf-8").replace('";"', '"\\t"')
    for encoding in ("cp1252", "utf-16"):
        (tmp_path / "map.toml").write_text(said.replace("cp1252", encoding), encoding="utf-8")
        book = read_book(EXPORTS / "german_utf16.csv", load_map(tmp_path / "map.toml"))
        assert sum(i.asked_minor for i in book.invoices) == ASKED
        assert sum(p.amount_minor for p in book.payments) == PAID
        assert "Kunde 3 Straße, Ltd" in {a.name for a in book.accounts}


@pytest.mark.parametrize(
    ("name", "credit"), [("erpnext", "PE-0001"), ("datev-opos", "GU-0001"), ("sap-open-items", "1600000001")]
)
def test_what_a_list_of_open_items_owes_the_customer_is_credit(name: str, credit: str) -> None:
    book = read_book(EXPORTS / f"{name}.csv", load_map(MAPS / f"{name}.toml"))
    assert [(c.number, c.amount_minor) for c in book.credits] == [(credit, 12_000)]


def test_drafts_are_left_out_and_withdrawn_and_given_up_invoices_are_said_as_such() -> None:
    book = read_book(EXPORTS / "stripe_invoices.csv", load_map(MAPS / "stripe.toml"))
    asked = sum(i.asked_minor for i in book.invoices if i.standing is InvoiceStanding.OPEN)
    assert (asked, sum(p.amount_minor for p in book.payments)) == (ASKED, PAID)
    assert book.left_out == {"draft": 1}
    assert {i.standing for i in book.invoices} == set(InvoiceStanding)


def test_a_sum_below_nothing_is_a_credit_note_where_the_map_says_so() -> None:
    book = read_book(EXPORTS / "xero_creditnote.csv", load_map(MAPS / "xero.toml"))
    assert [(c.number, c.amount_minor) for c in book.credits] == [("CN-0001", 12_000)]


@pytest.mark.parametrize("name", sorted(path.stem for path in MAPS.glob("*.toml")))
def test_every_map_that_ships_loads_and_is_short(name: str) -> None:
    assert load_map(MAPS / f"{name}.toml").columns()
    lines = (MAPS / f"{name}.toml").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) <= 30


OPEN = MAP.replace('[payment]\npaid_on = { column = "Paid" }\n', "").replace(
    'amount = { column = "Amount" }', 'amount = { column = "Amount" }\nopen = { column = "Paid" }'
)


@pytest.mark.parametrize(
    ("asked", "left", "paid"),
    [("100.00", "0.00", 10_000), ("100.00", "60.00", 4000), ("100.00", "100.00", 0), ("100.0000", "40.00", 6000)],
)
def test_what_is_still_open_says_what_is_paid(tmp_path: Path, asked: str, left: str, paid: int) -> None:
    book = read(tmp_path, row(Amount=asked, Paid=left), OPEN)
    assert sum(p.amount_minor for p in book.payments) == paid


def test_more_open_than_was_asked_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"row 2, column Paid: .*more than was asked"):
        read(tmp_path, row(Amount="10.00", Paid="20.00"), OPEN)


def test_cents_that_the_map_reads_as_whole_units_are_refused_with_the_way_out(tmp_path: Path) -> None:
    content = row(Amount="1250").replace("Amount", "amount_cents", 1)
    wrong = MAP.replace('"Amount"', '"amount_cents"')
    with pytest.raises(Refused, match="row 1, column amount_cents: its name says cents; say minor_units = true"):
        read(tmp_path, content, wrong)
    right = wrong.replace("[file]", "[file]\nminor_units = true")
    assert read(tmp_path, content, right).invoices[0].total_minor == 1250
    with pytest.raises(Refused, match=r'column amount_cents: "12\.50" is not a whole number'):
        read(tmp_path, content.replace("1250", "12.50"), right)


@pytest.mark.parametrize("name", ["Balance", "Amount Due", "Open Balance", "InvoiceAmountDue", "Amount Remaining"])
def test_a_column_of_what_is_open_that_the_map_does_not_read_is_refused(tmp_path: Path, name: str) -> None:
    header, _, cells = row(Paid="").partition("\n")
    content = f"{header},{name}\n{cells.strip()},5.00\n"
    with pytest.raises(Refused, match=f"row 1, column {name}: says how much is still open"):
        read(tmp_path, content)


@pytest.mark.parametrize("text", ["1250.00", "€1250.00", "1250.00 €", "EUR 1250.00", "1250.0000", "$1250.00", "1250"])
def test_signs_and_zeros_of_a_sum_change_nothing(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, row(Amount=text)).invoices[0].total_minor == 125_000


@pytest.mark.parametrize("text", ["-1.00", "(1.00)", "1.00-", "1.005"])
def test_a_sum_that_is_below_nothing_or_not_whole_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Refused, match="row 2, column Amount: "):
        read(tmp_path, row(Amount=text))


@pytest.mark.parametrize("text", ["2024-01-01 13:05", "2024-01-01T13:05:00Z", "2024-01-01 13:05:11"])
def test_the_hour_behind_a_date_is_not_looked_at(tmp_path: Path, text: str) -> None:
    assert str(read(tmp_path, row(Issued=text)).invoices[0].issued_on) == "2024-01-01"


def test_a_date_of_zeros_says_that_nothing_was_paid(tmp_path: Path) -> None:
    assert read(tmp_path, row(Paid="0000-00-00")).payments == ()


def test_a_total_of_nothing_is_read_as_such_and_a_currency_in_small_letters_as_what_it_is(tmp_path: Path) -> None:
    [invoice] = read(tmp_path, row(Amount="0.00", Currency="eur", Paid="")).invoices
    assert (invoice.total_minor, invoice.currency) == (0, "EUR")
