"""A payment provider inside the made-up world: no network, no pages, but as truthful and as unreliable.

What it answers is drawn from the seed and the attempt's key, so asking again with the same key is the same charge.
Payers learn what was taken from them by it, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, Protocol
from zlib import crc32

from arrears.core.payments.values import (
    AttemptCanceled,
    Charge,
    Codes,
    Declined,
    Funding,
    MethodDetails,
    MethodKind,
    NeedsCustomer,
    Network,
    NotFound,
    Outcome,
    Paid,
    Unknown,
)
from arrears.engine.payments import methods
from arrears.engine.payments.provider_changes import attempt_of
from arrears.engine.payments.providers import Providers
from arrears.engine.payments.settling import quote, settle
from arrears.ports import AccountReader, AccountsAndMoney, AccountViews, Processor, ProviderBook
from arrears.sim.events import GetCard, SettleByCard
from arrears.sim.people import SimulatedPerson

NAME: Final = "bank"
SOFT: Final = (Codes("insufficient_funds", "51", "24"), Codes("do_not_honor", "05"), Codes("generic", "91", "02"))
HARD: Final = (Codes("stolen_card", "43", "03"), Codes("no_account", "14", "03"))


class BankRecords(AccountReader, AccountViews, ProviderBook, Protocol):
    """What the bank looks up of ours: the accounts, and what we booked from it."""


class Bank(Processor):
    """See ports.Processor, as far as a world without pages needs it."""

    name = NAME
    live = False

    def __init__(
        self, seed: int, store: BankRecords, people: Mapping[int, SimulatedPerson], now: Callable[[], datetime]
    ) -> None:
        self._seed, self._store, self._people, self._now = seed, store, people, now
        self._said: dict[str, Outcome] = {}
        self._found: dict[str, Outcome] = {}
        self.taken: dict[str, tuple[int, str, int]] = {}
        """By payment reference: account, currency, minor units."""
        self.providers = Providers({NAME: self})

    def charge(self, charge: Charge) -> Outcome:
        """See ports.Processor."""
        if charge.key not in self._said:
            self._said[charge.key] = self._new(charge)
        return self._said[charge.key]

    def look_up(self, attempt: str, customer_ref: str, ref: str, since: datetime) -> Outcome:
        """See ports.Processor."""
        return self._found.get(attempt, NotFound())

    def cancel(self, attempt: str, customer_ref: str, ref: str, key: str) -> Outcome:
        """See ports.Processor."""
        found = self._found.get(attempt)
        if isinstance(found, NeedsCustomer):
            self._found[attempt] = AttemptCanceled(found.ref, reached_network=True)
        return self._found.get(attempt, NotFound())

    def disagreements(self) -> Iterator[str]:
        """Where the engine's ledger and this bank's book differ."""
        booked = {ref: (account, currency, minor) for ref, account, currency, minor in self._booked()}
        for ref in sorted({*booked, *self.taken}):
            if booked.get(ref) != self.taken.get(ref):
                yield f"payment {ref}: the ledger has {booked.get(ref)}, the bank took {self.taken.get(ref)}"

    def _booked(self) -> Sequence[tuple[str, int, str, int]]:
        return self._store.provider_payments(NAME, datetime.min.replace(tzinfo=self._now().tzinfo))

    def _new(self, charge: Charge) -> Outcome:
        lot = crc32(f"{self._seed}/{charge.key}".encode()) % 100
        ref, at = f"pi-{charge.attempt}", self._now()
        if lot < 60:
            return self._take(charge, ref)
        if lot < 64:
            self._take(charge, ref)
            return Unknown("the answer was lost")
        if lot < 67:
            return Unknown("the request was lost")
        if lot < 75:
            waits = NeedsCustomer(ref, "", at)
            self._found[charge.attempt] = waits
            return waits
        codes = HARD[lot % 2] if lot >= 94 else SOFT[lot % 3]
        self._found[charge.attempt] = Declined(ref, codes, at)
        return self._found[charge.attempt]

    def _take(self, charge: Charge, ref: str) -> Outcome:
        paid = Paid(ref, charge.amount_minor, charge.currency, self._now())
        self._found[charge.attempt] = paid
        place = attempt_of(charge.attempt)
        assert place is not None, charge.attempt
        account, number = place
        self.taken[f"{NAME}:{ref}"] = (account, charge.currency, charge.amount_minor)
        attempt = self._store.snapshots([account])[account].attempt(number)
        assert attempt is not None, "it is recorded before anybody is asked"
        for part in attempt.parts:
            self._people[account].bills[part.debt].paid += part.minor
        return paid


def by_card(
    store: AccountsAndMoney, bank: Bank, person: SimulatedPerson, event: GetCard | SettleByCard, now: datetime
) -> None:
    """What a payer does with cards."""
    if isinstance(event, GetCard):
        _get_card(store, bank, person, now)
    else:
        _settle(store, bank, person, now, new_card=event.new_card)


def _get_card(store: AccountsAndMoney, bank: Bank, person: SimulatedPerson, now: datetime) -> int:
    """Set up a card; where nothing is past due it pays for everything from now on."""
    person.count += 1
    name = f"card-{person.no}-{person.count}"
    details = MethodDetails(
        ref=name,
        customer_ref=f"customer-{person.no}",
        kind=MethodKind.CARD,
        network=(Network.VISA, Network.MASTERCARD, Network.UNKNOWN)[person.count % 3],
        fingerprint=name,
        label=f"card {person.count}",
        funding=Funding.CREDIT,
        expires_on=date(now.year + 1, now.month, 1) - timedelta(days=1),
    )
    number = methods.add(store, bank.providers, person.no, NAME, details, now, f"person:{person.no}")
    if not store.snapshots([person.no])[person.no].past_due:
        methods.activate(store, person.no, number, now, f"person:{person.no}")
    return number


def _settle(store: AccountsAndMoney, bank: Bank, person: SimulatedPerson, now: datetime, *, new_card: bool) -> None:
    """Pay everything that is shown, with the newest card or a new one."""
    known = [m.no for m in store.methods(person.no) if not m.removed]
    number = known[-1] if known and not new_card else _get_card(store, bank, person, now)
    shown = {q.currency: q.hash for q in quote(store, person.no, now)}
    if shown:
        settle(store, bank.providers, person.no, shown, number, lambda: now, f"person:{person.no}")
