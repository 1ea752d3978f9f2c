"""Where a policy asks for working days, what stops does so on one that another follows: told so, never earlier."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from tests.stories.story import Story, policy_from, table

from arrears.cli.explain import explanation
from arrears.core import facts as f
from arrears.core.account import Action
from arrears.core.working_days import stop_day
from arrears.engine.messages.upcoming import upcoming_messages

WORKDAYS = "business_days = true"
OF_NL = f'{WORKDAYS}\nholidays = "NL"'
BEFORE_KINGS_DAY = date(2026, 3, 24)
"""Day 30 is Friday 24 April 2026, and the Monday after it the King's birthday."""
ENDS_ON_THURSDAY = date(2026, 1, 5)


def stops(story: Story) -> list[str]:
    return story.until(60).diary(only="warning disabled")


def test_a_stop_on_a_sunday_waits_for_the_monday_which_every_warning_names() -> None:
    assert stops(Story(policy=WORKDAYS)) == table("""
        day 21 09:00  warning 21: disable cloud on day 31
        day 28 09:00  warning 28: disable cloud on day 31
        day 32 00:00  disabled cloud on day 31
        day 32 09:00  told: cloud disabled on day 31
    """)


def test_nothing_stops_before_a_public_holiday_of_the_country_that_the_policy_names() -> None:
    assert "day 34 00:00 disabled cloud on day 33" in stops(Story(policy=WORKDAYS, due=BEFORE_KINGS_DAY))
    assert "day 35 00:00 disabled cloud on day 34" in stops(Story(policy=OF_NL, due=BEFORE_KINGS_DAY))


def test_the_date_that_is_told_is_the_moved_one_everywhere() -> None:
    story = Story(policy=OF_NL, due=BEFORE_KINGS_DAY).until(22)
    assert story.announced(Action.DISABLE) == 34
    assert story.sub().disable.promised_on == story.date(34)
    assert explanation(story.store, 1, story.now)["subscriptions"][0]["stops_on"] == story.date(34)
    assert {m.names for m in upcoming_messages(story.store, 1, story.now).tellings} == {story.date(34)}
    assert any(str(story.date(34)) in m.text for m in story.mail.taken)


def test_a_lead_that_ends_on_a_day_off_moves_the_date_later_too() -> None:
    story = Story(policy=WORKDAYS)
    story.mail.works = False
    story.until(27)
    story.mail.works = True
    [*_, (_, done)] = story.until(70).facts(f.Disabled)
    assert story.date(0).weekday() == 4
    assert (story.day(done.on), done.on.weekday()) == (38, 0)


def test_a_restriction_moves_and_the_disablement_keeps_its_distance_from_it() -> None:
    restricts = f"{WORKDAYS}\n[restrict]\nafter_days = 8\nwarning_days = [1]"
    assert Story(policy=restricts).until(60).diary(only="restricted disabled") == table("""
        day 11 00:00  restricted cloud on day 10
        day 11 09:00  told: cloud restricted on day 10
        day 33 00:00  disabled cloud on day 32
        day 33 09:00  told: cloud disabled on day 32
    """)


def test_a_deletion_is_scheduled_and_ordered_on_working_days() -> None:
    story = Story(policy=f"{WORKDAYS}\n[delete]\nretention_days = 90").until(250)
    [(scheduled_at, scheduled)], [(ordered_at, _)] = story.facts(f.DeletionScheduled), story.facts(f.DeletionOrdered)
    policy = policy_from(WORKDAYS)
    assert story.day(scheduled.on) >= 31 + 90
    assert stop_day(policy, scheduled.on) == scheduled.on
    assert [at.weekday() for at in (scheduled_at, ordered_at) if at.weekday() in (0, 5, 6)] == []


def test_what_comes_late_stops_nothing_at_the_weekend() -> None:
    story = Story(policy=WORKDAYS, due=ENDS_ON_THURSDAY).until(30, "23:30").run()
    story.down_until(32, "00:30")
    assert (story.now.weekday(), story.facts(f.Disabled)) == (5, [])
    assert story.announced(Action.DISABLE) == 34
    [(at, done)] = story.until(40).facts(f.Disabled)
    assert (story.day(done.on), story.day(at.date())) == (30, 35)


@pytest.mark.parametrize("day", [date(2026, 1, 1 + n) for n in range(31)])
def test_a_day_never_moves_earlier_and_by_itself_not_at_all(day: date) -> None:
    policy = policy_from(OF_NL)
    found = stop_day(policy, day)
    assert found >= day
    assert stop_day(policy, found) == found
    assert found.weekday() < 4
    assert stop_day(policy_from(""), day) == day


def test_a_running_case_keeps_the_days_that_it_began_with() -> None:
    story = Story().until(5)
    story.store.adopt(policy_from(WORKDAYS), story.now, "staff:1")
    assert "day 31 00:00 disabled cloud on day 30" in stops(story)
    assert isinstance(story.now, datetime)
