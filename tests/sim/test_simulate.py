"""One seed, one world: the same facts again, the same on both stores, and nothing broken in any."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.sizes import few

from arrears.core.invariants import INVARIANTS
from arrears.sim.people import drawn_mix
from arrears.sim.simulate import simulate
from arrears.store import schema
from arrears.store.memory.store import MemoryStore
from arrears.store.postgres.check import CHECKS, check_book, check_store
from arrears.store.postgres.shape import shape_of_files
from arrears.store.postgres.store import PostgresStore

ACCOUNTS, DAYS = 12, 120
WORLD = 14
"""So many accounts, for long enough, that there is something of each kind to tamper with."""


def in_memory(seed: int, accounts: int = ACCOUNTS, days: int = DAYS) -> str:
    return simulate(MemoryStore(), accounts, days, seed).digest


def test_the_same_seed_gives_the_same_facts() -> None:
    assert in_memory(3) == in_memory(3)


def test_another_seed_gives_other_facts() -> None:
    assert len({in_memory(seed) for seed in range(5)}) == 5


def test_an_account_lives_the_same_life_among_others() -> None:
    few, many = MemoryStore(), MemoryStore()
    simulate(few, 3, DAYS, 8)
    simulate(many, 6, DAYS, 8)
    lives = [[(r.at, r.fact) for r in store.history(2) if r.author == "api:1"] for store in (few, many)]
    assert lives[0] == lives[1]


@pytest.mark.turn(2)
@pytest.mark.sample(1)
@pytest.mark.parametrize("seed", range(20))
def test_memory_and_postgresql_write_the_same_facts(seed: int, database_url: str) -> None:
    name = f"simulate_test_{seed}"
    schema.create_scratch(database_url, name)
    store = PostgresStore(database_url, schema=name, durable=False, clock_is_real=False)
    try:
        report = simulate(store, ACCOUNTS, DAYS, seed, full_check_every=DAYS)
        assert report.breaches == ()
        assert report.digest == in_memory(seed)
    finally:
        store.close()


def test_whose_zone_changes_while_something_is_past_due_is_judged_by_the_zone_that_the_case_keeps() -> None:
    # Money left again after the move, on an evening that is the next day where the customer is now.
    assert simulate(MemoryStore(), 12, 400, 7653, mix=drawn_mix(7653), full_check_every=400).holds


@pytest.mark.turn(2)
@pytest.mark.parametrize("seed", [30_235, 30_325])
def test_the_second_readings_know_how_long_a_warning_counts_and_when_a_stage_that_went_on_is_over(seed: int) -> None:
    """Warned of a deletion 248 days before, since its service ended; and stopped for debt after a stage went on."""
    assert simulate(MemoryStore(), 12, 400, seed, mix=drawn_mix(seed), full_check_every=400).holds


@pytest.mark.turn(2)
def test_worlds_full_of_bad_days_break_nothing() -> None:
    reports = [simulate(MemoryStore(), 25, 400, seed) for seed in range(100, few(102, 106))]
    assert [report.seed for report in reports if not report.holds] == []
    assert all(report.disabled and report.deleted and report.resumed for report in reports)


@pytest.fixture(scope="module")
def world_in_postgresql(database_url: str) -> Iterator[PostgresStore]:
    schema.create_scratch(database_url, "simulate_test_world")
    store = PostgresStore(database_url, schema="simulate_test_world", durable=False, clock_is_real=False)
    simulate(store, WORLD, 200, 7, full_check_every=1000)
    yield store
    store.close()


def test_a_world_in_postgresql_is_clean_and_every_check_is_counted(world_in_postgresql: PostgresStore) -> None:
    seen: list[int] = []
    report = check_store(world_in_postgresql, seen.append)
    assert report.breaches == []
    assert sum(seen) == WORLD
    assert report.checked == len(CHECKS) + WORLD * len(INVARIANTS)


WITHOUT_TRIGGERS = "ALTER TABLE {0} DISABLE TRIGGER {0}_append_only"
TAMPERINGS = {
    "money is forgotten": ("I1", ["UPDATE invoice SET open_minor = open_minor - 1 WHERE open_minor > 0"]),
    "an entry is changed": (
        "I1",
        [WITHOUT_TRIGGERS.format("entry"), "UPDATE entry SET minor = minor + 1 WHERE line = 1"],
    ),
    "a payment is changed": ("I2", ["UPDATE payment SET amount_minor = amount_minor + 1"]),
    "a reason is forgotten": ("I12", ["UPDATE subscription SET reasons = '' WHERE state = 'disabled'"]),
    "the day's grants are forgotten": ("I13", ["UPDATE deletion_day SET ordered = 0"]),
    "the day's grants are raised": ("I13", ["UPDATE deletion_day SET ordered = ordered + 5"]),
    "messages are lost": ("I16", ["DELETE FROM action WHERE kind = 'notice' AND seq % 2 = 0"]),
    "orders are lost": ("I16", ["DELETE FROM action WHERE order_no = 1"]),
    "a fact is changed": (
        "I18",
        [WITHOUT_TRIGGERS.format("fact"), "UPDATE fact SET why = 'because' WHERE account_id = 3 AND seq = 4"],
    ),
    "facts are lost": (
        "I18",
        [WITHOUT_TRIGGERS.format("fact"), "DELETE FROM fact WHERE account_id = 3 AND seq = 4"],
    ),
    "a head is changed": ("I18", ["UPDATE account_state SET head = sha256(head)"]),
    "a state is changed": ("I18", ["UPDATE account_state SET state = replace(state, 'cloud', 'clown')"]),
    "a date is changed": ("I18", ["UPDATE subscription SET delete_on = delete_on - 1 WHERE delete_on IS NOT NULL"]),
    "a case is closed": (
        "I18",
        ["UPDATE collection_case SET outcome = 'settled', ended_at = now() WHERE outcome IS NULL"],
    ),
    "a rung is taken twice": (
        "I22",
        ["DROP INDEX step_once", "INSERT INTO step SELECT * FROM step WHERE kind = 'remind'"],
    ),
}


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", TAMPERINGS)
def test_what_somebody_changed_in_the_database_is_found(name: str, world_in_postgresql: PostgresStore) -> None:
    invariant, statements = TAMPERINGS[name]
    policies = world_in_postgresql.policies()
    with world_in_postgresql.transaction() as db:
        rules = shape_of_files(db)
    with world_in_postgresql.transaction() as db:
        touched = [db.execute(statement.encode()).rowcount for statement in statements]
        found = {breach.invariant for breach in check_book(db, policies, rules).breaches}
        db.rollback()
    assert touched[-1] > 0
    assert invariant in found
