"""An account whose rows are refused is left as it was, people see it, and nothing is cut before that is over."""

from __future__ import annotations

from tests.stories.ledger import PRICE, Ledger, imported
from tests.stories.story import Story

from arrears.core import facts as f
from arrears.core.states import State


def refused(story: Story, ledger: Ledger) -> None:
    """The next export says that I1 is paid, and that it asks for more, which cannot be taken."""
    ledger.change("I1", total_minor=PRICE + 1).pay("I1", PRICE)
    assert list(ledger.comes(per_account=True).refused) == ["B1"]


def test_nothing_is_cut_while_an_accounts_rows_are_refused_and_people_have_one_task() -> None:
    story, ledger = imported()
    story.until(20)
    refused(story, ledger)
    ledger.comes(per_account=True)
    assert story.tasks() == ["change_not_recorded"]
    raised = [one for one in story.store.history(story.no) if isinstance(one.fact, f.DoubtRaised)]
    assert ["ask for the other" in one.why for one in raised] == [True, True]
    story.until(60)
    assert story.sub().state is State.PAST_DUE


def test_the_next_import_that_takes_its_rows_ends_it() -> None:
    story, ledger = imported()
    refused(story, ledger)
    ledger.change("I1", total_minor=PRICE).comes()
    assert (story.account.doubts, story.account.debts, story.tasks()) == ((), (), [])


def test_refused_again_the_task_is_counted_up_and_has_the_newest_reasons() -> None:
    story, ledger = imported()
    refused(story, ledger)
    ledger.change("I1", services=("other",)).comes(per_account=True)
    [task] = story.inner.tasks.values()
    assert (task.times, "says other" in task.what) == (2, True)
    assert len(story.account.doubts) == 1
    ledger.change("I1", services=("cloud",), total_minor=PRICE).comes()
    assert (story.account.doubts, story.tasks()) == ((), [])
    story.check()


def test_a_dry_run_leaves_no_task() -> None:
    story, ledger = imported()
    before = len(story.store.history(story.no))
    ledger.change("I1", total_minor=PRICE + 1)
    ledger.comes(per_account=True, dry_run=True)
    assert len(story.store.history(story.no)) == before
    assert not any(isinstance(one.fact, f.DoubtRaised) for one in story.store.history(story.no))
