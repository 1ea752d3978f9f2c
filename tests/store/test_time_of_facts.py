"""Within a stream time does not go back (I21), whatever the clock of a process says and however long it waited."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg
from tests.store.contract import API, AnyStore, at, new_account, owing_book, payment, wait_until

from arrears.core import facts as f
from arrears.core.account import Mode, Terms
from arrears.core.invariants import check_chain
from arrears.engine import commands
from arrears.engine.run import run
from arrears.store.postgres.store import PostgresStore


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


def test_accounts_opened_beside_one_with_a_later_fact_are_of_that_instant_and_every_chain_holds(
    store: AnyStore,
) -> None:
    [one] = owing_book(store, 1)
    commands.add_subscription(store, one, "mail", at(4), API)
    with store.in_parts(at(3)) as parts:
        units = parts.units(1, [one])
        for unit in units:
            if unit.no != one:
                unit.record(f.AccountOpened(terms=Terms("default", "UTC"), mode=Mode.CARD), API)
            unit.record(f.SubscriptionAdded(subscription=3 if unit.no == one else 1, service="web"), API)
        new = {unit.no: new_account("B") for unit in units if unit.is_new}
        parts.send(parts.encoder()(units, new))
    other = max(unit.no for unit in units)
    assert {store.history(n)[-1].at for n in (one, other)} == {at(4)}
    heads = {unit.no: unit.head for unit in units}
    assert [check_chain(store.history(n), heads[n]) for n in (one, other)] == [[], []]


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
