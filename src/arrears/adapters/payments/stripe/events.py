"""Reading Stripe: events, the sweep, the book, and whatever is there under our own reference.

An event only says where to look: each object is read anew, so that order and repetition cannot matter (I19).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

import stripe
from stripe.params import PaymentIntentListParams
from stripe.params.checkout import SessionListParams

from arrears.adapters.payments.stripe.amounts import from_stripe
from arrears.adapters.payments.stripe.answers import answering, date_in
from arrears.adapters.payments.stripe.codes import (
    DEBITS,
    DECLINES,
    Thing,
    attempt_in,
    id_of,
    in_mode,
    inside,
    installation_in,
    instant,
    outcome_of,
    page_outcome,
)
from arrears.adapters.payments.stripe.tries import PAGE_MARK, tried_to_pay, tried_to_set_up
from arrears.core.money import CURRENCIES
from arrears.core.payments.provider_time import ProviderTime
from arrears.core.payments.values import (
    AttemptCanceled,
    AttemptChange,
    BookLine,
    CardsTried,
    Change,
    Codes,
    DebitReturned,
    Declined,
    DisputeChange,
    DisputeState,
    ForeignChange,
    Outcome,
    Paid,
    Processing,
    RefundChange,
    RefundState,
    SetupChange,
)

API_VERSION: Final = "2026-10-28.endive"
"""The version whose shapes this adapter was written for; a newer SDK must not change them under us."""

SKEW: Final = timedelta(hours=1)
"""How far the provider's clock may be behind ours when an object is sought by the time we asked for it."""

_REFUNDS: Final = {
    "succeeded": RefundState.DONE,
    "pending": RefundState.PENDING,
    "requires_action": RefundState.PENDING,
    "failed": RefundState.REFUSED,
    "canceled": RefundState.REFUSED,
}
# An inquiry and a dispute that was prevented have never taken money. A status that we do not know holds: as if open.
_DISPUTES: Final = {
    "warning_needs_response": DisputeState.INQUIRY,
    "warning_under_review": DisputeState.INQUIRY,
    "warning_closed": DisputeState.INQUIRY,
    "prevented": DisputeState.INQUIRY,
    "won": DisputeState.WON,
    "lost": DisputeState.LOST,
}
# Stripe takes at most 20 types. What is created since is listed itself: these tell of what is older.
_TYPES: Final = [
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "checkout.session.completed",
    "checkout.session.expired",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "setup_intent.succeeded",
    "charge.refunded",
    "charge.refund.updated",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
]
_INTENT: Final = ["latest_charge", "payment_method"]
_SESSION: Final = ["payment_intent", "payment_intent.latest_charge"]
_REFUND: Final = ["payment_intent", *(f"payment_intent.{name}" for name in _INTENT)]
_DISPUTE: Final = ["charge", *_REFUND]


def refund_change(refund: Thing) -> RefundChange:
    """A refund as it stands."""
    currency = str(refund["currency"]).upper()
    return RefundChange(
        payment_ref=id_of(refund.get("payment_intent")) or id_of(refund.get("charge")),
        ref=refund["id"],
        key=str((refund.get("metadata") or {}).get("key") or ""),
        state=refund_state(refund),
        amount_minor=from_stripe(refund["amount"], currency),
        currency=currency,
    )


def refund_state(refund: Thing) -> RefundState:
    """What became of a refund; a status that we do not know may still be anything."""
    return _REFUNDS.get(refund.get("status") or "", RefundState.UNKNOWN)


def dispute_change(dispute: Thing) -> Change:
    """A dispute as it stands, with its charge expanded; of a bank debit it is the bank's return of it."""
    charge = inside(dispute.get("charge"))
    payment = id_of(dispute.get("payment_intent")) or id_of(dispute.get("charge"))
    currency = str(dispute["currency"]).upper()
    amount = from_stripe(dispute["amount"], currency)
    state = _DISPUTES.get(dispute.get("status") or "", DisputeState.OPEN)
    if inside(charge.get("payment_method_details")).get("type") in DEBITS and state is not DisputeState.WON:
        word = DECLINES.get(dispute.get("reason") or "", "unrecognised")
        codes = Codes(decline=word, network=str(dispute.get("network_reason_code") or ""))
        return DebitReturned(payment, dispute["id"], amount, currency, codes)
    return DisputeChange(payment, dispute["id"], state, amount, currency)


