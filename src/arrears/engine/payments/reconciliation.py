"""Our ledger against the provider's own book: equal per currency and per attempt, or each difference named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from arrears.core.ids import ACCOUNT, format_id
from arrears.core.money import format_amount
from arrears.core.payments.provider_time import KEPT
from arrears.core.payments.trail import KINDS, trail_of
from arrears.core.payments.values import AttemptChange, BookLine, Paid
from arrears.engine.payments.attempts import attempt_ref, payment_ref
from arrears.engine.payments.provider_changes import attempt_of, known
from arrears.ports import AccountReader, Processor, ProviderBook, SweepBook


class BookDifference(StrEnum):
    """How two books can differ about one payment, or about a currency's sum."""

    SUM = "sum"
    BANK_HAS_LESS = "bank_has_less"
    TAKEN_TWICE = "taken_twice"
    NOT_BOOKED = "not_booked"
    OTHER_AMOUNT = "other_amount"
    OTHER_ACCOUNT = "other_account"
    NOT_TAKEN = "not_taken"


class Difference(NamedTuple):
    """One difference: its code, the payment it is about (empty where it is a sum), what each book has in minor units of
    the currency (None where a book does not have it), and the same for people."""

    code: BookDifference
    payment: str
    currency: str
    ours_minor: int | None
    theirs_minor: int | None
    words: str

    def __str__(self) -> str:
        return self.words


class MoneyCheck(NamedTuple):
    """`ours` and `theirs` are net sums per currency in minor units; `compared` counts payments."""

    provider: str
    compared: int
    ours: dict[str, int]
    theirs: dict[str, int]
    differences: tuple[Difference, ...]

    @property
    def holds(self) -> bool:
        """Whether the two books agree to the cent."""
        return not self.differences


def check(store: ProviderBook, processor: Processor, since: datetime, until: datetime) -> MoneyCheck:
    """Compare the payments that were made in [since, until)."""
    name = processor.name
    lines = [line for line in processor.book(since, until) if line.attempt and _ours(store, line)]
    ours = {ref: (account, currency, minor) for ref, account, currency, minor in store.provider_payments(name, since)}
    differences = [*_each(name, lines, dict(ours)), *_held(store, name, lines, ours)]
    theirs: dict[str, int] = {}
    for line in lines:
        left = line.taken_minor - line.refunded_minor - line.disputed_minor
        theirs[line.currency] = theirs.get(line.currency, 0) + left
    theirs = {currency: minor for currency, minor in theirs.items() if minor}
    sums = {currency: minor for currency, minor in store.provider_net(name, since).items() if minor}
    for currency in sorted({*sums, *theirs}):
        a, b = sums.get(currency, 0), theirs.get(currency, 0)
        if a != b:
            told = f"the ledger has {format_amount(a, currency)}, {name} has {format_amount(b, currency)}"
            differences.append(Difference(BookDifference.SUM, "", currency, a, b, f"{currency}: {told}"))
    return MoneyCheck(name, len(lines), sums, theirs, tuple(differences))


UNHEARD_MAX: Final = 100
"""So many are looked at."""


class Unheard(NamedTuple):
    """An attempt that has been open for longer than a provider tells of what has changed: it may have ended long ago,
    unheard. `days`: how far back the providers' own books are to be read so that it is among what is read."""

    account: str
    attempt: int
    currency: str
    amount_minor: int
    days: int

    def __str__(self) -> str:
        sum_of_it = format_amount(self.amount_minor, self.currency)
        return (
            f"{self.account}: attempt {self.attempt} of {sum_of_it} has been open for {self.days} days, and nobody"
            f" tells of it any more; arrears money check --days {self.days + 1} reads what became of it"
        )


class _Attempts(SweepBook, AccountReader, Protocol):
    """What is read to find what is unheard."""


