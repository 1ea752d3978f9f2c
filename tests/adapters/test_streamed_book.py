"""A book is read a row at a time: what belongs together is found again, whether it waited in memory or on disk."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.adapters.honest_book import HONEST, MAP, as_csv, map_from
from tests.store.contract import at

from arrears.adapters.books import read_book, read_rows
from arrears.adapters.books.spool import Spool, packed
from arrears.core.errors import Refused
from arrears.core.known import IMPORTER
from arrears.core.policy import default_policy
from arrears.engine.commands.importing import import_book
from arrears.engine.system import adopt_policy
from arrears.store.memory.store import MemoryStore

ROWS = [HONEST | {"Customer": f"c{n % 9}", "Number": f"n{n}"} for n in range(60)]


def test_rows_that_waited_on_disk_come_back_with_their_key_and_in_their_order() -> None:
    memory, disk = Spool(1000), Spool(7)
    for spool in (memory, disk):
        for number in range(200):
            spool.add(packed([(f"k{number % 23}", (number, "é"))]), 1)
    found = dict(disk.groups())
    assert found == dict(memory.groups())
    assert found["k3"][:2] == [(3, "é"), (26, "é")]
    assert dict(disk.groups()) == found, "they can be read again"
    assert [spool.has(key) for spool in (memory, disk) for key in ("k3", "k23")] == [True, False] * 2
    disk.close()


def test_a_book_that_waited_on_disk_is_the_same_whatever_its_order(tmp_path: Path) -> None:
    path, book_map = tmp_path / "book.csv", map_from(tmp_path, MAP)
    shuffled = ROWS[:]
    random.Random(7).shuffle(shuffled)
    path.write_text(as_csv(ROWS))
    whole = read_book(path, book_map)
    path.write_text(as_csv(shuffled))
    rows = read_rows(path, book_map, rows_in_memory=5)
    found = {one.account.ref: [i.number for i in one.invoices] for one in rows.accounts()}
    rows.close()
    assert found == {a.ref: [i.number for i in whole.invoices if i.account_ref == a.ref] for a in whole.accounts}


def test_progress_is_told_while_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "book.csv"
    path.write_text(as_csv([HONEST | {"Number": f"n{n}"} for n in range(4500)]))
    told: list[tuple[int, int]] = []
    read_rows(path, map_from(tmp_path, MAP), lambda done, total: told.append((done, total))).close()
    size = path.stat().st_size
    assert [total for _, total in told] == [size, size]
    assert 0 < told[0][0] < told[1][0] < size


@pytest.mark.parametrize("rows_in_memory", [5, 1000])
def test_one_account_with_a_bad_row_is_left_and_the_others_are_taken(tmp_path: Path, rows_in_memory: int) -> None:
    path, book_map = tmp_path / "book.csv", map_from(tmp_path, MAP)
    bad = [HONEST | {"Customer": "c3", "Number": "x1", "Amount": "x"}]
    bad += [HONEST | {"Customer": "c4", "Number": "n4", "Amount": "1.00"}, HONEST | {"Customer": "c5", "Number": "n1"}]
    path.write_text(as_csv(ROWS + bad))
    rows = read_rows(path, book_map, rows_in_memory=rows_in_memory)
    with pytest.raises(Refused, match=r"row 62, column Amount: .*\nrow 63, column Number: .*\nrow 64, column Number: "):
        rows.refuse_before(per_account=False)
    rows = read_rows(path, book_map, rows_in_memory=rows_in_memory)
    rows.refuse_before(per_account=True)
    store = MemoryStore()
    adopt_policy(store, default_policy(), at(1), "staff:1")
    report = import_book(store, rows, at(60), IMPORTER, per_account=True)
    assert sorted(report.refused) == ["c1", "c3", "c4", "c5"], "nobody knows whose n1 is"
    assert report.count["accounts"] == 5
    assert sorted(store.account_numbers([f"c{n}" for n in range(9)])) == ["c0", "c2", "c6", "c7", "c8"]


def test_a_row_that_nobody_owns_stops_everything(tmp_path: Path) -> None:
    path = tmp_path / "book.csv"
    path.write_text(as_csv([*ROWS, HONEST | {"Customer": "", "Number": "x1"}]))
    with pytest.raises(Refused, match="row 62, column Customer: is empty"):
        read_rows(path, map_from(tmp_path, MAP)).refuse_before(per_account=True)
