"""Playing a real receivables book on its own clock: invoices on their dates, payments when they were made, and the
engine does the rest, day by day, through a real store.

Replay never charges: customers pay of themselves, at noon of the day on which they did. Each payment names its
invoice and is booked on it. What the book calls void is never asked for, what it calls uncollectible is never paid, and
nothing is invoiced any more for what is deleted. When the book ends, time goes on until every debt has ended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from arrears.adapters.channels.memory import MemoryChannel
from arrears.adapters.services.inprocess import InProcessServices
from arrears.core import facts as f
from arrears.core.account import Action, Mode
from arrears.core.calendar import calendar_of
from arrears.core.errors import Refused
from arrears.core.evolve import fold
from arrears.core.policy import Policy
from arrears.core.receivables import BookCredit, BookInvoice, BookPayment, InvoiceStanding, ReceivablesBook
from arrears.core.states import State
from arrears.core.unit import Unit
from arrears.engine import commands
from arrears.engine.acting import acting_on
from arrears.engine.booking import Payment
from arrears.engine.run import Limits
from arrears.engine.system import adopt_policy
from arrears.ports import NewAccount, Store
from arrears.sim.checker import Checker
from arrears.sim.measuring import Measure
from arrears.sim.outcome import CustomerOutcome, PolicyOutcome
from arrears.sim.stage import Stage
from arrears.sim.watched import watched

NOON: Final = time(12)
AUTHOR: Final = "replay"
DAYS_BEYOND_MAX: Final = 4000
"""So long time goes on after the book's last day, at most: longer than any ladder."""
EVERY_DELETION: Final = 1_000_000
"""No deletion waits here for the release by two people, which an installation asks for above ten a day."""


@dataclass(frozen=True, slots=True)
class ReplaySettings:
    """How the book is played. `never_pay_every` N: of the customers with a late invoice each N-th pays nothing after
    the due date of the first late one. `days_beyond` is how long time goes on after the book's last day; None: until
    every debt has ended and nothing more is to come."""

    policy: Policy
    hold_disputes: bool = True
    never_pay_every: int = 0
    days_beyond: int | None = None


def paid_in_full_on(book: ReceivablesBook) -> dict[str, date]:
    """The day on which each invoice was paid in full, by the book; those that never were are left out."""
    left = {invoice.number: invoice.total_minor for invoice in book.invoices}
    found: dict[str, date] = {}
    for payment in book.payments:
        left[payment.invoice_number] -= payment.amount_minor
        if left[payment.invoice_number] <= 0:
            found.setdefault(payment.invoice_number, payment.paid_on)
    return found


def first_late_due(book: ReceivablesBook) -> dict[str, date]:
    """The due date of each customer's first invoice that was paid late or never, by the book."""
    paid_on = paid_in_full_on(book)
    found: dict[str, date] = {}
    for invoice in book.invoices:
        if is_asked(invoice) and paid_on.get(invoice.number, date.max) > invoice.due_on:
            ref = invoice.account_ref
            found[ref] = min(found.get(ref, date.max), invoice.due_on)
    return found


def is_asked(invoice: BookInvoice) -> bool:
    """Whether an invoice asks for anything: not when it is void, or its total is nothing."""
    return invoice.standing is not InvoiceStanding.VOID and invoice.total_minor > 0


class _Moment:
    """What the book says for one instant."""

    def __init__(self) -> None:
        self.issue: list[BookInvoice] = []
        self.dispute: list[BookInvoice] = []
        self.pay: list[BookPayment] = []
        self.credit: list[BookCredit] = []


