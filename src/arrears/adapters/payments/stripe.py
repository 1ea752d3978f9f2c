"""Stripe, behind the port `Processor`, on its own SDK. Nothing is decided here, and nothing is tried twice.

Card data never comes near us: methods are set up and pages are paid on Stripe's Checkout. Every object of ours carries
our reference as metadata, so that whatever became of a request can be looked up without knowing Stripe's id for it.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import stripe

from arrears.adapters.payments.stripe_words import at, codes, details, money_out, outcome
from arrears.core.errors import Refused
from arrears.core.payment import (
    AttemptChange,
    BookLine,
    Canceled,
    Change,
    Charge,
    Codes,
    Declined,
    DisputeChange,
    DisputeState,
    HostedPage,
    MethodDetails,
    NeedsCustomer,
    NotFound,
    Outcome,
    RefundAnswer,
    RefundChange,
    RefundState,
    SetupChange,
    SetupDone,
    SetupFailed,
    SetupOpen,
    SetupOutcome,
    Unknown,
)

TIMEOUT_SECONDS: Final = 30
SIGNATURE_SECONDS_MAX: Final = 300
"""How old a webhook may be: Stripe's own tolerance. An older one is a replay; the sweep finds what it told."""

PAGE_MINUTES_MIN: Final = 30
"""The shortest life of a hosted page that Stripe knows."""

_REFUNDS: Final = {
    "succeeded": RefundState.DONE,
    "pending": RefundState.PENDING,
    "requires_action": RefundState.PENDING,
}
_DISPUTES: Final = {
    "warning_needs_response": DisputeState.INQUIRY,
    "warning_under_review": DisputeState.INQUIRY,
    "warning_closed": DisputeState.INQUIRY,
    "won": DisputeState.WON,
    "lost": DisputeState.LOST,
}


