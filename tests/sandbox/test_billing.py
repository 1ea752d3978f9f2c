"""The provider's billing, driven with the provider's own SDK: what Stripe does by itself, and the awkward ways."""

from __future__ import annotations

from typing import Any

import pytest
from tests.sandbox.conftest import DAY, Shop
from tests.sandbox.test_wire import refused

HOUR = 3600


def billed(shop: Shop, card: str = "approve", amount: int = 1000, **more: Any) -> tuple[str, str, str]:
    """A customer with a card and a subscription whose first invoice Stripe has charged; with its card."""
    method, customer = shop.method(card, kind=more.pop("kind", "card"))
    shop.control("default_method", customer=customer, method=method)
    invoice = str(shop.control("subscribe", customer=customer, amount=amount, **more)["invoice"])
    shop.move(HOUR)
    return customer, invoice, method


def record(shop: Shop, amount: int, currency: str = "eur") -> str:
    """A payment that was made elsewhere, reported."""
    made = shop.v1.payment_records.report_payment(
        {
            "amount_requested": {"currency": currency, "value": amount},
            "initiated_at": shop.now,
            "outcome": "guaranteed",
            "guaranteed": {"guaranteed_at": shop.now},
            "payment_method_details": {"type": "custom", "custom": {"display_name": "arrears"}},
            "processor_details": {"type": "custom", "custom": {"payment_reference": "att_1_2"}},
        }
    )
    return str(made.id)


def test_an_invoice_is_a_draft_for_an_hour_and_is_then_charged(shop: Shop) -> None:
    _, invoice, _ = billed(shop)
    found = shop.v1.invoices.retrieve(invoice)
    assert (found.status, found.amount_paid, found.attempt_count, found.auto_advance) == ("paid", 1000, 1, False)
    assert [line.amount for line in found.lines.data] == [1000]
    [payment] = shop.v1.invoice_payments.list(
        {"invoice": invoice, "expand": ["data.payment.payment_intent.latest_charge"]}
    ).data
    assert (payment.status, payment.amount_paid, payment.is_default) == ("paid", 1000, True)
    assert payment.payment.payment_intent.latest_charge.status == "succeeded"
    kinds = [event.type for event in shop.v1.events.list({"limit": 100}).data]
    assert {"invoice.created", "invoice.finalized", "invoice.paid", "invoice_payment.paid"} <= {*kinds}


def test_a_declined_invoice_is_tried_again_until_the_retries_are_over_and_not_once_it_is_told_to_stop(
    shop: Shop,
) -> None:
    customer, invoice, method = billed(shop, "insufficient_funds")
    found = shop.v1.invoices.retrieve(invoice)
    assert (found.status, found.attempt_count, found.next_payment_attempt) == ("open", 1, shop.now + 3 * DAY)
    shop.move(3 * DAY)
    assert shop.v1.invoices.retrieve(invoice).attempt_count == 2
    stopped = shop.v1.invoices.update(invoice, {"auto_advance": False})
    assert (stopped.next_payment_attempt, stopped.auto_advance) == (None, False)
    shop.move(9 * DAY)
    assert shop.v1.invoices.retrieve(invoice).attempt_count == 2
    [sub] = shop.v1.subscriptions.list({"customer": customer}).data
    assert sub.status == "past_due"
    shop.control("behave", method=method, **{"as": "approve"})
    shop.control("advance", invoice=invoice, on=True)
    shop.move(DAY)
    assert shop.v1.invoices.retrieve(invoice).status == "paid"
    assert shop.v1.subscriptions.retrieve(sub.id).status == "active"


def test_a_debit_is_under_way_for_days(shop: Shop) -> None:
    _, invoice, _ = billed(shop, "sepa", kind="sepa_debit")
    [payment] = shop.v1.invoice_payments.list({"invoice": invoice, "expand": ["data.payment.payment_intent"]}).data
    assert (payment.status, payment.payment.payment_intent.status) == ("open", "processing")
    assert shop.v1.invoices.retrieve(invoice).status == "open"
    shop.move(5 * DAY)
    assert shop.v1.invoices.retrieve(invoice).status == "paid"


