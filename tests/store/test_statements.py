"""The number of statements of a batch does not depend on its size, and every hot statement uses its index.

Statements are counted in libpq's own trace of what went over the wire; plans are the generic ones that the store
forces, on a book of 20,000 accounts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Final

import pytest
from tests.store.contract import API, at, invoice, open_book, owing_book, payment, play
from tests.store.traced import TracedStore, counted

from arrears.adapters.channels.memory import MemoryChannel
from arrears.adapters.services.inprocess import InProcessServices
from arrears.engine import commands
from arrears.engine.perform import perform, perform_all
from arrears.engine.run import Limits, run, run_batch
from arrears.store import schema
from arrears.store.postgres import audit, batch, looking, write
from arrears.store.postgres import store as postgres
from arrears.store.postgres.store import PostgresStore

SIZES: Final = (1, 10, 200)


def statements_of_commands(store: TracedStore, size: int) -> dict[str, int]:
    numbers = open_book(store, size)
    invoices = [invoice(n, f"I{n}") for n in numbers]
    payments = [payment(n, f"P{n}") for n in numbers]
    return {
        "issue_invoices": counted(store, lambda: commands.issue_invoices(store, invoices, at(1), API)),
        "record_payments": counted(store, lambda: commands.record_payments(store, payments, at(1), API)),
    }


def statements_of_batches(store: TracedStore, size: int) -> dict[str, int]:
    """One batch each on the day the debt is past due, a reminder's, a warning's and the day of the disablement."""
    owing_book(store, size)
    channel, services = MemoryChannel(), InProcessServices()
    found = {}
    played = 0
    for what, day, hour in (("past due", 2, 0), ("reminder", 5, 9), ("warning", 30, 9), ("disablement", 33, 0)):
        play(store, channel, services, played + 1, day - 1)
        played = day - 1
        now = at(day, hour)
        if hour:
            run(store, at(day))
        found[what] = counted(store, partial(run_batch, store, store.policies(), now, Limits()))
        before = channel.sent
        # That a message has its turn is a statement of its own, with what the one before was answered.
        found[f"performing {what}"] = counted(store, partial(perform, store, channel, services, now))
        found[f"performing {what}"] -= channel.sent - before
        perform_all(store, channel, services, partial(at, day, hour))
    return found


def test_commands_on_1_10_and_200_accounts_take_the_same_number_of_statements(
    make_traced: Callable[[], TracedStore],
) -> None:
    found = [statements_of_commands(make_traced(), size) for size in SIZES]
    assert found[1:] == found[:1] * 2
    assert all(3 <= count <= 20 for count in found[0].values()), found[0]


@pytest.mark.turn(3)
def test_a_collections_batch_of_1_10_and_200_accounts_takes_the_same_number_of_statements(
    make_traced: Callable[[], TracedStore],
) -> None:
    found = [statements_of_batches(make_traced(), size) for size in SIZES]
    assert found[1:] == found[:1] * 2
    assert all(1 <= count <= 40 for count in found[0].values()), found[0]
    assert found[0]["performing past due"] == 1, "where nothing is to be performed that is one statement"


def test_looking_at_all_that_a_cut_rests_on_is_the_one_statement_that_sums_the_ledger(
    make_traced: Callable[[], TracedStore],
) -> None:
    store = make_traced()
    owing_book(store, 20)
    play(store, MemoryChannel(), InProcessServices(), 1, 32)

    def claimed(looks: bool) -> None:
        with store.due(at(33), 1000) as batch:
            assert len(batch.units) == 20
            if looks:
                batch.look(batch.units)
            assert batch.unproven() == set()

    assert counted(store, partial(claimed, True)) - counted(store, partial(claimed, False)) == 1
    assert looking.LOOK.count("ledger = 'receivable'") == 1
    cutting = counted(store, partial(run_batch, store, store.policies(), at(33), Limits()))
    assert cutting <= 14, cutting


@pytest.mark.turn(2)
def test_deletions_beyond_the_cap_are_not_asked_for_one_by_one(make_traced: Callable[[], TracedStore]) -> None:
    store = make_traced()
    numbers = owing_book(store, 30)
    play(store, MemoryChannel(), InProcessServices(), 1, 123)
    ends = [a.subscriptions[0].end for a in store.snapshots(numbers).values()]
    assert all(end is not None and end.scheduled_at == at(123) for end in ends)
    count = counted(store, lambda: run_batch(store, store.policies(), at(124), Limits(deletions_per_day=3)))
    ends = [a.subscriptions[0].end for a in store.snapshots(numbers).values()]
    fates = Counter((e.ordered_at is not None, e.awaiting_release) for e in ends if e is not None)
    assert fates == {(True, False): 3, (False, True): 27}
    assert count <= 30, count


# -- plans ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large_book(database_url: str) -> Iterator[PostgresStore]:
    """20,000 accounts with the columns that the hot statements look at; 500 are due."""
    schema.create_scratch(database_url, "large_book")
    store = PostgresStore(database_url, schema="large_book", durable=False)
    start = at(1)
    with store.transaction() as db:
        db.execute(
            "INSERT INTO account_state SELECT n, 1, CASE WHEN n %% 4 = 0 THEN %s + n * interval '1 hour' END, false,"
            " decode(repeat('00', 32), 'hex'), repeat('x', 600), %s FROM generate_series(1, 20000) AS n",
            [start, start],
        )
        db.execute(
            "INSERT INTO action SELECT n, s, 'notice', 0, 0, '', CASE WHEN n < 100 THEN 'recorded' ELSE 'done' END, 1"
            " FROM generate_series(1, 20000) AS n, generate_series(1, 3) AS s"
        )
        db.execute(
            "INSERT INTO entry SELECT n, 1, line, CASE line WHEN 1 THEN 'receivable' ELSE 'revenue' END, 2 - line,"
            " 'EUR', 300 - 200 * line FROM generate_series(1, 20000) AS n, generate_series(1, 2) AS line"
        )
        db.execute("ANALYZE account_state, action, entry")
    yield store
    store.close()


def plan(store: PostgresStore, statement: str) -> str:
    """The generic plan of a statement with psycopg's placeholders."""
    names: list[str] = []

    def numbered(match: re.Match[str]) -> str:
        name = match[1] or f"#{len(names)}"
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    text = re.sub(r"%(?:\((\w+)\))?[sbt]", numbered, statement)
    with store.transaction() as db:
        return "\n".join(str(row[0]) for row in db.execute(f"EXPLAIN (GENERIC_PLAN) {text}".encode()))


