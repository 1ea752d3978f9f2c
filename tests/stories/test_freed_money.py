"""A credit note meets what was given back before only with money of that same payment: told in either order the
customer has the same, and where the refund fails after all nothing is lost (decisions 21 and 41)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

import pytest
from tests.stories import test_taken_back
from tests.stories.bank import Banked, DisputeState
from tests.stories.story import PRICE, STAFF

from arrears.core.errors import Refused
from arrears.engine.commands import corrections
from arrears.engine.payments import refunds

GIVEN: Final = 3_000
FIRST: Final = ("the refund", "the credit note")


def gives_back(story: Banked, minor: int = GIVEN, *, reopens: bool = False) -> None:
    """So much of each payment, where the bank has it."""
    for ref in story.bank.taken:
        payment, request = f"bank:{ref}", f"{minor} of {ref}"
        with suppress(Refused):
            refunds.refund(
                story.store, story.providers, payment, minor, story.now, STAFF, "why", request, reopens=reopens
            )
    story.run()


def asks_less(story: Banked, number: str, minor: int = PRICE) -> None:
    """An invoice asks so much less."""
    corrections.credit(story.store, number, minor, story.now, STAFF, "why")
    story.run()


def in_order(first: str, refund: Callable[[], None], note: Callable[[], None]) -> None:
    """Both, in this order."""
    for act in (refund, note) if first == FIRST[0] else (note, refund):
        act()


def refunds_fail(story: Banked) -> None:
    """All that was given back comes back, and is told twice."""
    story.bank.fail_refunds()
    story.hear()
    story.hear()


def credit(story: Banked) -> int:
    """The customer's credit, where nothing is owed and the bank's book is ours."""
    assert story.account.debts == ()
    story.agrees()
    return story.account.credit.get("EUR", 0)


def paid_twice() -> Banked:
    """A card and a transfer have paid the same invoice; the card's money was too much, and has paid the next one."""
    story = Banked()
    story.card(active=False)
    story.until(1)
    story.bank.silent = True
    story.settle(1)
    story.pay()
    story.bank.silent = False
    story.hear()
    story.bill(1)
    story.run()
    assert credit(story) == 0
    return story


@pytest.mark.parametrize("first", FIRST)
def test_of_two_payments_what_was_given_back_of_the_one_whose_money_is_free_again(first: str) -> None:
    story = test_taken_back.in_parts()
    in_order(first, lambda: gives_back(story), lambda: asks_less(story, "I1-1", GIVEN))
    assert credit(story) == 0
    refunds_fail(story)
    assert credit(story) == GIVEN


@pytest.mark.parametrize("first", FIRST)
def test_money_that_has_paid_another_invoice_is_not_what_the_first_one_frees(first: str) -> None:
    story = paid_twice()
    in_order(first, lambda: gives_back(story), lambda: asks_less(story, "I1-1"))
    assert credit(story) == PRICE
    gives_back(story, 100, reopens=True)
    assert credit(story) == PRICE - 100, "what is owed again is paid out of credit"
    refunds_fail(story)
    assert credit(story) == PRICE


@pytest.mark.parametrize("first", FIRST)
def test_an_invoice_that_credit_has_paid_frees_the_money_of_that_payment(first: str) -> None:
    story = paid_twice()
    in_order(first, lambda: gives_back(story), lambda: asks_less(story, "I1-2"))
    assert credit(story) == PRICE - GIVEN
    refunds_fail(story)
    assert credit(story) == PRICE


@pytest.mark.parametrize("first", FIRST)
def test_what_a_bank_has_taken_is_not_what_an_invoice_frees_that_was_paid_anew(first: str) -> None:
    story = test_taken_back.paid()
    [ref] = story.bank.taken

    def refused() -> None:
        """Asked while nobody answers; the bank takes everything, so that there is nothing to give back."""
        story.bank.silent = story.bank.no_refunds = True
        gives_back(story, PRICE)
        story.bank.silent = False

    def withdrawn() -> None:
        story.bank.dispute(ref, DisputeState.LOST)
        story.hear()
        story.pay()
        asks_less(story, "I1-1")

    in_order(first, refused, withdrawn)
    story.until(5)
    assert credit(story) == PRICE
