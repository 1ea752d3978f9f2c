"""A map that is proposed for a file reads it to the cent, or says what it doubts."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from tests import books
from tests.adapters.honest_book import HONEST, as_csv
from tests.adapters.test_ready_maps import ASKED, EXPORTS, PAID

from arrears.adapters.books import guess, load_map, read_book
from arrears.core.errors import Refused
from arrears.core.receivables import InvoiceStanding, ReceivablesBook

OPEN_ITEMS = ("qbo_aging", "sap-open-items")
PART = {"xero_creditnote": (731_649, 522_294)}
NOT_PAID = {"french_eursign": (ASKED, 0)}


def guessed(path: Path, folder: Path) -> tuple[str, ReceivablesBook]:
    text = guess(path)
    (folder / "guessed.toml").write_text(text, encoding="utf-8")
    return text, read_book(path, load_map(folder / "guessed.toml"))


@pytest.mark.parametrize("name", sorted(path.stem for path in EXPORTS.glob("*.csv")))
def test_a_proposed_map_reads_an_export_to_the_cent(tmp_path: Path, name: str) -> None:
    text, book = guessed(EXPORTS / f"{name}.csv", tmp_path)
    given_up = {i.number for i in book.invoices if i.standing is InvoiceStanding.UNCOLLECTIBLE}
    asked = sum(i.asked_minor for i in book.invoices if i.number not in given_up)
    paid = sum(p.amount_minor for p in book.payments)
    if name == "chargebee":
        assert "# DOUBT: sums in total are whole: are they cents?" in text
        asked, paid = asked // 100 - 4900, paid // 100  # One is a draft: what pending means is a person's to say.
        assert '# DOUBT: "pending" in status is open, or a draft?' in text
    expected = (ASKED - PAID, 0) if name in OPEN_ITEMS else (ASKED, PAID)
    assert (asked, paid) == (PART | NOT_PAID).get(name, expected)
    assert "# DOUBT: it does not read" not in text
    assert ("open items only, say gone" in text) is (name in OPEN_ITEMS)


def test_a_proposed_map_reads_the_small_book(tmp_path: Path) -> None:
    _, book = guessed(books.OWN, tmp_path)
    by_hand = read_book(books.OWN, load_map(books.MAP))
    assert sum(i.total_minor for i in book.invoices) == sum(i.total_minor for i in by_hand.invoices)
    assert sum(p.amount_minor for p in book.payments) == sum(p.amount_minor for p in by_hand.payments)


def test_days_that_can_be_read_in_two_ways_are_in_doubt(tmp_path: Path) -> None:
    days = {"Issued": "01/02/2024", "Due": "03/04/2024", "Paid": "02/03/2024"}
    (tmp_path / "book.csv").write_text(as_csv([HONEST | days]))
    assert "# DOUBT: every date can be read as %d/%m/%Y and as %m/%d/%Y" in guess(tmp_path / "book.csv")


def test_what_is_not_said_and_what_is_not_understood_is_in_doubt(tmp_path: Path) -> None:
    rows = [HONEST | {"Status": word, "Number": word, "Due": ""} for word in ("Open", "Verdampt")]
    (tmp_path / "book.csv").write_text(as_csv(rows, [*HONEST, "Status"]).replace("Currency", "Coin"))
    text = guess(tmp_path / "book.csv")
    for doubt in ("no column says the currency", 'nobody knows what "Verdampt" means', "some due dates are empty"):
        assert f"# DOUBT: {doubt}" in text
    assert tomllib.loads(text)["invoice"]["status"] == {"column": "Status", "open": "Open"}
    assert '# DOUBT: it does not read row 3, column Status: "Verdampt"' in text


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "x" * 1000, "\n \n"])
def test_a_file_without_invoices_is_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "book.csv").write_text(content)
    with pytest.raises(Refused) as caught:
        guess(tmp_path / "book.csv")
    assert "\n" not in caught.value.message
