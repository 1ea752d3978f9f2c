"""An export refused as a whole may say who has paid: nobody is cut before one is taken, or staff have looked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.stories.paying import Paying
from tests.stories.story import PRICE, STAFF, Story

from arrears.core.states import State
from arrears.engine import commands, system
from arrears.engine.run import run
from arrears.sandbox.run import Running

NIGHTLY, OTHER = "/maps/nightly.toml", "/maps/other.toml"


def refused(story: Story, book: str = NIGHTLY) -> None:
    system.set_book_refused(story.store, book, story.now, "five.csv was not taken: row 3, column amount")


def taken(story: Story, book: str = NIGHTLY) -> None:
    system.set_book_taken(story.store, book, story.now, "import", "six.csv was taken")


@pytest.mark.parametrize("day", [5, 25], ids=["before the warning", "after it"])
def test_nobody_is_cut_while_the_newest_export_was_not_taken(day: int) -> None:
    story = Story()
    story.until(day)
    refused(story)
    refused(story)
    assert [(task.kind, task.times) for task in story.inner.tasks.values()] == [("book_refused", 2)]
    story.until(60)
    assert story.sub().state is State.PAST_DUE
    story.check()


def by_an_import(story: Story) -> None:
    taken(story)


def by_staff(story: Story) -> None:
    [task] = [seq for (account, seq), task in story.inner.tasks.items() if task.kind == "book_refused"]
    commands.close_task(story.store, 0, task, story.now, STAFF, "I have read it: nobody has paid")


@pytest.mark.parametrize("ends", [by_an_import, by_staff])
@pytest.mark.parametrize("day", [25, 40], ids=["before the deadline", "after it"])
def test_it_ends_with_an_export_that_is_taken_or_by_staff(ends: object, day: int) -> None:
    assert callable(ends)
    story = Story()
    story.until(5)
    refused(story)
    story.until(day)
    ends(story)
    assert (story.store.system().books_refused, story.tasks().count("book_refused")) == ((), 0)
    story.until(41)
    assert (story.sub().state is State.PAST_DUE) == (day == 40), "what passed under it has a new warning first"
    story.until(60)
    assert story.sub().state is State.DISABLED
    story.check()


def test_an_export_under_another_map_says_nothing_of_it() -> None:
    story = Story()
    refused(story)
    refused(story, OTHER)
    taken(story, OTHER)
    assert story.tasks() == ["book_refused"]
    story.until(60)
    assert story.sub().state is State.PAST_DUE


def test_a_card_is_not_charged_for_what_the_refused_export_may_call_paid(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card("approve")
    refused(story)
    story.until(2)
    assert story.attempts() == [], "its due date has passed"
    story.pay(PRICE, (1,))
    taken(story)
    story.until(5)
    assert (story.attempts(), story.account.debts) == ([], ())
    story.check()


@pytest.mark.parametrize("ends", [by_an_import, by_staff])
def test_once_an_export_is_taken_what_is_owed_is_charged_within_the_hour(sandbox: Running, ends: object) -> None:
    assert callable(ends)
    story = Paying(sandbox)
    story.card("approve")
    refused(story)
    story.until(1)
    ends(story)
    story.stage.until(story.now + timedelta(hours=1))
    assert ([one.state for one in story.attempts()], story.account.debts) == (["paid"], ())
    story.check()


def test_a_charge_that_was_decided_and_not_made_yet_is_not_made_after_an_export_was_refused(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card("approve")
    morning = story.instant(-1) + timedelta(hours=9)
    story.stage.until(morning - timedelta(minutes=1))
    run(story.store, morning)
    assert [one.state for one in story.attempts()] == ["created"]
    refused(story)
    story.stage.now = morning + timedelta(hours=1)
    story.until(3)
    assert story.captures() == 0
    taken(story)
    story.until(4)
    assert (story.captures(), story.account.debts) == (1, ())
    story.check()


def test_a_customer_can_pay_meanwhile(sandbox: Running) -> None:
    story = Paying(sandbox)
    refused(story)
    story.until(2)
    assert story.settle(story.add()) == ["paid"]
    assert story.account.debts == ()
    story.check()
