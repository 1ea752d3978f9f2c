"""The objects of the sandbox's billing: plain values that change only through `billing.SandboxBilling`.

Their fields and states are Stripe's, as its OpenAPI document has them at the version that `wire.API_VERSION` names
(github.com/stripe/openapi; the SDK's docstrings are made from it). Times are seconds of sandbox time; amounts are in
Stripe's units.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class SandboxSubscription:
    """A customer's use of a product, billed each `days`; what it was billed for is over at `period_end`.
    `ended_because` is Stripe's reason of a cancellation, `paused` what becomes of its invoices meanwhile."""

    id: str
    created: int
    customer: str
    product: str
    currency: str
    amount: int
    days: int
    collection: str = "charge_automatically"
    method: str | None = None
    status: str = "active"
    ended_because: str | None = None
    ended_at: int | None = None
    period_end: int = 0
    at_period_end: bool = False
    paused: str = ""
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass
class SandboxLine:
    """One line of an invoice, for the time from `start` to `end`; `product` is empty for an item without one."""

    id: str
    amount: int
    description: str
    product: str = ""
    subscription: str = ""
    start: int = 0
    end: int = 0


@dataclass
class SandboxInvoice:
    """Money asked. `amount_due` is what is asked in money: the total, less credit of the customer and credit notes from
    before it was paid, with what the customer owed from before. `default` is the payment that Stripe made for it."""

    id: str
    created: int
    customer: str
    currency: str
    lines: list[SandboxLine]
    collection: str = "charge_automatically"
    auto_advance: bool = True
    subscription: str = ""
    paused: bool = False
    days_until_due: int = 30
    number: str | None = None
    status: str = "draft"
    starting_balance: int = 0
    ending_balance: int | None = None
    amount_due: int = 0
    amount_paid: int = 0
    off_stripe: int = 0
    overpaid: int = 0
    credited_before: int = 0
    credited_after: int = 0
    attempt_count: int = 0
    next_attempt: int | None = None
    due_date: int | None = None
    default: str | None = None
    at: dict[str, int] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """What its lines come to."""
        return sum(line.amount for line in self.lines)

    @property
    def remaining(self) -> int:
        """What is left to pay."""
        return max(0, self.amount_due - self.amount_paid)


@dataclass
class SandboxInvoicePayment:
    """What one payment is for one invoice: `open`, `paid` or `canceled`. It is of a payment intent or of a record."""

    id: str
    created: int
    invoice: str
    asked: int
    intent: str | None = None
    record: str | None = None
    is_default: bool = False
    status: str = "open"
    paid: int | None = None
    at: dict[str, int] = field(default_factory=dict)


@dataclass
class SandboxPaymentRecord:
    """A payment made elsewhere, as it was reported: `reference` is the reporter's own name of it, `refunds` what was
    reported as given back, each by its own reference."""

    id: str
    created: int
    currency: str
    amount: int
    guaranteed: bool
    reference: str
    metadata: dict[str, str]
    refunds: dict[str, int] = field(default_factory=dict)

    @property
    def refunded(self) -> int:
        """What was given back."""
        return sum(self.refunds.values())


@dataclass
class SandboxCreditNote:
    """So much less is asked of an invoice, or so much of what was paid is credited to its customer."""

    id: str
    created: int
    invoice: str
    customer: str
    currency: str
    before: int
    after: int
    number: str
