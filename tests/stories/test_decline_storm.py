"""A storm of declines: more than half of an hour's attempts, and not before there are twenty."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.stories.story import Story

from arrears.core.facts import BreakerSet
from arrears.engine.payments.sweep import STORM_WINDOW, watch_for_storm


@pytest.mark.parametrize(
    ("declined", "finished", "is_storm"),
    [
        (0, 20, False),
        (10, 20, False),
        (11, 20, True),
        (19, 19, False),
        (20, 20, True),
        (50, 100, False),
        (51, 100, True),
    ],
)
def test_a_storm_is_more_than_half_of_twenty_attempts_or_more(declined: int, finished: int, is_storm: bool) -> None:
    story = Story(bill=False)
    asked_since = []
    story.inner.attempts_finished_since = (  # type: ignore[method-assign]
        lambda since: asked_since.append(since) or (declined, finished)  # type: ignore[func-returns-value]
    )
    watch_for_storm(story.inner, story.now)
    assert story.store.system().breaker_open is is_storm
    assert asked_since == [story.now - STORM_WINDOW] == [story.now - timedelta(hours=1)]


def test_one_storm_is_told_once_however_long_it_lasts() -> None:
    story = Story(bill=False)
    story.inner.attempts_finished_since = lambda _: (20, 20)  # type: ignore[method-assign]
    watch_for_storm(story.inner, story.now)
    watch_for_storm(story.inner, story.now + timedelta(minutes=1))
    assert [fact for fact in story.inner.system_facts if isinstance(fact, BreakerSet)] == [BreakerSet(open=True)]
