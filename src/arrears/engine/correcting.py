"""Correcting what was booked, on an account that is open for a change: commands and imports do the same.

Each function records facts in a unit; notices, promises and causes follow from them (see acting.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from msgspec.structs import replace

from arrears.core import facts as f
from arrears.core.account import Account, Debt
from arrears.core.calendar import calendar_of
from arrears.core.deadlines import applying
from arrears.core.errors import Refused
from arrears.core.facts.payments import TAKEN_BACK
from arrears.core.known import Known, KnownInvoice, KnownPayment
from arrears.core.money import format_amount
from arrears.core.payments.trail import Trail, trail_of
from arrears.core.unit import Unit
from arrears.core.view import View

DUE_YEARS_MAX: Final = 3
"""A due date further away than this is a slip of the pen."""
DUE_FURTHEST: Final = f"the furthest is {DUE_YEARS_MAX} years from now: say an earlier day, or void what is not asked"


def credit_invoice(
    unit: Unit,
    known: Known,
    invoice: KnownInvoice,
    minor: int,
    author: str,
    why: str,
    *,
    void: bool = False,
    ref: str = "",
) -> None:
    """Ask so much less of an invoice: what is open takes it first, then what was written off, which nobody has paid,
    then what was given back before of the payments whose money is free again, which is that money; what is left is
    account credit. Refuses `bad_amount` for nothing, or more than is asked."""
    if not 0 < minor <= invoice.total_minor:
        asked = format_amount(invoice.total_minor, invoice.currency)
        raise Refused("bad_amount", f"invoice {invoice.number!r} asks {asked}; more cannot be credited, nor nothing")
    ask_again(unit, invoice, minor - _open_minor(unit, invoice), author, why)
    credit = minor - min(minor, _open_minor(unit, invoice))
    note = f.InvoiceCredited(
        debt=invoice.no, currency=invoice.currency, minor=minor, credit_minor=credit, void=void, ref=ref
    )
    trail = _trail(unit, known)
    before = {payment: traced.credit for payment, traced in trail.payments.items()}
    trail.take(unit.record(note, author, why))
    invoice.total_minor -= minor
    invoice.noted_minor += minor if ref else 0
    invoice.here_only_minor = invoice.here_only_minor if ref else 0
    invoice.void = void
    for payment, was in before.items():
        freed = trail.payments[payment].credit - was
        for refund in trail.payments[payment].kind_refunds:
            if covered := min(freed, refund.minor - refund.credit):
                fact = f.RefundCovered(refund.number, refund.ref, payment, invoice.currency, covered)
                unit.record(fact, author, why)
                freed -= covered


def _open_minor(unit: Unit, invoice: KnownInvoice) -> int:
    debt = unit.account.debt(invoice.no)
    return 0 if debt is None else debt.open_minor


def _trail(unit: Unit, known: Known) -> Trail:
    """Where the money of the account's payments is; nowhere, if none of it was ever given back. When each fact was
    recorded, and by whom, makes no difference here."""
    if not known.gave_back:
        return Trail()
    told = [f.Recorded(unit.no, place, unit.now, "", "", fact) for place, fact in enumerate(known.money)]
    return trail_of([*told, *(one.recorded for one in unit.stored)])


def credit_account(unit: Unit, currency: str, minor: int, ref: str, author: str, why: str) -> None:
    """Account credit without an invoice, from a credit note."""
    if minor <= 0:
        raise Refused("bad_amount", f"credit note {ref!r} must be more than zero")
    fact = f.InvoiceCredited(debt=0, currency=currency, minor=minor, credit_minor=minor, ref=ref)
    unit.record(fact, author, why)


def move_due(unit: Unit, invoice: KnownInvoice, due_on: date, view: View, author: str, why: str) -> None:
    """Another due date. Later: every promise that moved is void. Earlier: only while nothing about this debt was sent.
    Refuses `demanded`, `bad_date`. `view` is the account as it stands."""
    if due_on < invoice.issued_on:
        raise Refused("bad_date", f"invoice {invoice.number!r} was issued on {invoice.issued_on}, after {due_on}")
    if due_on.year > view.today.year + DUE_YEARS_MAX:
        raise Refused("bad_date", f"invoice {invoice.number!r} would be due in {due_on.year}; {DUE_FURTHEST}")
    if due_on < invoice.due_on and invoice.demanded:
        raise Refused(
            "demanded",
            f"invoice {invoice.number!r} is due on {invoice.due_on}, and the customer was told so; "
            f"{due_on} is earlier, and what was promised only moves later",
        )
    voided = tuple(_moved(view, invoice.no, due_on))
    unit.record(f.DueMoved(debt=invoice.no, due_on=due_on, voided=voided), author, why)
    invoice.due_on = due_on


def _moved(view: View, number: int, due_on: date) -> Iterator[f.Voided]:
    """The warnings that named an earlier day than the clocks give once this debt is due later."""
    debts = tuple(replace(d, due_on=due_on, day_0=None) if d.no == number else d for d in view.account.debts)
    after = View(view.policies, replace(view.account, debts=debts), view.guards, view.now)
    for sub in after.account.subscriptions:
        if not after.debts_of(sub):
            continue  # It is resumed, and every promise with it is over.
        for one in applying(after, sub, whatever_is_owed=True):
            named = [s.promised_on for s in one.promise.sent if s.seq > one.promise.since_seq]
            by_clock = one.base()
            if named and (by_clock is None or by_clock > max(named)):
                yield f.Voided(sub.no, one.action)


def give_up(unit: Unit, invoice: KnownInvoice, author: str, why: str) -> bool:
    """Write off what is open of an invoice; whether anything was."""
    debt = unit.account.debt(invoice.no)
    if debt is None:
        return False
    unit.record(f.WrittenOff(debt=invoice.no, minor=debt.open_minor, currency=debt.currency), author, why)
    invoice.given_up_minor += debt.open_minor
    return True


def ask_again(unit: Unit, invoice: KnownInvoice, minor: int, author: str, why: str) -> None:
    """Ask for what was written off after all; nothing where nothing was."""
    minor = min(minor, invoice.given_up_minor)
    if minor > 0:
        debt = _reopened(unit, invoice, minor)
        unit.record(f.DebtReopened(debt=debt, minor=minor, reason=why, given_up=True), author, why)
        invoice.given_up_minor -= minor


def take_back(unit: Unit, known: Known, payment: KnownPayment, minor: int, author: str, why: str) -> None:
    """So much of a payment has left again, or never came: its invoices are owed again from today, the latest paid
    first. What they never took is taken from account credit, and then from what that credit has paid, the latest first.
    Refuses `bad_amount` for nothing, or more than came."""
    if not 0 < minor <= payment.minor:
        came = format_amount(payment.minor, payment.currency)
        raise Refused("bad_amount", f"of payment {payment.ref!r} there is {came}; more cannot be taken back")
    left = minor
    for part in payment.of_invoices(minor):
        invoice = known.invoices[part.debt]
        left -= _owed_again(unit, invoice, known.paid(part.debt) - part.minor, part.minor, why, author)
        invoice.other_minor -= 0 if payment.by_book else part.minor
    credit = min(left, unit.account.credit.get(payment.currency, 0))
    left -= credit
    for part in reversed([*known.on_credit]):
        invoice = known.invoices[part.debt]
        if left and invoice.currency == payment.currency:
            again = _owed_again(unit, invoice, 0, min(left, part.minor), why, author)
            invoice.other_minor -= again
            known.undo_credit(part.debt, again)
            left -= again
    fact = f.Refunded(
        ref=f"{TAKEN_BACK}{payment.ref}:{unit.no}:{unit.seq + 1}",
        payment_ref=payment.ref,
        currency=payment.currency,
        amount_minor=credit + left,
        credit_minor=credit,
        reopened_minor=minor - credit - left,
    )
    unit.record(fact, author, why)
    payment.minor -= minor


def _owed_again(unit: Unit, invoice: KnownInvoice, paid_minor: int, minor: int, why: str, author: str) -> int:
    """Owe so much of an invoice again, but never more than is asked and not paid; how much it was."""
    owed = invoice.total_minor - invoice.given_up_minor - max(paid_minor, 0)
    again = min(minor, owed - _open_minor(unit, invoice))
    if again <= 0:
        return 0
    unit.record(f.DebtReopened(debt=_reopened(unit, invoice, again), minor=again, reason=why), author, why)
    return again


def _reopened(unit: Unit, invoice: KnownInvoice, minor: int) -> Debt:
    """The debt as it is once so much more of it is open; past due from today, unless its day has not come."""
    account: Account = unit.account
    terms = account.terms if account.case is None else account.case.terms
    today = calendar_of(terms.zone).local_day(unit.now)
    was = account.debt(invoice.no)
    found = was or replace(invoice.issued, open_minor=0, due_on=invoice.due_on)
    return replace(
        found,
        open_minor=found.open_minor + minor,
        past_due_from=today if invoice.due_on < today else None,
        day_0=None,
        ended=False,
    )
