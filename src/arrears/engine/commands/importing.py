"""Bringing a receivables book in: accounts, invoices and payments, all or nothing, in one transaction.

What is there already with the same content is left alone, so the same book can come twice. The book's past is
recorded now: an invoice that the book says is paid is issued and paid at once and never goes past due; an open one
whose due date has passed goes past due at the next run and gets the full ladder from that day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from arrears.core import facts as f
from arrears.core.account import ALL_STOPS, Hold, HoldScope, Mode, Terms
from arrears.core.calendar import calendar_of
from arrears.core.errors import Refused
from arrears.core.receivables import (
    INVOICE_FIELDS,
    PAYMENT_FIELDS,
    BookInvoice,
    BookPayment,
    KnownInvoice,
    KnownPayment,
    ReceivablesBook,
)
from arrears.core.unit import Unit
from arrears.engine.acting import decide_until_rest
from arrears.engine.booking import Payment
from arrears.engine.booking import book as book_payment
from arrears.engine.commands.invoices import Invoice, issue
from arrears.engine.failpoints import reached
from arrears.ports import AccountOpening, NewAccount

REASONS_MAX: Final = 50
"""So many rows are named when a book is refused, then they are counted."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """How much was new."""

    accounts: int
    invoices: int
    payments: int
    known_invoices: int
    known_payments: int


def import_book(
    store: AccountOpening,
    book: ReceivablesBook,
    known_invoices: Mapping[str, KnownInvoice],
    known_payments: Mapping[str, KnownPayment],
    now: datetime,
    author: str,
    progress: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Import what is new. Refuses `conflicting_book`, naming rows and columns, if something is there with other
    content or is said to be paid on a day that is still to come."""
    _refuse_wrong_rows(book, known_invoices, known_payments, now)
    policies, guards = store.policies(), store.system().guards
    if "default" not in policies:
        raise Refused(
            "unknown_policy", "no policy named default is in force; `arrears policy adopt FILE` puts one in force"
        )
    known_accounts = store.account_numbers([a.ref for a in book.accounts])
    new = [a for a in book.accounts if a.ref not in known_accounts]
    opened = [NewAccount(a.ref, a.name, a.country, a.zone, a.locale, Mode(a.mode), "default", a.email) for a in new]
    invoices = [i for i in book.invoices if i.number not in known_invoices]
    payments = [p for p in book.payments if p.ref not in known_payments]
    touched = {i.account_ref for i in invoices} | {p.account_ref for p in payments}
    existing = sorted(known_accounts[ref] for ref in touched if ref in known_accounts)
    if not (new or invoices or payments):
        return ImportReport(0, 0, 0, len(book.invoices), len(book.payments))
    with store.open_accounts(opened, now, also=existing) as batch:
        units = {u.no: u for u in batch.units}
        by_ref = {a.ref: unit for a, unit in zip(new, batch.units, strict=False)}
        by_ref |= {ref: units[no] for ref, no in known_accounts.items() if no in units}
        for account in new:
            terms = Terms("default", account.zone)
            by_ref[account.ref].record(f.AccountOpened(terms=terms, mode=Mode(account.mode)), author)
        numbers = {number: known.no for number, known in known_invoices.items()}
        _record(by_ref, invoices, payments, numbers, author, progress)
        for unit in batch.units:
            decide_until_rest(unit, policies, guards, only_consequences=True)
        reached("command.before_commit")
    reached("command.after_commit")
    return ImportReport(
        len(new),
        len(invoices),
        len(payments),
        len(book.invoices) - len(invoices),
        len(book.payments) - len(payments),
    )


