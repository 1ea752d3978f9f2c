"""What each operation answers, for the document that generators and people read.

The routes build their answers by hand; these shapes say what may be relied on, by the name of the operation
(`web/api/document.py`). A test calls every operation on a live server and holds each answer against its shape. Fields
may be added later, so a client must not refuse those that it does not know.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

LocalDay = str
"""ISO 8601, a local day of the account."""
UtcInstant = str
"""ISO 8601, with its offset."""


class Money(TypedDict):
    """A sum in whole minor units of its currency."""

    amount_minor: int
    currency: str


class WrongFieldSaid(TypedDict):
    """What is wrong with one field: its path, a stable code, and in words."""

    field: str
    code: str
    what: str


# -- accounts, invoices, subscriptions ------------------------------------------------------------------------------


class SubscriptionInShort(TypedDict):
    """A subscription of an account."""

    subscription: str
    service: str
    state: str
    reasons: list[str]


class MethodNamed(TypedDict):
    """A payment method by its provider's names."""

    provider: str
    customer: str
    method: str


class AccountSaid(TypedDict):
    """An account as it is here."""

    ref: str
    account: str
    name: str
    country: str
    zone: str
    locale: str
    payment_mode: str
    policy: str
    email: str | None
    billing_address: list[str]
    tax_number: str | None
    warn_too: list[str]
    payment_method: MethodNamed | None
    subscriptions: list[SubscriptionInShort]


class SentAccountSaid(AccountSaid):
    """What came of an account that was sent, and the account as it is here."""

    result: str
    changed: list[str]


class LineSaid(TypedDict):
    """A line of an invoice; its sum is without tax, below zero where it is taken off."""

    text: str
    net: Money
    tax_rate: str
    tax_category: str
    quantity: str
    unit: str


class TaxSaid(TypedDict):
    """The tax of one rate."""

    rate: str
    net: Money
    tax: Money
    category: str
    reason: str


class InvoiceSaid(TypedDict):
    """An invoice as it is here."""

    number: str
    invoice: str
    account: str
    services: list[str]
    issued_on: LocalDay
    due_on: LocalDay
    total: Money
    open: Money
    past_due_since: LocalDay | None
    held: bool
    disputed: bool
    standing: str
    lines: list[LineSaid]
    tax: list[TaxSaid]
    document_url: str | None


class SentInvoiceSaid(TypedDict):
    """What came of an invoice that was sent, and the invoice as it is here: of one that asks for nothing
    (`nothing_asked`) there is none."""

    result: str
    changed: list[str]
    number: NotRequired[str]
    invoice: NotRequired[str]
    account: NotRequired[str]
    services: NotRequired[list[str]]
    issued_on: NotRequired[LocalDay]
    due_on: NotRequired[LocalDay]
    total: NotRequired[Money]
    open: NotRequired[Money]
    past_due_since: NotRequired[LocalDay | None]
    held: NotRequired[bool]
    disputed: NotRequired[bool]
    standing: NotRequired[str]
    lines: NotRequired[list[LineSaid]]
    tax: NotRequired[list[TaxSaid]]
    document_url: NotRequired[str | None]


class CreditSaid(InvoiceSaid):
    """An invoice of which less is asked, and the number of the credit note."""

    credit: str


class DisputeSaid(InvoiceSaid):
    """An invoice about which nothing happens, and the hold that keeps it so."""

    hold: str


class InvoicesSaid(TypedDict):
    """Invoices as they are here."""

    invoices: list[InvoiceSaid]


class PaymentSaid(InvoicesSaid):
    """A payment that was booked, and the invoices that it names."""

    ref: str


class TakenBackSaid(TypedDict):
    """A payment that was taken back, and which other parts of the same transfer are booked still."""

    ref: str
    taken_back: Money
    other_parts: list[str]


class RowSaid(TypedDict):
    """What came of one row; of a refused one why."""

    row: int
    kind: str
    ref: NotRequired[str]
    number: NotRequired[str]
    result: str
    changed: NotRequired[list[str]]
    code: NotRequired[str]
    fields: NotRequired[list[WrongFieldSaid]]


class RowsSaid(TypedDict):
    """What came of each row, in order."""

    taken: int
    refused: int
    rows: list[RowSaid]


