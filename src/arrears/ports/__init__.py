"""What the engine needs from the world, as protocols. Adapters and stores implement them; the engine knows no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import NamedTuple, Protocol

from arrears.core.account import Account, Debt, Guards, Mode
from arrears.core.facts import AnyFact, PaymentBooked, Recorded, SystemFact
from arrears.core.payment import (
    BookLine,
    Change,
    Charge,
    HostedPage,
    MethodDetails,
    Outcome,
    RefundAnswer,
    SetupOutcome,
)
from arrears.core.policy import Policy
from arrears.core.unit import Unit
from arrears.ports.mail import (
    TAKEN,
    Channel,
    Delivery,
    Fate,
    Mail,
    MailBook,
    MailCounts,
    MailMove,
    MailState,
    Message,
    PayLink,
    Words,
    Writer,
)
from arrears.ports.setups import SetupPage, Setups
from arrears.ports.support import Support

__all__ = [
    "TAKEN",
    "AttemptRecord",
    "Batch",
    "Channel",
    "Claim",
    "Clock",
    "Delivery",
    "Fate",
    "Mail",
    "MailBook",
    "MailCounts",
    "MailMove",
    "MailState",
    "Message",
    "MethodRecord",
    "MoneyBook",
    "NewAccount",
    "Order",
    "PayLink",
    "PaymentRecord",
    "Poisoned",
    "Processor",
    "Services",
    "SetupPage",
    "Setups",
    "Store",
    "System",
    "Words",
    "Writer",
]


class NewAccount(NamedTuple):
    """What is known of a customer when the account is opened. Names and addresses never enter a fact."""

    ref: str
    name: str
    country: str
    zone: str
    locale: str
    mode: Mode
    policy: str = "default"
    contact: str | None = None


class Claim(NamedTuple):
    """An action this performer may perform until its lease ends. `tries` fences it: a later claim counts higher."""

    account: int
    seq: int
    kind: str
    subscription: int
    order_no: int
    order: str
    tries: int


class Poisoned(Exception):
    """The store refused what a batch contains: something would exist twice, or be what it may not be. Nothing of
    the batch was written."""


class Batch(Protocol):
    """Units of work under their accounts' locks, inside one transaction. Leaving it without an error commits."""

    units: Sequence[Unit]
    guards: Guards
    """The installation's doubts as they stood when this transaction began."""

    def send(self, units: Sequence[Unit]) -> None:
        """These units are finished: they may be on their way while others are still being decided."""

    def ledger_open(self, accounts: Sequence[int]) -> Mapping[tuple[int, int], int]:
        """The open minor units of each (account, debt) by the sum of the ledger's entries, in this transaction."""

    def grant_deletions(self, day: date, wanted: int, cap: int) -> int:
        """How many of `wanted` deletions this UTC day's cap still allows; what is granted is used up."""

    def finish(self, claims: Sequence[tuple[Claim, bool]]) -> Sequence[Claim]:
        """Mark claims done (True) or failed (False); only those still held by their claimer are returned."""

    def keep(self, claims: Sequence[tuple[Claim, datetime | None]]) -> Sequence[Claim]:
        """Leave claims to be claimed again, as if for the first time, at the instant given, or when their lease is
        over; only those still held by their claimer are returned."""

    def move_mails(self, moves: Sequence[MailMove], now: datetime) -> None:
        """Messages have come to another state; of what had been accepted, the instant of that is kept."""

    def again(self, account: int, seq: int) -> None:
        """The notice of this fact is performed once more: it has another address to go to."""

    def bury(self, address: str, why: str, now: datetime) -> None:
        """This address has bounced hard: nothing goes there until its owner has confirmed it anew."""


class System(NamedTuple):
    """The state of the whole installation."""

    last_tick_at: datetime | None
    clock_suspect: bool
    feed_stale: bool
    breaker_open: bool

    @property
    def guards(self) -> Guards:
        """What every decision must wait for."""
        return Guards(self.feed_stale, self.clock_suspect, self.breaker_open)


class MethodRecord(NamedTuple):
    """A payment method's row: what its provider calls it, for whoever must ask there."""

    no: int
    at_provider: str
    ref: str
    customer_ref: str
    kind: str
    fingerprint: str
    label: str
    expires_on: date | None
    removed: bool


