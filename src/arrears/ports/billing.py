"""A billing system beside arrears: its customers and their invoices as they stand there, what it is asked and told.

The unit is a customer, read whole: whatever told of a change, in whatever order and how often, the same is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import UTC, date, datetime
from typing import Final, NamedTuple, Protocol

import msgspec

from arrears.core.payments.provider_time import ProviderTime
from arrears.core.payments.values import CardTry
from arrears.core.receivables import BookAccount, BookInvoice, BookPayment
from arrears.ports.accounts import AccountReader, Accounts
from arrears.ports.delivery import EventBook
from arrears.ports.store import AccountsAndMoney, CollectionsRun, ReceivablesImport

BillingChanges = Mapping[str, Set[str]]
"""Customers of whom something changed, and which of their invoices that were read by name, whatever their age."""


class BillingOptions(msgspec.Struct, frozen=True):
    """What a billing system does not say, as it was given when it was connected. `since`: older invoices are taken only
    while they are open. `services` names the service of a product, `service` that of every other."""

    since: date
    zone: str
    country: str
    locale: str
    policy: str
    service: str
    services: Mapping[str, str] = {}


class BillingConnection(NamedTuple):
    """A billing system that is connected. `read_at` is when it was last read, by our clock, `cursor` up to when by its
    own; `event_no` is the last of our own events that it was told of."""

    options: BillingOptions
    connected_at: datetime
    read_at: datetime | None
    cursor: datetime | None
    event_no: int


class Reported(NamedTuple):
    """A payment that arrears has reported, and how much of it was reported as given back; minor units."""

    ref: str
    amount_minor: int
    returned_minor: int


class BilledInvoice(NamedTuple):
    """One invoice there. `row` and `payments` are what an import takes; in `payments` is nothing that arrears has
    reported, of which `reported_minor` stands there, in the payments `reported`, oldest first. `asks_minor` is what is
    left there to pay.

    `not_tried`: its first charge is still the billing system's. `collected`: it may charge it again by itself.
    `used_from`: when the latest time began that it bills of a subscription; None where it bills none. `under_way`: a
    payment of it is at a bank. `failed`: its charge was refused, `tries` says how. `unreadable`: why
    nothing of it can be taken; it has no row then. `attached` are the payments of it that the billing system took,
    `detached` those that were taken from it and whose money is still there: of no invoice, if of none they are
    attached."""

    ref: str
    number: str
    row: BookInvoice | None
    payments: Sequence[BookPayment] = ()
    reported_minor: int = 0
    asks_minor: int = 0
    is_open: bool = False
    not_tried: bool = False
    collected: bool = False
    under_way: bool = False
    failed: bool = False
    tries: Sequence[CardTry] = ()
    unreadable: str = ""
    reported: Sequence[Reported] = ()
    attached: Sequence[str] = ()
    detached: Sequence[str] = ()
    used_from: datetime | None = None


class BilledSubscription(NamedTuple):
    """A subscription there that has begun, with the services that it is for. One that does not go on has ended, and
    what it was billed for is over at `over_at`; `asked`: somebody asked for its end, and no failed payment made it.

    `begun_at` is when it began, `billed_from` when the time began that it was billed for last. `ends`: it is billed no
    more. `told` is the `key` of what arrears asked about its end last, empty where that was nothing or taken back.
    `paused`: no period of it is billed for now; `paused_by` is the key of the pause that arrears asked for last."""

    ref: str
    services: Sequence[str]
    goes_on: bool
    over_at: datetime
    asked: bool = False
    begun_at: datetime = datetime.min.replace(tzinfo=UTC)
    billed_from: datetime = datetime.min.replace(tzinfo=UTC)
    ends: bool = False
    told: str = ""
    paused: bool = False
    paused_by: str = ""


class BilledCustomer(NamedTuple):
    """One customer there with the invoices that matter, and every subscription."""

    account: BookAccount
    invoices: Sequence[BilledInvoice]
    subscriptions: Sequence[BilledSubscription] = ()


class PaymentReport(NamedTuple):
    """A payment, or a part of one, that arrears has for an invoice and the billing system does not know. The same `key`
    is the same report; `reference` is our own name of it."""

    invoice: str
    key: str
    reference: str
    currency: str
    amount_minor: int
    at: datetime


class PaymentReturn(NamedTuple):
    """So much of a payment that was reported has left again. The same `key` is the same word."""

    reported: str
    key: str
    currency: str
    amount_minor: int
    at: datetime


class CreditReport(NamedTuple):
    """So much less is asked of an invoice here. The same `key` is the same word."""

    invoice: str
    key: str
    currency: str
    amount_minor: int


class BillingSystem(Protocol):
    """A billing system. Refuses as `Processor` does: `provider_unreachable`, `provider_denied`, `provider_refused`."""

    @property
    def name(self) -> str:
        """Letters, digits and `-`."""

    @property
    def provider(self) -> str:
        """The payment provider of the same company, whose webhooks it shares; empty where there is none."""

    @property
    def switch(self) -> str:
        """Where a person switches off that it charges by itself, as one sentence."""

    def owns(self, ref: str) -> bool:
        """Whether this is how it names a customer."""

    def time(self, ours: datetime) -> ProviderTime:
        """Its own time, by an answer that it gives now."""

    def customers(self) -> Iterator[str]:
        """Every customer that it bills."""

    def changed_since(self, since: datetime, until: datetime) -> BillingChanges:
        """Whose invoices or subscriptions changed since then, as far as it still tells, and who had been billed for a
        time that was over between both, of a subscription that has ended."""

    def changed_in(self, body: bytes, signature: str, now: datetime) -> BillingChanges:
        """Whose invoices a webhook is about; nothing where it is about something else. Refuses `bad_signature`,
        `old_event`, `wrong_mode`."""

    def read(self, customer: str, options: BillingOptions, since: datetime, also: Set[str]) -> BilledCustomer | None:
        """A customer with every invoice that is open, that came to its end since then, or that `also` names; None where
        there is no such customer."""

    def stop(self, invoice: str) -> None:
        """Charge this invoice no more by yourself."""

    def report(self, report: PaymentReport) -> None:
        """Note what was paid of an invoice. Refuses `provider_refused` where the invoice takes nothing more."""

    def give_back(self, returned: PaymentReturn) -> None:
        """Note that what was reported has left again. No invoice asks for more by it."""

    def end(self, subscription: str, key: str) -> None:
        """Bill this subscription no more; what it was billed for is not touched. `key` is kept there as what asked for
        it. Said again it is the same. Refuses `provider_refused` where it has ended already."""

    def go_on(self, subscription: str) -> None:
        """Take back what `end` asked, and forget its key. Refuses `provider_refused` where it has ended already."""

    def pause(self, subscription: str, key: str) -> None:
        """Bill no further period of this subscription for now; `key` is kept there as what asked for it."""

    def bill_again(self, subscription: str) -> None:
        """Take back what `pause` asked, and forget its key."""

    def void(self, invoice: str) -> None:
        """Withdraw an invoice of which nothing is paid. Refuses `provider_refused` where that is not so."""

    def credit(self, credit: CreditReport) -> None:
        """Ask so much less of an invoice that is open."""

    def give_up(self, invoice: str) -> None:
        """Note that an open invoice will not be paid; it still can be."""


BILLING_COLUMNS: Final[Mapping[str, str]] = {
    "account": "customer",
    "number": "number",
    "name": "name",
    "country": "address",
    "locale": "preferred_locales",
    "mode": "collection_method",
    "email": "email",
    "method": "default_payment_method",
    "services": "lines",
    "issued_on": "effective_at",
    "due_on": "due_date",
    "currency": "currency",
    "total_minor": "amount_due",
    "paid": "payments",
    "taken_back": "payments",
    "ref": "number",
    "paid_on": "payments",
    "disputed": "disputed",
    "standing": "status",
}
"""Where each field of a row stands in a billing system's objects. What is not here it has no word about once an account
is opened: zone, policy, further recipients."""


class BillingBook(Protocol):
    """What is kept of the billing systems that are connected."""

    def billing(self, name: str) -> BillingConnection | None:
        """The connection of this name."""

    def connect_billing(self, name: str, options: BillingOptions, now: datetime) -> None:
        """Connect it, or give it other options; how far it was read stays."""

    def note_billing(self, name: str, read_at: datetime, cursor: datetime | None) -> None:
        """Note how far it was read, by our clock and by its own."""

    def note_billing_informed(self, name: str, event_no: int) -> None:
        """Note up to which of our events it was told."""


class AccountsAndBilling(Accounts, ReceivablesImport, AccountReader, CollectionsRun, EventBook, BillingBook, Protocol):
    """What a billing system beside arrears needs: the import, accounts under their locks, and our own events."""


class BillingStore(AccountsAndBilling, AccountsAndMoney, Protocol):
    """The same with the book of attempts, in which the charges of others stand too."""
