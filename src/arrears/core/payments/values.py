"""The values of taking money: methods, attempts, what a payment provider answers, what it says later.

Amounts are minor units of the named currency, instants are aware and UTC. Nothing here names a provider: adapters
translate. A `ref` is the provider's own id of a thing; a `key` is ours, and is stored before it is first used.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from arrears.core.value import Value


class MethodKind(StrEnum):
    """What kind of thing pays."""

    CARD = "card"
    ACH = "ach"
    SEPA = "sepa"
    BACS = "bacs"


CURRENCY_OF: Final[Mapping[MethodKind, str]] = {
    MethodKind.ACH: "USD",
    MethodKind.SEPA: "EUR",
    MethodKind.BACS: "GBP",
}
"""The one currency that a scheme of bank debits moves: by the scheme's own rules, so at every provider (Nacha Operating
Rules; EPC016 "SEPA Core Direct Debit Rulebook", which is in euro only; Bacs Direct Debit is in sterling only)."""


def takes_currency(kind: MethodKind, currency: str) -> bool:
    """Whether this kind of method can pay in a currency at all. What it cannot is never asked for."""
    return CURRENCY_OF.get(kind, currency) == currency


class Network(StrEnum):
    """Whose retry rules apply. UNKNOWN takes the strictest of all."""

    VISA = "visa"
    MASTERCARD = "mastercard"
    ACH = "ach"
    SEPA = "sepa"
    BACS = "bacs"
    UNKNOWN = "unknown"


class Initiator(StrEnum):
    """Who started an attempt: the customer, on session (CIT), or we on a stored mandate (MIT). Visa counts apart."""

    CUSTOMER = "customer"
    MERCHANT = "merchant"


class AttemptState(StrEnum):
    """Where an attempt is. `canceled`: proven at the provider that no money can move any more; no decline."""

    CREATED = "created"
    SUBMITTED = "submitted"
    UNKNOWN = "unknown"
    NEEDS_CUSTOMER = "needs_customer"
    PAID = "paid"
    DECLINED = "declined"
    CANCELED = "canceled"


OPEN_STATES = (AttemptState.CREATED, AttemptState.SUBMITTED, AttemptState.UNKNOWN, AttemptState.NEEDS_CUSTOMER)
"""The states in which money could still move. At most one such attempt per invoice, by the database (I3)."""


class Funding(StrEnum):
    """How a card is funded, as the provider says. Prepaid cards are refused before they are stored."""

    CREDIT = "credit"
    DEBIT = "debit"
    PREPAID = "prepaid"
    UNKNOWN = "unknown"


class MethodDetails(Value, frozen=True, omit_defaults=True):
    """A payment method as its provider knows it. `fingerprint` is the same for the same card or bank account,
    however often it is added; `expires_on` is the last day of a card's month; `country` is the issuer's."""

    ref: str
    customer_ref: str
    kind: MethodKind
    network: Network
    fingerprint: str
    label: str
    funding: Funding = Funding.UNKNOWN
    country: str = ""
    expires_on: date | None = None


class Codes(Value, frozen=True, omit_defaults=True):
    """Why an attempt was declined. `decline` is our word (see `core/data/declines.toml`), the adapter maps it;
    `network` is the network's raw response code (Visa "51", ACH "R01", SEPA "AM04"), `advice` Mastercard's
    merchant advice code ("03", "24"): empty where the provider did not say. Advice also comes with approvals."""

    decline: str = ""
    network: str = ""
    advice: str = ""


REQUEST_REFUSED: Final = "request_refused"
"""The word for a charge that the provider would not even try: no decline, and our own staff's to mend."""


class Paid(NamedTuple):
    """The money was taken. `durable` is False where the card has turned out to work only once."""

    ref: str
    amount_minor: int
    currency: str
    at: datetime
    codes: Codes = Codes()
    durable: bool = True
    method: MethodDetails | None = None


class Declined(NamedTuple):
    """Definitively refused; no money moved. `ref` is empty where the provider made no object at all."""

    ref: str
    codes: Codes
    at: datetime


class NeedsCustomer(NamedTuple):
    """The payer must act at the bank; `url` takes a person there, empty where that must be started anew."""

    ref: str
    url: str
    at: datetime


class Processing(NamedTuple):
    """The provider has accepted it and will say later (bank debits); money may still move."""

    ref: str


class Unknown(NamedTuple):
    """Nobody knows. Only a look-up, a webhook or the sweep may end this."""

    why: str
    ref: str = ""