class AttemptRecord(NamedTuple):
    """An attempt as the book has it, over or not."""

    no: int
    key: str
    method: int
    initiator: str
    on_page: bool
    currency: str
    amount_minor: int
    quote: str
    state: str
    ref: str
    decline: str
    network_code: str
    advice: str
    created_at: datetime
    moved_at: datetime


class PaymentRecord(NamedTuple):
    """A payment that was booked: by which fact, and on which debts."""

    account: int
    seq: int
    fact: PaymentBooked


class MoneyBook(Protocol):
    """What is asked about methods, attempts and payments besides the accounts' own values."""

    def method(self, account: int, number: int) -> MethodRecord:
        """One payment method, removed or not; refuses `unknown_method`."""

    def methods(self, account: int) -> Sequence[MethodRecord]:
        """All payment methods of an account by number."""

    def attempts(self, account: int) -> Sequence[AttemptRecord]:
        """The book of attempts of an account by number."""

    def open_attempts(self, before: datetime, limit: int) -> Sequence[tuple[int, int]]:
        """Up to `limit` attempts (account, number) that have been open and unmoved since `before`, the longest first;
        those that wait for their payer or the bank come last."""

    def finished_since(self, since: datetime) -> tuple[int, int]:
        """How many attempts were declined, and how many ended at all (paid or declined), since then."""

    def payment(self, ref: str) -> PaymentRecord | None:
        """The payment booked under this reference."""

    def invoices(self, account: int) -> Mapping[int, Debt]:
        """Every debt of an account as it was issued, paid or not, by its number."""

    def refund_known(self, ref: str) -> bool:
        """Whether a refund is in the book."""

    def refunded_minor(self, payment_ref: str) -> int:
        """How much of a payment has left again without reopening anything."""

    def provider_payments(self, provider: str, since: datetime) -> Sequence[tuple[str, int, str, int]]:
        """Every payment booked from a provider since then: reference, account, currency, minor units."""

    def provider_net(self, provider: str, since: datetime) -> Mapping[str, int]:
        """By the ledger: what came from a provider since then less what left again, in minor units by currency."""

    def swept_until(self, provider: str) -> datetime | None:
        """How far the sweep of this provider has read."""

    def set_swept(self, provider: str, until: datetime) -> None:
        """The sweep has read so far."""


class Store(MoneyBook, MailBook, Setups, Support, Protocol):
    """Accounts, their facts and what follows from them; in PostgreSQL, or in memory for the simulator."""

    def open_accounts(
        self, accounts: Sequence[NewAccount], now: datetime, also: Sequence[int] = ()
    ) -> AbstractContextManager[Batch]:
        """Units of accounts that do not exist yet, numbered in order, then those of the existing accounts `also`;
        refuses a `ref` that exists."""

    def accounts(self, numbers: Sequence[int], now: datetime) -> AbstractContextManager[Batch]:
        """Units of these accounts, locked in ascending order; refuses `unknown_account`. They are of `now`, or of the
        newest fact that is there if that is later: time does not go back within a stream (I21)."""

    def due(self, now: datetime, limit: int) -> AbstractContextManager[Batch]:
        """Units of up to `limit` accounts that are due, skipping those that another run holds, and those that have a
        fact of a later instant."""

    def set_aside(self, number: int, now: datetime, why: str) -> None:
        """Leave an account to a person whose units cannot be read or written: it is no longer due, and the system
        stream and the tasks say why. Nothing of the account itself is touched."""

    def claim(self, now: datetime, limit: int, lease_seconds: int) -> Sequence[Claim]:
        """Up to `limit` actions to perform, each held until the lease ends; orders of a subscription in order."""

    def give_back(self, claims: Sequence[Claim]) -> None:
        """These were not attempted, or certainly came to nothing: when the lease is over they are claimed again, as if
        for the first time."""

    def snapshots(self, numbers: Sequence[int]) -> Mapping[int, Account]:
        """The accounts as committed now, without locking them."""

    def messages(self, claims: Sequence[Claim]) -> Mapping[tuple[int, int], AnyFact]:
        """The facts that the claimed notices are about, by (account, seq)."""

    def policies(self) -> Mapping[str, Policy]:
        """Every adopted policy by version, and the newest of each name by name."""

    def adopt(self, policy: Policy, now: datetime, author: str) -> None:
        """Make this version the newest of its name; adopting the newest again changes nothing."""

    def tick(self, now: datetime) -> tuple[System, float]:
        """The installation's state before this tick, and application minus database clock in seconds; the tick
        itself is recorded."""

    def record_system(self, fact: SystemFact, now: datetime, author: str, why: str) -> None:
        """Append to the system stream and fold it into the installation's state."""

    def system(self) -> System:
        """The installation's state, without a tick."""

    def wake_waiting(self, now: datetime) -> int:
        """Make every account due that waited for a doubt; how many there were."""

    def next_due(self) -> datetime | None:
        """The earliest instant at which any account is due, or None."""

    def resumed_with(self, facts: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], tuple[int, ...]]:
        """Of facts (account, seq): the subscriptions ordered to run again in the same transaction."""

    def account_numbers(self, refs: Sequence[str]) -> Mapping[str, int]:
        """Account numbers by the operator's own reference; absent where unknown."""

    def history(self, number: int) -> Sequence[Recorded]:
        """All facts of one account in order."""

    def digest(self) -> str:
        """SHA-256 over the heads of all streams in order: equal logs give equal digests."""


