"""Money is given back once, whatever dies and whoever asks again (spec, section 4, point 10)."""

from __future__ import annotations

import threading

import pytest
from tests.stories.bank import Banked
from tests.stories.story import PRICE, STAFF

from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.core.payments.values import DisputeChange, DisputeState, RefundAnswer, RefundChange, RefundState
from arrears.engine.payments import refunds


@pytest.fixture
def paid() -> Banked:
    """An invoice of 120 that a card has paid."""
    story = Banked()
    story.card()
    story.until(2)
    return story


def ref(story: Banked) -> str:
    return f"bank:{next(iter(story.bank.taken))}"


def give(story: Banked, minor: int = 5000, request: str = "r1") -> RefundAnswer:
    return refunds.refund(story.store, story.providers, ref(story), minor, story.now, STAFF, "kindness", request)


def test_the_same_request_is_the_same_refund_for_ever(paid: Banked) -> None:
    first = give(paid)
    assert [give(paid), give(paid)] == [first, first]
    paid.until(40)
    assert give(paid) == first
    assert give(paid, request="r2").ref != first.ref
    assert sum(one.refunded for one in paid.bank.taken.values()) == 10_000
    with pytest.raises(Refused) as refusal:
        give(paid, 4000)
    assert refusal.value.code == "request_reused"
    paid.agrees()


def test_its_own_webhook_that_wins_the_race_is_the_same_refund(paid: Banked, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = paid.bank.refund

    def heard_first(payment_ref: str, amount_minor: int, currency: str, key: str) -> RefundAnswer:
        answer = asked(payment_ref, amount_minor, currency, key)
        paid.hear()
        return answer

    monkeypatch.setattr(paid.bank, "refund", heard_first)
    first = give(paid)
    assert (first.state, give(paid)) == (RefundState.DONE, first)
    assert len(paid.facts(f.Refunded)) == 1
    paid.agrees()


@pytest.mark.parametrize("asked", [True, False], ids=["asked for", "not asked for"])
def test_whoever_dies_before_the_answer_is_followed_by_the_queue(
    paid: Banked, monkeypatch: pytest.MonkeyPatch, asked: bool
) -> None:
    def dies(payment_ref: str, amount_minor: int, currency: str, key: str) -> RefundAnswer:
        if asked:
            paid_out(payment_ref, amount_minor, currency, key)
        raise KeyboardInterrupt

    paid_out = paid.bank.refund
    monkeypatch.setattr(paid.bank, "refund", dies)
    with pytest.raises(KeyboardInterrupt):
        give(paid)
    monkeypatch.undo()
    paid.stage.perform()
    assert [fact.amount_minor for _, fact in paid.facts(f.Refunded)] == [5000]
    assert give(paid).state is RefundState.DONE
    paid.agrees()


def test_what_nobody_asked_for_within_a_day_is_not_asked_for_any_more(
    paid: Banked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> RefundAnswer:
        raise KeyboardInterrupt

    monkeypatch.setattr(paid.bank, "refund", dies)
    with pytest.raises(KeyboardInterrupt):
        give(paid)
    monkeypatch.undo()
    paid.down_until(4)
    with pytest.raises(Refused, match="it said no"):
        give(paid)
    assert not any(one.refunded for one in paid.bank.taken.values())
    paid.agrees()


def test_a_refund_that_was_made_at_the_provider_and_is_told_twice_is_one(paid: Banked) -> None:
    told = RefundChange(ref(paid).partition(":")[2], "r-9", "", RefundState.DONE, 3000, "EUR")
    paid.hear(told)
    paid.hear(told)
    assert [fact.amount_minor for _, fact in paid.facts(f.Refunded)] == [3000]


def test_an_answer_that_never_comes_is_looked_for_a_day_later_and_never_asked_again(paid: Banked) -> None:
    paid.bank.silent = True
    assert give(paid).state is RefundState.UNKNOWN
    paid.until(4)
    paid.bank.silent = False
    paid.until(5)
    assert give(paid).state is RefundState.DONE
    assert paid.bank.taken[ref(paid).partition(":")[2]].refunded == 5000
    paid.agrees()


def test_what_is_on_its_way_counts_whoever_asks_besides(paid: Banked) -> None:
    paid.bank.silent = True
    give(paid, 7000)
    with pytest.raises(Refused, match="at most €50"):
        give(paid, 7000, "r2")
    with pytest.raises(Refused, match="at most €50"):
        give(paid, 5001, "r3")


def test_many_at_once_are_paid_out_once(paid: Banked) -> None:
    threads = [threading.Thread(target=lambda: give(paid)) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum(one.refunded for one in paid.bank.taken.values()) == 5000


def test_a_refund_that_is_refused_or_fails_later_gives_its_credit_back(paid: Banked) -> None:
    paid.card("approve")
    paid.bank.silent = True
    paid.bill(3, 4000)
    paid.until(3, "10:00")
    paid.pay(4000, (2,))
    paid.bank.silent = False
    paid.hear()
    assert paid.account.credit == {"EUR": 4000}
    late = f"bank:{[*paid.bank.taken][-1]}"
    paid.bank.no_refunds = True
    with pytest.raises(Refused) as refusal:
        refunds.refund(paid.store, paid.providers, late, 4000, paid.now, STAFF, "twice", "no")
    assert (refusal.value.code, paid.account.credit) == ("refund_refused", {"EUR": 4000})
    paid.bank.no_refunds = False
    refunds.refund(paid.store, paid.providers, late, 4000, paid.now, STAFF, "twice", "yes")
    assert paid.account.credit == {}
    paid.agrees()
    paid.bank.fail_refunds()
    paid.hear()
    paid.hear()
    assert paid.account.credit == {"EUR": 4000}
    paid.agrees()


def test_a_refund_of_one_payment_eats_no_credit_of_another(paid: Banked) -> None:
    paid.pay(3000, ())
    give(paid, PRICE)
    assert paid.account.credit == {"EUR": 3000}
    paid.agrees()


def test_what_the_bank_has_taken_back_is_not_given_back_too(paid: Banked) -> None:
    paid.bank.dispute(ref(paid).partition(":")[2])
    paid.hear()
    with pytest.raises(Refused, match="at most €0"):
        give(paid, 1)


@pytest.mark.parametrize("first", [RefundChange, DisputeChange])
def test_what_failed_gives_back_no_more_than_a_chargeback_has_left_in_either_order(
    first: type[RefundChange | DisputeChange],
) -> None:
    story = Banked()
    story.until(1)
    story.open_page()
    story.bank.pay_on_page()
    story.pay(PRICE, (1,))
    give(story, 6000)
    story.bank.fail_refunds()
    story.bank.dispute(ref(story).removeprefix("bank:"), DisputeState.LOST, 7000)
    reports = [one for one in story.bank.changes_since(story.now) if isinstance(one, RefundChange | DisputeChange)]
    for report in sorted(reports, key=lambda one: not isinstance(one, first)):
        story.hear(report)
    assert (story.account.credit, story.account.debts) == ({"EUR": PRICE - 7000}, ())
    story.agrees()
