"""Holds stop time: for what they name, in their scope, and nothing falls due inside one (spec, section 3)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.stories.story import Story, table

from arrears.core import facts as f
from arrears.core.account import Action, HoldScope, Stop
from arrears.core.errors import Refused


def test_a_hold_moves_the_date_and_a_new_warning_has_its_full_lead() -> None:
    story = Story().until(25)
    story.hold(34)
    assert story.until(43).diary(25, dates=True) == table("""
        day 25 12:00  hold 1 placed
        day 25 12:00  promised: disable cloud on day 39
        day 35 00:00  hold 1 ended, void: disable cloud
        day 35 09:00  warning 21: disable cloud on day 42
        day 37 09:00  warning 28: disable cloud on day 42
        day 43 00:00  disabled cloud on day 42
        day 43 00:00  cloud stopped; retention from day 42
        day 43 00:00  promised: delete cloud on day 132
        day 43 09:00  told: cloud disabled on day 42
    """)


def test_a_hold_before_any_warning_moves_everything_by_its_full_days() -> None:
    story = Story().until(10)
    story.hold(15)
    assert story.until(37).diary(10, only="reminder warning disabled ended") == table("""
        day 16 00:00  hold 1 ended
        day 19 09:00  reminder 14
        day 26 09:00  warning 21: disable cloud on day 35
        day 33 09:00  warning 28: disable cloud on day 35
        day 36 00:00  disabled cloud on day 35
        day 36 09:00  told: cloud disabled on day 35
    """)


@pytest.mark.parametrize(("placed_at", "days"), [("00:00", 3), ("00:01", 2)])
def test_the_day_on_whose_first_instant_a_hold_is_placed_is_a_full_day_of_it(placed_at: str, days: int) -> None:
    story = Story().until(10, placed_at)
    story.hold(12)
    assert story.sub().promise(Action.DISABLE).promised_on == story.date(30 + days)


def test_a_hold_of_less_than_a_full_day_moves_nothing() -> None:
    story = Story().until(25)
    story.hold(25)
    assert story.until(32).diary(25, dates=True) == table("""
        day 25 12:00  hold 1 placed
        day 26 00:00  hold 1 ended
        day 28 09:00  warning 28: disable cloud on day 30
        day 31 00:00  disabled cloud on day 30
        day 31 00:00  cloud stopped; retention from day 30
        day 31 00:00  promised: delete cloud on day 120
        day 31 09:00  told: cloud disabled on day 30
    """)


def test_a_short_hold_across_the_midnight_of_the_deadline_gives_the_full_lead_again() -> None:
    story = Story().until(30, "23:00")
    hold = story.hold(31)
    story.until(31, "01:00").release(hold)
    assert story.until(41).diary(30, dates=True, only="hold promised: warning disabled") == table("""
        day 30 23:00  hold 1 placed
        day 30 23:00  promised: disable cloud on day 31
        day 31 01:00  hold 1 ended, void: disable cloud
        day 31 09:00  warning 28: disable cloud on day 38
        day 39 00:00  disabled cloud on day 38
        day 39 00:00  promised: delete cloud on day 128
        day 39 09:00  told: cloud disabled on day 38
    """)


def test_overlapping_holds_are_counted_once() -> None:
    story = Story().until(5)
    story.hold(14)
    story.until(10).hold(16, scope=HoldScope.SUBSCRIPTION, target=1)
    assert story.sub().promise(Action.DISABLE).promised_on == story.date(30 + 11)
    assert story.until(45).diary(only="disabled") == table("""
        day 42 00:00  disabled cloud on day 41
        day 42 09:00  told: cloud disabled on day 41
    """)


def test_holds_one_after_the_other_let_nothing_through_between_them() -> None:
    story = Story().until(25)
    story.hold(26)
    story.until(26, "23:59").hold(28)
    assert story.until(45).diary(25, only="void warning disabled") == table("""
        day 27 00:00  hold 1 ended, void: disable cloud
        day 29 09:00  warning 21: disable cloud on day 36
        day 31 09:00  warning 28: disable cloud on day 36
        day 37 00:00  disabled cloud on day 36
        day 37 09:00  told: cloud disabled on day 36
    """)


def test_a_hold_that_is_released_early_does_not_bring_the_promised_date_back() -> None:
    story = Story().until(10)
    hold = story.hold(19)
    story.until(12).release(hold)
    assert story.until(42).diary(10, dates=True) == table("""
        day 10 12:00  hold 1 placed
        day 10 12:00  promised: disable cloud on day 39
        day 12 12:00  hold 1 ended
        day 15 09:00  reminder 14
        day 22 09:00  warning 21: disable cloud on day 39
        day 29 09:00  warning 28: disable cloud on day 39
        day 40 00:00  disabled cloud on day 39
        day 40 00:00  cloud stopped; retention from day 39
        day 40 00:00  promised: delete cloud on day 129
        day 40 09:00  told: cloud disabled on day 39
    """)


def test_warnings_whose_date_a_hold_has_moved_are_void_even_if_it_is_released_at_once() -> None:
    story = Story().until(29)
    hold = story.hold(34)
    story.until(29, "18:00").release(hold)
    assert story.until(38).diary(29, dates=True) == table("""
        day 29 12:00  hold 1 placed
        day 29 12:00  promised: disable cloud on day 35
        day 29 18:00  hold 1 ended, void: disable cloud
        day 30 09:00  warning 28: disable cloud on day 37
        day 38 00:00  disabled cloud on day 37
        day 38 00:00  cloud stopped; retention from day 37
        day 38 00:00  promised: delete cloud on day 127
        day 38 09:00  told: cloud disabled on day 37
    """)


def test_a_hold_stops_only_what_it_names() -> None:
    story = Story().until(2)
    story.hold(22, stops=(Stop.DISABLE,))
    assert story.until(23).diary(2, dates=True) == table("""
        day  2 12:00  hold 1 placed
        day  2 12:00  promised: disable cloud on day 50
        day  3 09:00  reminder 3
        day  7 09:00  reminder 7
        day 14 09:00  reminder 14
        day 23 00:00  hold 1 ended
    """)


def test_a_hold_on_deletion_moves_the_deletion_alone() -> None:
    story = Story().until(40)
    story.hold(69, stops=(Stop.DELETE,))
    story.until(160)
    assert story.diary(40, dates=True, only="promised deletion") == table("""
        day  40 12:00  promised: delete cloud on day 149
        day 150 00:00  deletion of cloud scheduled
        day 151 00:00  deletion of cloud ordered
    """)


def test_the_days_on_which_the_only_debt_was_disputed_are_no_days_of_retention() -> None:
    """Section 8: each start plus the full days on which deletion was held; a hold on a debt holds deletion too."""
    story = Story().until(30)
    story.hands.busy = True
    story.until(50)
    story.hands.busy = False
    story.until(55)
    hold = story.dispute()
    story.until(75).release(hold).until(170)
    assert story.diary(50, only="stopped warning deletion") == table("""
        day  51 09:00  cloud stopped; retention from day 51
        day 100 09:00  warning 30: delete cloud on day 160
        day 130 09:00  warning 60: delete cloud on day 160
        day 145 09:00  warning 75: delete cloud on day 160
        day 153 09:00  warning 83: delete cloud on day 160
        day 157 09:00  warning 87: delete cloud on day 160
        day 159 09:00  warning 89: delete cloud on day 160
        day 161 00:00  deletion of cloud scheduled
        day 162 00:00  deletion of cloud ordered
    """)


def test_no_retention_warning_is_sent_about_a_debt_that_is_held() -> None:
    story = Story().until(40)
    story.hold(70, scope=HoldScope.DEBT, target=1)
    assert story.until(121).diary(40) == table("""
        day  40 12:00  hold 1 placed
        day  71 00:00  hold 1 ended
        day  90 09:00  warning 30: delete cloud on day 150
        day 120 09:00  warning 60: delete cloud on day 150
    """)


def test_a_hold_says_when_it_ends() -> None:
    story = Story().until(5)
    with pytest.raises(Refused, match="a hold ends between 2026-01-07 and 2027-01-08"):
        story.hold(4)
    with pytest.raises(Refused):
        story.hold(500)


def test_a_hold_that_ends_inside_a_dispute_has_still_moved_what_was_warned_of() -> None:
    story = Story().until(23)
    asked = story.hold(28, scope=HoldScope.SUBSCRIPTION, target=1)
    story.until(26)
    disputed = story.dispute()
    story.until(27)
    story.release(asked)
    ended = [fact for _, fact in story.facts(f.HoldEnded)]
    assert [(e.hold, len(e.voided)) for e in ended] == [(asked, 1)], "the warning of day 21 named an earlier day"
    story.release(disputed)
    story.until(60)
    warned_at = [at for at, fact in story.facts(f.Noticed) for w in fact.each(f.Warning) if at > story.instant(27)]
    [(disabled_at, _)] = story.facts(f.Disabled)
    assert disabled_at - warned_at[0] > timedelta(days=7), "a new warning with its whole lead"
    story.check()