class Replay:
    """A book being played. `store` must be empty and have a made-up clock. Refuses `nothing_past_due` where no invoice
    of the book was late, so that every policy would do the same. `port` is what is asked of the store, `mode` the one
    in which every customer pays; None: what the book says."""

    port: type = Store
    mode: Mode | None = None

    def __init__(self, store: Store, book: ReceivablesBook, settings: ReplaySettings) -> None:
        if not first_late_due(book):
            asked = sum(is_asked(invoice) for invoice in book.invoices)
            why = f"{asked} invoices, and all were paid in time; no policy has anything to do"
            raise Refused("nothing_past_due", f"nothing in this book goes past due: {why}")
        self.book = book
        self.settings = settings
        self._measure = Measure()
        self._checker = Checker(store, EVERY_DELETION, lambda _: None)
        self._store = watched(store, self._committed, self._checker.system_changed, self.port)
        self._zones = {a.ref: a.zone for a in book.accounts}
        services: dict[str, set[str]] = defaultdict(set)
        for invoice in book.invoices:
            services[invoice.account_ref].update(invoice.services)
        self._services = {ref: sorted(found) for ref, found in services.items()}
        self._silent_from = self._who_stops_paying()
        self._issued: dict[str, tuple[int, int]] = {}
        self._asked: dict[str, int] = {}
        self._payments: dict[str, int] = {}
        self._not_asked = 0
        self._holds: dict[str, int] = {}
        self._numbers: dict[str, int] = {}

    def _who_stops_paying(self) -> dict[str, date]:
        every = self.settings.never_pay_every
        late = first_late_due(self.book)
        return {ref: late[ref] for ref in sorted(late)[every - 1 :: every]} if every else {}

    def _committed(self, units: Sequence[Unit]) -> None:
        self._checker.committed(units)
        self._measure.committed(units)

    def play(self, progress: Callable[[int, int], None] | None = None) -> PolicyOutcome:
        """Play the whole book; `progress` is told the days that have passed and how many the book has."""
        plan = self.plan()
        instants = sorted(plan)
        start, last = instants[0], instants[-1]
        stage = Stage(self._store, MemoryChannel(), InProcessServices(), start, limits=Limits(EVERY_DELETION))
        adopt_policy(self._store, self.settings.policy, start, AUTHOR)
        self.open_accounts(start)
        days = (last - start).days + 1
        for at in instants:
            stage.until(at)
            self.happen(at, plan[at])
            stage.perform()
            if progress is not None:
                progress((at - start).days, days)
        self._play_out(stage, last)
        return self._outcome(start, stage.now)

    def _play_out(self, stage: Stage, last: datetime) -> None:
        """Let time go on after the book's last instant."""
        beyond = self.settings.days_beyond
        if beyond is not None:
            stage.until(last + timedelta(days=beyond + 1))
            return
        stage.until(last + timedelta(days=1))
        end = last + timedelta(days=DAYS_BEYOND_MAX)
        while (at := self._store.next_due()) is not None and at <= end:
            stage.until(at)

    def plan(self) -> dict[datetime, _Moment]:
        """What the book says, by instant."""
        plan: dict[datetime, _Moment] = defaultdict(_Moment)
        paid_on = paid_in_full_on(self.book)
        issued_on = {invoice.number: invoice.issued_on for invoice in self.book.invoices}
        for invoice in self.book.invoices:
            if not is_asked(invoice):
                continue
            calendar = calendar_of(self._zones[invoice.account_ref])
            plan[calendar.start_of_day(invoice.issued_on)].issue.append(invoice)
            still_open = paid_on.get(invoice.number, date.max) >= invoice.due_on
            if self.settings.hold_disputes and invoice.disputed and still_open:
                plan[calendar.start_of_day(max(invoice.due_on, invoice.issued_on))].dispute.append(invoice)
        for payment in self.book.payments:
            silent_from = self._silent_from.get(payment.account_ref, date.max)
            if payment.paid_on <= silent_from:
                # What was paid before its invoice came is there when it comes.
                day = max(payment.paid_on, issued_on[payment.invoice_number])
                plan[calendar_of(self._zones[payment.account_ref]).at(day, NOON)].pay.append(payment)
        for note in self.book.credits:
            day = max(note.issued_on, issued_on.get(note.invoice_number, note.issued_on))
            plan[calendar_of(self._zones[note.account_ref]).at(day, NOON)].credit.append(note)
        return dict(plan)

    def open_accounts(self, now: datetime) -> None:
        """Every customer of the book, with the services that are invoiced; each can be reached."""
        new = [
            (
                NewAccount(
                    a.ref,
                    a.name,
                    a.country,
                    a.zone,
                    a.locale,
                    self.mode or Mode(a.mode),
                    self.settings.policy.name,
                    f"customer-{n}@replay.invalid",
                ),
                self._services[a.ref],
            )
            for n, a in enumerate(self.book.accounts, 1)
        ]
        numbers = commands.open_accounts(self._store, new, now, AUTHOR)
        self._numbers = {a.ref: number for a, number in zip(self.book.accounts, numbers, strict=True)}
        for account, number in zip(self.book.accounts, numbers, strict=True):
            self._measure.customers[number] = CustomerOutcome(account.ref, account.name)

    def happen(self, now: datetime, moment: _Moment) -> None:
        """What the operator and the customers do at an instant of the plan."""
        issue = [(i, services) for i in moment.issue if (services := self._served(i))]
        if issue:
            self._issue(issue, now)
        for invoice in moment.dispute:
            if invoice.number in self._issued:
                account, debt = self._issued[invoice.number]
                self._holds[invoice.number] = commands.dispute(self._store, account, debt, now, AUTHOR)
        pay = [p for p in moment.pay if p.invoice_number in self._issued]
        if pay:
            self._pay(pay, now)
            for p in pay:
                self._end_dispute(p, now)
        for note in moment.credit:
            self._credit(note, now)

    def _pay(self, payments: Sequence[BookPayment], now: datetime) -> None:
        """Book what customers pay at an instant."""
        booked = [
            Payment(
                self._numbers[p.account_ref],
                self._ref_of(p),
                p.currency,
                p.amount_minor,
                (self._issued[p.invoice_number][1],),
            )
            for p in payments
        ]
        commands.record_payments(self._store, booked, now, AUTHOR)

    def _ref_of(self, payment: BookPayment) -> str:
        """A reference of its own, where one transfer pays several invoices."""
        number = self._payments[payment.ref] = self._payments.get(payment.ref, 0) + 1
        return payment.ref if number == 1 else f"{payment.ref}+{number}"

    def _end_dispute(self, payment: BookPayment, now: datetime) -> None:
        hold = self._holds.pop(payment.invoice_number, None)
        if hold is not None:
            commands.release(self._store, self._numbers[payment.account_ref], hold, now, AUTHOR, "settled")

    def _credit(self, note: BookCredit, now: datetime) -> None:
        """A credit note lowers its invoice; what that does not take is account credit."""
        account, number = self._issued.get(note.invoice_number, (self._numbers[note.account_ref], 0))
        with acting_on(self._store, account, now) as unit:
            of_invoice = min(note.amount_minor, self._asked.get(note.invoice_number, 0) if number else 0)
            if of_invoice:
                debt = unit.account.debt(number)
                credit = of_invoice - min(of_invoice, 0 if debt is None else debt.open_minor)
                self._asked[note.invoice_number] -= of_invoice
                fact = f.InvoiceCredited(number, note.currency, of_invoice, credit, ref=note.number)
                unit.record(fact, AUTHOR)
            rest = note.amount_minor - of_invoice
            if rest:
                unit.record(f.InvoiceCredited(0, note.currency, rest, rest, ref=note.number), AUTHOR)

    def _issue(self, invoices: Sequence[tuple[BookInvoice, tuple[int, ...]]], now: datetime) -> None:
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
                    subscriptions,
                )
                for i, subscriptions in invoices
            ],
            now,
            AUTHOR,
        )
        for (invoice, _), debt in zip(invoices, issued, strict=True):
            self._issued[invoice.number] = (self._numbers[invoice.account_ref], debt)
            self._asked[invoice.number] = invoice.total_minor

    def _served(self, invoice: BookInvoice) -> tuple[int, ...]:
        """The subscriptions that an invoice is for and that are not deleted, nor about to be; none of them: nothing is
        invoiced, and it is counted."""
        numbers = [self._services[invoice.account_ref].index(name) + 1 for name in invoice.services]
        if self._measure.may_be_deleted:
            account = self._store.snapshots([self._numbers[invoice.account_ref]])[self._numbers[invoice.account_ref]]
            gone = {
                sub.no
                for sub in account.subscriptions
                if sub.state is State.DELETED or (sub.end is not None and sub.end.scheduled_at is not None)
            }
            numbers = [number for number in numbers if number not in gone]
        if not numbers:
            self._not_asked += 1
            self._measure.sums[invoice.currency].not_asked += invoice.total_minor
        return tuple(numbers)

    def _outcome(self, start: datetime, end: datetime) -> PolicyOutcome:
        measure, checker = self._measure, self._checker
        breached, checked = checker.breach_count, checker.checked
        for number, account in self._store.snapshots(list(self._numbers.values())).items():
            checked += 1
            if fold(self._store.history(number)) != account:
                breached += 1
        first_on = min(calendar_of(zone).local_day(start) for zone in self._zones.values())
        last_on = end.astimezone(UTC).date()
        measure.finish(first_on, last_on)
        return PolicyOutcome(
            policy=self.settings.policy,
            first_on=first_on,
            last_on=last_on,
            invoices=len(self._issued),
            accounts=len(self._numbers),
            past_due_invoices=measure.past_due_invoices,
            cases=measure.cases,
            accounts_with_case=measure.accounts_with_case,
            notices=measure.kinds[f.Noticed],
            reminders=measure.reminders,
            stop_warnings=measure.warnings[Action.DISABLE] + measure.warnings[Action.RESTRICT],
            deletion_warnings=measure.warnings[Action.DELETE],
            restricted=measure.kinds[f.Restricted],
            disabled=measure.kinds[f.Disabled],
            resumed=measure.resumed,
            deleted=measure.kinds[f.DeletionOrdered],
            invoices_not_asked=self._not_asked,
            stops=tuple(measure.stops),
            sums=dict(sorted(measure.sums.items())),
            late_invoices=dict(sorted(measure.late_invoices.items())),
            customers=tuple(measure.customers[self._numbers[a.ref]] for a in self.book.accounts),
            invariants_checked=checked,
            invariants_breached=breached,
        )
