"""What is paid in two ways at once: nobody is charged for both, what is too much is said and offered back."""

from __future__ import annotations

import pytest
from tests.stories.bank import ADMIN, Banked
from tests.stories.story import PRICE, STAFF

from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.engine.payments import refunds, settling


def test_paid_by_transfer_and_on_the_page_before_anybody_heard_is_credit_with_a_mail_a_task_and_a_refund() -> None:
    story = Banked()
    story.until(1)
    story.open_page()
    story.bank.pay_on_page()
    story.pay()
    story.hear()
    assert story.account.credit == {"EUR": PRICE}
    assert story.facts(f.PaymentBooked)[-1][1].tell == "credit"
    assert "paid_twice" in story.tasks()
    payment = f"bank:{next(iter(story.bank.taken))}"
    refunds.refund(story.store, story.providers, payment, PRICE, story.now, STAFF, "twice", "r")
    assert (story.account.credit, "paid_twice" in story.tasks()) == ({}, False)
    story.agrees()


def test_what_was_too_much_and_pays_the_next_invoice_is_no_task_any_more() -> None:
    story = Banked()
    story.until(1)
    story.open_page()
    story.bank.pay_on_page()
    story.pay()
    story.hear()
    story.bill(20)
    assert (story.account.credit, "paid_twice" in story.tasks()) == ({}, False)


def test_the_whole_is_not_answered_with_the_outcome_of_a_part() -> None:
    story = Banked()
    story.card("empty")
    story.until(2)
    good = story.card("approve")
    [quote] = settling.quote(story.store, story.no, story.now)
    shown = {"EUR": quote.hash}

    def ask(part: int) -> list[settling.Result]:
        parts = {"EUR": part} if part else {}
        return settling.settle(
            story.store, story.providers, story.no, shown, good, lambda: story.now, ADMIN, part_minor=parts
        )

    first = ask(5000)
    assert [r.attempt.amount_minor for r in ask(5000)] == [r.attempt.amount_minor for r in first], "the same part"
    for other in (0, 6000):
        with pytest.raises(Refused) as refusal:
            ask(other)
        assert refusal.value.code == "stale_quote"
    assert sum(one.minor for one in story.bank.taken.values()) == 5000
