"""Stripe Billing behind the port `BillingSystem`, on Stripe's own SDK: what is read and asked; `billing_map` says what
it means.

An event only says whose invoices to read: they are read as they stand now, so that order and repetition cannot matter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import stripe

from arrears.adapters.payments.stripe.amounts import to_stripe
from arrears.adapters.payments.stripe.answers import answering
from arrears.adapters.payments.stripe.billing_map import (
    END_MARK,
    NAME,
    PAUSE_MARK,
    PROVIDER,
    SWITCH,
    account_of,
    disputed_intents,
    ended_at,
    invoice_of,
    subscriptions_of,
)
from arrears.adapters.payments.stripe.codes import Thing, attempt_in, id_of, in_mode
from arrears.adapters.payments.stripe.events import StripeReader
from arrears.adapters.payments.stripe.signed import verified
from arrears.core.errors import Refused
from arrears.core.payments.provider_time import ProviderTime
from arrears.ports.billing import (
    BilledCustomer,
    BilledInvoice,
    BillingChanges,
    BillingOptions,
    CreditReport,
    PaymentReport,
    PaymentReturn,
)

# Stripe takes at most 20 types.
TYPES: Final = (
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.payment_action_required",
    "invoice.updated",
    "invoice.voided",
    "invoice.marked_uncollectible",
    "invoice.overpaid",
    "invoice_payment.paid",
    "invoice_payment.detached",
    "credit_note.created",
    "credit_note.voided",
    "customer.updated",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "payment_intent.processing",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
)
"""The events that say that a customer is to be read; an operator's webhook endpoint sends these too."""

MARGIN: Final = timedelta(hours=1)
"""How far its clock and ours may differ where a time that was billed for is over by one and not yet by the other."""

_PAYMENT: Final = ("payment.payment_intent.latest_charge", "payment.payment_record")


