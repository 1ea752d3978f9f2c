"""A payment provider in memory that can do everything, to which anything can happen in any order.

Its book is what is true: what it took, gave back and lost, by payment. What it reports is read from that book anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count

from tests.stories.paying import ADMIN
from tests.stories.story import Story

from arrears.core.payments.values import (
    AttemptCanceled,
    AttemptChange,
    BookLine,
    Change,
    Charge,
    Codes,
    Declined,
    DisputeChange,
    DisputeState,
    HostedPage,
    MethodDetails,
    MethodKind,
    Network,
    NotFound,
    Outcome,
    Paid,
    Processing,
    RefundAnswer,
    RefundChange,
    RefundState,
    Unknown,
)
from arrears.engine.payments import methods, pages, provider_changes, reconciliation, settling
from arrears.engine.payments.providers import Providers
from arrears.ports import Processor


@dataclass
class Taken:
    """A payment in the bank's book."""

    ref: str
    attempt: str
    currency: str
    minor: int
    disputes: dict[str, tuple[int, DisputeState]] = field(default_factory=dict)
    refunds: dict[str, tuple[int, RefundState, str]] = field(default_factory=dict)

    @property
    def disputed(self) -> int:
        """What the payer's bank holds of it."""
        return sum(minor for minor, state in self.disputes.values() if state in (DisputeState.OPEN, DisputeState.LOST))

    @property
    def refunded(self) -> int:
        """What was given back of it."""
        return sum(minor for minor, state, _ in self.refunds.values() if state is RefundState.DONE)


class Bank(Processor):
    """Takes every card but `empty`; while it is `silent` nothing that it does is answered."""

    name = "bank"
    live = False

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.said: dict[str, Outcome] = {}
        self.pages: dict[str, Charge] = {}
        self.taken: dict[str, Taken] = {}
        self.forgotten: set[str] = set()
        self.silent = False
        self.refuses = {"empty"}
        self.no_refunds = False
        self.keys_forgotten = False
        """Whether a charge that was made before is made again when it is asked for again."""
        self.tells: Callable[[], None] = lambda: None
        """What it does before it answers a charge."""
        self.renewed_until: date | None = None
        self._keys: dict[str, RefundAnswer] = {}
        self._numbers = count(1)

    # -- attempts ------------------------------------------------------------------------------------------------

    def charge(self, charge: Charge) -> Outcome:
        """See ports.Processor."""
        if charge.attempt not in self.said or self.keys_forgotten:
            empty = charge.method_ref in self.refuses
            codes = Codes("insufficient_funds", "51")
            declined = Declined(f"d-{charge.attempt}", codes, self._now())
            self.said[charge.attempt] = declined if empty else self._take(charge)
        self.tells()
        return Unknown("no answer") if self.silent else self.said[charge.attempt]

    def _take(self, charge: Charge) -> Paid:
        ref = f"p-{charge.attempt}"
        ref = f"{ref}-again" if ref in self.taken else ref
        self.taken[ref] = Taken(ref, charge.attempt, charge.currency, charge.amount_minor)
        return Paid(ref, charge.amount_minor, charge.currency, self._now())

    def look_up(self, attempt: str, customer_ref: str, ref: str, since: datetime) -> Outcome:
        """See ports.Processor."""
        if self.silent:
            return Unknown("no answer")
        return self.said.get(attempt, NotFound())

    def open_payment(self, charge: Charge, expires_at: datetime, locale: str) -> HostedPage:
        """See ports.Processor."""
        self.pages[charge.attempt] = charge
        return HostedPage(f"page-{charge.attempt}", "https://bank.example/", expires_at)

    def pay_on_page(self) -> None:
        """The payer pays on the newest page that is open; nobody hears of it yet."""
        for attempt, charge in reversed(self.pages.items()):
            if attempt not in self.said:
                self.said[attempt] = self._take(charge)
                return

    def expire_payment(self, ref: str, key: str) -> Outcome:
        """See ports.Processor."""
        attempt = ref.removeprefix("page-")
        return self.said.setdefault(attempt, AttemptCanceled("", reached_network=False))

    def renew(self, method_ref: str, month: int, year: int, key: str) -> MethodDetails:
        """See ports.Processor."""
        network, until = Network.UNKNOWN, self.renewed_until
        return MethodDetails(method_ref, "customer", MethodKind.CARD, network, method_ref, method_ref, expires_on=until)

    def forget(self, method_ref: str, key: str) -> None:
        """See ports.Processor."""
        self.forgotten.add(method_ref)

    # -- money that leaves again -----------------------------------------------------------------------------------

    def refund(self, payment_ref: str, amount_minor: int, currency: str, key: str) -> RefundAnswer:
        """See ports.Processor. The same key is the same refund."""
        if key not in self._keys:
            one = self.taken[payment_ref]
            if self.no_refunds or amount_minor > one.minor - one.refunded - one.disputed:
                self._keys[key] = RefundAnswer(RefundState.REFUSED, why="there is not so much")
            else:
                ref = f"r-{next(self._numbers)}"
                one.refunds[ref] = (amount_minor, RefundState.DONE, key)
                self._keys[key] = RefundAnswer(RefundState.DONE, ref)
        return RefundAnswer(RefundState.UNKNOWN) if self.silent else self._keys[key]

    def look_up_refund(self, payment_ref: str, key: str) -> RefundAnswer:
        """See ports.Processor."""
        return self._keys.get(key, RefundAnswer(RefundState.REFUSED))

    def fail_refunds(self) -> None:
        """Every refund comes back."""
        for one in self.taken.values():
            one.refunds = {ref: (minor, RefundState.REFUSED, key) for ref, (minor, _, key) in one.refunds.items()}

    def dispute(self, ref: str, state: DisputeState = DisputeState.OPEN, minor: int = 0, name: str = "") -> str:
        """The payer's bank takes all or a part back; the dispute's reference."""
        one = self.taken[ref]
        name = name or f"dispute-{next(self._numbers)}"
        one.disputes[name] = (minor or one.minor, state)
        return name

    # -- what it reports -------------------------------------------------------------------------------------------

    def changes_since(self, since: datetime) -> Iterator[Change]:
        """See ports.Processor: everything, each time."""
        for attempt, outcome in list(self.said.items()):
            yield AttemptChange(attempt, outcome)
        for one in list(self.taken.values()):
            for ref, (minor, state, key) in one.refunds.items():
                yield RefundChange(one.ref, ref, key, state, minor, one.currency)
            for ref, (minor, ruled) in one.disputes.items():
                yield DisputeChange(one.ref, ref, ruled, minor, one.currency)

    def book(self, since: datetime, until: datetime) -> Iterator[BookLine]:
        """See ports.Processor."""
        for one in self.taken.values():
            yield BookLine(one.ref, one.attempt, one.currency, one.minor, one.refunded, one.disputed, self._now())


