"""A payment page that is open at a deadline: whoever has paid on it is not cut off because we have not heard of it yet,
and whoever only opens pages wins an hour."""

from __future__ import annotations

from typing import Final

import pytest
from tests.stories.paying import ADMIN, Paying, post

from arrears.core import facts as f
from arrears.core.states import State
from arrears.engine.payments import pages
from arrears.sandbox.run import Running

AWAY: Final = [{"kind": "drop_before", "path": "", "times": 10_000}]
LAST_DAYS: Final = ((State.DISABLED, 30), (State.DELETED, 120), (State.DELETED, 121))
"""At the end of these days the service is disabled, its deletion is scheduled, and it is ordered."""


def opened(story: Paying) -> str:
    """The payment page for everything that is owed; its address."""
    shown = {q.currency: q.hash for q in story.owed()}
    return pages.open_page(story.store, story.providers, story.no, shown, story.now, ADMIN)


@pytest.mark.parametrize(("cut", "day"), LAST_DAYS)
@pytest.mark.parametrize("away", [False, True], ids=["nobody has asked yet", "the provider cannot be reached"])
def test_who_has_paid_on_the_page_before_the_deadline_is_not_cut_off(
    sandbox: Running, cut: State, day: int, away: bool
) -> None:
    story = Paying(sandbox)
    story.until(day, "23:40").sweep()
    before = story.sub().state
    post(opened(story), card="approve", do="go")
    if away:
        sandbox.control("faults", plan=AWAY)
    story.until(day + 1, "00:30")
    assert story.sub().state is before
    sandbox.control("faults", plan=[])
    story.until(day + 1, "01:00").sweep()
    assert (story.sub().state, story.taken()) == (State.ACTIVE, {"EUR": 12_000})
    assert not story.facts(f.DeletionOrdered)
    story.check()


@pytest.mark.parametrize(("cut", "day"), [LAST_DAYS[0], LAST_DAYS[2]])
def test_a_page_that_nobody_paid_on_wins_no_more_than_its_own_hour(sandbox: Running, cut: State, day: int) -> None:
    story = Paying(sandbox)
    story.until(day, "23:40").sweep()
    opened(story)
    story.until(day + 1, "00:10").sweep()
    assert story.sub().state is not cut
    for clock in ("00:45", "01:00", "01:15", "02:00"):
        story.until(day + 1, clock).sweep()
    assert story.sub().state is cut
    story.check()


def test_ever_new_pages_win_no_more_than_a_day(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.until(30, "23:40").sweep()
    for hour in range(30):
        opened(story)
        story.until(31 + hour // 24, f"{hour % 24:02}:20").sweep()
    assert story.sub().state is State.DISABLED
    story.check()


def test_while_there_are_pages_nothing_is_deleted(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.until(121, "23:40").sweep()
    for hour in range(30):
        opened(story)
        story.until(122 + hour // 24, f"{hour % 24:02}:20").sweep()
        assert story.sub().state is State.DISABLED
    story.until(124).sweep()
    assert story.sub().state is State.DELETED
    story.check()
