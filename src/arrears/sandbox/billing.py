"""The sandbox's billing: subscriptions that are billed, invoices that Stripe charges and tries again, and what people
do about them.

What it does is written from Stripe's documentation: docs.stripe.com/invoicing/overview (states),
/invoicing/integration/automatic-advancement-collection (an hour as a draft, then the first charge),
/billing/customer/balance (credit, and sums below the least charge), /invoicing/partial-payments and
/api/invoices/attach_payment (several payments), /billing/revenue-recovery/smart-retries (tries again),
/api/payment-record (payments made elsewhere). Where it says nothing this is unkind.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from arrears.adapters.payments.stripe.amounts import amount_limits, to_stripe
from arrears.sandbox.accounts import DAY_SECONDS
from arrears.sandbox.billing_objects import (
    SandboxCreditNote,
    SandboxInvoice,
    SandboxInvoicePayment,
    SandboxLine,
    SandboxPaymentRecord,
    SandboxSubscription,
)
from arrears.sandbox.objects import Intent, SandboxMethod, WireError, bad_request

if TYPE_CHECKING:
    from arrears.sandbox.book import SandboxBook

DRAFT_SECONDS: Final = 3600
"""How long an invoice stays a draft before it is finalised and charged."""
PAYABLE: Final = ("open", "uncollectible")


class SandboxBilling:
    """The billing of one account of the provider. `retry_days` and `after_retries` are settings of its dashboard, which
    no request reads: after how many days each failed charge is tried again, and what then becomes of the subscription
    (`past_due`, `canceled`, `unpaid`). `balances` is what each customer owes from before (credit is below zero)."""

    def __init__(self, book: SandboxBook) -> None:
        self._book = book
        self.subscriptions: dict[str, SandboxSubscription] = {}
        self.invoices: dict[str, SandboxInvoice] = {}
        self.payments: dict[str, SandboxInvoicePayment] = {}
        self.records: dict[str, SandboxPaymentRecord] = {}
        self.notes: dict[str, SandboxCreditNote] = {}
        self.balances: dict[str, int] = {}
        self.defaults: dict[str, str] = {}
        """The payment method that each customer's invoices are charged with."""
        self.retry_days: tuple[int, ...] = (3, 5, 7)
        self.after_retries = "past_due"
        self._numbered: dict[str, int] = {}

    # -- what is billed ----------------------------------------------------------------------------------------

    def subscribe(
        self, customer: str, product: str, amount: int, currency: str, days: int = 30, collection: str = ""
    ) -> SandboxSubscription:
        """A subscription whose first period is billed now."""
        book = self._book
        made = SandboxSubscription(book.new_id("sub"), book.clock, customer, product, currency, amount, days)
        made.collection = collection or made.collection
        self.subscriptions[made.id] = made
        book.add_event("customer.subscription.created", made.id, "subscription")
        self.bill(made)
        return made

    def bill(self, sub: SandboxSubscription, at: int | None = None) -> None:
        """Bill a period, and the next when it begins."""
        now = self._book.clock if at is None else at
        sub.period_end = now + sub.days * DAY_SECONDS
        use = (sub.product, sub.id, now, sub.period_end)
        line = SandboxLine(self._book.new_id("il"), sub.amount, "1 x subscription", *use)
        made = self.draft(sub.customer, sub.currency, [line], sub.collection, subscription=sub.id, at=now)
        made.paused = bool(sub.paused)
        self._book.due(sub.period_end, "bill", sub.id)

    def draft(
        self,
        customer: str,
        currency: str,
        lines: Sequence[SandboxLine],
        collection: str,
        *,
        subscription: str = "",
        at: int | None = None,
    ) -> SandboxInvoice:
        """An invoice that is finalised, and charged, in an hour."""
        now = self._book.clock if at is None else at
        made = SandboxInvoice(self._book.new_id("in"), now, customer, currency, [*lines], collection)
        made.subscription = subscription
        self.invoices[made.id] = made
        self._event("created", made, now)
        self._book.due(now + DRAFT_SECONDS, "finalize", made.id)
        return made

    def cancel(self, sub: SandboxSubscription, because: str | None, at: int | None = None) -> None:
        """End a subscription; its invoices stay as they are."""
        sub.status, sub.ended_because = "canceled", because
        sub.ended_at = self._book.clock if at is None else at
        self._book.add_event("customer.subscription.deleted", sub.id, "subscription", at)

    def end(self, sub: SandboxSubscription, *, at_period_end: bool) -> None:
        """Whether it ends with the period that was billed."""
        if sub.status == "canceled":
            raise bad_request("A canceled subscription can only update its cancellation_details and metadata.")
        sub.at_period_end = at_period_end
        sub.ended_because = "cancellation_requested" if at_period_end else None
        self._book.add_event("customer.subscription.updated", sub.id, "subscription")

    # -- what time brings --------------------------------------------------------------------------------------

    def fall_due(self, what: str, name: str, at: int) -> None:
        """Do what the agenda says."""
        match what:
            case "bill" if self.subscriptions[name].at_period_end and self.subscriptions[name].ended_at is None:
                self.cancel(self.subscriptions[name], "cancellation_requested", at)
            case "bill" if self.subscriptions[name].status != "canceled":
                self.bill(self.subscriptions[name], at)
            case "finalize" if self.invoices[name].status == "draft":
                self.finalize(self.invoices[name], at)
            case "retry":
                invoice = self.invoices[name]
                if invoice.status == "open" and invoice.auto_advance and invoice.next_attempt == at:
                    self.attempt(invoice, at)
            case _:
                return

    def finalize(self, invoice: SandboxInvoice, at: int) -> None:
        """It has a number and is asked for; what the customer has or owes from before goes into it first."""
        count = self._numbered[invoice.customer] = self._numbered.get(invoice.customer, 0) + 1
        invoice.number = f"{invoice.customer[-8:].upper()}-{count:04d}"
        if invoice.paused:
            invoice.status, invoice.at["voided_at"] = "void", at
            self._event("voided", invoice, at)
            return
        invoice.starting_balance = self.balances.get(invoice.customer, 0)
        invoice.status, invoice.at["finalized_at"] = "open", at
        asked = invoice.total + invoice.starting_balance
        invoice.ending_balance = min(0, asked)
        limits = amount_limits()[invoice.currency.upper()]
        if 0 < asked < to_stripe(limits.minimum_minor, invoice.currency.upper()):
            invoice.ending_balance, asked = asked, 0
        self.balances[invoice.customer] = invoice.ending_balance
        invoice.amount_due = max(0, asked)
        self._event("finalized", invoice, at)
        if not invoice.amount_due:
            self._paid(invoice, at)
            return
        self._default_payment(invoice, at)
        if invoice.collection == "send_invoice":
            invoice.due_date = at + invoice.days_until_due * DAY_SECONDS
        elif invoice.auto_advance:
            self.attempt(invoice, at)

    def attempt(self, invoice: SandboxInvoice, at: int) -> None:
        """Stripe charges what is left, and plans the next try where the bank says no."""
        invoice.attempt_count += 1
        invoice.next_attempt = None
        payment = self.payments[invoice.default or ""]
        intent = self._book.intents[payment.intent or ""]
        if intent.status in ("processing", "requires_action"):
            return
        intent.method = self.method_of(invoice)
        if intent.method is None:
            self.declined(invoice, at)
            return
        intent.off_session = True
        with suppress(WireError):  # its failure is heard where it comes about
            self._book.confirm(intent)

    def method_of(self, invoice: SandboxInvoice) -> str | None:
        """What an invoice is charged with: the subscription's own method, else the customer's, while it is there."""
        sub = self.subscriptions.get(invoice.subscription)
        name = (sub.method if sub is not None else None) or self.defaults.get(invoice.customer)
        found: SandboxMethod | None = self._book.methods.get(name or "")
        return name if found is not None and found.customer == invoice.customer else None

    def declined(self, invoice: SandboxInvoice, at: int) -> None:
        """A charge of Stripe's failed. While it advances by itself the next is planned, as the dashboard has it."""
        tried = invoice.attempt_count
        if invoice.auto_advance and tried <= len(self.retry_days) and invoice.collection == "charge_automatically":
            invoice.next_attempt = at + self.retry_days[tried - 1] * DAY_SECONDS
            self._book.due(invoice.next_attempt, "retry", invoice.id)
        sub = self.subscriptions.get(invoice.subscription)
        if sub is not None and sub.status != "canceled":
            over = invoice.auto_advance and invoice.next_attempt is None
            sub.status = self.after_retries if over else "past_due"
            if sub.status == "canceled":
                self.cancel(sub, "payment_failed", at)
            else:
                self._book.add_event("customer.subscription.updated", sub.id, "subscription", at)
        self._event("payment_failed", invoice, at)

    # -- payments ----------------------------------------------------------------------------------------------

    def _default_payment(self, invoice: SandboxInvoice, at: int) -> None:
        intent = Intent(self._book.new_id("pi"), invoice.remaining, invoice.currency, at, {}, invoice.customer)
        self._book.intents[intent.id] = intent
        payment = self.add_payment(invoice, invoice.remaining, intent=intent.id, at=at)
        payment.is_default, invoice.default = True, payment.id

    def add_payment(
        self, invoice: SandboxInvoice, asked: int, *, intent: str | None = None, record: str | None = None, at: int
    ) -> SandboxInvoicePayment:
        """A payment among those of an invoice."""
        made = SandboxInvoicePayment(self._book.new_id("inpay"), at, invoice.id, asked, intent, record)
        self.payments[made.id] = made
        return made

    def of_invoice(self, invoice: SandboxInvoice) -> list[SandboxInvoicePayment]:
        """Its payments in the order in which they were made."""
        return [one for one in self.payments.values() if one.invoice == invoice.id]

    def heard(self, intent: Intent, at: int) -> None:
        """The bank has answered about a payment intent: its invoice is paid, or Stripe's charge of it has failed."""
        for payment in [one for one in self.payments.values() if one.intent == intent.id and one.status == "open"]:
            invoice = self.invoices[payment.invoice]
            if intent.status == "succeeded":
                self.credit(invoice, payment, intent.taken, at)
            elif payment.is_default and invoice.status in PAYABLE and intent.off_session:
                self.declined(invoice, at)
            elif invoice.status in PAYABLE:
                self._event("payment_failed", invoice, at)

    def credit(self, invoice: SandboxInvoice, payment: SandboxInvoicePayment, amount: int, at: int) -> None:
        """Money has come for an invoice; what is more than is left of it is credit of the customer."""
        taken = min(amount, invoice.remaining)
        over = amount - taken
        payment.status, payment.paid, payment.at["paid_at"] = "paid", taken, at
        invoice.amount_paid += taken
        invoice.off_stripe += taken if payment.record else 0
        if over:
            invoice.overpaid += over
            self.balances[invoice.customer] = self.balances.get(invoice.customer, 0) - over
            self._event("overpaid", invoice, at)
        self._book.add_event("invoice_payment.paid", payment.id, "invoice_payment", at)
        self._settled(invoice, at)

    def attach(self, invoice: SandboxInvoice, intent: Intent | None, record: SandboxPaymentRecord | None) -> None:
        """Add a payment that was made, or is being made, to an invoice."""
        at = self._book.clock
        if invoice.status not in PAYABLE:
            raise bad_request(f"Payments can only be attached to open invoices; this one is {invoice.status}.")
        thing = intent or record
        if thing is None:
            raise bad_request("You must provide one of payment_intent or payment_record.", "parameter_missing")
        if thing.currency != invoice.currency:
            raise bad_request("The payment's currency does not match that of the invoice.", param="payment_record")
        if any(thing.id in (one.intent, one.record) and one.status != "canceled" for one in self.payments.values()):
            raise bad_request(f"{thing.id} is already attached to an invoice.")
        if intent is not None and intent.customer != invoice.customer:
            raise bad_request("The PaymentIntent's customer does not match that of the invoice.")
        asked = min(thing.amount, invoice.remaining)
        made = self.add_payment(invoice, asked, at=at)
        made.intent, made.record = intent.id if intent else None, record.id if record else None
        if record is not None and record.guaranteed:
            self.credit(invoice, made, record.amount, at)
        elif intent is not None and intent.status == "succeeded":
            self.credit(invoice, made, intent.taken, at)

    def out_of_band(self, invoice: SandboxInvoice) -> None:
        """A person says that the rest was paid elsewhere."""
        if invoice.status not in PAYABLE:
            raise bad_request("Invoice is already paid" if invoice.status == "paid" else "This invoice is not open.")
        invoice.off_stripe += invoice.remaining
        invoice.amount_paid += invoice.remaining
        self._settled(invoice, self._book.clock)

    def detach(self, payment: SandboxInvoicePayment) -> None:
        """A payment is taken from its invoice, which is open again for as much (docs.stripe.com/changelog/clover/
        2026-01-28/detach-payment-from-invoice)."""
        at = self._book.clock
        invoice = self.invoices[payment.invoice]
        if payment.status != "paid":
            raise bad_request("Only paid payments can be detached.")
        invoice.amount_paid -= payment.paid or 0
        invoice.off_stripe -= (payment.paid or 0) if payment.record else 0
        payment.status, payment.at["canceled_at"] = "canceled", at
        if invoice.remaining and invoice.status == "paid":
            invoice.status, invoice.auto_advance = "open", False
            invoice.at.pop("paid_at", None)
            self._default_payment(invoice, at)
        self._book.add_event("invoice_payment.detached", payment.id, "invoice_payment", at)
        self._event("updated", invoice, at)

    def pay_on_page(self, invoice: SandboxInvoice, method: str, amount: int | None = None) -> Intent:
        """The customer pays on the hosted page with this method, all or, where it is asked for, a part."""
        at = self._book.clock
        if invoice.status not in PAYABLE:
            raise bad_request(f"This invoice is {invoice.status}; there is nothing to pay.")
        if amount is None:
            intent = self._book.intents[self.payments[invoice.default or ""].intent or ""]
            if intent.status in ("processing", "succeeded"):
                raise bad_request("A payment of this invoice is under way.")
        else:
            intent = Intent(self._book.new_id("pi"), amount, invoice.currency, at, {}, invoice.customer)
            self._book.intents[intent.id] = intent
            self.add_payment(invoice, amount, intent=intent.id, at=at)
        intent.method, intent.off_session = method, False
        with suppress(WireError):  # the page says so, and the payer may try again
            self._book.confirm(intent)
        return intent

    # -- what people do about invoices -------------------------------------------------------------------------

    def advance(self, invoice: SandboxInvoice, *, on: bool) -> None:
        """Whether Stripe goes on by itself. Switched on again, it plans a try for tomorrow."""
        at = self._book.clock
        if invoice.status not in ("draft", "open"):
            raise bad_request("Automatic collection can only be changed on draft and open invoices.")
        invoice.auto_advance = on
        invoice.next_attempt = None
        if on and invoice.status == "open" and invoice.collection == "charge_automatically":
            invoice.next_attempt = at + DAY_SECONDS
            self._book.due(invoice.next_attempt, "retry", invoice.id)
        self._event("updated", invoice, at)

    def note(self, invoice: SandboxInvoice, amount: int) -> SandboxCreditNote:
        """A credit note: first less is asked, and what is more than that is credit of the customer."""
        at = self._book.clock
        if invoice.status not in (*PAYABLE, "paid"):
            raise bad_request("Credit notes can only be created for finalized invoices.")
        before = min(amount, invoice.remaining)
        after = amount - before
        if after > invoice.amount_paid - invoice.credited_after:
            raise bad_request("The credit note amount exceeds what was paid.", "invalid_request_error")
        book = self._book
        number = f"{invoice.number}-CN-{sum(one.invoice == invoice.id for one in self.notes.values()) + 1:02d}"
        made = SandboxCreditNote(
            book.new_id("cn"), at, invoice.id, invoice.customer, invoice.currency, before, after, number
        )
        self.notes[made.id] = made
        invoice.amount_due -= before
        invoice.credited_before += before
        invoice.credited_after += after
        self.balances[invoice.customer] = self.balances.get(invoice.customer, 0) - after
        book.add_event("credit_note.created", made.id, "credit_note", at)
        self._event("updated", invoice, at)
        self._settled(invoice, at)
        return made

    def void(self, invoice: SandboxInvoice) -> None:
        """Nothing is asked any more; what the customer had or owed from before is theirs again."""
        if invoice.status not in PAYABLE:
            raise bad_request(f"You can only void invoices that are open; this one is {invoice.status}.")
        if invoice.amount_paid:
            raise bad_request("You cannot void an invoice that has been paid in part.")
        self._end(invoice)
        balance = self.balances.get(invoice.customer, 0)
        self.balances[invoice.customer] = balance + invoice.starting_balance - (invoice.ending_balance or 0)
        invoice.status, invoice.at["voided_at"] = "void", self._book.clock
        self._event("voided", invoice, self._book.clock)

    def give_up(self, invoice: SandboxInvoice) -> None:
        """It will not be paid; it still can be."""
        if invoice.status != "open":
            raise bad_request(f"Only open invoices can be marked uncollectible; this one is {invoice.status}.")
        invoice.status, invoice.at["marked_uncollectible_at"] = "uncollectible", self._book.clock
        invoice.auto_advance, invoice.next_attempt = False, None
        self._event("marked_uncollectible", invoice, self._book.clock)

    # -- ends --------------------------------------------------------------------------------------------------

    def _settled(self, invoice: SandboxInvoice, at: int) -> None:
        if invoice.remaining == 0 and invoice.status in PAYABLE:
            self._end(invoice)
            self._paid(invoice, at)
        elif invoice.status in PAYABLE and invoice.default is not None:
            payment = self.payments[invoice.default]
            intent = self._book.intents[payment.intent or ""]
            if payment.status == "open" and intent.status not in ("processing", "succeeded"):
                payment.asked = intent.amount = invoice.remaining

    def _paid(self, invoice: SandboxInvoice, at: int) -> None:
        invoice.status, invoice.at["paid_at"] = "paid", at
        invoice.auto_advance, invoice.next_attempt = False, None
        sub = self.subscriptions.get(invoice.subscription)
        late = any(
            one.status == "open" and one.attempt_count and one.subscription == invoice.subscription
            for one in self.invoices.values()
        )
        if sub is not None and sub.status in ("past_due", "unpaid") and not late:
            sub.status = "active"
            self._book.add_event("customer.subscription.updated", sub.id, "subscription", at)
        self._event("paid", invoice, at)

    def _end(self, invoice: SandboxInvoice) -> None:
        """The payment that Stripe made for it asks for nothing more; a debit that is under way comes all the same."""
        for payment in self.of_invoice(invoice):
            intent = self._book.intents.get(payment.intent or "")
            if payment.status == "open" and intent is not None and intent.status not in ("processing", "succeeded"):
                payment.status, payment.at["canceled_at"] = "canceled", self._book.clock
                intent.status = "canceled"

    def _event(self, what: str, invoice: SandboxInvoice, at: int) -> None:
        self._book.add_event(f"invoice.{what}", invoice.id, "invoice", at)
