"""What is sent to the API and what it answers. Generated: see generate.py."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

State = Literal["active", "past_due", "restricted", "disabled", "deleted"]
"""Where a subscription stands, from running to gone. `deleted` is final."""


class AccountBody(TypedDict):
    """An account as its operator's system has it. `warn_too` are further addresses that are warned; an address that
    is not sent stays. `billing_address` has a line of text each, and is taken away by none, as `tax_number` by
    an empty one. `payment_method` is what pays for what nothing that the customer chose here pays for."""

    name: str
    country: str
    zone: str
    locale: str
    payment_mode: Literal["card", "invoice"]
    email: NotRequired[str | None]
    policy: NotRequired[str | None]
    billing_address: NotRequired[list[str] | None]
    tax_number: NotRequired[str | None]
    warn_too: NotRequired[list[str]]
    payment_method: NotRequired[MethodName | None]


class AccountPage(TypedDict):
    """Accounts, and what `after` is for the next page."""

    accounts: list[AccountSaid]
    next_after: str | None


class AccountSaid(TypedDict):
    """An account as it is here."""

    account: str
    billing_address: list[str]
    country: str
    email: str | None
    locale: str
    name: str
    payment_method: MethodNamed | None
    payment_mode: str
    policy: str
    ref: str
    subscriptions: list[SubscriptionInShort]
    tax_number: str | None
    warn_too: list[str]
    zone: str


class Activate(TypedDict):
    """The subscriptions that this method pays for from now on; all where none is named."""

    subscriptions: NotRequired[list[str]]
    person: NotRequired[str | None]


class Address(TypedDict):
    """A person's new contact address."""

    person: str
    address: str


class AddressLink(TypedDict):
    """Where a link was sent, and how long it is good."""

    sent_to: str
    valid_days: int


class AheadOne(TypedDict):
    """One thing that lies ahead; `at` is null for the next look, and for what waits for a doubt to be over."""

    action: str | None
    at: str | None
    kind: str
    on: str | None
    subscription: str | None


class AheadSaid(TypedDict):
    """What becomes of an account if nothing changes and nobody pays, in order."""

    account: str
    ahead: list[AheadOne]


class AlertSaid(TypedDict):
    """What stands in the account centre."""

    cause: str
    invoices: list[str]
    level: str
    on: str | None
    service: str | None
    settle_url: str
    since: str | None
    sums: list[AlertSum]
    text: str
    title: str
    urgent: bool


class AlertSum(TypedDict):
    """A sum of an alert, as a number and in words."""

    amount: str
    amount_minor: int
    currency: str


class AlertsSaid(TypedDict):
    """What stands, the most urgent first."""

    account: str
    alerts: list[AlertSaid]
    language: str


class Amount(TypedDict):
    """Money: whole minor units (cents) of its currency."""

    amount_minor: int
    currency: str


class AttemptSaid(TypedDict):
    """One request to a payment provider; `confirm_at` is where the customer confirms it."""

    amount_minor: int
    attempt: int
    by: str
    confirm_at: NotRequired[str]
    created_at: str
    currency: str
    decline: NotRequired[DeclineSaid]
    method: int | None
    state: str


class AttemptsSaid(TypedDict):
    """The book of attempts."""

    attempts: list[AttemptSaid]


class BankEntrySaid(TypedDict):
    """An entry of a statement, by the statement's place in the file: credits are positive, debits negative."""

    amount_minor: int
    bank_reference: str
    code: str
    counterparty: str
    currency: str
    date: str | None
    iban: str
    references: list[str]
    reversal: bool
    statement: int
    text: str
    transactions: list[TransferSaid]
    unclear: str
    value_date: str | None


class BankStatementSaid(TypedDict):
    """A statement, or an early notice, of one bank account."""

    account: str
    closing_minor: int | None
    closing_on: str | None
    currency: str
    id: str
    kind: str
    left_out: int
    number: int
    opening_minor: int | None
    opening_on: str | None


class BannerToken(TypedDict):
    """A token for the banner of one account."""

    expires_at: str
    token: str


class CalledSubscriptionSaid(TypedDict):
    """The same with what the operator's systems call it, null where they have not said."""

    deleted_on: str | None
    nothing_follows: dict[str, Any] | None
    reasons: list[str]
    restricted_on: str | None
    service: str
    state: str
    stops_on: str | None
    subscription: str
    subscription_ref: str | None


class CasePage(TypedDict):
    """Cases, and what `after` is for the next page."""

    cases: list[CaseSaid]
    next_after: str | None


