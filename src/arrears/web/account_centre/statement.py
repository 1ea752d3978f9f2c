"""A statement of account: everything that changed what is owed, in its order, with what was owed after it.

It is read from the ledger's own entries, so that its last line is what is open less the credit that lies here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from django.http import HttpResponse
from django.utils.translation import gettext as _

from arrears.core import facts as f
from arrears.core.ledger import CREDIT, RECEIVABLE, entries_of
from arrears.web.account_centre.billed_to import billed_to
from arrears.web.account_centre.fact_words import Teller
from arrears.web.account_centre.frame import Visit, account_page
from arrears.web.account_centre.owed import owed
from arrears.web.account_centre.paged import page_of
from arrears.web.account_centre.spreadsheet import Spreadsheet

ROWS_A_PAGE: Final = 60


class StatementLine(NamedTuple):
    """One change of what is owed in one currency: more where it is above zero; `balance_minor` is what is owed then,
    below zero where there is credit."""

    on: date
    what: str
    currency: str
    change_minor: int
    balance_minor: int


def statement_of(visit: Visit, history: Sequence[f.Recorded]) -> list[StatementLine]:
    """Every line, the oldest first."""
    teller, balances = Teller(visit, history), dict[str, int]()
    found = []
    for recorded in history:
        changes: dict[str, int] = {}
        for entry in entries_of(recorded):
            if entry.ledger in (RECEIVABLE, CREDIT):
                changes[entry.currency] = changes.get(entry.currency, 0) + entry.minor
        for currency, minor in changes.items():
            if minor:
                balances[currency] = balances.get(currency, 0) + minor
                on = visit.local_day(recorded.at)
                if isinstance(recorded.fact, f.InvoiceIssued):
                    on = recorded.fact.issued_on
                found.append(StatementLine(on, teller.tells(recorded), currency, minor, balances[currency]))
    return found


@account_page()
def page(visit: Visit) -> HttpResponse:
    """The statement to read and print, the newest first."""
    paged = page_of(statement_of(visit, visit.live.store.history(visit.account))[::-1], ROWS_A_PAGE, visit.request.GET)
    rows: list[dict[str, Any]] = [
        {
            "day": visit.day(one.on),
            "what": one.what,
            "change": visit.amount(one.change_minor, one.currency),
            "balance": visit.amount(one.balance_minor, one.currency),
        }
        for one in paged.items
    ]
    total = visit.listed([one.amount for one in owed(visit)])
    more: dict[str, Any] = {"rows": rows, "paged": paged, "billed_to": billed_to(visit), "total": total}
    return visit.page("statement", _("Statement of account"), **more)


@account_page()
def export(visit: Visit) -> HttpResponse:
    """The same for a spreadsheet, the oldest first."""
    heads = [_("Day"), _("What happened"), _("Currency"), _("Change"), _("Owed after it")]
    lines = statement_of(visit, visit.live.store.history(visit.account))
    sheet = Spreadsheet(visit.locale, f"statement-{visit.id}", heads)
    for one in lines:
        change, balance = sheet.sum(one.change_minor, one.currency), sheet.sum(one.balance_minor, one.currency)
        sheet.row(one.on, one.what, one.currency, change, balance)
    return sheet.answer()
