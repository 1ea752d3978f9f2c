"""Stripe Billing's awkward ways, and its bad days: what was credited, carried over, detached, or never told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.store.conftest import make_postgres, schemas
from tests.stories.billed import OPTIONS, Business, Owed

from arrears.core import facts as f
from arrears.core.account import Subscription
from arrears.core.states import State
from arrears.store.postgres.store import PostgresStore

__all__ = ["make_postgres", "schemas"]


@pytest.fixture
def business(make_postgres: Callable[[], PostgresStore]) -> Business:
    return Business(make_postgres())


def once(business: Business, customer: str, *minor: int, **more: object) -> str:
    """An invoice of its own, an hour ago."""
    made = business.control("bill_once", customer=customer, lines=[[one, "prod_x"] for one in minor], **more)
    business.step(1)
    return str(made["id"])


def debts(business: Business, customer: str) -> int:
    """How many invoices of a customer are, or were, here."""
    account = business.account(customer)
    return 0 if account is None else account.debt_count


def used(business: Business, customer: str) -> Subscription:
    """What a customer uses here."""
    account = business.account(customer)
    assert account is not None
    return account.subscriptions[0]


def agree(business: Business) -> bool:
    """Whether both books say the same, whoever reads them once more."""
    business.sweep(everybody=True)
    return business.drift().differences == ()


def test_what_stripe_carries_over_as_too_little_is_asked_with_the_next_invoice_and_not_here(business: Business) -> None:
    customer = business.customer("insufficient_funds")
    small = once(business, customer, 30)
    assert business.invoice(small)["status"] == "paid"
    assert debts(business, customer) == 0, "nothing is asked"
    later = once(business, customer, 500)
    assert business.owed(later) == Owed(530, 530)


def test_credit_that_stripe_applies_is_no_account_credit_here(business: Business) -> None:
    customer = business.customer("insufficient_funds")
    business.control("balance", customer=customer, change=-700)
    invoice = once(business, customer, 1000)
    assert business.owed(invoice) == Owed(300, 300)
    covered = business.customer("insufficient_funds")
    business.control("balance", customer=covered, change=-700)
    whole = once(business, covered, 600)
    assert (business.invoice(whole)["status"], debts(business, covered)) == ("paid", 0)
    assert agree(business)


def test_parts_paid_on_stripes_page_are_booked_one_by_one(business: Business) -> None:
    customer, invoice = business.subscribed("insufficient_funds")
    for amount in (300, 300, 100):
        business.control("pay_on_page", invoice=invoice, method=business.method(customer), amount=amount)
        business.step(1)
    assert business.owed(invoice) == Owed(300, 300)
    business.behave(customer, "approve")
    business.days(12, hours=24)
    assert business.owed(invoice) == Owed(0, 0)
    assert business.taken(customer) == 1000
    assert sorted(one.amount_minor for one in business.facts(customer, f.PaymentBooked)) == [100, 300, 300, 300]
    assert agree(business)


def test_a_payment_that_was_detached_is_owed_again(business: Business) -> None:
    customer, invoice = business.subscribed()
    assert business.step(1).owed(invoice) == Owed(0, 0)
    business.control("detach_payment", invoice=invoice)
    assert business.step(1).owed(invoice) == Owed(1000, 1000)
    business.days(5, hours=24)
    assert (business.taken(customer), business.owed(invoice)) == (1000, Owed(1000, 1000)), "its money is there still"
    assert [task for task in business.tasks() if "payment was taken from its invoice" in task]
    business.control("pay_on_page", invoice=invoice, method=business.method(customer))
    assert business.step(1).owed(invoice) == Owed(0, 0)
    assert agree(business)


def test_a_detached_payment_that_was_given_back_is_charged_again(business: Business) -> None:
    customer, invoice = business.subscribed()
    business.step(1)
    business.control("detach_payment", invoice=invoice)
    business.days(2, hours=24)
    assert len(business.facts(customer, f.DoubtRaised)) == 1
    v1: Any = business.billing.system._v1  # type: ignore[attr-defined]
    [intent] = [one.id for one in business.sandbox.book.intents.values() if one.customer == customer and one.taken]
    v1.refunds.create({"payment_intent": intent})
    business.days(3, hours=24)
    assert len(business.facts(customer, f.DoubtCleared)) == 1
    assert (business.taken(customer), business.owed(invoice)) == (1000, Owed(0, 0))
    assert agree(business)


def test_a_detached_payment_that_was_attached_again_pays(business: Business) -> None:
    customer, invoice = business.subscribed()
    business.step(1)
    business.control("detach_payment", invoice=invoice)
    business.days(2, hours=24)
    v1: Any = business.billing.system._v1  # type: ignore[attr-defined]
    [intent] = [one.id for one in business.sandbox.book.intents.values() if one.customer == customer and one.taken]
    v1.invoices.attach_payment(invoice, {"payment_intent": intent})
    business.days(3, hours=24)
    assert (business.taken(customer), business.owed(invoice)) == (1000, Owed(0, 0))
    account = business.account(customer)
    assert account is not None
    assert account.doubts == ()


def test_one_of_two_payments_that_was_detached_is_owed_again_and_no_more(business: Business) -> None:
    customer, invoice = business.subscribed("insufficient_funds")
    for amount in (400, None):
        business.control("pay_on_page", invoice=invoice, method=business.method(customer), amount=amount)
        business.step(1)
    paid = [one["amount"] for one in business.invoice(invoice)["paid_with"]]
    business.control("detach_payment", invoice=invoice)
    assert business.step(1).owed(invoice) == Owed(paid[-1], paid[-1])


def test_one_payment_in_the_place_of_another_is_no_credit_that_pays_something_else(business: Business) -> None:
    customer, first = business.subscribed("insufficient_funds", days=7)
    business.control("pay_on_page", invoice=first, method=business.method(customer))
    business.days(8, hours=24)
    second = next(one["id"] for one in business.control("invoices", customer=customer) if one["id"] != first)
    business.control("detach_payment", invoice=first)
    business.control("pay_on_page", invoice=first, method=business.method(customer))
    business.sweep()
    assert (business.owed(first), business.owed(second)) == (Owed(0, 0), Owed(1000, 1000))
    assert business.facts(customer, f.CreditAllocated) == []
    assert agree(business)


def test_credit_notes_voids_write_offs_and_payments_elsewhere(business: Business) -> None:
    v1 = business.billing.system._v1  # type: ignore[attr-defined]
    noted, voided, given_up, elsewhere = (business.subscribed("insufficient_funds") for _ in range(4))
    v1.credit_notes.create({"invoice": noted[1], "amount": 400})
    v1.invoices.void_invoice(voided[1])
    v1.invoices.mark_uncollectible(given_up[1])
    v1.invoices.pay(elsewhere[1], {"paid_out_of_band": True})
    business.step(1)
    assert business.owed(noted[1]) == Owed(600, 600)
    for _, invoice in (voided, given_up, elsewhere):
        assert business.owed(invoice).here == 0
    assert [len(business.facts(customer, f.WrittenOff)) for customer, _ in (voided, given_up, elsewhere)] == [0, 1, 0]
    v1.invoices.pay(given_up[1], {"paid_out_of_band": True})
    business.step(1)
    assert [one.amount_minor for one in business.facts(given_up[0], f.PaymentBooked)] == [1000]
    assert agree(business)
    assert business.tasks() == []


def test_a_chargeback_of_what_stripe_took_is_owed_and_held_until_it_is_won(business: Business) -> None:
    customer, invoice = business.subscribed()
    business.step(1)
    intent = business.invoice(invoice)["paid_with"][0]["id"]
    dispute = business.control("dispute", intent=intent)["id"]
    business.step(1)
    account = business.account(customer)
    assert account is not None
    assert [(debt.open_minor, account.debt_is_held(debt.no)) for debt in account.debts] == [(1000, True)]
    business.control("close", dispute=dispute, won=True)
    business.step(1)
    assert business.owed(invoice) == Owed(0, 0)


@pytest.mark.turn(3)
@pytest.mark.parametrize("hours", [7, 41 * 24])
def test_after_an_outage_both_books_agree_and_nobody_was_cut_meanwhile(business: Business, hours: int) -> None:
    customer, _ = business.subscribed("insufficient_funds")
    paying, its = business.subscribed("insufficient_funds")
    business.days(29, hours=24)
    business.net.away = True
    business.control("pay_on_page", invoice=its, method=business.method_of_old(paying))
    for _ in range(4):
        business.step(hours / 4)
    assert "stripe-billing cannot be read" in " ".join(business.tasks())
    for one in (customer, paying):
        account = business.account(one)
        assert account is not None
        assert {sub.state for sub in account.subscriptions} == {State.PAST_DUE}
    business.net.away = False
    business.step(1)
    assert business.owed(its) == Owed(0, 0)
    assert business.drift().differences == ()
    assert "stripe-billing" not in " ".join(business.tasks())


@pytest.mark.turn(2)
def test_who_pays_there_right_before_the_stop_is_not_stopped_while_nobody_can_read_it(business: Business) -> None:
    customer, invoice = business.subscribed("insufficient_funds", days=90)
    business.days(20, hours=24)
    while (stops := used(business, customer).disable.promised_on) is None or business.now.date() < stops:
        business.step(12)
    while business.now.hour < 17:
        business.step(1)
    assert business.now.date() == stops
    method = business.method(customer)
    business.control("pay_on_page", invoice=invoice, method=method)
    business.net.away = True
    for _ in range(16):
        business.step(0.5)
        assert used(business, customer).state is State.PAST_DUE, business.now
    business.net.away = False
    business.step(1)
    assert (used(business, customer).state, business.owed(invoice)) == (State.ACTIVE, Owed(0, 0))
    assert business.tasks() == []


@pytest.mark.turn(2)
def test_who_pays_there_after_the_reading_and_before_the_stop_of_one_look_is_not_stopped(
    business: Business, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer, invoice = business.subscribed("insufficient_funds", days=90)
    business.days(20, hours=24)
    while (stops := used(business, customer).disable.promised_on) is None or business.now.date() < stops:
        business.step(12)
    while business.now.hour < 17:
        business.step(1)
    due = business.store.next_due()
    assert due is not None
    business.step((due - timedelta(seconds=1) - business.now).total_seconds() / 3600)
    assert used(business, customer).state is State.PAST_DUE
    method, beside, read = business.method(customer), business.providers.billing, []
    assert beside is not None
    sweep = beside.sweep

    def and_then_they_pay(now: datetime) -> object:
        swept = sweep(now)
        if not read:
            assert now < due
            business.control("pay_on_page", invoice=invoice, method=method)
        read.append(now)
        return swept

    def passes(clock: Any) -> datetime:
        clock.at += timedelta(seconds=0.4)
        at: datetime = clock.at
        return at

    monkeypatch.setattr(beside, "sweep", and_then_they_pay)
    monkeypatch.setattr(type(business.clock), "now", passes)
    business.look()
    assert business.clock.at > due
    assert (used(business, customer).state, business.owed(invoice)) == (State.ACTIVE, Owed(0, 0))


def test_a_lost_answer_to_a_report_is_not_a_second_report(business: Business) -> None:
    customer, invoice = business.subscribed("insufficient_funds")
    business.behave(customer, "approve")
    while not business.facts(customer, f.PaymentBooked):
        business.step(24, look=False).look(billing=False)
    business.net.drops = True
    assert business.try_sweep() == "provider_unreachable"
    business.net.drops = False
    business.sweep()
    told = business.invoice(invoice)
    assert (told["status"], [one["ours"] for one in told["paid_with"]]) == ("paid", [True])
    assert business.control("balance", customer=customer)["balance"] == 0
    assert agree(business)


def test_an_invoice_that_cannot_be_taken_stops_none_of_the_others(business: Business) -> None:
    customer = business.customer("insufficient_funds")
    good = once(business, customer, 1000)
    odd = once(business, customer, 900)
    business.sandbox.book.billing.invoices[odd].currency = "xts"
    business.sandbox.book.billing.invoices[odd].amount_due = 800
    after = once(business, customer, 500)
    business.sweep(everybody=True)
    assert (business.owed(good).here, business.owed(after).here) == (1000, 500)
    [task] = [one for one in business.tasks() if odd in one]
    assert "is not taken" in task
    business.sandbox.book.billing.invoices[odd].currency = "eur"
    business.sweep(everybody=True)
    assert not [one for one in business.tasks() if odd in one]


def test_a_customer_that_cannot_be_read_is_one_task_and_stops_nobody_else(business: Business) -> None:
    odd, _ = business.subscribed("insufficient_funds")
    business.sandbox.book.customers[odd].details["preferred_locales"] = {"a": 7}
    _, invoice = business.subscribed("insufficient_funds")
    business.sweep(everybody=True)
    assert business.owed(invoice) == Owed(1000, 1000)
    [task] = business.tasks()
    assert odd in task


def test_products_are_services_and_long_invoices_are_read_to_their_end(
    make_postgres: Callable[[], PostgresStore],
) -> None:
    business = Business(make_postgres(), msgspec.structs.replace(OPTIONS, services={"prod_mail": "mail"}))
    customer = business.customer("insufficient_funds")
    lines = [[10, "prod_x"]] * 11 + [[90, "prod_mail"]]
    business.control("bill_once", customer=customer, lines=lines)
    business.step(1)
    account = business.account(customer)
    assert account is not None
    assert sorted(sub.service for sub in account.subscriptions) == ["cloud", "mail"]


@pytest.mark.turn(2)
def test_an_invoice_that_was_sent_to_be_paid_is_due_when_it_says_and_no_card_is_charged(business: Business) -> None:
    customer = business.customer()
    invoice = once(business, customer, 1000, collection="send_invoice")
    business.days(29, hours=24)
    assert business.facts(customer, f.BecamePastDue) == []
    business.days(4, hours=24)
    assert len(business.facts(customer, f.BecamePastDue)) == 1
    assert (business.owed(invoice), business.taken(customer)) == (Owed(1000, 1000), 0)
