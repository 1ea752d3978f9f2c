"""Within a stream time does not go back (I21), whatever the clock of a process says and however long it waited."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg
import pytest
from tests.store.contract import API, AnyStore, at, owing_book, payment, wait_until

from arrears.engine import commands
from arrears.engine.run import run
from arrears.store.memory import MemoryStore
from arrears.store.postgres import PostgresStore


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> AnyStore:
    if request.param == "memory":
        return MemoryStore()
    made: PostgresStore = request.getfixturevalue("make_postgres")()
    return made


def test_a_command_with_a_slower_clock_is_of_the_instant_of_the_newest_fact(store: AnyStore) -> None:
    one, other = owing_book(store, 2)
    commands.record_payments(store, [payment(one, "P1")], at(4), API)
    before = len(store.history(one))
    commands.add_subscription(store, one, "mail", at(3), API)
    commands.add_subscription(store, other, "mail", at(3), API)
    assert {r.at for r in store.history(one)[before:]} == {at(4)}
    assert store.history(other)[-1].at == at(3)


def test_a_run_leaves_an_account_alone_whose_newest_fact_is_of_a_later_instant(store: AnyStore) -> None:
    one, other = owing_book(store, 2)
    commands.add_subscription(store, one, "mail", at(4), API)
    before = len(store.history(one))
    run(store, at(3))
    assert len(store.history(one)) == before
    assert store.snapshots([other])[other].case is not None
    run(store, at(4))
    assert store.snapshots([one])[one].case is not None


def test_whoever_waited_for_the_lock_writes_after_who_had_it(
    make_postgres: Callable[[], PostgresStore], database_url: str
) -> None:
    store = make_postgres()
    [one] = owing_book(store, 1)
    waits = threading.Thread(target=commands.add_subscription, args=(store, one, "mail", at(3), API))
    with store.accounts([one], at(4)) as batch:
        commands.issue(batch.units[0], invoice_of(one), API)
        waits.start()
        wait_until(lambda: held_up(database_url) == 1)
    waits.join(timeout=10)
    assert [r.at for r in store.history(one)][-1] == at(4)


def held_up(url: str) -> int:
    """How many wait for somebody else's lock."""
    with psycopg.connect(url) as db:
        row = db.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone()
    assert row is not None
    return int(row[0])


def invoice_of(account: int) -> commands.Invoice:
    return commands.Invoice(account, "late", "EUR", 100, at(4).date(), at(9).date(), (1,))
