"""What is read from Stripe Billing and asked of it: the requests, and what of the answers is taken."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pytest
from tests.adapters.stripe_wire import NOW, SECRET, Body, T, Wire, adapter, event
from tests.adapters.test_stripe_events import signed

from arrears.adapters.payments.stripe.billing import TYPES, StripeBilling
from arrears.core.errors import Refused
from arrears.ports.billing import BillingOptions, PaymentReport, PaymentReturn

OPTIONS: Final = BillingOptions(date(2024, 1, 1), "UTC", "NL", "en", "default", "cloud", {"prod_mail": "mail"})
SINCE: Final = datetime.fromtimestamp(T, UTC)


def listed(*data: Mapping[str, Any], more: bool = False) -> Body:
    return {"object": "list", "has_more": more, "data": list(data)}


def invoice(ref: str = "in_1", status: str = "open", **changed: Any) -> Body:
    given = {
        "id": ref,
        "object": "invoice",
        "amount_due": 1000,
        "amount_paid": 0,
        "amount_remaining": 1000,
        "created": T - 1000,
        "currency": "eur",
        "customer": "cus_1",
        "livemode": False,
        "lines": listed(),
        "number": f"N-{ref}",
        "status": status,
        "status_transitions": {},
    }
    return {**given, **changed}


def billing(wire: Wire) -> StripeBilling:
    return adapter(wire).billing()


def shop(*invoices: Body) -> Wire:
    """One customer with these invoices, the newest first as Stripe lists them."""
    wire = Wire().on("GET customers/cus_1", {"id": "cus_1", "object": "customer", "name": "Ann", "livemode": False})
    wire.on("GET invoices", listed(*invoices)).on("GET invoice_payments", listed())
    return wire.on("GET subscriptions", listed())


def numbers(wire: Wire, *also: str) -> list[str]:
    found = billing(wire).read("cus_1", OPTIONS, SINCE, {*also})
    assert found is not None
    return [one.number for one in found.invoices]


# -- whose invoices ----------------------------------------------------------------------------------------------


def test_every_customer_who_was_billed_is_named_once() -> None:
    wire = Wire().on(
        "GET invoices",
        listed(
            invoice("in_1"),
            invoice("in_2", customer={"id": "cus_2", "object": "customer"}),
            invoice("in_3"),
            invoice("in_4", customer=None),
        ),
    )
    assert list(billing(wire).customers()) == ["cus_1", "cus_2"]


INTENT: Final[Body] = {"id": "pi_1", "object": "payment_intent", "metadata": {}}
SAID: Final[dict[str, tuple[Body, dict[str, set[str]]]]] = {
    "customer.subscription.deleted": (
        {"id": "sub_1", "object": "subscription", "customer": "cus_8"},
        {"cus_8": set()},
    ),
    "customer.updated": ({"id": "cus_9", "object": "customer"}, {"cus_9": set()}),
    "invoice.paid": (invoice("in_1"), {"cus_1": {"in_1"}}),
    "invoice.updated": (invoice("in_1", customer=None), {}),
    "credit_note.created": (
        {"id": "cn_1", "object": "credit_note", "customer": "cus_1", "invoice": "in_5"},
        {"cus_1": {"in_5"}},
    ),
    "invoice_payment.paid": ({"id": "inpay_1", "object": "invoice_payment", "invoice": "in_1"}, {"cus_1": {"in_1"}}),
    "invoice_payment.detached": ({"id": "inpay_1", "object": "invoice_payment", "invoice": "in_gone"}, {}),
    "payment_intent.processing": (INTENT, {"cus_1": {"in_1"}}),
    "payment_intent.processing of ours": ({**INTENT, "metadata": {"attempt": "att_1_1"}}, {}),
    "charge.dispute.created": ({"id": "dp_1", "object": "dispute", "payment_intent": "pi_1"}, {"cus_1": {"in_1"}}),
    "charge.dispute.created of a charge": ({"id": "dp_1", "object": "dispute", "payment_intent": None}, {}),
    "invoice.voided of something else": ({"id": "x_1", "object": "else", "customer": "cus_1"}, {}),
}


def who_knows() -> Wire:
    gone = (404, {"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "no such invoice"}})
    wire = Wire().on("GET invoices/in_1", invoice("in_1")).on("GET invoices/in_gone", gone)
    wire.on("GET invoice_payments", listed({"id": "inpay_1", "object": "invoice_payment", "invoice": "in_1"}))
    return wire.on("GET subscriptions", listed())


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("way", ["webhook", "events"])
def test_an_event_says_whose_invoices_are_to_be_read_and_which(said: str, way: str) -> None:
    about, wanted = SAID[said]
    told = event(said.partition(" ")[0], about)
    if way == "webhook":
        body = json.dumps(told).encode()
        found = billing(who_knows()).changed_in(body, signed(body), NOW)
    else:
        found = billing(who_knows().on("GET events", listed(told))).changed_since(NOW, NOW)
    assert dict(found) == wanted


def test_an_event_of_another_kind_says_nothing() -> None:
    body = json.dumps(event("invoice.created", invoice("in_1"))).encode()
    assert dict(billing(Wire()).changed_in(body, signed(body), NOW)) == {}


def test_what_several_events_are_about_is_asked_for_once() -> None:
    one = {"id": "inpay_1", "object": "invoice_payment", "invoice": "in_1"}
    other = {**one, "id": "inpay_2"}
    wire = who_knows().on("GET events", listed(*(event("invoice_payment.paid", about) for about in (one, one, other))))
    assert dict(billing(wire).changed_since(NOW, NOW)) == {"cus_1": {"in_1"}}
    assert wire.count("GET invoices/in_1") == 2
    assert wire.sent("GET events")["created[gte]"] == str(T)
    assert wire.sent("GET events")["types[0]"] == TYPES[0]


def test_who_had_paid_for_a_time_that_is_over_now_is_read_whoever_told_of_the_end() -> None:
    over = {"id": "sub_1", "object": "subscription", "customer": "cus_7", "status": "canceled"}
    wire = Wire().on("GET events", listed()).on("GET subscriptions", listed(over))
    assert dict(billing(wire).changed_since(NOW, NOW + timedelta(minutes=1))) == {"cus_7": set()}
    asked = wire.sent("GET subscriptions")
    assert asked["status"] == "canceled"
    assert [asked[f"current_period_end[{end}]"] for end in ("gte", "lte")] == [str(T - 3600), str(T + 60)]


def test_what_was_reported_and_has_left_again_is_a_refund_of_its_record() -> None:
    wire = Wire().on("POST payment_records/pr_1/report_refund", {"id": "pr_1", "object": "payment_record"})
    billing(wire).give_back(PaymentReturn("pr_1", "return_1", "EUR", 300, NOW))
    sent = wire.sent("POST payment_records/pr_1/report_refund")
    assert (sent["amount[value]"], sent["amount[currency]"], sent["outcome"]) == ("300", "eur", "refunded")
    assert (sent["refunded[refunded_at]"], sent["processor_details[custom][refund_reference]"]) == (str(T), "return_1")


def test_an_invoice_that_cannot_be_asked_for_is_no_invoice_that_is_gone() -> None:
    refused = (400, {"error": {"type": "invalid_request_error", "code": "parameter_invalid", "message": "no"}})
    body = json.dumps(event("invoice_payment.paid", {"object": "invoice_payment", "invoice": "in_1"})).encode()
    with pytest.raises(Refused) as said:
        billing(Wire().on("GET invoices/in_1", refused)).changed_in(body, signed(body, SECRET), NOW)
    assert said.value.code == "provider_refused"
    with pytest.raises(Refused) as said:
        billing(Wire().on("GET customers/cus_1", refused)).read("cus_1", OPTIONS, SINCE, set())
    assert said.value.code == "provider_refused"


def test_an_invoice_of_nobody_is_nobodys() -> None:
    body = json.dumps(event("invoice_payment.paid", {"object": "invoice_payment", "invoice": "in_1"})).encode()
    wire = Wire().on("GET invoices/in_1", invoice("in_1", customer=None))
    assert dict(billing(wire).changed_in(body, signed(body), NOW)) == {}


# -- a customer --------------------------------------------------------------------------------------------------


def test_a_customer_who_is_not_there_is_none() -> None:
    gone = (404, {"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "no customer"}})
    assert billing(Wire().on("GET customers/cus_1", gone)).read("cus_1", OPTIONS, SINCE, set()) is None


def ended(ref: str, status: str, at: int, **changed: Any) -> Body:
    return invoice(ref, status, status_transitions={"paid_at": at, "voided_at": None}, **changed)


def test_what_is_open_or_ended_since_or_is_named_is_read_and_the_oldest_first() -> None:
    wire = shop(
        ended("in_6", "paid", T),
        ended("in_5", "void", T - 1),
        ended("in_4", "paid", T - 1),
        invoice("in_3", "draft"),
        invoice("in_2", number=None),
        invoice("in_1"),
    )
    assert numbers(wire) == ["N-in_1", "N-in_6"]
    assert numbers(wire, "in_4", "in_3") == ["N-in_1", "N-in_4", "N-in_6"]
    assert wire.sent("GET invoices")["customer"] == "cus_1"


def test_a_draft_says_nothing_of_how_a_customer_pays() -> None:
    sent = {"collection_method": "send_invoice"}
    found = billing(shop(invoice("in_2", "draft", **sent), ended("in_1", "paid", T - 1))).read(
        "cus_1", OPTIONS, SINCE, set()
    )
    assert found is not None
    assert (found.account.mode, list(found.invoices)) == ("card", [])


@pytest.mark.parametrize(
    ("status", "paid", "asked"),
    [("open", 0, 1), ("uncollectible", 0, 1), ("paid", 0, 0), ("void", 0, 0), ("paid", 1000, 1), ("void", 300, 1)],
)
def test_payments_are_asked_for_where_there_can_be_any(status: str, paid: int, asked: int) -> None:
    wire = shop(ended("in_1", status, T, amount_paid=paid, amount_remaining=1000 - paid))
    assert numbers(wire) == ["N-in_1"]
    assert wire.count("GET invoice_payments") == asked


def test_an_invoice_of_more_lines_than_come_with_it_has_all_its_services() -> None:
    line = {"id": "il_1", "object": "line_item", "pricing": {"price_details": {"product": "prod_mail"}}}
    whole = invoice("in_1", lines=listed(line, more=True))
    wire = shop(whole).on("GET invoices/in_1/lines", listed(line, {**line, "pricing": {}}))
    found = billing(wire).read("cus_1", OPTIONS, SINCE, set())
    assert found is not None
    [one] = found.invoices
    assert one.row is not None
    assert one.row.services == ("cloud", "mail")


def test_disputes_are_asked_for_of_each_payment_that_has_had_one() -> None:
    charge = {"id": "ch_1", "object": "charge", "disputed": True}
    intent = {"id": "pi_1", "object": "payment_intent", "status": "succeeded", "metadata": {}, "latest_charge": charge}
    paid = {
        "id": "inpay_1",
        "object": "invoice_payment",
        "status": "paid",
        "amount_paid": 1000,
        "payment": {"type": "payment_intent", "payment_intent": intent},
    }
    wire = shop(ended("in_1", "paid", T, amount_paid=1000, amount_remaining=0)).on("GET invoice_payments", listed(paid))
    wire.on("GET disputes", listed({"id": "dp_1", "object": "dispute", "status": "needs_response"}))
    found = billing(wire).read("cus_1", OPTIONS, SINCE, set())
    assert found is not None
    [one] = found.invoices
    assert one.row is not None
    assert (one.row.disputed, list(one.payments)) == (True, [])
    assert wire.sent("GET disputes")["payment_intent"] == "pi_1"


# -- what it is asked and told -----------------------------------------------------------------------------------


def test_an_invoice_is_stopped_by_the_one_switch_that_stops_a_charge() -> None:
    wire = Wire().on("POST invoices/in_1", invoice("in_1"))
    billing(wire).stop("in_1")
    assert wire.sent("POST invoices/in_1") == {"auto_advance": "false"}


def test_a_payment_is_recorded_and_attached_each_under_a_key_of_its_own() -> None:
    wire = Wire().on("POST payment_records/report_payment", {"id": "pr_1", "object": "payment_record"})
    wire.on("POST invoices/in_1/attach_payment", invoice("in_1"))
    billing(wire).report(
        PaymentReport(invoice="in_1", key="k", amount_minor=500, currency="JPY", at=NOW, reference="r")
    )
    record = wire.sent("POST payment_records/report_payment")
    assert (record["amount_requested[value]"], record["amount_requested[currency]"]) == ("500", "jpy")
    assert (record["initiated_at"], record["metadata[key]"]) == (str(T), "k")
    assert wire.sent("POST invoices/in_1/attach_payment") == {"payment_record": "pr_1"}
    assert wire.key_of("POST payment_records/report_payment") == "k:record"
    assert wire.key_of("POST invoices/in_1/attach_payment") == "k:attach"


def test_a_subscription_is_ended_with_its_period_and_keeps_who_asked_for_it() -> None:
    wire = Wire().on("POST subscriptions/sub_1", {"id": "sub_1", "object": "subscription"})
    system = billing(wire)
    system.end("sub_1", "7.12")
    sent = wire.sent("POST subscriptions/sub_1")
    assert sent == {"cancel_at_period_end": "true", "metadata[arrears_end]": f"{system._installation}/7.12"}


def test_an_end_that_is_taken_back_leaves_nothing() -> None:
    wire = Wire().on("POST subscriptions/sub_1", {"id": "sub_1", "object": "subscription"})
    billing(wire).go_on("sub_1")
    assert wire.sent("POST subscriptions/sub_1") == {"cancel_at_period_end": "false", "metadata[arrears_end]": ""}
