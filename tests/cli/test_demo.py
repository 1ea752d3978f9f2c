"""Which story the demo tells."""

from __future__ import annotations

import pytest

from arrears.cli.demo_year import ACCOUNTS, DAYS, chosen
from arrears.sim.simulate import simulate
from arrears.store.memory.store import MemoryStore

SHOWN = ("invoice", "past due", "reminder", "warning", "disabled", "paid", "resumed", "case ends")


@pytest.mark.turn(2)
def test_the_story_goes_from_an_unpaid_invoice_to_a_service_that_runs_again() -> None:
    store = MemoryStore()
    simulate(store, ACCOUNTS, DAYS, 6)
    _, episode = chosen({number: store.history(number) for number in range(1, ACCOUNTS + 1)})
    kinds = [line.what for line in episode]
    assert [kind for kind in SHOWN if kind not in kinds] == []
    assert (kinds[0], episode[-1].text[-19:]) == ("invoice", " carried out resume")
    assert len(episode) <= 30


def test_a_world_in_which_nothing_stops_still_has_a_story() -> None:
    store = MemoryStore()
    simulate(store, 2, 5, 1)
    number, episode = chosen({1: store.history(1), 2: store.history(2)})
    assert number == 1
    assert episode[0].what == "opened"
