"""One card that pays for several accounts: the networks count on the card, and so do we."""

from __future__ import annotations

import pytest
from tests.stories.paying import ADMIN, Paying

from arrears.core.errors import Refused
from arrears.engine.payments import methods
from arrears.engine.payments.permitted import refused_card
from arrears.sandbox.run import Running


def sharing(sandbox: Running, accounts: int, card: str) -> tuple[Paying, dict[int, int]]:
    """So many accounts that owe, each with the same card on file; the number of its method on each."""
    story = Paying(sandbox, accounts=accounts, bill=False)
    cards = {}
    for number in story.numbers:
        story.no = number
        story.bill(-1, account=number)
        cards[number] = story.card(card)
    story.no = story.numbers[0]
    return story, cards


def asked(story: Paying) -> int:
    """How often the card network was asked."""
    return len(story.sandbox.sandbox.book.charges)


@pytest.mark.parametrize("card", ["lost", "do_not_honor"])
def test_a_card_that_must_never_be_tried_again_is_asked_once_however_many_accounts_it_pays_for(
    sandbox: Running, card: str
) -> None:
    story, cards = sharing(sandbox, 4, card)
    story.until(-1, "09:30").sweep()
    assert asked(story) == 1
    story.until(6).sweep()
    assert asked(story) == 1, "nor is it asked later"
    first = story.store.attempts(story.numbers[0])[0]
    for number in story.numbers[1:]:
        story.no = number
        assert [(a.state, a.decline) for a in story.attempts()] == [("canceled", first.decline)], "said once, and kept"
        with pytest.raises(Refused) as caught:
            story.settle(cards[number])
        assert caught.value.code == "never_retry"
    assert asked(story) == 1
    story.check()


def test_a_day_of_declines_of_a_mastercard_is_that_of_all_its_accounts(sandbox: Running) -> None:
    story, cards = sharing(sandbox, 3, "approve_mastercard")
    for number in story.numbers:
        story.no = number
        story.bank_says(cards[number], "insufficient_funds")
    story.until(1)
    before, refused = asked(story), set[str]()
    for turn in range(15):
        story.no = story.numbers[turn % 3]
        story.until(1, f"13:{turn:02}")
        try:
            story.settle(cards[story.no])
        except Refused as error:
            refused.add(error.code)
    assert asked(story) - before <= 9
    assert refused == {"retry_later"}


def test_a_sum_that_grows_every_day_fills_a_month_of_a_visa_all_the_same(sandbox: Running) -> None:
    story = Paying(sandbox)
    method = story.card()
    story.bank_says(method, "insufficient_funds")
    refused = list[str]()
    for day in range(12):
        story.until(day, "12:00")
        for invoice in range(2):
            story.bill(day - 1, 100 + invoice)
            story.run()
            try:
                story.settle(method)
            except Refused as error:
                refused.append(error.code)
    pressed = [a for a in story.attempts() if a.initiator == "customer"]
    ours = [a for a in story.attempts() if a.initiator == "merchant"]
    assert (len(pressed), refused) == (15, ["retry_later"] * 9), "the first on this card was ours"
    assert len(ours) <= 16


def refused_to_pay(story: Paying, method: int) -> str:
    """Why a method cannot be made the one that pays."""
    with pytest.raises(Refused) as caught:
        methods.activate(story.store, story.no, method, story.now, ADMIN)
    return caught.value.code


def test_a_card_that_was_refused_on_another_account_cannot_become_the_one_that_pays(sandbox: Running) -> None:
    story = Paying(sandbox, accounts=2, bill=False)
    mine, other = story.numbers
    story.bill(-1, account=other)
    story.no = other
    story.card("lost")
    story.no = mine
    good, lost = story.card(), story.add("lost")
    story.until(-1, "09:30")
    assert story.store.attempts(other)[0].decline == "lost_card"
    assert refused_to_pay(story, lost) == "never_retry"
    assert refused_card(story.account, lost, story.store.tries_elsewhere(mine)[lost], story.now) == "never_retry"
    assert (story.account.default_method, story.sub().method) == (good, good)
    story.check()


def test_a_card_that_was_declined_cannot_become_the_one_that_pays_until_something_was_paid_with_it(
    sandbox: Running,
) -> None:
    story = Paying(sandbox)
    good, bad = story.card(), story.add("generic")
    story.bank_says(good, "insufficient_funds")
    story.until(1)
    for _turn in range(5):
        assert story.settle(bad) == ["declined"]
    story.bank_says(good, "approve")
    assert story.settle(good) == ["paid"]
    assert refused_to_pay(story, bad) == "last_declined"
    story.bill(2)
    story.bank_says(good, "insufficient_funds").bank_says(bad, "approve")
    story.until(4)
    assert story.settle(bad) == ["paid"]
    assert story.sub().method == bad
    story.check()