class SubscriptionSaid(SubscriptionInShort):
    """How a subscription stands, with the days that its customer was told, and why none lies ahead."""

    restricted_on: LocalDay | None
    stops_on: LocalDay | None
    deleted_on: LocalDay | None
    nothing_follows: dict[str, Any] | None


class CalledSubscriptionSaid(SubscriptionSaid):
    """The same with what the operator's systems call it, null where they have not said."""

    subscription_ref: str | None


class SentSubscriptionSaid(CalledSubscriptionSaid):
    """What came of a subscription that was sent, and how it stands."""

    result: str


class ListedSubscriptionSaid(TypedDict):
    """A subscription in a list, with its account."""

    subscription: str
    account: str
    ref: str
    subscription_ref: str | None
    service: str
    state: str
    reasons: list[str]
    restricted_on: LocalDay | None
    stops_on: LocalDay | None
    deleted_on: LocalDay | None


class ListedInvoiceSaid(TypedDict):
    """An invoice in a list, with its account."""

    invoice: str
    number: str
    account: str
    ref: str
    issued_on: LocalDay
    due_on: LocalDay
    total: Money
    open: Money
    past_due_since: LocalDay | None


class CaseSaid(TypedDict):
    """A past-due episode; its days are days of its zone. `explanation` where one case is asked for that is open."""

    case: str
    account: str
    ref: str
    opened_on: LocalDay
    policy: str
    zone: str
    outcome: str | None
    ended_at: UtcInstant | None
    explanation: NotRequired[dict[str, Any] | None]


class TaskSaid(TypedDict):
    """Something that waits for a person."""

    task: int
    account: str | None
    ref: str
    seq: int
    kind: str
    what: str
    since: UtcInstant
    times: int
    reply: str


class AccountPage(TypedDict):
    """Accounts, and what `after` is for the next page."""

    accounts: list[AccountSaid]
    next_after: str | None


class SubscriptionPage(TypedDict):
    """Subscriptions, and what `after` is for the next page."""

    subscriptions: list[ListedSubscriptionSaid]
    next_after: str | None


class InvoicePage(TypedDict):
    """Invoices, and what `after` is for the next page."""

    invoices: list[ListedInvoiceSaid]
    next_after: str | None


class CasePage(TypedDict):
    """Cases, and what `after` is for the next page."""

    cases: list[CaseSaid]
    next_after: str | None


class TaskPage(TypedDict):
    """Tasks, and what `after` is for the next page."""

    tasks: list[TaskSaid]
    next_after: int | None


class TaskClosedSaid(TypedDict):
    """A task that was closed."""

    task: int
    closed: bool


# -- why, and what is ahead -----------------------------------------------------------------------------------------


class AheadOne(TypedDict):
    """One thing that lies ahead; `at` is null for the next look, and for what waits for a doubt to be over."""

    at: UtcInstant | None
    kind: str
    subscription: str | None
    action: str | None
    on: LocalDay | None


class AheadSaid(TypedDict):
    """What becomes of an account if nothing changes and nobody pays, in order."""

    account: str
    ahead: list[AheadOne]


class Explained(TypedDict):
    """Why an account is in its state, what comes next, and what makes it wait (docs/json.md)."""

    account: str
    zone: str
    policy: str
    case: dict[str, Any] | None
    owed: list[dict[str, Any]]
    carried: list[dict[str, Any]]
    subscriptions: list[SubscriptionSaid]
    unreachable: dict[str, Any] | None
    held_back: list[dict[str, Any]]
    waits_for: list[dict[str, Any]]
    holds: list[dict[str, Any]]
    next: list[AheadOne]
    last_change: dict[str, Any] | None
    because: list[dict[str, Any]]
    method_not_added: str


class TimelinePage(TypedDict):
    """Facts in order, each with its own fields beside `seq`, `at`, `author`, `why` and `kind`; and what `after` is for
    the next page."""

    facts: list[dict[str, Any]]
    next_after: int | None


class PolicyInShort(TypedDict):
    """A policy in force, and how many accounts follow it."""

    name: str
    version: str
    accounts: int


class PoliciesSaid(TypedDict):
    """The policies in force."""

    policies: list[PolicyInShort]


class PolicySaid(TypedDict):
    """One policy, each key with its value."""

    policy: dict[str, Any]
    version: str


class HoldSaid(TypedDict):
    """A hold that was made."""

    hold: str
    scope: str
    until: LocalDay


class HoldReleased(TypedDict):
    """A hold that has ended."""

    hold: str
    released: bool
