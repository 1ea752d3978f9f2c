"""What the bank says is old or not whole: whoever pays by transfer may have paid and is not cut; cards go on."""

from __future__ import annotations

import pytest
from tests.stories.story import STAFF, Story

from arrears.core import facts as f
from arrears.core.account import DoubtKind, Mode
from arrears.core.states import State
from arrears.core.system import BANK, BANK_FEED
from arrears.engine import commands, system

MISSING = f"{BANK}NL91ABNA0417164300"
OLD = f"{BANK_FEED}NL91ABNA0417164300 EUR"


@pytest.mark.parametrize("book", [MISSING, OLD])
@pytest.mark.parametrize(
    ("mode", "state"), [(Mode.INVOICE, State.PAST_DUE), (Mode.CARD, State.DISABLED)], ids=["invoice mode", "card"]
)
def test_whoever_pays_by_transfer_is_not_cut_and_who_pays_by_card_is(book: str, mode: Mode, state: State) -> None:
    story = Story(mode=mode).until(25)
    system.set_book_refused(story.store, book, story.now, "a statement is missing")
    story.until(60)
    assert story.sub().state is state
    system.set_book_taken(story.store, book, story.now, STAFF, "it came")
    story.until(75)
    assert story.sub().state is State.DISABLED
    story.check()


def test_a_refused_export_stops_both() -> None:
    story = Story().until(25)
    system.set_book_refused(story.store, "/maps/nightly.toml", story.now, "row 3")
    system.set_book_refused(story.store, MISSING, story.now, "a statement is missing")
    system.set_book_taken(story.store, MISSING, story.now, STAFF, "it came")
    story.until(40)
    assert story.sub().state is State.PAST_DUE
    story.check()


@pytest.mark.parametrize("seen", [True, False], ids=["a run saw the deadline", "no run did"])
def test_a_deadline_that_passed_under_it_has_waited_even_where_the_account_pays_by_card_from_then_on(
    seen: bool,
) -> None:
    story = Story(mode=Mode.INVOICE).until(25)
    system.set_book_refused(story.store, OLD, story.now, "there is none")
    if seen:
        story.until(31, "08:00")
    else:
        story.until(30, "23:00").down_until(31, "08:00")
    policy, zone = story.account.terms.policy, story.account.terms.zone
    commands.change_terms(story.store, story.no, story.now, STAFF, policy=policy, zone=zone, mode=Mode.CARD)
    waited = [one.fact for one in story.history() if isinstance(one.fact, f.Deferred)]
    assert [fact.doubts for fact in waited] == [(DoubtKind.BANK,)]
    story.until(32)
    assert story.sub().state is State.PAST_DUE, "a new warning with its full lead comes first"
    story.until(45)
    assert story.sub().state is State.DISABLED
    story.check()
