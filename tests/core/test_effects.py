"""What a fact leaves is what its table says, in a world in which nearly everything happens."""

from __future__ import annotations

from itertools import chain
from typing import get_args

import pytest
from tests.stories.bank import Banked, DisputeState
from tests.stories.story import STAFF
from tests.stories.test_warned_otherwise import tell, unreachable

from arrears.core import facts as f
from arrears.core.actions import actions_of, steps_of
from arrears.core.effects import ACTING, ASKING, LEAVES, MOVING_MONEY, STEPPING, TELLING
from arrears.core.ledger import entries_of
from arrears.core.tasks import tasks_of
from arrears.engine.messages.drafting import MessageFact
from arrears.engine.payments import refunds
from arrears.sim.simulate import simulate
from arrears.store.memory.store import MemoryStore

LEFT = {
    "steps": (STEPPING, steps_of),
    "actions": (ACTING, actions_of),
    "tasks": (ASKING, tasks_of),
    "entries": (MOVING_MONEY, entries_of),
}


def test_every_message_that_a_fact_leaves_can_be_drafted() -> None:
    assert set(get_args(MessageFact)) == TELLING <= ACTING


def money_back() -> Banked:
    """A payment too many that is given back and comes back, and that a bank takes back for a while."""
    story = Banked()
    story.until(1)
    story.open_page()
    story.bank.pay_on_page()
    story.pay()
    story.hear()
    [first] = story.bank.taken
    refunds.refund(story.store, story.providers, f"bank:{first}", 5000, story.now, STAFF, "twice", "r")
    story.bank.fail_refunds()
    story.hear()
    for state in (DisputeState.OPEN, DisputeState.WON):
        story.bank.dispute(first, state, 0, "a")
        story.hear()
    return story


@pytest.mark.turn(2)
def test_what_facts_are_said_to_leave_they_leave_in_a_made_up_world() -> None:
    """Each kind at least once; a kind that its function forgets is an error, and never nothing."""
    worlds = [MemoryStore(), MemoryStore()]
    for seed, world in zip((3, 6), worlds, strict=True):
        simulate(world, 20, 500, seed)
    by_staff = unreachable()
    tell(by_staff, by_staff.date(26))
    seen: dict[str, set[type[f.Fact]]] = {name: set() for name in LEFT}
    met = set()
    stories = (money_back(), by_staff)
    histories = (world.history(number) for world in worlds for number in world.slots)
    for recorded in chain(*histories, *(story.history() for story in stories)):
        met.add(type(recorded.fact))
        for name, (_, rows) in LEFT.items():
            seen[name] |= {type(recorded.fact)} if list(rows(recorded)) else set()
    assert len(met) > len(LEAVES) // 2
    silent = {name: kinds & met - seen[name] for name, (kinds, _) in LEFT.items()}
    # The reminder of the debt tells of a decline; the fact by itself does so in older journals alone. A cancellation
    # taken back is told of by itself where the service stays stopped all the same, which nobody meets here.
    declines = {"actions": {f.ChargeDeclined, f.Reactivated}}
    refusals = {"tasks": {f.AttemptMoved, f.DoubtRaised, f.InvoiceIssued}}
    assert silent == {**{name: set() for name in LEFT}, **declines, **refusals}, (
        "no provider refuses a charge, and nobody has a limit"
    )
