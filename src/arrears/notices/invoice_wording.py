"""The words of documents in one language, and how that language writes sums, days and rates."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Final

from babel.core import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, format_percent

from arrears.core.money import format_amount

LANGUAGES: Final = ("en", "nl")
"""Each has its file in `invoice_words/` and `certificate_words/`, with the same keys."""
_FALLBACK: Final = "en_GB"


@dataclass(frozen=True)
class DocumentWords:
    """One language. A name that is not in its file is a KeyError."""

    locale: Locale
    words: dict[str, str]

    def __call__(self, name: str, **values: str) -> str:
        """A text with its values filled in."""
        return self.words[name].format_map(values)

    def money(self, minor: int, currency: str) -> str:
        """The sum as this language writes it, on one line."""
        return format_amount(minor, currency, str(self.locale)).replace(" ", "\u00a0")

    def day(self, on: date) -> str:
        """31 January 2026, on one line."""
        return format_date(on, "long", locale=self.locale).replace(" ", "\u00a0")

    def instant(self, at: datetime) -> str:
        """31 January 2026 at 09:00 UTC, on one line."""
        return format_datetime(at.astimezone(UTC), "d MMMM y HH:mm 'UTC'", locale=self.locale).replace(" ", "\u00a0")

    def percent(self, rate: str) -> str:
        """A rate of tax."""
        return format_percent(Decimal(rate) / 100, locale=self.locale, decimal_quantization=False)

    def number(self, decimal: str) -> str:
        """A quantity."""
        return format_decimal(Decimal(decimal), locale=self.locale, decimal_quantization=False) if decimal else ""


@cache
def _texts(language: str, folder: str) -> dict[str, str]:
    file = resources.files("arrears.notices") / folder / f"{language}.toml"
    return dict(tomllib.loads(file.read_text(encoding="utf-8")))


def words_for(locale: str, folder: str = "invoice_words") -> DocumentWords:
    """The words for an account's locale: its language, else English; sums and days as its country writes them. `folder`
    has a file for each language, of one kind of paper."""
    language = locale.replace("_", "-").partition("-")[0].lower()
    if language not in LANGUAGES:
        return DocumentWords(Locale.parse(_FALLBACK), _texts("en", folder))
    try:
        found = Locale.parse(locale.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        found = Locale.parse(language)
    if language == "en" and not found.territory:
        found = Locale.parse(_FALLBACK)
    return DocumentWords(found, _texts(language, folder))