class CaseSaid(TypedDict):
    """A past-due episode; its days are days of its zone. `explanation` where one case is asked for that is open."""

    account: str
    case: str
    ended_at: str | None
    explanation: NotRequired[dict[str, Any] | None]
    opened_on: str
    outcome: str | None
    policy: str
    ref: str
    zone: str


class CreditBody(TypedDict):
    """A credit note: so much less is asked of an invoice. `number` is its own, so that it is taken once."""

    invoice: str
    why: str
    number: str
    amount: MoreThanNothing


class CreditSaid(TypedDict):
    """An invoice of which less is asked, and the number of the credit note."""

    account: str
    credit: str
    disputed: bool
    document_url: str | None
    due_on: str
    held: bool
    invoice: str
    issued_on: str
    lines: list[LineSaid]
    number: str
    open: Money
    past_due_since: str | None
    services: list[str]
    standing: str
    tax: list[TaxSaid]
    total: Money


class DeclineBody(TypedDict):
    """The charge of these invoices, all of one account, was definitively declined."""

    invoices: list[str]


class DeclineSaid(TypedDict):
    """Why a charge was declined, and what to do about it."""

    ask_the_bank: list[str]
    code: str
    fix: str
    text: str


class DeliveriesSaid(TypedDict):
    """What an endpoint was sent, the newest first."""

    deliveries: list[DeliverySaid]


class DeliveryCounts(TypedDict):
    """How many deliveries stand how."""

    acknowledged: int
    parked: int
    pending: int


class DeliverySaid(TypedDict):
    """What was sent, and what came back."""

    id: str
    key: str
    made_at: str
    moved_at: str
    next_at: str
    said: str | None
    state: str
    status: int | None
    tries: int
    type: str


class DisputeSaid(TypedDict):
    """An invoice about which nothing happens, and the hold that keeps it so."""

    account: str
    disputed: bool
    document_url: str | None
    due_on: str
    held: bool
    hold: str
    invoice: str
    issued_on: str
    lines: list[LineSaid]
    number: str
    open: Money
    past_due_since: str | None
    services: list[str]
    standing: str
    tax: list[TaxSaid]
    total: Money


class DueDate(TypedDict):
    """Another day on which an invoice is due."""

    invoice: str
    why: str
    due_on: str


class EndpointRemoved(TypedDict):
    """An endpoint to which nothing is sent any more."""

    name: str
    state: str


class EndpointSaid(TypedDict):
    """An endpoint; `secret` in the answer that made it alone."""

    account: str | None
    before_until: NotRequired[str]
    cursor: str
    deliveries: DeliveryCounts
    failing_since: str | None
    name: str
    secret: NotRequired[str]
    state: str
    types: list[str]
    url: str
    why: str | None


class EndpointWanted(TypedDict):
    """Where events go. `types` are all where none is named; `account` and `after` count only for a new endpoint."""

    url: str
    types: NotRequired[list[str] | None]
    state: NotRequired[Literal["on", "off"]]
    account: NotRequired[str | None]
    after: NotRequired[str | None]


class EndpointsSaid(TypedDict):
    """The endpoints."""

    event_endpoints: list[EndpointSaid]


class EventsPage(TypedDict):
    """Events, the oldest first; `cursor` is `after` for the next page."""

    cursor: str
    events: list[dict[str, Any]]


class Explained(TypedDict):
    """Why an account is in its state, what comes next, and what makes it wait (docs/json.md)."""

    account: str
    because: list[dict[str, Any]]
    carried: list[dict[str, Any]]
    case: dict[str, Any] | None
    held_back: list[dict[str, Any]]
    holds: list[dict[str, Any]]
    last_change: dict[str, Any] | None
    method_not_added: str
    next: list[AheadOne]
    owed: list[dict[str, Any]]
    policy: str
    subscriptions: list[SubscriptionSaid]
    unreachable: dict[str, Any] | None
    waits_for: list[dict[str, Any]]
    zone: str


class ExtraSaid(TypedDict):
    """Somebody else who is warned."""

    address: str
    bounces: bool
    channel: str
    locale: str
    name: str


class Finish(TypedDict):
    """The provider's page on which a method was set up, and that provider as it was answered when the page was
    opened: left out, the one that opens new pages here."""

    provider: NotRequired[str]
    page: str
    person: NotRequired[str | None]


