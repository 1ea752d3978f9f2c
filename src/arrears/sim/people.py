"""Made-up people: what they buy, when they pay, what they forget, dispute, cancel and return.

Each account draws from a generator of its own, so that neither the order of accounts nor the store behind them
changes anybody's life. People keep their own books, and those are asked whether a cut was wrongful: they know
nothing of the state that the engine keeps.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from arrears.core.account import ALL_STOPS, Account, DoubtKind, HoldScope, Mode, Stop
from arrears.core.calendar import Calendar, calendar_of
from arrears.sim.events import (
    BillDue,
    Block,
    Cancel,
    DeclineByBank,
    DisputeByCustomer,
    Event,
    GetCard,
    GiveUp,
    Move,
    Pay,
    PayEverything,
    PlaceHold,
    Raise,
    Return,
    SettleByCard,
)

ZONES: Final = (
    "Pacific/Niue",
    "Pacific/Pago_Pago",
    "America/Los_Angeles",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Atlantic/Azores",
    "UTC",
    "Europe/Amsterdam",
    "Europe/Dublin",
    "Africa/Cairo",
    "Asia/Beirut",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Apia",
    "Pacific/Kiritimati",
)

PRICES: Final = {"EUR": (900, 49_900), "USD": (500, 99_900), "JPY": (800, 60_000), "KWD": (1_000, 90_000)}
SERVICES: Final = ("cloud", "mail", "archive")


class Mix(NamedTuple):
    """What kind of book a world has: how often each character is met, one against the other, and of a hundred
    accounts, how many have holds, doubts and blocks in store, and how many take hardly any mail."""

    characters: Mapping[str, int]
    troubled_percent: int
    deaf_percent: int


TROUBLED: Final = Mix(
    {
        "punctual": 30,
        "late": 18,
        "in_parts": 8,
        "forgetful": 9,
        "disputing": 7,
        "vanishing": 8,
        "canceling": 7,
        "overpaying": 5,
        "declined": 4,
        "by_card": 12,
        "returning": 4,
    },
    troubled_percent=25,
    deaf_percent=6,
)
"""Two thirds give trouble: as much of the ladder as fits into a year."""

ORDINARY: Final = Mix(
    {
        "punctual": 152,
        "late": 8,
        "in_parts": 2,
        "forgetful": 6,
        "disputing": 2,
        "vanishing": 4,
        "canceling": 6,
        "overpaying": 4,
        "declined": 4,
        "by_card": 10,
        "returning": 2,
    },
    troubled_percent=3,
    deaf_percent=1,
)
"""A business as it is: three in four pay in time for years. An account-year of theirs has about 40 transactions; the
targets for a simulator reckon with 28."""

MIXES: Final = {"troubled": TROUBLED, "ordinary": ORDINARY}


def drawn_mix(seed: int) -> Mix:
    """A mix of this world's own: some characters are not met at all and others everywhere, so that what only happens
    where many are alike happens somewhere."""
    rng = random.Random(f"{seed}/mix")
    characters = {name: weight * rng.choice((0, 1, 1, 5)) for name, weight in TROUBLED.characters.items()}
    characters["late"] += not any(characters.values())
    return Mix(characters, rng.choice((5, 25, 60)), rng.choice((0, 6, 30)))


Planned = Iterator[tuple[datetime, Event]]


@dataclass(slots=True)
class Bill:
    """One invoice in the payer's own book. Minor units; `paid` counts money that named it."""

    no: int
    currency: str
    total: int
    due_on: date
    subscriptions: tuple[int, ...]
    paid: int = 0
    given_up: bool = False

    @property
    def unpaid(self) -> int:
        """What the payer has not sent for it."""
        return 0 if self.given_up else self.total - self.paid


