"""What tests and torture do about the sandbox's billing: what an operator does in the dashboard, and customers on the
hosted page of an invoice. JSON in and out, as `control` has it."""

from __future__ import annotations

from typing import Any

from arrears.sandbox.billing_objects import SandboxInvoice, SandboxLine
from arrears.sandbox.server import Sandbox
from arrears.sandbox.wire_billing import invoice as shown

_Asked = dict[str, Any]


def _invoice(sandbox: Sandbox, asked: _Asked) -> SandboxInvoice:
    return sandbox.book.billing.invoices[asked["invoice"]]


def _said(sandbox: Sandbox, invoice: SandboxInvoice) -> Any:
    return shown(sandbox.api.wire, invoice)


def default_method(sandbox: Sandbox, asked: _Asked) -> Any:
    """The invoices of `customer` are charged with `method`; without one nothing pays them."""
    sandbox.book.billing.defaults[asked["customer"]] = asked.get("method") or ""
    sandbox.book.add_event("customer.updated", asked["customer"], "customer")
    return {}


def subscribe(sandbox: Sandbox, asked: _Asked) -> Any:
    """`customer` uses `product` for `amount` of `currency`, billed now and every `days`, by `collection`."""
    billing = sandbox.book.billing
    made = billing.subscribe(
        asked["customer"],
        asked.get("product", "prod_cloud"),
        int(asked["amount"]),
        asked.get("currency", "eur"),
        int(asked.get("days", 30)),
        asked.get("collection", ""),
    )
    return {"id": made.id, "invoice": max(billing.invoices)}


def bill_once(sandbox: Sandbox, asked: _Asked) -> Any:
    """An invoice of its own, of `lines` of [amount, product]; finalised in an hour. `advance` false: a person collects
    it."""
    book = sandbox.book
    lines = [SandboxLine(book.new_id("il"), int(amount), "one-off", product) for amount, product in asked["lines"]]
    collection = asked.get("collection", "charge_automatically")
    made = book.billing.draft(asked["customer"], asked.get("currency", "eur"), lines, collection)
    made.auto_advance = bool(asked.get("advance", True))
    return {"id": made.id}


def finalize(sandbox: Sandbox, asked: _Asked) -> Any:
    """Finalise a draft now."""
    sandbox.book.billing.finalize(_invoice(sandbox, asked), sandbox.book.clock)
    return _said(sandbox, _invoice(sandbox, asked))


def cancel_subscription(sandbox: Sandbox, asked: _Asked) -> Any:
    """End `subscription`, `because` of what Stripe would say; now, or `at_period_end`."""
    found = sandbox.book.billing.subscriptions[asked["subscription"]]
    if asked.get("at_period_end"):
        sandbox.book.billing.end(found, at_period_end=True)
    else:
        sandbox.book.billing.cancel(found, asked.get("because", "cancellation_requested"))
    return {}


def subscription_method(sandbox: Sandbox, asked: _Asked) -> Any:
    """`subscription` is charged with `method`; without one with the customer's."""
    found = sandbox.book.billing.subscriptions[asked["subscription"]]
    found.method = asked.get("method")
    sandbox.book.add_event("customer.subscription.updated", found.id, "subscription")
    return {}


def pay_on_page(sandbox: Sandbox, asked: _Asked) -> Any:
    """The customer of `invoice` pays on its hosted page with `method`, all or `amount` of it."""
    book = sandbox.book
    intent = book.billing.pay_on_page(_invoice(sandbox, asked), asked["method"], asked.get("amount"))
    return {"intent": intent.id, "status": intent.status}


def advance(sandbox: Sandbox, asked: _Asked) -> Any:
    """Switch the automatic collection of `invoice` `on` or off in the dashboard."""
    sandbox.book.billing.advance(_invoice(sandbox, asked), on=bool(asked["on"]))
    return _said(sandbox, _invoice(sandbox, asked))


def detach_payment(sandbox: Sandbox, asked: _Asked) -> Any:
    """Take the newest payment of `invoice` away from it."""
    paid = [one for one in sandbox.book.billing.of_invoice(_invoice(sandbox, asked)) if one.status == "paid"]
    sandbox.book.billing.detach(paid[-1])
    return _said(sandbox, _invoice(sandbox, asked))


def dunning(sandbox: Sandbox, asked: _Asked) -> Any:
    """The dashboard's settings: after which days a failed charge is tried again (`retry_days`), and what becomes of the
    subscription after the last (`then`)."""
    billing = sandbox.book.billing
    billing.retry_days = tuple(int(day) for day in asked.get("retry_days", billing.retry_days))
    billing.after_retries = str(asked.get("then", billing.after_retries))
    return {"retry_days": billing.retry_days, "then": billing.after_retries}


def balance(sandbox: Sandbox, asked: _Asked) -> Any:
    """What `customer` owes from before, in the units of its currency; below zero is credit. `change` changes it."""
    balances = sandbox.book.billing.balances
    balances[asked["customer"]] = balances.get(asked["customer"], 0) + int(asked.get("change", 0))
    return {"balance": balances[asked["customer"]]}


def invoices(sandbox: Sandbox, asked: _Asked) -> Any:
    """Every invoice as it truly is, or those of `customer`; with what was paid of each, by whom."""
    billing = sandbox.book.billing
    found = [one for one in billing.invoices.values() if asked.get("customer", one.customer) == one.customer]
    return [
        {
            **_said(sandbox, one),
            "paid_with": [
                {"id": p.intent or p.record, "ours": p.record is not None, "amount": p.paid}
                for p in billing.of_invoice(one)
                if p.status == "paid"
            ],
        }
        for one in found
    ]


ALL = (
    default_method,
    subscribe,
    bill_once,
    finalize,
    cancel_subscription,
    subscription_method,
    pay_on_page,
    advance,
    detach_payment,
    dunning,
    balance,
    invoices,
)
