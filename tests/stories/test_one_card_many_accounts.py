"""One card that pays for several accounts: the networks count on the card, and so do we."""

from __future__ import annotations

import pytest
from tests.stories.paying import Paying

from arrears.core.errors import Refused
from arrears.sandbox.run import Running


def sharing(sandbox: Running, accounts: int, card: str) -> tuple[Paying, dict[int, int]]:
    """So many accounts that owe, each with the same card on file; the number of its method on each."""
    story = Paying(sandbox, accounts=accounts, bill=False)
    methods = {}
    for number in story.numbers:
        story.no = number
        story.bill(-1, account=number)
        methods[number] = story.card(card)
    story.no = story.numbers[0]
    return story, methods


def asked(story: Paying) -> int:
    """How often the card network was asked."""
    return len(story.sandbox.sandbox.book.charges)


@pytest.mark.parametrize("card", ["lost", "do_not_honor"])
def test_a_card_that_must_never_be_tried_again_is_asked_once_however_many_accounts_it_pays_for(
    sandbox: Running, card: str
) -> None:
    story, methods = sharing(sandbox, 4, card)
    story.until(-1, "09:30").sweep()
    assert asked(story) == 1
    story.until(6).sweep()
    assert asked(story) == 1, "nor is it asked later"
    first = story.store.attempts(story.numbers[0])[0]
    for number in story.numbers[1:]:
        story.no = number
        assert [(a.state, a.decline) for a in story.attempts()] == [("canceled", first.decline)], "said once, and kept"
        with pytest.raises(Refused) as caught:
            story.settle(methods[number])
        assert caught.value.code == "never_retry"
    assert asked(story) == 1
    story.check()


def test_a_day_of_declines_of_a_mastercard_is_that_of_all_its_accounts(sandbox: Running) -> None:
    story, methods = sharing(sandbox, 3, "approve_mastercard")
    for number in story.numbers:
        story.no = number
        story.bank_says(methods[number], "insufficient_funds")
    story.until(1)
    before, refused = asked(story), set[str]()
    for turn in range(15):
        story.no = story.numbers[turn % 3]
        story.until(1, f"13:{turn:02}")
        try:
            story.settle(methods[story.no])
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
    assert (len(pressed), refused) == (16, ["retry_later"] * 8), "one, and 15 more in 30 days"
    assert len(ours) <= 16
