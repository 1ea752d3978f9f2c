"""A backup is put back whose newest payments only the outside knows: nothing is cut, deleted or charged before it was
read again, and a person has had told again what no program can ask for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.stories.paying import Paying
from tests.stories.story import PRICE, STAFF, Story
from tests.stories.test_one_at_fault import At, unreachable

from arrears.core import facts as f
from arrears.core.states import State
from arrears.core.system import BACKUP
from arrears.engine import commands, worker
from arrears.engine.payments.providers import Providers
from arrears.engine.run import DEFAULT_LIMITS
from arrears.sandbox.run import Running


def put_back(story: Story) -> None:
    story.inner.put_back_why = "the database is another than that of the last tick"


def close(story: Story) -> None:
    """Staff have taken the statements and exports again."""
    [number] = [seq for (account, seq), task in story.inner.tasks.items() if task.cause == BACKUP]
    commands.close_task(story.store, 0, number, story.now, STAFF, "everything since then was taken again")


def look(story: Paying, providers: Providers) -> None:
    worker.work_once(story.store, story.mail, story.hands, At(story), DEFAULT_LIMITS, providers)


@pytest.mark.parametrize("day", [30, 120], ids=["before the stop", "before the deletion"])
def test_nothing_is_done_after_a_backup_before_a_person_has_had_the_rest_told_again(day: int) -> None:
    """F34: who paid by transfer in between is known to the bank alone."""
    story = Story().until(day)
    before = story.sub().state
    put_back(story)
    story.until(day + 40)
    assert story.sub().state is before
    assert not story.facts(f.DeletionOrdered)
    assert [task.kind for task in story.inner.tasks.values() if task.cause == BACKUP] == ["book_refused"]
    story.pay()  # the statement was taken again
    close(story)
    story.until(day + 80)
    assert story.sub().state is State.ACTIVE
    story.check()


def test_who_has_not_paid_goes_on_with_a_new_warning_once_it_was_told_again() -> None:
    story = Story().until(120)
    put_back(story)
    story.until(125)
    close(story)
    story.until(150)
    [(at, _)] = story.facts(f.DeletionOrdered)
    assert at >= story.instant(125 + 7)
    story.check()


def test_a_person_who_says_so_does_not_stand_in_for_a_provider_that_was_not_read(sandbox: Running) -> None:
    """F34: the payment was made on the page of the provider, which cannot be reached in the night of the stop."""
    story = Paying(sandbox)
    story.until(30, "22:00").sweep()
    put_back(story)
    look(story, story.providers)
    close(story)
    for at in ("22:30", "23:59"):
        story.stage.now = story.instant(30, at)
        look(story, unreachable(story))
    story.stage.now = story.instant(31, "00:05")
    look(story, unreachable(story))
    assert (story.sub().state, story.store.system().feed_stale) == (State.PAST_DUE, True)
    look(story, story.providers)
    assert not story.store.system().feed_stale
    story.check()


def test_without_a_backup_a_provider_that_is_away_for_two_hours_stops_nothing(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.until(30, "22:00").sweep()
    story.stage.now = story.instant(31, "00:05")
    look(story, unreachable(story))
    assert story.sub().state is State.DISABLED
    story.check()


def test_no_card_is_charged_for_what_may_have_been_paid_in_between(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card("approve")
    put_back(story)
    story.until(5)
    assert story.attempts() == [], "its due date has passed"
    story.pay(PRICE, (1,))
    close(story)
    story.until(10)
    assert (story.captures(), story.account.debts) == (0, ())
    story.check()


def ticks(story: Story) -> None:
    story.run()


def another_task_is_closed(story: Story) -> None:
    commands.close_task(story.store, 0, 1, story.now, STAFF, "seen")


@pytest.mark.parametrize("first", [ticks, another_task_is_closed])
def test_whatever_looks_first_sees_it(first: Callable[[Story], None]) -> None:
    story = Story().just_before(31)
    put_back(story)
    story.stage.now = story.instant(31, "08:00")
    first(story)
    story.run()
    assert story.sub().state is State.PAST_DUE
    assert BACKUP in story.store.system().books_refused
