"""Connections that are lost in the act of committing, and many writers of the same rows (F28 and F29)."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Final

import psycopg
from tests.store.contract import API, at, owing_book, payment
from tests.store.cutting import way_to
from tests.store.test_settling_statements import PERSON, owing

from arrears.core.states import State
from arrears.engine import commands
from arrears.engine.payments.settling import quote, settle
from arrears.engine.payments.sweep import sweep
from arrears.engine.run import run
from arrears.sandbox.run import running
from arrears.store.postgres.store import PostgresStore

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
