"""Stripe's wire: forms with brackets in, objects of JSON out, as the real one shapes them."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final
from urllib.parse import parse_qsl

from arrears.sandbox.objects import Book, Dispute, Intent, Method, Refund, Session, bad_request


def read_form(body: bytes) -> dict[str, Any]:
    """`metadata[attempt]=x&line_items[0][quantity]=1` as nested dicts; lists as dicts by their index."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(body.decode(), keep_blank_values=True):
        first, _, rest = name.partition("[")
        keys = [first, *(part.rstrip("]") for part in rest.split("["))] if rest else [first]
        place = found
        for key in keys[:-1]:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise bad_request(f"Invalid parameter: {name}")
        place[keys[-1]] = value
    return found


def only(params: dict[str, Any], allowed: str) -> None:
    """Strict as the real one: a parameter it does not know is an error, not a surprise later."""
    for name in params:
        if name not in allowed.split() and name != "expand":
            raise bad_request(f"Received unknown parameter: {name}", "parameter_unknown", param=name)


def integer(params: dict[str, Any], name: str, least: int = 1) -> int:
    """A whole number that must be there."""
    text = params.get(name)
    if text is None:
        raise bad_request(f"Missing required param: {name}.", "parameter_missing", param=name)
    if not str(text).isdecimal() or int(text) < least:
        raise bad_request(f"Invalid integer: {text}", "parameter_invalid_integer", param=name)
    return int(text)


def currency(params: dict[str, Any]) -> str:
    """A currency in lower case, as the wire has it."""
    text = str(params.get("currency", ""))
    if len(text) != 3 or not text.isalpha() or text != text.lower():
        raise bad_request(f"Invalid currency: {text}", "parameter_invalid", param="currency")
    return text


def expands(params: dict[str, Any]) -> set[str]:
    """What the caller wants to see whole."""
    wanted = params.get("expand", {})
    named = wanted.values() if isinstance(wanted, dict) else [str(wanted)]
    return {str(name).removeprefix("data.") for name in named}


BASE: Final = {"livemode": False}


def card_json(m: Method) -> dict[str, Any]:
    """The card of a method."""
    return {
        "brand": m.card.brand,
        "country": m.card.country,
        "exp_month": m.exp_month,
        "exp_year": m.exp_year,
        "fingerprint": sha256(m.card.number.encode()).hexdigest()[:16],
        "funding": m.card.funding,
        "last4": m.card.number[-4:],
        "networks": {"available": [m.card.brand], "preferred": None},
    }


def method_json(m: Method) -> dict[str, Any]:
    """A payment method."""
    return {
        **BASE,
        "id": m.id,
        "object": "payment_method",
        "type": "card",
        "created": m.created,
        "customer": m.customer,
        "card": card_json(m),
        "metadata": {},
    }


def charge_json(book: Book, i: Intent) -> dict[str, Any]:
    """The last charge of an intent."""
    m = book.methods[i.method or ""]
    error = i.error or {}
    details: dict[str, Any] = {**card_json(m), "network": m.card.brand, "network_transaction_id": f"nti-{i.id}"}
    return {
        **BASE,
        "id": i.charge,
        "object": "charge",
        "created": i.charged_at,
        "amount": i.amount,
        "amount_refunded": i.refunded,
        "currency": i.currency,
        "paid": i.status == "succeeded",
        "disputed": any(d.intent == i.id for d in book.disputes.values()),
        "status": "succeeded" if i.status == "succeeded" else "failed",
        "payment_intent": i.id,
        "customer": i.customer,
        "metadata": i.metadata,
        "failure_code": error.get("code"),
        "outcome": {
            "type": "authorized" if i.status == "succeeded" else "issuer_declined",
            "network_status": "approved_by_network" if i.status == "succeeded" else "declined_by_network",
            "network_decline_code": error.get("network_decline_code"),
            "network_advice_code": error.get("network_advice_code") or m.bank.advice or None,
            "advice_code": error.get("advice_code"),
        },
        "payment_method_details": {"type": "card", "card": details},
    }


