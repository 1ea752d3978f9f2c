"""Requests about money: payments, their charges, refunds and disputes; and the events that tell of all."""

from __future__ import annotations

from typing import Final

from arrears.sandbox.accounts import SCHEMES
from arrears.sandbox.api_pages import LISTS, known
from arrears.sandbox.book import CLOSED
from arrears.sandbox.forms import (
    Params,
    address_of,
    amount_of,
    currency_of,
    expands,
    flag,
    in_steps,
    listed,
    may_do,
    metadata_of,
    only,
    page_of,
    part,
    text,
    within_limits,
)
from arrears.sandbox.objects import Intent, WireError, bad_request
from arrears.sandbox.wire import WireAnswer, WireObjects

EVENT_SECONDS: Final = 30 * 86_400
"""Events are listed for 30 days (docs.stripe.com/api/events)."""


def new_intent(wire: WireObjects, _: str, params: Params) -> WireAnswer:
    """POST /v1/payment_intents"""
    only(
        params,
        "amount currency customer payment_method confirm off_session metadata return_url description"
        " payment_method_types error_on_requires_action statement_descriptor_suffix automatic_payment_methods",
    )
    shown, confirm = expands(params), flag(params, "confirm")
    book = wire.book
    found = Intent(
        book.new_id("pi"),
        amount_of(params),
        currency_of(params),
        book.clock,
        metadata_of(params),
        description=text(params, "description"),
        return_url=address_of(params, "return_url"),
        off_session=flag(params, "off_session"),
    )
    if "customer" in params:
        found.customer = known(book.customers, params["customer"], "customer", "customer").id
    may_do(book.refused, found.currency, "any")
    within_limits(found.amount, found.currency)
    _check_confirmation(params, confirm=confirm)
    if "payment_method" in params:
        _attach(wire, found, params)
    elif confirm:
        raise bad_request("You cannot confirm this PaymentIntent because it's missing a payment method.")
    book.intents[found.id] = found
    book.add_event("payment_intent.created", found.id, "payment_intent")
    if confirm:
        _confirm(wire, found)
    return wire.intent(found, shown)


def _check_confirmation(params: Params, *, confirm: bool) -> None:
    for name in ("off_session", "return_url", "error_on_requires_action"):
        if name in params and not confirm:
            raise bad_request(f"{name} may only be given together with confirm=true.", param=name)
    automatic = part(params, "automatic_payment_methods")
    only(automatic, "enabled allow_redirects")
    if automatic and "payment_method_types" in params:
        raise bad_request("You may only specify one of automatic_payment_methods and payment_method_types.")
    stays = text(automatic, "allow_redirects", "always") == "never" or "payment_method_types" in params
    if confirm and not stays and not text(params, "return_url"):
        raise bad_request(
            "Some payment methods might redirect the customer, so you must provide a `return_url`; to refuse them,"
            " set automatic_payment_methods[allow_redirects] to never.",
            param="return_url",
        )


def _attach(wire: WireObjects, intent: Intent, params: Params) -> None:
    method = known(wire.book.methods, params["payment_method"], "payment_method", "payment_method")
    if method.customer is None or method.customer != intent.customer:
        raise bad_request("The PaymentMethod does not belong to the Customer.", "resource_missing")
    types = listed(params, "payment_method_types")
    if types and method.instrument.kind not in types:
        message = f"The PaymentMethod is a {method.instrument.kind}, which this PaymentIntent does not take."
        raise bad_request(message, "payment_intent_incompatible_payment_method", param="payment_method")
    scheme = SCHEMES.get(method.instrument.kind)
    if scheme is not None and intent.currency != scheme.currency:
        message = f"A {method.instrument.kind} pays in {scheme.currency}, not in {intent.currency}."
        raise bad_request(message, "payment_method_currency_mismatch", param="currency")
    intent.method, intent.status = method.id, "requires_confirmation"


