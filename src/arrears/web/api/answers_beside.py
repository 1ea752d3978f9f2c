"""What operations about money, people, events and standing answer; see `answers.py`."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from arrears.web.api.answers import LocalDay, Money, UtcInstant

# -- money ----------------------------------------------------------------------------------------------------------


class QuotedInvoice(TypedDict):
    """An invoice of a quote."""

    invoice: str
    number: str
    open_minor: int


class QuoteSaid(TypedDict):
    """What is owed in one currency; `hash`, `currency` and `amount_minor` are sent back to pay it."""

    currency: str
    amount_minor: int
    amount: str
    hash: str
    invoices: list[QuotedInvoice]


class OwedSaid(TypedDict):
    """What is owed now."""

    owed: list[QuoteSaid]


class DeclineSaid(TypedDict):
    """Why a charge was declined, and what to do about it."""

    code: str
    fix: str
    text: str
    ask_the_bank: list[str]


class AttemptSaid(TypedDict):
    """One request to a payment provider; `confirm_at` is where the customer confirms it."""

    attempt: int
    state: str
    currency: str
    amount_minor: int
    method: int | None
    by: str
    created_at: UtcInstant
    decline: NotRequired[DeclineSaid]
    confirm_at: NotRequired[str]


class RefusedCurrency(TypedDict):
    """A currency that was not tried, and why."""

    currency: str
    code: str
    why: str


class SettledSaid(TypedDict):
    """What came of each currency."""

    results: list[AttemptSaid]
    refused: list[RefusedCurrency]


class MethodSaid(TypedDict):
    """A payment method, and the subscriptions that it pays for."""

    method: int
    provider: str
    kind: str
    label: str
    expires_on: LocalDay | None
    active_for: list[str]


class MethodsSaid(TypedDict):
    """The payment methods of an account."""

    payment_methods: list[MethodSaid]


class SetupSaid(TypedDict):
    """The page on which a method is set up."""

    page: str
    url: str
    provider: str


class AttemptsSaid(TypedDict):
    """The book of attempts."""

    attempts: list[AttemptSaid]


class RefundSaid(TypedDict):
    """A refund, and how it stands."""

    refund: str
    state: str


# -- people and alerts ----------------------------------------------------------------------------------------------


class PersonSaid(TypedDict):
    """A person of an account, and which of the addresses are dead."""

    person: str
    role: str
    name: str
    sign_in: str
    contact: str | None
    locale: str
    zone: str
    confirmed_at: UtcInstant | None
    bounces: list[str]


class ExtraSaid(TypedDict):
    """Somebody else who is warned."""

    address: str
    name: str
    locale: str
    channel: str
    bounces: bool


class RecipientsSaid(TypedDict):
    """Every address of an account."""

    account: str
    contact: str | None
    people: list[PersonSaid]
    extra: list[ExtraSaid]


class TellingTo(TypedDict):
    """Who will be told."""

    address: str
    channel: str
    role: str
    locale: str


class TellingSaid(TypedDict):
    """What will be told, and on which day."""

    kind: str
    service: str | None
    day: int | None
    on: LocalDay | None
    names: LocalDay | None
    to: list[TellingTo]


class TellingsSaid(TypedDict):
    """Who will be told what, when, and why nobody can be."""

    zone: str
    tellings: list[TellingSaid]
    unreachable: dict[str, Any] | None


class InvolvedSaid(TypedDict):
    """Somebody with a role on an account (`there`), or who is `invited`."""

    person: str | None
    address: str
    role: str
    name: str
    locale: str
    state: str


class SentInvolvedSaid(InvolvedSaid):
    """What came of a person who was sent, and how they stand."""

    result: str


class InvolvedPeople(TypedDict):
    """Everybody with a role on an account, and everybody who is invited."""

    people: list[InvolvedSaid]


class AddressLink(TypedDict):
    """Where a link was sent, and how long it is good."""

    sent_to: str
    valid_days: int


class MessageTo(TypedDict):
    """Whom a message was sent to."""

    person: str


class AlertSum(Money):
    """A sum of an alert, as a number and in words."""

    amount: str


class AlertSaid(TypedDict):
    """What stands in the account centre."""

    level: str
    cause: str
    urgent: bool
    title: str
    text: str
    since: LocalDay | None
    on: LocalDay | None
    service: str | None
    invoices: list[str]
    sums: list[AlertSum]
    settle_url: str


class AlertsSaid(TypedDict):
    """What stands, the most urgent first."""

    account: str
    language: str
    alerts: list[AlertSaid]


class BannerToken(TypedDict):
    """A token for the banner of one account."""

    token: str
    expires_at: UtcInstant


# -- events ---------------------------------------------------------------------------------------------------------


class EventsPage(TypedDict):
    """Events, the oldest first; `cursor` is `after` for the next page."""

    events: list[dict[str, Any]]
    cursor: str


class DeliveryCounts(TypedDict):
    """How many deliveries stand how."""

    pending: int
    acknowledged: int
    parked: int


class EndpointSaid(TypedDict):
    """An endpoint; `secret` in the answer that made it alone."""

    name: str
    url: str
    types: list[str]
    account: str | None
    state: str
    why: str | None
    cursor: str
    failing_since: UtcInstant | None
    deliveries: DeliveryCounts
    secret: NotRequired[str]
    before_until: NotRequired[UtcInstant]


class EndpointsSaid(TypedDict):
    """The endpoints."""

    event_endpoints: list[EndpointSaid]


class EndpointRemoved(TypedDict):
    """An endpoint to which nothing is sent any more."""

    name: str
    state: str


class DeliverySaid(TypedDict):
    """What was sent, and what came back."""

    id: str
    type: str
    key: str
    state: str
    tries: int
    made_at: UtcInstant
    next_at: UtcInstant
    moved_at: UtcInstant
    status: int | None
    said: str | None


class DeliveriesSaid(TypedDict):
    """What an endpoint was sent, the newest first."""

    deliveries: list[DeliverySaid]


# -- standing -------------------------------------------------------------------------------------------------------


class MayDo(TypedDict):
    """What is allowed."""

    read: bool
    delete_own: bool
    change: bool


class ReasonSaid(TypedDict):
    """Why a subscription is not active, and what lifts that."""

    reason: str
    lifted_by: str


class RefusalSaid(TypedDict):
    """What a refused write is answered with."""

    code: str
    reasons: list[str]
    amounts: list[Money]
    dates: dict[str, LocalDay]
    settle_url: str


StandingWord = Literal["active", "past_due", "restricted", "disabled", "deleted", "unknown"]


class StandingMore(TypedDict):
    """What is said besides, where it is known."""

    service: NotRequired[str]
    generation: NotRequired[int]
    resources: NotRequired[str]
    charged: NotRequired[bool]
    reasons: NotRequired[list[ReasonSaid]]
    dates: NotRequired[dict[str, LocalDay]]
    zone: NotRequired[str]


class StandingSaid(StandingMore):
    """May this be used, read, changed? `unknown` has `may` alone, and allows everything."""

    subscription: str
    standing: StandingWord
    may: MayDo
    refusal: RefusalSaid | None
    stale: bool


class StandingOfSeveral(StandingMore):
    """How one of several stands, or the `code` that there is none."""

    subscription: str
    stale: bool
    standing: NotRequired[StandingWord]
    may: NotRequired[MayDo]
    refusal: NotRequired[RefusalSaid | None]
    code: NotRequired[str]


class StandingsSaid(TypedDict):
    """How several stand, in the order in which they were asked for."""

    standings: list[StandingOfSeveral]


class StandingProblem(TypedDict):
    """RFC 9457, with a stable `code`."""

    type: str
    title: str
    status: int
    detail: str
    code: str