def test_what_is_below_the_least_charge_is_paid_and_owed_with_the_next(shop: Shop) -> None:
    method, customer = shop.method()
    shop.control("default_method", customer=customer, method=method)
    first = shop.control("bill_once", customer=customer, lines=[[30, "prod_cloud"]])["id"]
    shop.move(HOUR)
    small = shop.v1.invoices.retrieve(first)
    assert (small.status, small.total, small.amount_due, small.ending_balance) == ("paid", 30, 0, 30)
    second = shop.control("bill_once", customer=customer, lines=[[500, "prod_cloud"]])["id"]
    shop.move(HOUR)
    assert shop.v1.invoices.retrieve(second).amount_due == 530
    assert shop.v1.customers.retrieve(customer).balance == 0


def test_credit_of_the_customer_goes_into_the_next_invoice(shop: Shop) -> None:
    method, customer = shop.method()
    shop.control("default_method", customer=customer, method=method)
    shop.control("balance", customer=customer, change=-700)
    invoice = shop.control("bill_once", customer=customer, lines=[[1000, "prod_cloud"]])["id"]
    shop.move(HOUR)
    found = shop.v1.invoices.retrieve(invoice)
    assert (found.total, found.amount_due, found.amount_paid, found.starting_balance) == (1000, 300, 300, -700)


def test_payments_made_elsewhere_pay_in_parts_and_what_is_too_much_is_credit(shop: Shop) -> None:
    customer, invoice, _ = billed(shop, "generic")
    first, second, third = (record(shop, amount) for amount in (400, 900, 100))
    assert shop.v1.invoices.attach_payment(invoice, {"payment_record": first}).amount_remaining == 600
    assert "already attached" in str(refused(shop.v1.invoices.attach_payment, invoice, {"payment_record": first}))
    paid = shop.v1.invoices.attach_payment(invoice, {"payment_record": second})
    assert (paid.status, paid.amount_overpaid, paid.amount_paid_off_stripe) == ("paid", 300, 1000)
    assert shop.v1.customers.retrieve(customer).balance == -300
    assert refused(shop.v1.invoices.attach_payment, invoice, {"payment_record": third}).http_status == 400
    listed = shop.v1.invoice_payments.list({"invoice": invoice, "expand": ["data.payment.payment_record"]}).data
    references = [
        one.payment.payment_record.processor_details.custom.payment_reference
        for one in listed
        if one.payment.type == "payment_record"
    ]
    assert references == ["att_1_2", "att_1_2"]
    assert [one.status for one in listed if one.is_default] == ["canceled"]


def test_a_payment_in_another_currency_is_refused(shop: Shop) -> None:
    _, invoice, _ = billed(shop, "generic")
    assert refused(shop.v1.invoices.attach_payment, invoice, {"payment_record": record(shop, 10, "usd")})


def test_a_customer_pays_a_part_and_the_rest_on_the_hosted_page(shop: Shop) -> None:
    _, invoice, _ = billed(shop, "generic")
    good = shop.method()[0]
    shop.control("pay_on_page", invoice=invoice, method=good, amount=300)
    assert shop.v1.invoices.retrieve(invoice).amount_remaining == 700
    shop.control("pay_on_page", invoice=invoice, method=good)
    found = shop.v1.invoices.retrieve(invoice)
    assert (found.status, found.amount_paid) == ("paid", 1000)
    assert sum(taken for taken, _, _ in shop.book()) == 1000


