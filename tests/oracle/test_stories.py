"""Stories of which the days are written down by hand, and the engine and the judge both say them (decision 83)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.oracle.judge import Judge
from tests.stories.story import STAFF, Story, table

from arrears.core.account import Action, HoldScope, Stop
from arrears.core.facts import WarnedHow
from arrears.engine.commands.warned_otherwise import SpokenWarning, record_warned


def judged(story: Story) -> list[str]:
    """What the judge finds in the journal of a story, and left undone by it."""
    judge, found = Judge(story.store.policies()), []
    before = story.history()[0].at
    for recorded in story.history():
        if recorded.at > before:
            found += judge.ran(recorded.at - timedelta(seconds=1))
        before = recorded.at
        found += judge.take(recorded)
    return found


@pytest.mark.parametrize("told_first", [True, False])
def test_what_the_journal_has_before_the_end_of_a_hold_is_void_by_it_also_in_the_same_instant(
    *, told_first: bool
) -> None:
    """Nobody is reached by mail; the hold ends in the very instant in which somebody is told by telephone."""
    story = Story().until(0)
    story.mail.works = False
    hold = story.until(22).hold(28, stops=(Stop.DISABLE,))
    story.until(23)
    today = story.calendar.local_day(story.now)
    spoken = SpokenWarning(1, Action.DISABLE, WarnedHow.TELEPHONE, today, "call 7")
    if not told_first:
        story.release(hold)
    record_warned(story.store, story.no, spoken, story.now, STAFF, "told the date")
    if told_first:
        story.release(hold)
    story.until(40).mail.works = True
    story.until(60)
    ended = story.diary(23, only="ended")
    stopped = story.diary(23, only="disabled")[0]
    assert (ended, stopped) == (
        (["day 23 12:00 hold 1 ended, void: disable cloud"], "day 49 00:00 disabled cloud on day 48")
        if told_first
        else (["day 23 12:00 hold 1 ended"], "day 37 00:00 disabled cloud on day 36")
    )
    assert judged(story) == []


def test_days_on_which_the_only_invoice_that_names_a_service_was_held_are_none_of_its_retention() -> None:
    """The account has one clock, and the older invoice that sets it names another service and was never held."""
    story = Story(policy='scope = "account"', services=("cloud", "mail"), bill=False)
    story.bill(-1, subscriptions=(1,))
    story.bill(-1, subscriptions=(2,))
    story.until(115).hold(117, scope=HoldScope.DEBT, target=2)
    story.until(130)
    assert story.diary(115, dates=True, only="promised: void mail scheduled") == table("""
        day 115 12:00 promised: delete mail on day 122
        day 118 00:00 hold 1 ended, void: delete mail
        day 118 09:00 warning 83: delete mail on day 125
        day 119 09:00 warning 89: delete cloud on day 120; warning 87: delete mail on day 125
        day 121 00:00 deletion of cloud scheduled
        day 121 09:00 warning 89: delete mail on day 125
        day 126 00:00 deletion of mail scheduled
        day 127 00:00 deletion of mail ordered
        day 127 00:00 mail deleted
        day 127 09:00 told: mail deleted on day 127
    """)
    assert judged(story) == []


def test_a_day_that_was_told_only_because_its_step_had_named_the_one_before_comes_no_earlier_again() -> None:
    """Each broken promise to pay the newer invoice voids what was said; no day moves by it, and none comes back."""
    story = Story().until(94)
    story.bill(94)
    story.until(96).promise((97, 0), debts=(2,))
    story.until(103).promise((104, 0), debts=(2,))
    assert story.until(125).diary(90, only="warning broken scheduled") == table("""
        day 90 09:00  warning 60: delete cloud on day 120
        day 98 00:00  promise 1 broken, void: disable cloud, delete cloud
        day 98 09:00  warning 60: delete cloud on day 121
        day 105 00:00 promise 2 broken, void: delete cloud
        day 105 09:00 warning 75: delete cloud on day 121
        day 113 09:00 warning 83: delete cloud on day 121
        day 117 09:00 warning 87: delete cloud on day 121
        day 119 09:00 warning 89: delete cloud on day 121
        day 122 00:00 deletion of cloud scheduled
    """)
    assert judged(story) == []
