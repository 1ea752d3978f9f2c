"""Playing a real receivables book on its own clock: invoices on their dates, payments when they were made, and the
engine does the rest, day by day, through the real store.

Replay never charges: customers pay of themselves, at noon of the day on which they did. Each payment names its
invoice and is booked on it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from arrears.adapters.channels.memory import MemoryChannel
from arrears.adapters.services.inprocess import InProcessServices
from arrears.core import facts as f
from arrears.core.account import Mode
from arrears.core.calendar import calendar_of
from arrears.core.errors import Refused
from arrears.core.evolve import fold
from arrears.core.policy import Policy
from arrears.core.receivables import BookInvoice, BookPayment, ReceivablesBook
from arrears.core.unit import Unit
from arrears.engine import commands
from arrears.engine.booking import Payment
from arrears.engine.run import DELETIONS_PER_DAY
from arrears.engine.system import adopt_policy
from arrears.ports import NewAccount, Store
from arrears.sim.checker import Checker
from arrears.sim.stage import Stage
from arrears.sim.watched import watched

NOON: Final = time(12)
AUTHOR: Final = "replay"


@dataclass(frozen=True, slots=True)
class ReplaySettings:
    """How the book is played. `never_pay_every` N: of the customers with a late invoice each N-th pays nothing after
    the due date of the first late one. `days_beyond` is how long time goes on after the book's last day."""

    policy: Policy
    hold_disputes: bool = True
    never_pay_every: int = 0
    days_beyond: int = 0


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What the engine made of the book; sums are minor units of `currency`."""

    invoices: int
    accounts: int
    invoiced_minor: int
    currency: str
    past_due_invoices: int
    cases: int
    accounts_with_case: int
    notices: int
    disabled: int
    resumed: int
    deleted: int
    open_debt_minor: int
    virtual_days: int
    invariants_checked: int
    invariants_breached: int


def first_late_due(book: ReceivablesBook) -> dict[str, date]:
    """The due date of each customer's first invoice that was paid late or never, by the book."""
    paid_on = {p.invoice_number: p.paid_on for p in book.payments}
    found: dict[str, date] = {}
    for invoice in book.invoices:
        if paid_on.get(invoice.number, date.max) > invoice.due_on:
            ref = invoice.account_ref
            found[ref] = min(found.get(ref, date.max), invoice.due_on)
    return found


class _Moment:
    """What the book says for one instant."""

    def __init__(self) -> None:
        self.issue: list[BookInvoice] = []
        self.dispute: list[BookInvoice] = []
        self.pay: list[BookPayment] = []