def test_a_detached_payment_opens_its_invoice_again(shop: Shop) -> None:
    _, invoice, _ = billed(shop)
    assert shop.control("detach_payment", invoice=invoice)["status"] == "open"
    found = shop.v1.invoices.retrieve(invoice)
    assert (found.amount_remaining, found.auto_advance, found.next_payment_attempt) == (1000, False, None)
    assert {one.status for one in shop.v1.invoice_payments.list({"invoice": invoice}).data} == {"canceled", "open"}


def test_credit_notes_first_ask_less_and_then_give_credit(shop: Shop) -> None:
    customer, invoice, _ = billed(shop, "generic")
    shop.control("pay_on_page", invoice=invoice, method=shop.method()[0], amount=600)
    note = shop.v1.credit_notes.create({"invoice": invoice, "amount": 500})
    assert (note.pre_payment_amount, note.post_payment_amount) == (400, 100)
    found = shop.v1.invoices.retrieve(invoice)
    assert (found.status, found.amount_due, found.amount_paid) == ("paid", 600, 600)
    assert shop.v1.customers.retrieve(customer).balance == -100


def test_voided_given_up_and_paid_elsewhere(shop: Shop) -> None:
    ends = [billed(shop, "generic")[1] for _ in range(3)]
    assert shop.v1.invoices.void_invoice(ends[0]).status == "void"
    assert shop.v1.invoices.mark_uncollectible(ends[1]).status == "uncollectible"
    assert shop.v1.invoices.pay(ends[1], {"paid_out_of_band": True}).status == "paid"
    paid = shop.v1.invoices.pay(ends[2], {"paid_out_of_band": True})
    assert (paid.status, paid.amount_paid, paid.amount_paid_off_stripe) == ("paid", 1000, 1000)
    assert refused(shop.v1.invoices.void_invoice, ends[2]).http_status == 400
    assert [one.status for one in shop.v1.invoice_payments.list({"invoice": ends[2]}).data] == ["canceled"]


@pytest.mark.parametrize("then", ["past_due", "canceled"])
def test_what_becomes_of_a_subscription_after_the_last_try_is_a_setting_that_no_request_reads(
    shop: Shop, then: str
) -> None:
    shop.control("dunning", retry_days=[1], then=then)
    customer, invoice, _ = billed(shop, "generic")
    shop.move(DAY)
    [sub] = shop.v1.subscriptions.list({"customer": customer, "status": "all"}).data
    assert (sub.status, shop.v1.invoices.retrieve(invoice).status) == (then, "open")
    assert sub.cancellation_details.reason == ("payment_failed" if then == "canceled" else None)


def test_a_subscription_ends_with_its_period_until_somebody_takes_that_back(shop: Shop) -> None:
    customer, _, _ = billed(shop)
    [sub] = shop.v1.subscriptions.list({"customer": customer}).data
    wanted: dict[str, Any] = {"cancel_at_period_end": True, "metadata": {"by": "us", "other": "x"}}
    ends = shop.v1.subscriptions.update(sub.id, wanted)  # type: ignore[arg-type]
    over = ends["items"].data[0].current_period_end
    assert (ends.cancel_at_period_end, ends.cancel_at, ends.cancellation_details.reason) == (
        True,
        over,
        "cancellation_requested",
    )
    back = shop.v1.subscriptions.update(sub.id, {"cancel_at_period_end": False, "metadata": {"by": ""}})
    assert (back.cancel_at_period_end, back.cancel_at, back.metadata.to_dict()) == (False, None, {"other": "x"})
    shop.move(31 * DAY)
    assert len(shop.v1.invoices.list({"customer": customer}).data) == 2
    shop.v1.subscriptions.update(sub.id, {"cancel_at_period_end": True})
    shop.move(31 * DAY)
    assert shop.v1.subscriptions.retrieve(sub.id).status == "canceled"
    assert len(shop.v1.invoices.list({"customer": customer}).data) == 2
    assert "canceled subscription" in str(
        refused(shop.v1.subscriptions.update, sub.id, {"cancel_at_period_end": False})
    )
