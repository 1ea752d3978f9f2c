"""Stripe's answers, written by hand in the shape of its API, and an HTTP client that gives them to the SDK."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import stripe

from arrears.adapters.payments.stripe import Stripe
from arrears.core.payments.values import Charge

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
T = int(NOW.timestamp())
KEY = "sk_test_" + "0" * 24
SECRET = "whsec_current"

Form = dict[str, str]
Body = dict[str, Any]
Answer = Body | tuple[int, Body] | Callable[[Form], "Body | tuple[int, Body]"] | Exception


class Wire(stripe.HTTPClient):
    """Answers by "VERB path", in turn where there are several (the last for ever), and remembers what was asked."""

    name = "wire"

    def __init__(self, **_: Any) -> None:
        super().__init__()
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[tuple[str, Form, Mapping[str, str]]] = []

    def on(self, what: str, *answers: Answer) -> Wire:
        self.answers[what] = list(answers)
        return self

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[str, int, Mapping[str, str]]:
        parts = urlsplit(url)
        what = f"{method.upper()} {parts.path.removeprefix('/v1/')}"
        form = dict(parse_qsl(post_data or parts.query, keep_blank_values=True))
        self.asked.append((what, form, dict(headers or {})))
        known = self.answers.get(what)
        assert known is not None, f"nobody expected {what} {form}"
        answer = known.pop(0) if len(known) > 1 else known[0]
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            answer = answer(form)
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        if body.get("object") == "list":
            body = {**body, "url": parts.path}
        return json.dumps(body), status, {"Date": "Mon, 23 Nov 2026 12:00:00 GMT", "Request-Id": "req_1"}

    def sent(self, what: str) -> Form:
        """The form of the last request of this kind."""
        return [form for asked, form, _ in self.asked if asked == what][-1]

    def key_of(self, what: str) -> str:
        return [headers.get("Idempotency-Key", "") for asked, _, headers in self.asked if asked == what][-1]

    def count(self, what: str) -> int:
        return [asked for asked, _, _ in self.asked].count(what)


def adapter(wire: Wire, *, live: bool = False, secrets: tuple[str, ...] = (SECRET,)) -> Stripe:
    return Stripe(KEY.replace("test", "live") if live else KEY, secrets, live=live, http_client=wire)


def charge(**changed: Any) -> Charge:
    given = {
        "attempt": "att_12_3",
        "key": "key-1",
        "customer_ref": "cus_1",
        "method_ref": "pm_1",
        "amount_minor": 4200,
        "currency": "EUR",
        "off_session": True,
        "return_url": "https://shop.example/settle/acc_12",
        "description": "account 12",
    }
    return Charge(**{**given, **changed})


def intent(status: str = "succeeded", **changed: Any) -> Body:
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "amount": 4200,
        "amount_received": 4200 if status == "succeeded" else 0,
        "created": T,
        "currency": "eur",
        "customer": "cus_1",
        "last_payment_error": None,
        "latest_charge": paid_charge() if status == "succeeded" else None,
        "livemode": False,
        "metadata": {"attempt": "att_12_3", "account": "12"},
        "next_action": None,
        "payment_method": "pm_1",
        "status": status,
        **changed,
    }


def paid_charge(brand: str = "visa", **outcome: Any) -> Body:
    return {
        "id": "ch_1",
        "object": "charge",
        "amount": 4200,
        "amount_refunded": 0,
        "created": T + 2,
        "disputed": False,
        "failure_code": None,
        "livemode": False,
        "outcome": {"network_status": "approved_by_network", "type": "authorized", **outcome},
        "payment_method_details": {"type": "card", "card": {"brand": brand, "last4": "4242"}},
    }


def method(kind: str = "card", customer: str | None = "cus_1", **changed: Any) -> Body:
    card = {
        "brand": "mastercard",
        "country": "NL",
        "exp_month": 2,
        "exp_year": 2028,
        "fingerprint": "fp1",
        "funding": "debit",
        "last4": "4444",
    }
    body = {"id": "pm_1", "object": "payment_method", "customer": customer, "livemode": False, "type": kind}
    return {**body, kind: {**(card if kind == "card" else {}), **changed}}


def card_error(decline_code: str = "insufficient_funds", code: str = "card_declined", **more: Any) -> Body:
    error = {"type": "card_error", "code": code, "message": "Your card was declined.", "charge": "ch_1", **more}
    if decline_code:
        error["decline_code"] = decline_code
    return error


def declined(error: Body, **changed: Any) -> tuple[int, Body]:
    """The 402 for a confirmation that the bank refused."""
    failed = intent("requires_payment_method", last_payment_error=error, latest_charge="ch_1", **changed)
    return 402, {"error": {**error, "payment_intent": failed}}


def refusal(status: int, code: str = "", kind: str = "invalid_request_error", **more: Any) -> tuple[int, Body]:
    return status, {"error": {"type": kind, "code": code, "message": f"refused: {code}", **more}}


def listed(*things: Body, more: bool = False) -> Body:
    return {"object": "list", "data": list(things), "has_more": more}


def page(status: str = "open", mode: str = "payment", **changed: Any) -> Body:
    return {
        "id": "cs_1",
        "object": "checkout.session",
        "created": T,
        "customer": "cus_1",
        "expires_at": T + 1800,
        "livemode": False,
        "metadata": {"attempt": "att_12_3", "account": "12"} if mode == "payment" else {"account": "12"},
        "mode": mode,
        "payment_intent": None,
        "setup_intent": None,
        "status": status,
        "url": "https://checkout.stripe.com/c/pay/cs_1" if status == "open" else None,
        **changed,
    }


def refund(status: str = "succeeded", **changed: Any) -> Body:
    return {
        "id": "re_1",
        "object": "refund",
        "amount": 1200,
        "charge": "ch_1",
        "created": T,
        "currency": "eur",
        "metadata": {"key": "refund-1"},
        "payment_intent": "pi_1",
        "status": status,
        **changed,
    }


def dispute(status: str = "needs_response", kind: str = "card", **changed: Any) -> Body:
    return {
        "id": "dp_1",
        "object": "dispute",
        "amount": 4200,
        "charge": {**paid_charge(), "payment_method_details": {"type": kind, kind: {}}},
        "created": T,
        "currency": "eur",
        "livemode": False,
        "network_reason_code": "10.4",
        "payment_intent": "pi_1",
        "reason": "fraudulent",
        "status": status,
        **changed,
    }


def event(kind: str, about: Body, **changed: Any) -> Body:
    return {
        "id": "evt_1",
        "object": "event",
        "created": T,
        "data": {"object": about},
        "livemode": False,
        "type": kind,
        **changed,
    }
