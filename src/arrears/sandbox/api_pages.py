"""Requests about who pays and with what: customers, payment methods, hosted pages and what they set up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from arrears.sandbox.accounts import KINDS, offered
from arrears.sandbox.forms import (
    AMOUNT_MAX,
    Params,
    address_of,
    amount_of,
    currency_of,
    expands,
    integer,
    listed,
    may_do,
    metadata_of,
    only,
    page_of,
    part,
    text,
    within_limits,
)
from arrears.sandbox.objects import Customer, SandboxMethod, Session, SetupIntent, WireError, bad_request
from arrears.sandbox.wire import WireAnswer, WireObjects

LISTS: Final = "limit starting_after ending_before"
SESSION_SECONDS: Final = (1800, 86_400)
"""How long a page may live: 30 minutes to 24 hours (docs.stripe.com/api/checkout/sessions/create)."""
_SLACK_SECONDS: Final = 5
_LOCALES: Final = frozenset(
    """auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR ro ru
    sk sl sv th tr vi zh zh-HK zh-TW""".split()  # noqa: SIM905 - readable
)

T = TypeVar("T")


def known(table: dict[str, T], name: Any, kind: str, param: str = "id") -> T:
    """The object with this id; 404 `resource_missing`, as the real one says it."""
    if not isinstance(name, str) or name not in table:
        raise WireError(404, "invalid_request_error", f"No such {kind}: '{name}'", "resource_missing", param=param)
    return table[name]


# Customers and methods


def new_customer(wire: WireObjects, _: str, params: Params) -> WireAnswer:
    """POST /v1/customers"""
    only(params, "name email metadata preferred_locales description address")
    details = {name: text(params, name) or None for name in ("name", "email", "description")}
    locales = listed(params, "preferred_locales")
    book = wire.book
    address = part(params, "address") or None
    more = {"preferred_locales": locales, "address": address}
    made = Customer(book.new_id("cus"), book.clock, metadata_of(params), {**details, **more})
    book.customers[made.id] = made
    return wire.customer(made)


def customer(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """GET /v1/customers/:id"""
    only(params, "")
    return wire.customer(known(wire.book.customers, name, "customer"))


def method(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """GET /v1/payment_methods/:id"""
    only(params, "")
    return wire.method(known(wire.book.methods, name, "payment_method"))


def change_method(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """POST /v1/payment_methods/:id: the expiry and the metadata are all that may change."""
    only(params, "card metadata")
    book = wire.book
    found = known(book.methods, name, "payment_method")
    if "metadata" in params:
        found.metadata |= metadata_of(params)
    if "card" in params:
        if found.instrument.kind != "card":
            raise bad_request(f"Received unknown parameter for a {found.instrument.kind}: card", param="card")
        _renew(found, part(params, "card"), datetime.fromtimestamp(book.clock, UTC))
    return wire.method(found)


def _renew(found: SandboxMethod, card: Params, now: datetime) -> None:
    only(card, "exp_month exp_year")
    month, year = integer(card, "exp_month"), integer(card, "exp_year", 2000)
    if month > 12:
        message = "Your card's expiration month is invalid."
        raise WireError(402, "card_error", message, "invalid_expiry_month", param="exp_month")
    found.exp_month, found.exp_year = month, year
    if found.behaves == "" and found.instrument.name == "expired" and (year, month) >= (now.year, now.month):
        found.behaves = "approve"


def detach(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """POST /v1/payment_methods/:id/detach"""
    only(params, "")
    found = known(wire.book.methods, name, "payment_method")
    if found.customer is None:
        raise bad_request(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            param="payment_method",
        )
    found.customer = None
    return wire.method(found)


def methods(wire: WireObjects, _: str, params: Params) -> WireAnswer:
    """GET /v1/payment_methods?customer="""
    only(params, f"customer type {LISTS}")
    wanted = text(params, "customer")
    if not wanted:
        raise bad_request("Missing required param: customer.", "parameter_missing", param="customer")
    known(wire.book.customers, wanted, "customer", "customer")
    found = [
        m
        for m in wire.book.methods.values()
        if m.customer == wanted and m.instrument.kind == params.get("type", m.instrument.kind)
    ]
    return page_of(found, params, "/v1/payment_methods", wire.method)


# Pages


def new_session(wire: WireObjects, _: str, params: Params) -> WireAnswer:
    """POST /v1/checkout/sessions"""
    only(
        params,
        "mode customer currency success_url cancel_url metadata locale expires_at line_items payment_intent_data"
        " payment_method_types allowed_payment_method_types setup_intent_data customer_creation adaptive_pricing",
    )
    mode = text(params, "mode")
    if mode not in ("setup", "payment"):
        raise bad_request("Invalid mode.", "parameter_invalid", param="mode")
    if not text(params, "success_url"):
        raise bad_request("Missing required param: success_url.", "parameter_missing", param="success_url")
    book = wire.book
    wanted = params.get("customer")
    found = Session(
        book.new_id("cs_test"),
        mode,
        book.clock,
        _end(params, book.clock),
        None if wanted is None else known(book.customers, wanted, "customer", "customer").id,
        metadata_of(params),
        address_of(params, "success_url"),
        address_of(params, "cancel_url"),
        _locale(params),
        _types(params),
    )
    if mode == "payment":
        _price(found, params)
        may_do(book.refused, found.currency, "any")
    else:
        may_do(book.refused, "setup", "any")
        _sets_up(wire, found, params)
    book.open_page(found)
    return wire.session(found, expands(params))


def _end(params: Params, now: int) -> int:
    least, most = SESSION_SECONDS
    ends = integer(params, "expires_at") if "expires_at" in params else now + most
    if not now + least - _SLACK_SECONDS <= ends <= now + most + _SLACK_SECONDS:
        message = "The `expires_at` timestamp must be 30 minutes to 24 hours from creation."
        raise bad_request(message, param="expires_at")
    return ends


def _locale(params: Params) -> str:
    found = text(params, "locale", "auto")
    if found not in _LOCALES:
        raise bad_request(f"Invalid locale: {found}", "parameter_invalid", param="locale")
    return found


def _types(params: Params) -> tuple[str, ...]:
    given = [name for name in ("payment_method_types", "allowed_payment_method_types") if name in params]
    if len(given) > 1:
        raise bad_request(f"You may only specify one of these parameters: {', '.join(given)}.", param=given[0])
    types = tuple(listed(params, given[0])) if given else ("card",)
    if not types or not {*types} <= {*KINDS}:
        message = f"Invalid {given[0]}: here they are some of {', '.join(KINDS)}."
        raise bad_request(message, "parameter_invalid", param=given[0])
    return types


def _price(session: Session, params: Params) -> None:
    only(params, f"{_SHARED} currency line_items payment_intent_data customer_creation adaptive_pricing")
    items = part(params, "line_items")
    if not items:
        raise bad_request("Missing required param: line_items.", "parameter_missing", param="line_items")
    for name in items:
        item = part(items, name)
        only(item, "quantity price_data")
        price = part(item, "price_data")
        only(price, "currency unit_amount product_data")
        product = text(part(price, "product_data"), "name")
        if not product:
            raise bad_request("Missing required param: name.", "parameter_missing", param="name")
        unit = currency_of(price)
        if session.currency not in ("", unit):
            raise bad_request("All line items must have the same currency.", param="line_items")
        session.amount += amount_of(price, "unit_amount") * integer(item, "quantity")
        session.currency, session.description = unit, session.description or product
    if session.amount > AMOUNT_MAX:
        raise bad_request(f"Amount must be no more than {AMOUNT_MAX}", "amount_too_large", param="line_items")
    within_limits(session.amount, session.currency, "line_items")
    if not offered(session.types, session.currency):
        raise bad_request("No valid payment method types for this Checkout Session.", param="payment_method_types")
    intent = part(params, "payment_intent_data")
    only(intent, "metadata description")
    session.intent_metadata = metadata_of(intent)


def _sets_up(wire: WireObjects, session: Session, params: Params) -> None:
    only(params, f"{_SHARED} currency setup_intent_data customer_creation")
    setup = part(params, "setup_intent_data")
    only(setup, "metadata description")
    book = wire.book
    made = SetupIntent(book.new_id("seti"), book.clock, session.customer, metadata_of(setup))
    book.setups[made.id] = made
    session.setup_intent = made.id


_SHARED: Final = (
    "mode customer success_url cancel_url metadata locale expires_at payment_method_types allowed_payment_method_types"
)


def session(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """GET /v1/checkout/sessions/:id"""
    only(params, "")
    return wire.session(known(wire.book.sessions, name, "checkout.session"), expands(params))


def expire_session(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """POST /v1/checkout/sessions/:id/expire"""
    only(params, "")
    found = known(wire.book.sessions, name, "checkout.session")
    if found.status != "open":
        raise bad_request(f'Only Checkout Sessions with a status in ["open"] can be expired; it is {found.status}.')
    wire.book.expire(found)
    return wire.session(found, expands(params))


def sessions(wire: WireObjects, _: str, params: Params) -> WireAnswer:
    """GET /v1/checkout/sessions"""
    only(params, f"customer payment_intent created status {LISTS}")
    shown = expands(params, of_list=True)
    found = [
        s
        for s in wire.book.sessions.values()
        if params.get("customer", s.customer) == s.customer
        and params.get("payment_intent", s.intent) == s.intent
        and params.get("status", s.status) == s.status
    ]
    return page_of(found, params, "/v1/checkout/sessions", lambda s: wire.session(s, shown))


def setup(wire: WireObjects, name: str, params: Params) -> WireAnswer:
    """GET /v1/setup_intents/:id"""
    only(params, "")
    return wire.setup(known(wire.book.setups, name, "setup_intent"), expands(params))


def setup_attempts(wire: WireObjects, _: str, params: Params) -> WireAnswer:
    """GET /v1/setup_attempts?setup_intent="""
    only(params, f"setup_intent {LISTS}")
    wanted = known(wire.book.setups, text(params, "setup_intent"), "setup_intent", "setup_intent")
    return page_of(wanted.refused, params, "/v1/setup_attempts", wire.setup_check)
