"""What a fact leaves is what its table says, in a world in which nearly everything happens."""

from __future__ import annotations

from typing import get_args

from arrears.core import facts as f
from arrears.core.actions import actions_of, is_told, steps_of, tasks_of
from arrears.core.effects import ACTING, ASKING, LEAVES, MOVING_MONEY, STEPPING, TELLING
from arrears.core.ledger import entries_of
from arrears.engine.messages.drafting import Telling
from arrears.sim.simulate import simulate
from arrears.store.memory.store import MemoryStore

LEFT = {
    "steps": (STEPPING, steps_of),
    "actions": (ACTING, actions_of),
    "tasks": (ASKING, tasks_of),
    "entries": (MOVING_MONEY, entries_of),
}


def test_every_message_that_a_fact_leaves_can_be_drafted() -> None:
    assert set(get_args(Telling)) == TELLING <= ACTING


def test_what_facts_are_said_to_leave_they_leave_in_a_made_up_world() -> None:
    store = MemoryStore()
    simulate(store, 20, 500, 3)
    seen = {name: set() for name in LEFT}
    told, met = set(), set()
    for slot in store.slots.values():
        for recorded in store.history(slot.no):
            met.add(type(recorded.fact))
            told |= {type(recorded.fact)} if is_told(recorded.fact) else set()
            for name, (_, rows) in LEFT.items():
                seen[name] |= {type(recorded.fact)} if list(rows(recorded)) else set()
    assert told == TELLING & met
    for name, (kinds, _) in LEFT.items():
        assert seen[name] <= kinds
        assert kinds & met - seen[name] <= {f.NoticeFailed, f.NoticeBounced, f.AttemptMoved, f.ReasonSet, f.Canceled}
    assert len(met) > len(LEAVES) // 2
