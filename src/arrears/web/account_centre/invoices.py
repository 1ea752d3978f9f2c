"""Invoices and payments: what was asked, paid and is open; a receipt for each payment; all of it for a spreadsheet."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from arrears.notices import values
from arrears.web.account_centre.billed_to import billed_to
from arrears.web.account_centre.documents import Papers
from arrears.web.account_centre.frame import Visit, account_page
from arrears.web.account_centre.money import Given, InvoiceShown, Received, books_of
from arrears.web.account_centre.owed import owed
from arrears.web.account_centre.paged import page_of
from arrears.web.account_centre.spreadsheet import Spreadsheet
from arrears.web.names import called

ROWS_A_PAGE: Final = 40


@account_page()
def page(visit: Visit) -> HttpResponse:
    """Both lists, the newest first."""
    books = books_of(visit, visit.live.store.history(visit.account))
    invoices = page_of(books.invoices[::-1], ROWS_A_PAGE, visit.request.GET)
    money = page_of(books.money[::-1], ROWS_A_PAGE, visit.request.GET, "payments")
    papers = Papers(visit)
    shown: dict[str, Any] = {
        "invoices": [{**_invoice(visit, one), **papers.of(one)} for one in invoices.items],
        "money": [_money(visit, one) for one in money.items],
        "invoice_pages": invoices,
        "money_pages": money,
        "credit": visit.sums({c: m for c, m in visit.snapshot.credit.items() if m}),
        "operator": visit.operator,
        "total": visit.listed([one.amount for one in owed(visit)]),
    }
    return visit.page("invoices", _("Invoices and payments"), **shown)


def _invoice(visit: Visit, one: InvoiceShown) -> dict[str, Any]:
    return {
        "number": one.debt.number,
        "issued": visit.day(one.issued_on),
        "due": visit.day(one.debt.due_on),
        "amount": visit.amount(one.debt.total_minor, one.debt.currency),
        "services": visit.listed([called(visit.snapshot, no) for no in one.debt.subscriptions]),
        "state": _state(visit, one),
        "late": one.left is not None and one.left.day_0 is not None,
    }


def _state(visit: Visit, one: InvoiceShown) -> str:
    if one.left is None:
        return _("not asked for any more") if one.given_up else _("paid")
    rest = {"rest": visit.amount(one.open_minor, one.debt.currency)}
    promised = visit.snapshot.arrangement_on(one.debt.no)
    if promised is not None and not visit.snapshot.debt_is_withheld(one.debt.no):
        return _("%(rest)s is open, promised for %(day)s") % {**rest, "day": visit.day(promised.parts[-1].on)}
    if visit.snapshot.debt_is_held(one.debt.no):
        return _("on hold: %(rest)s is open, and nothing is asked for it now") % rest
    if one.left.day_0 is None:
        return _("%(rest)s is open") % rest
    if one.left.settled_separately:
        return _("late: %(rest)s is open, and is settled by itself") % rest
    return _("late: %(rest)s is open") % rest


def _money(visit: Visit, one: Received | Given) -> dict[str, Any]:
    received = isinstance(one, Received)
    return {
        "seq": one.seq if isinstance(one, Received) else 0,
        "day": visit.day(visit.local_day(one.at)),
        "what": _("received") if received else _("from credit"),
        "amount": visit.amount(one.minor, one.currency),
        "invoices": visit.listed([number for number, _minor in one.parts]),
        "back": [_back(visit, one, back.minor, back.on) for back in one.back] if isinstance(one, Received) else (),
    }


def _back(visit: Visit, one: Received, minor: int, on: Any) -> str:
    return _("%(amount)s went back on %(day)s") % {"amount": visit.amount(minor, one.currency), "day": visit.day(on)}


class Receipt(NamedTuple):
    """A payment in the reader's words, for its page and its paper. `heads` are names with their values, `parts` the
    invoices that it paid, `back` what of it has left again."""

    number: str
    amount: str
    at: datetime
    heads: list[tuple[str, str]]
    parts: list[tuple[str, str]]
    back: list[dict[str, str]]


def receipt_of(visit: Visit, number: int) -> Receipt:
    """The receipt of the payment with this number of its fact, which is nobody else's; Http404 where it is none."""
    paid = books_of(visit, visit.live.store.history(visit.account)).payment(number)
    if paid is None:
        raise Http404
    own, amount = f"{visit.id}-{number}", visit.amount(paid.minor, paid.currency)
    parts = [(no, visit.amount(minor, paid.currency)) for no, minor in paid.parts]
    if paid.credit_minor:
        parts.append((_("kept as credit"), visit.amount(paid.credit_minor, paid.currency)))
    heads = [
        (_("Received by"), visit.operator),
        (_("For the account"), f"{visit.name(visit.contacts.name)} ({visit.id})"),
        *billed_to(visit),
        (_("Receipt"), own),
        (_("Day"), visit.day(visit.local_day(paid.at))),
        (_("Amount"), f"{amount} ({paid.currency})"),
        (_("Paid with"), _paid_with(visit, paid)),
        (_("Reference"), values.clean(paid.ref.partition(":")[2] or paid.ref)),
    ]
    back = [
        {"text": _back(visit, paid, one.minor, one.on), "invoices": visit.listed(list(one.invoices))}
        for one in paid.back
    ]
    return Receipt(own, amount, paid.at, heads, parts, back)


@account_page()
def receipt(visit: Visit, number: int) -> HttpResponse:
    """One payment, to read and to print."""
    shown = receipt_of(visit, number)
    title = _("Receipt for %(amount)s") % {"amount": shown.amount}
    return visit.page("receipt", title, receipt=shown, pdf=f"{number}.pdf")


def _paid_with(visit: Visit, paid: Received) -> str:
    """The card or mandate; what is known where there is none."""
    _provider, _colon, theirs = paid.ref.partition(":")
    if not theirs:
        return _("transfer or another way")
    attempt = next((one for one in visit.live.store.attempts(visit.account) if one.ref == theirs), None)
    label = visit.contacts.cards.get(attempt.method, "") if attempt is not None else ""
    return values.clean(label) or _("on the payment page")


@account_page()
def export(visit: Visit) -> HttpResponse:
    """The invoices for a spreadsheet, with heads, days and sums as the reader writes them."""
    heads = [_("Invoice"), _("Date"), _("Due date"), _("Currency"), _("Amount"), _("Open"), _("Paid on")]
    sheet = Spreadsheet(visit.locale, f"invoices-{visit.id}", [*heads, _("State"), _("Services")])
    for one in books_of(visit, visit.live.store.history(visit.account)).invoices:
        debt = one.debt
        paid_on = visit.local_day(one.paid_at) if one.left is None and one.paid_at is not None else None
        services = visit.listed([called(visit.snapshot, no) for no in debt.subscriptions])
        sums = (sheet.sum(minor, debt.currency) for minor in (debt.total_minor, one.open_minor))
        days = (one.issued_on, debt.due_on)
        sheet.row(debt.number, *days, debt.currency, *sums, paid_on, _state(visit, one), services)
    return sheet.answer()
