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
from arrears.core.payments.values import Paid
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

    def taken_back(self) -> list[int]:
        """What has been taken back of each payment that the book has told of."""
        return [fact.amount_minor + fact.reopened_minor for _, fact in self.facts(f.Refunded)]


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


def test_what_else_the_book_calls_paid_or_asks_for_is_none_of_the_pages() -> None:
    story = Shop()
    story.bank.pay_on_page()
    story.until(2, "13:00")
    story.ledger.invoice("I2", 1).invoice("I3", 1).pay("I3").pay("I1")
    story.ledger.comes()
    story.hear()
    assert {debt.number: debt.open_minor for debt in story.account.debts} == {"I2": PRICE}
    assert story.standing() == (PRICE, {}, False)
    story.agrees()


def test_what_is_open_is_paid_before_anything_of_the_book_is_taken_back() -> None:
    story = Shop()
    story.bank.pay_on_page()
    story.until(2, "13:00")
    for ref, minor in (("X1", 3_000), ("X2", 2_000), ("X3", 4_000)):
        story.ledger.pay("I1", minor, ref=ref)
    story.ledger.comes()
    story.hear()
    assert story.standing() == (0, {}, False)
    assert story.taken_back() == [3_000, 2_000, 4_000], "10.00 were open"
    story.agrees()


def test_nothing_is_taken_back_of_what_the_page_has_not_taken() -> None:
    story = Shop()
    story.bank.pay_on_page()
    story.until(2, "13:00")
    for ref in ("X1", "X2", "X3"):
        story.ledger.pay("I1", PRICE // 2, ref=ref)
    story.ledger.comes()
    story.hear()
    assert story.taken_back() == [PRICE // 2] * 2
    assert story.standing() == (0, {"EUR": PRICE // 2}, True)
    story.agrees()


def test_at_the_same_instant_it_is_the_same_payment() -> None:
    story = Shop()
    story.bank.pay_on_page()
    story.ledger.pay("I1")
    import_book(story.store, story.ledger.book(), story.now, IMPORTER)
    story.hear()
    assert story.standing() == (0, {}, False)
    story.agrees()


def test_what_the_operators_own_systems_tell_may_be_a_second_payment_and_stays() -> None:
    story = Shop()
    story.bank.pay_on_page()
    story.until(2, "13:00")
    story.pay(PRICE, (1,))
    story.hear()
    assert story.standing() == (0, {"EUR": PRICE}, True)
    story.agrees()


def test_of_a_provider_that_takes_less_than_was_asked_no_more_is_taken_back_than_it_has_taken() -> None:
    story = Shop()
    story.bank.pay_on_page()
    [(attempt, paid)] = story.bank.said.items()
    assert isinstance(paid, Paid)
    story.bank.said[attempt] = paid._replace(amount_minor=6_000)
    story.bank.taken[paid.ref].minor = 6_000
    story.until(2, "13:00")
    story.book_says(7_000)
    story.hear()
    assert (story.standing(), story.taken_back()) == ((0, {}, False), [3_000])
    story.agrees()
