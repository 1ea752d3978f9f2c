"""What goes out over Stripe's wire about billing: objects of JSON, as the real one shapes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from arrears.sandbox.accounts import DAY_SECONDS
from arrears.sandbox.billing_objects import (
    SandboxCreditNote,
    SandboxInvoice,
    SandboxInvoicePayment,
    SandboxLine,
    SandboxPaymentRecord,
    SandboxSubscription,
)

if TYPE_CHECKING:
    from arrears.sandbox.wire import WireAnswer, WireObjects

_BASE: Final = {"livemode": False}
LINES_SHOWN: Final = 10
"""So many lines an invoice shows; the others are listed."""


def subscription(_: WireObjects, s: SandboxSubscription) -> WireAnswer:
    """A subscription."""
    price = {"id": f"price_{s.product}", "product": s.product, "unit_amount": s.amount, "currency": s.currency}
    period = {"current_period_start": s.period_end - s.days * DAY_SECONDS, "current_period_end": s.period_end}
    return {
        **_BASE,
        "id": s.id,
        "object": "subscription",
        "created": s.created,
        "customer": s.customer,
        "status": s.status,
        "cancel_at_period_end": s.at_period_end,
        "cancel_at": s.period_end if s.at_period_end else None,
        "ended_at": s.ended_at,
        "collection_method": s.collection,
        "default_payment_method": s.method,
        "pause_collection": {"behavior": s.paused, "resumes_at": None} if s.paused else None,
        "cancellation_details": {"comment": None, "feedback": None, "reason": s.ended_because},
        "items": {"object": "list", "has_more": False, "data": [{"id": f"si_{s.id}", "price": price, **period}]},
        "metadata": s.metadata,
    }


def line(s: SandboxLine) -> WireAnswer:
    """A line of an invoice."""
    product = {"price": f"price_{s.product}", "product": s.product}
    pricing = {"type": "price_details", "price_details": product} if s.product else None
    details = {"subscription": s.subscription, "subscription_item": f"si_{s.subscription}"}
    parent = {"type": "subscription_item_details", "subscription_item_details": details} if s.subscription else None
    return {
        "id": s.id,
        "object": "line_item",
        "amount": s.amount,
        "description": s.description,
        "period": {"start": s.start, "end": s.end},
        "pricing": pricing,
        "parent": parent,
    }


def invoice(wire: WireObjects, i: SandboxInvoice) -> WireAnswer:
    """An invoice."""
    shown = [line(one) for one in i.lines[:LINES_SHOWN]]
    times = ("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at")
    details = {"subscription": i.subscription, "metadata": {}}
    parent = {"type": "subscription_details", "subscription_details": details} if i.subscription else None
    billing = wire.book.billing
    is_draft = i.status == "draft"
    return {
        **_BASE,
        "id": i.id,
        "object": "invoice",
        "created": i.created,
        "customer": i.customer,
        "currency": i.currency,
        "number": i.number,
        "status": i.status,
        "collection_method": i.collection,
        "auto_advance": i.auto_advance,
        "attempt_count": i.attempt_count,
        "attempted": i.attempt_count > 0,
        "next_payment_attempt": i.next_attempt,
        "due_date": i.due_date,
        "effective_at": i.at.get("finalized_at"),
        "subtotal": i.total,
        "total": i.total,
        "amount_due": i.total if is_draft else i.amount_due,
        "amount_paid": i.amount_paid,
        "amount_paid_off_stripe": i.off_stripe,
        "amount_remaining": i.total if is_draft else i.remaining,
        "amount_overpaid": i.overpaid,
        "starting_balance": billing.balances.get(i.customer, 0) if is_draft else i.starting_balance,
        "ending_balance": i.ending_balance,
        "pre_payment_credit_notes_amount": i.credited_before,
        "post_payment_credit_notes_amount": i.credited_after,
        "status_transitions": {name: i.at.get(name) for name in times},
        "lines": {"object": "list", "has_more": len(i.lines) > LINES_SHOWN, "data": shown},
        "parent": parent,
        "metadata": i.metadata,
    }


def invoice_payment(
    wire: WireObjects, p: SandboxInvoicePayment, expand: set[str] | frozenset[str] = frozenset()
) -> Any:
    """A payment of an invoice, with what paid it where that is expanded."""
    payment: WireAnswer
    if p.record is not None:
        whole = "payment.payment_record" in expand
        record = payment_record(wire, wire.book.billing.records[p.record]) if whole else p.record
        payment = {"type": "payment_record", "payment_record": record}
    else:
        within = {one.removeprefix("payment.payment_intent.") for one in expand}
        intent = wire.book.intents[p.intent or ""]
        whole = any(one.startswith("payment.payment_intent") for one in expand)
        payment = {"type": "payment_intent", "payment_intent": wire.intent(intent, within) if whole else intent.id}
    return {
        **_BASE,
        "id": p.id,
        "object": "invoice_payment",
        "created": p.created,
        "invoice": p.invoice,
        "currency": wire.book.billing.invoices[p.invoice].currency,
        "amount_requested": p.asked,
        "amount_paid": p.paid,
        "is_default": p.is_default,
        "status": p.status,
        "status_transitions": {name: p.at.get(name) for name in ("canceled_at", "paid_at")},
        "payment": payment,
    }


def payment_record(_: WireObjects, r: SandboxPaymentRecord) -> WireAnswer:
    """A payment that was made elsewhere."""
    return {
        **_BASE,
        "id": r.id,
        "object": "payment_record",
        "created": r.created,
        "amount": {"currency": r.currency, "value": r.amount},
        "amount_requested": {"currency": r.currency, "value": r.amount},
        "amount_guaranteed": {"currency": r.currency, "value": r.amount - r.refunded if r.guaranteed else 0},
        "amount_refunded": {"currency": r.currency, "value": r.refunded},
        "processor_details": {"type": "custom", "custom": {"payment_reference": r.reference}},
        "reported_by": "self",
        "metadata": r.metadata,
    }


def credit_note(_: WireObjects, n: SandboxCreditNote) -> WireAnswer:
    """A credit note."""
    return {
        **_BASE,
        "id": n.id,
        "object": "credit_note",
        "created": n.created,
        "invoice": n.invoice,
        "customer": n.customer,
        "currency": n.currency,
        "number": n.number,
        "amount": n.before + n.after,
        "total": n.before + n.after,
        "pre_payment_amount": n.before,
        "post_payment_amount": n.after,
        "status": "issued",
        "type": "mixed" if n.before and n.after else "post_payment" if n.after else "pre_payment",
    }


ABOUT: Final[dict[str, tuple[str, Callable[[Any, Any], Any]]]] = {
    "subscription": ("subscriptions", subscription),
    "invoice": ("invoices", invoice),
    "invoice_payment": ("payments", invoice_payment),
    "credit_note": ("notes", credit_note),
}
"""What an event of billing is about: where the book has it, and how it is shown."""
