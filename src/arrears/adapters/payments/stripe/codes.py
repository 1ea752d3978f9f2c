"""What Stripe's objects mean in our words: pure, so that every code can be tested from a table.

Objects are plain dictionaries as the API sends them, at the version that `events.API_VERSION` pins.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

import stripe

from arrears.adapters.payments.stripe.amounts import from_stripe
from arrears.core.errors import Refused
from arrears.core.payments.values import (
    AttemptCanceled,
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
    SetupDone,
    SetupFailed,
    SetupOpen,
    SetupOutcome,
    Unknown,
)

Thing = Mapping[str, Any]
"""One object of Stripe's API."""

# Our word, and Stripe's decline codes (docs.stripe.com/declines/codes) and error codes (docs.stripe.com/error-codes)
# that it stands for. A code that is not here is "unrecognised", for which the planner takes the strictest reading of
# all; where there is no code at all the word is "unknown".
_WORDS: Final = {
    "insufficient_funds": "insufficient_funds",
    "limit_exceeded": """card_velocity_exceeded withdrawal_count_limit_exceeded charge_exceeds_source_limit
        charge_exceeds_transaction_limit amount_too_large""",
    "do_not_honor": "do_not_honor call_issuer no_action_taken security_violation transaction_not_approved",
    "generic": "generic_decline card_declined duplicate_transaction bank_account_declined generic_could_not_process",
    "lost_card": "lost_card pickup_card",
    "stolen_card": "stolen_card",
    "expired": "expired_card expired_payment_method invalid_expiry_month invalid_expiry_year",
    "incorrect_data": """incorrect_number invalid_number incorrect_cvc invalid_cvc incorrect_zip incorrect_postal_code
        incorrect_address incorrect_pin invalid_pin pin_try_exceeded invalid_account new_account_information_available
        account_number_invalid routing_number_invalid bank_account_bad_routing_numbers""",
    "authentication_required": """authentication_required authentication_not_handled offline_pin_required
        online_or_offline_pin_required mobile_device_authentication_required payment_intent_action_required""",
    "authentication_failed": """payment_intent_authentication_failure setup_intent_authentication_failure
        authentication_failure""",
    "revoked": """revocation_of_authorization revocation_of_all_authorizations stop_payment_order debit_not_authorized
        india_recurring_payment_mandate_canceled payment_intent_mandate_invalid setup_intent_mandate_invalid
        payment_method_customer_decline""",
    "account_closed": """account_closed no_account bank_account_unusable bank_account_closed
        payment_method_bank_account_blocked""",
    "not_permitted": """transaction_not_allowed not_permitted service_not_allowed card_not_supported restricted_card
        invalid_amount bank_account_restricted payment_method_restricted invalid_card_type""",
    "currency_unsupported": "currency_not_supported payment_method_currency_mismatch invalid_currency",
    "fraud_suspected": "fraudulent merchant_blacklist highest_risk_level",
    "do_not_try_again": "do_not_try_again",
    "provider_error": """processing_error issuer_not_available try_again_later reenter_transaction approve_with_id
        could_not_process payment_method_provider_decline payment_method_provider_timeout
        payment_intent_payment_attempt_failed card_decline_rate_limit_exceeded refer_to_customer""",
    "configuration": "live_mode_test_card testmode_decline test_mode_decline testmode_charges_only",
    "abandoned": "payment_intent_payment_attempt_expired setup_intent_setup_attempt_expired",
}
DECLINES: Final[Mapping[str, str]] = {code: word for word, codes in _WORDS.items() for code in codes.split()}
"""Our word for each of Stripe's codes."""

# Words that the planner may try again by itself; Stripe's own advice not to overrules them.
_SOFT: Final = ("generic", "do_not_honor", "unknown", "insufficient_funds", "limit_exceeded", "provider_error")
_VAGUE: Final = ("generic", "do_not_honor", "unknown")

_NEEDS_PAYER: Final = "authentication_required"

_ONCE_ONLY: Final = ("40", "41")
"""Mastercard's advice that a card will not work again; it comes with approvals too."""

_KINDS: Final = {
    "card": MethodKind.CARD,
    "us_bank_account": MethodKind.ACH,
    "sepa_debit": MethodKind.SEPA,
    "bacs_debit": MethodKind.BACS,
}
DEBITS: Final = ("us_bank_account", "ach_debit", "sepa_debit", "bacs_debit")
"""The kinds of which a dispute is the bank's return of the debit, and final."""

