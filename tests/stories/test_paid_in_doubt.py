"""An import calls paid what the provider has taken back: nothing is booked again, nothing is cut, a person is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest
from msgspec.structs import replace
from tests.stories.bank import Banked, DisputeState
from tests.stories.ledger import PRICE, Ledger
from tests.stories.story import STAFF

from arrears.core import facts as f
from arrears.core.known import IMPORTER
from arrears.core.receivables import OpenItems
from arrears.core.states import State
from arrears.engine import commands
from arrears.engine.commands.importing import ImportReport, import_book
from arrears.engine.payments import refunds

OPEN, WON, LOST = DisputeState.OPEN, DisputeState.WON, DisputeState.LOST


class Booked(Banked):
    """Customer B1 of the book, whose invoice I1 of 100.00 was paid by card on its due date."""

    def __init__(self, *, paid: bool = True) -> None:
        super().__init__(bill=False)
        self.ledger = Ledger(self).invoice("I1", 0)
        self.ledger.comes()
        self.no = self.store.account_numbers(["B1"])["B1"]
        self.method = self.card()
        if paid:
            self.until(1)
            [self.first] = self.bank.taken

    def says(self, *payments: int, on: int | None = None) -> ImportReport:
        """The book comes, and calls so much paid of I1: in its column, or by rows of a day."""
        self.ledger.payments = []
        for number, minor in enumerate(payments):
            self.ledger.pay("I1", minor, ref=f"X{number}" if on is not None else "")
        last = len(payments) - 1
        self.ledger.payments = [
            replace(one, dated=on is not None, paid_on=self.date(on) if on is not None and at == last else one.paid_on)
            for at, one in enumerate(self.ledger.payments)
        ]
        return self.ledger.comes()

    def charged_back(self, *states: DisputeState) -> None:
        """The payer's bank takes the first payment back, and what the network rules."""
        for state in states or (OPEN, LOST):
            self.bank.dispute(self.first, state, 0, "d")
            self.hear()

    def given_back(self) -> None:
        """Staff give the first payment back, so that it is owed again."""
        refunds.refund(
            self.store, self.providers, f"bank:{self.first}", PRICE, self.now, STAFF, "why", "r", reopens=True
        )
        self.hear()

    @property
    def owed(self) -> int:
        """What is open."""
        return sum(debt.open_minor for debt in self.account.debts)

    @property
    def imported(self) -> list[int]:
        """The payments that imports have booked."""
        booked = [fact for _, fact in self.facts(f.PaymentBooked)]
        return [one.amount_minor for one in booked if not one.ref.startswith("bank:")]


LEAVES: Final[dict[str, Callable[[Booked], object]]] = {
    "chargeback": Booked.charged_back,
    "refund that reopens": Booked.given_back,
}


@pytest.mark.parametrize("leaves", LEAVES.values(), ids=LEAVES)
@pytest.mark.parametrize("first", ["the book", "the money"])
def test_what_the_provider_took_back_is_not_booked_again_because_the_book_calls_it_paid(
    leaves: Callable[[Booked], object], first: str
) -> None:
    story = Booked()
    if first == "the book":
        story.says(PRICE)
        leaves(story)
    else:
        leaves(story)
    report = story.says(PRICE)
    assert (story.owed, story.account.credit, story.imported) == (PRICE, {}, [])
    assert (report.count["paid_in_doubt"], report.changed) == (1, {})
    assert story.tasks() == ["change_not_recorded"]
    story.agrees()


@pytest.mark.parametrize("leaves", LEAVES.values(), ids=LEAVES)
def test_nothing_is_said_charged_or_cut_while_the_book_calls_it_paid(leaves: Callable[[Booked], object]) -> None:
    story = Booked()
    leaves(story)
    story.says(PRICE)
    seq = len(story.history())
    story.until(80)
    assert story.sub().state is State.PAST_DUE
    done = {type(one.fact).__name__ for one in story.history()[seq:]}
    assert not done & {"AttemptCreated", "Disabled"}
    assert not [one for one in story.history()[seq:] if isinstance(one.fact, f.Noticed) and one.fact.each(f.Warning)]