class HoldBody(TypedDict):
    """A hold up to and including the local day `until`: on the account, or on what of it is named. On an invoice it
    stops everything."""

    account: str
    subscription: NotRequired[str | None]
    invoice: NotRequired[str | None]
    stops: NotRequired[list[Literal["remind", "charge", "restrict", "disable", "delete"]] | None]
    until: str
    why: str


class HoldReleased(TypedDict):
    """A hold that has ended."""

    hold: str
    released: bool


class HoldSaid(TypedDict):
    """A hold that was made."""

    hold: str
    scope: str
    until: str


class InvoiceBody(TypedDict):
    """An invoice as its operator's system has it: what it asks in all, for which services, and, where that is said,
    at least how much of it is paid, whether it is disputed, and whether it was withdrawn or given up. `lines`
    and `tax` are what its document shows, and come to the total exactly. `document_url` is where the operator's
    own document is; an empty one takes that away."""

    account: str
    services: list[str]
    issued_on: str
    due_on: str
    total: Amount
    paid: NotRequired[Amount | None]
    disputed: NotRequired[bool | None]
    standing: NotRequired[Literal["open", "void", "uncollectible"] | None]
    lines: NotRequired[list[LineBody]]
    tax: NotRequired[list[TaxBody]]
    document_url: NotRequired[str | None]


class InvoicePage(TypedDict):
    """Invoices, and what `after` is for the next page."""

    invoices: list[ListedInvoiceSaid]
    next_after: str | None


class InvoiceSaid(TypedDict):
    """An invoice as it is here."""

    account: str
    disputed: bool
    document_url: str | None
    due_on: str
    held: bool
    invoice: str
    issued_on: str
    lines: list[LineSaid]
    number: str
    open: Money
    past_due_since: str | None
    services: list[str]
    standing: str
    tax: list[TaxSaid]
    total: Money


class InvoicesSaid(TypedDict):
    """Invoices as they are here."""

    invoices: list[InvoiceSaid]


class InvolvedPeople(TypedDict):
    """Everybody with a role on an account, and everybody who is invited."""

    people: list[InvolvedSaid]


class InvolvedSaid(TypedDict):
    """Somebody with a role on an account (`there`), or who is `invited`."""

    address: str
    locale: str
    name: str
    person: str | None
    role: str
    state: str


class LineBody(TypedDict):
    """One line: what it is for, and its sum without tax. `tax_rate` is in percent, a plain decimal ("21"), left out
    where no tax is said; `quantity` a plain decimal, `unit` what it counts; `tax_category` a code of UNTDID
    5305."""

    text: str
    net: SignedAmount
    tax_rate: NotRequired[str]
    tax_category: NotRequired[Literal["", "S", "Z", "E", "AE", "K", "G", "O"]]
    quantity: NotRequired[str]
    unit: NotRequired[str]


class LineSaid(TypedDict):
    """A line of an invoice; its sum is without tax, below zero where it is taken off."""

    net: Money
    quantity: str
    tax_category: str
    tax_rate: str
    text: str
    unit: str


class ListedInvoiceSaid(TypedDict):
    """An invoice in a list, with its account."""

    account: str
    due_on: str
    invoice: str
    issued_on: str
    number: str
    open: Money
    past_due_since: str | None
    ref: str
    total: Money


class ListedSubscriptionSaid(TypedDict):
    """A subscription in a list, with its account."""

    account: str
    deleted_on: str | None
    reasons: list[str]
    ref: str
    restricted_on: str | None
    service: str
    state: str
    stops_on: str | None
    subscription: str
    subscription_ref: str | None


class MayDo(TypedDict):
    """What is allowed."""

    change: bool
    delete_own: bool
    read: bool


class Me(TypedDict):
    """Who a token is: what it may do, the account that it is bound to, and when it ends."""

    name: str
    scopes: list[str]
    account: str | None
    expires_at: str | None


class MessageTo(TypedDict):
    """Whom a message was sent to."""

    person: str


class MethodName(TypedDict):
    """A payment method that a customer has at a provider already: what the provider calls the payer and the method.
    Never the number of a card. The provider is asked before anything is charged with it."""

    provider: str
    customer: str
    method: str


class MethodNamed(TypedDict):
    """A payment method by its provider's names."""

    customer: str
    method: str
    provider: str


class MethodSaid(TypedDict):
    """A payment method, and the subscriptions that it pays for."""

    active_for: list[str]
    expires_on: str | None
    kind: str
    label: str
    method: int
    provider: str


