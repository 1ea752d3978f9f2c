"""What a bank takes back is taken from where the money is, and what comes back undoes exactly that: any order and any
number of the provider's reports comes to the same books (spec, section 4, point 10)."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import Final

import pytest
from tests.stories.bank import Banked
from tests.stories.story import PRICE, STAFF

from arrears.core import facts as f
from arrears.core.account import HoldScope
from arrears.core.payments.values import (
    Change,
    Codes,
    DebitReturned,
    DisputeChange,
    DisputeState,
    RefundChange,
    RefundState,
)
from arrears.core.states import State
from arrears.engine.commands import corrections
from arrears.engine.payments.reconciliation import check

OPEN, WON, LOST = DisputeState.OPEN, DisputeState.WON, DisputeState.LOST


def paid() -> Banked:
    """An invoice of 120 that a card has paid."""
    story = Banked()
    story.card()
    story.until(2)
    assert story.account.debts == ()
    return story


def in_parts() -> Banked:
    """The same, paid in parts of 50 and 70."""
    story = Banked()
    story.card("empty")
    story.until(2)
    good = story.card("approve")
    assert story.settle(good, 5000) + story.settle(good) == ["paid", "paid"]
    return story


def through_credit() -> Banked:
    """A card and a transfer paid the same invoice; what was too much has paid the next one of 80, and 40 is left."""
    story = paid()
    story.pay(0 or PRICE, ())
    story.bill(1, 8000)
    story.run()
    return story


def through_a_credit_note() -> Banked:
    """The invoice that the card paid was withdrawn; its money has paid the next one of 80, and 40 is left."""
    story = paid()
    corrections.void(story.store, "I1-1", story.now, STAFF, "wrong")
    story.bill(1, 8000)
    story.run()
    return story


def card_as_credit() -> Banked:
    """The transfer was first, so the card's money, whose answer was lost, was the one too much."""
    story = Banked()
    story.card("approve", active=False)
    story.until(1)
    story.bank.silent = True
    story.settle(1)
    story.pay()
    story.bank.silent = False
    story.hear()
    story.bill(2, 8000)
    story.run()
    assert story.account.credit == {"EUR": 4000}
    return story


SITUATIONS: Final[dict[str, Callable[[], Banked]]] = {
    made.__name__: made for made in (paid, in_parts, through_credit, through_a_credit_note, card_as_credit)
}

ENDS: Final[dict[str, list[list[tuple[str, DisputeState, int]]]]] = {
    "open": [[("a", OPEN, 0)]],
    "lost": [[("a", OPEN, 0), ("a", LOST, 0)]],
    "won": [[("a", OPEN, 0), ("a", WON, 0)]],
    "won, lost again": [[("a", OPEN, 0), ("a", WON, 0), ("b", OPEN, 0), ("b", LOST, 0)]],
    "lost, won another": [[("a", OPEN, 0), ("a", LOST, 0), ("b", OPEN, 0), ("b", WON, 0)]],
    "two partial, one open": [[("a", LOST, 3000), ("b", OPEN, 2000), ("c", WON, 1000)]],
}


def report(story: Banked, ref: str, name: str, state: DisputeState, minor: int) -> DisputeChange:
    return DisputeChange(ref, name, state, minor or story.bank.taken[ref].minor, "EUR")


def still_open(reports: list[tuple[str, DisputeState, int]]) -> list[tuple[str, int]]:
    ruled = {name for name, state, _ in reports if state is not OPEN}
    return [(name, minor) for name, state, minor in reports if name not in ruled]