@dataclass(slots=True)
class SimulatedPerson:
    """One account and who is behind it."""

    no: int
    rng: random.Random
    character: str
    zone: str
    policy: str
    mode: Mode
    currencies: tuple[str, ...]
    bill_day: int
    troubled: bool
    deaf: bool
    bills: dict[int, Bill] = field(default_factory=dict)
    spare: dict[str, int] = field(default_factory=dict)
    """Money sent that named no invoice, or more than it asked."""
    policies: set[str] = field(default_factory=set)
    given_up: set[tuple[int, str]] = field(default_factory=set)
    """Subscriptions that are stopped for another reason than debt, and that reason."""
    spell_until: datetime | None = None
    count: int = 0

    @property
    def owed(self) -> list[Bill]:
        """What is unpaid in this person's book, oldest due date first."""
        return sorted((b for b in self.bills.values() if b.unpaid), key=lambda b: (b.due_on, b.no))

    def next_ref(self, kind: str) -> str:
        """A reference that nobody else uses."""
        self.count += 1
        return f"{kind}{self.no}-{self.count}"


def make_person(no: int, seed: int, policies: Sequence[str], mix: Mix = TROUBLED) -> SimulatedPerson:
    """The person of account `no` in the world of `seed`."""
    rng = random.Random(f"{seed}/{no}")
    character = rng.choices(tuple(mix.characters), tuple(mix.characters.values()))[0]
    subscriptions = rng.choices((1, 2, 3), (6, 3, 1))[0]
    main = rng.choice(tuple(PRICES))
    currencies = tuple(rng.choice(tuple(PRICES)) if rng.random() < 0.1 else main for _ in range(subscriptions))
    person = SimulatedPerson(
        no=no,
        rng=rng,
        character=character,
        zone=rng.choice(ZONES),
        policy=rng.choice(policies),
        mode=Mode.CARD if character in ("declined", "by_card") or rng.random() < 0.6 else Mode.INVOICE,
        currencies=currencies,
        bill_day=rng.randrange(28),
        troubled=rng.random() < mix.troubled_percent / 100,
        deaf=rng.random() < mix.deaf_percent / 100,
    )
    person.policies.add(person.policy)
    return person


