"""Exports that people have, through the real command: sums that were counted apart, or one clear line. The files beside
the project are left out where they are not; the project's own shapes are always there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import psycopg
import pytest
from tests.books import NOT_BESIDE
from tests.cli import commands

ROOT: Final = Path(__file__).parents[2]
CASES: Final = ROOT.parent / "shared" / "cases" / "import"
EXPORTS: Final = ROOT / "tests" / "adapters" / "shapes"
MAPS: Final = ROOT / "examples" / "maps"
needs_cases: Final = pytest.mark.skipif(not CASES.exists(), reason=f"the exports are {NOT_BESIDE}")

ASKED, PAID = 4_286_842, 2_898_669
Sums = dict[str, tuple[int, int]]

# Shape -> its map, and what is asked, less its credit notes, and paid by currency; void and draft ask for nothing.
OF_FILES: Final[dict[str, tuple[str, Sums]]] = {
    "french": ("french-list", {"EUR": (ASKED, PAID)}),
    "french_eursign": ("french-list", {"EUR": (ASKED, 0)}),
    "freshbooks": ("freshbooks", {"USD": (ASKED, PAID)}),
    "german": ("german-list", {"EUR": (ASKED, PAID)}),
    "german_total": ("german-list", {"EUR": (ASKED, PAID)}),
    "lago": ("lago", {"EUR": (ASKED, PAID)}),
    "odoo": ("odoo-one-currency", {"EUR": (ASKED, PAID)}),
    "qbo_aging": ("quickbooks-aging", {"USD": (ASKED - PAID, 0)}),
    "qbo_list": ("quickbooks-online", {"USD": (ASKED - 12_345, PAID)}),
    "stripe_cleaned": ("stripe", {"EUR": (ASKED, PAID)}),
    "stripe_invoices": ("stripe", {"EUR": (ASKED + 5900, PAID)}),
    "wave": ("wave", {"USD": (ASKED, PAID)}),
    "whmcs": ("whmcs", {"USD": (ASKED, PAID)}),
    "xero_2dec": ("xero", {"GBP": (ASKED, PAID)}),
    "xero_4dec": ("xero", {"GBP": (ASKED, PAID)}),
    "zoho": ("zoho-books", {"EUR": (ASKED, PAID)}),
}
OF_EDGES: Final[dict[str, Sums | str]] = {
    "case_of_ref": {"EUR": (2000, 0)},
    "country_name": "row 3, column land: is empty; say otherwise = ... in the map for such cells",
    "due_before_issue": 'say due_before_issue = "due_at_once" under [invoice]',
    "dup_unused_column": {"EUR": (1000, 0)},
    "mail_changes": 'row 3, column mail: "b@x.test" for customer "C1", but row 2 says "a@x.test"; say decided_by =',
    "mixed_currency_paid": {"EUR": (1000, 0), "JPY": (1000, 0)},
    "name_changes": 'row 3, column name: "Acme Inc" for customer "C1", but row 2 says "Acme"; say decided_by =',
    "one_transfer_two_invoices": {"EUR": (3000, 3000)},
    "open_only": {"EUR": (1000, 0)},
    "paid_zero_amount_with_date": 'row 2, column paid: "0.00" is not above zero; a row that was not paid has no date',
    "per_customer_numbers": 'row 3, column inv: "1" is already on row 2 with other content (column cust); say',
    "quoted_newline": 'row 4, column total: "x" is not an amount',
    "ref_only_on_some": {"EUR": (1000, 400)},
    "sep_line": {"EUR": (1000, 0)},
    "third_mode_word": 'row 3, column pm: "Mastercard" is neither of the map\'s words, "Visa" or "Transfer"; add it',
    "trailing_comma_all": {"EUR": (1000, 0)},
    "two_digit_year": {"EUR": (1000, 0)},
    "two_services": 'row 3, column inv: "I1" is already on row 2 with other content (column svc); say each_row',
    "yes_words": 'row 4, column st: "overdue" is neither of the map\'s words, "disputed" or "open"; add it',
}
# A newer export -> what is taken of it.
OF_UPDATES: Final[dict[str, dict[str, int]]] = {
    "a_disputed": {"disputed": 1},
    "b_email": {"name": 1, "email": 1, "country": 1},
    "c_cumulative": {"paid": 1},
    "d_paid": {"paid": 1},
    "e_unpaid_again": {"taken_back": 1},
    "f_amount": {"total_minor": 1},
    "i_due": {"due_on": 1},
    "j_paid_and_one_amended": {"paid": 1, "total_minor": 1},
    "next_invoice": {},
}
Tried = Callable[..., "commands.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def tried(database_url: str, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tried]:
    """`arrears import ... --dry-run --json` on a database of its own; one with the first of the updates' exports."""
    folder = tmp_path_factory.mktemp("exports")
    names = {"empty": "exports_empty", "updates": "exports_updates"}

    def run(book: Path, book_map: Path, database: str = "empty", *how: str) -> commands.CompletedProcess[str]:
        said = {"ARREARS_DATABASE_URL": database_url, "ARREARS_DATABASE": names[database], "ARREARS_HOME": str(folder)}
        return commands.arrears("import", str(book), "--map", str(book_map), *(how or ("--dry-run", "--json")), **said)

    with psycopg.connect(database_url, autocommit=True) as db:
        for name in names.values():
            db.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")  # type: ignore[arg-type]
            db.execute(f"CREATE DATABASE {name} TEMPLATE {migrated}")  # type: ignore[arg-type]
        yield run
        for name in names.values():
            db.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")  # type: ignore[arg-type]