_CARD_NETWORKS: Final = {"visa": Network.VISA, "mastercard": Network.MASTERCARD}
_DEBIT_NETWORKS: Final = {MethodKind.ACH: Network.ACH, MethodKind.SEPA: Network.SEPA, MethodKind.BACS: Network.BACS}
_BRANDS: Final = {"amex": "American Express", "jcb": "JCB", "unionpay": "UnionPay", "eftpos_au": "eftpos"}


_LOCALES: Final = frozenset(
    """bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR ro ru sk sl
    sv th tr vi zh zh-HK zh-TW""".split()  # noqa: SIM905 - readable
)
"""The languages of Checkout's pages."""


def page_locale(locale: str) -> str:
    """The language of a page for a reader's, by its whole name or its language; "auto" is the browser's."""
    known = locale.replace("_", "-")
    language = known.partition("-")[0]
    return next((one for one in (known, language) if one in _LOCALES), "auto")


def instant(seconds: int) -> datetime:
    """Stripe's Unix seconds as an aware instant in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def in_mode(thing: Thing, live: bool) -> Thing:
    """The same object; refuses `wrong_mode` where it belongs to the other mode. Some kinds do not say."""
    if thing.get("livemode", live) is not live:
        raise Refused("wrong_mode", f"{thing.get('id', 'an object')} is not {'live' if live else 'in test mode'}")
    return thing


def attempt_in(thing: Thing) -> str:
    """Our reference in an object's metadata, else empty."""
    return str((thing.get("metadata") or {}).get("attempt") or "")


def installation_in(thing: Thing) -> str:
    """The identity of the installation that made an object, in its metadata, else empty."""
    return str((thing.get("metadata") or {}).get("installation") or "")


def id_of(value: Any) -> str:
    """The id of an object that may be expanded, be an id, or be missing."""
    return str((value.get("id") if isinstance(value, Mapping) else value) or "")


def inside(value: Any) -> Thing:
    """An expanded object; an empty one where it was not expanded or is missing."""
    return value if isinstance(value, Mapping) else {}


def codes_of(error: Thing, charge: Thing) -> Codes:
    """Why a charge was refused, from the error and, where they are known, the charge and its outcome."""
    outcome = inside(charge.get("outcome"))
    brand = _brand(error, charge)
    word = _word(error, charge, outcome)
    advised = error.get("advice_code") or outcome.get("advice_code")
    if advised == "do_not_try_again" and word in _SOFT:
        word = "do_not_try_again"
    elif advised == "confirm_card_data" and word in _VAGUE:
        word = "incorrect_data"
    return Codes(
        decline=word,
        network=str(error.get("network_decline_code") or outcome.get("network_decline_code") or ""),
        advice=_advice(error, outcome, brand),
    )


def _word(error: Thing, charge: Thing, outcome: Thing) -> str:
    given = [str(error.get("decline_code") or ""), str(error.get("code") or ""), str(charge.get("failure_code") or "")]
    words = [DECLINES.get(code, "unrecognised") for code in given if code]
    word = next((found for found in words if found != "generic"), "generic") if words else "unknown"
    # A charge that Stripe's own risk rules stopped never reached the bank.
    if word in _VAGUE and outcome.get("type") == "blocked":
        return "fraud_suspected"
    return word


def _brand(error: Thing, charge: Thing) -> str:
    for method in (inside(error.get("payment_method")), inside(charge.get("payment_method_details"))):
        brand = inside(method.get("card")).get("brand")
        if brand:
            return str(brand)
    return ""


def _advice(error: Thing, outcome: Thing, brand: str) -> str:
    # Our rules read advice as Mastercard's codes. Visa has none: its category numbers, should they ever stand here,
    # mean something else ("01" there is never, here it is new card data).
    if brand == "visa":
        return ""
    return str(error.get("network_advice_code") or outcome.get("network_advice_code") or "")


def outcome_of(intent: Thing) -> Outcome:
    """What a payment intent says of its attempt, by itself; for one behind a hosted page see `page_outcome`."""
    if not intent.get("id") or not intent.get("created"):
        return Unknown("the answer is no payment intent")
    ref, charge, at = intent["id"], inside(intent.get("latest_charge")), instant(intent["created"])
    match intent.get("status"):
        case "succeeded":
            return _paid(intent, charge)
        case "processing":
            return Processing(ref)
        case "requires_action":
            redirect = inside(inside(intent.get("next_action")).get("redirect_to_url"))
            return NeedsCustomer(ref, str(redirect.get("url") or ""), at)
        case "requires_payment_method" if intent.get("last_payment_error"):
            return refused(ref, intent["last_payment_error"], charge, at)
        case "canceled":
            return AttemptCanceled(ref, reached_network=bool(intent.get("latest_charge")))
        case status:
            return Unknown(f"the payment intent is {status}", ref)