class NotFound(NamedTuple):
    """The provider has nothing under our reference *now*; proof only after a day (engine/payments/attempts.py)."""


class AttemptCanceled(NamedTuple):
    """Proof that this can never take money any more. `why` is given where the provider would not even try: the request
    itself is one that it never takes."""

    ref: str
    reached_network: bool
    why: str = ""
    codes: Codes = Codes()
    """What forbids the card where we did not ask for that: its refusal on another account."""


Outcome = Paid | Declined | NeedsCustomer | Processing | Unknown | NotFound | AttemptCanceled
"""Everything a provider can answer about one attempt."""


class Charge(NamedTuple):
    """One request for money. `attempt` is our own reference ("att_12_3"), stored at the provider as metadata and
    never reused; `key` the idempotency key. `off_session`: the payer is not there to be asked anything."""

    attempt: str
    key: str
    customer_ref: str
    method_ref: str
    amount_minor: int
    currency: str
    off_session: bool
    return_url: str
    description: str


class HostedPage(NamedTuple):
    """A page at the provider where a person sets up a method or pays."""

    ref: str
    url: str
    expires_at: datetime


class SetupDone(NamedTuple):
    """A method was set up, for the account that the page was opened for. Whether it is accepted (prepaid cards are
    not) is for the core to say."""

    method: MethodDetails
    account: int


class SetupOpen(NamedTuple):
    """The person is still there."""


class SetupFailed(NamedTuple):
    """Nothing was set up: declined, expired or abandoned. `codes.decline` says which."""

    codes: Codes


SetupOutcome = SetupDone | SetupOpen | SetupFailed


class RefundState(StrEnum):
    """What became of a refund. PENDING and UNKNOWN are looked at again by the sweep."""

    DONE = "done"
    PENDING = "pending"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class RefundAnswer(NamedTuple):
    """The answer to a refund; `why` in words where it was refused."""

    state: RefundState
    ref: str = ""
    why: str = ""


class DisputeState(StrEnum):
    """An inquiry moves no money; an open chargeback has taken it; won gives it back; lost keeps it."""

    INQUIRY = "inquiry"
    OPEN = "open"
    WON = "won"
    LOST = "lost"


class AttemptChange(NamedTuple):
    """What the provider now says of one of our attempts, read anew from its object (never from the event). `certain`:
    the object carries this installation's identity; without one only our book of attempts knows whose it is."""

    attempt: str
    outcome: Outcome
    certain: bool = True


class ForeignChange(NamedTuple):
    """Something that another installation has at the same account of the provider: left alone, and counted."""

    ref: str
    installation: str


class SetupChange(NamedTuple):
    """A set-up page has ended; read its result."""

    ref: str
    account: int


class RefundChange(NamedTuple):
    """A refund of a payment as it stands now. `key` is ours where we asked for it, else empty."""

    payment_ref: str
    ref: str
    key: str
    state: RefundState
    amount_minor: int
    currency: str


class DisputeChange(NamedTuple):
    """A dispute of a payment as it stands now."""

    payment_ref: str
    ref: str
    state: DisputeState
    amount_minor: int
    currency: str


class DebitReturned(NamedTuple):
    """A bank debit that had been paid has come back; `network` code in `codes` (ACH "R01", SEPA "AM04")."""

    payment_ref: str
    ref: str
    amount_minor: int
    currency: str
    codes: Codes


class CardTry(Value, frozen=True, omit_defaults=True):
    """One request about a card at the provider's own page that came to nothing: to pay with it (`amount_minor`, in
    minor units), or to check it while it was set up (0, no currency). `ref` is the provider's own name of it,
    `fingerprint` the same for the same card at this provider; empty where it does not say."""

    ref: str
    at: datetime
    fingerprint: str
    codes: Codes
    amount_minor: int = 0
    currency: str = ""


class CardsTried(NamedTuple):
    """What was tried in vain on one of our pages: all of it, each time anew. `attempt` is our reference of the payment;
    empty where a method was set up. `ref` is the provider's name of the page's payment or set-up."""

    ref: str
    account: int
    attempt: str
    tries: tuple[CardTry, ...]


Change = AttemptChange | ForeignChange | SetupChange | RefundChange | DisputeChange | DebitReturned | CardsTried


class BookLine(NamedTuple):
    """One payment in the provider's own book: what it took and gave back, in minor units; `attempt` is empty for
    one that is not ours; `certain` as in AttemptChange."""

    payment_ref: str
    attempt: str
    currency: str
    taken_minor: int
    refunded_minor: int
    disputed_minor: int
    at: datetime
    certain: bool = True
