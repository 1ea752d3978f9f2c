"""Stripe behind the port `Processor`, on Stripe's own SDK: translation, and nothing else.

Card data never comes near us: methods are set up and hosted payments made on Stripe's Checkout. Every object carries
our own reference as metadata, so that what became of a request can be found without its answer. Nothing is tried
again here: `max_network_retries` is 0, and who asks again, when and with which key is the engine's to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import stripe
from stripe.params import PaymentIntentCreateParams
from stripe.params.checkout import SessionCreateParams

from arrears.adapters.payments.stripe.amounts import amount_limits, check_amount, to_stripe
from arrears.adapters.payments.stripe.answers import answering, date_in, is_ours, left, refusal
from arrears.adapters.payments.stripe.billing import StripeBilling
from arrears.adapters.payments.stripe.codes import (
    Thing,
    attempt_in,
    id_of,
    in_mode,
    inside,
    instant,
    method_details,
    not_certain,
    outcome_of,
    page_locale,
    page_outcome,
    refused,
    setup_outcome_of,
)
from arrears.adapters.payments.stripe.connection import KeptConnections, check_key
from arrears.adapters.payments.stripe.events import API_VERSION, StripeReader
from arrears.adapters.payments.stripe.refunds import find_refund, give_back
from arrears.adapters.payments.stripe.signed import verified
from arrears.adapters.payments.stripe.tries import PAGE_MARK
from arrears.core.errors import Refused
from arrears.core.payments.limits import AmountLimits
from arrears.core.payments.provider_time import ProviderTime
from arrears.core.payments.values import (
    AttemptCanceled,
    BookLine,
    CardsTried,
    Change,
    Charge,
    Codes,
    HostedPage,
    MethodDetails,
    NotFound,
    Outcome,
    RefundAnswer,
    SetupFailed,
    SetupOutcome,
    Unknown,
)
from arrears.ports import Processor

PAGE_MIN: Final = timedelta(minutes=30)
PAGE_MAX: Final = timedelta(hours=24)
"""The lives that a hosted page may have, from its creation by Stripe's clock."""

_SLACK: Final = timedelta(minutes=1)


