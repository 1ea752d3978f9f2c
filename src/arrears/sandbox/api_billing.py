"""Requests about billing: invoices and what paid them, payments made elsewhere, subscriptions, credit notes."""

from __future__ import annotations

import sys

from arrears.sandbox import wire_billing as shown
from arrears.sandbox.api_pages import LISTS, known
from arrears.sandbox.billing_objects import SandboxPaymentRecord
from arrears.sandbox.forms import (
    Params,
    amount_of,
    currency_of,
    expands,
    flag,
    integer,
    metadata_of,
    only,
    page_of,
    part,
    text,
)
from arrears.sandbox.objects import WireError, bad_request
from arrears.sandbox.wire import WireAnswer, WireObjects


def customers(wire: WireObjects, _: str, params: Params) -> WireAnswer:
    """GET /v1/customers"""
    only(params, f"created email {LISTS}")
    return page_of([*wire.book.customers.values()], params, "/v1/customers", wire.customer)


def invoices(wire: WireObjects, _: str, params: Params) -> WireAnswer:
    """GET /v1/invoices"""
    only(params, f"customer status collection_method subscription created {LISTS}")
    status = text(params, "status")
    if status not in ("", "draft", "open", "paid", "uncollectible", "void"):
        raise bad_request(f"Invalid status: {status}", "parameter_invalid", param="status")
    found = [
        one
        for one in wire.book.billing.invoices.values()
        if params.get("customer", one.customer) == one.customer and status in ("", one.status)
    ]
    return page_of(found, params, "/v1/invoices", lambda one: shown.invoice(wire, one))