def intent(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """GET /v1/payment_intents/:id"""
    only(params, "")
    return wire.intent(known(wire.book.intents, name, "payment_intent"), expands(params))


def confirm_intent(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """POST /v1/payment_intents/:id/confirm"""
    only(params, "payment_method return_url off_session")
    shown = expands(params)
    found = known(wire.book.intents, name, "payment_intent")
    if found.status in (*CLOSED, "processing") or found.session is not None:
        raise bad_request(f"This PaymentIntent is {found.status}.", "payment_intent_unexpected_state")
    if "payment_method" in params:
        _attach(wire, found, params)
    found.off_session = flag(params, "off_session")
    found.return_url = address_of(params, "return_url") or found.return_url
    _confirm(wire, found)
    return wire.intent(found, shown)


def cancel_intent(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """POST /v1/payment_intents/:id/cancel"""
    only(params, "cancellation_reason")
    found = known(wire.book.intents, name, "payment_intent")
    wire.book.cancel(found)
    return wire.intent(found, expands(params))


def intents(wire: WireObjects, _: str, params: Params) -> WireAnswer:
    """GET /v1/payment_intents"""
    only(params, f"customer created {LISTS}")
    shown = expands(params, of_list=True)
    found = [i for i in wire.book.intents.values() if params.get("customer", i.customer) == i.customer]
    return page_of(found, params, "/v1/payment_intents", lambda i: wire.intent(i, shown))


def _confirm(wire: WireObjects, found: Intent) -> None:
    try:
        wire.book.confirm(found)
    except WireError as error:
        if found.refused is not None:
            said = wire.intent(found)
            refused = wire.method(wire.book.methods[found.refused])
            error.error |= {"payment_intent": said, "payment_method": refused}
        raise


def charges(wire: WireObjects, _: str, params: Params) -> WireAnswer:
    """GET /v1/charges?payment_intent="""
    only(params, f"payment_intent {LISTS}")
    wanted = known(wire.book.intents, text(params, "payment_intent"), "payment_intent", "payment_intent")
    found = [one for one in wire.book.charges.values() if one.intent == wanted.id]
    return page_of(found, params, "/v1/charges", wire.charge)


def charge(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """GET /v1/charges/:id"""
    only(params, "")
    return wire.charge(known(wire.book.charges, name, "charge"))


# Money back


def new_refund(wire: WireObjects, _: str, params: Params) -> WireAnswer:
    """POST /v1/refunds"""
    only(params, "payment_intent charge amount reason metadata")
    book = wire.book
    if "charge" in params:
        wanted = known(book.charges, params["charge"], "charge", "charge").intent
    elif "payment_intent" in params:
        wanted = params["payment_intent"]
    else:
        raise bad_request("One of the following params should be provided: payment_intent or charge.")
    found = known(book.intents, wanted, "payment_intent", "payment_intent")
    amount = amount_of(params) if "amount" in params else None
    if amount is not None:
        in_steps(amount, found.currency)
    return wire.refund(book.refund(found, amount, metadata_of(params), text(params, "reason")))


def refunds(wire: WireObjects, _: str, params: Params) -> WireAnswer:
    """GET /v1/refunds"""
    only(params, f"payment_intent charge created {LISTS}")
    shown = expands(params, of_list=True)
    found = [
        r
        for r in wire.book.refunds.values()
        if params.get("payment_intent", r.intent) == r.intent and params.get("charge", r.charge) == r.charge
    ]
    return page_of(found, params, "/v1/refunds", lambda r: wire.refund(r, shown))


def refund(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """GET /v1/refunds/:id"""
    only(params, "")
    return wire.refund(known(wire.book.refunds, name, "refund"), expands(params))


def disputes(wire: WireObjects, _: str, params: Params) -> WireAnswer:
    """GET /v1/disputes"""
    only(params, f"payment_intent charge created {LISTS}")
    shown = expands(params, of_list=True)
    found = [
        d
        for d in wire.book.disputes.values()
        if params.get("payment_intent", d.intent) == d.intent and params.get("charge", d.charge) == d.charge
    ]
    return page_of(found, params, "/v1/disputes", lambda d: wire.dispute(d, shown))


def dispute(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """GET /v1/disputes/:id"""
    only(params, "")
    return wire.dispute(known(wire.book.disputes, name, "dispute"), expands(params))


# Events


def events(wire: WireObjects, _: str, params: Params) -> WireAnswer:
    """GET /v1/events: those of the last 30 days."""
    only(params, f"type types created {LISTS}")
    kinds = set(listed(params, "types")) | ({text(params, "type")} if "type" in params else set())
    oldest = wire.book.clock - EVENT_SECONDS
    found = [
        e
        for e in sorted(wire.book.events, key=lambda e: e.created)
        if e.created >= oldest and e.listed_at <= wire.book.clock and (not kinds or e.type in kinds)
    ]
    return page_of(found, params, "/v1/events", wire.event)


def event(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """GET /v1/events/:id"""
    only(params, "")
    found = {e.id: e for e in wire.book.events if e.id == name}
    return wire.event(known(found, name, "event"))
