"""The book reader names every mistake once, by row and column, and reads the same book from any order."""

from __future__ import annotations

import csv
import hashlib
import os
import random
from datetime import date
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests import books
from tests.adapters.honest_book import HEADER, HONEST, MAP, as_csv, map_from, read
from tests.data_counts import expected

from arrears.adapters.books import load_map, read_book, records
from arrears.core.errors import Refused
from arrears.core.receivables import BookAccount, BookInvoice, BookPayment, ReceivablesBook


def refusal(folder: Path, content: str | bytes, map_text: str = MAP) -> str:
    with pytest.raises(Refused) as caught:
        read(folder, content, map_text)
    assert (caught.value.code, caught.value.exit_code) == ("bad_book", 2)
    return caught.value.message


def row(**cells: str) -> str:
    return as_csv([HONEST | cells])


def two(**cells: str) -> str:
    """An honest row, then another invoice of the same customer with these cells."""
    return as_csv([HONEST, HONEST | {"Number": "n2"} | cells])


LINE = as_csv([HONEST]).splitlines()[1]

BAD_CELLS: dict[str, tuple[str | bytes, str, str]] = {
    "an amount with grouping in the wrong locale": (row(Amount="1,234.56"), "Amount", '"1,234.56"'),
    "an amount with a decimal comma": (row(Amount="12,50"), "Amount", '"12,50"'),
    "an amount that is not a number": (row(Amount="NaN"), "Amount", '"NaN"'),
    "an amount that never ends": (row(Amount="Infinity"), "Amount", '"Infinity"'),
    "an amount with an exponent": (row(Amount="1e3"), "Amount", '"1e3"'),
    "an amount in hexadecimal": (row(Amount="0x10"), "Amount", '"0x10"'),
    "an amount with underscores": (row(Amount="1_000"), "Amount", '"1_000"'),
    "an amount in other digits": (row(Amount="١٢"), "Amount", '"١٢"'),
    "an amount with too many decimals": (row(Amount="12.505"), "Amount", '"12.505"'),
    "an amount with too many digits": (row(Amount="9" * 30), "Amount", "999"),
    "an amount finer than its currency": (row(Amount="12.50", Currency="JPY"), "Amount", '"12.50"'),
    "no amount": (row(Amount=""), "Amount", "is empty; an amount is needed"),
    "a negative total": (row(Amount="-5.00"), "Amount", '"-5.00"'),
    "an unknown currency": (row(Currency="EUX"), "Currency", "EUX"),
    "no currency": (row(Currency=""), "Currency", "is empty"),
    "an impossible date": (row(Due="2024-02-30"), "Due", '"2024-02-30" is not a day of the calendar'),
    "no leap day in 2023": (row(Issued="2023-02-29"), "Issued", '"2023-02-29" is not a day of the calendar'),
    "a date the other way round": (row(Due="31/01/2024"), "Due", "is not a date written year-month-day"),
    "a date of zeros": (row(Due="0000-00-00"), "Due", '"0000-00-00" is not a day of the calendar'),
    "a date before 1990": (row(Issued="1989-12-31"), "Issued", '"1989-12-31" is outside 1990-2100'),
    "a date after 2100": (row(Due="2101-01-01"), "Due", '"2101-01-01" is outside 1990-2100'),
    "no due date": (row(Due=""), "Due", "is empty; a date is needed"),
    "due before issue": (row(Due="2023-12-31"), "Due", "before it was issued on 2024-01-01"),
    "paid before issue": (row(Paid="2023-12-31"), "Paid", "before it was issued on 2024-01-01"),
    "a payment date of words": (row(Paid="soon"), "Paid", '"soon" is not a date'),
    "no customer": (row(Customer=""), "Customer", "is empty"),
    "a customer of blanks": (row(Customer="  "), "Customer", "is empty"),
    "a customer with a line break": (row(Customer="c\n1"), "Customer", '"c\\n1" has a line break'),
    "a name without an end": (row(Name="x" * 201), "Name", "has 201 characters, the most is 200"),
    "no name": (row(Name=""), "Name", "is empty"),
    "no invoice number": (row(Number=""), "Number", "is empty"),
    "a number that a spreadsheet shortened": (
        row(Number="1.23E+11"),
        "Number",
        "what a spreadsheet made of a long number",
    ),
    "and a customer": (row(Customer="4,9E+12"), "Customer", "what a spreadsheet made of a long number"),
    "no service": (row(Service=""), "Service", "is empty"),
    "a country that is a number": (row(Country="391"), "Country", '"391" is not a country'),
    "an unknown zone": (row(Zone="Mars/Olympus"), "Zone", '"Mars/Olympus" is not a time zone'),
    "a zone that is a path": (row(Zone="../UTC"), "Zone", '"../UTC" is not a time zone'),
    "two addresses": (row(Mail="a@b.example, c@d.example"), "Mail", "is not one mail address"),
    "a word that is not the map's": (row(Disputed="Y"), "Disputed", 'neither of the map\'s words, "Yes" or "No"'),
    "an unknown mode": (row(Mode="cash"), "Mode", '"cash" is neither'),
    "too few cells": (f"{HEADER}\n{LINE[: LINE.rindex(',')]}\n", "Mode", "is missing; the row has 13 cells"),
    "too many cells": (f"{HEADER}\n{LINE},x\n", "Mode", "is followed by more; the row has 15 cells"),
    "a bad byte": (f"{HEADER}\n{LINE}\n".encode().replace(b"Ada", b"Ad\xe9"), "Name", "byte 0xE9 at byte 99"),
    "a NUL byte": (f"{HEADER}\n{LINE}\n".replace("cloud", "cl\0ud"), "Service", "a NUL byte at byte"),
}
BAD_SECOND_ROWS = {
    "the same invoice number with another total": (
        two(Number="n1", Amount="13.00"),
        'row 3, column Number: "n1" is already on row 2 with other content (column Amount); say each_row = "line"'
        " under [invoice] if the rows are lines that add up",
    ),
    "the same invoice number for another customer": (
        two(Number="n1", Customer="c2"),
        'row 3, column Number: "n1" is already on row 2 with other content (column Customer); say numbers ='
        ' "of_each_customer" under [invoice] if each customer\'s are numbered on their own',
    ),
    "the same invoice number paid on another day": (
        two(Number="n1", Paid=""),
        'row 3, column Number: "n1" is already on row 2 with other content (column Paid)',
    ),
    "two zones for one customer": (
        two(Zone="UTC"),
        'row 3, column Zone: "UTC" for customer "c1", but row 2 says "Europe/Paris"; say decided_by ='
        ' "latest_invoice" under [account] to take the newest',
    ),
    "two addresses for one customer": (
        two(Mail=""),
        'row 3, column Mail: "" for customer "c1", but row 2 says "ada@example.org"; say decided_by ='
        ' "latest_invoice" under [account] to take the newest',
    ),
    "two modes for one customer": (
        two(Mode="I"),
        'row 3, column Mode: "I" for customer "c1", but row 2 says otherwise',
    ),
}
BAD_FILES = {
    "an empty file": (b"", "is empty"),
    "only blank lines": (b"\n\n , \n", "has only blanks; no invoice in it"),
    "only a byte order mark": (b"\xef\xbb\xbf", "has only blanks; no invoice in it"),
    "only a header": (HEADER.encode(), "has only a header; no invoice in it"),
    "a missing column": (
        HEADER.replace("Amount", "Total").encode(),
        "row 1, column Amount: not in the file; columns there: Customer, Name, Mail, Country, Zone, Number, ",
    ),
    "two missing columns": (HEADER.replace("Due,Amount", "x,y").encode(), "row 1, column Due, Amount: not in the"),
    "another delimiter": (HEADER.replace(",", ";").encode(), '(one column only: is "," the delimiter?)'),
    "a column twice": (f"{HEADER},Due".encode(), "row 1, column Due: is there more than once"),
    "a workbook": (
        b"PK\x03\x04" + bytes(100),
        "not a CSV file; save it as CSV first",
    ),
    "UTF-16 without a mark": (as_csv([HONEST]).encode("utf-16-le"), "row 1, a NUL byte at byte 2 of the file"),
    "old line ends": (as_csv([HONEST]).replace("\n", "\r").encode(), "row 1, lines end with a bare carriage"),
    "a quote never closed": (f'{HEADER}\n{LINE}\n"{LINE}\n'.encode(), 'row 3, a quote (") is opened here'),
    "text after a quote": (f'{HEADER}\n"c1"x{LINE[2:]}\n'.encode(), "row 2, text follows a closing quote"),
    "a cell without an end": (f'{HEADER}\n"{"x" * 140_000}'.encode(), "row 2, a cell has more than 131072"),
    "a line without an end": (b"x" * (1024 * 1024 + 1), "row 1, is longer than 1 MiB"),
}