def unheard(store: _Attempts, now: datetime) -> list[Unheard]:
    """The attempts that began before what providers still tell of, the longest first."""
    old = store.open_attempts(now - KEPT, UNHEARD_MAX)
    accounts = store.snapshots(sorted({number for number, _ in old}))
    found = []
    for number, no in old:
        attempt = accounts[number].attempt(no) if number in accounts else None
        if attempt is not None:
            days = (now - attempt.created_at) // timedelta(days=1)
            money = (attempt.currency, attempt.amount_minor)
            found.append(Unheard(format_id(ACCOUNT, number), no, *money, days))
    return sorted(found, key=lambda one: -one.days)


def _ours(store: ProviderBook, line: BookLine) -> bool:
    paid = Paid(line.payment_ref, line.taken_minor, line.currency, line.at)
    return known(store, AttemptChange(line.attempt, paid, line.certain))


def _held(
    store: ProviderBook, name: str, lines: list[BookLine], ours: Mapping[str, tuple[int, str, int]]
) -> Iterator[Difference]:
    """Where a payment pays more here than the provider still has of it, not counting what was given back in kindness:
    what was taken back of it must be owed again."""
    left = {payment_ref(name, line.payment_ref): line for line in lines if line.refunded_minor or line.disputed_minor}
    accounts = sorted({ours[ref][0] for ref in left if ref in ours})
    trails = {number: trail_of(facts) for number, facts in store.facts_of(accounts, KINDS).items()}
    for ref, line in left.items():
        traced = trails[ours[ref][0]].payments.get(ref) if ref in ours else None
        most = max(0, line.taken_minor - line.disputed_minor)
        if traced is not None and traced.pays > most:
            pays, has = format_amount(traced.pays, line.currency), format_amount(most, line.currency)
            said = f"{line.payment_ref}: it pays {pays} here, and the payer's bank has left {has} of it"
            yield Difference(BookDifference.BANK_HAS_LESS, line.payment_ref, line.currency, traced.pays, most, said)


def _each(name: str, lines: list[BookLine], ours: dict[str, tuple[int, str, int]]) -> Iterator[Difference]:
    seen: dict[str, str] = {}
    for line in lines:
        ref = payment_ref(name, line.payment_ref)
        if line.attempt in seen:
            said = f"{line.attempt} was taken twice: {seen[line.attempt]} and {line.payment_ref}"
            yield _about(line, BookDifference.TAKEN_TWICE, None, said)
        seen[line.attempt] = line.payment_ref
        booked = ours.pop(ref, None)
        if booked is None:
            took = format_amount(line.taken_minor, line.currency)
            said = f"{line.payment_ref} ({line.attempt}) took {took} and is not in our ledger"
            yield _about(line, BookDifference.NOT_BOOKED, None, said)
        else:
            yield from _booked(line, booked)
    for ref, (_, currency, minor) in ours.items():
        if not ref.endswith("-won"):
            said = f"{ref}: we booked {minor} {currency}, and {name} does not have it"
            yield Difference(BookDifference.NOT_TAKEN, ref, currency, minor, None, said)


def _booked(line: BookLine, booked: tuple[int, str, int]) -> Iterator[Difference]:
    """What differs about a payment that both books have."""
    account, currency, minor = booked
    place = attempt_of(line.attempt)
    if (currency, minor) != (line.currency, line.taken_minor):
        said = f"{line.payment_ref}: we booked {minor} {currency}, it took {line.taken_minor} {line.currency}"
        yield _about(line, BookDifference.OTHER_AMOUNT, minor, said)
    elif place is None or place[0] != account:
        said = f"{line.payment_ref} is of {line.attempt} and was booked on {attempt_ref(account, 0)}"
        yield _about(line, BookDifference.OTHER_ACCOUNT, minor, said)


def _about(line: BookLine, code: BookDifference, ours_minor: int | None, said: str) -> Difference:
    return Difference(code, line.payment_ref, line.currency, ours_minor, line.taken_minor, said)