def test_said_again_the_same_asks_nobody_twice_and_closed_by_a_person_it_stays_closed() -> None:
    story = Booked()
    story.charged_back()
    story.says(PRICE)
    story.says(PRICE)
    [((_, task), asked)] = story.inner.tasks.items()
    assert asked.times == 1
    commands.close_task(story.store, story.no, task, story.now, STAFF, "it is the payment that was taken back")
    story.says(PRICE)
    assert (story.account.doubts, story.tasks(), story.owed) == ((), [], PRICE)


def test_a_book_that_has_heard_of_it_ends_the_doubt_and_what_it_calls_paid_then_is_new() -> None:
    story = Booked()
    story.charged_back()
    story.says(PRICE)
    story.says()
    assert (story.account.doubts, story.tasks(), story.owed) == ((), [], PRICE)
    story.says(PRICE)
    assert (story.owed, story.account.credit, story.imported) == (0, {}, [PRICE])
    story.agrees()


def test_what_is_closed_by_a_person_and_heard_later_is_heard() -> None:
    story = Booked()
    story.charged_back()
    story.says(PRICE)
    [(_, task)] = story.inner.tasks
    commands.close_task(story.store, story.no, task, story.now, STAFF, "the old one")
    story.says()
    story.says(PRICE)
    assert (story.owed, story.imported) == (0, [PRICE])


def test_gone_from_a_list_of_what_is_open_it_is_no_payment_before_the_list_has_named_it_again() -> None:
    story = Booked()
    story.charged_back()
    named = replace(story.ledger.book(), open_items=OpenItems())
    gone = replace(named, accounts=(), invoices=())
    paid = []
    for book in (gone, gone, named, gone):
        import_book(story.store, book, story.now, IMPORTER)
        paid.append(story.imported)
    assert (paid, story.owed, story.account.doubts) == ([[], [], [], [PRICE]], 0, ())
    story.agrees()


def test_more_than_what_was_taken_back_is_booked() -> None:
    story = Booked()
    story.charged_back()
    story.says(PRICE + 4000)
    assert (story.owed, story.imported) == (PRICE - 4000, [4000])
    story.says(PRICE + 4000)
    assert (story.owed, story.imported) == (PRICE - 4000, [4000])


def test_a_row_of_a_later_day_is_another_payment() -> None:
    story = Booked()
    story.charged_back()
    story.until(10)
    story.says(PRICE, PRICE, on=9)
    assert (story.owed, story.imported) == (0, [PRICE])
    story.says(PRICE, PRICE, on=9)
    assert (story.account.credit, story.imported, story.account.doubts) == ({}, [PRICE], ())


def test_paid_again_by_card_it_is_no_credit_when_the_book_knows_both_and_not_what_was_taken_back() -> None:
    story = Booked()
    story.charged_back()
    story.says(PRICE)
    story.settle(story.method)
    story.says(PRICE)
    assert (story.owed, story.account.credit, story.account.doubts) == (0, {}, ())
    story.says(2 * PRICE)
    assert (story.account.credit, story.imported, story.account.doubts) == ({}, [], ())
    story.agrees()


def test_what_is_won_back_is_neither_owed_nor_credit_whatever_the_book_said_meanwhile() -> None:
    story = Booked()
    story.charged_back(OPEN)
    story.says(PRICE)
    story.charged_back(WON)
    story.says(PRICE)
    assert (story.owed, story.account.credit, story.imported) == (0, {}, [])
    assert (story.account.doubts, story.tasks()) == ((), [])
    story.agrees()


@pytest.mark.parametrize("before", [True, False])
def test_what_an_attempt_under_way_takes_is_not_booked_as_a_payment_of_the_book_too(before: bool) -> None:
    story = Booked(paid=False)
    story.bank.silent = True
    story.until(1)
    if before:
        story.says(PRICE)
    story.bank.silent = False
    story.hear()
    story.says(PRICE)
    assert (story.owed, story.account.credit, story.imported) == (0, {}, [])
    assert (story.account.doubts, story.tasks()) == ((), [])


def test_an_attempt_that_took_nothing_leaves_what_the_book_calls_paid() -> None:
    story = Booked(paid=False)
    story.bank.refuses.add("approve")
    story.bank.silent = True
    story.until(1)
    story.says(PRICE)
    story.bank.silent = False
    story.hear()
    story.until(40)
    assert story.sub().state is State.PAST_DUE, "nothing is cut before the book has been read again"
    story.says(PRICE)
    assert (story.owed, story.imported, story.account.doubts) == (0, [PRICE], ())
