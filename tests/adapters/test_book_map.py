"""A map of columns is checked whole when it is loaded, and every mistake names its key."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.adapters.honest_book import MAP, map_from

from arrears.adapters.books import load_map
from arrears.core.errors import Refused

ROOT = Path(__file__).parents[2]
SHIPPED_MAP = ROOT / "examples" / "maps" / "accounts-receivable.toml"

BAD_MAPS = {
    "a method of nobody": (
        MAP + '[method]\nprovider = { value = "stripe" }\nref = { column = "Card" }\n',
        "method.customer: is missing",
    ),
    "one method for all": (
        MAP + '[method]\nprovider = { value = "stripe" }\ncustomer = { value = "c" }\nref = { column = "Card" }\n',
        "method.customer: differs from row to row",
    ),
    "an unknown section": (MAP + "[acount]\n", "acount: unknown key; known here: file, account"),
    "an unknown key": (MAP.replace("name =", "nmae ="), "account.nmae: unknown key; known here: ref, name"),
    "an unknown mode key": (MAP + "x = 1\n", "mode.x: unknown key"),
    "a missing key": (MAP.replace('ref = { column = "Customer" }', ""), "account.ref: is missing"),
    "a missing format": (MAP.replace('date_format = "%Y-%m-%d"', ""), "file.date_format: is missing; known here"),
    "a missing section": (MAP[: MAP.index("[mode]")], "mode: the section [mode] is missing"),
    "a section that is none": ("file = 1\n" + MAP.replace("[file]\ndate_format", "#"), "file: must be a table"),
    "a name alone": (MAP.replace('{ column = "Zone" }', '"Zone"'), 'account.zone: must be { column = "NAME" }'),
    "both at once": (MAP.replace('column = "Zone"', 'column = "Zone", value = "UTC"'), "account.zone: must be {"),
    "a number": (MAP.replace('{ column = "Zone" }', "{ value = 1 }"), "account.zone.value: must be text"),
    "an empty column": (MAP.replace('"Zone"', '""'), "account.zone.column: is empty"),
    "one number for all": (MAP.replace('{ column = "Number" }', '{ value = "n1" }'), "invoice.number: differs"),
    "one total for all": (MAP.replace('{ column = "Amount" }', '{ value = "9" }'), "invoice.amount: differs"),
    "an unknown zone": (
        MAP.replace('{ column = "Zone" }', '{ value = "X" }'),
        'account.zone: "X" is not a time zone',
    ),
    "an unknown currency": (MAP.replace('{ column = "Currency" }', '{ value = "EUX" }'), "invoice.currency: "),
    "an unknown date format": (MAP.replace("%Y-%m-%d", "%y-%b"), 'file.date_format: "%y-%b" is not known; known'),
    "an unknown encoding": (MAP.replace("[account]", 'encoding = "rot13"\n[account]'), 'file.encoding: "rot13" is'),
    "a mark for two things": (
        MAP.replace("[account]", 'decimal_mark = ","\ngrouping = ","\n[account]'),
        "file.grouping: is the decimal mark too",
    ),
    "a part of full": (
        MAP.replace("[mode]", 'amount = { value = "half" }\n[mode]'),
        'payment.amount: "half" is not known',
    ),
    "one word for two": (MAP.replace('no = "No"', 'no = "Yes"'), 'invoice.disputed.no: "Yes" is a word for yes too'),
    "a missing word": (MAP.replace(', no = "No"', ""), "invoice.disputed.no: is missing"),
    "a switch": (MAP.replace('{ column = "Disputed", yes = "Yes", no = "No" }', "true"), "invoice.disputed: must be"),
    "an unknown mode": (MAP[: MAP.index('column = "Mode"')] + 'value = "cash"\n', "mode.value: must be one of"),
    "an unknown judge": (MAP + 'decided_by = "me"\n', "mode.decided_by: must be"),
    "one number for many": (
        MAP.replace('{ column = "Number" }', '{ column = "Number", otherwise = "n1" }'),
        "invoice.number.otherwise: would make rows of different things one",
    ),
    "words for what is not known": (
        MAP.replace('{ column = "Zone" }', '{ column = "Zone", words = { Mars = "M" } }'),
        'account.zone: "Mars" is not a time zone',
    ),
    "one word of two meanings": (
        MAP.replace('{ column = "Zone" }', '{ column = "Zone", words = { UTC = "x", "Asia/Tokyo" = ["X"] } }'),
        'account.zone.words.Asia/Tokyo: "X" is a word for UTC too',
    ),
    "one address for all": (
        MAP.replace("[invoice]", 'billing_address = { value = "Kade 2" }\n[invoice]'),
        "account.billing_address: differs from row to row",
    ),
    "an address of columns in one table": (
        MAP.replace("[invoice]", 'billing_address = { columns = ["A", "B"] }\n[invoice]'),
        'account.billing_address: must be { column = "NAME" }, or a list of them',
    ),
    "an address in too many columns": (
        MAP.replace("[invoice]", "billing_address = [" + '{ column = "A" },' * 7 + "]\n[invoice]"),
        "account.billing_address: has 7 columns, the most is 6",
    ),
    "a separator in an address": (
        MAP.replace("[invoice]", 'billing_address = { column = "A", separator = ";" }\n[invoice]'),
        "account.billing_address.separator: means nothing here; say a list of columns",
    ),
    "a rule for no rows": (MAP + '[skip]\nwhere = [{ column = "Number" }]\n', "skip.where 1: must be {"),
    "a number of days that is none": (
        MAP.replace('{ column = "Due" }', "{ days_after_issue = -1 }"),
        "invoice.due_on.days_after_issue: must be a number of days",
    ),
    "several customers in a cell": (
        MAP.replace('{ column = "Customer" }', '{ column = "Customer", separator = ";" }'),
        "account.ref.separator: holds one value",
    ),
    "no TOML": ("[file", "is not TOML: "),
}


@pytest.mark.parametrize("name", BAD_MAPS)
def test_a_mistake_in_a_map_is_one_line_with_its_key(tmp_path: Path, name: str) -> None:
    text, reason = BAD_MAPS[name]
    with pytest.raises(Refused) as caught:
        map_from(tmp_path, text)
    assert (caught.value.code, caught.value.exit_code) == ("bad_map", 2)
    assert caught.value.message.startswith(f"map {tmp_path / 'book-map.toml'}: {reason}")
    assert caught.value.message.isprintable()


def test_every_mistake_in_a_map_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        map_from(tmp_path, MAP.replace("name =", "nmae =").replace('"Zone"', '""') + "x = 1\n")
    assert len(caught.value.message.split("\n")) == 3


def test_a_map_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"# \xe9")
    for name, reason in (
        ("none.toml", "No such file"),
        (".", "Is a directory"),
        ("latin.toml", "byte 3 is not UTF-8"),
    ):
        with pytest.raises(Refused, match=reason) as caught:
            load_map(tmp_path / name)
        assert caught.value.code == "bad_map"


def test_the_map_that_ships_says_how_the_sample_book_is_written() -> None:
    book_map = load_map(SHIPPED_MAP)
    assert book_map.form.date_formats == ("%m/%d/%Y",)
    assert book_map.decided_by == "latest_invoice"
    assert book_map.columns() == [
        "customerID", "invoiceNumber", "InvoiceDate", "DueDate", "InvoiceAmount", "SettledDate", "Disputed",
        "PaperlessBill",
    ]  # fmt: skip


def test_one_mode_for_every_account_needs_no_column(tmp_path: Path) -> None:
    assert map_from(tmp_path, MAP[: MAP.index('column = "Mode"')] + 'value = "invoice"\n').mode == "invoice"


def test_the_map_in_the_documentation_loads(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "import.md").read_text(encoding="utf-8")
    shown = text.split("```toml\n")[1].split("```")[0]
    assert map_from(tmp_path, shown).rules.disputed is not None
