"""A book that several processes decide comes to the same facts, in the same order, as in one."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.honest_book import HONEST, MAP, as_csv, map_from
from tests.store.contract import at

from arrears.adapters.books import read_rows
from arrears.adapters.books.processes import several_processes
from arrears.core.errors import Refused
from arrears.core.known import IMPORTER
from arrears.core.parallel import Meanwhile, OrderedMap, map_here
from arrears.core.policy import default_policy
from arrears.engine.commands.importing import ImportReport, import_book
from arrears.engine.system import adopt_policy
from arrears.store.postgres.store import PostgresStore

WITH_REFS = MAP.replace("[payment]", '[payment]\nref = { column = "Ref" }')


@pytest.fixture(scope="module")
def two() -> Iterator[OrderedMap]:
    with several_processes(["arrears.engine.commands.import_part"], 2) as ordered_map:
        yield ordered_map


def invoice(number: int) -> dict[str, str]:
    """Every fifth is open; every ninth is paid by one transfer with others."""
    customer = f"c{number // 3}"
    row = HONEST | {"Customer": customer, "Mail": f"{customer}@example.org", "Number": f"n{number}"}
    row |= {"Service": ("cloud", "mail")[number % 2], "Amount": f"{number + 1}.50", "Ref": f"z{number}"}
    return row | ({"Paid": "", "Ref": ""} if number % 5 == 0 else {"Ref": "T"} if number % 9 == 0 else {})


def changed(row: dict[str, str]) -> dict[str, str]:
    if row["Number"] == "n5":
        return row | {"Paid": "2024-02-03", "Ref": "new"}
    if row["Number"] == "n7":
        return row | {"Amount": "8.00"}
    return row | {"Disputed": "Yes"} if row["Number"] == "n10" else row


BOOK = [invoice(number) for number in range(120)]


def comes(store: Any, place: Path, rows: list[dict[str, str]], day: int, by: OrderedMap, **how: bool) -> ImportReport:
    path = place / f"{day}.csv"
    path.write_text(as_csv(rows, list(BOOK[0])))
    book = read_rows(path, map_from(place, WITH_REFS), rows_in_memory=30, ordered_map=by)
    try:
        book.refuse_before(per_account=how.get("per_account", False))
        return import_book(store, book, at(day), IMPORTER, rows_in_a_part=10, ordered_map=by, **how)
    finally:
        book.close()


@pytest.mark.turn(2)
def test_two_processes_come_to_what_one_does_again_and_again(
    tmp_path: Path, make_postgres: Callable[[], PostgresStore], two: OrderedMap
) -> None:
    rows = BOOK[:]
    random.Random(5).shuffle(rows)
    newer = [changed(row) for row in rows] + [invoice(200)]
    wrong = [row | {"Service": "other"} if row["Number"] == "n20" else row for row in newer]
    wrong.append(invoice(300) | {"Amount": "x"})
    one_by_one, postgres = make_postgres(), make_postgres()
    reports = []
    for store, by in ((one_by_one, map_here), (postgres, two)):
        adopt_policy(store, default_policy(), at(1), "staff:1")
        first = comes(store, tmp_path, rows, 60, by)
        same = comes(store, tmp_path, rows, 61, by)
        before = store.digest()
        dry = comes(store, tmp_path, newer, 62, by, dry_run=True)
        assert store.digest() == before
        second = comes(store, tmp_path, newer, 62, by)
        third = comes(store, tmp_path, wrong, 63, by, per_account=True)
        reports.append((first, same, dry, second, third))
    assert reports[0] == reports[1]
    assert one_by_one.digest() == postgres.digest()
    first, same, dry, second, third = reports[1]
    assert dry == second
    assert (first.count["invoices"], first.count["payments"], first.count["accounts"]) == (120, 96, 40)
    assert (same.count["known_invoices"], same.changes) == (120, [])
    assert dict(second.changed) == {"paid": 1, "taken_back": 1, "total_minor": 1, "disputed": 1}
    assert sorted(third.refused) == ["c100", "c6"]
    assert third.after == dict(postgres.book_sums(at(63).date()))


@pytest.mark.parametrize("by_two", [False, True])
def test_mistakes_are_told_in_the_order_of_the_file_and_nothing_is_written(
    tmp_path: Path, make_postgres: Callable[[], PostgresStore], two: OrderedMap, by_two: bool
) -> None:
    store, by = make_postgres(), two if by_two else map_here
    adopt_policy(store, default_policy(), at(1), "staff:1")
    before = store.digest()
    rows = [row | ({"Amount": "x"} if row["Number"] in ("n90", "n3", "n40") else {}) for row in BOOK]
    rows += [BOOK[8] | {"Amount": "1.00"}, BOOK[9] | {"Customer": "c0", "Mail": "c0@example.org"}]
    with pytest.raises(Refused) as raised:
        comes(store, tmp_path, rows, 60, by)
    found = [line.partition(":")[0] for line in raised.value.message.splitlines()]
    assert found == [
        "row 5, column Amount",
        "row 42, column Amount",
        "row 92, column Amount",
        "row 122, column Number",
        "row 123, column Number",
    ]
    future = [row | ({"Paid": "2030-01-01"} if row["Number"] in ("n91", "n4") else {}) for row in BOOK]
    with pytest.raises(Refused, match=r"^row 6, column Paid.*\nrow 93, column Paid"):
        comes(store, tmp_path, future, 60, by)
    assert (store.digest(), store.invoice_count()) == (before, 0)


class Ending:
    """Work that ends its process from outside, at the second part of the book."""

    def __init__(self, work: Callable[[Any, Meanwhile], Any]) -> None:
        self.work = work
        self.done = 0

    def __call__(self, item: Any, meanwhile: Meanwhile) -> Any:
        self.done += 1
        if self.done == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.work(item, meanwhile)


def test_a_process_that_ends_leaves_nothing(tmp_path: Path, make_postgres: Callable[[], PostgresStore]) -> None:
    store = make_postgres()
    adopt_policy(store, default_policy(), at(1), "staff:1")
    before = store.digest()
    path = tmp_path / "book.csv"
    path.write_text(as_csv(BOOK, list(BOOK[0])))
    book = read_rows(path, map_from(tmp_path, WITH_REFS), rows_in_memory=30)
    with pytest.raises(Refused, match="ended from outside"), several_processes([], 2) as by:
        import_book(
            store,
            book,
            at(60),
            IMPORTER,
            rows_in_a_part=10,
            ordered_map=lambda work, items, meanwhile: by(Ending(work), items, meanwhile),
        )
    book.close()
    assert (store.digest(), store.invoice_count()) == (before, 0)
