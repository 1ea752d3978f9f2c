"""What the journal does not allow is not ordered though the rules decide it, on both stores; and what that costs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from tests.store.contract import at, owing_book, play
from tests.store.traced import TracedStore, counted
from torture.deletion import FAULTS
from torture.put_back import put_back

from arrears.adapters.channels.memory import MemoryChannel
from arrears.adapters.services.inprocess import InProcessServices
from arrears.core.deletions import DeletionStage, planned_deletions
from arrears.core.guards import Guards
from arrears.core.view import View
from arrears.engine import run as engine
from arrears.engine.run import Limits, run, run_batch
from arrears.ports import Store

[NO_COOL_OFF] = [one.fault for one in FAULTS if one.fault.what == "no cool-off"]


@pytest.mark.turn(2)
def test_what_the_journal_does_not_allow_is_a_task_and_no_order(store: Store) -> None:
    first, second = owing_book(store, 2)
    play(store, MemoryChannel(), InProcessServices(), 1, 122)
    with put_back(NO_COOL_OFF):
        run(store, at(123))
    for account in store.snapshots([first, second]).values():
        [sub] = account.subscriptions
        assert sub.end is not None
        assert sub.end.ordered_at is None
        assert account.parked == "subscription 1 may not be deleted: it has not cooled off"
        view = View(store.policies(), account, Guards(), at(123))
        assert [one.stage for one in planned_deletions(view)] == [DeletionStage.SET_ASIDE]


@pytest.mark.turn(2)
def test_looking_again_takes_the_statement_of_the_quick_look_and_one_to_seal(
    make_traced: Callable[[], TracedStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for looks in (False, True):
        store = make_traced()
        [number] = owing_book(store, 1)
        play(store, MemoryChannel(), InProcessServices(), 1, 123)
        with monkeypatch.context() as patch:
            if not looks:
                patch.setattr(engine, "_orders_deletion", lambda _: False)
            found.append(counted(store, partial(run_batch, store, store.policies(), at(124), Limits())))
        [sub] = store.snapshots([number])[number].subscriptions
        assert sub.end is not None
        assert sub.end.ordered_at == at(124)
    without, with_it = found
    assert with_it - without <= 1, found