@pytest.mark.sample(15)
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("situation", SITUATIONS)
def test_any_order_and_number_of_reports_comes_to_the_same_books(situation: str, end: str) -> None:
    [reports] = ENDS[end]
    orders = list(itertools.permutations(reports))
    random.Random(7).shuffle(orders)
    seen = []
    for order in [tuple(reports), tuple(reversed(reports)), *orders[:6]]:
        story = SITUATIONS[situation]()
        for ref in list(story.bank.taken):
            for name, state, minor in reports:
                story.bank.dispute(ref, state, minor, f"{ref}-{name}")
            for name, state, minor in (*order, *order[:2]):
                story.hear(report(story, ref, f"{ref}-{name}", state, minor))
        story.agrees()
        # While one is open, it depends on what came first whether other credit has paid a part of what is held.
        for ref in list(story.bank.taken):
            for name, minor in still_open(reports):
                story.bank.dispute(ref, LOST, minor, f"{ref}-{name}")
                story.hear(report(story, ref, f"{ref}-{name}", LOST, minor))
        story.agrees()
        seen.append(story.books())
    assert all(one == seen[0] for one in seen)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_is_lost_is_owed_again_wherever_the_money_has_gone_and_what_is_won_undoes_that(situation: str) -> None:
    story = SITUATIONS[situation]()
    before, lost = story.books(), sum(one.minor for one in story.bank.taken.values())
    for ref in list(story.bank.taken):
        story.bank.dispute(ref, OPEN, 0, f"{ref}-a")
    story.hear()
    owed = sum(d.open_minor for d in story.account.debts)
    credit = {"paid": 0, "in_parts": 0, "through_credit": 0}.get(situation, 4000)
    assert owed == lost - credit
    assert all(story.account.debt_is_held(d.no) for d in story.account.debts), "while it is open nothing is demanded"
    for ref in list(story.bank.taken):
        story.bank.dispute(ref, WON, 0, f"{ref}-a")
    story.hear()
    story.agrees()
    assert story.books() == before


def test_lost_it_is_owed_with_its_full_ladder_and_the_payer_can_settle_it() -> None:
    story = card_as_credit()
    ref = next(iter(story.bank.taken))
    story.bank.dispute(ref, LOST, 0, "a")
    story.hear()
    assert [(d.number, d.open_minor) for d in story.account.debts] == [("I1-2", 8000)]
    story.until(5)
    assert story.settle(1) == ["paid"]
    assert story.sub().state is State.ACTIVE
    story.agrees()


def test_won_after_the_debt_was_paid_otherwise_it_is_credit_and_a_refund_is_offered() -> None:
    story = paid()
    ref = next(iter(story.bank.taken))
    story.bank.dispute(ref, OPEN, 0, "a")
    story.hear()
    story.pay()
    story.bank.dispute(ref, WON, 0, "a")
    story.hear()
    story.agrees()
    assert story.account.credit == {"EUR": PRICE}
    assert [fact.tell for _, fact in story.facts(f.PaymentBooked)][-1] == "credit"


def test_won_after_staff_have_written_it_off_nobody_gets_credit_that_never_was() -> None:
    story = paid()
    ref = next(iter(story.bank.taken))
    story.bank.dispute(ref, OPEN, 0, "a")
    story.hear()
    story.write_off(1)
    story.bank.dispute(ref, WON, 0, "a")
    story.hear()
    story.agrees()
    assert (story.account.credit, story.account.debts) == ({}, ())


def test_the_part_that_a_bank_held_and_has_left_us_is_charged_by_ourselves_again() -> None:
    story = in_parts()
    first = next(iter(story.bank.taken))
    story.bank.dispute(first, OPEN, 0, "a")
    story.hear()
    assert story.account.debts[0].charged_back
    story.pay(1000)
    story.bank.dispute(first, WON, 0, "a")
    story.hear()
    assert (story.account.debts, story.account.credit) == ((), {"EUR": 1000})
    story.agrees()


def of_one_bank(story: Banked, *reports: tuple[str, int, DisputeState]) -> None:
    """The bank takes these parts of the first payment back, or gives them back again."""
    first = next(iter(story.bank.taken))
    for name, minor, state in reports:
        story.bank.dispute(first, state, minor, name)
        story.hear(report(story, first, name, state, minor))


def flags(story: Banked) -> list[tuple[int, bool]]:
    """What is open of each debt, and whether it is one that we do not charge by ourselves."""
    return [(debt.open_minor, debt.charged_back) for debt in story.account.debts]


def test_as_long_as_a_bank_holds_anything_of_a_debt_we_do_not_charge_it_and_then_we_do() -> None:
    story = Banked()
    story.card("empty")
    story.until(2)
    assert story.settle(story.card("approve"), 5000) == ["paid"]
    of_one_bank(story, ("a", 3000, LOST), ("b", 2000, OPEN))
    assert flags(story) == [(PRICE, True)]
    of_one_bank(story, ("b", 2000, WON))
    assert flags(story) == [(PRICE - 2000, True)], "of the first part a bank holds 30.00 still"
    of_one_bank(story, ("a", 3000, WON))
    assert flags(story) == [(PRICE - 5000, False)], "nothing any more"


