"""Each mistake that would delete too early or the wrong thing is named, and the same story without it is right."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.stories.story import Story
from torture.deletion import FAULTS, DeletionFault, seen


@pytest.mark.parametrize("one", FAULTS, ids=lambda one: one.fault.what)
def test_a_mistake_about_a_deletion_is_named(one: DeletionFault) -> None:
    assert seen(one)[0]


@pytest.mark.parametrize("story", sorted({one.story for one in FAULTS}, key=lambda story: story.__name__))
def test_without_a_mistake_there_is_nothing_to_name(story: Callable[[], Story]) -> None:
    story().check()


def test_there_are_thirty_of_them() -> None:
    assert len({one.fault.what for one in FAULTS}) >= 30