class StripeBilling:
    """The billing of one Stripe account. See `ports.billing.BillingSystem`; the arguments are those of `Stripe`."""

    name = NAME
    provider = PROVIDER
    switch = SWITCH

    def __init__(
        self, client: stripe.StripeClient, webhook_secrets: Sequence[str], live: bool, installation: str
    ) -> None:
        self.live = live
        self._secrets = webhook_secrets
        self._client, self._v1 = client, client.v1
        self._installation = installation

    def time(self, ours: datetime) -> ProviderTime:
        """See ports.billing."""
        return StripeReader(self._client, self.live).time()

    def owns(self, ref: str) -> bool:
        """See ports.billing."""
        return ref.startswith("cus_")

    # -- whose invoices ----------------------------------------------------------------------------------------

    def customers(self) -> Iterator[str]:
        """See ports.billing. Whoever was never billed is none."""
        seen: set[str] = set()
        with answering():
            for invoice in self._v1.invoices.list({"limit": 100}).auto_paging_iter():
                customer = id_of(invoice.to_dict().get("customer"))
                if customer and customer not in seen:
                    seen.add(customer)
                    yield customer

    def changed_since(self, since: datetime, until: datetime) -> BillingChanges:
        """See ports.billing: by Stripe's events, which it keeps for 30 days."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        seen: set[tuple[str, str]] = set()
        with answering():
            wanted = {"created": {"gte": int(since.timestamp())}, "types": [*TYPES], "limit": 100}
            for event in self._v1.events.list(wanted).auto_paging_iter():  # type: ignore[arg-type]
                thing = event.to_dict()
                about = thing["data"]["object"]
                if (about["object"], about["id"]) not in seen:
                    seen.add((about["object"], about["id"]))
                    self._whose(thing, found)
            over = {"gte": int((since - MARGIN).timestamp()), "lte": int(until.timestamp())}
            ended = {"status": "canceled", "current_period_end": over, "limit": 100}
            for one in self._v1.subscriptions.list(ended).auto_paging_iter():  # type: ignore[arg-type]
                found[id_of(one.to_dict()["customer"])] |= set()
        return found

    def changed_in(self, body: bytes, signature: str, now: datetime) -> BillingChanges:
        """See ports.billing."""
        event = in_mode(verified(body, signature, self._secrets, now), self.live)
        found: defaultdict[str, set[str]] = defaultdict(set)
        if event.get("type") in TYPES:
            with answering():
                self._whose(event, found)
        return found

    def _whose(self, event: Thing, found: defaultdict[str, set[str]]) -> None:
        """Add whose invoices an event is about, and which."""
        about: Thing = event["data"]["object"]
        match about.get("object"):
            case "customer":
                found[about["id"]] |= set()
            case "subscription":
                found[id_of(about["customer"])] |= set()
            case "invoice":
                if id_of(about.get("customer")):
                    found[id_of(about["customer"])].add(about["id"])
            case "credit_note":
                found[id_of(about["customer"])].add(id_of(about["invoice"]))
            case "invoice_payment":
                self._of_invoice(id_of(about.get("invoice")), found)
            case "payment_intent" if not attempt_in(about):
                self._of_intent(about["id"], found)
            case "dispute" | "charge" if about.get("payment_intent"):
                self._of_intent(id_of(about["payment_intent"]), found)
            case _:
                return

    def _of_intent(self, intent: str, found: defaultdict[str, set[str]]) -> None:
        wanted = {"payment": {"type": "payment_intent", "payment_intent": intent}, "limit": 100}
        for one in self._v1.invoice_payments.list(wanted).auto_paging_iter():  # type: ignore[arg-type]
            self._of_invoice(id_of(one.to_dict().get("invoice")), found)

    def _of_invoice(self, name: str, found: defaultdict[str, set[str]]) -> None:
        try:
            invoice = self._v1.invoices.retrieve(name).to_dict()
        except stripe.InvalidRequestError as error:
            if error.code != "resource_missing":
                raise
            return
        if id_of(invoice.get("customer")):
            found[id_of(invoice["customer"])].add(name)

    # -- a customer --------------------------------------------------------------------------------------------

    def read(self, customer: str, options: BillingOptions, since: datetime, also: Set[str]) -> BilledCustomer | None:
        """See ports.billing."""
        with answering():
            try:
                who = self._v1.customers.retrieve(customer).to_dict()
            except stripe.InvalidRequestError as error:
                if error.code != "resource_missing":
                    raise
                return None
            listed = self._v1.invoices.list({"customer": customer, "limit": 100})
            known = [in_mode(one.to_dict(), self.live) for one in listed.auto_paging_iter()]
            every = self._v1.subscriptions.list({"customer": customer, "status": "all", "limit": 100})
            used = [one.to_dict() for one in every.auto_paging_iter()]
            with understanding(customer):
                return self._customer(who, known, used, options, since, also)

    def _customer(
        self,
        who: Thing,
        known: Sequence[Thing],
        used: Sequence[Thing],
        options: BillingOptions,
        since: datetime,
        also: Set[str],
    ) -> BilledCustomer:
        finalised = [one for one in known if one.get("number") and one["status"] in _TAKEN]
        wanted = [
            one
            for one in finalised
            if one["status"] == "open" or one["id"] in also or ended_at(one) >= since.timestamp()
        ]
        # Oldest first, as they were issued.
        return BilledCustomer(
            account_of(who, finalised, options, used),
            [self._invoice(one, options) for one in reversed(wanted)],
            subscriptions_of(used, options, self._installation),
        )

    def _invoice(self, invoice: Thing, options: BillingOptions) -> BilledInvoice:
        payments: list[Thing] = []
        if invoice["status"] in ("open", "uncollectible") or invoice.get("amount_paid"):
            expand = [f"data.{name}" for name in _PAYMENT]
            listed = self._v1.invoice_payments.list({"invoice": invoice["id"], "limit": 100, "expand": expand})
            payments = [one.to_dict() for one in listed.auto_paging_iter()]
        lines: Sequence[Thing] = invoice["lines"]["data"]
        if invoice["lines"].get("has_more"):
            every = self._v1.invoices.line_items.list(invoice["id"], {"limit": 100})
            lines = [one.to_dict() for one in every.auto_paging_iter()]
        disputes = {name: self._disputes(name) for name in disputed_intents(payments)}
        return invoice_of(invoice, lines, payments, disputes, options, self._installation)

    def _disputes(self, intent: str) -> list[Thing]:
        listed = self._v1.disputes.list({"payment_intent": intent, "limit": 100})
        return [one.to_dict() for one in listed.auto_paging_iter()]

    # -- what it is asked and told -----------------------------------------------------------------------------

    def stop(self, invoice: str) -> None:
        """See ports.billing. `auto_advance` is all that stops a charge, and asked again it is the same."""
        with answering():
            self._v1.invoices.update(invoice, {"auto_advance": False})

    def report(self, report: PaymentReport) -> None:
        """See ports.billing: a payment record of exactly this sum, attached to the invoice."""
        at = int(report.at.astimezone(UTC).timestamp())
        ours = {"installation": self._installation, "key": report.key}
        with answering():
            record = self._v1.payment_records.report_payment(
                {
                    "amount_requested": {
                        "currency": report.currency.lower(),
                        "value": to_stripe(report.amount_minor, report.currency),
                    },
                    "initiated_at": at,
                    "outcome": "guaranteed",
                    "guaranteed": {"guaranteed_at": at},
                    "payment_method_details": {"type": "custom", "custom": {"display_name": "arrears"}},
                    "processor_details": {"type": "custom", "custom": {"payment_reference": report.reference[:200]}},
                    "metadata": ours,
                },
                {"idempotency_key": f"{report.key}:record"},
            )
            self._v1.invoices.attach_payment(
                report.invoice, {"payment_record": record.id}, {"idempotency_key": f"{report.key}:attach"}
            )

    def give_back(self, returned: PaymentReturn) -> None:
        """See ports.billing: as a refund of the payment record. A record cannot be taken from its invoice (only a
        payment intent can be detached), and an invoice stays paid whatever is refunded."""
        at = int(returned.at.astimezone(UTC).timestamp())
        currency = returned.currency
        with answering():
            self._v1.payment_records.report_refund(
                returned.reported,
                {
                    "amount": {"currency": currency.lower(), "value": to_stripe(returned.amount_minor, currency)},
                    "initiated_at": at,
                    "outcome": "refunded",
                    "refunded": {"refunded_at": at},
                    "processor_details": {"type": "custom", "custom": {"refund_reference": returned.key}},
                },
                {"idempotency_key": returned.key},
            )

    def end(self, subscription: str, key: str) -> None:
        """See ports.billing: with the end of the period that was billed (docs.stripe.com/billing/subscriptions/cancel).
        An end at once could never be taken back."""
        noted = {END_MARK: f"{self._installation}/{key}"}
        with answering():
            self._v1.subscriptions.update(subscription, {"cancel_at_period_end": True, "metadata": noted})

    def go_on(self, subscription: str) -> None:
        """See ports.billing. An empty value takes a key of the metadata away."""
        with answering():
            self._v1.subscriptions.update(subscription, {"cancel_at_period_end": False, "metadata": {END_MARK: ""}})

    def pause(self, subscription: str, key: str) -> None:
        """See ports.billing: what would be billed meanwhile is void (docs.stripe.com/billing/subscriptions/
        pause-payment)."""
        noted = {PAUSE_MARK: f"{self._installation}/{key}"}
        with answering():
            self._v1.subscriptions.update(subscription, {"pause_collection": {"behavior": "void"}, "metadata": noted})

    def bill_again(self, subscription: str) -> None:
        """See ports.billing."""
        with answering():
            self._v1.subscriptions.update(subscription, {"pause_collection": "", "metadata": {PAUSE_MARK: ""}})

    def void(self, invoice: str) -> None:
        """See ports.billing."""
        with answering():
            self._v1.invoices.void_invoice(invoice)

    def credit(self, credit: CreditReport) -> None:
        """See ports.billing: a credit note, of an open invoice always of what is not paid (docs.stripe.com/invoicing/
        integration/programmatic-credit-notes)."""
        amount = to_stripe(credit.amount_minor, credit.currency)
        ours = {"installation": self._installation, "key": credit.key}
        with answering():
            self._v1.credit_notes.create(
                {"invoice": credit.invoice, "amount": amount, "metadata": ours}, {"idempotency_key": credit.key}
            )

    def give_up(self, invoice: str) -> None:
        """See ports.billing."""
        with answering():
            self._v1.invoices.mark_uncollectible(invoice)


_TAKEN: Final = ("open", "paid", "uncollectible", "void")


@contextmanager
def understanding(what: str) -> Iterator[None]:
    """What is not shaped as Stripe documents it is refused as one thing, `unreadable_object`, and stops no other."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        why = f"{what} at Stripe cannot be read ({type(error).__name__} {error})"
        raise Refused("unreadable_object", why[:300]) from error
