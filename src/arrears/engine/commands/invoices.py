"""Invoices, and the money that comes for them or leaves again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import msgspec
from msgspec.structs import replace

from arrears.core import facts as f
from arrears.core.account import Account, Debt
from arrears.core.credit_limit import over_limit
from arrears.core.errors import Refused
from arrears.core.invoice_lines import InvoiceLine, TaxLine, check_lines
from arrears.core.money import bounded, exponent
from arrears.core.unit import Unit
from arrears.engine.acting import acting, acting_on, local_today, open_debts
from arrears.engine.booking import Payment, book
from arrears.ports import Accounts, Receivables


class Invoice(msgspec.Struct, frozen=True, gc=False):
    """Money asked: minor units of one currency, for the numbered subscriptions of one account."""

    account: int
    number: str
    currency: str
    total_minor: int
    issued_on: date
    due_on: date
    subscriptions: tuple[int, ...]
    settled_separately: bool = False
    lines: tuple[InvoiceLine, ...] = ()
    tax_lines: tuple[TaxLine, ...] = ()
    """What its document shows (see invoice_lines)."""


def issue_invoices(store: Accounts, invoices: Sequence[Invoice], now: datetime, author: str) -> list[int]:
    """Issue invoices set-wise; their numbers within their accounts. Refuses the whole set if one is wrong."""
    with acting(store, [i.account for i in invoices], now) as units:
        return [issue(units[invoice.account], invoice, author) for invoice in invoices]


def issue(unit: Unit, invoice: Invoice, author: str) -> int:
    """Issue one invoice; its number within the account. Refuses `unknown_currency`, `bad_amount`,
    `due_before_issue`, `unknown_subscription`, `bad_lines`."""
    exponent(invoice.currency)
    bounded(invoice.total_minor, f"invoice {invoice.number!r}: the total")
    if invoice.due_on < invoice.issued_on:
        raise Refused("due_before_issue", f"invoice {invoice.number!r} is due before it is issued")
    known = {s.no for s in unit.account.subscriptions}
    if not invoice.subscriptions or not known.issuperset(invoice.subscriptions):
        raise Refused("unknown_subscription", f"invoice {invoice.number!r} must name subscriptions of its account")
    check_lines(invoice.number, invoice.currency, invoice.total_minor, invoice.lines, invoice.tax_lines)
    number = unit.account.debt_count + 1
    debt = Debt(
        no=number,
        number=invoice.number,
        currency=invoice.currency,
        total_minor=invoice.total_minor,
        open_minor=invoice.total_minor,
        due_on=invoice.due_on,
        subscriptions=invoice.subscriptions,
        settled_separately=invoice.settled_separately,
    )
    issued = f.InvoiceIssued(
        debt=debt,
        issued_on=invoice.issued_on,
        lines=invoice.lines,
        tax_lines=invoice.tax_lines,
        over_limit_minor=_over_limit(unit.account, debt),
    )
    unit.record(issued, author)
    return number


def _over_limit(account: Account, debt: Debt) -> int:
    if debt.currency not in account.credit_limits:
        return 0
    return over_limit(replace(account, debts=(*account.debts, debt)), debt.currency)


def record_payments(store: Accounts, payments: Sequence[Payment], now: datetime, author: str) -> None:
    """Book money received. A payment that names an invoice is booked on it first, the rest is account credit."""
    with acting(store, [p.account for p in payments], now) as units:
        for payment in payments:
            book(units[payment.account], payment, author)


def report_decline(
    store: Accounts,
    account: int,
    debts: Sequence[int],
    now: datetime,
    author: str,
    journal: Receivables | None = None,
) -> None:
    """Record that the charge of these debts was definitively declined: they are past due from this local day. With the
    `journal` what was reported of all of them on this day already is refused: `nothing_changes`."""
    with acting_on(store, account, now) as unit:
        open_debts(unit, debts)
        said = () if journal is None else journal.facts_of([account], [f.ChargeDeclined]).get(account, ())
        today = (
            one.fact for one in said if isinstance(one.fact, f.ChargeDeclined) and one.fact.on == local_today(unit)
        )
        if {*debts} <= {number for fact in today for number in fact.debts}:
            raise Refused("nothing_changes", "that a charge of this was declined today is recorded already")
        unit.record(f.ChargeDeclined(debts=tuple(debts), on=local_today(unit)), author)


def report_authorisation_declined(
    store: Accounts, account: int, currency: str, amount_minor: int, decline: str, now: datetime, author: str
) -> None:
    """Record that a card was refused for an amount that is not invoiced yet: the customer hears of it at once, and
    nothing is owed.
    `decline` is one of our words (core/data/declines.toml), or empty. Refuses `bad_amount`, `unknown_currency`."""
    exponent(currency)
    bounded(amount_minor, "the amount that was refused")
    with acting_on(store, account, now) as unit:
        refused = f.AuthorisationDeclined(currency=currency, amount_minor=amount_minor, decline=decline)
        unit.record(refused, author)


def reopen(store: Accounts, account: int, debt: Debt, minor: int, reason: str, now: datetime, author: str) -> None:
    """Record that money has left again: the debt is owed anew and this local day is its day 0 (spec, section 4, point
    10).

    `debt` describes the invoice as issued; what is open already stays open.
    """
    with acting_on(store, account, now) as unit:
        was = unit.account.debt(debt.no)
        open_minor = (was.open_minor if was is not None else 0) + minor
        if not minor > 0 or open_minor > debt.total_minor:
            raise Refused("bad_amount", f"more would be open of invoice {debt.number!r} than it asked")
        today = local_today(unit)
        again = replace(debt, open_minor=open_minor, past_due_from=today, day_0=None, ended=False)
        unit.record(f.DebtReopened(debt=again, minor=minor, reason=reason), author, reason)


def write_off(store: Accounts, account: int, debt: int, now: datetime, author: str, why: str) -> None:
    """Give up what is open of a debt. It ends what the debt caused, as a payment does."""
    with acting_on(store, account, now) as unit:
        found = open_debts(unit, [debt])[0]
        unit.record(f.WrittenOff(debt=debt, minor=found.open_minor, currency=found.currency), author, why)