@pytest.mark.parametrize("name", BAD_CELLS)
def test_a_bad_cell_is_one_line_with_its_row_and_column(tmp_path: Path, name: str) -> None:
    content, column, reason = BAD_CELLS[name]
    message = refusal(tmp_path, content)
    assert message.startswith(f"row 2, column {column}: ")
    assert reason in message
    assert message.count("column") == 1
    assert message.isprintable()


@pytest.mark.parametrize("name", BAD_SECOND_ROWS)
def test_a_row_that_contradicts_an_earlier_one_names_both(tmp_path: Path, name: str) -> None:
    content, line = BAD_SECOND_ROWS[name]
    assert refusal(tmp_path, content) == line


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_is_no_book_is_one_line(tmp_path: Path, name: str) -> None:
    content, reason = BAD_FILES[name]
    message = refusal(tmp_path, content)
    assert reason in message
    assert message.isprintable()


def test_what_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    book_map = map_from(tmp_path, MAP)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "map.toml").touch()
    for path, reason in (
        (tmp_path / "none.csv", "there is no such file"),
        (tmp_path, "is a directory"),
        (tmp_path / "pipe", "is not a regular file"),
        (tmp_path / "map.toml" / "book.csv", "cannot be read: Not a directory"),
        (tmp_path / ("x" * 300), "cannot be read: File name too long"),
    ):
        with pytest.raises(Refused) as caught:
            read_book(path, book_map)
        assert caught.value.code == "bad_book"
        assert caught.value.message.startswith(f"{path}: {reason}")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "closed.csv"
    path.touch()
    path.write_text(HEADER)
    path.chmod(0)
    with pytest.raises(Refused, match="cannot be read: Permission denied"):
        read_book(path, map_from(tmp_path, MAP))


