"""Payment providers, and what is asked about methods, attempts and payments besides the accounts' own values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol

from arrears.core.account import Debt
from arrears.core.errors import Refused
from arrears.core.facts import Fact, PaymentBooked, Recorded
from arrears.core.payments.limits import AmountLimits
from arrears.core.payments.planner import Tried
from arrears.core.payments.provider_time import ProviderTime
from arrears.core.payments.values import (
    BookLine,
    CardsTried,
    Change,
    Charge,
    HostedPage,
    MethodDetails,
    Outcome,
    RefundAnswer,
    RefundState,
    SetupOutcome,
    Unknown,
)
from arrears.core.receivables import NamedMethod

if TYPE_CHECKING:
    from arrears.ports.billing import BillingSystem

TRIES_MAX: Final = 1000
"""More than any network allows on one card in any window that its rules look back."""


FOREIGN_KEPT: Final = timedelta(days=35)
"""For how long it is known what was met of other installations: they may have any amount of it."""


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
    """An attempt as the book has it, over or not. `at_provider` is its method's provider, of a page the one that opened
    it; empty for a page from before that was recorded."""

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
    at_provider: str


class PaymentRecord(NamedTuple):
    """A payment that was booked: by which fact, and on which debts."""

    account: int
    seq: int
    fact: PaymentBooked


MethodAndTries = tuple[MethodRecord, Sequence[Tried]]
"""One payment method, and what the accounts besides its own have tried on the same card."""


class MoneyBook(Protocol):
    """The methods, attempts and payments of accounts, besides what the accounts' own values hold of them."""

    def method(self, account: int, number: int) -> MethodRecord:
        """One payment method, removed or not; refuses `unknown_method`."""

    def method_and_tries(self, account: int, number: int) -> MethodAndTries:
        """One payment method, and what the accounts besides this one have tried on the same card: the networks count
        on the card, whoever's it is. Of what was paid elsewhere only what came with advice is told; of all that is, the
        newest TRIES_MAX. Refuses `unknown_method`."""

    def tries_elsewhere(self, account: int) -> Mapping[int, Sequence[Tried]]:
        """The same of every method of an account on whose card others have tried anything, by its number."""

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

    def facts_of(self, numbers: Sequence[int], kinds: Sequence[type[Fact]]) -> Mapping[int, Sequence[Recorded]]:
        """The facts of these kinds of each account, in order; with no facts, an account may be missing."""


MethodAnswer = Literal["waiting", "added", "refused"]
"""What became of a method that a book names: nobody has looked yet, it was added, or it cannot be used."""


class WaitingMethod(NamedTuple):
    """A method that a book names and that nobody has looked at yet: of which account, since when, and which other
    accounts name or have the same."""

    account: int
    method: NamedMethod
    named_at: datetime
    also: Sequence[int]


class NamedMethodBook(Protocol):
    """The payment methods that books say customers have at a provider already."""

    def waiting_methods(self, providers: Sequence[str], limit: int) -> Sequence[WaitingMethod]:
        """Up to `limit` at these providers that nobody has looked at, in the order of their accounts."""

    def answer_method(self, account: int, method: NamedMethod, answer: MethodAnswer, why: str) -> None:
        """Note what became of it, unless the book names another one by now."""

    def refused_methods(self, accounts: Sequence[int]) -> Mapping[int, str]:
        """Why the method that a book names for these accounts cannot be used; without those where it can."""

    def named_methods(self) -> Mapping[tuple[str, MethodAnswer], int]:
        """How many there are at each provider of each answer."""