def sums(done: commands.CompletedProcess[str]) -> Sums:
    assert done.returncode == 0, done.stderr
    after = json.loads(done.stdout)["after"]
    return {currency: (one["issued"], one["paid"]) for currency, one in after.items()}


@needs_cases
@pytest.mark.sample(4)
@pytest.mark.parametrize("name", sorted(OF_FILES))
def test_an_export_comes_to_the_sums_that_were_counted_apart(tried: Tried, name: str) -> None:
    book_map, expected = OF_FILES[name]
    assert sums(tried(CASES / "shapes" / f"{name}.csv", MAPS / f"{book_map}.toml")) == expected


@needs_cases
@pytest.mark.sample(5)
@pytest.mark.parametrize("name", sorted(OF_EDGES))
def test_an_odd_file_comes_to_its_sums_or_to_one_clear_line(tried: Tried, name: str) -> None:
    expected = OF_EDGES[name]
    done = tried(CASES / "edge" / f"{name}.csv", CASES / "edge" / f"{name}.toml")
    if isinstance(expected, dict):
        assert sums(done) == expected
    else:
        [line] = done.stderr.splitlines()
        assert expected in line
        assert done.returncode == 2


@needs_cases
@pytest.mark.sample(3)
@pytest.mark.parametrize("name", sorted(OF_UPDATES))
def test_a_newer_export_is_a_newer_word(tried: Tried, name: str) -> None:
    folder = CASES / "update"
    assert tried(folder / "v1.csv", folder / "map.toml", "updates", "--json").returncode == 0
    done = tried(folder / f"{name}.csv", folder / "map.toml", "updates")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["changed"] == OF_UPDATES[name]
    assert answer["invoices"] == (name == "next_invoice")


def test_every_file_beside_the_project_has_its_row_here() -> None:
    if not CASES.exists():
        pytest.skip(f"the exports are {NOT_BESIDE}")
    told = {"shapes": {*OF_FILES, "german_utf16", "xero_creditnote"}, "edge": {*OF_EDGES, "future_due_1y_paid_future"}}
    told["update"] = {*OF_UPDATES, "v1"}
    assert {name: {path.stem for path in (CASES / name).glob("*.csv")} for name in told} == told


def test_a_clone_alone_has_exports_of_its_own(tried: Tried) -> None:
    assert sums(tried(EXPORTS / "datev-opos.csv", MAPS / "datev-opos.toml")) == {"EUR": (ASKED - 12_000, PAID)}


def test_a_provider_that_is_not_set_up_can_be_asked_for_no_method(tried: Tried, tmp_path: Path) -> None:
    named = tmp_path / "named.toml"
    table = '\n[method]\nprovider = { value = "till" }\ncustomer = { column = "Konto" }\nref = { column = "Konto" }\n'
    named.write_text((MAPS / "datev-opos.toml").read_text() + table)
    done = tried(EXPORTS / "datev-opos.csv", named)
    assert (done.returncode, done.stdout) == (2, "")
    assert "method.provider: till is not set up here (set up: " in done.stderr


def test_the_first_rows_are_shown_as_they_are_understood_and_a_map_is_proposed_without_a_database() -> None:
    book = str(EXPORTS / "german_total.csv")
    done = commands.arrears("import", book, "--map", str(MAPS / "german-list.toml"), "--show", "2")
    assert done.returncode == 0, done.stderr
    assert [line.split()[:3] for line in done.stdout.splitlines()] == [
        ["row", "customer", "number"],
        ["2", "cus_0000", "INV-0001"],
        ["3", "cus_0001", "INV-0002"],
        ["left", "out:", "1"],
    ]
    done = commands.arrears("import", book, "--guess")
    assert done.returncode == 0
    assert "# DOUBT: rows are left out as titles, groups or totals" in done.stdout
    assert "--guess" in commands.arrears("import", book).stderr
