"""Stripe bills and charges first, and arrears collects what fails: told by day, both orders of what tells of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.store.conftest import make_postgres, schemas
from tests.stories.billed import Business, Owed

from arrears.core import facts as f
from arrears.core.account import DoubtKind
from arrears.core.states import State
from arrears.store.postgres.store import PostgresStore

__all__ = ["make_postgres", "schemas"]


@pytest.fixture
def business(make_postgres: Callable[[], PostgresStore]) -> Business:
    return Business(make_postgres())


def test_what_stripe_charges_itself_is_issued_and_paid_here(business: Business) -> None:
    customer, invoice = business.subscribed()
    business.step(1)
    assert business.invoice(invoice)["status"] == "paid"
    [booked] = business.facts(customer, f.PaymentBooked)
    assert (booked.amount_minor, booked.credit_minor) == (1000, 0)
    assert business.drift().differences == ()
    assert business.days(35, hours=24).facts(customer, f.BecamePastDue, f.ChargeDeclined, f.Noticed) == []


def test_what_fails_is_a_reported_decline_and_stripe_tries_no_more(business: Business) -> None:
    customer, invoice = business.subscribed("insufficient_funds")
    told = business.invoice(invoice)
    assert (told["status"], told["next_payment_attempt"], told["auto_advance"]) == ("open", None, False)
    account = business.account(customer)
    assert account is not None
    assert account.case is not None
    assert [debt.day_0 is not None for debt in account.debts] == [True]
    assert len(business.facts(customer, f.ChargeDeclined)) == 1
    assert [tried.tried.codes.decline for tried in business.facts(customer, f.CardTried)] == ["insufficient_funds"]
    business.days(20)
    assert business.invoice(invoice)["attempt_count"] == 1
    assert business.tasks() == []


def test_arrears_collects_and_the_invoice_is_paid_there_with_a_payment_record(business: Business) -> None:
    customer, invoice = business.subscribed("insufficient_funds")
    business.days(1)
    business.behave(customer, "approve")
    business.days(9)
    assert business.owed(invoice) == Owed(0, 0)
    assert business.taken(customer) == 1000
    told = business.invoice(invoice)
    assert (told["status"], told["amount_paid_off_stripe"], told["amount_overpaid"]) == ("paid", 1000, 0)
    assert [part["ours"] for part in told["paid_with"]] == [True]
    assert business.drift().differences == ()


def test_one_charge_for_three_invoices_is_three_records_of_their_own_sums(business: Business) -> None:
    customer, first = business.subscribed("insufficient_funds")
    others = [business.control("bill_once", customer=customer, lines=[[m, "prod_x"]])["id"] for m in (250, 777)]
    business.step(1).step(1)
    business.behave(customer, "approve")
    business.days(12, hours=24)
    assert business.taken(customer) == 2027
    assert len(business.store.attempts(business.store.account_numbers([customer])[customer])) < 4
    for invoice, asked in zip((first, *others), (1000, 250, 777), strict=True):
        told = business.invoice(invoice)
        assert (told["status"], told["amount_paid_off_stripe"], told["amount_overpaid"]) == ("paid", asked, 0)
    assert business.control("balance", customer=customer)["balance"] == 0
    assert business.drift().differences == ()


@pytest.mark.parametrize("told", ["by webhook", "by the sweep", "by both", "twice", "after a while"])
def test_whatever_tells_of_it_a_failure_and_a_payment_come_to_the_same(business: Business, told: str) -> None:
    customer = business.customer("insufficient_funds")
    invoice = str(business.control("subscribe", customer=customer, amount=1000)["invoice"])
    business.step(1, look=False)
    for kind in ("invoice.payment_failed", "invoice.paid"):
        if kind == "invoice.paid":
            business.control("pay_on_page", invoice=invoice, method=business.method(customer))
        match told:
            case "by webhook":
                business.hear(kind)
            case "by the sweep":
                business.sweep()
            case "by both":
                business.sweep()
                business.hear(kind)
                business.sweep()
            case "twice":
                business.hear(kind)
                business.hear(kind)
            case _:
                business.step(8, look=False).sweep()
        assert business.owed(invoice) == (Owed(1000, 1000) if kind == "invoice.payment_failed" else Owed(0, 0))
    assert len(business.facts(customer, f.ChargeDeclined)) == 1
    assert [fact.amount_minor for fact in business.facts(customer, f.PaymentBooked)] == [1000]
    assert business.drift().differences == ()


def test_a_payment_that_is_told_of_before_the_failure_leaves_no_decline(business: Business) -> None:
    customer = business.customer("insufficient_funds")
    invoice = str(business.control("subscribe", customer=customer, amount=1000)["invoice"])
    business.step(1, look=False)
    business.control("pay_on_page", invoice=invoice, method=business.method(customer))
    business.hear("invoice.paid")
    business.hear("invoice.payment_failed")
    business.sweep()
    assert business.facts(customer, f.ChargeDeclined, f.BecamePastDue) == []
    assert business.owed(invoice) == Owed(0, 0)


def test_who_pays_on_stripes_page_just_before_our_charge_is_not_charged(business: Business) -> None:
    customer, invoice = business.subscribed("insufficient_funds")
    business.behave(customer, "approve")
    business.control("pay_on_page", invoice=invoice, method=business.method(customer))
    while not business.facts(customer, f.AttemptCreated):
        business.step(24, look=False).look(billing=False)
    business.step(25, look=False).look(billing=False)
    assert business.taken(customer) == 1000
    assert business.owed(invoice) == Owed(0, 0)


def test_who_pays_on_both_sides_has_credit_and_the_books_agree(business: Business) -> None:
    customer, invoice = business.subscribed("insufficient_funds")
    business.behave(customer, "approve")
    while not business.facts(customer, f.PaymentBooked):
        business.step(24, look=False).look(billing=False)
    business.control("pay_on_page", invoice=invoice, method=business.method(customer))
    business.sweep().sweep(everybody=True)
    account = business.account(customer)
    assert account is not None
    assert (business.taken(customer), account.credit) == (2000, {"EUR": 1000})
    assert business.control("balance", customer=customer)["balance"] == 0, "and it is credit on one side alone"
    assert business.drift().differences == ()


@pytest.mark.turn(2)
def test_where_stripe_cannot_be_stopped_nobody_is_charged_or_cut_and_one_task_names_the_switch(
    business: Business,
) -> None:
    business.control("key", denied=["POST invoices/"])
    business.control("dunning", retry_days=[3, 5, 7, 9, 9, 9, 9, 9])
    people = [business.subscribed("insufficient_funds") for _ in range(2)]
    business.days(36, hours=24)
    for customer, invoice in people:
        account = business.account(customer)
        assert account is not None
        assert [doubt.kind for doubt in account.doubts] == [DoubtKind.ATTEMPT]
        assert {sub.state for sub in account.subscriptions} == {State.PAST_DUE}
        assert business.store.attempts(account.no) == []
        assert business.invoice(invoice)["attempt_count"] > 1, "Stripe goes on"
    [task] = business.tasks()
    assert "Retries" in task
    business.control("key", denied=[])
    business.sweep(everybody=True)
    for customer, invoice in people:
        account = business.account(customer)
        assert account is not None
        assert (account.doubts, business.invoice(invoice)["next_payment_attempt"]) == ((), None)


def test_a_debit_under_way_at_stripe_is_waited_for(business: Business) -> None:
    customer, invoice = business.subscribed("sepa_empty", kind="sepa_debit")
    business.days(4, hours=24)
    assert business.account(customer) is None, "its first charge is Stripe's"
    business.days(2, hours=24)
    assert business.owed(invoice) == Owed(1000, 1000)
    assert len(business.facts(customer, f.ChargeDeclined)) == 1
    debit = business.method(customer, "sepa", kind="sepa_debit")
    business.control("pay_on_page", invoice=invoice, method=debit)
    business.step(1)
    account = business.account(customer)
    assert account is not None
    assert "stripe-billing: payment under way" in [doubt.ref for doubt in account.doubts]
    business.days(6, hours=24)
    account = business.account(customer)
    assert account is not None
    assert (account.doubts, business.owed(invoice)) == ((), Owed(0, 0))
    assert business.taken(customer) == 1000
