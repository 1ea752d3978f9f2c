"""A billing system's webhook, at the address of its company's payments: what it tells of is read and taken at once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import stripe
from tests.web.test_money_api import Shop, sandbox, shop

from arrears import wiring
from arrears.core import facts as f
from arrears.engine import system
from arrears.engine.beside import BillingBeside
from arrears.ports.billing import BillingOptions

__all__ = ["sandbox", "shop"]  # fixtures of the same names

OPTIONS = BillingOptions(date(2026, 1, 1), "Europe/Amsterdam", "NL", "en", "default", "cloud")


def send(shop: Shop, event: Any) -> int:
    body = json.dumps(event).encode()
    signature = shop.sandbox.sandbox.signed(body, int(shop.clock.at.timestamp()))
    headers = {"Stripe-Signature": signature}
    answer = shop.client.post("/webhooks/stripe", body, content_type="application/json", headers=headers)
    return int(answer.status_code)


def test_a_failed_charge_of_the_billing_systems_is_here_as_soon_as_it_is_told(shop: Shop) -> None:
    control, inside = shop.sandbox.control, shop.sandbox.sandbox
    v1: Any = stripe.StripeClient(shop.sandbox.secret_key, base_addresses={"api": shop.sandbox.url}).v1
    customer = str(v1.customers.create({"name": "Ann", "email": "ann@example.org"}).id)
    invoice = str(control("subscribe", customer=customer, amount=1000)["invoice"])
    control("finalize", invoice=invoice)
    failed = next(
        event
        for event in map(inside.api.event_json, range(len(inside.book.events)))
        if event["type"] == "invoice.payment_failed"
    )
    processor = shop.providers.by_name["stripe"]
    billing = processor.billing()
    assert billing is not None
    system.identity(shop.store, shop.clock.at)
    beside = BillingBeside(shop.store, billing)
    wiring.install(replace(wiring.installed(), providers=replace(shop.providers, billing=beside)))
    assert send(shop, failed) == 200
    assert shop.store.account_numbers([customer]) == {}, "it is not connected"
    shop.store.connect_billing(billing.name, OPTIONS, shop.clock.at)
    assert send(shop, failed) == 200
    number = shop.store.account_numbers([customer])[customer]
    assert [len(shop.store.facts_of([number], [kind])[number]) for kind in (f.InvoiceIssued, f.ChargeDeclined)] == [
        1,
        1,
    ]
    assert send(shop, failed) == 200
    assert len(shop.store.facts_of([number], [f.ChargeDeclined])[number]) == 1
    [told] = control("invoices", customer=customer)
    assert told["next_payment_attempt"] is None
    inside.secret_key = "sk_test_another"
    assert send(shop, failed) == 503, "it is sent again by Stripe, and found by the sweep"
