"""What is voided, credited or written off here is asked at Stripe no more, in either order, whatever got lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.store.conftest import make_postgres, schemas
from tests.stories.billed import Business, Owed

from arrears.core import facts as f
from arrears.engine import commands
from arrears.engine.booking import Payment
from arrears.engine.commands import corrections
from arrears.store.postgres.store import PostgresStore

__all__ = ["make_postgres", "schemas"]

WHO = "staff:Eva"


@pytest.fixture
def business(make_postgres: Callable[[], PostgresStore]) -> Business:
    return Business(make_postgres())


def void(business: Business, number: str) -> None:
    corrections.void(business.store, number, business.now, WHO, "never ordered")


def credit(business: Business, number: str) -> None:
    corrections.credit(business.store, number, 300, business.now, WHO, "goodwill")


def noted(business: Business, number: str) -> None:
    corrections.credit(business.store, number, 300, business.now, "token:1", "goodwill", ref="N-1")


def give_up(business: Business, number: str) -> None:
    corrections.give_up(business.store, number, business.now, WHO, "gone away")


def pay(business: Business, customer: str, minor: int) -> None:
    """So much of what the customer owes is paid here, beside Stripe."""
    number = business.store.account_numbers([customer])[customer]
    [debt] = [one.no for one in business.store.snapshots([number])[number].debts]
    payment = Payment(number, f"bank-{minor}", "EUR", minor, (debt,))
    commands.record_payments(business.store, [payment], business.now, WHO)


Act = Callable[[Business, str], None]
ACTS: dict[Act, tuple[str, int]] = {void: ("void", 1000), credit: ("open", 700), noted: ("open", 700)}
ACTS[give_up] = ("uncollectible", 1000)


@pytest.mark.parametrize("lost", ["nothing", "the answer", "the way there"])
@pytest.mark.parametrize("act", ACTS)
def test_what_is_asked_no_more_here_is_told_there_once(business: Business, act: Act, lost: str) -> None:
    _, invoice = business.subscribed("insufficient_funds")
    act(business, business.invoice(invoice)["number"])
    business.net.drops, business.net.away = lost == "the answer", lost == "the way there"
    business.step(1)
    business.net.drops = business.net.away = False
    business.step(1).step(1).sweep(everybody=True)
    told = business.invoice(invoice)
    assert (told["status"], told["amount_remaining"]) == ACTS[act]
    assert len(business.sandbox.book.billing.notes) == (act in (credit, noted))
    assert (business.drift().differences, business.tasks()) == ((), [])
    assert business.owed(invoice).here == (700 if act in (credit, noted) else 0)


@pytest.mark.parametrize("first", ["paid", "credited"])
@pytest.mark.parametrize("act", [credit, void, give_up])
def test_what_is_paid_in_part_and_asked_less_of_is_both_there_in_either_order(
    business: Business, act: Act, first: str
) -> None:
    customer, invoice = business.subscribed("insufficient_funds")
    number = business.invoice(invoice)["number"]
    if first == "paid":
        pay(business, customer, 400)
        act(business, number)
    elif act is credit:
        act(business, number)
        pay(business, customer, 400)
    else:
        pay(business, customer, 400)
        business.step(1)
        act(business, number)
    business.step(1).step(1)
    told = business.invoice(invoice)
    assert told["amount_paid_off_stripe"] == 400
    if act is give_up:
        assert (told["status"], told["amount_remaining"]) == ("uncollectible", 600)
    else:
        assert told["amount_remaining"] == (300 if act is credit else 0)
    assert business.control("balance", customer=customer)["balance"] == 0, "credit is on one side alone"
    assert (business.drift().differences, business.tasks()) == ((), [])


@pytest.mark.parametrize("act", [void, credit, give_up])
def test_what_both_have_done_by_themselves_is_done_once(business: Business, act: Act) -> None:
    _, invoice = business.subscribed("insufficient_funds")
    v1: Any = business.billing.system._v1  # type: ignore[attr-defined]
    act(business, business.invoice(invoice)["number"])
    if act is void:
        v1.invoices.void_invoice(invoice)
    elif act is credit:
        v1.credit_notes.create({"invoice": invoice, "amount": 300})
    else:
        v1.invoices.mark_uncollectible(invoice)
    business.step(1).step(1)
    told = business.invoice(invoice)
    assert (told["status"], told["amount_remaining"]) == ACTS[act]
    assert (business.drift().differences, business.tasks()) == ((), [])


@pytest.mark.parametrize("act", [void, credit, give_up])
def test_where_stripe_takes_no_word_a_task_and_the_report_say_so(business: Business, act: Act) -> None:
    business.control("key", denied=["POST credit_notes", "POST invoices/"])
    customer, invoice = business.subscribed("insufficient_funds")
    business.control("key", denied=[])
    business.sweep(everybody=True)
    business.control("key", denied=["POST credit_notes", "POST invoices/"])
    act(business, business.invoice(invoice)["number"])
    assert len(business.drift().differences) == 1
    business.step(1)
    [task] = [one for one in business.tasks() if "by hand" in one]
    assert "not permitted" in task
    assert business.try_sweep() == "", "nobody else waits for it"
    [difference] = business.drift().differences
    assert "here, and not told there" in difference.why
    business.control("key", denied=[])
    business.sweep(everybody=True)
    assert business.drift().differences == ()
    assert business.taken(customer) == 0


def test_what_was_written_off_and_is_paid_after_all_is_paid_there_too(business: Business) -> None:
    customer, invoice = business.subscribed("insufficient_funds")
    give_up(business, business.invoice(invoice)["number"])
    business.step(1)
    business.control("pay_on_page", invoice=invoice, method=business.method(customer))
    business.step(1)
    assert business.invoice(invoice)["status"] == "paid"
    assert sum(fact.amount_minor for fact in business.facts(customer, f.PaymentBooked)) == 1000
    assert business.owed(invoice) == Owed(0, 0)
    assert business.drift().differences == ()


def test_a_payment_at_the_bank_is_waited_for_before_less_is_asked(business: Business) -> None:
    customer, invoice = business.subscribed("insufficient_funds")
    debit = business.method(customer, "sepa", kind="sepa_debit")
    business.control("pay_on_page", invoice=invoice, method=debit)
    give_up(business, business.invoice(invoice)["number"])
    business.step(1)
    assert business.invoice(invoice)["status"] == "open"
    business.days(7, hours=24)
    assert business.invoice(invoice)["status"] == "paid"
    assert business.drift().differences == ()