class SweepBook(Protocol):
    """What the sweep of the payment providers remembers, and what it has to ask them about."""

    def open_attempts(self, before: datetime, limit: int) -> Sequence[tuple[int, int]]:
        """Up to `limit` attempts (account, number) that have been open and unmoved since `before`, the longest first;
        those that wait for their payer or the bank come last."""

    def attempts_finished_since(self, since: datetime) -> tuple[int, int]:
        """How many attempts were declined, and how many ended at all (paid or declined), since then. Not those with a
        method whose attempt before was declined too: that it does not pay is known, and retries come in one hour."""

    def swept_until(self, provider: str) -> datetime | None:
        """When, by our own clock, this provider was last read; None before the first sweep."""

    def swept_cursor(self, provider: str) -> datetime | None:
        """The instant, by the provider's own clock, up to which everything there has been read; None where nothing is
        known to have been."""

    def set_swept(self, provider: str, at: datetime, cursor: datetime | None) -> None:
        """Note that this provider was read `at` an instant of our clock, and up to `cursor` by its own. Either may be
        earlier than what was noted before: then a clock went back."""

    def note_foreign(self, provider: str, ref: str, installation: str, now: datetime) -> None:
        """Note that something of another installation was met; once for each reference, and for 35 days."""

    def foreign_met(self) -> Mapping[str, int]:
        """How much of that was met at each provider."""


class ProviderBook(Protocol):
    """What came from one payment provider, by our own book: compared with the provider's."""

    def attempts(self, account: int) -> Sequence[AttemptRecord]:
        """See MoneyBook."""

    def provider_payments(self, provider: str, since: datetime) -> Sequence[tuple[str, int, str, int]]:
        """Every payment booked from a provider since then: reference, account, currency, minor units."""

    def facts_of(self, numbers: Sequence[int], kinds: Sequence[type[Fact]]) -> Mapping[int, Sequence[Recorded]]:
        """See MoneyBook."""

    def provider_net(self, provider: str, since: datetime) -> Mapping[str, int]:
        """By the ledger: what came from a provider since then less what left again, in minor units by currency."""


