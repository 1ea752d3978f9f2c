"""Each mistake that would delete too early or the wrong thing is stopped before the order and named by the checks,
and the same story without it is right."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.stories.story import Story
from torture.deletion import FAULTS, DeletionFault, seen
from torture.deletion_stories import blank
from torture.deletion_years import judged


@pytest.mark.parametrize("one", FAULTS, ids=lambda one: one.fault.what)
def test_a_mistake_about_a_deletion_is_stopped_and_named(one: DeletionFault) -> None:
    found = seen(one)
    assert found.stopped_by, "nothing stood between the decision and the order"
    assert found.named_by, "nothing names it"


@pytest.mark.parametrize("story", sorted({one.story for one in FAULTS} - {blank}, key=lambda story: story.__name__))
def test_without_a_mistake_there_is_nothing_to_stop_and_nothing_to_name(story: Callable[[], Story]) -> None:
    story().check()


def test_there_are_thirty_of_them() -> None:
    assert len({one.fault.what for one in FAULTS}) >= 30


def test_deletions_in_made_up_years_are_right_and_not_kept_back() -> None:
    found = [judged(number) for number in range(7_000_000, 7_000_004)]
    assert sum(one.deletions for one in found) >= 4
    assert not any(one.wrong or one.kept_back for one in found), found