class MethodsSaid(TypedDict):
    """The payment methods of an account."""

    payment_methods: list[MethodSaid]


class Money(TypedDict):
    """A sum in whole minor units of its currency."""

    amount_minor: int
    currency: str


class MoreThanNothing(TypedDict):
    """Money, and not none."""

    amount_minor: int
    currency: str


class OneInvoice(TypedDict):
    """An invoice by its own number, and why."""

    invoice: str
    why: str


class Other(TypedDict):
    """Somebody else who is warned and may do nothing."""

    address: str
    name: NotRequired[str]
    locale: NotRequired[str]
    channel: NotRequired[str]


class OwedSaid(TypedDict):
    """What is owed now."""

    owed: list[QuoteSaid]


class PaymentBody(TypedDict):
    """Money that arrived outside: `ref` is its own, so that it is booked once; `invoices` are those that it names,
    in the order in which they are paid. What they do not take is account credit."""

    account: str
    ref: str
    amount: MoreThanNothing
    invoices: NotRequired[list[str]]


class PaymentSaid(TypedDict):
    """A payment that was booked, and the invoices that it names."""

    invoices: list[InvoiceSaid]
    ref: str


class PersonBody(TypedDict):
    """What somebody may do on an account. `name` and `locale` are what the invitation is written with; whoever has
    accepted one changes their own."""

    role: Literal["administrator", "billing_reader"]
    name: NotRequired[str]
    locale: NotRequired[str | None]


class PersonSaid(TypedDict):
    """A person of an account, and which of the addresses are dead."""

    bounces: list[str]
    confirmed_at: str | None
    contact: str | None
    locale: str
    name: str
    person: str
    role: str
    sign_in: str
    zone: str


class PoliciesSaid(TypedDict):
    """The policies in force."""

    policies: list[PolicyInShort]


class PolicyInShort(TypedDict):
    """A policy in force, and how many accounts follow it."""

    accounts: int
    name: str
    version: str


class PolicySaid(TypedDict):
    """One policy, each key with its value."""

    policy: dict[str, Any]
    version: str


class Profile(TypedDict):
    """In which language and zone a person reads; an empty zone is the account's."""

    locale: str
    zone: NotRequired[str]


class PromiseBody(TypedDict):
    """What a customer has promised about what is past due: of these invoices of one currency, or of all that are
    asked for. Several parts are instalments, together exactly what is open. `collects`: the customer has agreed
    that each part is charged on its day with the method on file."""

    parts: list[PromisedPart]
    invoices: NotRequired[list[str]]
    collects: NotRequired[bool]
    why: str


class PromiseEnded(TypedDict):
    """A promise that was ended."""

    ended: bool
    promise: str


class PromiseSaid(TypedDict):
    """A promise to pay, or instalments, as they are now, with the invoices of it that are still open."""

    account: str
    collects: bool
    invoices: list[str]
    parts: list[PromisedPartSaid]
    promise: str


class PromisedPart(TypedDict):
    """So much is paid by the end of a local day; of a promise in one part the amount may be left out: everything
    that is open."""

    on: str
    amount: NotRequired[MoreThanNothing | None]


class PromisedPartSaid(TypedDict):
    """So much is paid by the end of a local day; `kept`: it is."""

    amount: Money
    kept: bool
    on: str


class PromisesSaid(TypedDict):
    """The open promises of an account."""

    promises: list[PromiseSaid]


class QuoteSaid(TypedDict):
    """What is owed in one currency; `hash`, `currency` and `amount_minor` are sent back to pay it."""

    amount: str
    amount_minor: int
    currency: str
    hash: str
    invoices: list[QuotedInvoice]


class QuotedInvoice(TypedDict):
    """An invoice of a quote."""

    invoice: str
    number: str
    open_minor: int


class ReasonSaid(TypedDict):
    """Why a subscription is not active, and what lifts that."""

    lifted_by: str
    reason: str


class Reasoned(TypedDict):
    """Why, for the journal."""

    why: str


class RecipientsSaid(TypedDict):
    """Every address of an account."""

    account: str
    contact: str | None
    extra: list[ExtraSaid]
    people: list[PersonSaid]


class RefundBody(TypedDict):
    """Give back so much of a payment, and why. `reopens`: what that money has paid is owed again."""

    amount_minor: int
    currency: str
    why: str
    reopens: NotRequired[bool]


class RefundSaid(TypedDict):
    """A refund, and how it stands."""

    refund: str
    state: str


