"""One account told by day: what people do goes in by day and hour, what arrears did comes out as a table.

Day 0 is the day after the due date. A story plays on the memory store, every transaction of it is checked against
every invariant, and `diary` gives one line a fact: `day 30 00:00 disabled cloud on day 29`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import TypeVar

from tests.stories.words import words

from arrears.core import facts as f
from arrears.core.account import ALL_STOPS, Account, Action, DoubtKind, HoldScope, Mode, Stop, Subscription
from arrears.core.arrangements import Instalment
from arrears.core.calendar import calendar_of
from arrears.core.deadlines import ahead
from arrears.core.evolve import fold
from arrears.core.policy import Policy, default_policy, load_policy
from arrears.core.states import Reason
from arrears.core.view import View
from arrears.engine import commands, system
from arrears.engine.booking import Payment
from arrears.engine.run import DEFAULT_LIMITS, Limits
from arrears.ports import Delivery, DeliveryAbout, Fate, Message, NewAccount, Obeyed, Order
from arrears.sim.checker import Checker
from arrears.sim.stage import Stage
from arrears.sim.watched import watched
from arrears.store.memory.store import MemoryStore

LocalDay = date  # a Story has a method of that name
Kind = TypeVar("Kind", bound=f.Fact)

STAFF = "staff:1"
API = "api:1"
PRICE = 12_000
DUE = date(2026, 1, 1)


class Mail:
    """A channel that people can break; it keeps what it took."""

    def __init__(self) -> None:
        self.works = True
        self.down = False
        self.taken: list[Message] = []

    def send(self, message: Message) -> Delivery:
        """See ports.Channel."""
        if not self.works:
            return Delivery(Fate.NOT_SENT, DeliveryAbout.SERVER) if self.down else Delivery(Fate.REFUSED)
        self.taken.append(message)
        return Delivery(Fate.ACCEPTED)

    def look_up(self, message_id: str) -> Fate:
        """See ports.Channel."""
        return Fate.NOT_SENT


class Hands:
    """Services that obey at once, unless they are busy; then an order is only taken."""

    def __init__(self) -> None:
        self.busy = False
        self.left: dict[str, int] = {}
        """What is said to be left of whatever is to be deleted."""
        self.names: dict[int, str] = {}
        """The name of each account of which something was to be deleted, as the order had it."""
        self.commands: list[tuple[int, int, str]] = []

    def order(self, order: Order, now: datetime) -> Obeyed | None:
        """See ports.Services."""
        if self.busy:
            return None
        self.commands.append((order.account, order.subscription, order.command))
        if order.command == "delete":
            self.names[order.account] = order.name
            return Obeyed(now, {"files": 12 - sum(self.left.values())}, self.left)
        return Obeyed(now)


def policy_from(text: str, name: str = "default") -> Policy:
    """A policy that differs from the default in what the text says."""
    retention = "" if "[delete]" in text else "\n[delete]\nretention_days = 90"
    return load_policy(f'name = "{name}"\n{text}{retention}', where=name)


def table(text: str) -> list[str]:
    """The lines of a story, however they are indented."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


