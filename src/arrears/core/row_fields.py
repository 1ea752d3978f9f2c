"""What one cell may hold, whoever wrote it: the file's rows, the map's constants and requests obey the same checks.

Every check answers with the reason as a clause that follows the quoted text (`"EUX" is not ...`).
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from babel.core import Locale

from arrears.core.address import check_address
from arrears.core.errors import Refused

TEXT_CHARACTERS_MAX = 200
YEAR_MIN, YEAR_MAX = 1990, 2100
"""No row of a book is of a day outside these years."""
SHOWN_CHARACTERS_MAX = 60
ADDRESS_LINES_MAX = 6
ADDRESS_LINE_CHARACTERS_MAX = 100
"""Of a billing address, which is one text with a line break between its lines."""


def plain(text: str) -> str:
    """`text` fit for one line of a terminal: shortened, and nothing in it that moves a cursor."""
    shown = text if len(text) <= SHOWN_CHARACTERS_MAX else text[: SHOWN_CHARACTERS_MAX - 3] + "..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in shown)


def quoted(text: str) -> str:
    """`plain` text between double quotes."""
    return f'"{plain(text)}"'


def text_wrong(text: str) -> str | None:
    """Why `text` is not one short line."""
    if len(text) > TEXT_CHARACTERS_MAX:
        return f"has {len(text)} characters, the most is {TEXT_CHARACTERS_MAX}"
    if not text.isprintable():
        return "has a line break or a control character in it"
    return None


def address_wrong(text: str) -> str | None:
    """Why `text`, in the form that `meant` gives it, is not the few short lines of a postal address."""
    lines = text.split("\n")
    if len(lines) > ADDRESS_LINES_MAX:
        return f"has {len(lines)} lines, the most is {ADDRESS_LINES_MAX}"
    for line in lines:
        if len(line) > ADDRESS_LINE_CHARACTERS_MAX:
            return f"has a line of {len(line)} characters, the most is {ADDRESS_LINE_CHARACTERS_MAX}"
        if not line.isprintable():
            return "has a control character in it"
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


_mangled = re.compile(r"-?\d([.,]\d+)?[Ee]\+\d{2,}")


def shortened(text: str) -> str | None:
    """Why `text` names nothing any more: a spreadsheet took a long number for a sum, and its last digits are gone."""
    if _mangled.fullmatch(text):
        return "is what a spreadsheet made of a long number; export it again, with such numbers as text"
    return None


# The checks that go with a field's name in the map; a field without one is any short line of text.
CHECKS: dict[str, Callable[[str], str | None]] = {
    "country": _country_wrong,
    "zone": _zone_wrong,
    "locale": _locale_wrong,
    "email": _email_wrong,
    "ref": shortened,
    "number": shortened,
}

_NAMED_IN: Final = ("en", "de", "fr", "nl", "es", "it", "pt")
_ALSO: Final = {"usa": "US", "u.s.a.": "US", "uk": "GB", "u.k.": "GB", "great britain": "GB", "holland": "NL"}


@cache
def _countries() -> Mapping[str, str]:
    """Each country's name in a few languages, in small letters, to its code; no name that means two."""
    found: dict[str, set[str]] = {}
    for language in _NAMED_IN:
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha():
                found.setdefault(str(name).casefold(), set()).add(str(code))
    return {name: codes.pop() for name, codes in found.items() if len(codes) == 1} | _ALSO


def meant(field: str, text: str) -> str:
    """What a text of this field says in its own form: a country's name or small letters are its code; of a
    billing address the lines that say something. Any other text is returned as it is."""
    if field == "billing_address":
        lines = (" ".join(line.split()) for line in text.splitlines())
        return "\n".join(line for line in lines if line)
    if field == "country" and not (len(text) == 2 and text.isupper()):
        return text.upper() if len(text) == 2 and text.isalpha() else _countries().get(text.casefold(), text)
    return text