def invoice(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """GET /v1/invoices/:id"""
    only(params, "")
    expands(params)
    return shown.invoice(wire, known(wire.book.billing.invoices, name, "invoice"))


def lines(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """GET /v1/invoices/:id/lines; lines have no time of their own, so they come in one page."""
    only(params, LISTS)
    found = known(wire.book.billing.invoices, name, "invoice")
    return {"object": "list", "has_more": False, "data": [shown.line(one) for one in found.lines]}


def change_invoice(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """POST /v1/invoices/:id: of one that is finalised only whether it advances by itself, and the metadata."""
    only(params, "auto_advance metadata")
    found = known(wire.book.billing.invoices, name, "invoice")
    if "metadata" in params:
        found.metadata |= metadata_of(params)
    if "auto_advance" in params:
        wire.book.billing.advance(found, on=flag(params, "auto_advance"))
    return shown.invoice(wire, found)


def pay(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """POST /v1/invoices/:id/pay"""
    only(params, "paid_out_of_band")
    found = known(wire.book.billing.invoices, name, "invoice")
    if flag(params, "paid_out_of_band"):
        wire.book.billing.out_of_band(found)
    elif found.status not in ("open", "uncollectible"):
        raise bad_request("Invoice is already paid" if found.status == "paid" else "This invoice is not open.")
    else:
        wire.book.billing.attempt(found, wire.book.clock)
        if found.status != "paid":
            raise WireError(402, "card_error", "Your card was declined.", "card_declined")
    return shown.invoice(wire, found)


def attach_payment(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """POST /v1/invoices/:id/attach_payment"""
    only(params, "payment_intent payment_record")
    book = wire.book
    found = known(book.billing.invoices, name, "invoice")
    intent = known(book.intents, params["payment_intent"], "payment_intent") if "payment_intent" in params else None
    record = (
        known(book.billing.records, params["payment_record"], "payment_record") if "payment_record" in params else None
    )
    book.billing.attach(found, intent, record)
    return shown.invoice(wire, found)


def void(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """POST /v1/invoices/:id/void"""
    only(params, "")
    found = known(wire.book.billing.invoices, name, "invoice")
    wire.book.billing.void(found)
    return shown.invoice(wire, found)


def give_up(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """POST /v1/invoices/:id/mark_uncollectible"""
    only(params, "")
    found = known(wire.book.billing.invoices, name, "invoice")
    wire.book.billing.give_up(found)
    return shown.invoice(wire, found)


def invoice_payments(wire: WireObjects, _: str, params: Params) -> WireAnswer:
    """GET /v1/invoice_payments"""
    only(params, f"invoice status payment created {LISTS}")
    expand = expands(params, of_list=True)
    wanted = text(params, "invoice")
    if wanted:
        known(wire.book.billing.invoices, wanted, "invoice", "invoice")
    of = part(params, "payment")
    intent, record = text(of, "payment_intent"), text(of, "payment_record")
    found = [
        one
        for one in wire.book.billing.payments.values()
        if wanted in ("", one.invoice) and intent in ("", one.intent) and record in ("", one.record)
    ]
    return page_of(found, params, "/v1/invoice_payments", lambda one: shown.invoice_payment(wire, one, expand))


def report_payment(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """POST /v1/payment_records/report_payment: what was paid elsewhere, once it is certain."""
    if name != "report_payment":
        raise WireError(404, "invalid_request_error", f"Unrecognized request URL (POST: /v1/payment_records/{name}).")
    only(
        params,
        "amount_requested initiated_at payment_method_details processor_details outcome guaranteed customer_details"
        " description metadata customer_presence",
    )
    asked = part(params, "amount_requested")
    only(asked, "currency value")
    integer(params, "initiated_at")
    method = part(params, "payment_method_details")
    if not method:
        message = "Missing required param: payment_method_details."
        raise bad_request(message, "parameter_missing", param="payment_method_details")
    only(method, "billing_details custom payment_method type")
    outcome = text(params, "outcome")
    if outcome not in ("", "guaranteed", "failed", "canceled"):
        raise bad_request(f"Invalid outcome: {outcome}", "parameter_invalid", param="outcome")
    if outcome == "guaranteed":
        integer(part(params, "guaranteed"), "guaranteed_at")
    processor = part(params, "processor_details")
    reference = text(part(processor, "custom"), "payment_reference")
    made = SandboxPaymentRecord(
        wire.book.new_id("pr"),
        wire.book.clock,
        currency_of(asked),
        amount_of(asked, "value"),
        outcome == "guaranteed",
        reference,
        metadata_of(params),
    )
    wire.book.billing.records[made.id] = made
    return shown.payment_record(wire, made)


def report_refund(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """POST /v1/payment_records/:id/report_refund: what was given back elsewhere. No invoice changes by it."""
    only(params, "amount initiated_at metadata outcome processor_details refunded")
    found = known(wire.book.billing.records, name, "payment_record")
    if text(params, "outcome") != "refunded":
        raise bad_request("Missing required param: outcome.", "parameter_missing", param="outcome")
    reference = text(part(part(params, "processor_details"), "custom"), "refund_reference")
    if not reference or any(reference in one.refunds for one in wire.book.billing.records.values()):
        raise bad_request("A refund reference is required, and unique.", param="processor_details")
    integer(part(params, "refunded"), "refunded_at")
    left = found.amount - found.refunded
    asked = part(params, "amount")
    amount = amount_of(asked, "value") if asked else left
    if amount > left or (asked and currency_of(asked) != found.currency):
        raise bad_request("The refund exceeds what is left of the payment.", param="amount")
    found.refunds[reference] = amount
    return shown.payment_record(wire, found)


def payment_record(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """GET /v1/payment_records/:id"""
    only(params, "")
    return shown.payment_record(wire, known(wire.book.billing.records, name, "payment_record"))


def credit_notes(wire: WireObjects, _: str, params: Params) -> WireAnswer:
    """GET /v1/credit_notes"""
    only(params, f"invoice customer created {LISTS}")
    found = [
        one
        for one in wire.book.billing.notes.values()
        if params.get("invoice", one.invoice) == one.invoice and params.get("customer", one.customer) == one.customer
    ]
    return page_of(found, params, "/v1/credit_notes", lambda one: shown.credit_note(wire, one))


def new_credit_note(wire: WireObjects, _: str, params: Params) -> WireAnswer:
    """POST /v1/credit_notes"""
    only(params, "invoice amount credit_amount metadata memo")
    found = known(wire.book.billing.invoices, text(params, "invoice"), "invoice", "invoice")
    return shown.credit_note(wire, wire.book.billing.note(found, amount_of(params)))


def subscriptions(wire: WireObjects, _: str, params: Params) -> WireAnswer:
    """GET /v1/subscriptions: without `status` those that are not canceled."""
    only(params, f"customer status created current_period_end {LISTS}")
    status, over = text(params, "status"), part(params, "current_period_end")
    only(over, "gte lte")
    first = integer(over, "gte") if "gte" in over else 0
    last = integer(over, "lte") if "lte" in over else sys.maxsize
    found = [
        one
        for one in wire.book.billing.subscriptions.values()
        if params.get("customer", one.customer) == one.customer
        and (status in ("all", one.status) or (not status and one.status != "canceled"))
        and first <= one.period_end <= last
    ]
    return page_of(found, params, "/v1/subscriptions", lambda one: shown.subscription(wire, one))


def subscription(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """GET /v1/subscriptions/:id"""
    only(params, "")
    return shown.subscription(wire, known(wire.book.billing.subscriptions, name, "subscription"))


def change_subscription(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """POST /v1/subscriptions/:id: whether it ends with its period or is paused, and the metadata."""
    only(params, "cancel_at_period_end pause_collection metadata")
    found = known(wire.book.billing.subscriptions, name, "subscription")
    if "cancel_at_period_end" in params:
        wire.book.billing.end(found, at_period_end=flag(params, "cancel_at_period_end"))
    if "pause_collection" in params:
        behavior = text(part(params, "pause_collection"), "behavior") if params["pause_collection"] else ""
        if behavior not in ("", "void"):
            raise bad_request(f"Invalid behavior: {behavior}", param="pause_collection[behavior]")
        found.paused = behavior
        wire.book.add_event("customer.subscription.updated", found.id, "subscription")
    if "metadata" in params:
        # An empty value takes its key away (docs.stripe.com/api/metadata).
        found.metadata = {key: text for key, text in (found.metadata | metadata_of(params)).items() if text}
    return shown.subscription(wire, found)