PLANS: Final = {
    "claim of what is due": (postgres.CLAIM_DUE, "account_state_due", "account_state"),
    "lock of named accounts": (postgres.LOCK, "account_state_pkey", "account_state"),
    "update of the states": (write.UPDATE_STATE, "account_state_pkey", "account_state"),
    "claim of actions": (postgres.CLAIM_ACTIONS, "action_open", "action"),
    "finish of actions": (batch.FINISH, "action_open", "action"),
    "audit before a cut": (audit.AUDIT, "entry_pkey", "entry"),
    "look before a cut": (looking.LOOK, "fact_pkey", "fact"),
}


@pytest.mark.sample(6)
@pytest.mark.parametrize("what", PLANS)
@pytest.mark.parametrize("random_page_cost", ["1.1", "4"])
def test_a_hot_statement_uses_its_index_on_20000_accounts(
    large_book: PostgresStore, what: str, random_page_cost: str
) -> None:
    statement, index, table = PLANS[what]
    with large_book.transaction() as db:
        db.execute(f"SET random_page_cost = {random_page_cost}".encode())
    shown = plan(large_book, statement)
    assert index in shown, shown
    assert f"Seq Scan on {table}" not in shown, shown


def test_the_next_instant_at_which_anything_is_due_is_read_off_the_index(large_book: PostgresStore) -> None:
    assert large_book.next_due() == at(1) + timedelta(hours=4)
    shown = plan(large_book, "SELECT min(next_at) FROM account_state WHERE next_at IS NOT NULL")
    assert "Index Only Scan using account_state_due" in shown