def test_a_part_that_is_back_says_nothing_of_the_part_that_another_bank_holds() -> None:
    story = in_parts()
    first, second = story.bank.taken
    story.hear(report(story, first, "a", OPEN, 0), report(story, second, "b", OPEN, 0))
    assert flags(story) == [(PRICE, True)]
    story.hear(report(story, first, "a", WON, 0))
    assert flags(story) == [(7000, True)]


def test_what_is_open_when_every_part_is_back_is_charged_by_ourselves_again() -> None:
    story = Banked()
    story.card("empty")
    story.until(2)
    assert story.settle(story.card("approve"), 5000) == ["paid"]
    of_one_bank(story, ("a", 5000, OPEN))
    assert flags(story) == [(PRICE, True)]
    of_one_bank(story, ("a", 5000, WON))
    assert flags(story) == [(7000, False)]


def test_a_debit_that_is_returned_later_does_not_let_us_charge_what_a_bank_has_taken_back() -> None:
    story = in_parts()
    first, second = story.bank.taken
    story.hear(report(story, first, "a", LOST, 0))
    story.hear(DebitReturned(second, "r", 7000, "EUR", Codes("", "AC04")))
    assert flags(story) == [(PRICE, True)]
    alone = in_parts()
    alone.hear(DebitReturned(second, "r", 7000, "EUR", Codes("", "AC04")))
    assert flags(alone) == [(7000, False)]


def test_a_hold_of_the_staffs_on_the_same_debt_stays_and_covers_no_chargeback() -> None:
    story = paid()
    of_one_bank(story, ("a", PRICE, LOST))
    ours = story.hold(60, scope=HoldScope.DEBT, target=1)
    of_one_bank(story, ("b", 100, OPEN), ("b", 100, LOST))
    assert [h.no for h in story.account.holds if h.ended_at is None] == [ours]


def test_a_second_chargeback_of_what_was_won_is_held_as_the_first_was() -> None:
    story = paid()
    for name in ("a", "b"):
        of_one_bank(story, (name, PRICE, OPEN))
        assert story.account.debt_is_held(1)
        of_one_bank(story, (name, PRICE, WON))
        assert story.account.debts == ()
    story.agrees()


def test_a_debt_whose_day_has_not_come_is_owed_again_and_not_past_due() -> None:
    story = Banked(bill=False)
    good = story.card()
    story.bill(20)
    assert story.settle(good, also=(1,)) == ["paid"]
    story.bank.dispute(next(iter(story.bank.taken)), LOST, 0, "a")
    story.hear()
    assert (story.account.debts[0].open_minor, story.account.past_due) == (PRICE, ())
    story.agrees()


def test_where_reports_were_lost_the_check_names_the_payment() -> None:
    story = paid()
    ref = next(iter(story.bank.taken))
    story.bank.dispute(ref, LOST, 0, "a")
    found = check(story.store, story.bank, story.instant(-30), story.now)
    assert any(ref in difference.words for difference in found.differences)


REFUNDS: Final = list(itertools.permutations([RefundState.DONE, RefundState.REFUSED, RefundState.DONE]))


@pytest.mark.parametrize("order", REFUNDS)
def test_a_refund_that_failed_stays_undone_in_whatever_order_that_is_told(order: tuple[RefundState, ...]) -> None:
    story = paid()
    story.pay(3000, ())
    ref = next(iter(story.bank.taken))
    story.bank.taken[ref].refunds["r"] = (5000, RefundState.REFUSED, "")
    reports: list[Change] = [RefundChange(ref, "r", "", state, 5000, "EUR") for state in order]
    story.hear(*reports, *reports)
    story.agrees()
    assert story.account.credit == {"EUR": 3000}


def test_a_failed_refund_by_the_name_of_what_a_bank_took_is_money_that_is_here_again() -> None:
    story = paid()
    ref = next(iter(story.bank.taken))
    story.hear(report(story, ref, "x", LOST, 0))
    assert story.account.debts[0].open_minor == PRICE
    story.hear(RefundChange(ref, "x", "", RefundState.REFUSED, PRICE, "EUR"))
    assert story.account.debts == ()
    story.agrees()


def test_an_inquiry_has_taken_nothing() -> None:
    story = Banked()
    story.card()
    story.until(2)
    [taken] = story.bank.taken
    story.hear(DisputeChange(taken, "q", DisputeState.INQUIRY, PRICE, "EUR"))
    assert (story.account.debts, story.account.holds, story.facts(f.Refunded)) == ((), (), [])
