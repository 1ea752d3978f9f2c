"""Payment providers, and what is asked about methods, attempts and payments besides the accounts' own values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple, Protocol

from arrears.core.account import Debt
from arrears.core.facts import PaymentBooked
from arrears.core.payments.values import (
    BookLine,
    Change,
    Charge,
    HostedPage,
    MethodDetails,
    Outcome,
    RefundAnswer,
    SetupOutcome,
)


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
    """The methods, attempts and payments of accounts, besides what the accounts' own values hold of them."""

    def method(self, account: int, number: int) -> MethodRecord:
        """One payment method, removed or not; refuses `unknown_method`."""

    def methods(self, account: int) -> Sequence[MethodRecord]:
        """All payment methods of an account by number, removed ones too."""

    def attempts(self, account: int) -> Sequence[AttemptRecord]:
        """Every attempt of an account by number, over or not."""

    def payment(self, ref: str) -> PaymentRecord | None:
        """The payment booked under this reference."""

    def payment_of_fact(self, account: int, seq: int) -> str:
        """The reference of the payment in whose transaction fact `seq` was recorded; empty where there was none."""

    def invoices(self, account: int) -> Mapping[int, Debt]:
        """Every debt of an account as it was issued, paid or not, by its number."""

    def refund_known(self, ref: str) -> bool:
        """Whether a refund with this reference is in the book."""

    def refunded_minor(self, payment_ref: str) -> int:
        """How many minor units of a payment have left again without reopening anything."""


class SweepBook(Protocol):
    """What the sweep of the payment providers remembers, and what it has to ask them about."""

    def open_attempts(self, before: datetime, limit: int) -> Sequence[tuple[int, int]]:
        """Up to `limit` attempts (account, number) that have been open and unmoved since `before`, the longest first;
        those that wait for their payer or the bank come last."""

    def attempts_finished_since(self, since: datetime) -> tuple[int, int]:
        """How many attempts were declined, and how many ended at all (paid or declined), since then."""

    def swept_until(self, provider: str) -> datetime | None:
        """The instant up to which everything of this provider has been read; None before the first sweep."""

    def set_swept(self, provider: str, until: datetime) -> None:
        """Note that everything of this provider has been read up to `until`."""


class ProviderBook(Protocol):
    """What came from one payment provider, by our own book: compared with the provider's."""

    def provider_payments(self, provider: str, since: datetime) -> Sequence[tuple[str, int, str, int]]:
        """Every payment booked from a provider since then: reference, account, currency, minor units."""

    def provider_net(self, provider: str, since: datetime) -> Mapping[str, int]:
        """By the ledger: what came from a provider since then less what left again, in minor units by currency."""


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