class Replay:
    """A book being played. `store` must be empty and have a made-up clock."""

    def __init__(self, store: Store, book: ReceivablesBook, settings: ReplaySettings) -> None:
        currencies = {i.currency for i in book.invoices}
        if len(currencies) != 1:
            raise Refused("mixed_currencies", f"a replay needs one currency, this book has {', '.join(currencies)}")
        self.book = book
        self.settings = settings
        self.currency = currencies.pop()
        self._facts: Counter[type[f.Fact]] = Counter()
        self._cases = self._resumed = 0
        self._past_due: set[tuple[int, int]] = set()
        self._with_case: set[int] = set()
        self._checker = Checker(store, DELETIONS_PER_DAY, lambda _: None)
        self._store = watched(store, self._committed, self._checker.system_changed)
        self._zones = {a.ref: a.zone for a in book.accounts}
        services: dict[str, set[str]] = defaultdict(set)
        for invoice in book.invoices:
            services[invoice.account_ref].update(invoice.services)
        self._services = {ref: sorted(found) for ref, found in services.items()}
        self._silent_from = self._who_stops_paying()
        self._issued: dict[str, tuple[int, int]] = {}
        self._issued_minor = 0
        self._holds: dict[str, int] = {}
        self._numbers: dict[str, int] = {}

    def _who_stops_paying(self) -> dict[str, date]:
        every = self.settings.never_pay_every
        late = first_late_due(self.book)
        return {ref: late[ref] for ref in sorted(late)[every - 1 :: every]} if every else {}

    def _committed(self, units: Sequence[Unit]) -> None:
        self._checker.committed(units)
        for unit in units:
            for stored in unit.stored:
                fact = stored.recorded.fact
                self._facts[type(fact)] += 1
                if isinstance(fact, f.BecamePastDue):
                    self._with_case.add(unit.no)
                    self._past_due.update((unit.no, d.debt) for d in fact.debts)
                    self._cases += fact.opened
                elif isinstance(fact, f.Resumed):
                    self._resumed += fact.order_no > 0

    def play(self, progress: Callable[[int, int], None] | None = None) -> ReplayReport:
        """Play the whole book; `progress` is told the days that have passed and how many there are."""
        plan = self.plan()
        instants = sorted(plan)
        start = instants[0]
        last = instants[-1] + timedelta(days=self.settings.days_beyond)
        stage = Stage(self._store, MemoryChannel(), InProcessServices(), start)
        adopt_policy(self._store, self.settings.policy, start, AUTHOR)
        self.open_accounts(start)
        days = (last - start).days + 1
        for at in instants:
            stage.until(at)
            self.happen(at, plan[at])
            stage.perform()
            if progress is not None:
                progress((at - start).days, days)
        stage.until(last + timedelta(days=1))
        return self._report(days)

    def plan(self) -> dict[datetime, _Moment]:
        """What the book says, by instant."""
        plan: dict[datetime, _Moment] = defaultdict(_Moment)
        paid_on = {p.invoice_number: p.paid_on for p in self.book.payments}
        for invoice in self.book.invoices:
            calendar = calendar_of(self._zones[invoice.account_ref])
            plan[calendar.start_of_day(invoice.issued_on)].issue.append(invoice)
            still_open = paid_on.get(invoice.number, date.max) >= invoice.due_on
            if self.settings.hold_disputes and invoice.disputed and still_open:
                plan[calendar.start_of_day(max(invoice.due_on, invoice.issued_on))].dispute.append(invoice)
        for payment in self.book.payments:
            silent_from = self._silent_from.get(payment.account_ref, date.max)
            if payment.paid_on <= silent_from:
                noon = calendar_of(self._zones[payment.account_ref]).at(payment.paid_on, NOON)
                plan[noon].pay.append(payment)
        return dict(plan)

    def open_accounts(self, now: datetime) -> None:
        """Every customer of the book, with the services that are invoiced."""
        new = [
            (
                NewAccount(
                    a.ref,
                    a.name,
                    a.country,
                    a.zone,
                    a.locale,
                    Mode(a.mode),
                    self.settings.policy.name,
                    a.email or f"{a.ref.lower()}@replay.invalid",
                ),
                self._services[a.ref],
            )
            for a in self.book.accounts
        ]
        numbers = commands.open_accounts(self._store, new, now, AUTHOR)
        self._numbers = {a.ref: number for a, number in zip(self.book.accounts, numbers, strict=True)}

    def happen(self, now: datetime, moment: _Moment) -> None:
        """What the operator and the customers do at an instant of the plan."""
        issue = [i for i in moment.issue if not self._deleted_before(i)]
        if issue:
            self._issue(issue, now)
        for invoice in moment.dispute:
            if invoice.number in self._issued:
                account, debt = self._issued[invoice.number]
                self._holds[invoice.number] = commands.dispute(self._store, account, debt, now, AUTHOR)
        pay = [p for p in moment.pay if p.invoice_number in self._issued]
        if pay:
            payments = [
                Payment(
                    self._numbers[p.account_ref],
                    p.ref,
                    p.currency,
                    p.amount_minor,
                    (self._issued[p.invoice_number][1],),
                )
                for p in pay
            ]
            commands.record_payments(self._store, payments, now, AUTHOR)
            for p in pay:
                self._end_dispute(p, now)

    def _end_dispute(self, payment: BookPayment, now: datetime) -> None:
        hold = self._holds.pop(payment.invoice_number, None)
        if hold is not None:
            commands.release(self._store, self._numbers[payment.account_ref], hold, now, AUTHOR, "settled")

    def _issue(self, invoices: Sequence[BookInvoice], now: datetime) -> None:
        issued = commands.issue_invoices(
            self._store,
            [
                commands.Invoice(
                    self._numbers[i.account_ref],
                    i.number,
                    i.currency,
                    i.total_minor,
                    i.issued_on,
                    i.due_on,
                    tuple(self._services[i.account_ref].index(name) + 1 for name in i.services),
                )
                for i in invoices
            ],
            now,
            AUTHOR,
        )
        for invoice, debt in zip(invoices, issued, strict=True):
            self._issued[invoice.number] = (self._numbers[invoice.account_ref], debt)
            self._issued_minor += invoice.total_minor

    def _deleted_before(self, invoice: BookInvoice) -> bool:
        """Whether the deletion date of what this invoice is for lies before it: then nothing is invoiced."""
        if invoice.account_ref not in self._silent_from:
            return False
        number = self._numbers[invoice.account_ref]
        account = self._store.snapshots([number])[number]
        end = account.subscription(self._services[invoice.account_ref].index(invoice.services[0]) + 1).end
        return end is not None and end.delete.promised_on is not None and end.delete.promised_on < invoice.issued_on

    def _report(self, days: int) -> ReplayReport:
        breached = self._checker.breach_count
        checked = self._checker.checked
        accounts = self._store.snapshots(list(self._numbers.values()))
        for number, account in accounts.items():
            checked += 1
            if fold(self._store.history(number)) != account:
                breached += 1
        return ReplayReport(
            invoices=len(self._issued),
            accounts=len(accounts),
            invoiced_minor=self._issued_minor,
            currency=self.currency,
            past_due_invoices=len(self._past_due),
            cases=self._cases,
            accounts_with_case=len(self._with_case),
            notices=self._facts[f.Noticed],
            disabled=self._facts[f.Disabled],
            resumed=self._resumed,
            deleted=self._facts[f.DeletionOrdered],
            open_debt_minor=sum(d.open_minor for a in accounts.values() for d in a.debts),
            virtual_days=days,
            invariants_checked=checked,
            invariants_breached=breached,
        )