def test_a_file_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "book.csv"
    with path.open("wb") as file:
        file.truncate(records.FILE_BYTES_MAX + 1)
    with pytest.raises(Refused, match="has 8192 MiB, the most is 8192 MiB"):
        read_book(path, map_from(tmp_path, MAP))


def test_every_mistake_of_a_row_stands_on_its_one_line(tmp_path: Path) -> None:
    message = refusal(tmp_path, row(Amount="x", Due="y", Disputed="z"))
    assert message.count("\n") == 0
    assert all(f"column {column}: " in message for column in ("Amount", "Due", "Disputed"))


def test_fifty_bad_rows_are_shown_and_the_rest_counted(tmp_path: Path) -> None:
    rows = [HONEST | {"Number": f"n{i}", "Amount": "x" if i >= 2 else "1.00"} for i in range(75)]
    lines = refusal(tmp_path, as_csv(rows)).split("\n")
    assert [line.split(",")[0] for line in lines] == [*(f"row {i}" for i in range(4, 54)), "and 23 more"]


def test_a_row_number_is_the_line_of_the_file_on_which_the_row_starts(tmp_path: Path) -> None:
    content = as_csv([HONEST | {"Customer": "c\n1"}, HONEST | {"Number": "n2", "Amount": "x"}])
    lines = refusal(tmp_path, content.replace(f"{HEADER}\n", f"{HEADER}\n\n")).split("\n")
    assert [line.split(",")[0] for line in lines] == ["row 3", "row 5"]


def test_an_honest_row_becomes_its_values(tmp_path: Path) -> None:
    content = row(Paid="").encode()
    book = read(tmp_path, content)
    assert book == ReceivablesBook(
        (BookAccount("c1", "Ada Byte", "FR", "Europe/Paris", "en", "card", "ada@example.org"),),
        (BookInvoice(2, "n1", "c1", ("cloud",), date(2024, 1, 1), date(2024, 1, 31), "EUR", 1250, False),),
        (),
        hashlib.sha256(content).hexdigest(),
        book.columns,
    )


ADDRESSED: Final = MAP.replace(
    "[invoice]",
    'billing_address = [{ column = "Street" }, { column = "City" }]\ntax_number = { column = "Tax" }\n[invoice]',
)


def addressed(tmp_path: Path, *rows: dict[str, str], decided_by: str = "") -> BookAccount:
    """The one customer of these rows, each an invoice of its own."""
    path = tmp_path / "book.csv"
    filled = [HONEST | {"Number": f"n{number}"} | one for number, one in enumerate(rows)]
    path.write_text(as_csv(filled, [*HONEST, "Street", "City", "Tax"]), "utf-8")
    [account] = read_book(path, map_from(tmp_path, ADDRESSED.replace("[invoice]", f"{decided_by}\n[invoice]"))).accounts
    return account


def test_a_billing_address_is_put_together_from_columns_and_lines(tmp_path: Path) -> None:
    found = addressed(tmp_path, {"Street": " Kade  2\n\nRoom 4 ", "City": "Ons Dorp", "Tax": "NL1"})
    assert (found.billing_address, found.tax_number) == ("Kade 2\nRoom 4\nOns Dorp", "NL1")
    assert not found.unsaid


