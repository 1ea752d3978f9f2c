"""Amounts and days as banks write them: exactly, or not at all."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from arrears.core.errors import Refused, quoted
from arrears.core.money import exponent

RETIRED: Final = {
    "DEM": 2,
    "NLG": 2,
    "FRF": 2,
    "ATS": 2,
    "BEF": 2,
    "FIM": 2,
    "IEP": 2,
    "PTE": 2,
    "GRD": 2,
    "ITL": 0,
    "ESP": 0,
}
"""What old files are in. Nothing is asked in them, so such a statement is read and not taken."""
_AMOUNT: Final = re.compile(r"([0-9]{1,30})(?:[.,]([0-9]{0,12}))?", re.ASCII)
DIGITS_MAX: Final = 15
YEAR_MIN: Final = 1990
YEAR_MAX: Final = 2089


def minor_units(text: str, currency: str, where: str) -> int:
    """The minor units of an amount without a sign, with a point or a comma before its decimals; zeros in front and
    behind count for nothing. `where` begins the refusal. Refuses `bad_statement_amount`, `unknown_currency`."""
    digits = RETIRED[currency] if currency in RETIRED else exponent(currency)
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise Refused("bad_statement_amount", f"{where}: {quoted(text)} is not an amount")
    whole, decimals = found[1].lstrip("0"), found[2] or ""
    if len(whole) > DIGITS_MAX:
        raise Refused("bad_statement_amount", f"{where}: {quoted(text)} has more than {DIGITS_MAX} digits")
    if decimals[digits:].strip("0"):
        raise Refused("bad_statement_amount", f"{where}: {quoted(text)} has more decimals than {currency} has")
    return int((whole or "0") + decimals[:digits].ljust(digits, "0"))


def day_of(text: str) -> date | None:
    """The day of an ISO date or instant as the bank wrote it; None where there is none that exists."""
    try:
        found = date.fromisoformat(text[:10])
    except ValueError:
        return None
    return found if YEAR_MIN <= found.year <= YEAR_MAX else None


def short_day(text: str) -> date | None:
    """The day of six digits, YYMMDD, in this century or the last years of the one before; None where there is none."""
    if re.fullmatch("[0-9]{6}", text, re.ASCII) is None:
        return None
    year = int(text[:2])
    try:
        return date(year + (1900 if year >= YEAR_MIN % 100 else 2000), int(text[2:4]), int(text[4:]))
    except ValueError:
        return None


def near_day(text: str, near: date) -> date | None:
    """The day of four digits, MMDD, in the year that brings it nearest to another; None where there is none."""
    if re.fullmatch("[0-9]{4}", text, re.ASCII) is None:
        return None
    days = []
    for year in (near.year - 1, near.year, near.year + 1):
        try:
            days.append(date(year, int(text[:2]), int(text[2:])))
        except ValueError:
            continue
    return min(days, key=lambda day: abs((day - near).days), default=None)