class Processor(ABC):
    """A payment provider: what every adapter is, and may build on.

    `charge` and `look_up` are all that it must have. What else it leaves as it is here, it does without: each method
    says what then happens, and those that nothing can stand in for refuse `not_supported` in one line. Every call may
    be repeated with the same key; none is made inside a transaction.

    Refuses `provider_refused` for a request that is our own mistake, `provider_denied` where our key may not ask this:
    nothing happened. A charge that the provider would never take is AttemptCanceled, with its reason. Where the answer
    did not come, `charge`, `look_up`, `cancel` and `refund` say Unknown and never raise.
    """

    name: str
    """Letters, digits, `-` and `_`, as its adapter's folder: it stands in addresses, and with a colon before the
    provider's own references."""

    live: bool
    """Whether this moves real money. Objects and events of the other kind are refused across."""

    signature_header: str = ""
    """The header in which its webhooks carry their signature."""

    def supports(self, method: Callable[..., object]) -> bool:
        """Whether this provider has a method of its own: `supports(Processor.open_setup)`."""
        return getattr(type(self), method.__name__) is not method

    def must_support(self, method: Callable[..., object]) -> None:
        """Refuse `not_supported` unless it does, before anything is recorded that could not be carried out."""
        if not self.supports(method):
            raise self._without(method)

    def _without(self, method: Callable[..., object]) -> Refused:
        return Refused("not_supported", f"payment provider {self.name!r} cannot {OPTIONAL[method.__name__]}")

    @abstractmethod
    def charge(self, charge: Charge) -> Outcome:
        """Take money from a stored method."""

    @abstractmethod
    def look_up(self, attempt: str, customer_ref: str, ref: str, since: datetime) -> Outcome:
        """What the provider has under our reference; `ref` may be empty when it was never learnt."""

    def limits(self) -> Mapping[str, AmountLimits]:
        """What one charge can be, by currency; without it any amount of any currency."""
        return {}

    def takes(self, amount_minor: int, currency: str) -> None:  # noqa: B027 - without it every amount may be tried
        """Refuse `provider_refused`, without asking anybody, where exactly this amount can never be charged."""

    def cancel(self, attempt: str, customer_ref: str, ref: str, key: str) -> Outcome:
        """Make sure that an attempt never takes money: AttemptCanceled is the proof, Paid that it was too late.

        Without it nothing is ended, and there is no proof: what is open stays open until a look-up says otherwise.
        """
        return Unknown(f"payment provider {self.name!r} cannot end a payment", ref)

    def use_up(self, charge: Charge) -> bool:
        """Whether it is certain that this charge, of which nothing was found, can never be made any more: its key now
        stands for something that takes nothing, so that a request that is still under way is refused. Asked again it is
        the same. Without it there is no such proof before a day is over."""
        return False

    def open_setup(self, key: str, account: int, customer_ref: str, locale: str, return_url: str) -> HostedPage:
        """A page to set up a method for later use; `customer_ref` may be empty, then one is made."""
        raise self._without(Processor.open_setup)

    def setup_outcome(self, ref: str) -> SetupOutcome:
        """What became of a set-up page."""
        raise self._without(Processor.setup_outcome)

    def open_payment(self, charge: Charge, expires_at: datetime, locale: str) -> HostedPage:
        """A page to pay exactly this once, storing nothing; it ends at `expires_at` or the provider's minimum."""
        raise self._without(Processor.open_payment)

    def expire_payment(self, ref: str, key: str) -> Outcome:
        """End such a page: AttemptCanceled is the proof that nobody can pay on it any more, Paid that somebody did.
        NotFound: the provider knows no such page, which proves nothing before a page's longest life is over."""
        raise self._without(Processor.expire_payment)

    def renew(self, method_ref: str, month: int, year: int, key: str) -> MethodDetails:
        """The same card with a new expiry."""
        raise self._without(Processor.renew)

    def show(self, method_ref: str) -> MethodDetails:
        """A stored method as it is now. Refuses `unknown_method` where there is none of that name, or it cannot
        be charged."""
        raise self._without(Processor.show)

    def forget(self, method_ref: str, key: str) -> None:  # noqa: B027 - without it there is nothing to remove there
        """Remove a stored method at the provider. Without it the method is forgotten here only."""

    def refund(self, payment_ref: str, amount_minor: int, currency: str, key: str) -> RefundAnswer:
        """Give money back, all or a part, in the currency of the payment."""
        raise self._without(Processor.refund)

    def look_up_refund(self, payment_ref: str, key: str) -> RefundAnswer:
        """What became of a refund that was asked for with this key, so long ago that to find none is proof: then it is
        REFUSED."""
        return RefundAnswer(RefundState.UNKNOWN, why=f"payment provider {self.name!r} cannot look up a refund")

    def tried_on(self, ref: str) -> CardsTried | None:
        """What was tried in vain on one of our payment pages, or None. Without it nothing of that is known."""
        return None

    def changes_in(self, body: bytes, signature: str, now: datetime) -> Sequence[Change]:
        """What a webhook says happened, with the objects read anew: of money that has left, its payment before
        it. Refuses `bad_signature`, `old_event`, `wrong_mode`; an event of no interest gives nothing."""
        raise self._without(Processor.changes_in)

    def changes_since(self, since: datetime) -> Iterator[Change]:
        """The sweep: everything of ours that was created or ended since then, in any order but one: money
        that has left comes after its payment, told once more where that is older. What leaves a payment that is not
        booked is taken for another's.

        Without it nothing is read: what is open is still looked up, one by one, but money that leaves again is not
        noticed.
        """
        return iter(())

    def billing(self) -> BillingSystem | None:
        """The same company's billing system, with the same key. Without it there is none."""
        return None

    def time(self, ours: datetime) -> ProviderTime:
        """The provider's own time, by an answer that it gives now; `ours` is what our clock says. Without it, that is
        taken for its time too. Refuses as `changes_since` does."""
        return ProviderTime(ours, ours)

    def book(self, since: datetime, until: datetime) -> Iterator[BookLine]:
        """The provider's own book of the payments created in [since, until)."""
        raise self._without(Processor.book)


OPTIONAL: Final[Mapping[str, str]] = {
    "open_setup": "set up a payment method on a page of its own",
    "setup_outcome": "set up a payment method on a page of its own",
    "open_payment": "take a payment on a page of its own",
    "expire_payment": "take a payment on a page of its own",
    "renew": "take a card's new expiry",
    "show": "show a payment method that it has",
    "refund": "give money back from here",
    "changes_in": "report by webhook",
    "book": "show its book of payments",
}
"""What a provider cannot do that leaves a method of `Processor` as it is, in words for staff."""
