"""Receipts and statements of account as PDF: what their pages say, on paper."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from arrears.core.errors import Refused
from arrears.notices.paper import ROWS_MAX, Paper, PaperColumn, PaperTable, as_pdf
from arrears.web.account_centre.billed_to import billed_to
from arrears.web.account_centre.frame import Visit, account_page
from arrears.web.account_centre.invoices import receipt_of
from arrears.web.account_centre.statement import StatementLine, statement_of
from arrears.web.languages import language_now
from arrears.web.logs import LOG
from arrears.web.refusals import in_words
from arrears.wiring import settings


@account_page()
def receipt(visit: Visit, number: int) -> HttpResponse:
    """One payment; dated by its own instant, so that it is the same file each time."""
    shown = receipt_of(visit, number)
    columns = (PaperColumn(_("Invoice"), wide=True), PaperColumn(_("Amount"), sum=True))
    # Who received it and how much stand above already.
    said = {_("Received by"), _("Amount")}
    paper = Paper(
        title=_("Receipt"),
        number=shown.number,
        amount=shown.amount,
        heads=[head for head in shown.heads if head[0] not in said],
        tables=(PaperTable(columns, shown.parts, (_("Total"), shown.amount), _("What it paid")),),
        notes=[" ".join([one["text"], *_open_again(one["invoices"])]) for one in shown.back],
        **_given_by(visit),
    )
    return answer(visit, paper, f"receipt-{shown.number}.pdf", shown.at)


def _open_again(invoices: str) -> tuple[str, ...]:
    return (_("Open again: %(invoices)s.") % {"invoices": invoices},) if invoices else ()


@account_page()
def statement(visit: Visit) -> HttpResponse:
    """The statement of account, the oldest first."""
    lines = statement_of(visit, visit.live.store.history(visit.account))
    heads = [
        (_("For the account"), f"{visit.name(visit.contacts.name)} ({visit.id})"),
        *billed_to(visit),
        (_("Day"), visit.day(visit.view.today)),
        (_("Owed now"), visit.sums(balances(lines)) or _("nothing")),
    ]
    paper = Paper(_("Statement of account"), visit.id, heads=heads, tables=(_table(visit, lines),), **_given_by(visit))
    return answer(visit, paper, f"statement-{visit.id}.pdf", visit.now)


def balances(lines: Sequence[StatementLine]) -> dict[str, int]:
    """What is owed after these lines, by currency, in minor units; below zero where there is credit."""
    last = {one.currency: one.balance_minor for one in lines}
    return {currency: minor for currency, minor in last.items() if minor}


def _table(visit: Visit, lines: Sequence[StatementLine]) -> PaperTable:
    """The newest lines that a paper has room for, after what was owed before them."""
    most = ROWS_MAX - len({one.currency for one in lines})
    before, shown = lines[:-most], lines[-most:]
    rows = [
        (visit.day(before[-1].on), _("Brought forward"), "", visit.amount(minor, currency))
        for currency, minor in sorted(balances(before).items())
    ]
    rows += [
        (
            visit.day(one.on),
            one.what,
            visit.amount(one.change_minor, one.currency),
            visit.amount(one.balance_minor, one.currency),
        )
        for one in shown
    ]
    heads = (
        PaperColumn(_("Day")),
        PaperColumn(_("What happened"), wide=True),
        PaperColumn(_("Change"), sum=True),
        PaperColumn(_("Owed after it"), sum=True),
    )
    return PaperTable(heads, rows)


def _given_by(visit: Visit) -> dict[str, Any]:
    """Whose paper it is, and in which language it is read aloud."""
    of = {"seller": visit.operator, "identity": settings().legal_identity}
    return {**of, "language": language_now(), "region": visit.locale.territory or ""}


def answer(visit: Visit, paper: Paper, name: str, at: datetime) -> HttpResponse:
    """The file, to be kept by the browser; where it cannot be made, one page says what to do instead."""
    try:
        body = as_pdf(paper, at)
    except Refused as refused:
        LOG.error("paper not made", code=refused.code)
        return visit.page("refused", _("That was not possible"), 500, text=in_words(refused), back=_page_of(visit))
    response = HttpResponse(body, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _page_of(visit: Visit) -> str:
    return visit.request.path.removesuffix(".pdf")