class Banked(Story):
    """A story whose account pays at the bank."""

    def __init__(self, *, bill: bool = True) -> None:
        super().__init__(bill=False)
        self.bank = Bank(lambda: self.now)
        self.stage.providers = self.providers = Providers({"bank": self.bank})
        if bill:
            self.bill(-1)

    def card(self, name: str = "approve", *, active: bool = True) -> int:
        """A card of this name, stored and made active where nothing is past due; its number."""
        details = MethodDetails(name, "customer", MethodKind.CARD, Network.UNKNOWN, name, name)
        number = methods.add(self.store, self.providers, self.no, "bank", details, self.now, ADMIN)
        if active and not self.account.past_due:
            methods.activate(self.store, self.no, number, self.now, ADMIN)
        return number

    def settle(self, method: int, part: int = 0, also: Sequence[int] = ()) -> list[str]:
        """Pay everything, or a part, with a method: the states of the attempts."""
        shown = {q.currency: q.hash for q in settling.quote(self.store, self.no, self.now, also)}
        parts = dict.fromkeys(shown, part) if part else {}
        found = settling.settle(
            self.store, self.providers, self.no, shown, method, lambda: self.now, ADMIN, also=also, part_minor=parts
        )
        self.stage.perform()
        return [r.attempt.state for r in found]

    def open_page(self) -> None:
        """The pay link's page for everything owed."""
        shown = {q.currency: q.hash for q in settling.quote(self.store, self.no, self.now)}
        pages.open_page(self.store, self.providers, self.no, shown, self.now, "paylink:1")

    def hear(self, *changes: Change) -> None:
        """The bank reports this, or else everything that is so."""
        for change in changes or tuple(self.bank.changes_since(self.now)):
            provider_changes.apply(self.store, "bank", change, self.now)
        self.stage.perform()

    def books(self) -> dict[str, object]:
        """What is owed, what is credit, and what the ledger has of the bank's money."""
        return {
            "open": {d.number: d.open_minor for d in self.account.debts},
            "credit": self.account.credit,
            "held": sorted({h.target for h in self.account.holds if h.ended_at is None}),
            "ours": {c: m for c, m in self.store.provider_net("bank", self.instant(-30)).items() if m},
        }

    def agrees(self) -> None:
        """Nothing is broken, and the bank's book is ours to the cent."""
        found = reconciliation.check(self.store, self.bank, self.instant(-30), self.now + timedelta(days=1))
        assert found.differences == ()
        self.check()


__all__ = ["ADMIN", "Bank", "Banked", "DisputeState", "Processing"]
