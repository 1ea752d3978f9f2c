"""One row of a book under its map: each reading answers with a value, or None and a mistake kept."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from arrears.adapters.books.book_map import BookMap, Column, Constant, Source, ValueWords
from arrears.adapters.books.fields import CHECKS, plain, quoted, read_date, text_wrong
from arrears.core.errors import Refused
from arrears.core.money import exponent, parse_amount

_SIGNS: Final = re.compile(r"^[€$£¥]\s*|\s*[€$£¥]$")
_TIME: Final = re.compile(r"(?<=[0-9])[ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?( ?(Z|UTC|\+00:?00))?$")
"""The hour behind a date; days are what counts."""
_NO_DATE: Final = ("0000-00-00", "0000-00-00 00:00:00")
"""What some systems write where there is no date."""


class BookRow:
    """One row under its map: each reading answers with a value, or None and a mistake kept."""

    __slots__ = ("_cells", "_map", "_places", "mistakes", "number")

    def __init__(self, number: int, cells: list[str], places: dict[str, int], book_map: BookMap) -> None:
        self.number = number
        self.mistakes: list[str] = []
        self._cells = cells
        self._places = places
        self._map = book_map

    def raw(self, source: Source) -> str:
        return source.text if isinstance(source, Constant) else self._cells[self._places[source.name]]

    def wrong(self, source: Source, reason: str) -> None:
        self.mistakes.append(f"{label(source)}: {reason}")

    def text(self, source: Source, field: str) -> str | None:
        """One short line that is not empty and, where the field has a form of its own, has that form."""
        text = self.raw(source)
        reason = text_wrong(text)
        if not text:
            self.wrong(source, "is empty")
        elif reason is None and field in CHECKS:
            reason = CHECKS[field](text)
        if reason is not None:
            self.wrong(source, f"{quoted(text)} {reason}")
        return text if text and reason is None else None

    def day(self, source: Source) -> date | None:
        text = self.raw(source)
        if not text:
            self.wrong(source, "is empty; a date is needed")
            return None
        found = read_date(_TIME.sub("", text), self._map.form.date_format)
        if isinstance(found, str):
            self.wrong(source, f"{quoted(text)} {found}")
            return None
        return found

    def currency(self, source: Source) -> str | None:
        text = self.text(source, "currency")
        if text is None:
            return None
        text = text.upper() if text.islower() else text
        try:
            exponent(text)
        except Refused as refusal:
            self.wrong(source, reason_of(text, refusal))
            return None
        return text

    def status(self) -> str | None:
        """What the row says of the invoice as a whole, in the map's meanings; `open` where the map has no word."""
        words = self._map.status
        if words is None:
            return "open"
        text = self.raw(words.column)
        found = words.meanings.get(text.casefold())
        if found is None:
            known = ", ".join(quoted(word) for word in words.meanings)
            self.wrong(words.column, f"{quoted(text)} is none of the map's words, {known}")
        return found

    def date_text(self, source: Source) -> str:
        """The text of a date, empty where it only says that there is none."""
        text = self.raw(source)
        return "" if text in _NO_DATE else text

    def is_negative(self, source: Source) -> bool:
        """Whether a sum is below nothing: `-1.00`, `(1.00)` or `1.00-`."""
        text = self.raw(source)
        return bool(text.strip("-()")) and (text.startswith(("-", "(")) or text.endswith("-") or "-" in text[:2])

    def _plain_amount(self, text: str, currency: str) -> str:
        """A sum without the sign of its currency, the brackets of a sum below nothing, and decimals that are zeros and
        more than its currency has."""
        mark = self._map.form.decimal_mark
        bare = text.strip("()-")
        bare = _SIGNS.sub("", bare.strip()).removesuffix(currency).removeprefix(currency).strip().strip("-")
        whole, dot, decimals = bare.partition(mark)
        digits = exponent(currency)
        if dot and len(decimals) > digits and not decimals[digits:].strip("0"):
            bare = whole + (dot + decimals[:digits] if digits else "")
        return bare

    def amount_minor(self, source: Source, currency: str | None, *, signed: bool = False) -> int | None:
        """A sum of zero or more in minor units, below zero only if `signed`; nothing is said about it while its
        currency is not known."""
        if currency is None:
            return None
        text, form = self.raw(source), self._map.form
        if not text:
            self.wrong(source, "is empty; an amount is needed")
            return None
        try:
            bare = self._plain_amount(text, currency)
            if form.minor_units and bare.isascii() and bare.isdecimal():
                minor = int(bare)
            elif form.minor_units:
                self.wrong(source, f"{quoted(text)} is not a whole number, and the map says minor_units")
                return None
            else:
                minor = parse_amount(bare, currency, decimal_mark=form.decimal_mark, grouping=form.grouping)
        except Refused as refusal:
            self.wrong(source, reason_of(text, refusal))
            return None
        if self.is_negative(source) and minor:
            if not signed:
                way = 'say negative = "credit_note" under [invoice] if it is a credit note'
                self.wrong(source, f"{quoted(text)} is below zero; {way}")
                return None
            return -minor
        return minor

    def word(self, words: ValueWords) -> str | None:
        """The meaning of the word in the row."""
        text = self.raw(words.column)
        if text not in words.meanings:
            known = " or ".join(quoted(word) for word in words.meanings)
            self.wrong(words.column, f"{quoted(text)} is neither of the map's words, {known}")
        return words.meanings.get(text)


def reason_of(text: str, refusal: Refused) -> str:
    """The refusal, with `text` quoted as everywhere in this report if it begins with it in its own quotes."""
    theirs = f"{text!a} "
    if refusal.message.startswith(theirs):
        return f"{quoted(text)} {refusal.message.removeprefix(theirs)}"
    return refusal.message


def label(source: Source) -> str:
    return f"column {plain(source.name)}" if isinstance(source, Column) else f"the map's {quoted(source.text)}"