def test_cells_that_are_not_filled_are_no_word(tmp_path: Path) -> None:
    found = addressed(tmp_path, {"Street": "", "City": "", "Tax": ""})
    assert found.unsaid == {"billing_address", "tax_number"}


def test_the_newest_address_that_is_there_counts_where_the_latest_invoice_decides(tmp_path: Path) -> None:
    rows = ({"Street": "Kade 2", "Tax": "NL1"}, {"Issued": "2024-01-02", "Street": "Plein 3", "Tax": ""})
    found = addressed(tmp_path, *rows, decided_by='decided_by = "latest_invoice"')
    assert (found.billing_address, found.tax_number) == ("Plein 3", "NL1")
    with pytest.raises(Refused, match='column Street: "Plein 3" for customer "c1", but row 2 says "Kade 2"'):
        addressed(tmp_path, *rows)


@pytest.mark.parametrize(
    ("street", "reason"),
    [("x" * 101, "has a line of 101 characters"), ("\n".join("abcdefg"), "has 7 lines, the most is 6")],
)
def test_an_address_that_is_too_long_is_a_mistake_of_its_row(tmp_path: Path, street: str, reason: str) -> None:
    with pytest.raises(Refused, match=f"row 2, column Street: .*{reason}"):
        addressed(tmp_path, {"Street": street})


def test_a_payment_is_of_the_whole_invoice_where_the_map_names_no_amount(tmp_path: Path) -> None:
    assert read(tmp_path, row()).payments == (BookPayment(2, "n1", "c1", "n1", date(2024, 2, 3), "EUR", 1250),)


def test_the_same_row_twice_counts_once(tmp_path: Path) -> None:
    assert read(tmp_path, two(Number="n1")) == replace(
        read(tmp_path, row()), digest=hashlib.sha256(two(Number="n1").encode()).hexdigest()
    )


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + row().encode(),
        row().replace("\n", "\r\n").encode(),
        (row() + "\n,,,\n").encode(),
        row().rstrip("\n").encode(),
        row().replace(",", " , ").encode(),
    ],
    ids=["byte order mark", "CRLF", "blank rows", "no last line end", "blanks around cells"],
)
def test_what_spreadsheets_add_changes_nothing(tmp_path: Path, content: bytes) -> None:
    assert replace(read(tmp_path, content), digest="") == replace(read(tmp_path, row()), digest="")


def test_another_encoding_delimiter_and_decimal_mark_are_the_maps_to_say(tmp_path: Path) -> None:
    form = 'encoding = "cp1252"\ndelimiter = ";"\ndecimal_mark = ","\ngrouping = "."\n[account]'
    content = row(Name="Zoë", Amount="1.234,56").replace('"', "").replace("1.234,56", "1.234!56")
    book = read(tmp_path, content.replace(",", ";").replace("!", ",").encode("cp1252"), MAP.replace("[account]", form))
    assert (book.accounts[0].name, book.invoices[0].total_minor) == ("Zoë", 123456)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%m/%d/%Y", "1/31/2024"),
        ("%m/%d/%Y", "01/31/2024"),
        ("%d/%m/%Y", "31/1/2024"),
        ("%d.%m.%Y", "31.01.2024"),
        ("%d-%m-%Y", "31-1-2024"),
        ("%Y/%m/%d", "2024/01/31"),
        ("%Y%m%d", "20240131"),
    ],
)
def test_a_date_is_read_in_the_maps_format(tmp_path: Path, form: str, text: str) -> None:
    cells = {"Issued": text, "Due": text, "Paid": text}
    assert read(tmp_path, row(**cells), MAP.replace("%Y-%m-%d", form)).invoices[0].due_on == date(2024, 1, 31)


PART_PAYMENTS = MAP.replace(
    'paid_on = { column = "Paid" }',
    'paid_on = { column = "Paid" }\namount = { column = "Got" }\nref = { column = "Ref" }',
)


def test_an_invoice_may_be_paid_in_parts_where_payments_have_references(tmp_path: Path) -> None:
    rows = [HONEST | {"Got": "5.00", "Ref": "p1"}, HONEST | {"Got": "7.50", "Ref": "p2"}]
    book = read(tmp_path, as_csv(rows, [*HONEST, "Got", "Ref"]), PART_PAYMENTS)
    assert len(book.invoices) == 1
    assert [(p.ref, p.amount_minor) for p in book.payments] == [("p1", 500), ("p2", 750)]


