"""A book in which everybody pays by transfer, told by a bank's daily files, ends as one whose payments are booked."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests import books
from tests.cli import commands
from tests.sim.test_replay import scratch
from tests.sim.test_replay_books import book, invoice, payment

from arrears.adapters.books import load_map, read_book
from arrears.core.policy import default_policy
from arrears.core.receivables import BookCredit, ReceivablesBook
from arrears.sim.outcome import PolicyOutcome
from arrears.sim.replay import Replay, ReplaySettings
from arrears.sim.replay_by_transfer import TransferReplay
from arrears.store.memory.store import MemoryStore


def figures(outcome: PolicyOutcome) -> dict[str, object]:
    """Everything that came of it; how many transactions were looked at for it is none of that."""
    found = asdict(outcome)
    assert found.pop("invariants_breached") == 0
    del found["invariants_checked"]
    return found


def both(url: str, played: ReceivablesBook, settings: ReplaySettings) -> TransferReplay:
    """Play a book both ways, and compare; the second."""
    booked = Replay(MemoryStore(), played, settings).play()
    with scratch(url, "replay_by_transfer") as store:
        replay = TransferReplay(store, played, settings)
        assert figures(replay.play()) == figures(booked)
        with store.reading() as db:
            asked = "SELECT coalesce(sum(minor), 0)::bigint FROM entry WHERE ledger = 'bank'"
            assert db.execute(asked).fetchone() == (sum(replay.paid_minor.values()),), (
                "the ledger has what the bank has"
            )
    return replay


def odd() -> ReceivablesBook:
    """One who pays two invoices at once and one in parts, one who objects, one too much, one after it is deleted."""
    one, two, three, four, five = (invoice(f"2026-{n:04}", ref, months=m) for n, (ref, m) in enumerate(
        [("anna", 0), ("anna", 1), ("bert", 0), ("cora", 0), ("dirk", 0)], 1
    ))  # fmt: skip
    objected = replace(invoice("2026-0009", "bert", months=1), disputed=True)
    together = [replace(payment(of, days), ref="T-1") for of, days in ((one, 50), (two, 20))]
    parts = [payment(three, 3, 4_000), replace(payment(three, 9, 6_000), ref="second part")]
    more = [payment(four, 5, 12_000), payment(objected, 40), payment(five, 140)]
    note = BookCredit(2, "CN-1", "bert", "2026-0003", three.due_on, "EUR", 1_000)
    return book(one, two, three, four, five, objected, *together, *parts, *more, note)


@pytest.mark.turn(4)
def test_everything_odd_in_one_book_ends_the_same(database_url: str) -> None:
    replay = both(database_url, odd(), ReplaySettings(default_policy()))
    assert replay.decided["waiting"] >= 2
    assert replay.decided["matched"] >= 3


@pytest.mark.turn(4)
@pytest.mark.parametrize("never_pay_every", [0, 2])
def test_customers_of_the_example_end_the_same(database_url: str, never_pay_every: int) -> None:
    every = read_book(books.OWN, load_map(books.MAP))
    some = {account.ref for account in every.accounts[:3]}
    played = replace(
        every,
        accounts=tuple(one for one in every.accounts if one.ref in some),
        invoices=tuple(one for one in every.invoices if one.account_ref in some),
        payments=tuple(one for one in every.payments if one.account_ref in some),
    )
    replay = both(database_url, played, ReplaySettings(default_policy(), never_pay_every=never_pay_every))
    assert replay.decided["matched"] > replay.decided["waiting"]


def test_the_memory_takes_no_files(tmp_path: Path) -> None:
    done = commands.arrears("replay", str(books.OWN), "--map", str(books.MAP), "--by-transfer")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("[needs_postgres]\n")
