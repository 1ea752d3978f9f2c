"""Whatever the clocks say: no change at the provider is lost and none is booked twice, on either store."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.stories.in_process import Bench

from arrears.core.account import Mode
from arrears.core.policy import default_policy
from arrears.engine import commands, system
from arrears.engine.payments import methods, settling, sweep
from arrears.engine.payments.providers import Providers
from arrears.engine.payments.reconciliation import check
from arrears.ports import NewAccount, Store
from arrears.store import schema
from arrears.store.memory.store import MemoryStore
from arrears.store.postgres.store import PostgresStore

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACCOUNTS = 3
STEPS = 40
DATES = ("own", "own", None, "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 2100 23:59:59 GMT", "yesterday")


class World:
    """Customers who pay, at a provider with a clock of its own; what happens, and in which order, is the seed's."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store, self.chance = store, random.Random(seed)
        self.true = START
        self.ours = timedelta(hours=self.chance.choice([-48, -2, -1, 0, 0, 1, 2, 48]))
        system.adopt_policy(store, default_policy(), self.now, "staff:1")
        self.at = Bench(lambda: int(self.true.timestamp()), system.identity(store, self.now))
        self.at.control("clock", offset=self.chance.randint(-90, 90) * 60)
        self.at.control("lists", most=self.chance.choice([1, 2, 7, 100]))
        self.providers = Providers({"stripe": self.at.stripe})
        people = [(NewAccount(f"A{n}", f"A{n}", "NL", "UTC", "en", Mode.CARD), ("cloud",)) for n in range(ACCOUNTS)]
        self.numbers = commands.open_accounts(store, people, self.now, "api:1")
        self.cards = {number: self.card(number) for number in self.numbers}
        self.bills = 0

    @property
    def now(self) -> datetime:
        """What our clock says."""
        return self.true + self.ours

    def card(self, number: int) -> int:
        page = methods.start_setup(self.store, self.providers, number, "stripe", f"setup-{number}", "en")
        self.at.control("card", session=page.ref, card="approve", own=True)
        return methods.finish_setup(self.store, self.providers, number, "stripe", page.ref, self.now, "person:1")

    def pay(self) -> None:
        """A customer settles a new invoice; the answer may be lost."""
        number = self.chance.choice(self.numbers)
        self.bills += 1
        day = self.now.date()
        bill = commands.Invoice(number, f"I{self.bills}", "EUR", self.chance.randint(100, 9000), day, day, (1,))
        [debt] = commands.issue_invoices(self.store, [bill], self.now, "api:1")
        quotes = settling.quote(self.store, number, self.now, [debt])
        self.at.client.drops = self.chance.random() < 0.4
        shown = {q.currency: q.hash for q in quotes}
        card = self.cards[number]
        settling.settle(self.store, self.providers, number, shown, card, lambda: self.now, "person:1", also=[debt])
        self.at.client.drops = False

    def left(self) -> list[Any]:
        """Payments of which something is left at the provider."""
        book = self.at.sandbox.book
        return [one for one in book.intents.values() if one.taken > one.refunded + one.disputed]

    def leave(self) -> None:
        """Money leaves again, and nobody is told."""
        if not self.left():
            return
        intent = self.chance.choice(self.left())
        if self.chance.random() < 0.5:
            self.at.control("dispute", intent=intent.id)
        else:
            self.at.sandbox.pass_time()
            most = intent.taken - intent.refunded - intent.disputed
            self.at.sandbox.book.refund(intent, self.chance.randint(1, most), {})

    def rule(self) -> None:
        """The network rules on a dispute."""
        for dispute in self.at.sandbox.book.disputes.values():
            if dispute.status == "needs_response":
                self.at.control("close", dispute=dispute.id, won=self.chance.random() < 0.5)
                return

    def clocks(self) -> None:
        """Our clock jumps, or what the provider says of the time changes, or how late it tells of what happened."""
        what = self.chance.random()
        if what < 0.4:
            self.ours += timedelta(minutes=self.chance.randint(-180, 180))
        elif what < 0.7:
            self.at.control("clock", date=self.chance.choice(DATES))
        else:
            self.at.control("clock", late=self.chance.randint(0, 55 * 60))

    def wait(self) -> None:
        """Some time passes."""
        self.true += timedelta(minutes=self.chance.choice([0, 1, 20, 60, 300, 1500]))

    def sweep(self) -> None:
        sweep.sweep(self.store, self.providers, self.now)

    def play(self) -> None:
        """Everything, in any order; at the end there is nothing that has not been told."""
        steps = [self.pay, self.leave, self.leave, self.rule, self.clocks, self.wait, self.wait, self.sweep, self.sweep]
        for _ in range(STEPS):
            self.chance.choice(steps)()
        for _ in range(2):
            self.true += timedelta(hours=2)
            self.sweep()


def books_agree(world: World) -> None:
    """Our ledger and the provider's book are the same to the cent, and nothing waits that the provider has told."""
    span = timedelta(days=300)
    found = check(world.store, world.at.stripe, START - span, START + span)
    assert found.differences == ()
    assert found.compared == len({line for line in world.at.sandbox.book.lines if line[1] == "taken"})
    assert not any(account.doubts for account in world.store.snapshots(world.numbers).values())


@pytest.mark.turn(2)
@settings(max_examples=8, phases=[Phase.generate])
@given(st.integers(0, 2**32))
def test_nothing_is_lost_or_booked_twice_in_memory(seed: int) -> None:
    world = World(MemoryStore(), seed)
    world.play()
    books_agree(world)


@pytest.fixture
def book(database_url: str) -> Iterator[PostgresStore]:
    schema.create_scratch(database_url, "any_clock")
    store = PostgresStore(database_url, schema="any_clock", durable=False, clock_is_real=False)
    yield store
    store.close()


def test_nothing_is_lost_or_booked_twice_in_the_database(book: PostgresStore) -> None:
    world = World(book, random.getrandbits(32))
    world.play()
    books_agree(world)
