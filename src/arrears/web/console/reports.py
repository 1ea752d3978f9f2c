"""The reports on receivables: each with its definition, its figures as a table, a chart of them where one helps, the
same as CSV, and behind every figure the accounts that it is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from babel.numbers import format_decimal, format_percent
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, format_id
from arrears.core.money import exponent, format_amount
from arrears.core.reports import (
    COLUMNS,
    ColumnUnit,
    ReceivablesReport,
    ReportColumn,
    ReportFigure,
    days_sales_outstanding,
)
from arrears.notices import values
from arrears.store.postgres.reports import AccountLine, Period, days_to_recover, figures, lines_of
from arrears.web.account_centre.spreadsheet import Spreadsheet
from arrears.web.console.frame import ConsoleRequest, account_path, console_page
from arrears.web.console.report_words import COLUMN_WORDS, WORDS, group_words, says_a_code
from arrears.web.numbers import whole

MONTHS: Final = (3, 12, 36)
ACCOUNTS_A_PAGE: Final = 50
DRAWN: Final = (
    ReceivablesReport.AGEING,
    ReceivablesReport.RECOVERY,
    ReceivablesReport.TIME_TO_RECOVER,
    ReceivablesReport.DAYS_SALES_OUTSTANDING,
)
"""The reports whose groups have an order that a line or bars can show."""


@console_page()
def index(console: ConsoleRequest) -> HttpResponse:
    """Which reports there are."""
    listed = [(one.value, WORDS[one].title, WORDS[one].definition) for one in ReceivablesReport]
    return console.page("reports", _("Reports"), listed=listed)


@console_page()
def page(console: ConsoleRequest, report: str) -> HttpResponse:
    """One report; Http404 for one that there is not."""
    try:
        return _shown(console, ReceivablesReport(report), _months(console))
    except ValueError:
        raise Http404 from None


def _shown(console: ConsoleRequest, report: ReceivablesReport, months: int) -> HttpResponse:
    period = _period(console.now.date(), months)
    asked = console.request.GET
    try:
        if "group" in asked:
            return _accounts(console, report, months, period)
        found = figures(console.live.store, report, period)
        times = days_to_recover(console.live.store, period) if report is ReceivablesReport.TIME_TO_RECOVER else ()
    except Refused as refused:
        return console.page("refused", _("This takes too long"), 503, text=_too_long(refused))
    if asked.get("as") == "csv":
        return _sheet(console, report, found, period)
    words = WORDS[report]
    shown: dict[str, Any] = {
        "words": words,
        "name": report.value,
        "months": months,
        "choices": MONTHS,
        "heads": [*_heads(report)],
        "parts": [_part(console, report, months, currency, found) for currency in _currencies(found)],
        "drawn": report in DRAWN and bool(found),
        "times": [(one.currency, one.number, *one.days) for one in times],
        "csv": f"?{urlencode({'months': months, 'as': 'csv'})}",
    }
    return console.page("report", str(words.title), **shown)


def _too_long(_refused: Refused) -> str:
    return _("It could not be reckoned within a minute. Choose fewer months, or ask again at a quieter time.")


def _months(console: ConsoleRequest) -> int:
    try:
        months = whole(console.request.GET.get("months", "12"), 3)
    except ValueError:
        return 12
    return months if months in MONTHS else 12


def _period(today: date, months: int) -> Period:
    """From the first day of the month that is so many before this one, so that each month is whole."""
    place = today.year * 12 + today.month - 1 - months
    return Period(date(place // 12, place % 12 + 1, 1), today + timedelta(days=1), today)


def _heads(report: ReceivablesReport) -> Iterator[str]:
    yield str(WORDS[report].groups)
    yield str(WORDS[report].counts)
    yield from (str(COLUMN_WORDS[column.name]) for column in COLUMNS[report])
    if report is ReceivablesReport.DAYS_SALES_OUTSTANDING:
        yield _("Days")


def _currencies(found: Sequence[ReportFigure]) -> Sequence[str]:
    return sorted({one.currency for one in found})


def _part(
    console: ConsoleRequest, report: ReceivablesReport, months: int, currency: str, every: Sequence[ReportFigure]
) -> dict[str, Any]:
    """The figures of one currency: sums of two are never in one table, nor in one chart."""
    found = [one for one in every if one.currency == currency]
    return {
        "currency": currency,
        "drawn": f"drawn-{currency}",
        "rows": [_row(console, report, one, months) for one in found],
        "chart": _chart(console, report, found) if report in DRAWN else None,
    }


def _row(console: ConsoleRequest, report: ReceivablesReport, one: ReportFigure, months: int) -> dict[str, Any]:
    opens = {"months": months, "group": one.group, "currency": one.currency}
    cells = [*_cells(console, COLUMNS[report], one.currency, one.number, one.sums)]
    if report is ReceivablesReport.DAYS_SALES_OUTSTANDING:
        days = days_sales_outstanding(*one.sums)
        cells.append((format_decimal(round(days, 1), locale=console.locale) if days is not None else "–", ""))
    return {
        "group": group_words(report, one.group, console.locale),
        "code": says_a_code(report, one.group),
        "number": format_decimal(one.number, locale=console.locale),
        "cells": cells,
        "opens": f"?{urlencode(opens)}",
    }


def _cells(
    console: ConsoleRequest, columns: Sequence[ReportColumn], currency: str, number: int, sums: Sequence[int]
) -> Iterator[tuple[str, str]]:
    """Each sum as people read it, and the share that it is, where its column says of what."""
    whole_of = {"number": number, **{column.name: minor for column, minor in zip(columns, sums, strict=True)}}
    for column, value in zip(columns, sums, strict=True):
        counts = column.unit is ColumnUnit.COUNT
        text = (
            format_decimal(value, locale=console.locale)
            if counts
            else format_amount(value, currency, str(console.locale))
        )
        base = whole_of[column.of] if column.of else 0
        yield text, format_percent(round(value / base, 3), "#,##0.0 %", locale=console.locale) if base > 0 else ""


def _accounts(console: ConsoleRequest, report: ReceivablesReport, months: int, period: Period) -> HttpResponse:
    """The accounts of one figure."""
    asked = console.request.GET
    group, currency = asked["group"][:80], asked.get("currency", "")[:3]
    try:
        after = whole(asked.get("after", "0"), 18)
        shown_as = group_words(report, group, console.locale)
    except (ValueError, KeyError):
        raise Http404 from None
    found = lines_of(console.live.store, report, period, group, currency, ACCOUNTS_A_PAGE + 1, after)
    more = {"months": months, "group": group, "currency": currency}
    if len(found) > ACCOUNTS_A_PAGE:
        more["after"] = found[ACCOUNTS_A_PAGE - 1].account
    shown: dict[str, Any] = {
        "words": WORDS[report],
        "name": report.value,
        "months": months,
        "group": shown_as,
        "currency": currency,
        "heads": [_("Account"), *[*_heads(report)][1 : 2 + len(COLUMNS[report])]],
        "rows": [_line(console, report, currency, one) for one in found[:ACCOUNTS_A_PAGE]],
        "more": f"?{urlencode(more)}" if "after" in more else "",
    }
    return console.page("report_accounts", str(WORDS[report].title), **shown)


def _line(console: ConsoleRequest, report: ReceivablesReport, currency: str, one: AccountLine) -> dict[str, Any]:
    return {
        "path": f"/console/{account_path(one.account)}",
        "id": format_id(ACCOUNT, one.account),
        "name": values.clean(one.name),
        "number": format_decimal(one.number, locale=console.locale),
        "cells": [*_cells(console, COLUMNS[report], currency, one.number, one.sums)],
    }


def _sheet(
    console: ConsoleRequest, report: ReceivablesReport, found: Sequence[ReportFigure], period: Period
) -> HttpResponse:
    """The figures for a spreadsheet: groups as programs call them, sums that can be added up."""
    heads = [*_heads(report)]
    sheet = Spreadsheet(console.locale, f"{report.value}-{period.today}", [heads[0], _("Currency"), *heads[1:]])
    for one in found:
        sums = [
            sheet.sum(value, one.currency) if column.unit is ColumnUnit.MINOR else sheet.count(value)
            for column, value in zip(COLUMNS[report], one.sums, strict=True)
        ]
        days = days_sales_outstanding(*one.sums) if report is ReceivablesReport.DAYS_SALES_OUTSTANDING else None
        last = (
            []
            if report is not ReceivablesReport.DAYS_SALES_OUTSTANDING
            else [None if days is None else sheet.decimal(days, 1)]
        )
        sheet.row(group_words(report, one.group, console.locale), one.currency, sheet.count(one.number), *sums, *last)
    return sheet.answer()


def _chart(console: ConsoleRequest, report: ReceivablesReport, found: Sequence[ReportFigure]) -> dict[str, Any]:
    """What the chart draws: the names of the groups, and a value for each of them."""
    return {
        "groups": [group_words(report, one.group, console.locale) for one in found],
        "values": [_drawn(report, one) for one in found],
        "unit": {ReceivablesReport.RECOVERY: "%", ReceivablesReport.DAYS_SALES_OUTSTANDING: _("days")}.get(report, ""),
        "bars": report in (ReceivablesReport.AGEING, ReceivablesReport.TIME_TO_RECOVER),
        "language": console.locale.language,
    }


def _drawn(report: ReceivablesReport, one: ReportFigure) -> float | None:
    """The value of a figure in its chart: a share, days, or a sum in the currency's own unit."""
    if report is ReceivablesReport.DAYS_SALES_OUTSTANDING:
        return days_sales_outstanding(*one.sums)
    if report is ReceivablesReport.RECOVERY:
        return 100 * one.sums[1] / one.sums[0] if one.sums[0] > 0 else None
    return float(one.sums[0]) / float(10 ** exponent(one.currency))
