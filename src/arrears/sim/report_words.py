"""The words of a report in one language, and how that language writes numbers, sums and days."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Final

from babel.core import Locale
from babel.dates import format_date
from babel.numbers import format_decimal, format_percent

from arrears.core.money import exponent, format_amount

_LOCALES: Final = {"en": "en_GB", "nl": "nl_NL"}
LANGUAGES: Final = tuple(_LOCALES)
"""The languages of reports: each has its file in `report/`."""


NAME_CHARS_MAX: Final = 80
"""A longer name says nothing more, and would push the figures out of sight."""


@dataclass(frozen=True)
class ReportWords:
    """One language. Every text is in its file; a name that is not there is a KeyError."""

    language: str
    locale: Locale
    words: dict[str, Any]
    figures: dict[str, dict[str, str]]

    def __call__(self, name: str, **values: object) -> str:
        """A text with its values filled in."""
        return str(self.words[name]).format_map(values)

    def count(self, name: str, n: int, **values: object) -> str:
        """A text about a number of things, in its singular or plural."""
        forms = self.words[name]
        form = "one" if self.locale.plural_form(n) == "one" else "other"
        return str(forms[form]).format_map({**values, "n": self.number(n)})

    def label(self, key: str) -> str:
        """The name of a figure."""
        return self.figures[key]["label"]

    def means(self, key: str) -> str:
        """The definition of a figure."""
        return self.figures[key]["means"]

    def number(self, n: int) -> str:
        """1,234 as this language writes it."""
        return str(format_decimal(n, locale=self.locale))

    def money(self, minor: int, currency: str) -> str:
        """The exact sum."""
        return format_amount(minor, currency, str(self.locale)).replace(" ", "\u00a0")

    def rounded(self, minor: int, currency: str) -> str:
        """The sum in whole units of its currency: enough for a chart or an average."""
        unit = 10 ** exponent(currency)
        exact = format_amount((2 * minor + unit) // (2 * unit) * unit, currency, str(self.locale))
        return exact.replace(" ", "\u00a0").removesuffix(_zeros(exponent(currency), self.locale))

    def percent(self, part: int, whole: int) -> str:
        """A share in whole percent: 100 % only for all of it, 0 % only for nothing."""
        if not whole:
            return "–"
        hundredths = (200 * part + whole) // (2 * whole)
        if 0 < part < whole:
            hundredths = min(max(hundredths, 1), 99)
        return str(format_percent(hundredths / 100, locale=self.locale))

    def day(self, on: date) -> str:
        """31 January 2026."""
        return str(format_date(on, "long", locale=self.locale)).replace(" ", "\u00a0")

    def short_day(self, on: date) -> str:
        """31 Jan 2026."""
        return str(format_date(on, "d MMM y", locale=self.locale)).replace(" ", "\u00a0")

    def month(self, on: date) -> str:
        """Jan 2026."""
        return str(format_date(on, "MMM y", locale=self.locale)).replace(" ", "\u00a0")

    def month_alone(self, on: date) -> str:
        """Jan."""
        return str(format_date(on, "MMM", locale=self.locale))

    def __hash__(self) -> int:
        return hash(self.language)


def one_line(name: str) -> str:
    """A name on one line, without what nobody can read, and marks that turn the direction of writing."""
    line = "".join(char for char in " ".join(name.split()) if char.isprintable())
    return line if len(line) <= NAME_CHARS_MAX else line[: NAME_CHARS_MAX - 1].rstrip() + "…"


def _zeros(digits: int, locale: Locale) -> str:
    return locale.number_symbols["latn"]["decimal"] + "0" * digits if digits else ""


@cache
def words_of(language: str) -> ReportWords:
    """The words of one of LANGUAGES."""
    text = resources.files(__package__).joinpath("report", f"{language}.toml").read_text(encoding="utf-8")
    read = tomllib.loads(text)
    return ReportWords(language, Locale.parse(_LOCALES[language]), read["words"], read["figures"])
