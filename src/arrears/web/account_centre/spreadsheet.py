"""A table as a file that opens in the reader's own spreadsheet: heads, days and sums as they write them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from datetime import date
from typing import Final

from babel.core import Locale
from babel.dates import format_date, get_date_format
from babel.numbers import get_decimal_symbol
from django.http import HttpResponse

from arrears.core.money import exponent

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "|", "%")
"""What spreadsheets take as the beginning of a formula or a command, full-width too (OWASP, CSV injection)."""

MARK_OF_UTF8: Final = "\ufeff"
"""Without it some spreadsheets read another encoding, and a euro sign becomes three characters."""


class Number(str):
    """A sum of money: the one text that may begin with a minus."""

    __slots__ = ()


class Spreadsheet:
    """Rows of one file. Cells are kept apart by what the reader's spreadsheet expects: a semicolon where the comma is
    the decimal mark."""

    def __init__(self, locale: Locale, name: str, heads: Sequence[str]) -> None:
        self._text = io.StringIO()
        self._locale, self._name = locale, f"{name}.csv"
        # The short form of days, with all four digits of the year.
        self._days = re.sub("y+", "y", get_date_format("short", locale=locale).pattern)
        self._mark = get_decimal_symbol(locale)
        # Every text is quoted, so that no spreadsheet finds a second cell in it.
        apart = ";" if self._mark == "," else ","
        self._writer = csv.writer(self._text, delimiter=apart, quoting=csv.QUOTE_ALL)
        self._writer.writerow(heads)

    def sum(self, minor: int, currency: str) -> Number:
        """A sum without its sign and without groups, so that it can be added up: "1234,50"."""
        digits = exponent(currency)
        whole, rest = divmod(abs(minor), 10**digits)
        decimals = f"{self._mark}{rest:0{digits}d}" if digits else ""
        return Number(f"{'-' if minor < 0 else ''}{whole}{decimals}")

    @staticmethod
    def count(number: int) -> Number:
        """A whole number, without groups."""
        return Number(str(number))

    def decimal(self, number: float, digits: int) -> Number:
        """A number with so many decimals, with the reader's own mark."""
        return Number(f"{number:.{digits}f}".replace(".", self._mark))

    def row(self, *cells: str | date | None) -> None:
        """One more row; a cell that is None is empty."""
        self._writer.writerow([self._cell(one) for one in cells])

    def _cell(self, one: str | date | None) -> str:
        if isinstance(one, date):
            return format_date(one, self._days, locale=self._locale)
        return one if isinstance(one, Number) else harmless(one or "")

    def answer(self) -> HttpResponse:
        """The file, to be kept by the browser."""
        body = MARK_OF_UTF8 + self._text.getvalue()
        response = HttpResponse(body, content_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = f'attachment; filename="{self._name}"'
        return response


def harmless(cell: str) -> str:
    """A text that a spreadsheet takes for nothing but text, whatever it begins with."""
    return f"'{cell}" if cell.lstrip(" \u00a0").startswith(FORMULA) or cell.startswith(FORMULA) else cell
