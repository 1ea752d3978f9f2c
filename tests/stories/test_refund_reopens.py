"""A refund of which staff say that it reopens: what its money has paid is owed again once it has left, and one that
fails undoes exactly that, whatever is told first and how often (spec, section 4, point 10; decision 30)."""

from __future__ import annotations

import itertools

import pytest
from tests.stories.bank import Banked, DisputeState
from tests.stories.story import PRICE, STAFF
from tests.stories.test_taken_back import SITUATIONS, paid

from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.core.payments.values import RefundAnswer, RefundChange, RefundState
from arrears.core.states import State
from arrears.engine.payments import refunds

DONE, REFUSED = RefundState.DONE, RefundState.REFUSED


def first(story: Banked) -> str:
    return next(iter(story.bank.taken))


def give(story: Banked, minor: int = 5000, request: str = "r", *, reopens: bool = True, of: str = "") -> RefundAnswer:
    payment = f"bank:{of or first(story)}"
    return refunds.refund(
        story.store, story.providers, payment, minor, story.now, STAFF, "wrong card", request, reopens=reopens
    )


def reported(story: Banked, state: RefundState, ref: str = "") -> RefundChange:
    """What the bank says of a refund, in this state."""
    one = story.bank.taken[first(story)]
    ref = ref or next(iter(one.refunds))
    minor, _, key = one.refunds[ref]
    return RefundChange(one.ref, ref, key, state, minor, "EUR")


def test_it_is_owed_again_from_the_day_it_left_and_no_charge_of_ours_takes_it() -> None:
    story = paid()
    assert give(story).state is DONE
    [debt] = story.account.past_due
    assert (debt.open_minor, debt.day_0, story.account.debt_is_held(debt.no)) == (5000, story.date(2), False)
    assert story.sub().state is State.PAST_DUE
    story.until(20)
    assert len(story.bank.taken) == 1, "the card that it went back to is not charged by us"
    assert story.settle(story.card("other")) == ["paid"]
    assert (story.sub().state, story.account.debts) == (State.ACTIVE, ())
    story.agrees()


def test_without_that_word_it_reopens_nothing_and_the_word_is_part_of_the_request() -> None:
    story = paid()
    give(story, reopens=False)
    assert story.account.debts == ()
    with pytest.raises(Refused) as refusal:
        give(story)
    assert refusal.value.code == "request_reused"


@pytest.mark.parametrize("situation", SITUATIONS)
def test_it_follows_the_money_and_a_failure_undoes_exactly_that(situation: str) -> None:
    story = SITUATIONS[situation]()
    before = story.books()
    for ref in list(story.bank.taken):
        give(story, 3000, ref, of=ref)
    story.agrees()
    owed, credit = sum(d.open_minor for d in story.account.debts), story.account.credit.get("EUR", 0)
    given = 3000 * len(story.bank.taken)
    was = before["credit"]
    assert isinstance(was, dict)
    assert owed + was.get("EUR", 0) - credit == given
    story.hear()
    story.hear()
    assert len(story.facts(f.Refunded)) == len(story.bank.taken)
    story.bank.fail_refunds()
    story.hear()
    story.hear()
    story.agrees()
    assert story.books() == before
    assert "refund_failed" in story.tasks()


@pytest.mark.parametrize("order", [*itertools.permutations((DONE, REFUSED, DONE))])
def test_done_and_failed_in_any_order_and_number_come_to_nothing(order: tuple[RefundState, ...]) -> None:
    story = paid()
    before = story.books()
    story.bank.silent = True
    give(story)
    for state in order:
        story.hear(reported(story, state))
        story.hear(reported(story, state))
    story.bank.fail_refunds()
    story.agrees()
    assert story.books() == before


def test_its_webhook_first_its_answer_first_or_the_queue_alone_record_it_once() -> None:
    story = paid()
    story.bank.silent = True
    give(story)
    assert story.account.debts == (), "nobody knows yet that it has left"
    story.bank.silent = False
    story.hear(reported(story, DONE))
    give(story)
    story.stage.perform()
    assert [d.open_minor for d in story.account.debts] == [5000]
    story.agrees()


def test_refused_by_the_bank_nothing_is_owed_and_done_after_all_it_is() -> None:
    story = paid()
    story.bank.no_refunds = True
    with pytest.raises(Refused, match="refused to give back"):
        give(story)
    assert story.account.debts == ()
    [key] = story.bank._keys
    story.bank.taken[first(story)].refunds["late"] = (5000, DONE, key)
    story.hear()
    story.hear()
    assert [d.open_minor for d in story.account.debts] == [5000]
    story.agrees()
    story.bank.fail_refunds()
    story.hear()
    story.hear()
    assert story.account.debts == ()
    story.agrees()


def test_what_was_paid_otherwise_meanwhile_is_credit_when_it_fails() -> None:
    story = paid()
    give(story)
    story.pay(5000)
    story.bank.fail_refunds()
    story.hear()
    assert (story.account.debts, story.account.credit) == ((), {"EUR": 5000})
    assert "paid_twice" in story.tasks()
    story.agrees()


@pytest.mark.parametrize("order", [*itertools.permutations(("give", "dispute", "win", "fail"))])
def test_beside_a_chargeback_any_order_comes_to_the_same(order: tuple[str, ...]) -> None:
    if order.index("win") < order.index("dispute") or order.index("fail") < order.index("give"):
        return
    story = paid()
    before = story.books()
    ref = first(story)
    steps = {
        "give": lambda: give(story),
        "dispute": lambda: story.bank.dispute(ref, DisputeState.OPEN, PRICE - 5000, "d"),
        "win": lambda: story.bank.dispute(ref, DisputeState.WON, PRICE - 5000, "d"),
        "fail": story.bank.fail_refunds,
    }
    for step in order:
        steps[step]()
        story.hear()
        story.agrees()
    assert story.books() == before
