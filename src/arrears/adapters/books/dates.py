"""Dates as billing systems write them: in the formats that the map names, exactly or not at all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Final

from babel.dates import get_month_names

from arrears.core.row_fields import YEAR_MAX, YEAR_MIN

_PARTS: Final = {
    "%Y": ("year", "[0-9]{4}"),
    "%y": ("short", "[0-9]{2}"),
    "%m": ("month", "[0-9]{1,2}"),
    "%b": ("name", r"[^\W\d_]{3,}\.?"),
    "%B": ("name", r"[^\W\d_]{3,}\.?"),
    "%d": ("day", "[0-9]{1,2}"),
}
KNOWN_FORMATS: Final = (
    "the day %d, the month %m or its name %b, the year %Y or two digits of it %y, once each, such as %Y-%m-%d, %d.%m.%y"
    " or %b %d, %Y"
)
_SPELLED: Final = {"short": "two digits of the year", "name": "month's name"}
_SPLIT: Final = re.compile("(%[A-Za-z])")
_BETWEEN: Final = re.compile(r"[ ./,\-]*")
_TIME: Final = re.compile(
    r"(?<=[0-9])(T|,? +)[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?"
    r"( ?[AaPp]\.?[Mm]\.?)?( ?(Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}))?$"
)
"""The hour behind a date; days are what counts."""
_NO_DATE: Final = re.compile("0{4}[-/.]?0{2}[-/.]?0{2}|0{2}[-/.]0{2}[-/.]0{4}")
"""What some systems write where there is no date."""
_NAMED_IN: Final = ("en", "de", "fr", "nl", "es", "it", "pt", "sv", "da", "nb", "pl")


def format_wrong(form: str) -> str | None:
    """Why a format cannot be one: it says year, month and day once each, and nothing else but marks between them."""
    found = [_PARTS.get(part, (part, ""))[0] for part in _SPLIT.split(form)[1::2]]
    known = [{"short": "year", "name": "month"}.get(name, name) for name in found]
    if sorted(known) != ["day", "month", "year"] or not all(
        _BETWEEN.fullmatch(text) for text in _SPLIT.split(form)[::2]
    ):
        return f"is not known; known here: {KNOWN_FORMATS}"
    return None


@cache
def _pattern(form: str) -> tuple[str, re.Pattern[str]]:
    """How a person writes it, and the pattern. Where nothing stands between two numbers, each has all its digits."""
    spelled, pattern = "", ""
    pieces = _SPLIT.split(form)
    closed = any(not pieces[i] for i in range(2, len(pieces) - 1, 2))
    for piece in pieces:
        if piece in _PARTS:
            name, digits = _PARTS[piece]
            spelled += _SPELLED.get(name, name)
            pattern += f"(?P<{name}>{digits.replace('{1,2}', '{2}') if closed else digits})"
        else:
            spelled += piece
            pattern += re.escape(piece).replace(r"\ ", r"\s+")
    return spelled, re.compile(pattern)


@cache
def _months() -> Mapping[str, int]:
    """Each name of a month, long or short, in small letters, to its number; none that two languages use for two."""
    found: dict[str, set[int]] = {}
    for language in _NAMED_IN:
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                for number, name in get_month_names(width, context, language).items():
                    found.setdefault(name.casefold().rstrip("."), set()).add(number)
    return {name: numbers.pop() for name, numbers in found.items() if len(numbers) == 1} | {"sept": 9}


def says_no_date(text: str) -> bool:
    """Whether a text stands where there is no date: an empty one, or one of zeros."""
    return not text or _NO_DATE.fullmatch(_TIME.sub("", text)) is not None


def _read(text: str, form: str) -> date | str | None:
    spelled, pattern = _pattern(form)
    found = pattern.fullmatch(text)
    if found is None:
        return None
    parts = found.groupdict()
    if "name" in parts:
        month = _months().get(parts["name"].casefold().rstrip("."), 0)
        if not month:
            return None
    else:
        month = int(parts["month"])
    if "short" in parts:
        # Years are 1990 to 2100, so two digits mean one year: 90 to 99 lie in the last century.
        year = int(parts["short"]) + (1900 if int(parts["short"]) >= YEAR_MIN % 100 else 2000)
    else:
        year = int(parts["year"])
    try:
        day = date(year, month, int(parts["day"]))
    except ValueError:
        return f"is not a day of the calendar (read as {spelled})"
    if not YEAR_MIN <= day.year <= YEAR_MAX:
        return f"is outside {YEAR_MIN}-{YEAR_MAX}"
    return day


def read_date(text: str, forms: Sequence[str]) -> date | str:
    """The date that `text` writes in one of these formats, or the reason why it is none, as a clause that follows the
    quoted text.

    Months and days may lack their leading zero where something separates them; an hour behind is not looked at. What
    two formats read as two days is refused.
    """
    bare = _TIME.sub("", text)
    answers = [answer for form in forms if (answer := _read(bare, form)) is not None]
    days = sorted({answer for answer in answers if isinstance(answer, date)})
    if len(days) > 1:
        return f"can be read as {days[0]} and as {days[1]}; leave only the right format in the map's date_format"
    if days:
        return days[0]
    for answer in answers:
        if isinstance(answer, str):
            return answer
    return f"is not a date written {' or '.join(_pattern(form)[0] for form in forms)}"