class Story:
    """One account with an invoice of 120.00 EUR that is due the day before day 0, unless `bill` is off."""

    def __init__(
        self,
        *,
        policy: Policy | str | None = None,
        zone: str = "UTC",
        due: date = DUE,
        services: Sequence[str] = ("cloud",),
        bill: bool = True,
        limits: Limits = DEFAULT_LIMITS,
        mode: Mode = Mode.CARD,
        accounts: int = 1,
    ) -> None:
        chosen = default_policy() if policy is None else policy_from(policy) if isinstance(policy, str) else policy
        self.inner = MemoryStore()
        self.checker = Checker(self.inner, limits.deletions_per_day, lambda _: None)
        self.store = watched(self.inner, self.checker.committed, self.checker.system_changed)
        self.calendar = calendar_of(zone)
        self.day_0 = due + timedelta(days=1)
        self.mail, self.hands = Mail(), Hands()
        start = self.calendar.start_of_day(due - timedelta(days=1))
        self.stage = Stage(self.store, self.mail, self.hands, start, limits=limits)
        system.adopt_policy(self.store, chosen, start, STAFF)
        new = [
            (NewAccount(f"A{n}", f"A{n}", "NL", zone, "nl", mode, chosen.name, f"a{n}@example.org"), services)
            for n in range(1, accounts + 1)
        ]
        self.numbers = commands.open_accounts(self.store, new, start, API)
        self.no = self.numbers[0]
        self.paid = 0
        if bill:
            for number in self.numbers:
                self.bill(-1, account=number, subscriptions=tuple(range(1, len(services) + 1)))

    # -- time --------------------------------------------------------------------------------------------------

    def instant(self, day: int, clock: str = "00:00") -> datetime:
        """An hour of a day of the story, local time."""
        return self.calendar.at(self.date(day), time.fromisoformat(clock))

    def date(self, day: int) -> date:
        """A day of the story as a date."""
        return self.day_0 + timedelta(days=day)

    def day(self, on: LocalDay) -> int:
        """A date as a day of the story."""
        return (on - self.day_0).days

    def until(self, day: int, clock: str = "12:00") -> Story:
        """Let time pass up to an hour of a day; everything happens on time."""
        self.stage.until(self.instant(day, clock))
        return self

    def just_before(self, day: int) -> Story:
        """Let time pass up to the last moment of the day before."""
        self.stage.until(self.instant(day) - timedelta(microseconds=1))
        return self

    def down_until(self, day: int, clock: str = "12:00") -> Story:
        """Let time pass without any run or message; commands are taken."""
        self.stage.now = self.instant(day, clock)
        return self

    def run(self) -> Story:
        """One collections run now, and what it asked for."""
        self.stage.step()
        return self

    @property
    def now(self) -> datetime:
        """The instant at which the story stands."""
        return self.stage.now

    # -- what people do ----------------------------------------------------------------------------------------

    def bill(
        self,
        due: int,
        minor: int = PRICE,
        *,
        subscriptions: tuple[int, ...] = (1,),
        currency: str = "EUR",
        account: int | None = None,
    ) -> int:
        """Issue an invoice that is due on a day of the story; its number within the account."""
        number = self.no if account is None else account
        count = self.account_of(number).debt_count + 1
        on = min(self.calendar.local_day(self.now), self.date(due))
        invoice = commands.Invoice(number, f"I{number}-{count}", currency, minor, on, self.date(due), subscriptions)
        return commands.issue_invoices(self.store, [invoice], self.now, API)[0]

    def bill_separately(self, due: int, minor: int, subscription: int) -> int:
        """The same for something that is always paid by itself (a third party's service)."""
        count = self.account.debt_count + 1
        on = min(self.calendar.local_day(self.now), self.date(due))
        number = f"M{self.no}-{count}"
        invoice = commands.Invoice(self.no, number, "EUR", minor, on, self.date(due), (subscription,), True)
        return commands.issue_invoices(self.store, [invoice], self.now, API)[0]

    def pay(
        self, minor: int = PRICE, debts: tuple[int, ...] = (1,), *, account: int = 0, currency: str = "EUR"
    ) -> Story:
        """Book a payment now; what follows from it is performed at once."""
        self.paid += 1
        payment = Payment(account or self.no, f"P{self.paid}", currency, minor, debts)
        commands.record_payments(self.store, [payment], self.now, API)
        self.stage.perform()
        return self

    def decline(self, *debts: int) -> Story:
        """The operator reports that the charge was definitively declined."""
        commands.report_decline(self.store, self.no, debts or (1,), self.now, API)
        return self.run()

    def hold(
        self, last: int, *, scope: HoldScope = HoldScope.ACCOUNT, target: int = 0, stops: Sequence[Stop] = ALL_STOPS
    ) -> int:
        """Hold until and including a day of the story; the hold's number."""
        return commands.hold(
            self.store,
            self.no,
            scope=scope,
            target=target,
            stops=stops,
            reason="asked",
            until=self.date(last),
            now=self.now,
            author=STAFF,
        )

    def promise(
        self, *parts: tuple[int, int], debts: Sequence[int] = (), collects: bool = False, account: int = 0
    ) -> int:
        """The customer promises to pay parts by days of the story; 0 is all that is open."""
        agreed = [Instalment(self.date(day), minor) for day, minor in parts]
        number = account or self.no
        made = commands.promise(
            self.store, number, agreed, debts=debts, collects=collects, now=self.now, author=STAFF, why="agreed"
        )
        self.stage.perform()
        return made

    def dispute(self, debt: int = 1) -> int:
        """The customer objects to an invoice; the hold's number."""
        return commands.dispute(self.store, self.no, debt, self.now, STAFF)

    def release(self, hold: int) -> Story:
        """End a hold now."""
        commands.release(self.store, self.no, hold, self.now, STAFF)
        return self

    def doubt(self, kind: DoubtKind = DoubtKind.ATTEMPT) -> Story:
        """Something about this account is unknown from now on."""
        commands.raise_doubt(self.store, self.no, kind, "x", self.now, API)
        return self

    def clear(self, kind: DoubtKind = DoubtKind.ATTEMPT) -> Story:
        """It is known again."""
        commands.clear_doubt(self.store, self.no, kind, "x", self.now, API)
        return self

    def write_off(self, debt: int = 1) -> Story:
        """Staff give up what is open."""
        commands.write_off(self.store, self.no, debt, self.now, STAFF, "lost")
        self.stage.perform()
        return self

    def reopen(self, debt: int = 1, minor: int = PRICE, *, due: int = -1) -> Story:
        """The bank takes money of an invoice back."""
        found = [fact.debt for _, fact in self.facts(f.InvoiceIssued) if fact.debt.no == debt]
        commands.reopen(self.store, self.no, found[0], minor, "returned", self.now, API)
        return self

    def move(self, zone: str, policy: str = "default") -> Story:
        """Another zone or policy, for what starts from now on."""
        commands.change_terms(self.store, self.no, self.now, STAFF, policy=policy, zone=zone, mode=Mode.CARD)
        return self

    def cancel(self, subscription: int = 1) -> Story:
        """The customer ends a subscription."""
        commands.cancel(self.store, self.no, subscription, self.now, "person:1")
        self.stage.perform()
        return self

    def reactivate(self, subscription: int = 1) -> Story:
        """The customer wants it back."""
        commands.reactivate(self.store, self.no, subscription, self.now, "person:1")
        self.stage.perform()
        return self

    def block(self, reason: Reason = Reason.POLICY_VIOLATION, subscription: int = 1) -> Story:
        """Another reason than debt stops a subscription."""
        commands.set_reason(self.store, self.no, subscription, reason, self.now, STAFF, "abuse")
        self.stage.perform()
        return self

    def unblock(self, reason: Reason = Reason.POLICY_VIOLATION, subscription: int = 1) -> Story:
        """That reason is gone."""
        commands.lift_reason(self.store, self.no, subscription, reason, self.now, STAFF, "done")
        self.stage.perform()
        return self

    # -- what is there -----------------------------------------------------------------------------------------

    def account_of(self, number: int) -> Account:
        """One account as committed."""
        return self.store.snapshots([number])[number]

    @property
    def account(self) -> Account:
        """The account of the story as committed."""
        return self.account_of(self.no)

    def sub(self, number: int = 1) -> Subscription:
        """One of its subscriptions."""
        return self.account.subscription(number)

    def history(self, account: int = 0) -> Sequence[f.Recorded]:
        """All facts of one account."""
        return self.store.history(account or self.no)

    def facts(self, kind: type[Kind], account: int = 0) -> list[tuple[datetime, Kind]]:
        """The facts of one kind, each with its instant."""
        return [(r.at, r.fact) for r in self.history(account) if isinstance(r.fact, kind)]

    def announced(self, action: Action, subscription: int = 1) -> int | None:
        """The day of the story that pages and messages name for an action; None where they name none."""
        view = View(self.store.policies(), self.account, self.store.system().guards, self.now)
        days = [one.announced_day for one in ahead(view) if one.action is action and one.sub.no == subscription]
        return self.day(days[0]) if days and days[0] is not None else None

    def tasks(self) -> list[str]:
        """What staff must look at, by kind."""
        return [task.kind for task in self.inner.tasks.values()]

    def diary(self, since: int = -1, *, only: str = "", dates: bool = False, account: int = 0) -> list[str]:
        """What happened from a day on, one line a fact; with `dates` every moved date too, and with `only` just the
        lines that contain one of its words."""
        history = self.history(account)
        self.check(account)
        services = {s.no: s.service for s in self.account_of(account or self.no).subscriptions}
        lines = []
        for recorded in history:
            said = words(recorded.fact, services, self.day)
            if said is None or (isinstance(recorded.fact, f.DateMoved) and not dates):
                continue
            local = recorded.at.astimezone(self.calendar._zone)
            day = self.day(self.calendar.local_day(recorded.at))
            if day >= since and (not only or any(word in said for word in only.split())):
                lines.append(f"day {day} {local:%H:%M} {said}")
        return lines

    def check(self, account: int = 0) -> None:
        """Every invariant held at every step, and the facts give the state."""
        assert self.checker.breaches == [], self.checker.breaches
        assert fold(self.history(account)) == self.account_of(account or self.no)
