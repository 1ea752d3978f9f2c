"""The undisturbed run of the same book, in memory: what each account, mailbox and service must look like at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from arrears.core.account import Account
from arrears.core.facts import Recorded, kind_of
from arrears.ports import AccountHistory, Delivery, Fate, Message, Obeyed, Order
from arrears.store.memory.store import MemoryStore
from torture.book import Plan, open_book, play_staff_day
from torture.victim import work_off

AFTER_STAFF = timedelta(seconds=1)
Performed = Mapping[tuple[int, int], list[tuple[int, str, int]]]


class SubscriptionView(NamedTuple):
    """What must be the same however often a worker died: no instants, as a lease that ends takes minutes."""

    state: str
    generation: int
    reasons: tuple[str, ...]
    entered_on: date | None
    restrict_on: date | None
    disable_on: date | None
    stopped_on: date | None
    ended_on: date | None
    delete_on: date | None
    open_orders: int


class AccountView(NamedTuple):
    """The same of an account: its debts, its case, its subscriptions, and how many facts of each kind on each day."""

    debts: tuple[tuple[int, int, date | None], ...]
    case: tuple[int, date] | None
    parked: str
    subscriptions: tuple[SubscriptionView, ...]
    facts: tuple[tuple[tuple[str, date], int], ...]


def view(account: Account, history: list[Recorded]) -> AccountView:
    """What is compared of one account."""
    subscriptions = tuple(
        SubscriptionView(
            s.state.value,
            s.generation,
            tuple(r.value for r in s.reasons),
            s.entered_on,
            s.restrict.promised_on,
            s.disable.promised_on,
            None if s.end is None else s.end.stopped_on,
            None if s.end is None else s.end.ended_on,
            None if s.end is None else s.end.delete.promised_on,
            len(s.orders),
        )
        for s in account.subscriptions
    )
    return AccountView(
        tuple((d.no, d.open_minor, d.day_0) for d in account.debts),
        None if account.case is None else (account.case.no, account.case.opened_on),
        account.parked,
        subscriptions,
        tuple(sorted(Counter((kind_of(r.fact), r.at.date()) for r in history).items())),
    )


def views(store: AccountHistory, accounts: int) -> dict[int, AccountView]:
    """Of all accounts of a book."""
    numbers = range(1, accounts + 1)
    return {n: view(account, list(store.history(n))) for n, account in sorted(store.snapshots(numbers).items())}


@dataclass
class Outside:
    """A channel and services that count. `mails` by what was said to whom, as the folder's files show it."""

    mails: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    orders: dict[tuple[int, int], list[tuple[int, str, int]]] = field(default_factory=dict)

    def send(self, message: Message) -> Delivery:
        """See ports.Channel."""
        self.mails[(message.to, message.subject, message.text)] += 1
        return Delivery(Fate.ACCEPTED)

    def look_up(self, message_id: str) -> Fate:
        """See ports.Channel."""
        return Fate.NOT_SENT

    def order(self, order: Order, now: datetime) -> Obeyed | None:
        """See ports.Services."""
        done = self.orders.setdefault((order.account, order.subscription), [])
        done.append((order.number, order.command, order.generation))
        return Obeyed(now)


@dataclass(frozen=True)
class Calm:
    """How the undisturbed run ended, and what it did at each instant: messages, orders, and accounts looked at."""

    views: dict[int, AccountView]
    mails: Counter[tuple[str, str, str]]
    orders: Performed
    messages_at: list[int]
    orders_at: list[int]
    looked_at: list[int]


def play_calm(plan: Plan) -> Calm:
    """Play the plan where nobody dies."""
    store, outside = MemoryStore(), Outside()
    open_book(store, plan)
    messages_at, orders_at, looked_at = [], [], []
    for i, now in enumerate(plan.instants):
        mails, orders = outside.mails.total(), sum(map(len, outside.orders.values()))
        looked_at.append(work_off(store, outside, outside, now))
        messages_at.append(outside.mails.total() - mails)
        orders_at.append(sum(map(len, outside.orders.values())) - orders)
        if i in plan.staff_days:
            play_staff_day(store, plan.staff_days[i], now)
            work_off(store, outside, outside, now + AFTER_STAFF)
    end = views(store, plan.accounts)
    return Calm(end, outside.mails, outside.orders, messages_at, orders_at, looked_at)