class Order(NamedTuple):
    """A command to a service, named so exactly that it cannot hit another subscription."""

    id: str
    service: str
    account: int
    subscription: int
    generation: int
    number: int
    command: str


class Services(Protocol):
    """The services that obey."""

    def order(self, order: Order, now: datetime) -> datetime | None:
        """Give an order, as often as needed; the instant it was done, or None while it is only accepted."""


class Processor(Protocol):
    """A payment provider. Every call may be repeated with the same key; none is made inside a transaction.

    Refuses `provider_refused` for a request that is our own mistake (bad parameters, wrong key): nothing happened.
    Where the answer did not come, `charge`, `cancel` and `refund` say Unknown and never raise.
    """

    name: str
    live: bool
    """Whether this moves real money. Objects and events of the other kind are refused across."""

    signature_header: str
    """The header in which its webhooks carry their signature."""

    def open_setup(self, key: str, account: int, customer_ref: str, locale: str, return_url: str) -> HostedPage:
        """A page to set up a method for later use; `customer_ref` may be empty, then one is made."""

    def setup_outcome(self, ref: str) -> SetupOutcome:
        """What became of a set-up page."""

    def open_payment(self, charge: Charge, expires_at: datetime, locale: str) -> HostedPage:
        """A page to pay exactly this once, storing nothing; it ends at `expires_at` or the provider's minimum."""

    def expire_payment(self, ref: str, key: str) -> Outcome:
        """End such a page: Canceled is the proof that nobody can pay on it any more, Paid that somebody did."""

    def takes(self, amount_minor: int, currency: str) -> None:
        """Refuse `provider_refused`, without asking anybody, where exactly this amount can never be charged."""

    def charge(self, charge: Charge) -> Outcome:
        """Take money from a stored method."""

    def look_up(self, attempt: str, customer_ref: str, ref: str, since: datetime) -> Outcome:
        """What the provider has under our reference; `ref` may be empty when it was never learnt."""

    def cancel(self, attempt: str, customer_ref: str, ref: str, key: str) -> Outcome:
        """Make sure that an attempt never takes money: Canceled is the proof, Paid that it was too late."""

    def renew(self, method_ref: str, month: int, year: int, key: str) -> MethodDetails:
        """The same card with a new expiry."""

    def forget(self, method_ref: str, key: str) -> None:
        """Remove a stored method at the provider."""

    def refund(self, payment_ref: str, amount_minor: int, key: str) -> RefundAnswer:
        """Give money back, all or a part."""

    def changes_in(self, body: bytes, signature: str, now: datetime) -> Sequence[Change]:
        """What a webhook says happened, with the objects read anew. Refuses `bad_signature`, `old_event`,
        `wrong_mode`; an event of no interest gives nothing."""

    def changes_since(self, since: datetime) -> Iterator[Change]:
        """The sweep: everything of ours that was created or ended since then, in any order."""

    def book(self, since: datetime, until: datetime) -> Iterator[BookLine]:
        """The provider's own book of the payments created in [since, until)."""


class Clock(Protocol):
    """Where now comes from."""

    def now(self) -> datetime:
        """An aware instant in UTC."""
