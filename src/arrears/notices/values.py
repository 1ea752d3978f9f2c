"""How a name, a sum, a day or a list is written: once for plain text and once for HTML, safe in both.

Names come from people and from other systems. Whatever is in them, they stay on one line, keep their own direction of
writing to themselves, and are text, never markup.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from enum import IntEnum
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from babel.core import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_timezone_location
from babel.lists import format_list
from markupsafe import Markup, escape

from arrears.core.money import format_amount

NAME_CHARS_MAX: Final = 80
"""A longer name says nothing more to its owner, and would push the sum out of sight."""

IDENTITY_CHARS_MAX: Final = 400
"""Room for what any country asks: name, address, register and its court, tax number, directors."""

FALLBACK_LOCALE: Final = "en_GB"
"""How sums and days are written for a language without texts; day before month, as in most of the world."""

NOT_TEXT: Final = ("Cc", "Cs", "Cn")
"""Unicode categories that nobody can read: controls, lone surrogates and what is not assigned."""

_GAPS: Final = re.compile(r"[\s\u0085\u2028\u2029]+")
_DIRECTIONS: Final = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
"""The marks that turn the direction of writing (UAX 9, 2): one that is not closed would turn what follows the name."""


class Form(IntEnum):
    """Which of the two parts of a message is being written; indexes a fragment's templates."""

    PLAIN = 0
    HTML = 1


def clean(text: str, chars_max: int = NAME_CHARS_MAX) -> str:
    """The text on one line, without control characters and marks of direction, at most so many characters long."""
    # Cut first, roughly: whatever is this long is an accident or an attack, and would cost time in every step.
    line = _GAPS.sub(" ", text[: 20 * chars_max].translate(_DIRECTIONS)).strip()
    if not line.isprintable():
        line = "".join(char for char in line if unicodedata.category(char) not in NOT_TEXT)
    if len(line) <= chars_max and len(text) <= 20 * chars_max:
        return line
    return line[: chars_max - 1].rstrip() + "…"


@lru_cache(maxsize=4096)
def free(text: str, form: Form, chars_max: int = NAME_CHARS_MAX) -> str:
    """What somebody else has written, ready to stand in our sentence: cleaned, escaped for HTML, and kept apart from
    it where it is written from right to left."""
    line = clean(text, chars_max)
    other_way = not line.isascii() and any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in line)
    if form is Form.HTML:
        return Markup("<bdi>{}</bdi>").format(line) if other_way else escape(line)
    return f"\u2068{line}\u2069" if other_way else line


def listed(items: Sequence[str], locale: Locale, form: Form) -> str:
    """ "a, b and c" of ready items, or an empty text."""
    text = format_list(items, locale=locale) if items else ""
    return Markup(text) if form is Form.HTML else text


def joined(pieces: Iterable[str], form: Form, between: str = " ") -> str:
    """Ready pieces, one after the other."""
    return Markup(between).join(pieces) if form is Form.HTML else between.join(pieces)


@lru_cache(maxsize=64)
def locale_of(name: str) -> Locale | None:
    """The formats of a locale like nl-NL; of its language where the country is unknown; None for no locale."""
    for one in (name.replace("-", "_"), re.split("[-_]", name)[0]):
        try:
            return Locale.parse(one)
        except (UnknownLocaleError, ValueError):
            continue
    return None


def formats_of(language: str, *preferred: str) -> Locale:
    """How sums and days are written in a language: as in the first of the preferred locales that speaks it and says
    where, else as the language alone does, and English as most of the world reads it."""
    for name in (*preferred, FALLBACK_LOCALE):
        found = locale_of(name) if name else None
        if found is not None and found.language == language and found.territory:
            return found
    return locale_of(language) or Locale.parse(FALLBACK_LOCALE)


def sums_of(sums: Iterable[tuple[int, str]], locale: Locale) -> list[str]:
    """Each (minor units, currency) as the reader writes it."""
    return [format_amount(minor, currency, str(locale)) for minor, currency in sums]


@lru_cache(maxsize=8192)
def day(on: date, locale: Locale) -> str:
    """31 January 2026, in the reader's way and never broken over two lines."""
    return format_date(on, "long", locale=locale).replace(" ", "\u00a0")


def local_day(at: datetime, zone: str, locale: Locale) -> str:
    """The day of a moment in a zone."""
    return day(at.astimezone(ZoneInfo(zone)).date(), locale)


def moment(at: datetime, zone: str, locale: Locale) -> str:
    """Day and minute of a moment in a zone."""
    clock = format_time(at.astimezone(UTC), "short", tzinfo=ZoneInfo(zone), locale=locale)
    return f"{local_day(at, zone, locale)}, {clock}".replace(" ", "\u00a0")


@lru_cache(maxsize=1024)
def place(zone: str, locale: Locale) -> str:
    """A zone by the city that people know it by: Amsterdam for Europe/Amsterdam; UTC as it is."""
    if "/" not in zone or zone.startswith("Etc/"):
        return zone
    return get_timezone_location(ZoneInfo(zone), locale=locale, return_city=True)


@lru_cache(maxsize=4096)
def same_clock(one: str, other: str, month: tuple[int, int]) -> bool:
    """Whether two zones show the same time for the year from `month` (year, month) on: then naming one would only
    puzzle the reader."""
    if one == other:
        return True
    year, first = month
    months = (year * 12 + first - 1 + ahead for ahead in range(12))
    days = [datetime(one // 12, one % 12 + 1, 15, 12, tzinfo=UTC) for one in months]
    return all(at.astimezone(ZoneInfo(one)).utcoffset() == at.astimezone(ZoneInfo(other)).utcoffset() for at in days)