class RefusalSaid(TypedDict):
    """What a refused write is answered with."""

    amounts: list[Money]
    code: str
    dates: dict[str, str]
    reasons: list[str]
    settle_url: str


class RefusedCurrency(TypedDict):
    """A currency that was not tried, and why."""

    code: str
    currency: str
    why: str


class Renew(TypedDict):
    """A card's new expiry."""

    month: int
    year: int
    person: NotRequired[str | None]


class ReplayWanted(TypedDict):
    """The last event that was right."""

    after: str


class RotationWanted(TypedDict):
    """How long the secret before signs too."""

    overlap_hours: NotRequired[int]


class RowSaid(TypedDict):
    """What came of one row; of a refused one why."""

    changed: NotRequired[list[str]]
    code: NotRequired[str]
    fields: NotRequired[list[WrongFieldSaid]]
    kind: str
    number: NotRequired[str]
    ref: NotRequired[str]
    result: str
    row: int


class RowsSaid(TypedDict):
    """What came of each row, in order."""

    refused: int
    rows: list[RowSaid]
    taken: int


class SentAccountSaid(TypedDict):
    """What came of an account that was sent, and the account as it is here."""

    account: str
    billing_address: list[str]
    changed: list[str]
    country: str
    email: str | None
    locale: str
    name: str
    payment_method: MethodNamed | None
    payment_mode: str
    policy: str
    ref: str
    result: str
    subscriptions: list[SubscriptionInShort]
    tax_number: str | None
    warn_too: list[str]
    zone: str


class SentInvoiceSaid(TypedDict):
    """What came of an invoice that was sent, and the invoice as it is here: of one that asks for nothing
    (`nothing_asked`) there is none."""

    account: NotRequired[str]
    changed: list[str]
    disputed: NotRequired[bool]
    document_url: NotRequired[str | None]
    due_on: NotRequired[str]
    held: NotRequired[bool]
    invoice: NotRequired[str]
    issued_on: NotRequired[str]
    lines: NotRequired[list[LineSaid]]
    number: NotRequired[str]
    open: NotRequired[Money]
    past_due_since: NotRequired[str | None]
    result: str
    services: NotRequired[list[str]]
    standing: NotRequired[str]
    tax: NotRequired[list[TaxSaid]]
    total: NotRequired[Money]


class SentInvolvedSaid(TypedDict):
    """What came of a person who was sent, and how they stand."""

    address: str
    locale: str
    name: str
    person: str | None
    result: str
    role: str
    state: str


class SentSubscriptionSaid(TypedDict):
    """What came of a subscription that was sent, and how it stands."""

    deleted_on: str | None
    nothing_follows: dict[str, Any] | None
    reasons: list[str]
    restricted_on: str | None
    result: str
    service: str
    state: str
    stops_on: str | None
    subscription: str
    subscription_ref: str | None


class Settle(TypedDict):
    """Pay everything that was shown, with a method on file. `also` are invoices not due yet that were chosen too;
    `part_minor`, by currency, is possible after the whole sum has failed."""

    method: int
    quotes: list[Shown]
    person: NotRequired[str | None]
    also: NotRequired[list[str]]
    part_minor: NotRequired[dict[str, int]]


class SettledSaid(TypedDict):
    """What came of each currency."""

    refused: list[RefusedCurrency]
    results: list[AttemptSaid]


class Setup(TypedDict):
    """Where a person sets up a new method: in this language, at this provider or the one that opens new pages here."""

    provider: NotRequired[str]
    locale: NotRequired[str]
    person: NotRequired[str | None]


class SetupSaid(TypedDict):
    """The page on which a method is set up."""

    page: str
    provider: str
    url: str


class Shown(TypedDict):
    """One currency of what the payer saw."""

    currency: str
    amount_minor: int
    hash: str


class SignedAmount(TypedDict):
    """Money, below zero where it is taken off: whole minor units (cents) of its currency."""

    amount_minor: int
    currency: str


class StandingOfSeveral(TypedDict):
    """How one of several stands, or the `code` that there is none."""

    charged: NotRequired[bool]
    code: NotRequired[str]
    dates: NotRequired[dict[str, str]]
    generation: NotRequired[int]
    may: NotRequired[MayDo]
    reasons: NotRequired[list[ReasonSaid]]
    refusal: NotRequired[RefusalSaid | None]
    resources: NotRequired[str]
    service: NotRequired[str]
    stale: bool
    standing: NotRequired[Literal["active", "deleted", "disabled", "past_due", "restricted", "unknown"]]
    subscription: str
    zone: NotRequired[str]