class StripeReader:
    """What is at Stripe, in our words. Its methods refuse `provider_refused`, `provider_unreachable` and `wrong_mode`,
    except `session`, `intent` and `search`, which raise the SDK's errors for their callers to translate."""

    def __init__(self, client: stripe.StripeClient, live: bool, installation: str = "") -> None:
        self._client, self._v1 = client, client.v1
        self._live = live
        self._installation = installation

    def foreign(self, thing: Thing) -> bool:
        """Whether another installation made this object. One that says nothing may be ours, from before objects did."""
        return bool(self._installation) and installation_in(thing) not in ("", self._installation)

    def _carries(self, attempt: str, thing: Thing) -> bool:
        return attempt_in(thing) == attempt and not self.foreign(thing)

    def intent(self, ref: str) -> Thing:
        """A payment intent with its latest charge and its method."""
        return in_mode(self._v1.payment_intents.retrieve(ref, {"expand": _INTENT}).to_dict(), self._live)

    def session(self, ref: str, expand: Sequence[str] = _SESSION) -> Thing:
        """A page of either kind."""
        return in_mode(self._v1.checkout.sessions.retrieve(ref, {"expand": [*expand]}).to_dict(), self._live)

    def outcome(self, thing: Thing) -> Outcome:
        """What an intent or a payment page says, a page's intent together with its page."""
        if thing.get("object") == "checkout.session":
            return page_outcome(thing)
        outcome = outcome_of(thing)
        if isinstance(outcome, Paid | Processing):
            return outcome
        page = self.page_of(thing)
        return outcome if page is None else page_outcome(page)

    def page_of(self, intent: Thing) -> Thing | None:
        """The hosted page that an intent belongs to, or None."""
        if not (intent.get("metadata") or {}).get(PAGE_MARK):
            return None
        pages = self._sessions({"payment_intent": intent["id"]})
        return next((page for page in pages if id_of(page.get("payment_intent")) == intent["id"]), None)

    def of_ref(self, attempt: str, ref: str) -> Thing | None:
        """The intent or page with this id; None where there is none, or it is not this attempt's."""
        if not ref:
            return None
        try:
            found = self.session(ref) if ref.startswith("cs_") else self.intent(ref)
        except stripe.InvalidRequestError as error:
            if error.code != "resource_missing":
                raise
            return None
        return found if self._carries(attempt, found) else None

    def search(self, attempt: str, customer_ref: str, since: datetime | None) -> Thing | None:
        """The intent, else the payment page, with our reference in its metadata.

        A repeated key cannot make two, but a key that Stripe has forgotten can. Then what was paid wins; after it
        what may still be paid, because calling that over could charge twice; among equals the newest.
        """
        # What a customer has is listed whole: our clock may have been wrong when it was asked for.
        created: dict[str, int] = {}
        if since is not None and not customer_ref:
            created = {"gte": int((since - SKEW).timestamp())}
        wanted: PaymentIntentListParams = {"limit": 100, "expand": [f"data.{name}" for name in _INTENT]}
        pages: SessionListParams = {}
        if customer_ref:
            wanted["customer"] = pages["customer"] = customer_ref
        if created:
            wanted["created"] = {"gte": created["gte"]}
            pages["created"] = {"gte": created["gte"]}
        found = [intent for intent in self._intents(wanted) if self._carries(attempt, intent)]
        if not found:
            found = [page for page in self._sessions(pages) if self._carries(attempt, page)]
        return min(found, key=_preference, default=None)

    def changes_of(self, event: Thing) -> Iterator[Change]:
        """What an event is about, read anew. Refuses `wrong_mode`; a type of no interest gives nothing."""
        in_mode(event, self._live)
        about = inside(inside(event.get("data")).get("object"))
        kind, ref = str(event.get("type") or ""), id_of(about)
        with answering():
            try:
                yield from self._changes(kind, ref, id_of(about.get("customer")))
            except stripe.InvalidRequestError as error:
                # What is gone can have changed nothing of ours.
                if error.code != "resource_missing":
                    raise

    def _changes(self, kind: str, ref: str, customer: str) -> Iterator[Change]:
        if not ref:
            return
        if kind.startswith("payment_intent."):
            yield from self._attempt(self.intent(ref))
        elif kind.startswith("checkout.session."):
            yield from self._page(self.session(ref))
        elif kind.startswith("setup_intent.") and customer:
            for page in self._sessions({"customer": customer}):
                if id_of(page.get("setup_intent")) == ref:
                    yield from self._page(page)
        elif kind == "charge.refunded":
            seen: set[str] = set()
            for refund in self._refunds(charge=ref):
                yield from self._left(refund, seen)
        elif kind.startswith(("refund.", "charge.refund.")):
            yield from self._left(self._v1.refunds.retrieve(ref, {"expand": _REFUND}).to_dict(), set())
        elif kind.startswith("charge.dispute."):
            dispute = self._v1.disputes.retrieve(ref, {"expand": _DISPUTE}).to_dict()
            yield from self._left(in_mode(dispute, self._live), set())

    def _left(self, thing: Thing, seen: set[str]) -> Iterator[Change]:
        """A refund or a dispute with its payment expanded: the payment first, unless it is among the `seen`, to which
        both are added. The payment's own report may come later, and what leaves a payment not booked is nobody's."""
        payment = inside(thing.get("payment_intent"))
        if payment and payment["id"] not in seen:
            seen.add(payment["id"])
            yield from self._attempt(payment)
        seen.add(thing["id"])
        yield dispute_change(thing) if thing.get("object") == "dispute" else refund_change(thing)

    def _attempt(self, thing: Thing) -> Iterator[Change]:
        if attempt_in(thing) and self.foreign(thing):
            yield ForeignChange(thing["id"], installation_in(thing))
        elif attempt_in(thing):
            yield AttemptChange(attempt_in(thing), self.outcome(thing), self._certain(thing))
            if self._certain(thing):
                yield from self.tried(thing)

    def _certain(self, thing: Thing) -> bool:
        return installation_in(thing) == self._installation

    def _page(self, page: Thing) -> Iterator[Change]:
        account = str((page.get("metadata") or {}).get("account") or "")
        if self.foreign(page):
            yield ForeignChange(page["id"], installation_in(page))
        elif page.get("mode") == "payment":
            yield from self._attempt(page)
        elif page.get("mode") == "setup" and page.get("status") != "open" and account.isdecimal():
            yield SetupChange(page["id"], int(account))
            if self._certain(page):
                yield from tried_to_set_up(self._client, page)

    def tried(self, thing: Thing) -> Iterator[CardsTried]:
        """What was tried in vain on a payment page, by the page or by its intent."""
        on_page = thing.get("object") == "checkout.session"
        yield from tried_to_pay(self._client, inside(thing.get("payment_intent")) if on_page else thing)

    def time(self) -> ProviderTime:
        """Stripe's own time, and when its newest event came about."""
        with answering():
            found = self._v1.events.list({"limit": 1})
        headers = found.last_response.headers if found.last_response is not None else {}
        return ProviderTime(date_in(headers), max((instant(event.created) for event in found.data), default=None))

    def changes_since(self, since: datetime) -> Iterator[Change]:
        """Everything of ours created since, then by their events (kept for 30 days) the older things that changed."""
        start = int(since.timestamp())
        seen: set[str] = set()
        with answering():
            for page in self._sessions({"created": {"gte": start}}):
                seen |= {page["id"], id_of(page.get("payment_intent")), id_of(page.get("setup_intent"))}
                yield from self._page(page)
            intents: PaymentIntentListParams = {"created": {"gte": start}, "limit": 100}
            intents["expand"] = [f"data.{name}" for name in _INTENT]
            for intent in self._intents(intents):
                if intent["id"] not in seen:
                    seen.add(intent["id"])
                    yield from self._attempt(intent)
            for refund in self._refunds(since=start):
                yield from self._left(refund, seen)
            for dispute in self._disputes(since=start):
                yield from self._left(dispute, seen)
            for event in self._v1.events.list(
                {"created": {"gte": start}, "types": _TYPES, "limit": 100}
            ).auto_paging_iter():
                thing = event.to_dict()
                ref = id_of(thing["data"]["object"])
                if ref not in seen:
                    seen.add(ref)
                    yield from self.changes_of(thing)

    def book(self, since: datetime, until: datetime) -> Iterator[BookLine]:
        """One line for each payment intent created in [since, until) that took money. What is in a currency that is
        none of ISO 4217 cannot be ours."""
        wanted: PaymentIntentListParams = {
            "created": {"gte": int(since.timestamp()), "lt": int(until.timestamp())},
            "expand": ["data.latest_charge"],
            "limit": 100,
        }
        with answering():
            for intent in self._intents(wanted):
                currency = str(intent["currency"]).upper()
                if intent.get("amount_received") and currency in CURRENCIES:
                    yield self._line(intent, currency)

    def _line(self, intent: Thing, currency: str) -> BookLine:
        charge = inside(intent.get("latest_charge"))
        disputes = self._disputes(intent=intent["id"]) if charge.get("disputed") else iter(())
        return BookLine(
            payment_ref=intent["id"],
            attempt="" if self.foreign(intent) else attempt_in(intent),
            currency=currency,
            taken_minor=from_stripe(intent["amount_received"], currency),
            refunded_minor=from_stripe(charge.get("amount_refunded") or 0, currency),
            disputed_minor=sum(map(_taken_back, map(dispute_change, disputes))),
            at=instant(intent["created"]),
            certain=self._certain(intent),
        )

    def _intents(self, wanted: PaymentIntentListParams) -> Iterator[Thing]:
        for intent in self._v1.payment_intents.list(wanted).auto_paging_iter():
            yield in_mode(intent.to_dict(), self._live)

    def _sessions(self, wanted: SessionListParams) -> Iterator[Thing]:
        wanted["limit"] = 100
        wanted["expand"] = [f"data.{name}" for name in _SESSION]
        for session in self._v1.checkout.sessions.list(wanted).auto_paging_iter():
            yield in_mode(session.to_dict(), self._live)

    def _refunds(self, charge: str = "", since: int | None = None) -> Iterator[Thing]:
        expand = [f"data.{name}" for name in _REFUND]
        listed = self._v1.refunds.list(
            {"charge": charge, "limit": 100, "expand": expand}
            if since is None
            else {"created": {"gte": since}, "limit": 100, "expand": expand}
        )
        for refund in listed.auto_paging_iter():
            yield refund.to_dict()

    def _disputes(self, intent: str = "", since: int | None = None) -> Iterator[Thing]:
        expand = [f"data.{name}" for name in _DISPUTE]
        listed = self._v1.disputes.list(
            {"payment_intent": intent, "limit": 100, "expand": expand}
            if since is None
            else {"created": {"gte": since}, "limit": 100, "expand": expand}
        )
        for dispute in listed.auto_paging_iter():
            yield in_mode(dispute.to_dict(), self._live)


def _preference(thing: Thing) -> tuple[int, int]:
    outcome = page_outcome(thing) if thing.get("object") == "checkout.session" else outcome_of(thing)
    rank = 0 if isinstance(outcome, Paid) else 2 if isinstance(outcome, Declined | AttemptCanceled) else 1
    return rank, -thing["created"]


def _taken_back(change: Change) -> int:
    if isinstance(change, DebitReturned):
        return change.amount_minor
    if isinstance(change, DisputeChange) and change.state in (DisputeState.OPEN, DisputeState.LOST):
        return change.amount_minor
    return 0
