"""Two faults that only a real book shows: one poisoned account among many, and money in the second of the cut."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from tests.store.contract import API, AnyStore, at, owing_book, payment, play

from arrears.adapters.channels.memory import MemoryChannel
from arrears.adapters.services.inprocess import InProcessServices
from arrears.core.facts import Disabled, Resumed
from arrears.core.states import State
from arrears.engine import commands
from arrears.engine.perform import perform_all
from arrears.engine.run import run
from arrears.store.postgres.queries import open_tasks
from arrears.store.postgres.store import PostgresStore

CUT = at(33)
"""The end of day 30 of a debt that was due on day 1: what is not paid by then is disabled."""


def states(store: AnyStore, numbers: list[int]) -> list[State]:
    snapshots = store.snapshots(numbers)
    return [snapshots[n].subscriptions[0].state for n in numbers]


@pytest.mark.parametrize("first", ["payment", "run"])
def test_money_in_the_second_of_the_cut_wins_or_brings_the_service_back(store: AnyStore, first: str) -> None:
    numbers = owing_book(store, 3)
    channel, services = MemoryChannel(), InProcessServices()
    play(store, channel, services, 1, 32)
    pay: Callable[[], object] = lambda: commands.record_payments(  # noqa: E731
        store, [payment(numbers[0], "P1")], CUT, API
    )
    collect: Callable[[], object] = lambda: run(store, CUT)  # noqa: E731
    for deed in (pay, collect) if first == "payment" else (collect, pay):
        deed()
    perform_all(store, channel, services, lambda: CUT)
    kinds = [type(r.fact) for r in store.history(numbers[0])]
    assert states(store, numbers) == [State.ACTIVE, State.DISABLED, State.DISABLED]
    assert (Disabled in kinds) == (first == "run")
    assert services.state.get((numbers[0], 1)) == (None if first == "payment" else "resume")


def test_payments_and_two_runs_at_the_same_instant_leave_every_payer_running(
    make_postgres: Callable[[], PostgresStore],
) -> None:
    store = make_postgres()
    numbers = owing_book(store, 40)
    channel, services = MemoryChannel(), InProcessServices()
    play(store, channel, services, 1, 32)
    payers = numbers[::2]
    gate = threading.Barrier(3)
    failed: list[BaseException] = []

    def at_once(deed: Callable[[], object]) -> None:
        try:
            gate.wait(timeout=60)
            deed()
        except BaseException as error:
            failed.append(error)

    def pay() -> None:
        for n in payers:
            commands.record_payments(store, [payment(n, f"P{n}")], CUT, API)

    threads = [
        threading.Thread(target=at_once, args=(deed,))
        for deed in (pay, lambda: run(store, CUT), lambda: run(store, CUT))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    run(store, CUT)
    perform_all(store, channel, services, lambda: CUT)
    assert states(store, numbers) == [State.ACTIVE, State.DISABLED] * 20
    for n in payers:
        stops = [r.fact for r in store.history(n) if isinstance(r.fact, Disabled | Resumed)]
        assert [type(fact) for fact in stops] in ([Resumed], [Disabled, Resumed])
        assert services.state.get((n, 1)) in (None, "resume")
        assert store.snapshots([n])[n].debts == ()


# -- one poisoned account ---------------------------------------------------------------------------------------------

UNKNOWN_POLICY = (
    'UPDATE account_state SET state = replace(state, \'"policy":"default"\', \'"policy":"gone"\') WHERE account_id = 2'
)
UNBALANCED = (
    "INSERT INTO entry VALUES (2, 900, 1, 'receivable', 1, 'EUR', -100), (2, 900, 2, 'bad_debt', 0, 'EUR', 100)"
)
RUNG_TAKEN = "INSERT INTO step VALUES (2, 900, 'remind', 1, 1, 0, 0, NULL, false)"
TORN_STATE = "UPDATE account_state SET state = left(state, 20) WHERE account_id = 2"


@pytest.mark.parametrize(
    ("poison", "day"),
    [
        pytest.param(UNKNOWN_POLICY, 1, id="a policy that is gone"),
        pytest.param(UNBALANCED, 32, id="a ledger that says otherwise"),
        pytest.param(RUNG_TAKEN, 1, id="a rung that is taken already"),
        pytest.param(TORN_STATE, 1, id="a state that cannot be read"),
    ],
)
def test_one_poisoned_account_never_stops_the_others(
    make_postgres: Callable[[], PostgresStore], poison: str, day: int
) -> None:
    store = make_postgres()
    numbers = owing_book(store, 5)
    channel, services = MemoryChannel(), InProcessServices()
    play(store, channel, services, 1, day)
    with store.transaction() as db:
        db.execute(poison.encode())
    play(store, channel, services, day + 1, 33)
    assert states(store, [n for n in numbers if n != 2]) == [State.DISABLED] * 4
    with store.transaction() as db:
        assert db.execute("SELECT state FROM subscription WHERE account_id = 2").fetchone() != ("disabled",)
    if poison in (RUNG_TAKEN, TORN_STATE):
        [task] = [t for t in open_tasks(store) if t.kind == "set_aside"]
        assert task.what.startswith("account 2: ")
    else:
        assert store.snapshots([2])[2].parked
