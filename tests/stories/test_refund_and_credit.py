"""Money is given back, and its invoice asks less: told in either order it is one kindness and not two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest
from tests.stories.ledger import PRICE as ASKED
from tests.stories.ledger import Ledger
from tests.stories.paying import Paying
from tests.stories.story import PRICE, STAFF

from arrears.core.errors import Refused
from arrears.engine.commands import corrections
from arrears.engine.payments import refunds
from arrears.sandbox.run import Running

WHY: Final = "the customer asked"


def paid(sandbox: Running) -> tuple[Paying, str]:
    """An invoice of 120.00 that was paid by card, and the payment's reference."""
    story = Paying(sandbox)
    story.card()
    story.until(2)
    return story, story.attempts()[-1].ref


def gives_back(story: Paying, ref: str, minor: int, request: str = "r") -> None:
    """Staff give so much of the payment back."""
    refunds.refund(story.store, story.providers, f"stripe:{ref}", minor, story.now, STAFF, WHY, request)
    story.sweep()


def credits(story: Paying, minor: int) -> None:
    """The invoice asks so much less."""
    if minor == PRICE:
        corrections.void(story.store, "I1-1", story.now, STAFF, WHY)
    else:
        corrections.credit(story.store, "I1-1", minor, story.now, STAFF, WHY)


@pytest.mark.sample(8)
@pytest.mark.parametrize("given", [3_000, 5_000, PRICE])
@pytest.mark.parametrize("credited", [3_000, 5_000, PRICE])
@pytest.mark.parametrize("first", ["the refund", "the credit note"])
def test_in_either_order_the_customer_has_the_larger_of_both_once(
    sandbox: Running, given: int, credited: int, first: str
) -> None:
    story, ref = paid(sandbox)
    acts: list[Callable[[], None]] = [lambda: gives_back(story, ref, given), lambda: credits(story, credited)]
    for act in acts if first == "the refund" else reversed(acts):
        act()
    assert story.taken().get("EUR", 0) == PRICE - given
    assert story.account.credit.get("EUR", 0) == max(0, credited - given)
    story.check()


def test_several_refunds_and_several_credit_notes_meet_once_each(sandbox: Running) -> None:
    story, ref = paid(sandbox)
    gives_back(story, ref, 2_000, "first")
    credits(story, 1_500)
    gives_back(story, ref, 1_000, "second")
    credits(story, 2_500)
    assert story.account.credit.get("EUR", 0) == 1_000
    story.check()


def test_a_refund_that_fails_after_the_credit_note_is_account_credit(sandbox: Running) -> None:
    story, ref = paid(sandbox)
    gives_back(story, ref, 5_000)
    credits(story, 5_000)
    assert story.account.credit == {}
    [refund] = sandbox.sandbox.book.refunds.values()
    story.control("fail_refund", refund=refund.id)
    story.sweep()
    assert (story.taken(), story.account.credit) == ({"EUR": PRICE}, {"EUR": 5_000})
    story.check()


def test_a_refund_that_fails_is_credit_though_another_payment_was_the_latest(sandbox: Running) -> None:
    story, ref = paid(sandbox)
    book = sandbox.sandbox.book
    book.close_dispute(book.dispute(book.intents[ref], 5_000), won=False)
    story.sweep().pay(5_000, (1,))
    gives_back(story, ref, 4_000)
    credits(story, 4_000)
    [refund] = book.refunds.values()
    story.control("fail_refund", refund=refund.id)
    story.sweep()
    assert (story.taken(), story.account.credit) == ({"EUR": PRICE - 5_000}, {"EUR": 4_000})
    story.check()


def test_a_credit_note_that_has_paid_another_invoice_and_a_refund_are_two_kindnesses(sandbox: Running) -> None:
    """What a credit note gave is on the next invoice; a refund of the same payment takes nothing of that back, and
    can never be more than was taken."""
    story, ref = paid(sandbox)
    credits(story, 5_000)
    story.bill(10)
    story.until(10, "12:00")
    assert story.taken() == {"EUR": 2 * PRICE - 5_000}
    gives_back(story, ref, PRICE)
    assert (story.taken(), story.account.credit) == ({"EUR": PRICE - 5_000}, {})
    with pytest.raises(Refused, match="at most"):
        gives_back(story, ref, 1, "once more")
    assert not story.account.debts
    story.check()


def test_a_refund_at_the_provider_and_a_book_that_asks_less_afterwards_are_one(sandbox: Running) -> None:
    story = Paying(sandbox, bill=False)
    story.card(own=True)
    ledger = Ledger(story, "A1").invoice("I1", -1)
    ledger.comes()
    story.until(2)
    ledger.pay("I1")
    ledger.comes()
    book = sandbox.sandbox.book
    book.refund(book.intents[story.attempts()[-1].ref], 4_000, {})
    story.sweep()
    ledger.change("I1", total_minor=ASKED - 4_000)
    ledger.payments.clear()
    ledger.pay("I1", ASKED - 4_000)
    ledger.comes()
    assert (story.taken(), story.account.credit) == ({"EUR": ASKED - 4_000}, {})
    story.check()