class StandingSaid(TypedDict):
    """May this be used, read, changed? `unknown` has `may` alone, and allows everything."""

    charged: NotRequired[bool]
    dates: NotRequired[dict[str, str]]
    generation: NotRequired[int]
    may: MayDo
    reasons: NotRequired[list[ReasonSaid]]
    refusal: RefusalSaid | None
    resources: NotRequired[str]
    service: NotRequired[str]
    stale: bool
    standing: Literal["active", "deleted", "disabled", "past_due", "restricted", "unknown"]
    subscription: str
    zone: NotRequired[str]


class StandingsSaid(TypedDict):
    """How several stand, in the order in which they were asked for."""

    standings: list[StandingOfSeveral]


class StatementFileSaid(TypedDict):
    """What a bank's file says, and what became of it; `known`: this very file was taken before."""

    account: str
    closing_minor: int | None
    code: str | None
    currency: str
    entries: list[BankEntrySaid]
    file: str
    format: str
    gaps: list[str]
    known: bool
    opening_minor: int | None
    reason: str
    state: str
    statements: list[BankStatementSaid]


class StatementFilesSaid(TypedDict):
    """One file, in the shape in which `arrears statement --json` answers for several."""

    dry_run: bool
    files: list[StatementFileSaid]


class SubscriptionBody(TypedDict):
    """An account's use of one service."""

    service: str


class SubscriptionInShort(TypedDict):
    """A subscription of an account."""

    reasons: list[str]
    service: str
    state: str
    subscription: str


class SubscriptionPage(TypedDict):
    """Subscriptions, and what `after` is for the next page."""

    next_after: str | None
    subscriptions: list[ListedSubscriptionSaid]


class SubscriptionSaid(TypedDict):
    """How a subscription stands, with the days that its customer was told, and why none lies ahead."""

    deleted_on: str | None
    nothing_follows: dict[str, Any] | None
    reasons: list[str]
    restricted_on: str | None
    service: str
    state: str
    stops_on: str | None
    subscription: str


class TakenBackSaid(TypedDict):
    """A payment that was taken back, and which other parts of the same transfer are booked still."""

    other_parts: list[str]
    ref: str
    taken_back: Money


class TaskClosedSaid(TypedDict):
    """A task that was closed."""

    closed: bool
    task: int


class TaskPage(TypedDict):
    """Tasks, and what `after` is for the next page."""

    next_after: int | None
    tasks: list[TaskSaid]


class TaskSaid(TypedDict):
    """Something that waits for a person."""

    account: str | None
    kind: str
    ref: str
    reply: str
    seq: int
    since: str
    task: int
    times: int
    what: str


class TaxBody(TypedDict):
    """The tax of one rate: what it is of, and how much. `reason` is why there is none, as it is printed."""

    rate: str
    net: SignedAmount
    tax: SignedAmount
    category: NotRequired[Literal["", "S", "Z", "E", "AE", "K", "G", "O"]]
    reason: NotRequired[str]


class TaxSaid(TypedDict):
    """The tax of one rate."""

    category: str
    net: Money
    rate: str
    reason: str
    tax: Money


class TellingSaid(TypedDict):
    """What will be told, and on which day."""

    day: int | None
    kind: str
    names: str | None
    on: str | None
    service: str | None
    to: list[TellingTo]


class TellingTo(TypedDict):
    """Who will be told."""

    address: str
    channel: str
    locale: str
    role: str


class TellingsSaid(TypedDict):
    """Who will be told what, when, and why nobody can be."""

    tellings: list[TellingSaid]
    unreachable: dict[str, Any] | None
    zone: str


class TimelinePage(TypedDict):
    """Facts in order, each with its own fields beside `seq`, `at`, `author`, `why` and `kind`; and what `after` is
    for the next page."""

    facts: list[dict[str, Any]]
    next_after: int | None


class TransferSaid(TypedDict):
    """A transfer of an entry, and what was decided about it: `credit` is its number here, None where it was here
    before; `account` whose it is, once it is booked."""

    account: str | None
    amount_minor: int
    counterparty: str
    credit: int | None
    currency: str
    decided: str | None
    end_to_end: str
    iban: str
    references: list[str]
    returned: bool
    text: str
    why: str


class Whom(TypedDict):
    """A person of the account."""

    person: str


class WrongFieldSaid(TypedDict):
    """What is wrong with one field: its path, a stable code, and in words."""

    code: str
    field: str
    what: str
