"""States that an older program has folded are made anew from the facts, and only from facts whose chain holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.store.contract import at, owing_book, payment, play

from arrears.adapters.channels.memory import MemoryChannel
from arrears.adapters.services.inprocess import InProcessServices
from arrears.engine import commands
from arrears.store.postgres import streams
from arrears.store.postgres.check import check_store
from arrears.store.postgres.refold import refold_states
from arrears.store.postgres.store import PostgresStore

NOW = at(41)


@pytest.fixture
def book(make_postgres: Callable[[], PostgresStore]) -> PostgresStore:
    """Five accounts that stand disabled on day 40; the last has paid."""
    store = make_postgres()
    numbers = owing_book(store, 5)
    play(store, MemoryChannel(), InProcessServices(), 1, 40)
    commands.record_payments(store, [payment(numbers[4], "P5")], at(40, 12), "api:1")
    assert check_store(store).breaches == []
    return store


def changed(store: PostgresStore, number: int, change: Callable[[dict[str, Any]], None]) -> None:
    """The state and the subscription's row as an older program would have left them."""
    with store.transaction() as db:
        [text] = db.execute("SELECT state FROM account_state WHERE account_id = %s", [number]).fetchone() or [""]
        state = json.loads(text)
        change(state)
        db.execute(
            "UPDATE account_state SET state = %s, next_at = '2027-01-01' WHERE account_id = %s",
            [json.dumps(state, separators=(",", ":")), number],
        )
        db.execute("UPDATE subscription SET disable_on = NULL WHERE account_id = %s", [number])


def forget_what_was_promised(state: dict[str, Any]) -> None:
    for sub in state["subscriptions"]:
        sub.pop("disable", None)
        sub.pop("cut", None)


def next_looks(store: PostgresStore) -> dict[int, Any]:
    with store.transaction() as db:
        return dict(db.execute("SELECT account_id, next_at FROM account_state").fetchall())


def test_states_of_an_older_program_are_made_anew_with_their_rows_and_looked_at_next(book: PostgresStore) -> None:
    digest, kept = book.digest(), next_looks(book)
    for number in (2, 3):
        changed(book, number, forget_what_was_promised)
    assert {b.account for b in check_store(book).breaches} == {2, 3}
    report = refold_states(book, NOW)
    assert (report.accounts, report.rewritten, report.broken) == (5, 2, [])
    assert check_store(book).breaches == []
    assert book.digest() == digest
    assert next_looks(book) == kept | {2: NOW, 3: NOW}


def test_refolding_again_changes_nothing(book: PostgresStore) -> None:
    changed(book, 2, forget_what_was_promised)
    refold_states(book, NOW)
    assert refold_states(book, NOW).rewritten == 0


def test_what_was_done_before_breaking_off_is_kept(book: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "ACCOUNTS_PER_READ", 2)
    for number in (1, 2, 5):
        changed(book, number, forget_what_was_promised)

    def break_off(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        refold_states(book, NOW, break_off)
    assert {b.account for b in check_store(book).breaches} == {5}
    assert refold_states(book, NOW).rewritten == 1
    assert check_store(book).breaches == []


def test_a_state_whose_facts_were_changed_is_left_as_it_is_and_named(book: PostgresStore) -> None:
    changed(book, 2, forget_what_was_promised)
    with book.transaction() as db:
        db.execute("ALTER TABLE fact DISABLE TRIGGER USER")
        db.execute("UPDATE fact SET why = 'x' WHERE account_id = 2 AND seq = 3")
    report = refold_states(book, NOW)
    assert report.rewritten == 0
    [breach] = report.broken
    assert (breach.account, breach.invariant) == (2, "I18")


def test_an_account_that_waits_for_a_person_is_not_woken(book: PostgresStore) -> None:
    book.set_aside(2, at(40, 13), "looks odd")
    with book.transaction() as db:
        db.execute("UPDATE account_state SET state = replace(state, '\"cut\":true,', '') WHERE account_id = 2")
    assert refold_states(book, NOW).rewritten == 1
    assert next_looks(book)[2] is None
