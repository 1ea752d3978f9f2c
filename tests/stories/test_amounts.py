"""What is taken, told by day: never more than is owed now, and what cannot be taken stops nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stories.paying import ADMIN, Paying, post
from tests.stories.story import PRICE, STAFF, Story

from arrears.adapters.payments.stripe.amounts import amount_limits
from arrears.cli.explain import explanation
from arrears.core.account import DebtPart, HoldScope
from arrears.core.errors import Refused
from arrears.core.money import CURRENCIES
from arrears.core.payments.limits import AmountLimits
from arrears.core.payments.settlement import quote_for
from arrears.core.states import State
from arrears.engine import system
from arrears.engine.payments import pages, refunds, settling, sweep
from arrears.sandbox.run import Running

SMALL = "[tolerance]\nEUR = 200\n"


def test_a_small_invoice_is_in_no_settlement_before_its_day_has_come(sandbox: Running) -> None:
    story = Paying(sandbox, policy=SMALL, bill=False)
    story.bill(20, 150)
    story.until(0)
    assert story.owed() == [], "nothing is owed yet"
    story.bill(0)
    story.until(2)
    assert [q.amount_minor for q in story.owed()] == [PRICE]
    assert [q.amount_minor for q in story.owed(also=(1,))] == [PRICE + 150], "it may be chosen"
    assert story.settle(story.add()) == ["paid"]
    assert story.taken() == {"EUR": PRICE}
    story.until(20, "23:59")
    assert story.taken() == {"EUR": PRICE + 150}, "its own charge, at nine of its day"
    story.check()


def test_a_rest_within_the_tolerance_joins_the_next_settlement_once_its_day_has_passed(sandbox: Running) -> None:
    story = Paying(sandbox, policy=SMALL, bill=False)
    story.bill(-1, 150)
    story.until(-1, "23:59")
    assert story.owed() == []
    story.until(0, "00:00")
    assert [q.amount_minor for q in story.owed()] == [150]
    assert story.sub().state is State.ACTIVE
    story.check()


def test_what_is_not_due_yet_neither_joins_nor_puts_off_the_retry_of_what_is(sandbox: Running) -> None:
    story = Paying(sandbox)
    card = story.card("insufficient_funds")
    story.until(-1, "10:00")
    story.bill(20, 500)
    story.bank_says(card, "approve")
    story.until(3)
    assert [(a.state, a.amount_minor) for a in story.attempts()] == [("declined", PRICE), ("paid", PRICE)]
    story.check()


@pytest.mark.parametrize("part", [{"eur": 500}, {"EUR ": 500}, {"USD": 500}, {"EUR": 500, "USD": 1}, {"EUR": 0}])
def test_a_part_of_what_was_not_quoted_is_refused_and_nothing_is_charged(
    sandbox: Running, part: dict[str, int]
) -> None:
    story = Paying(sandbox)
    story.until(1)
    assert story.settle(story.add("insufficient_funds")) == ["declined"]
    with pytest.raises(Refused, match="part_minor") as refused:
        story.settle(story.add(), part_minor=part)
    assert refused.value.code == "bad_part"
    assert (len(story.attempts()), story.taken()) == (1, {})


@pytest.mark.parametrize(("refused", "paid"), [("BHD", "USD"), ("KWD", "EUR")], ids=["first", "last"])
def test_a_currency_that_is_refused_keeps_no_other_from_being_paid(sandbox: Running, refused: str, paid: str) -> None:
    story = Paying(sandbox, bill=False)
    story.bill(-1, 700, currency=paid)
    story.bill(-1, 12_000, currency=refused)
    story.until(1)
    shown = {q.currency: q.hash for q in story.owed()}
    shown[refused] = "something else"
    found = settling.settle(story.store, story.providers, story.no, shown, story.add(), lambda: story.now, "person:1")
    assert [(r.attempt.currency, r.attempt.state) for r in found] == [(paid, "paid")]
    assert {currency: why.code for currency, why in found.refused.items()} == {refused: "stale_quote"}
    assert story.taken() == {paid: 700}
    story.check()


LEAST = {"EUR": 50, "GBP": 30, "JPY": 50, "KRW": 50, "HUF": 17_500, "KWD": 10, "CZK": 1_500}


@pytest.mark.parametrize("currency", LEAST)
def test_less_than_the_provider_takes_is_never_attempted_and_stops_nothing(sandbox: Running, currency: str) -> None:
    story = Paying(sandbox, bill=False)
    story.card()
    story.bill(-1, LEAST[currency] - 1, currency=currency)
    story.until(45).sweep()
    assert (story.attempts(), story.sub().state, story.mail.taken, story.tasks()) == ([], State.ACTIVE, [], [])
    assert story.owed() == [], "nobody is asked for what nobody can pay"
    story.bill(50, LEAST[currency], currency=currency)
    story.until(50)
    both = 2 * LEAST[currency] - 1
    assert story.taken() == {currency: both - both % 10 if currency == "KWD" else both}, "with the next invoice"
    assert story.sub().state is State.ACTIVE
    story.check()


@pytest.mark.parametrize("currency", ["GHS", "IQD"])
def test_a_currency_that_no_card_pays_in_is_never_attempted_stops_nothing_and_is_said(
    sandbox: Running, currency: str
) -> None:
    story = Paying(sandbox, bill=False)
    card = story.card()
    story.bill(-1, 12_300, currency=currency)
    story.until(140).sweep()
    assert (story.attempts(), story.sub().state, story.owed()) == ([], State.ACTIVE, [])
    assert [m.subject for m in story.mail.taken] == ["by transfer"], "once"
    assert story.tasks() == ["not_by_card"]
    [said] = explanation(story.store, story.no, story.now)["carried"]
    assert f"no payment provider takes {currency}" in said["words"]
    assert said["code"] == "currency_not_taken"
    with pytest.raises(Refused):
        story.settle(card, quotes=[quote_for(story.account, currency, (DebtPart(1, 12_300),))])
    story.bill(141, 5_000)
    story.until(142)
    assert story.taken() == {"EUR": 5_000}, "and keeps nothing else from being charged"
    story.pay(12_300, (1,), currency=currency)
    assert (story.account.debts, story.tasks()) == ((), [])
    story.check()


def test_what_was_past_due_before_the_limits_were_known_stops_nothing_any_more(sandbox: Running) -> None:
    story = Paying(sandbox, bill=False)
    system.set_limits(story.store, {}, story.now)
    story.bill(-1, 12_300, currency="GHS")
    story.until(35)
    assert story.sub().state is State.DISABLED
    sweep.note_limits(story.store, story.providers, story.now)
    story.pay(100, (1,), currency="GHS")
    assert (story.sub().state, story.account.case) == (State.ACTIVE, None)
    assert "not_by_card" in story.until(37).tasks()
    story.check()


@given(st.lists(st.tuples(st.sampled_from(sorted(CURRENCIES)), st.integers(1, 10**9)), min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_of_every_currency_only_what_can_be_charged_can_stop_a_service(owes: list[tuple[str, int]]) -> None:
    story = Story(bill=False)
    system.set_limits(story.store, dict(amount_limits()), story.now)
    for currency, minor in owes:
        story.bill(-1, minor, currency=currency)
    story.until(31)
    chargeable = any(amount_limits()[currency].charge_of(minor) for currency, minor in owes)
    assert story.sub().state is (State.DISABLED if chargeable else State.ACTIVE)
    untakeable = {currency for currency, _ in owes if amount_limits()[currency].takes_nothing}
    assert ("not_by_card" in story.tasks()) is bool(untakeable)


def test_small_invoices_are_charged_once_they_are_enough_together(sandbox: Running) -> None:
    story = Paying(sandbox, bill=False)
    story.card()
    for due in (0, 10):
        story.bill(due, 30)
    story.until(9)
    assert story.attempts() == []
    story.until(10)
    assert [(a.state, a.amount_minor) for a in story.attempts()] == [("paid", 60)]
    story.check()


def test_what_credit_leaves_below_the_minimum_ends_the_case_and_brings_everything_back(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.until(35)
    assert story.sub().state is State.DISABLED
    story.pay(PRICE - 20, ())
    assert (story.sub().state, story.account.case) == (State.ACTIVE, None)
    story.until(80).sweep()
    assert (story.sub().state, story.attempts()) == (State.ACTIVE, [])
    story.check()


@pytest.mark.parametrize(("part", "left"), [(980, None), (951, None), (950, 50), (1_000, 0), (49, None), (1_001, None)])
def test_a_part_leaves_nothing_or_a_rest_that_can_be_paid(sandbox: Running, part: int, left: int | None) -> None:
    story = Paying(sandbox, bill=False)
    story.bill(-1, 1_000)
    story.until(1)
    story.settle(story.add("insufficient_funds"))
    card = story.add()
    if left is None:
        with pytest.raises(Refused) as refused:
            story.settle(card, part_minor={"EUR": part})
        assert refused.value.code == "bad_amount"
        return
    assert story.settle(card, part_minor={"EUR": part}) == ["paid"]
    assert sum(q.amount_minor for q in story.owed()) == left
    assert not left or story.settle(card) == ["paid"]
    assert (story.taken(), story.sub().state) == ({"EUR": 1_000}, State.ACTIVE)


def test_what_is_past_due_is_asked_once_though_it_is_offered_too() -> None:
    story = Story()
    story.bill(10)
    story.until(3)
    [alone] = settling.quote(story.store, story.no, story.now)
    [both] = settling.quote(story.store, story.no, story.now, also=(1,))
    assert (both.parts, both.hash) == (alone.parts, alone.hash)
    [more] = settling.quote(story.store, story.no, story.now, also=(1, 2, 2))
    assert more.parts == (DebtPart(1, PRICE), DebtPart(2, PRICE))


def test_a_challenge_for_more_than_is_owed_now_makes_way_for_what_is(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.bill(0)
    story.until(3)
    assert story.settle(story.add("challenge")) == ["needs_customer"]
    story.hold(30, scope=HoldScope.DEBT, target=2)
    assert story.settle(story.add()) == ["paid"]
    assert [(a.state, a.amount_minor) for a in story.attempts()] == [("canceled", 2 * PRICE), ("paid", PRICE)]
    story.check()


def test_a_part_that_cannot_be_charged_exactly_is_refused(sandbox: Running) -> None:
    story = Paying(sandbox, bill=False)
    story.bill(-1, 12_340, currency="KWD")
    story.until(1)
    story.settle(story.add("insufficient_funds"))
    card = story.add()
    with pytest.raises(Refused, match="KWD") as refused:
        story.settle(card, part_minor={"KWD": 5_001})
    assert (refused.value.code, story.taken()) == ("bad_amount", {})
    assert story.settle(card, part_minor={"KWD": 5_010}) == ["paid"]
    assert story.taken() == {"KWD": 5_010}


def test_a_refund_that_cannot_be_paid_out_exactly_is_refused_and_leaves_nothing(sandbox: Running) -> None:
    story = Paying(sandbox, bill=False)
    story.bill(-1, 12_340, currency="KWD")
    story.until(1)
    assert story.settle(story.add()) == ["paid"]
    payment = f"stripe:{story.attempts()[-1].ref}"
    with pytest.raises(Refused) as refused:
        refunds.refund(story.store, story.providers, payment, 5, story.now, STAFF, "kindness", "r1")
    assert (refused.value.code, story.taken()) == ("refund_refused", {"KWD": 12_340})
    refunds.refund(story.store, story.providers, payment, 12_340, story.now, STAFF, "kindness", "r2")
    assert (story.taken(), story.account.credit) == ({}, {})
    story.check()


def test_more_than_the_provider_takes_at_once_is_charged_in_several_attempts_by_ourselves(sandbox: Running) -> None:
    story = Paying(sandbox, bill=False)
    story.card()
    for _ in range(2):
        story.bill(-1, 60_000_000)
    story.until(-1, "10:00")
    assert [(a.state, a.amount_minor) for a in story.attempts()] == [("paid", 99_999_999), ("paid", 20_000_001)]
    story.until(40)
    assert story.sub().state is State.ACTIVE
    story.check()


def test_and_so_it_is_when_the_customer_settles(sandbox: Running) -> None:
    story = Paying(sandbox, bill=False)
    story.bill(-1, 100_000_010)
    story.until(1)
    assert story.settle(story.add()) == ["paid", "paid"]
    assert [a.amount_minor for a in story.attempts()] == [99_999_960, 50], "what is left can be taken too"
    assert (story.account.debts, story.captures()) == ((), 2)
    story.check()


def test_a_payment_page_takes_as_much_as_it_can(sandbox: Running) -> None:
    story = Paying(sandbox, bill=False)
    story.bill(-1, 120_000_000)
    story.until(1)
    shown = {q.currency: q.hash for q in story.owed()}
    url = pages.open_page(story.store, story.providers, story.no, shown, story.now, ADMIN)
    post(url, card="approve", do="go")
    story.sweep()
    assert (story.taken(), [q.amount_minor for q in story.owed()]) == ({"EUR": 99_999_999}, [20_000_001])
    story.check()


@pytest.mark.parametrize(("owed", "takes"), [(0, 0), (49, 0), (50, 50), (999, 999), (1_000, 1_000), (1_020, 970)])
def test_the_most_that_is_taken_at_once_leaves_nothing_or_what_can_be_taken(owed: int, takes: int) -> None:
    assert AmountLimits(minimum_minor=50, maximum_minor=1_000).charge_of(owed) == takes


@given(st.integers(1, 400), st.integers(1, 2_000), st.sampled_from([1, 5, 10]), st.integers(0, 20_000))
def test_any_sum_is_taken_to_its_last_step(least: int, more: int, step: int, owed: int) -> None:
    least = -(-least // step) * step
    limits = AmountLimits(minimum_minor=least, maximum_minor=2 * least + more, step_minor=step)
    left = owed
    while taken := limits.charge_of(left):
        assert limits.takes(taken)
        left -= taken
    assert left < (step if owed >= least else least)