def _record(
    by_ref: Mapping[str, Unit],
    invoices: Sequence[BookInvoice],
    payments: Sequence[BookPayment],
    numbers: dict[str, int],
    author: str,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Issue, then pay, then dispute what is still open; `numbers` learns each new invoice's number."""
    total = len(invoices) + len(payments)
    for done, invoice in enumerate(invoices):
        numbers[invoice.number] = _issue(by_ref[invoice.account_ref], invoice, author)
        if progress is not None and done % 1000 == 0:
            progress(done, total)
    for done, payment in enumerate(payments):
        _pay(by_ref[payment.account_ref], payment, numbers[payment.invoice_number], author)
        if progress is not None and done % 1000 == 0:
            progress(len(invoices) + done, total)
    for invoice in invoices:
        _dispute(by_ref[invoice.account_ref], invoice, numbers[invoice.number], author)


def _refuse_wrong_rows(
    book: ReceivablesBook,
    known_invoices: Mapping[str, KnownInvoice],
    known_payments: Mapping[str, KnownPayment],
    now: datetime,
) -> None:
    """One reason a row: what contradicts the database, and money that cannot have arrived yet."""
    wrong: dict[int, str] = {}
    for invoice in book.invoices:
        reason = _otherwise(book, invoice, known_invoices.get(invoice.number), INVOICE_FIELDS)
        if reason:
            wrong[invoice.row] = f"{book.columns['number']}: invoice {invoice.number} {reason}"
    today = {account.ref: calendar_of(account.zone).local_day(now) for account in book.accounts}
    for payment in book.payments:
        reason = _otherwise(book, payment, known_payments.get(payment.ref), PAYMENT_FIELDS)
        if payment.paid_on > today[payment.account_ref]:
            late = f"paid on {payment.paid_on}, and today is {today[payment.account_ref]}; leave out what is not paid"
            wrong.setdefault(payment.row, f"{book.columns['paid_on']}: {late}")
        elif reason:
            wrong.setdefault(payment.row, f"{book.columns['ref']}: payment {payment.ref} {reason}")
    if wrong:
        lines = [f"row {row}, {reason}" for row, reason in sorted(wrong.items())]
        more = [f"and {len(lines) - REASONS_MAX} more"] if len(lines) > REASONS_MAX else []
        raise Refused("conflicting_book", "\n".join([*lines[:REASONS_MAX], *more]))


def _otherwise(
    book: ReceivablesBook,
    row: BookInvoice | BookPayment,
    known: KnownInvoice | KnownPayment | None,
    fields: Sequence[str],
) -> str:
    """What the database says otherwise, by the file's columns; empty if nothing."""
    if known is None:
        return ""
    columns = [book.columns[name] for name in fields if getattr(row, name) != getattr(known, name)]
    return f"is in the database already with other content ({', '.join(columns)})" if columns else ""


def _subscription(unit: Unit, service: str, author: str) -> int:
    found: Sequence[int] = [s.no for s in unit.account.subscriptions if s.service == service]
    if found:
        return found[0]
    number = len(unit.account.subscriptions) + 1
    unit.record(f.SubscriptionAdded(subscription=number, service=service), author)
    return number


def _issue(unit: Unit, invoice: BookInvoice, author: str) -> int:
    issued = Invoice(
        unit.no,
        invoice.number,
        invoice.currency,
        invoice.total_minor,
        invoice.issued_on,
        invoice.due_on,
        (_subscription(unit, invoice.service, author),),
    )
    return issue(unit, issued, author)


def _pay(unit: Unit, payment: BookPayment, debt: int, author: str) -> None:
    booked = Payment(unit.no, payment.ref, payment.currency, payment.amount_minor, (debt,))
    book_payment(unit, booked, author)


def _dispute(unit: Unit, invoice: BookInvoice, debt: int, author: str) -> None:
    if invoice.disputed and unit.account.debt(debt) is not None:
        number = unit.account.hold_count + 1
        hold = Hold(no=number, scope=HoldScope.DEBT, target=debt, stops=ALL_STOPS, reason="dispute", from_at=unit.now)
        unit.record(f.HoldPlaced(hold=hold), author, "disputed in the book")
