"""What was once wrong with the ladder, put back: a made-up world's own reckoning of each action's day sees it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest
from tests.stories.story import Story
from torture.ladder_faults import FAULTS, seen
from torture.put_back import Fault, put_back

from arrears.sim.reminding import never_reminded

NONE: Final = Fault("nothing", tuple)


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS, ids=[fault.what for fault in FAULTS])
def test_a_world_sees_each_fault_of_the_ladder(fault: Fault) -> None:
    assert seen(fault.seed) == ""
    with put_back(fault):
        assert seen(fault.seed) != ""


@pytest.mark.parametrize("fault", [NONE, *(fault for fault in FAULTS if "first heard of" in fault.what)])
def test_a_debt_that_is_never_reminded_of_is_seen(fault: Fault) -> None:
    with put_back(fault):
        story = Story().until(3)
        story.bill(5)
        story.until(29)
    late = {debt.no for debt in story.account.past_due}
    found = list(never_reminded(story.history(), late, story.now + timedelta(days=1)))
    assert found == ([] if fault is NONE else ["debt 2 was never reminded of"])
