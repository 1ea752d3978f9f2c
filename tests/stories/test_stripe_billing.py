"""Stripe bills and charges first, and arrears collects what fails: told by day, both orders of what tells of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.store.conftest import make_postgres, schemas
from tests.stories.billed import Business, Owed

from arrears.core import facts as f
from arrears.core.account import DoubtKind
from arrears.core.states import State
from arrears.sandbox.run import Running
from arrears.store.postgres.store import PostgresStore

__all__ = ["make_postgres", "schemas"]


@pytest.fixture
def business(sandbox: Running, make_postgres: Callable[[], PostgresStore]) -> Business:
    return Business(sandbox, make_postgres())


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
    assert account is not None and account.case is not None
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