def first_plans(person: SimulatedPerson, start: datetime, days: int) -> Planned:
    """What is planned from the first day: the bills, and what staff and fate have in store."""
    rng = person.rng
    billed_at = start + timedelta(days=person.bill_day, hours=rng.randrange(4, 8))
    yield billed_at, BillDue()
    end = max(days - 1, 1)
    if person.character == "by_card" and rng.random() < 0.9:
        yield start + timedelta(hours=rng.randrange(1, 72)), GetCard()
    if person.character == "canceling":
        back = rng.choice((0, 0, 1)) * rng.randrange(24, 24 * 110)
        subscription = rng.randint(1, len(person.currencies))
        yield _some_time(rng, start, end), Cancel(subscription, back)
    if person.troubled:
        for _ in range(rng.randint(1, 1 + end // 60)):
            yield _some_time(rng, start, end), _trouble(rng, person)
    if rng.random() < 0.06:
        policy = rng.choice(sorted(person.policies))
        yield _some_time(rng, start, end), Move(rng.choice(ZONES), policy)


def _some_time(rng: random.Random, start: datetime, days: int) -> datetime:
    return start + timedelta(days=rng.randrange(days), hours=rng.randrange(24))


def _trouble(rng: random.Random, person: SimulatedPerson) -> Event:
    kind = rng.random()
    if kind < 0.45:
        scope = rng.choice(tuple(HoldScope))
        stops = ALL_STOPS if rng.random() < 0.5 else tuple(s for s in Stop if rng.random() < 0.6) or (Stop.DISABLE,)
        days = rng.choice((0, 1, 3, 7, 14, 30, 60))
        release = rng.choice((0, 0, 1)) * rng.randrange(1, 24 * days + 2)
        return PlaceHold(scope, rng.randrange(100), stops, days, release)
    if kind < 0.85:
        doubt = rng.choice((DoubtKind.ATTEMPT, DoubtKind.BANK_CREDIT))
        return Raise(doubt, person.next_ref("d"), rng.randrange(1, 24 * 8))
    return Block(rng.randint(1, len(person.currencies)), rng.randrange(1, 24 * 130))


def plans_for(person: SimulatedPerson, bill: Bill, now: datetime, horizon: datetime) -> Planned:
    """What this person will do about one invoice."""
    rng = person.rng
    due_at = calendar_of(person.zone).end_of_day(bill.due_on)
    match person.character:
        case "punctual":
            yield _between(rng, now, due_at), Pay(bill.no)
        case "late":
            late = rng.random() < 0.45
            yield (_after(rng, due_at, 50) if late else _between(rng, now, due_at)), Pay(bill.no)
        case "in_parts":
            yield from _in_parts(rng, bill, now, due_at)
        case "forgetful":
            yield from _forgetful(person, bill, now, due_at)
        case "disputing":
            yield from _disputing(rng, bill, now, due_at)
        case "vanishing":
            yield from _vanishing(person, bill, now, due_at, horizon)
        case "canceling":
            if rng.random() < 0.8:
                yield _between(rng, now, due_at + timedelta(days=5)), Pay(bill.no)
        case "overpaying":
            if rng.random() < 0.7:
                yield (
                    _between(rng, now, due_at),
                    Pay(bill.no, extra_minor=rng.choice((0, 1, bill.total, 3 * bill.total))),
                )
        case "declined":
            yield _before_due(person, bill), DeclineByBank(bill.no)
            yield _after(rng, due_at, 40), Pay(bill.no)
        case "by_card":
            if rng.random() < 0.4:
                yield _after(rng, due_at, 60), SettleByCard(rng.random() < 0.6)
        case "returning":
            yield from _returning(rng, bill, now, due_at)
        case other:
            raise AssertionError(other)


def _hours(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _between(rng: random.Random, now: datetime, end: datetime) -> datetime:
    hours = max(1, int((end - now) / timedelta(hours=1)))
    return _hours(now) + timedelta(hours=rng.randrange(1, hours + 1))


def _after(rng: random.Random, due_at: datetime, days: int) -> datetime:
    return _hours(due_at) + timedelta(hours=rng.randrange(1, 24 * days))


def _before_due(person: SimulatedPerson, bill: Bill) -> datetime:
    return calendar_of(person.zone).at(bill.due_on)


def _in_parts(rng: random.Random, bill: Bill, now: datetime, due_at: datetime) -> Planned:
    moment = _between(rng, now, due_at)
    for left in range(rng.randint(2, 4), 0, -1):
        yield moment, Pay(bill.no, 100 // left)
        moment += timedelta(hours=rng.randrange(1, 24 * 20))


def _forgetful(person: SimulatedPerson, bill: Bill, now: datetime, due_at: datetime) -> Planned:
    rng = person.rng
    if person.spell_until is not None and now < person.spell_until:
        return
    if rng.random() < 0.7:
        yield _between(rng, now, due_at), Pay(bill.no)
        return
    until = _hours(now) + timedelta(days=rng.randrange(20, 170), hours=rng.randrange(24))
    person.spell_until = until
    if rng.random() < 0.1:
        yield until, GiveUp(bill.no)
    yield until, PayEverything()


def _disputing(rng: random.Random, bill: Bill, now: datetime, due_at: datetime) -> Planned:
    if rng.random() < 0.6:
        yield _between(rng, now, due_at), Pay(bill.no)
        return
    moment = _between(rng, now, due_at + timedelta(days=40))
    hours = rng.randrange(1, 24 * 70)
    yield moment, DisputeByCustomer(bill.no, hours)
    if rng.random() < 0.7:
        yield moment + timedelta(hours=rng.randrange(1, 2 * hours + 2)), Pay(bill.no)


def _vanishing(person: SimulatedPerson, bill: Bill, now: datetime, due_at: datetime, horizon: datetime) -> Planned:
    rng = person.rng
    if person.spell_until is None:
        person.spell_until = now + (horizon - now) * rng.random() * 0.6
    if now < person.spell_until:
        yield _between(rng, now, due_at), Pay(bill.no)


def _returning(rng: random.Random, bill: Bill, now: datetime, due_at: datetime) -> Planned:
    paid_at = _between(rng, now, due_at)
    yield paid_at, Pay(bill.no)
    if rng.random() < 0.25:
        back_at = paid_at + timedelta(hours=rng.randrange(1, 24 * 60))
        yield back_at, Return(bill.no)
        if rng.random() < 0.7:
            yield back_at + timedelta(hours=rng.randrange(1, 24 * 60)), Pay(bill.no)


def kept_calendar(person: SimulatedPerson, account: Account) -> Calendar:
    """The days by which this customer's debts are counted now: a running case keeps the zone that it began with."""
    return calendar_of(person.zone if account.case is None else account.case.terms.zone)