class Stripe(Processor):
    """One Stripe account. See `ports.Processor` for what each method promises.

    `key` is a secret or restricted key and must match `live`; `webhook_secrets` are all that are valid now (two while
    one is being replaced). `api_base` replaces Stripe's address by another with the same wire, on loopback only, and
    never for a live key. `method_types` is what the pages offer. `installation` is the identity that everything made
    here carries, and by which what others have at the same account is told apart. Refuses `no_provider_key` and
    `wrong_mode`.
    """

    name = "stripe"
    signature_header = "Stripe-Signature"

    def __init__(
        self,
        key: str,
        webhook_secrets: Sequence[str],
        *,
        api_base: str | None = None,
        live: bool,
        method_types: Sequence[str] = ("card",),
        http_client: stripe.HTTPClient | None = None,
        installation: str = "",
    ) -> None:
        check_key(key, live, api_base)
        self.live = live
        self._secrets = tuple(secret for secret in webhook_secrets if secret)
        self._method_types = tuple(method_types)
        self._client = stripe.StripeClient(
            key,
            stripe_version=API_VERSION,
            base_addresses={"api": api_base.rstrip("/")} if api_base else None,
            max_network_retries=0,
            http_client=http_client or KeptConnections(api_base),
        )
        self._v1 = self._client.v1
        self._ours = {"installation": installation} if installation else {}
        self._reader = StripeReader(self._client, live, installation)
        self._installation = installation

    def billing(self) -> StripeBilling:
        """See ports.Processor."""
        return StripeBilling(self._client, self._secrets, self.live, self._installation)

    # Methods

    def open_setup(self, key: str, account: int, customer_ref: str, locale: str, return_url: str) -> HostedPage:
        """See ports.Processor. What is set up here is for charges off session: Checkout's own default."""
        ours = {"account": str(account), **self._ours}
        # Two installations count their accounts and pages alike.
        key = f"{key}:{self._ours['installation']}" if self._ours else key
        with answering():
            if not customer_ref:
                made = self._v1.customers.create({"metadata": ours}, {"idempotency_key": f"{key}:customer"})
                customer_ref = made.id
            session = self._v1.checkout.sessions.create(
                {
                    "mode": "setup",
                    "customer": customer_ref,
                    "allowed_payment_method_types": [*self._method_types],
                    "locale": page_locale(locale),
                    "success_url": return_url,
                    "cancel_url": left(return_url),
                    "metadata": ours,
                    "setup_intent_data": {"metadata": ours},
                },
                {"idempotency_key": key},
            )
        return self._hosted(session.to_dict())

    def setup_outcome(self, ref: str) -> SetupOutcome:
        """See ports.Processor."""
        with answering():
            page = self._reader.session(ref, ["setup_intent", "setup_intent.payment_method"])
        return SetupFailed(Codes()) if self._reader.foreign(page) else setup_outcome_of(page)

    def renew(self, method_ref: str, month: int, year: int, key: str) -> MethodDetails:
        """See ports.Processor."""
        with answering():
            method = self._v1.payment_methods.update(
                method_ref, {"card": {"exp_month": month, "exp_year": year}}, {"idempotency_key": key}
            )
        details = method_details(in_mode(method.to_dict(), self.live))
        if details is None:
            raise Refused("provider_refused", f"payment method {method_ref} belongs to no customer")
        return details

    def show(self, method_ref: str) -> MethodDetails:
        """See ports.Processor."""
        with answering():
            try:
                found = self._v1.payment_methods.retrieve(method_ref)
            except stripe.InvalidRequestError as error:
                if error.code != "resource_missing":
                    raise
                raise Refused("unknown_method", f"Stripe knows no payment method {method_ref}") from error
        details = method_details(in_mode(found.to_dict(), self.live))
        if details is None:
            why = "belongs to no customer there, or is of a kind that is not charged from here"
            raise Refused("unknown_method", f"payment method {method_ref} {why}")
        return details

    def forget(self, method_ref: str, key: str) -> None:
        """See ports.Processor. A method that is gone, or belongs to nobody, is forgotten."""
        with answering():
            try:
                self._v1.payment_methods.detach(method_ref, None, {"idempotency_key": key})
            except stripe.InvalidRequestError as error:
                gone = error.code == "resource_missing" or "not attached" in (error.user_message or "")
                if not gone:
                    raise

    # Attempts

    def limits(self) -> Mapping[str, AmountLimits]:
        """See ports.Processor."""
        return amount_limits()

    def takes(self, amount_minor: int, currency: str) -> None:
        """See ports.Processor."""
        check_amount(amount_minor, currency)

    def charge(self, charge: Charge) -> Outcome:
        """See ports.Processor. What Stripe refuses as a request is proof that nothing was taken: had an earlier request
        with this key taken anything, that one's answer would have been given again."""
        try:
            check_amount(charge.amount_minor, charge.currency)
        except Refused as refused:
            return AttemptCanceled("", reached_network=False, why=refused.message)
        wanted: PaymentIntentCreateParams = {
            "amount": to_stripe(charge.amount_minor, charge.currency),
            "currency": charge.currency.lower(),
            "customer": charge.customer_ref,
            "payment_method": charge.method_ref,
            "confirm": True,
            "metadata": self._metadata(charge),
            "expand": ["latest_charge", "payment_method"],
        }
        if charge.description:
            wanted["description"] = charge.description
        if charge.off_session:
            wanted["off_session"] = True
            # Without this an address to come back to would be asked for, and nobody is there to come back.
            wanted["automatic_payment_methods"] = {"enabled": True, "allow_redirects": "never"}
        else:
            wanted["return_url"] = charge.return_url
        try:
            # As it comes: to make the SDK's objects of it costs more than all the rest of the request.
            answer = self._client.raw_request("post", "/v1/payment_intents", idempotency_key=charge.key, **wanted)
        except stripe.InvalidRequestError as error:
            return AttemptCanceled("", reached_network=False, why=refusal(error).message)
        except stripe.StripeError as error:
            return self._failed(error)
        return outcome_of(in_mode(inside(answer.data), self.live))

    def use_up(self, charge: Charge) -> bool:
        """See ports.Processor. A payment that nobody confirms takes the key; any other request is refused under it. So
        whatever Stripe answers under it is the proof, a failure that it repeats too; canceling it is tidiness."""
        amount, currency = to_stripe(charge.amount_minor, charge.currency), charge.currency.lower()
        unused: PaymentIntentCreateParams = {"amount": amount, "currency": currency, "metadata": {"use_up": "1"}}
        try:
            made = self._v1.payment_intents.create(unused, {"idempotency_key": charge.key})
        except stripe.StripeError as error:
            return (error.headers or {}).get("idempotent-replayed") == "true"
        with suppress(stripe.StripeError):
            self._v1.payment_intents.cancel(made.id)
        return True

    def look_up(self, attempt: str, customer_ref: str, ref: str, since: datetime) -> Outcome:
        """See ports.Processor. Where several carry our reference: see `Reader.search`."""
        try:
            found = self._find(attempt, customer_ref, ref, since)
            return NotFound() if found is None else self._reader.outcome(found)
        except stripe.StripeError as error:
            return self._failed(error, ref)

    def cancel(self, attempt: str, customer_ref: str, ref: str, key: str) -> Outcome:
        """See ports.Processor. Sent without `key`: to cancel twice does no harm, while under a key a failure of
        Stripe's would be repeated to us for a day."""
        if not ref and not customer_ref:
            return Unknown("without its reference or its customer it must be looked up first")
        try:
            found = self._find(attempt, customer_ref, ref, None)
            if found is None:
                return NotFound()
            page = found if found.get("object") == "checkout.session" else self._reader.page_of(found)
            return self._canceled(found["id"]) if page is None else self._expired(page["id"])
        except stripe.StripeError as error:
            return self._failed(error, ref)

    def _canceled(self, ref: str) -> Outcome:
        try:
            intent = self._v1.payment_intents.cancel(ref, {"expand": ["latest_charge", "payment_method"]})
        except stripe.InvalidRequestError:
            # It is over, or its money is on its way: what it says now is the answer.
            return self._reader.outcome(self._reader.intent(ref))
        return outcome_of(in_mode(intent.to_dict(), self.live))

    def open_payment(self, charge: Charge, expires_at: datetime, locale: str) -> HostedPage:
        """See ports.Processor. The same charge gives the same page, also where its end had to be moved.

        How long a page may live counts from Stripe's own clock. So an end that it refuses is moved by the time of the
        refusal; and if that was already done for this key, with another end, the page that was made is found.
        """
        check_amount(charge.amount_minor, charge.currency)
        with answering():
            try:
                return self._open_page(charge, expires_at, locale, charge.key)
            except stripe.InvalidRequestError as error:
                if "expires_at" not in (error.param or error.user_message or ""):
                    raise
                by_stripe = date_in(error.headers or {})
                if by_stripe is None:
                    raise
            early = expires_at < by_stripe + PAGE_MAX / 2
            moved = by_stripe + PAGE_MIN + _SLACK if early else by_stripe + PAGE_MAX - _SLACK
            try:
                return self._open_page(charge, moved, locale, f"{charge.key}:moved")
            except stripe.IdempotencyError:
                found = self._reader.search(charge.attempt, charge.customer_ref, by_stripe - PAGE_MAX)
                if found is None or found.get("object") != "checkout.session":
                    raise
                return self._hosted(found)

    def _open_page(self, charge: Charge, expires_at: datetime, locale: str, key: str) -> HostedPage:
        wanted: SessionCreateParams = {
            "mode": "payment",
            "allowed_payment_method_types": [*self._method_types],
            "locale": page_locale(locale),
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": charge.currency.lower(),
                        "unit_amount": to_stripe(charge.amount_minor, charge.currency),
                        "product_data": {"name": charge.description or charge.attempt},
                    },
                }
            ],
            # Exactly what was shown is charged: no other currency at Stripe's rate.
            "adaptive_pricing": {"enabled": False},
            "success_url": charge.return_url,
            "cancel_url": left(charge.return_url),
            "expires_at": int(expires_at.timestamp()),
            "metadata": self._metadata(charge),
            "payment_intent_data": {"metadata": {**self._metadata(charge), PAGE_MARK: "1"}},
        }
        if charge.customer_ref:
            wanted["customer"] = charge.customer_ref
        session = self._v1.checkout.sessions.create(wanted, {"idempotency_key": key})
        return self._hosted(session.to_dict())

    def expire_payment(self, ref: str, key: str) -> Outcome:
        """See ports.Processor. Sent without `key`, as `cancel` is."""
        try:
            return self._expired(ref)
        except stripe.StripeError as error:
            return self._failed(error, ref)

    def tried_on(self, ref: str) -> CardsTried | None:
        """See ports.Processor."""
        with answering():
            return next(self._reader.tried(self._reader.session(ref)), None)

    def _expired(self, ref: str) -> Outcome:
        if not ref.startswith("cs_"):
            # Somebody has paid on the page, and the payment goes by its own reference since.
            return self._reader.outcome(self._reader.intent(ref))
        try:
            self._v1.checkout.sessions.expire(ref)
        except stripe.InvalidRequestError as error:
            if error.code == "resource_missing":
                return NotFound()
        return page_outcome(self._reader.session(ref))

    # Money back

    def refund(self, payment_ref: str, amount_minor: int, currency: str, key: str) -> RefundAnswer:
        """See ports.Processor."""
        return give_back(self._client, payment_ref, to_stripe(amount_minor, currency), key, self._ours)

    def look_up_refund(self, payment_ref: str, key: str) -> RefundAnswer:
        """See ports.Processor."""
        return find_refund(self._client, payment_ref, key)

    # What Stripe says by itself

    def changes_in(self, body: bytes, signature: str, now: datetime) -> Sequence[Change]:
        """See ports.Processor. Refuses `provider_unreachable` too: then Stripe must send the event again."""
        return list(self._reader.changes_of(verified(body, signature, self._secrets, now)))

    def changes_since(self, since: datetime) -> Iterator[Change]:
        """See ports.Processor. `since` overlaps the last sweep: an object may appear later than its own time."""
        return self._reader.changes_since(since)

    def time(self, ours: datetime) -> ProviderTime:
        """See ports.Processor."""
        return self._reader.time()

    def book(self, since: datetime, until: datetime) -> Iterator[BookLine]:
        """See ports.Processor."""
        return self._reader.book(since, until)

    def _metadata(self, charge: Charge) -> dict[str, str]:
        parts = charge.attempt.split("_")
        return {"attempt": charge.attempt, "account": parts[1] if len(parts) > 1 else "", **self._ours}

    def _find(self, attempt: str, customer_ref: str, ref: str, since: datetime | None) -> Thing | None:
        return self._reader.of_ref(attempt, ref) or self._reader.search(attempt, customer_ref, since)

    def _hosted(self, session: Thing) -> HostedPage:
        in_mode(session, self.live)
        return HostedPage(session["id"], str(session.get("url") or ""), instant(session["expires_at"]))

    def _failed(self, error: stripe.StripeError, ref: str = "") -> Outcome:
        """An error as an outcome. A card error is the bank's answer; a mistake of ours is refused, nothing happened;
        all else says nothing of what happened, a rate limit included: the same key is asked again."""
        if is_ours(error):
            raise refusal(error) from error
        if not isinstance(error, stripe.CardError):
            return Unknown(not_certain(error), ref)
        said = inside(inside(error.json_body).get("error"))
        intent = inside(said.get("payment_intent"))
        if attempt_in(intent):
            in_mode(intent, self.live)
        at = instant(intent["created"]) if intent.get("created") else date_in(error.headers or {})
        if at is None:
            return Unknown("a refusal that does not say when", ref)
        return refused(id_of(intent) or ref, said, inside(intent.get("latest_charge")), at)
