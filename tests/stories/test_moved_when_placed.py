"""What a hold moved when it was placed is void when it ends, also where something else has put the day later meanwhile:
a doubt over the stage before (spec, section 3, Holds; decision 77)."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
from tests.stories.story import Story

from arrears.core import facts as f
from arrears.core.account import ALL_STOPS, Action, HoldScope, Stop

POLICY = """
[restrict]
after_days = 20
warning_days = [10]
lead_days = 7
[disable]
after_days = 30
warning_days = [15, 18]
lead_days = 8
"""
LEAD = timedelta(days=8)


def in_doubt_from(day: int) -> Story:
    """Restricted on day 20 and disabled on day 30, both warned of, and a doubt that stands over the first."""
    return Story(policy=POLICY).until(day).doubt()


def voided(story: Story) -> list[tuple[int, list[Action]]]:
    """The holds that ended, each with the actions of which it voids the warnings."""
    return [(ended.hold, [one.action for one in ended.voided]) for _, ended in story.facts(f.HoldEnded)]


def lead_given(story: Story) -> timedelta:
    """From the acceptance of the first warning of the stop after the last hold to the stop."""
    [(_, disabled)] = story.facts(f.Disabled)
    ended_at = story.facts(f.HoldEnded)[-1][0]
    warned = [
        (at, fact)
        for at, fact in story.facts(f.Noticed)
        if at > ended_at and any(w.action is Action.DISABLE for w in fact.each(f.Warning))
    ]
    assert warned, "the stop is warned of anew"
    return story.calendar.end_of_day(disabled.on) - warned[0][0]


SCOPES = [
    (HoldScope.ACCOUNT, 0, ALL_STOPS),
    (HoldScope.SUBSCRIPTION, 1, (Stop.DISABLE, Stop.DELETE)),
    (HoldScope.DEBT, 1, ALL_STOPS),
]


@pytest.mark.parametrize(("scope", "doubt_ends"), list(product(SCOPES, [45, 52, 60])))
def test_a_stop_that_a_hold_moved_is_warned_of_anew_whenever_the_doubt_over_the_restriction_ends(
    scope: tuple[HoldScope, int, tuple[Stop, ...]], doubt_ends: int
) -> None:
    story = in_doubt_from(19)
    name, target, stops = scope
    ends = [(doubt_ends, "doubt"), (55, "hold")]
    story.until(40)
    story.hold(55, scope=name, target=target, stops=stops)
    for day, what in sorted(ends):
        story.until(day)
        if what == "doubt":
            story.clear()
    story.until(130)
    assert [Action.DISABLE in actions for _, actions in voided(story)] == [True]
    assert lead_given(story) >= LEAD
    story.check()


def test_a_hold_of_one_instant_under_a_doubt_voids_what_it_moved() -> None:
    story = in_doubt_from(19).until(40)
    hold = story.hold(60, scope=HoldScope.DEBT, target=1)
    story.release(hold)
    assert voided(story) == [(hold, [Action.DISABLE])]
    story.until(45).clear().until(130)
    assert lead_given(story) >= LEAD
    story.check()


def test_a_hold_that_ends_before_the_day_that_was_warned_of_has_moved_nothing() -> None:
    story = Story(policy=POLICY).until(19, "13:00")
    story.hold(19, stops=(Stop.DISABLE,))
    assert story.until(25).account.holds[0].moved == ()
    assert voided(story) == [(1, [])]


def test_only_the_hold_that_stops_what_moves_has_moved_it() -> None:
    story = Story(policy=POLICY).until(19)
    story.hold(25, stops=(Stop.REMIND,))
    story.hold(25, stops=(Stop.RESTRICT,))
    asked, moving = story.account.holds
    assert asked.moved == ()
    assert {one.stop for one in moving.moved} == {Stop.RESTRICT}
