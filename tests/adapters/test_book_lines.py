"""What each invoice of a file is for, and the tax in it, under the map's columns."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from tests.adapters.honest_book import HONEST, MAP, as_csv, map_from

from arrears.adapters.books import read_book
from arrears.core.errors import Refused
from arrears.core.invoice_lines import InvoiceLine, TaxLine, check_lines
from arrears.core.receivables import BookInvoice

TAXED: Final = """
text = { column = "What" }
quantity = { column = "How many" }
tax = { column = "VAT", otherwise = "0" }
tax_rate = { column = "VAT %" }
[payment]"""
COLUMNS: Final = ("What", "How many", "VAT", "VAT %")


def invoices(folder: Path, rows: list[dict[str, str]], each_row: str = "invoice") -> tuple[BookInvoice, ...]:
    path = folder / "book.csv"
    empty = dict.fromkeys(COLUMNS, "")
    path.write_text(as_csv([HONEST | empty | one for one in rows], [*HONEST, *COLUMNS]), "utf-8")
    said = MAP.replace("[payment]", f'each_row = "{each_row}"{TAXED}')
    said = said.replace('[payment]\npaid_on = { column = "Paid" }\n', "")
    return read_book(path, map_from(folder, said)).invoices


def test_a_row_is_one_line_and_its_tax(tmp_path: Path) -> None:
    row = {"Amount": "12.10", "What": " Small  cloud", "How many": "2,5", "VAT": "2.10", "VAT %": "21 %"}
    [invoice] = invoices(tmp_path, [row])
    assert invoice.lines == (InvoiceLine("Small cloud", 1000, "21", quantity="2.5"),)
    assert invoice.tax_lines == (TaxLine("21", 1000, 210),)


def test_rows_that_are_lines_are_lines_and_their_tax_is_added_rate_by_rate(tmp_path: Path) -> None:
    rows = [
        {"Amount": "12.10", "VAT": "2.10", "VAT %": "21"},
        {"Amount": "1.09", "What": "Handbook", "VAT": "0.09", "VAT %": "9.0"},
        {"Amount": "24.20", "What": "Large cloud", "VAT": "4.20", "VAT %": "21%"},
    ]
    [invoice] = invoices(tmp_path, rows, "line")
    assert [(line.text, line.net_minor) for line in invoice.lines] == [
        ("cloud", 1000),
        ("Handbook", 100),
        ("Large cloud", 2000),
    ]
    assert invoice.tax_lines == (TaxLine("21", 3000, 630), TaxLine("9", 100, 9))
    check_lines(invoice.number, invoice.currency, invoice.total_minor, invoice.lines, invoice.tax_lines)


def test_a_row_that_says_nothing_of_tax_has_a_line_without(tmp_path: Path) -> None:
    [invoice] = invoices(tmp_path, [{}])
    assert (invoice.lines, invoice.tax_lines) == ((InvoiceLine("cloud", 1250),), ())


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"VAT": "2,1x"}, 'column VAT: "2,1x"'),
        ({"VAT %": "high"}, 'column VAT %: "high" is not a number'),
        ({"VAT %": "210"}, 'column VAT %: "210" is no rate of tax'),
        ({"How many": "some"}, 'column How many: "some" is not a number'),
        ({"What": "x" * 201}, "column What: .* has 201 characters"),
    ],
)
def test_what_cannot_be_read_is_a_mistake_of_its_row(tmp_path: Path, cells: dict[str, str], said: str) -> None:
    with pytest.raises(Refused, match=f"row 2, {said}"):
        invoices(tmp_path, [cells])


def test_tax_is_said_by_its_sum_and_its_rate(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"invoice\.tax_rate: is missing: tax is said by its sum and its rate"):
        map_from(tmp_path, MAP.replace("[payment]", 'tax = { column = "VAT" }\n[payment]'))
