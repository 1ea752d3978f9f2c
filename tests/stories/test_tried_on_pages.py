"""What is tried in vain on the provider's own pages, to pay or to set a card up, counts on the card and is told."""

from __future__ import annotations

import pytest
from tests.stories.paying import ADMIN, Paying, post

from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.engine.payments import methods, pages
from arrears.engine.payments.attempts import ask_page
from arrears.sandbox.run import Running


def on_page(story: Paying) -> str:
    """Open the payment page for what is owed; its address."""
    shown = {q.currency: q.hash for q in story.owed()}
    return pages.open_page(story.store, story.providers, story.no, shown, story.now, ADMIN)


def tried(story: Paying) -> list[tuple[int, str]]:
    return [(fact.attempt, fact.tried.codes.decline) for _, fact in story.facts(f.CardTried)]


def test_each_decline_on_a_payment_page_is_in_the_book_once_however_often_it_is_told(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.until(1)
    url = on_page(story)
    for card in ("insufficient_funds", "generic"):
        post(url, card=card, do="go")
        ask_page(story.store, story.providers, story.no, 1, story.now)
        story.sweep()
    assert tried(story) == [(1, "insufficient_funds"), (1, "generic")]
    post(url, card="approve", do="go")
    story.sweep().sweep()
    assert (tried(story)[2:], [a.state for a in story.attempts()]) == ([], ["paid"])
    story.check()


def test_a_card_that_must_never_be_tried_again_is_not_when_it_was_refused_on_a_page(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.until(1)
    post(on_page(story), card="lost", do="go")
    story.sweep()
    card, asked = story.add("lost"), len(sandbox.sandbox.book.charges)
    with pytest.raises(Refused) as caught:
        story.settle(card)
    assert (caught.value.code, len(sandbox.sandbox.book.charges)) == ("never_retry", asked)


def test_declines_on_pages_fill_the_cap_of_the_card_and_of_no_other(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.until(1)
    url = on_page(story)
    for _ in range(20):
        post(url, card="generic", do="go")
    story.sweep()
    same = story.add("generic")
    with pytest.raises(Refused) as caught:
        story.settle(same)
    assert caught.value.code == "retry_later"
    assert story.settle(story.add()) == ["paid"]
    story.check()


def test_a_check_that_was_refused_while_a_card_was_set_up_counts_on_that_card(sandbox: Running) -> None:
    story = Paying(sandbox, bill=False)
    page = methods.start_setup(story.store, story.providers, story.no, "stripe", "setup-refused", "nl")
    story.control("setup_refused", session=page.ref, card="lost")
    story.until(1).sweep()
    assert tried(story) == [(0, "lost_card")]
    with pytest.raises(Refused) as caught:
        methods.activate(story.store, story.no, story.add("lost"), story.now, ADMIN)
    assert caught.value.code == "never_retry"
    story.check()
