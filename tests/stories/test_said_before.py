"""A billing system's book and the provider tell of the same payment, in either order: it is booked once, and what was
paid twice is credit."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest
from tests.stories.bank import Banked
from tests.stories.ledger import PRICE, Ledger

from arrears.core import facts as f
from arrears.core.known import IMPORTER
from arrears.core.states import State
from arrears.engine.commands.importing import import_book


class Shop(Banked):
    """Customer B1 of the book, whose invoice I1 of 100.00 is past due, and who has a payment page open."""

    def __init__(self, day: int = 2) -> None:
        super().__init__(bill=False)
        self.ledger = Ledger(self).invoice("I1", -1)
        self.ledger.comes()
        self.no = self.store.account_numbers(["B1"])["B1"]
        self.until(day)
        self.open_page()

    def book_says(self, minor: int = PRICE) -> None:
        """The book comes, and calls so much of I1 paid."""
        self.ledger.payments = []
        self.ledger.pay("I1", minor, ref="X1")
        self.ledger.comes()

    def standing(self) -> tuple[int, dict[str, int], bool]:
        """What is open, what is credit, and whether staff are asked about money that came twice."""
        owed = sum(debt.open_minor for debt in self.account.debts)
        return owed, dict(self.account.credit), "paid_twice" in self.tasks()


ORDERS: Final = {"the book": ("book", "page"), "the page": ("page", "book")}


@pytest.mark.parametrize("first", ORDERS)
@pytest.mark.parametrize(("said", "owed"), [(PRICE, 0), (4_000, 0)], ids=["whole", "part"])
def test_what_was_paid_on_the_page_and_is_in_the_book_is_one_payment(first: str, said: int, owed: int) -> None:
    story = Shop()
    story.bank.pay_on_page()
    story.until(2, "13:00")
    for who in ORDERS[first]:
        if who == "book":
            story.book_says(said)
        else:
            story.hear()
    assert story.standing() == (owed, {}, False)
    story.book_says(said)
    assert story.standing() == (owed, {}, False), "said again it is no news"
    assert (story.sub().state, story.account.case) == (State.ACTIVE, None)
    story.agrees()


def test_what_is_paid_on_the_page_after_the_book_has_called_it_paid_was_paid_twice() -> None:
    story = Shop()
    story.ledger.pay("I1")
    import_book(story.store, story.ledger.book(), story.now, IMPORTER)
    story.stage.now += timedelta(seconds=1)
    story.bank.pay_on_page()  # before anybody could end the page
    story.hear()
    assert story.standing() == (0, {"EUR": PRICE}, True)
    story.agrees()


def test_a_book_that_says_more_than_the_page_has_taken_has_another_payment() -> None:
    story = Shop()
    story.bank.pay_on_page()
    story.until(2, "13:00")
    story.book_says(2 * PRICE)
    story.hear()
    assert story.standing() == (0, {"EUR": PRICE}, True)
    story.agrees()


def test_who_was_stopped_meanwhile_runs_and_is_told_nothing_new() -> None:
    story = Shop(33)
    assert story.sub().state is State.DISABLED
    story.bank.pay_on_page()
    story.until(33, "13:00")
    story.book_says()
    told = len(story.facts(f.Noticed))
    story.hear()
    story.until(36)
    assert story.sub().state is State.ACTIVE
    assert len(story.facts(f.Noticed)) == told
    story.agrees()
