"""The trail of money: which debt each payment pays, what of it is credit, and what was given or taken back."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

import pytest

from arrears.core import facts as f
from arrears.core.account import Debt
from arrears.core.payments.trail import Trail, trail_of

AT: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)


def trail_after(*facts: f.AnyFact, why: str = "") -> Trail:
    """The trail of these facts, one right after the other."""
    return trail_of([f.Recorded(1, seq, AT, "staff:1", why, fact) for seq, fact in enumerate(facts, 1)])


def booked(ref: str, minor: int, *paid: tuple[int, int], of: str = "") -> f.PaymentBooked:
    """A payment in euros of which each of these debts gets so much; what is left is account credit."""
    parts = tuple(f.Allocation(debt=debt, minor=part) for debt, part in paid)
    return f.PaymentBooked(ref, "EUR", minor, parts, minor - sum(part for _, part in paid), of=of)


def reopened(debt: int, minor: int, *, given_up: bool = False) -> f.DebtReopened:
    """So much of a debt is owed again."""
    asked = Debt(debt, f"I{debt}", "EUR", 10_000, minor, date(2026, 1, 1), (1,))
    return f.DebtReopened(asked, minor, "chargeback", given_up)


def gone(ref: str, payment: str, minor: int = 0, credit: int = 0, **more: bool | int) -> f.Refunded:
    """Money of a payment has left again."""
    return f.Refunded(ref, payment, "EUR", minor, credit, **more)  # type: ignore[arg-type]


def asked(number: int, payment: str, minor: int, credit: int = 0) -> f.RefundAsked:
    """Somebody gives back so much of a payment."""
    return f.RefundAsked(number, f"key-{number}", f"request-{number}", payment, "EUR", minor, credit)


def pays(trail: Trail, ref: str) -> dict[int, int]:
    """How much of each debt a payment pays."""
    return {use.debt: use.minor for use in trail.payments[ref].uses if use.minor}


def test_a_payment_pays_its_debts_and_the_rest_is_its_credit_until_something_takes_that() -> None:
    trail = trail_after(booked("a", 10_000, (1, 4_000)), f.CreditAllocated("EUR", (f.Allocation(debt=2, minor=5_000),)))
    assert pays(trail, "a") == {1: 4_000, 2: 5_000}
    assert (trail.payments["a"].credit, trail.payments["a"].pays) == (1_000, 10_000)


def test_the_oldest_credit_is_used_first_and_a_payments_own_leaves_first() -> None:
    two = (booked("a", 3_000), booked("b", 5_000))
    used = trail_after(*two, f.CreditAllocated("EUR", (f.Allocation(debt=1, minor=4_000),)))
    assert (pays(used, "a"), pays(used, "b")) == ({1: 3_000}, {1: 1_000})
    left = trail_after(*two, asked(1, "b", 6_000, 6_000))
    assert (left.payments["a"].credit, left.payments["b"].credit) == (2_000, 0)


@pytest.mark.parametrize("is_open", [True, False])
def test_what_the_bank_took_is_of_the_payment_that_it_names_the_debts_right_before_with_it(*, is_open: bool) -> None:
    trail = trail_after(
        booked("a", 10_000, (1, 6_000), (2, 4_000)),
        booked("b", 7_000, (1, 4_000), (2, 3_000)),
        reopened(1, 6_000),
        reopened(2, 4_000),
        gone("loss", "a", reversal=True, open=is_open, reopened_minor=10_000),
    )
    assert (pays(trail, "a"), pays(trail, "b")) == ({}, {1: 4_000, 2: 3_000})
    one = trail.payments["a"]
    assert one.reopened == {1: 6_000, 2: 4_000}
    assert (one.reversals["loss"].minor, one.reversals["loss"].open) == (10_000, is_open)
    assert (one.taken_back, one.given_back, one.may_pay()) == (10_000, 0, 0)


def test_debts_that_no_payment_is_named_for_are_those_of_whoever_paid_them_last() -> None:
    trail = trail_after(
        booked("a", 10_000, (1, 6_000), (2, 4_000)),
        booked("b", 7_000, (1, 4_000), (2, 3_000)),
        reopened(1, 5_000),
        f.ChargebackClosed("nothing", "nobody", won=False),
        reopened(2, 1_000),
        gone("loss", "a", reversal=True),
    )
    assert (pays(trail, "a"), pays(trail, "b")) == ({1: 5_000, 2: 3_000}, {2: 3_000})
    assert trail.payments["a"].reversals["loss"].minor == 1_000


def test_the_network_has_ruled_and_what_was_won_is_there_again() -> None:
    lost = (booked("a", 10_000, (1, 10_000)), reopened(1, 10_000), gone("loss", "a", reversal=True, open=True))
    closed = trail_after(*lost, f.ChargebackClosed("loss", "a", won=False)).payments["a"]
    assert (closed.reversals["loss"].open, closed.taken_back) == (False, 10_000)
    trail = trail_after(*lost, booked("loss-won", 10_000, (1, 10_000), of="a"))
    won = trail.payments["a"]
    assert (won.amount, won.taken_back, won.reopened, pays(trail, "a")) == (10_000, 0, {1: 0}, {1: 10_000})
    assert (won.reversals["loss"].open, won.reversals["loss"].undone) == (False, True)


@pytest.mark.parametrize(("minor", "still"), [(4_000, 6_000), (12_000, 0)])
def test_what_is_won_back_undoes_that_loss_and_no_more(minor: int, still: int) -> None:
    lost = (booked("a", 10_000, (1, 10_000)), reopened(1, 10_000), gone("loss", "a", reversal=True, open=True))
    won = trail_after(*lost, booked("loss-won", minor + 500, (1, minor), (2, 500), of="a")).payments["a"]
    assert won.reopened == {1: still}


@pytest.mark.parametrize(
    ("why", "more", "is_open"),
    [
        ("", {"reversal": True}, False),
        ("", {"reversal": True, "open": True}, True),
        ("chargeback", {"reversal": True}, False),
        ("chargeback", {}, True),
        ("returned debit", {}, False),
    ],
)
def test_a_reversal_says_so_or_its_reason_does_and_one_of_before_is_open(
    why: str, more: dict[str, bool], is_open: bool
) -> None:
    one = trail_after(booked("a", 10_000), gone("loss", "a", 3_000, 3_000, **more), why=why).payments["a"]
    assert (one.reversals["loss"].minor, one.reversals["loss"].open, one.refunds) == (3_000, is_open, [])
    assert one.credit == 7_000


def test_money_that_leaves_right_after_debts_are_owed_again_is_a_reversal() -> None:
    one = trail_after(booked("a", 10_000, (1, 10_000)), reopened(1, 4_000), gone("loss", "a")).payments["a"]
    assert (one.reversals["loss"].minor, one.refunds, one.reopened) == (4_000, [], {1: 4_000})


def test_money_that_leaves_later_is_none_of_the_debts_that_were_owed_again_before() -> None:
    facts = (booked("a", 10_000, (1, 10_000)), reopened(1, 4_000), f.WrittenOff(2, 1, "EUR"), gone("re_1", "a", 500))
    one = trail_after(*facts).payments["a"]
    assert (one.reversals, one.reopened, [refund.minor for refund in one.refunds]) == ({}, {}, [500])


def test_a_chargeback_of_credit_alone_that_was_won_is_credit_again() -> None:
    trail = trail_after(
        booked("a", 10_000),
        gone("loss", "a", 3_000, 3_000, reversal=True, open=True),
        f.RefundUndone(0, "loss", "a", "EUR", 3_000, 3_000),
    )
    one = trail.payments["a"]
    assert (one.credit, one.taken_back, one.reversals["loss"].undone) == (10_000, 0, True)


def test_the_end_of_a_refund_is_known_once_its_money_has_left_or_it_is_undone() -> None:
    open_one, left = trail_after(*BY_US, gone("re_1", "a", refund=1)).payments["a"].refunds[::-1]
    assert (open_one.over, left.over) == (False, True)
    undone = trail_after(*BY_US, gone("re_1", "a", refund=1), f.RefundUndone(1, "late", "a", "EUR", 1_000)).refunds[1]
    assert (undone.over, undone.ref) == (True, "re_1")
    never = trail_after(*BY_US, f.RefundUndone(1, "late", "a", "EUR", 1_000)).refunds[1]
    assert (never.over, never.left, never.ref) == (True, False, "late")


def test_what_was_written_off_is_given_up_until_it_is_asked_again() -> None:
    twice = (f.WrittenOff(1, 3_000, "EUR"), f.WrittenOff(1, 1_000, "EUR"))
    assert trail_after(*twice).given_up == {1: 4_000}
    assert trail_after(*twice, reopened(1, 1_500, given_up=True)).given_up == {1: 2_500}


def test_a_refund_in_kindness_takes_credit_first_and_no_debt() -> None:
    trail = trail_after(booked("a", 10_000, (1, 8_000)), asked(1, "a", 5_000, 2_000), gone("re_1", "a", refund=1))
    one = trail.payments["a"]
    assert (one.credit, pays(trail, "a")) == (0, {1: 8_000})
    assert (one.given_back, one.kindness, one.taken_back) == (5_000, 3_000, 0)
    assert (one.may_pay(), one.may_pay(1_000)) == (8_000, 7_000)
    assert [(refund.ref, refund.left) for refund in one.refunds] == [("re_1", True)]


def test_a_refund_that_reopens_is_a_reversal_of_what_its_credit_was_not() -> None:
    one = trail_after(
        booked("a", 10_000, (1, 8_000)),
        asked(1, "a", 5_000, 2_000),
        reopened(1, 3_000),
        gone("re_1", "a", 2_000, refund=1, reversal=True, reopened_minor=3_000),
    ).payments["a"]
    assert (one.taken_back, one.given_back, one.kindness) == (3_000, 2_000, 0)


BY_US: Final = (booked("a", 10_000, (1, 10_000)), asked(1, "a", 1_000), asked(2, "a", 2_000))
"""Two refunds that we have asked for, of which the provider has told nothing yet."""
AT_PROVIDER: Final = (booked("a", 10_000, (1, 10_000)), gone("re_1", "a", 1_000), gone("re_2", "a", 2_000))
"""Two refunds that were made at the provider itself, without a number of ours."""


@pytest.mark.parametrize(("before", "number", "ref"), [(BY_US, 2, ""), (AT_PROVIDER, 0, "re_2")])
def test_a_refund_is_covered_or_undone_by_its_number_or_its_reference_and_no_other_is(
    before: tuple[f.AnyFact, ...], number: int, ref: str
) -> None:
    note = f.InvoiceCredited(1, "EUR", 500, 500)
    covered = trail_after(*before, note, f.RefundCovered(number, ref, "a", "EUR", 500)).payments["a"]
    assert ([refund.credit for refund in covered.refunds], covered.credit) == ([0, 500], 0)
    assert covered.kindness == 2_500
    undone = trail_after(*before, f.RefundUndone(number, ref, "a", "EUR", 2_000)).payments["a"]
    assert [refund.undone for refund in undone.refunds] == [False, True]
    assert (undone.given_back, undone.kindness) == (1_000, 1_000)


def test_a_refund_is_found_by_its_request_its_key_or_its_reference_and_nothing_names_none() -> None:
    trail = trail_after(*BY_US, gone("re_2", "a", refund=2))
    found = [trail.refund_of(request="request-2"), trail.refund_of(key="key-2"), trail.refund_of(ref="re_2")]
    assert [refund and refund.number for refund in found] == [2, 2, 2]
    assert trail.refund_of() is None
    assert trail_after(*AT_PROVIDER).refund_of(request="request-1") is None


def test_what_a_credit_note_leaves_of_no_payment_is_used_in_its_turn_and_is_nobodys() -> None:
    facts = (
        f.InvoiceCredited(1, "EUR", 500, 500),
        booked("a", 1_000),
        f.CreditAllocated("EUR", (f.Allocation(2, 600),)),
    )
    assert (trail_after(*facts).payments["a"].credit, pays(trail_after(*facts), "a")) == (900, {2: 100})


def test_a_credit_note_frees_the_money_of_a_kindness_then_of_the_latest_and_the_rest_is_nobodys() -> None:
    trail = trail_after(
        booked("a", 5_000, (1, 5_000)),
        asked(1, "a", 1_000),
        booked("b", 4_000, (1, 4_000)),
        f.InvoiceCredited(1, "EUR", 10_000, 10_000),
    )
    assert (trail.payments["a"].credit, trail.payments["b"].credit) == (5_000, 4_000)
    some = trail_after(
        booked("a", 5_000, (1, 5_000)),
        asked(1, "a", 1_000),
        booked("b", 4_000, (1, 4_000)),
        f.InvoiceCredited(1, "EUR", 3_000, 3_000),
    )
    assert (some.payments["a"].credit, some.payments["b"].credit) == (1_000, 2_000)
    assert pays(some, "a") == {1: 4_000}
