"""What one cell may hold, whoever wrote it: the file's rows and the map's constants obey the same checks.

Every check answers with the reason as a clause that follows the quoted text (`"EUX" is not ...`).
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable
from datetime import date
from functools import cache

from arrears.core.address import check_address
from arrears.core.errors import Refused

TEXT_CHARACTERS_MAX = 200
SHOWN_CHARACTERS_MAX = 60
YEAR_MIN, YEAR_MAX = 1990, 2100

# Format -> (how a person writes it, the pattern). Only unambiguous, all-digit forms: no month names, which
# depend on a locale, and no two-digit years, which depend on the century one is in.
DATE_FORMATS: dict[str, tuple[str, re.Pattern[str]]] = {
    form: (
        form.replace("%Y", "year").replace("%m", "month").replace("%d", "day"),
        re.compile(
            "".join(
                {
                    "%Y": "(?P<year>[0-9]{4})",
                    "%m": f"(?P<month>{digits})",
                    "%d": f"(?P<day>{digits})",
                }.get(part, re.escape(part))
                for part in re.split(r"(%[Ymd])", form)
            )
        ),
    )
    for form, digits in (
        ("%Y-%m-%d", "[0-9]{1,2}"),
        ("%Y/%m/%d", "[0-9]{1,2}"),
        ("%Y%m%d", "[0-9]{2}"),
        ("%m/%d/%Y", "[0-9]{1,2}"),
        ("%d/%m/%Y", "[0-9]{1,2}"),
        ("%d.%m.%Y", "[0-9]{1,2}"),
        ("%d-%m-%Y", "[0-9]{1,2}"),
    )
}


def plain(text: str) -> str:
    """`text` fit for one line of a terminal: shortened, and nothing in it that moves a cursor."""
    shown = text if len(text) <= SHOWN_CHARACTERS_MAX else text[: SHOWN_CHARACTERS_MAX - 3] + "..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in shown)


def quoted(text: str) -> str:
    """`plain` text between double quotes."""
    return f'"{plain(text)}"'


def read_date(text: str, form: str) -> date | str:
    """The date that `text` writes in one of DATE_FORMATS, or the reason why it is none.

    Months and days may lack their leading zero where something separates them.
    """
    spelled, pattern = DATE_FORMATS[form]
    found = pattern.fullmatch(text)
    if found is None:
        return f"is not a date written {spelled}"
    try:
        day = date(int(found["year"]), int(found["month"]), int(found["day"]))
    except ValueError:
        return f"is not a day of the calendar (read as {spelled})"
    if not YEAR_MIN <= day.year <= YEAR_MAX:
        return f"is outside {YEAR_MIN}-{YEAR_MAX}"
    return day


def text_wrong(text: str) -> str | None:
    """Why `text` is not one short line."""
    if len(text) > TEXT_CHARACTERS_MAX:
        return f"has {len(text)} characters, the most is {TEXT_CHARACTERS_MAX}"
    if not text.isprintable():
        return "has a line break or a control character in it"
    return None


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _shape(pattern: str, reason: str) -> Callable[[str], str | None]:
    compiled = re.compile(pattern)
    return lambda text: None if compiled.fullmatch(text) else reason


_country_wrong = _shape(r"[A-Z]{2}", "is not a country: two capital letters (ZZ where it is not known)")
_locale_wrong = _shape(r"[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*", "is not a locale such as en, de or pt-BR")


def _email_wrong(text: str) -> str | None:
    try:
        check_address(text)
    except Refused:
        return "is not one mail address"
    return None


def _zone_wrong(text: str) -> str | None:
    return None if text in _zones() else "is not a time zone such as UTC or Europe/Paris"


# The checks that go with a field's name in the map; a field without one is any short line of text.
CHECKS: dict[str, Callable[[str], str | None]] = {
    "country": _country_wrong,
    "zone": _zone_wrong,
    "locale": _locale_wrong,
    "email": _email_wrong,
}
