"""Each mistake that would delete too early or the wrong thing is stopped before the order and named by the checks,
and the same story without it is right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.stories.story import Story
from torture.deletion import FAULTS, DeletionFault, seen
from torture.deletion_stories import blank
from torture.deletion_years import judged

from arrears.core import facts as f
from arrears.core.evolve import fold
from arrears.core.invariants import check_account
from arrears.engine import system


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


def heard_late() -> Story:
    """Stopped in time; the service says so on day 50."""
    story = Story()
    story.hands.busy = True
    story.until(50)
    story.hands.busy = False
    return story.until(51)


def recorded_late() -> Story:
    """Nobody ran anything from day 29 to day 40; the service says at once that it stopped."""
    story = Story().until(29).down_until(40)
    system.confirm_clock(story.store, story.now, "staff:1")
    return story.until(49)


@pytest.mark.parametrize(("story", "days"), [(heard_late, 21), (recorded_late, 10), (lambda: Story().until(32), 0)])
def test_retention_that_begins_before_the_word_of_the_stop_or_its_record_is_named(
    story: Callable[[], Story], days: int
) -> None:
    played = story()
    history = list(played.history())
    [place] = [n for n, r in enumerate(history) if isinstance(r.fact, f.OrderAcknowledged) and r.fact.ended_on]
    word = history[place].fact
    assert isinstance(word, f.OrderAcknowledged)
    assert word.ended_on is not None
    [stop] = [r.fact for r in history if isinstance(r.fact, f.Disabled)]
    assert (word.ended_on - stop.on).days == days
    policies, now = played.store.policies(), played.now
    assert check_account(played.account, history, policies, now) == []
    early = replace(word, ended_on=word.ended_on - timedelta(days=1))
    history[place] = replace(history[place], fact=early)
    found = check_account(fold(history), history, policies, now)
    assert [breach.invariant for breach in found] == ["I13"], found


def test_a_hold_that_is_released_in_its_own_instant_takes_the_warnings_with_it() -> None:
    story = Story().until(121)
    story.release(story.hold(160))
    ordered = [story.day(story.calendar.local_day(at)) for at, _ in story.until(200).facts(f.DeletionOrdered)]
    warned = [
        story.day(part.promised_on)
        for at, notice in story.facts(f.Noticed)
        for part in notice.each(f.Warning)
        if at > story.instant(121)
    ]
    assert ordered
    assert warned, "one new warning with its full lead"
    assert min(ordered) > max(160, min(warned))


@pytest.mark.parametrize("hours", [0, 4, 30])
def test_a_dispute_about_the_debt_that_was_the_clock_takes_the_warnings_of_the_others_with_it(hours: int) -> None:
    """One clock for the account: once its day has come, another debt has been the clock while the dispute stood."""
    story = Story(policy='scope = "account"', services=("cloud", "mail"), bill=False)
    story.bill(-1, subscriptions=(1,))
    story.bill(0, subscriptions=(2,))
    story.until(121)
    disputed = story.dispute(1)
    story.stage.until(story.now + timedelta(hours=hours))
    story.release(disputed).until(150)
    orders = [(at, order) for at, order in story.facts(f.DeletionOrdered) if order.subscription == 2]
    assert len(orders) == 1
    [(at, order)] = orders
    got = order.evidence.warning_accepted_at
    assert got is not None
    assert got > story.instant(121), "a new warning"
    assert story.calendar.local_day(at) > story.calendar.local_day(got) + timedelta(days=7), "with its whole lead"
