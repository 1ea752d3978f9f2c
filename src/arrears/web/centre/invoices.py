"""Invoices and payments: what was asked, what was paid, what is open; also as CSV."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any, NamedTuple

from django.http import HttpResponse
from django.utils.translation import gettext as _

from arrears.core.facts import InvoiceIssued, PaymentBooked, Refunded
from arrears.web.centre.frame import Visit, account_page


class Invoice(NamedTuple):
    """One invoice, minor units; `open_minor` is 0 when it is paid."""

    number: str
    issued_on: date
    due_on: date
    currency: str
    total_minor: int
    open_minor: int
    late: bool
    held: bool
    services: tuple[str, ...]


class Money(NamedTuple):
    """Money that came (or went back: below zero)."""

    on: date
    currency: str
    minor: int
    invoices: tuple[str, ...]


@account_page()
def page(visit: Visit) -> HttpResponse:
    """Both lists, the newest first."""
    invoices, money = _read(visit)
    values: dict[str, Any] = {
        "invoices": [
            {
                "number": one.number,
                "due": visit.day(one.due_on),
                "amount": visit.amount(one.total_minor, one.currency),
                "services": visit.listed(one.services),
                "state": _state(visit, one),
                "late": one.late,
            }
            for one in reversed(invoices)
        ],
        "money": [
            {
                "day": visit.day(one.on),
                "amount": visit.amount(one.minor, one.currency),
                "invoices": visit.listed(one.invoices),
            }
            for one in reversed(money)
        ],
        "credit": visit.sums({c: m for c, m in visit.snapshot.credit.items() if m}),
    }
    return visit.page("invoices", _("Invoices and payments"), **values)


@account_page()
def export(visit: Visit) -> HttpResponse:
    """The invoices as CSV: plain numbers and ISO days, for other programs."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["invoice", "issued_on", "due_on", "currency", "total_minor", "open_minor", "services"])
    for one in _read(visit)[0]:
        services = " ".join(one.services)
        row = [one.number, one.issued_on, one.due_on, one.currency, one.total_minor, one.open_minor, services]
        # A spreadsheet would take a leading = + - or @ for a formula.
        writer.writerow([f"'{cell}" if str(cell)[:1] in "=+@" else cell for cell in row])
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="invoices-{visit.id}.csv"'
    return response


def _state(visit: Visit, one: Invoice) -> str:
    if not one.open_minor:
        return _("paid")
    if one.held:
        return _("on hold")
    rest = visit.amount(one.open_minor, one.currency)
    return (_("late: %(rest)s is open") if one.late else _("%(rest)s is open")) % {"rest": rest}


def _read(visit: Visit) -> tuple[list[Invoice], list[Money]]:
    account = visit.snapshot
    open_now = {debt.no: debt for debt in account.debts}
    names = {sub.no: sub.service for sub in account.subscriptions}
    numbers: dict[int, str] = {}
    invoices, money = [], []
    for recorded in visit.live.store.history(visit.account):
        fact, on = recorded.fact, visit.local_day(recorded.at)
        if isinstance(fact, InvoiceIssued):
            debt = fact.debt
            left = open_now.get(debt.no)
            numbers[debt.no] = debt.number
            invoices.append(
                Invoice(
                    number=debt.number,
                    issued_on=on,
                    due_on=debt.due_on,
                    currency=debt.currency,
                    total_minor=debt.total_minor,
                    open_minor=0 if left is None else left.open_minor,
                    late=left is not None and left.day_0 is not None,
                    held=account.debt_is_held(debt.no),
                    services=tuple(names[no] for no in debt.subscriptions if no in names),
                )
            )
        elif isinstance(fact, PaymentBooked):
            paid = tuple(numbers[part.debt] for part in fact.allocations if part.debt in numbers)
            money.append(Money(on, fact.currency, fact.amount_minor, paid))
        elif isinstance(fact, Refunded):
            money.append(Money(on, fact.currency, -fact.amount_minor, ()))
    return invoices, money
