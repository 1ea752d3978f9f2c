"""A policy says on which days, and how often at most, a declined charge is tried again; the networks stand above it."""

from __future__ import annotations

import pytest
from tests.stories.paying import Paying

from arrears.sandbox.run import Running


def days_tried(sandbox: Running, retry: str) -> list[int]:
    """The days of the case on which the card of somebody without money is asked; declined when it is due, that is 0."""
    story = Paying(sandbox, policy=f"[retry]\n{retry}", bill=False)
    story.card("insufficient_funds")
    story.bill(-1)
    story.until(28)
    return [story.day(attempt.created_at.date()) + 1 for attempt in story.attempts()]


@pytest.mark.parametrize(
    ("retry", "days"),
    [
        ("days = [3, 5, 7]", [0, 3, 5, 7]),
        ("days = [3, 5, 7]\nattempts_max = 1", [0, 3]),
        ("attempts_max = 0", [0]),
        ("attempts_max = 2", [0, 1, 3]),
    ],
)
def test_a_declined_charge_is_tried_again_on_the_days_of_the_policy(
    sandbox: Running, retry: str, days: list[int]
) -> None:
    assert days_tried(sandbox, retry) == days
