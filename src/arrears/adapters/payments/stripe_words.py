"""Stripe's words in ours: what a payment intent, a payment method and a decline mean. Pure, on Stripe's own objects."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from arrears.core.errors import Refused
from arrears.core.money import exponent
from arrears.core.payment import (
    Canceled,
    Codes,
    Declined,
    Funding,
    MethodDetails,
    MethodKind,
    NeedsCustomer,
    Network,
    Outcome,
    Paid,
    Processing,
    Unknown,
)

ODD_CURRENCIES: Final = frozenset({"ISK", "UGX", "HUF", "TWD"})
"""Stripe takes these in other minor units for charges than for payouts: refused rather than be wrong by 100."""

DECLINES: Final[Mapping[str, str]] = {
    "insufficient_funds": "insufficient_funds",
    "withdrawal_count_limit_exceeded": "limit_exceeded",
    "card_velocity_exceeded": "limit_exceeded",
    "do_not_honor": "do_not_honor",
    "generic_decline": "generic",
    "call_issuer": "do_not_honor",
    "no_action_taken": "do_not_honor",
    "lost_card": "lost_card",
    "stolen_card": "stolen_card",
    "pickup_card": "pickup_card",
    "restricted_card": "not_permitted",
    "expired_card": "expired",
    "incorrect_number": "incorrect_number",
    "incorrect_cvc": "incorrect_data",
    "invalid_cvc": "incorrect_data",
    "invalid_expiry_month": "incorrect_data",
    "invalid_expiry_year": "incorrect_data",
    "incorrect_zip": "incorrect_data",
    "authentication_required": "authentication_required",
    "authentication_failed": "authentication_failed",
    "payment_intent_authentication_failure": "authentication_failed",
    "card_not_supported": "not_permitted",
    "service_not_allowed": "not_permitted",
    "transaction_not_allowed": "transaction_not_allowed",
    "currency_not_supported": "currency_unsupported",
    "revocation_of_authorization": "revoked",
    "revocation_of_all_authorizations": "revoked",
    "stop_payment_order": "stop_payment_order",
    "invalid_account": "account_closed",
    "fraudulent": "fraud_suspected",
    "merchant_blacklist": "fraud_suspected",
    "highest_risk_level": "highest_risk_level",
    "processing_error": "provider_error",
    "issuer_not_available": "provider_error",
    "try_again_later": "provider_error",
    "reenter_transaction": "provider_error",
}
"""Stripe's decline codes; one that is not here is `unknown`, and the strictest reading counts."""

SINGLE_USE: Final = frozenset({"40", "41"})
"""Mastercard advice on an approved payment: the card is prepaid, or works only once (payment-rules.md, 4.3)."""

_KINDS: Final = {"us_bank_account": MethodKind.ACH, "sepa_debit": MethodKind.SEPA, "bacs_debit": MethodKind.BACS}
_NETWORKS: Final = {"visa": Network.VISA, "mastercard": Network.MASTERCARD}


def at(seconds: int) -> datetime:
    """One of Stripe's instants."""
    return datetime.fromtimestamp(seconds, UTC)


def money_out(amount_minor: int, currency: str) -> tuple[int, str]:
    """An amount as Stripe wants it; Refused `currency_unsupported` where its minor units are not those of ISO 4217."""
    if currency in ODD_CURRENCIES or (exponent(currency) == 3 and amount_minor % 10):
        raise Refused("currency_unsupported", f"{currency} cannot be charged exactly by this provider")
    return amount_minor, currency.lower()


def details(method: Mapping[str, Any]) -> MethodDetails:
    """A payment method as we know it."""
    kind = _KINDS.get(method["type"], MethodKind.CARD)
    inner = method.get(method["type"]) or {}
    customer = method.get("customer") or ""
    if kind is not MethodKind.CARD:
        label = f"{method['type'].replace('_', ' ')} ···{inner.get('last4') or ''}"
        return MethodDetails(
            ref=method["id"],
            customer_ref=customer,
            kind=kind,
            network=Network(kind.value),
            fingerprint=inner.get("fingerprint") or "",
            label=label,
            country=inner.get("country") or "",
        )
    brand, year, month = inner["brand"], inner["exp_year"], inner["exp_month"]
    return MethodDetails(
        ref=method["id"],
        customer_ref=customer,
        kind=kind,
        network=_NETWORKS.get(brand, Network.UNKNOWN),
        fingerprint=inner.get("fingerprint") or "",
        label=f"{brand.capitalize()} ···{inner['last4']}",
        funding=Funding(inner["funding"]) if inner["funding"] in set(Funding) else Funding.UNKNOWN,
        country=inner.get("country") or "",
        expires_on=date(year, month, monthrange(year, month)[1]),
    )


def codes(error: Mapping[str, Any], charge: Mapping[str, Any] | None = None) -> Codes:
    """Why it was declined, from an error object and, where there is one, the charge's outcome."""
    said = (charge or {}).get("outcome") or {}
    decline = error.get("decline_code") or error.get("code") or ""
    advice = error.get("network_advice_code") or said.get("network_advice_code") or ""
    return Codes(
        decline=DECLINES.get(decline, "unknown") if decline else "",
        network=error.get("network_decline_code") or said.get("network_decline_code") or "",
        advice=advice,
    )


def outcome(intent: Mapping[str, Any]) -> Outcome:
    """What a payment intent says of its attempt. `latest_charge` may be expanded, and then tells more."""
    ref, latest = intent["id"], intent.get("latest_charge")
    charge = latest if isinstance(latest, Mapping) else None
    made = at(intent["created"])
    match intent["status"]:
        case "succeeded":
            advice = ((charge or {}).get("outcome") or {}).get("network_advice_code") or ""
            method = intent.get("payment_method")
            return Paid(
                ref=ref,
                amount_minor=intent["amount_received"],
                currency=intent["currency"].upper(),
                at=at(charge["created"]) if charge is not None else made,
                codes=Codes(advice=advice),
                durable=advice not in SINGLE_USE,
                method=details(method) if isinstance(method, Mapping) else None,
            )
        case "processing":
            return Processing(ref)
        case "requires_action":
            action = intent.get("next_action") or {}
            return NeedsCustomer(ref, (action.get("redirect_to_url") or {}).get("url") or "", made)
        case "canceled":
            return Canceled(ref, reached_network=latest is not None)
        case "requires_payment_method" | "requires_confirmation":
            return _refused(intent, charge, made)
        case status:
            return Unknown(f"the provider says {status}", ref)


def _refused(intent: Mapping[str, Any], charge: Mapping[str, Any] | None, made: datetime) -> Outcome:
    error = intent.get("last_payment_error")
    if error is None:
        return Unknown("the provider has it and has not asked the bank", intent["id"])
    found = codes(error, charge)
    if found.decline == "authentication_required":
        return NeedsCustomer(intent["id"], "", made)
    return Declined(intent["id"], found, made)