def refused(ref: str, error: Thing, charge: Thing, at: datetime) -> Declined | NeedsCustomer:
    """A refusal by the bank; one for want of authentication is for the customer, who must start it anew."""
    codes = codes_of(error, charge)
    if codes.decline == _NEEDS_PAYER:
        return NeedsCustomer(ref, "", at)
    return Declined(ref, codes, instant(charge["created"]) if charge.get("created") else at)


def _paid(intent: Thing, charge: Thing) -> Paid:
    received, currency = intent.get("amount_received"), str(intent["currency"]).upper()
    codes = Codes(advice=_advice({}, inside(charge.get("outcome")), _brand({}, charge)))
    return Paid(
        ref=intent["id"],
        amount_minor=from_stripe(intent["amount"] if received is None else received, currency),
        currency=currency,
        at=instant(charge.get("created") or intent["created"]),
        codes=codes,
        durable=codes.advice not in _ONCE_ONLY,
        method=method_details(inside(intent.get("payment_method"))),
    )


def page_outcome(session: Thing) -> Outcome:
    """What a hosted payment page says of its attempt: while it is open a person may try again on it, whatever was
    declined there; once it has expired, only a payment that was already on its way can still arrive."""
    ref, intent = session["id"], inside(session.get("payment_intent"))
    outcome = outcome_of(intent) if intent else Unknown("the page has no payment yet", ref)
    if isinstance(outcome, Paid | Processing):
        return outcome
    if session.get("status") == "open":
        return NeedsCustomer(ref, str(session.get("url") or ""), instant(session["created"]))
    if session.get("status") == "expired":
        if not session.get("payment_intent"):
            return AttemptCanceled(ref, reached_network=False)
        if intent.get("status") in ("canceled", "requires_payment_method"):
            return AttemptCanceled(ref, reached_network=bool(intent.get("latest_charge")))
    return outcome


def setup_outcome_of(session: Thing) -> SetupOutcome:
    """What a set-up page says; its set-up intent and the method in it must be expanded."""
    intent = inside(session.get("setup_intent"))
    if session.get("status") == "open":
        return SetupOpen()
    if session.get("status") == "complete" and intent.get("status") == "succeeded":
        method = method_details(inside(intent.get("payment_method")), id_of(session.get("customer")))
        if method is None:
            return SetupFailed(Codes(decline="not_permitted"))
        ours = str(inside(session.get("metadata")).get("account", ""))
        return SetupDone(method, int(ours) if ours.isdecimal() else 0)
    if session.get("status") == "complete" and intent.get("status") in ("processing", "requires_action"):
        return SetupOpen()
    error = inside(intent.get("last_setup_error"))
    return SetupFailed(codes_of(error, {}) if error else Codes(decline="abandoned"))


def method_details(method: Thing, customer_ref: str = "") -> MethodDetails | None:
    """A stored payment method; None for one of a kind that we cannot use, or that belongs to no customer."""
    kind = _KINDS.get(method.get("type", ""))
    customer = id_of(method.get("customer")) or customer_ref
    if kind is None or not customer:
        return None
    kept = inside(method.get(method["type"]))
    card = kept if kind is MethodKind.CARD else {}
    return MethodDetails(
        ref=method["id"],
        customer_ref=customer,
        kind=kind,
        network=_DEBIT_NETWORKS.get(kind) or _CARD_NETWORKS.get(card.get("brand", ""), Network.UNKNOWN),
        fingerprint=str(kept.get("fingerprint") or ""),
        label=_label(kind, kept),
        funding=Funding(card["funding"]) if card.get("funding") in list(Funding) else Funding.UNKNOWN,
        country=str(kept.get("country") or ""),
        expires_on=_last_day(card["exp_year"], card["exp_month"]) if card.get("exp_year") else None,
    )


def _label(kind: MethodKind, kept: Thing) -> str:
    if kind is MethodKind.CARD:
        brand = str(kept.get("brand") or "card")
        name = _BRANDS.get(brand) or brand.replace("_", " ").title()
    else:
        name = str(kept.get("bank_name") or kind.value.upper())
    return f"{name} {kept.get('last4') or ''}".strip()


def _last_day(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])


def not_certain(error: stripe.StripeError) -> str:
    """Why nobody knows what became of a request."""
    status = f" {error.http_status}" if error.http_status else ""
    return f"no certain answer from Stripe: {type(error).__name__}{status}"
