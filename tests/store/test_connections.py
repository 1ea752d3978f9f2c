"""Connections that are lost in the act of committing, and many writers of the same rows (F28 and F29)."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, suppress
from datetime import timedelta
from typing import Any, Final

import psycopg
import pytest
from tests.store.contract import API, at, owing_book, payment
from tests.store.cutting import way_to
from tests.store.test_settling_statements import PERSON, owing

from arrears.core.states import State
from arrears.engine import commands
from arrears.engine.payments.settling import quote, settle
from arrears.engine.payments.sweep import sweep
from arrears.engine.run import run
from arrears.sandbox.run import running
from arrears.store.outages import WAIT_SECONDS_MAX, LastingPool
from arrears.store.postgres.store import PostgresStore
from arrears.store.schema import django_database

COMMITS_OF_A_SETTLEMENT_MIN: Final = 2
"""The attempt before the provider is asked, and what became of it."""


def test_whichever_commit_of_a_settlement_is_never_answered_it_is_read_again_and_not_charged_again(
    make_postgres: Callable[[], PostgresStore], database_url: str
) -> None:
    """The server has committed, and we have not heard of it: every commit in turn, until there is none left."""
    lost = 0
    while not heard_of_all_but(lost + 1, make_postgres(), database_url):
        lost += 1
    assert lost >= COMMITS_OF_A_SETTLEMENT_MIN


def heard_of_all_but(commit: int, store: PostgresStore, url: str) -> bool:
    """A settlement that never hears of that commit, and the same one again: paid once. Whether it heard of all."""
    now = at(2) + timedelta(minutes=5)
    heard = False
    with way_to(url) as way, running() as sandbox:
        providers, method = owing(store, sandbox, 6, ("EUR",))
        shown = {q.currency: q.hash for q in quote(store, 1, now)}
        over = PostgresStore(way.url, schema=store.schema, clock_is_real=False)
        try:
            way.lose_answer_to(commit)
            with suppress(psycopg.OperationalError):
                settle(over, providers, 1, shown, method, lambda: now, PERSON)
                heard = True
            way.lose_answer_to(0)
            results = settle(over, providers, 1, shown, method, lambda: now, PERSON)
            sweep(over, providers, now)
        finally:
            over.close()
        taken = [line["taken"] for line in sandbox.control("book") if line["taken"]]
    assert taken == [sum(1_000 + k for k in range(6))], f"commit {commit} was lost"
    assert [r.attempt.state for r in results] == ["paid"]
    account = store.snapshots([1])[1]
    assert (account.debts, {s.state for s in account.subscriptions}) == ((), {State.ACTIVE})
    assert [a.state for a in store.attempts(1)] == ["paid"]
    return heard


def test_sixteen_writers_of_the_same_accounts_wait_for_each_other_and_lose_nothing(
    make_postgres: Callable[[], PostgresStore],
) -> None:
    """Locks are taken in the order of the numbers, so nobody waits in a circle and nothing has to be tried again."""
    store = make_postgres()
    numbers = owing_book(store, 8)

    def write(who: int) -> None:
        mine = random.Random(who).sample(numbers, len(numbers))
        commands.record_payments(store, [payment(n, f"P{who}-{n}", minor=1_000) for n in mine], at(3), API)
        run(store, at(3))

    with ThreadPoolExecutor(16) as many:
        list(many.map(write, range(16)))
    for number in numbers:
        account = store.snapshots([number])[number]
        assert account.debts == ()
        assert dict(account.credit) == {"EUR": 16 * 1_000 - 12_000}
        assert [r.seq for r in store.history(number)] == list(range(1, len(store.history(number)) + 1))


IDLE: Final = 6
"""More than the pool's own check would get through in the time that a connection is waited for."""


def hold_at_once(borrow: Callable[[], AbstractContextManager[psycopg.Connection[Any]]]) -> list[int]:
    """The backends of so many connections that were in use together, and lie idle now."""
    with ExitStack() as together:
        return [together.enter_context(borrow()).info.backend_pid for _ in range(IDLE)]


@pytest.mark.parametrize("whose", ["ours", "Django's"])
def test_however_many_idle_connections_a_restart_has_ended_the_next_one_is_open(database_url: str, whose: str) -> None:
    options = django_database(database_url, IDLE)["OPTIONS"]
    assert isinstance(options, dict)
    with LastingPool(database_url, **options["pool"]) if whose == "Django's" else ours(database_url) as pool:
        backends = hold_at_once(pool.connection)
        assert len(set(backends)) == IDLE
        with psycopg.connect(database_url, autocommit=True) as db:
            for backend in backends:
                db.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
        with pool.connection() as found:
            assert found.execute("SELECT 1").fetchone() == (1,)
            assert found.info.backend_pid not in backends


def ours(url: str) -> LastingPool:
    return LastingPool(url, min_size=1, max_size=IDLE, timeout=WAIT_SECONDS_MAX)


def test_django_takes_its_connections_from_the_pool_that_lasts(site: str) -> None:
    from django.db import connection

    connection.ensure_connection()
    assert isinstance(getattr(connection, "pool", None), LastingPool)


def test_a_pool_that_one_of_its_own_threads_collects_says_nothing(database_url: str) -> None:
    pool = LastingPool(database_url, min_size=1, max_size=1, open=True)
    said: list[RuntimeError] = []

    def collect() -> None:
        try:
            pool.__del__()
        except RuntimeError as error:
            said.append(error)

    own = threading.Thread(target=collect)
    pool._workers.append(own)
    own.start()
    own.join()
    pool.close()
    assert said == []