class Stripe:
    """See ports.Processor."""

    name = "stripe"

    def __init__(
        self,
        key: str,
        webhook_secrets: Sequence[str],
        *,
        live: bool,
        api_base: str | None = None,
        timeout_seconds: int = TIMEOUT_SECONDS,
    ) -> None:
        kind = "live" if live else "test"
        if not key:
            raise Refused("no_provider_key", "ARREARS_STRIPE_KEY is not set; set it to the secret key of your account")
        if not key.startswith((f"sk_{kind}_", f"rk_{kind}_")):
            raise Refused("wrong_mode", f"ARREARS_STRIPE_KEY is not a {kind} key, and this installation is {kind}")
        self.live = live
        self._secrets = [s.encode() for s in webhook_secrets]
        self._client = stripe.StripeClient(
            key,
            base_addresses={"api": api_base} if api_base else None,
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=timeout_seconds),
        )
        self._api = self._client.v1

    # -- methods ---------------------------------------------------------------------------------------------

    def open_setup(self, key: str, account: int, customer_ref: str, locale: str, return_url: str) -> HostedPage:
        """See ports.Processor."""
        if not customer_ref:
            made = self._asked(
                lambda: self._api.customers.create(
                    {"metadata": {"account": str(account)}}, {"idempotency_key": f"{key}-customer"}
                )
            )
            customer_ref = made["id"]
        return self._page(
            {
                "mode": "setup",
                "customer": customer_ref,
                "currency": "eur",
                "locale": locale[:2],
                "success_url": f"{return_url}?setup={{CHECKOUT_SESSION_ID}}",
                "cancel_url": return_url,
                "metadata": {"account": str(account)},
            },
            key,
        )

    def setup_outcome(self, ref: str) -> SetupOutcome:
        """See ports.Processor."""
        found = self._asked(
            lambda: self._api.checkout.sessions.retrieve(ref, {"expand": ["setup_intent.payment_method"]})
        )
        if found["status"] == "open":
            return SetupOpen()
        intent = found["setup_intent"]
        if found["status"] != "complete" or intent["status"] != "succeeded":
            return SetupFailed(codes(intent.get("last_setup_error") or {}))
        return SetupDone(details(intent["payment_method"]))

    def renew(self, method_ref: str, month: int, year: int, key: str) -> MethodDetails:
        """See ports.Processor."""
        card: Any = {"card": {"exp_month": month, "exp_year": year}}
        return details(
            self._asked(lambda: self._api.payment_methods.update(method_ref, card, {"idempotency_key": key}))
        )

    def forget(self, method_ref: str, key: str) -> None:
        """See ports.Processor."""
        self._asked(lambda: self._api.payment_methods.detach(method_ref, {}, {"idempotency_key": key}))

    # -- payments --------------------------------------------------------------------------------------------

    def charge(self, charge: Charge) -> Outcome:
        """See ports.Processor."""
        amount, currency = money_out(charge.amount_minor, charge.currency)
        params: Any = {
            "amount": amount,
            "currency": currency,
            "customer": charge.customer_ref,
            "payment_method": charge.method_ref,
            "confirm": True,
            "off_session": charge.off_session,
            "description": charge.description,
            "metadata": {"attempt": charge.attempt},
            "expand": ["latest_charge"],
        }
        if not charge.off_session:
            params["return_url"] = charge.return_url
        return self._tried(lambda: self._api.payment_intents.create(params, {"idempotency_key": charge.key}))

    def look_up(self, attempt: str, customer_ref: str, ref: str, since: datetime) -> Outcome:
        """See ports.Processor. Of several under one reference, the one that took money speaks for it."""
        if ref.startswith("pi_"):
            params: Any = {"expand": ["latest_charge"]}
            return self._tried(lambda: self._api.payment_intents.retrieve(ref, params))
        wanted: Any = {"created": {"gte": int(since.timestamp()) - 300}, "limit": 100, "expand": ["data.latest_charge"]}
        if customer_ref:
            wanted["customer"] = customer_ref
        try:
            listed = self._client.v1.payment_intents.list(wanted).auto_paging_iter()
            found = [i for i in map(_plain, listed) if i["metadata"].get("attempt") == attempt]
        except stripe.StripeError as error:
            return Unknown(f"could not be looked up: {_words(error)}", ref)
        if not found:
            return NotFound()
        paid = [i for i in found if i["status"] == "succeeded"]
        return outcome(paid[0] if paid else max(found, key=lambda i: int(i["created"])))

    def cancel(self, attempt: str, customer_ref: str, ref: str, key: str) -> Outcome:
        """See ports.Processor."""
        if not ref:
            found = self.look_up(attempt, customer_ref, "", at(0))
            if not isinstance(found, NeedsCustomer):
                return found
            ref = found.ref
        asked = self._tried(lambda: self._api.payment_intents.cancel(ref, {}, {"idempotency_key": key}), refusals=True)
        return asked if isinstance(asked, Canceled) else self.look_up(attempt, customer_ref, ref, at(0))

    def open_payment(self, charge: Charge, expires_at: datetime, locale: str) -> HostedPage:
        """See ports.Processor."""
        amount, currency = money_out(charge.amount_minor, charge.currency)
        item = {"currency": currency, "unit_amount": amount, "product_data": {"name": charge.description or "-"}}
        return self._page(
            {
                "mode": "payment",
                "locale": locale[:2],
                "line_items": [{"quantity": 1, "price_data": item}],
                "payment_intent_data": {"metadata": {"attempt": charge.attempt}},
                "metadata": {"attempt": charge.attempt},
                "expires_at": int(expires_at.timestamp()),
                "success_url": f"{charge.return_url}?paid={{CHECKOUT_SESSION_ID}}",
                "cancel_url": charge.return_url,
            },
            charge.key,
        )

    def expire_payment(self, ref: str, key: str) -> Outcome:
        """See ports.Processor."""
        ended: Any = None
        try:
            ended = _plain(self._api.checkout.sessions.expire(ref, {}, {"idempotency_key": key}))
        except stripe.InvalidRequestError:
            ended = None  # not open any more: what it came to is read below
        except stripe.StripeError as error:
            return Unknown(f"the page could not be ended: {_words(error)}")
        return Canceled("", reached_network=False) if ended is not None else self._page_outcome(ref)

    def _page_outcome(self, ref: str) -> Outcome:
        expand: Any = {"expand": ["payment_intent", "payment_intent.latest_charge"]}
        try:
            page = _plain(self._api.checkout.sessions.retrieve(ref, expand))
        except stripe.StripeError as error:
            return Unknown(f"the page could not be read: {_words(error)}")
        if page["payment_intent"] is not None and page["status"] == "complete":
            return outcome(page["payment_intent"])
        if page["status"] == "expired":
            return Canceled("", reached_network=False)
        return Unknown("the page is still open", ref)

    def refund(self, payment_ref: str, amount_minor: int, key: str) -> RefundAnswer:
        """See ports.Processor."""
        params: Any = {"payment_intent": payment_ref, "amount": amount_minor, "metadata": {"key": key}}
        try:
            made = _plain(self._api.refunds.create(params, {"idempotency_key": key}))
        except stripe.InvalidRequestError as error:
            return RefundAnswer(RefundState.REFUSED, "", _words(error))
        except stripe.StripeError as error:
            return RefundAnswer(RefundState.UNKNOWN, "", _words(error))
        return RefundAnswer(_REFUNDS.get(made["status"], RefundState.REFUSED), made["id"])

    # -- what it tells ---------------------------------------------------------------------------------------

    def changes_in(self, body: bytes, signature: str, now: datetime) -> Sequence[Change]:
        """See ports.Processor. The clock is the caller's, so that a made-up one works too."""
        self._verify(body, signature, now)
        try:
            event = json.loads(body)
            kind, told, livemode = event["type"], event["data"]["object"], event["livemode"]
        except (ValueError, KeyError, TypeError):
            raise Refused("bad_event", "the webhook is no event") from None
        if livemode is not self.live:
            raise Refused("wrong_mode", "the webhook is of the other mode (live or test)")
        return list(self._changes(kind, told))

    def _verify(self, body: bytes, signature: str, now: datetime) -> None:
        parts = [part.partition("=") for part in signature.split(",")]
        times = [value for name, _, value in parts if name == "t" and value.isdecimal()]
        given = [value for name, _, value in parts if name == "v1"]
        if len(times) != 1 or not given:
            raise Refused("bad_signature", "the webhook has no signature")
        signed = f"{times[0]}.".encode() + body
        wanted = [hmac.new(secret, signed, sha256).hexdigest() for secret in self._secrets]
        if not any(hmac.compare_digest(w.encode(), g.encode()) for w in wanted for g in given):
            raise Refused("bad_signature", "the webhook's signature is not by any of our secrets")
        if abs(now.timestamp() - int(times[0])) > SIGNATURE_SECONDS_MAX:
            raise Refused("old_event", "the webhook is older than five minutes")

    def _changes(self, kind: str, told: Mapping[str, Any]) -> Iterator[Change]:
        """The objects an event names, read anew: events may be late, early, or many."""
        family = kind.split(".")[0]
        expand: Any = {"expand": ["latest_charge"]}
        if family == "payment_intent":
            yield from self._attempt(self._asked(lambda: self._api.payment_intents.retrieve(told["id"], expand)))
        elif family == "checkout" and told.get("mode") == "setup":
            account = (told.get("metadata") or {}).get("account", "")
            if account.isdecimal():
                yield SetupChange(told["id"], int(account))
        elif family == "checkout":
            reference = (told.get("metadata") or {}).get("attempt")
            if reference:
                yield AttemptChange(reference, self._page_outcome(told["id"]))
        elif family == "refund" or kind == "charge.refund.updated":
            yield self._refund(self._asked(lambda: self._api.refunds.retrieve(told["id"])))
        elif kind.startswith("charge.dispute."):
            yield self._dispute(self._asked(lambda: self._api.disputes.retrieve(told["id"])))

    def _attempt(self, intent: Mapping[str, Any]) -> Iterator[Change]:
        reference = intent["metadata"].get("attempt")
        if reference and intent["livemode"] is self.live:
            found = outcome(intent)
            if not isinstance(found, Unknown):
                yield AttemptChange(reference, found)

    @staticmethod
    def _refund(refund: Mapping[str, Any]) -> RefundChange:
        state = _REFUNDS.get(refund["status"], RefundState.REFUSED)
        key = (refund.get("metadata") or {}).get("key", "")
        amount, currency = refund["amount"], refund["currency"].upper()
        return RefundChange(refund["payment_intent"] or "", refund["id"], key, state, amount, currency)

    @staticmethod
    def _dispute(dispute: Mapping[str, Any]) -> DisputeChange:
        state = _DISPUTES.get(dispute["status"], DisputeState.OPEN)
        amount, currency = dispute["amount"], dispute["currency"].upper()
        return DisputeChange(dispute["payment_intent"] or "", dispute["id"], state, amount, currency)

    def changes_since(self, since: datetime) -> Iterator[Change]:
        """See ports.Processor. What was created since, and whatever an event says has changed since."""
        created: Any = {"created": {"gte": int(since.timestamp())}, "limit": 100}
        seen: set[str] = set()
        for intent in self._listed(self._api.payment_intents.list, {**created, "expand": ["data.latest_charge"]}):
            seen.add(intent["id"])
            yield from self._attempt(intent)
        for refund in self._listed(self._api.refunds.list, created):
            seen.add(refund["id"])
            yield self._refund(refund)
        for dispute in self._listed(self._api.disputes.list, created):
            seen.add(dispute["id"])
            yield self._dispute(dispute)
        for event in self._listed(self._api.events.list, created):
            told = event["data"]["object"]
            if told.get("id") not in seen:
                seen.add(told.get("id"))
                yield from self._changes(event["type"], told)

    def book(self, since: datetime, until: datetime) -> Iterator[BookLine]:
        """See ports.Processor."""
        span: Any = {"gte": int(since.timestamp()), "lt": int(until.timestamp())}
        back: dict[str, int] = {}
        disputed: dict[str, int] = {}
        open_ended: Any = {"created": {"gte": span["gte"]}, "limit": 100}
        for refund in self._listed(self._api.refunds.list, open_ended):
            if _REFUNDS.get(refund["status"]) is RefundState.DONE:
                back[refund["payment_intent"]] = back.get(refund["payment_intent"], 0) + refund["amount"]
        for dispute in self._listed(self._api.disputes.list, open_ended):
            if dispute["status"] not in ("won", "warning_needs_response", "warning_under_review", "warning_closed"):
                disputed[dispute["payment_intent"]] = disputed.get(dispute["payment_intent"], 0) + dispute["amount"]
        for intent in self._listed(self._api.payment_intents.list, {"created": span, "limit": 100}):
            if intent["status"] == "succeeded":
                yield BookLine(
                    payment_ref=intent["id"],
                    attempt=intent["metadata"].get("attempt", ""),
                    currency=intent["currency"].upper(),
                    taken_minor=intent["amount_received"],
                    refunded_minor=back.get(intent["id"], 0),
                    disputed_minor=disputed.get(intent["id"], 0),
                    at=at(intent["created"]),
                )

    # -- asking ----------------------------------------------------------------------------------------------

    def _page(self, params: Any, key: str) -> HostedPage:
        made = self._asked(lambda: self._api.checkout.sessions.create(params, {"idempotency_key": key}))
        return HostedPage(made["id"], made["url"] or "", at(made["expires_at"]))

    def _listed(self, ask: Callable[[Any], Any], params: Any) -> Iterator[Mapping[str, Any]]:
        try:
            for one in ask(params).auto_paging_iter():
                yield _plain(one)
        except stripe.StripeError as error:
            raise Refused("provider_unavailable", f"stripe did not answer: {_words(error)}") from None

    def _asked(self, ask: Callable[[], Any]) -> Mapping[str, Any]:
        """A request that moves no money: it may simply be made again."""
        try:
            return _plain(ask())
        except (stripe.APIConnectionError, stripe.RateLimitError) as error:
            raise Refused("provider_unavailable", f"stripe did not answer: {_words(error)}") from None
        except stripe.StripeError as error:
            raise Refused("provider_refused", f"stripe refused: {_words(error)}") from None

    def _tried(self, ask: Callable[[], Any], *, refusals: bool = False) -> Outcome:
        """A request that may move money. What is not certain is Unknown; nothing is tried again here."""
        try:
            return outcome(_plain(ask()))
        except stripe.CardError as error:
            return _card_error(error)
        except (stripe.InvalidRequestError, stripe.AuthenticationError, stripe.PermissionError) as error:
            if refusals:
                return Unknown(_words(error))
            raise Refused("provider_refused", f"stripe refused: {_words(error)}") from None
        except stripe.StripeError as error:
            return Unknown(f"stripe did not answer: {_words(error)}")


def _card_error(error: stripe.CardError) -> Outcome:
    body: Any = error.json_body or {}
    told = body.get("error") or {}
    intent = told.get("payment_intent")
    if intent is not None:
        return outcome({**intent, "last_payment_error": intent.get("last_payment_error") or told})
    return Declined("", codes(told) if told else Codes(decline="unknown"), at(0))


def _plain(found: Any) -> Mapping[str, Any]:
    plain: Mapping[str, Any] = found.to_dict() if hasattr(found, "to_dict") else found
    return plain


def _words(error: stripe.StripeError) -> str:
    return f"{type(error).__name__}: {error.user_message or error}"[:200]


def shortest_page(now: datetime) -> datetime:
    """When a page opened now ends at the earliest."""
    return now + timedelta(minutes=PAGE_MINUTES_MIN)
