"""A worker takes the bank's files that are laid into a folder, each once, and says when the folder cannot be read."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.store.contract import API, at, invoice, open_book
from tests.store.test_bank import OURS, credit, open_of, statement, states

from arrears.adapters.books.statements.folder import take_laid
from arrears.engine import commands
from arrears.engine.commands.bank.taking import take_from
from arrears.sim.bank_file import camt_053
from arrears.store.postgres.store import PostgresStore

NOW = at(6)


@pytest.fixture
def store(make_postgres: Callable[[], PostgresStore]) -> PostgresStore:
    made = make_postgres()
    open_book(made, 1)
    commands.issue_invoices(made, [invoice(1, "INV-0001")], at(1), API)
    return made


def lay(folder: Path, name: str, content: bytes, *, age: int = 60) -> None:
    (folder / name).write_bytes(content)
    written = (NOW - timedelta(seconds=age)).timestamp()
    os.utime(folder / name, (written, written))


def day(minor: int, opening: int = 0) -> bytes:
    [one] = statement(credit(minor, "INV-0001"), opening=opening).statements
    return camt_053([replace(one, closing=replace(one.closing, day=date(2026, 1, 5)))], f"M{minor}")  # type: ignore[type-var]


def laid(store: PostgresStore, folder: Path) -> int:
    return take_from(store, partial(take_laid, folder, NOW), OURS, NOW)


def lying(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_what_is_laid_is_taken_once_and_moved(store: PostgresStore, tmp_path: Path) -> None:
    lay(tmp_path, "1.xml", day(5_000))
    lay(tmp_path, "2.pdf", b"%PDF-1.7")
    lay(tmp_path, "3.xml", day(7_000, opening=5_000), age=5)
    lay(tmp_path, ".4.xml", day(1))
    assert laid(store, tmp_path) == 2
    assert lying(tmp_path) == [".4.xml", "3.xml", "set-aside/2.pdf", "taken/1.xml"]
    assert open_of(store, 1) == [7_000]
    assert store.system().guards.bank_stale, "what could not be read may say who has paid"
    lay(tmp_path, "1.xml", day(5_000))
    lay(tmp_path, "3.xml", day(7_000, opening=5_000))
    assert laid(store, tmp_path) == 2
    assert len(lying(tmp_path)) == 5, "nothing is overwritten"
    assert sorted(states(store)) == [(5_000, "matched"), (7_000, "matched")]
    assert not store.system().guards.bank_stale


def test_a_folder_that_cannot_be_read_is_a_task_until_it_can(store: PostgresStore, tmp_path: Path) -> None:
    folder = tmp_path / "bank"
    assert laid(store, folder) == 0
    assert laid(store, folder) == 0
    assert store.system().guards.bank_stale
    folder.mkdir()
    assert laid(store, folder) == 0
    assert not store.system().guards.bank_stale
    lay(folder, "map.toml", b"[nothing]")
    lay(folder, "1.csv", b"a;b")
    assert laid(store, folder) == 0
    assert lying(folder) == ["1.csv", "map.toml"]
    assert store.system().guards.bank_stale
