"""What goes out over Stripe's wire: objects of JSON, as the real one shapes them."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

from arrears.sandbox import wire_billing
from arrears.sandbox.accounts import BankAccount
from arrears.sandbox.book import SandboxBook
from arrears.sandbox.cards import Card
from arrears.sandbox.objects import (
    Customer,
    Intent,
    SandboxCharge,
    SandboxDispute,
    SandboxEvent,
    SandboxMethod,
    SandboxRefund,
    Session,
    SetupCheck,
    SetupIntent,
)

WireAnswer = dict[str, Any]

API_VERSION: Final = "2026-10-28.endive"
_BASE: Final = {"livemode": False}
_NOTHING: Final[frozenset[str]] = frozenset()


class WireObjects:
    """The objects of a book as JSON. `base_url` is where the pages are."""

    def __init__(self, book: SandboxBook, base_url: str) -> None:
        self.book = book
        self.base_url = base_url

    def customer(self, c: Customer) -> WireAnswer:
        """A customer."""
        billing = {
            "balance": self.book.billing.balances.get(c.id, 0),
            "invoice_settings": {"default_payment_method": self.book.billing.defaults.get(c.id) or None},
        }
        named = {"id": c.id, "object": "customer", "created": c.created, "metadata": c.metadata}
        return {**_BASE, **named, **billing, **c.details}

    def method(self, m: SandboxMethod) -> WireAnswer:
        """A payment method."""
        return {
            **_BASE,
            "id": m.id,
            "object": "payment_method",
            "type": m.instrument.kind,
            "created": m.created,
            "customer": m.customer,
            m.instrument.kind: _instrument(m),
            "metadata": m.metadata,
        }

    def charge(self, c: SandboxCharge) -> WireAnswer:
        """One try to take the money of an intent."""
        i, m, paid = self.book.intents[c.intent], self.book.methods[c.method], c.status == "succeeded"
        error, kind = c.error or {}, m.instrument.kind
        details: WireAnswer = _instrument(m)
        if isinstance(m.instrument, Card):
            details |= {"network": m.instrument.brand, "network_transaction_id": f"nti-{i.id}"}
        else:
            details |= {"mandate": f"mandate_{m.id}"}
        return {
            **_BASE,
            "id": c.id,
            "object": "charge",
            "created": c.created,
            "amount": i.amount,
            "amount_captured": i.amount if paid else 0,
            "amount_refunded": i.refunded if paid else 0,
            "refunded": paid and i.refunded == i.amount,
            "captured": paid,
            "currency": i.currency,
            "paid": paid,
            "disputed": any(d.charge == c.id for d in self.book.disputes.values()),
            "status": c.status,
            "payment_intent": i.id,
            "payment_method": m.id,
            "customer": i.customer,
            "metadata": i.metadata,
            "failure_code": error.get("code"),
            "failure_message": "The bank said no." if error else None,
            "outcome": None if c.status == "pending" else _outcome(c, m, error),
            "payment_method_details": {"type": kind, kind: details},
        }

    def intent(self, i: Intent, expand: set[str] | frozenset[str] = _NOTHING) -> WireAnswer:
        """A payment intent."""
        latest: Any = i.charge
        if i.charge is not None and "latest_charge" in expand:
            latest = self.charge(self.book.charges[i.charge])
        method: Any = i.method
        if i.method is not None and "payment_method" in expand:
            method = self.method(self.book.methods[i.method])
        error = i.error
        if error is not None and i.refused is not None:
            error = {**error, "payment_method": self.method(self.book.methods[i.refused])}
        return {
            **_BASE,
            "id": i.id,
            "object": "payment_intent",
            "amount": i.amount,
            "amount_received": i.taken,
            "currency": i.currency,
            "created": i.created,
            "customer": self._customer(i.customer, expand),
            "description": i.description or None,
            "metadata": i.metadata,
            "status": i.status,
            "payment_method": method,
            "latest_charge": latest,
            "last_payment_error": error,
            "next_action": self._action(i),
            "client_secret": f"{i.id}_secret",
            "capture_method": "automatic",
            "confirmation_method": "automatic",
        }

    def _action(self, i: Intent) -> WireAnswer | None:
        if i.status != "requires_action":
            return None
        url = f"{self.base_url}/pay/challenge/{i.id}"
        return {"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": i.return_url}}

    def _customer(self, name: str | None, expand: set[str] | frozenset[str]) -> Any:
        return self.customer(self.book.customers[name]) if name is not None and "customer" in expand else name

    def setup(self, s: SetupIntent, expand: set[str] | frozenset[str] = _NOTHING) -> WireAnswer:
        """A set-up intent."""
        method: Any = s.method
        mandate = None
        if s.method is not None:
            mandate = f"mandate_{s.method}" if self.book.methods[s.method].instrument.kind != "card" else None
            if "payment_method" in expand:
                method = self.method(self.book.methods[s.method])
        return {
            **_BASE,
            "id": s.id,
            "object": "setup_intent",
            "status": "succeeded" if s.method else "requires_payment_method",
            "customer": s.customer,
            "payment_method": method,
            "mandate": mandate,
            "created": s.created,
            "metadata": s.metadata,
            "usage": "off_session",
            "last_setup_error": None,
        }

    def setup_check(self, c: SetupCheck) -> WireAnswer:
        """One check of a set-up."""
        error = {"type": "card_error", **c.error, "payment_method": self.method(self.book.methods[c.method])}
        return {
            **_BASE,
            "id": c.id,
            "object": "setup_attempt",
            "created": c.created,
            "status": "failed",
            "payment_method": c.method,
            "setup_error": error,
        }

    def session(self, s: Session, expand: set[str] | frozenset[str] = _NOTHING) -> WireAnswer:
        """A checkout session."""
        setup: Any = s.setup_intent
        if s.setup_intent is not None and "setup_intent" in expand:
            setup = self.setup(self.book.setups[s.setup_intent], _within(expand, "setup_intent"))
        intent = None if s.intent is None else self._payment(s.intent, expand)
        paid = s.intent is not None and self.book.intents[s.intent].status == "succeeded"
        return {
            **_BASE,
            "id": s.id,
            "object": "checkout.session",
            "mode": s.mode,
            "status": s.status,
            "payment_status": "no_payment_required" if s.mode == "setup" else "paid" if paid else "unpaid",
            "payment_method_types": [*s.types],
            "url": f"{self.base_url}/pay/{s.id}" if s.status == "open" else None,
            "customer": s.customer,
            "created": s.created,
            "expires_at": s.expires_at,
            "metadata": s.metadata,
            "locale": s.locale,
            "setup_intent": setup,
            "payment_intent": intent,
            "amount_total": s.amount or None,
            "currency": s.currency or None,
            "success_url": s.success_url,
            "cancel_url": s.cancel_url or None,
        }

    def refund(self, r: SandboxRefund, expand: set[str] | frozenset[str] = _NOTHING) -> WireAnswer:
        """A refund."""
        return {
            **_BASE,
            "id": r.id,
            "object": "refund",
            "amount": r.amount,
            "currency": r.currency,
            "created": r.created,
            "payment_intent": self._payment(r.intent, expand),
            "charge": r.charge,
            "reason": r.reason or None,
            "metadata": r.metadata,
            "status": r.status,
        }

    def dispute(self, d: SandboxDispute, expand: set[str] | frozenset[str] = _NOTHING) -> WireAnswer:
        """A dispute."""
        charge: Any = self.charge(self.book.charges[d.charge]) if "charge" in expand else d.charge
        return {
            **_BASE,
            "id": d.id,
            "object": "dispute",
            "amount": d.amount,
            "currency": d.currency,
            "created": d.created,
            "payment_intent": self._payment(d.intent, expand),
            "charge": charge,
            "status": d.status,
            "reason": d.reason,
            "network_reason_code": d.network_code or None,
            "metadata": {},
        }

    def _payment(self, name: str, expand: set[str] | frozenset[str]) -> Any:
        if "payment_intent" not in expand:
            return name
        return self.intent(self.book.intents[name], _within(expand, "payment_intent"))

    def event(self, e: SandboxEvent) -> WireAnswer:
        """An event with its object as it stands now."""
        return {
            **_BASE,
            "id": e.id,
            "object": "event",
            "type": e.type,
            "created": e.created,
            "api_version": API_VERSION,
            "data": {"object": self._about(e.object_kind, e.object_id)},
        }

    def _about(self, kind: str, name: str) -> WireAnswer:
        book = self.book
        if kind in wire_billing.ABOUT:
            table, shown = wire_billing.ABOUT[kind]
            found: WireAnswer = shown(self, getattr(book.billing, table)[name])
            return found
        match kind:
            case "customer":
                return self.customer(book.customers[name])
            case "payment_intent":
                return self.intent(book.intents[name])
            case "checkout.session":
                return self.session(book.sessions[name])
            case "setup_intent":
                return self.setup(book.setups[name])
            case "refund":
                return self.refund(book.refunds[name])
            case "charge":
                return self.charge(book.charges[name])
            case _:
                return self.dispute(book.disputes[name])


def _within(expand: set[str] | frozenset[str], name: str) -> set[str]:
    return {one.removeprefix(f"{name}.") for one in expand if one.startswith(f"{name}.")}


def _outcome(c: SandboxCharge, m: SandboxMethod, error: WireAnswer) -> WireAnswer:
    paid = c.status == "succeeded"
    advice = m.bank.advice if isinstance(m.bank, Card) else ""
    return {
        "type": "authorized" if paid else "issuer_declined",
        "reason": None if paid else error.get("decline_code"),
        "network_status": "approved_by_network" if paid else "declined_by_network",
        "network_decline_code": error.get("network_decline_code"),
        "network_advice_code": error.get("network_advice_code") or advice or None,
        "advice_code": error.get("advice_code"),
    }


def _instrument(m: SandboxMethod) -> WireAnswer:
    one = m.instrument
    same_as = m.id if m.own else one.number
    same: WireAnswer = {"fingerprint": sha256(same_as.encode()).hexdigest()[:16], "last4": one.number[-4:]}
    if isinstance(one, BankAccount):
        return same | _account(one)
    return same | {
        "brand": one.brand,
        "country": one.country,
        "exp_month": m.exp_month,
        "exp_year": m.exp_year,
        "funding": one.funding,
        "networks": {"available": [one.brand], "preferred": None},
    }


def _account(one: BankAccount) -> WireAnswer:
    match one.kind:
        case "sepa_debit":
            return {"bank_code": one.branch, "branch_code": "", "country": one.country}
        case "us_bank_account":
            return {
                "account_holder_type": "company",
                "account_type": "checking",
                "bank_name": one.bank,
                "routing_number": one.branch,
            }
        case _:
            return {"sort_code": one.branch}