def intent_json(book: Book, i: Intent, base_url: str, expand: set[str]) -> dict[str, Any]:
    """A payment intent."""
    action = None
    if i.status == "requires_action":
        url = f"{base_url}/pay/challenge/{i.id}"
        action = {"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": i.return_url}}
    latest: Any = i.charge
    if i.charge is not None and "latest_charge" in expand:
        latest = charge_json(book, i)
    method: Any = i.method
    if i.method is not None and "payment_method" in expand:
        method = method_json(book.methods[i.method])
    error = i.error
    if error is not None and i.method is not None:
        error = {**error, "payment_method": method_json(book.methods[i.method])}
    return {
        **BASE,
        "id": i.id,
        "object": "payment_intent",
        "amount": i.amount,
        "amount_received": i.taken,
        "currency": i.currency,
        "created": i.created,
        "customer": i.customer,
        "description": i.description or None,
        "metadata": i.metadata,
        "status": i.status,
        "payment_method": method,
        "latest_charge": latest,
        "last_payment_error": error,
        "next_action": action,
        "client_secret": f"{i.id}_secret",
        "capture_method": "automatic",
        "confirmation_method": "automatic",
    }


def session_json(book: Book, s: Session, base_url: str, expand: set[str]) -> dict[str, Any]:
    """A checkout session."""
    setup: Any = s.setup_intent
    if s.setup_intent is not None and ({"setup_intent", "setup_intent.payment_method"} & expand):
        method: Any = s.method
        if s.method is not None and "setup_intent.payment_method" in expand:
            method = method_json(book.methods[s.method])
        status = "succeeded" if s.method else "requires_payment_method"
        setup = {
            **BASE,
            "id": s.setup_intent,
            "object": "setup_intent",
            "status": status,
            "customer": s.customer,
            "payment_method": method,
            "created": s.created,
            "metadata": s.metadata,
            "last_setup_error": None,
        }
    intent: Any = s.intent
    if s.intent is not None and "payment_intent" in expand:
        inner = {e.removeprefix("payment_intent.") for e in expand}
        intent = intent_json(book, book.intents[s.intent], base_url, inner)
    return {
        **BASE,
        "id": s.id,
        "object": "checkout.session",
        "mode": s.mode,
        "status": s.status,
        "payment_status": "paid" if s.status == "complete" and s.mode == "payment" else "unpaid",
        "url": f"{base_url}/pay/{s.id}" if s.status == "open" else None,
        "customer": s.customer,
        "created": s.created,
        "expires_at": s.expires_at,
        "metadata": s.metadata,
        "setup_intent": setup,
        "payment_intent": intent,
        "amount_total": s.amount or None,
        "currency": s.currency or None,
        "success_url": s.success_url,
        "cancel_url": s.cancel_url,
    }


def refund_json(r: Refund) -> dict[str, Any]:
    """A refund."""
    return {
        **BASE,
        "id": r.id,
        "object": "refund",
        "amount": r.amount,
        "currency": r.currency,
        "created": r.created,
        "payment_intent": r.intent,
        "metadata": r.metadata,
        "status": r.status,
    }


def dispute_json(book: Book, d: Dispute, expand: set[str] | None = None) -> dict[str, Any]:
    """A dispute."""
    charge: Any = book.intents[d.intent].charge
    if expand and "charge" in expand:
        charge = charge_json(book, book.intents[d.intent])
    return {
        **BASE,
        "id": d.id,
        "object": "dispute",
        "amount": d.amount,
        "currency": d.currency,
        "created": d.created,
        "payment_intent": d.intent,
        "charge": charge,
        "status": d.status,
        "reason": "general",
        "metadata": {},
    }


def object_json(book: Book, kind: str, name: str, base_url: str) -> dict[str, Any]:
    """Any object as it stands now, for an event."""
    match kind:
        case "payment_intent":
            return intent_json(book, book.intents[name], base_url, set())
        case "checkout.session":
            return session_json(book, book.sessions[name], base_url, set())
        case "refund":
            return refund_json(book.refunds[name])
        case _:
            return dispute_json(book, book.disputes[name])


def page_of(found: list[dict[str, Any]], params: dict[str, Any], url: str) -> dict[str, Any]:
    """A list of objects, newest first, in pages of at most 100."""
    created = params.get("created", {})
    if isinstance(created, dict):
        least, below = int(created.get("gte", 0)), int(created.get("lt", 1 << 60))
        found = [o for o in found if least <= o["created"] < below]
    found = list(reversed(found))
    after = params.get("starting_after")
    if after:
        names = [o["id"] for o in found]
        if after not in names:
            raise bad_request(f"No such object: {after}", "resource_missing", param="starting_after")
        found = found[names.index(after) + 1 :]
    limit = int(params.get("limit", 10))
    if not 1 <= limit <= 100:
        raise bad_request("This value must be between 1 and 100.", "parameter_invalid_integer", param="limit")
    return {"object": "list", "url": url, "has_more": len(found) > limit, "data": found[:limit]}