def test_a_payment_without_a_reference_has_its_invoices_number(tmp_path: Path) -> None:
    rows = [HONEST | {"Got": "5.00", "Ref": "p1"}, HONEST | {"Got": "7.50", "Ref": ""}]
    book = read(tmp_path, as_csv(rows, [*HONEST, "Got", "Ref"]), PART_PAYMENTS)
    assert sorted((p.ref, p.amount_minor) for p in book.payments) == [("n1", 750), ("p1", 500)]


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        ({"Paid": "", "Got": "5.00"}, 'row 3, column Paid: is empty, but column Got says "5.00"'),
        ({"Ref": "p1"}, 'row 3, column Ref: "p1" is already on row 2 for another payment'),
        ({"Got": "0"}, 'row 3, column Got: "0" is not above zero; a row that was not paid has no date of payment'),
    ],
)
def test_a_payment_that_is_not_whole_is_named(tmp_path: Path, cells: dict[str, str], line: str) -> None:
    rows = [HONEST | {"Got": "5.00", "Ref": "p1"}, HONEST | {"Got": "7.50", "Ref": "p2"} | cells]
    assert refusal(tmp_path, as_csv(rows, [*HONEST, "Got", "Ref"]), PART_PAYMENTS) == line


def test_the_latest_invoice_decides_the_mode_where_the_map_says_so(tmp_path: Path) -> None:
    rows = [
        HONEST | {"Number": n, "Issued": day, "Mode": m}
        for n, day, m in (("n2", "2024-01-02", "I"), ("n1", "2024-01-01", "C"), ("n3", "2024-01-02", "C"))
    ]
    by_latest = MAP + 'decided_by = "latest_invoice"\n'
    assert read(tmp_path, as_csv(rows[:2]), by_latest).accounts[0].mode == "invoice"
    assert read(tmp_path, as_csv(rows), by_latest).accounts[0].mode == "card"


def content_of(book: ReceivablesBook) -> ReceivablesBook:
    """The book without what belongs to the file alone: its digest and its row numbers."""
    return ReceivablesBook(
        book.accounts,
        tuple(replace(invoice, row=0) for invoice in book.invoices),
        tuple(replace(payment, row=0) for payment in book.payments),
        "",
    )


@settings(max_examples=40, deadline=None)
@given(data=st.data(), latest=st.booleans())
def test_the_order_of_rows_and_columns_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, latest: bool
) -> None:
    days = st.dates(date(2024, 1, 1), date(2024, 1, 4)).map(date.isoformat)
    rows = [
        HONEST | {"Customer": f"c{i % 3}", "Number": f"n{i}", "Issued": data.draw(days), "Paid": "",
                  "Mode": data.draw(st.sampled_from("CI")) if latest else "C"}
        for i in range(data.draw(st.integers(1, 8)))
    ]  # fmt: skip
    rows += data.draw(st.lists(st.sampled_from(rows), max_size=3))
    folder = tmp_path_factory.mktemp("shuffled")
    map_text = MAP + ('decided_by = "latest_invoice"\n' if latest else "")
    shuffled = as_csv(data.draw(st.permutations(rows)), data.draw(st.permutations(list(HONEST))))
    assert content_of(read(folder, shuffled, map_text)) == content_of(read(folder, as_csv(rows), map_text))


@pytest.mark.parametrize("path", books.BOTH)
def test_a_whole_book_is_read(path: Path) -> None:
    book = read_book(path, load_map(books.MAP))
    counted = expected(path, "hold")
    size = {books.SAMPLE: (2466, 100), books.OWN: (108, 12)}[path]
    assert (len(book.invoices), len(book.accounts)) == (counted["invoices"], counted["accounts"]) == size
    assert sum(invoice.total_minor for invoice in book.invoices) == counted["invoiced"]
    assert sum(payment.amount_minor for payment in book.payments) == counted["invoiced"]
    assert book.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert {account.mode for account in book.accounts} == {"card", "invoice"}


@pytest.mark.parametrize("path", books.BOTH)
def test_a_whole_book_shuffled_is_the_same_book(path: Path, tmp_path: Path) -> None:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = list(rows[0])
    shuffler = random.Random(5)
    shuffler.shuffle(rows)
    shuffler.shuffle(columns)
    (tmp_path / "shuffled.csv").write_text(as_csv(rows, columns))
    book_map = load_map(books.MAP)
    shuffled, straight = read_book(tmp_path / "shuffled.csv", book_map), read_book(path, book_map)
    assert content_of(shuffled) == content_of(straight)
    assert shuffled.digest != straight.digest
