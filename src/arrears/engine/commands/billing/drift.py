"""Where arrears and a billing system say different things of what is owed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time
from typing import NamedTuple

from arrears.core.errors import Refused
from arrears.core.known import IMPORTER, KINDS, Known, known_of
from arrears.core.money import format_amount
from arrears.core.receivables import InvoiceStanding
from arrears.engine.commands.billing.asking_less import Less, asked_less
from arrears.engine.commands.billing.ending import Unlike, unlike
from arrears.engine.commands.billing.pausing import unlike_pauses
from arrears.ports.billing import AccountsAndBilling, BilledCustomer, BilledInvoice, BillingSystem


class Drift(NamedTuple):
    """One invoice of which the two say different things: what is open here and what is asked there, in minor units, and
    why that may be."""

    customer: str
    invoice: str
    currency: str
    here_minor: int
    there_minor: int
    why: str

    def __str__(self) -> str:
        here, there = (format_amount(minor, self.currency) for minor in (self.here_minor, self.there_minor))
        return f"{self.customer} {self.invoice}: {here} open here, {there} there; {self.why}"


class DriftReport(NamedTuple):
    """What was compared, what differs, how many invoices wait for the billing system's own first charge, and the
    subscriptions that go on at one of the two alone, in words."""

    customers: int
    invoices: int
    differences: tuple[Drift, ...]
    not_tried: int
    subscriptions: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        return not self.differences and not self.subscriptions


def drift(store: AccountsAndBilling, system: BillingSystem, now: datetime) -> DriftReport:
    """Compare every customer. Writes nothing. Refuses `not_connected`."""
    connection = store.billing(system.name)
    if connection is None:
        raise Refused("not_connected", f"{system.name} is not connected; `arrears connect {system.name}` does that")
    since = datetime.combine(connection.options.since, time(), UTC)
    found: list[Drift] = []
    subscriptions: list[str] = []
    customers = invoices = not_tried = 0
    for customer in system.customers():
        told = system.read(customer, connection.options, since, frozenset())
        if told is not None:
            customers, invoices = customers + 1, invoices + len(told.invoices)
            not_tried += sum(one.not_tried for one in told.invoices)
            number = store.account_numbers([customer]).get(customer, 0)
            found += _differences(store, told, number)
            others: list[Unlike] = []
            if number:
                others += unlike(store, system, number, told.subscriptions, now)
                others += unlike_pauses(store, number, told.subscriptions)
            subscriptions += [f"{customer} {one.billed.ref} ({one.service}): {one.why}" for one in others]
    return DriftReport(customers, invoices, tuple(found), not_tried, tuple(subscriptions))


def _differences(store: AccountsAndBilling, told: BilledCustomer, number: int) -> Iterator[Drift]:
    ref = told.account.ref
    known = known_of(store.facts_of([number], KINDS).get(number, ()) if number else (), IMPORTER)
    account = store.snapshots([number])[number] if number else None
    debts = {debt.number: debt for debt in account.debts} if account else {}
    less = {one.invoice.ref: one for one in asked_less(known, account, told, {})} if account else {}
    for one in told.invoices:
        if one.not_tried and one.number not in known.by_number:
            continue
        given_up = one.row is not None and one.row.standing is InvoiceStanding.UNCOLLECTIBLE
        there = 0 if given_up else one.asks_minor
        here = debts[one.number].open_minor if one.number in debts else 0
        if here != there:
            currency = one.row.currency if one.row is not None else "EUR"
            yield Drift(ref, one.number, currency, here, there, _why(known, one, here, there, less.get(one.ref)))


def _why(known: Known, one: BilledInvoice, here: int, there: int, less: Less | None) -> str:
    no = known.by_number.get(one.number, 0)
    if not no:
        return f"not taken: {one.unreadable}" if one.unreadable else "not taken yet"
    if one.reported_minor > known.invoices[no].other_minor:
        way = "it is asked for here, and comes right once it is paid; to let it go, `arrears invoice write-off`"
        return f"what was reported there has left again here, and it stays paid there whatever is refunded; {way}"
    if less is not None:
        return f"{less}, and not told there yet; a task says so where it was refused"
    return "not reported there yet" if here < there else "not read from there yet"
