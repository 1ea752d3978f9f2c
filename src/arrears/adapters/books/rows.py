"""Cells of a row under the map: each reading answers with a value, or None and a mistake kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final, Generic, TypeVar

from arrears.adapters.books.dates import read_date, says_no_date
from arrears.adapters.books.map_values import Column, Constant, FileForm, Source, ValueWords
from arrears.adapters.books.sums import read_sum
from arrears.core.errors import Refused
from arrears.core.invoice_lines import decimal_of, rate_of
from arrears.core.money import exponent
from arrears.core.receivables import MAY_BE_EMPTIED
from arrears.core.row_fields import CHECKS, meant, plain, quoted, shortened, text_wrong

T = TypeVar("T")

_REMEMBERED_MAX: Final = 20_000
"""Texts of one column whose reading is kept: names, days and words come again and again."""


def label(source: Source) -> str:
    """How a mistake names where its value stands."""
    return f"column {plain(source.name)}" if isinstance(source, Column) else f"the map's {quoted(source.text)}"


class Wrong(Exception):
    """A text that cannot be read, with the reason as a whole clause."""


class Cell(Generic[T]):
    """One field of every row: the text that the map gives it, and its reading, kept for the next row that says the
    same. `unique`: few rows say the same."""

    __slots__ = ("_known", "_read", "_source", "_unique", "label", "place")

    def __init__(
        self, source: Source, places: Mapping[str, int], read: Callable[[str], T], *, unique: bool = False
    ) -> None:
        self._unique = unique
        self.label = label(source)
        self.place = -1 if isinstance(source, Constant) else places[source.name]
        self._source = source
        self._read = read
        self._known: dict[str, tuple[T | None, str]] = {}

    def written(self, cells: list[str]) -> str:
        """What stands in the file."""
        return self._source.text if isinstance(self._source, Constant) else cells[self.place]

    def text(self, cells: list[str]) -> str:
        """What it means where the map has words for it."""
        return self._said(self.written(cells))

    def _said(self, text: str) -> str:
        source = self._source
        if isinstance(source, Constant):
            return text
        if source.words:
            meaning = source.words.get(text.casefold(), source.otherwise)
            if meaning is None and text not in source.words.values():
                known = ", ".join(quoted(word) for word in list(source.words)[:8])
                raise Wrong(f"{quoted(text)} is none of the map's words, {known}; add it to one of them")
            return text if meaning is None else meaning
        return text or source.otherwise or ""

    def take(self, cells: list[str], mistakes: list[str]) -> T | None:
        """The value, or None and the reason among the mistakes."""
        text = cells[self.place] if self.place >= 0 else self.written(cells)
        found = self._known.get(text)
        if found is None:
            try:
                found = (self._read(self._said(text)), "")
            except Wrong as wrong:
                found = (None, f"{self.label}: {wrong}")
            if not self._unique and len(self._known) < _REMEMBERED_MAX:
                self._known[text] = found
        if found[1]:
            mistakes.append(found[1])
        return found[0]


def reading_text(field: str) -> Callable[[str], str]:
    """One short line that is not empty and, where the field has a form of its own, has that form."""
    check = CHECKS.get(field)

    def read(text: str) -> str:
        text = meant(field, text)
        if not text and field in MAY_BE_EMPTIED:
            return ""
        if not text:
            filled = field in ("ref", "number", "email")
            raise Wrong("is empty" if filled else "is empty; say otherwise = ... in the map for such cells")
        if field == "name":
            text = " ".join(text.split())
        reason = text_wrong(text)
        if reason is None and check is not None:
            reason = check(text)
        if reason is not None:
            raise Wrong(f"{quoted(text)} {reason}")
        return text

    return read


def read_address(text: str) -> str:
    """The lines of a cell of a postal address; empty where it has none."""
    return meant("billing_address", text)


def _read_rate(text: str) -> str:
    """A rate of tax in percent; an empty cell has none."""
    return _number(text, rate_of)


def _read_quantity(text: str) -> str:
    """How many; empty where it is not said."""
    return _number(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text, decimal_of)


def _number(text: str, read: Callable[[str], str]) -> str:
    try:
        return read(text) if text.strip() else ""
    except ValueError as error:
        raise Wrong(str(error)) from None


def _read_line_text(text: str) -> str:
    text = " ".join(text.split())
    if reason := text_wrong(text):
        raise Wrong(f"{quoted(text)} {reason}")
    return text


LINE_CELLS: Final[Mapping[str, Callable[[str], str]]] = {
    "text": _read_line_text,
    "quantity": _read_quantity,
    "tax_rate": _read_rate,
}
"""How the words about a line are read; each may be empty."""


def reading_ref(text: str) -> str:
    """What a payment is called; empty where it has no name of its own."""
    if reason := shortened(text):
        raise Wrong(f"{quoted(text)} {reason}")
    return text


def reading_texts(field: str, separator: str) -> Callable[[str], tuple[str, ...]]:
    """Several of them in one cell, each once, in their order; one where no separator is said."""
    one = reading_text(field)

    def read(text: str) -> tuple[str, ...]:
        parts = [part.strip() for part in text.split(separator)] if separator else [text]
        return tuple(dict.fromkeys(one(part) for part in parts if part or not separator)) or (one(""),)

    return read


def reading_day(form: FileForm) -> Callable[[str], date]:
    """A day in one of the file's formats."""

    def read(text: str) -> date:
        if not text:
            raise Wrong("is empty; a date is needed")
        found = read_date(text, form.date_formats)
        if isinstance(found, str):
            raise Wrong(f"{quoted(text)} {found}")
        return found

    return read


def reading_day_or_none(form: FileForm) -> Callable[[str], date | bool]:
    """A day, or False where the text only says that there is none."""
    day = reading_day(form)
    return lambda text: False if says_no_date(text) else day(text)


def read_currency(text: str) -> str:
    """A currency, in small letters too."""
    if not text:
        raise Wrong("is empty")
    if reason := text_wrong(text):
        raise Wrong(f"{quoted(text)} {reason}")
    code = text.upper() if text.islower() else text
    try:
        exponent(code)
    except Refused as refusal:
        theirs = f"{code!a} "
        message = refusal.message
        own = f"{quoted(code)} {message.removeprefix(theirs)}" if message.startswith(theirs) else message
        raise Wrong(own) from None
    return code


def reading_word(words: ValueWords) -> Callable[[str], str]:
    """The meaning of the word in the row."""

    def read(text: str) -> str:
        found = words.meanings.get(text.casefold(), words.otherwise)
        if found is None:
            written = words.written[:12]
            known = " or ".join(quoted(word) for word in written)
            neither = "neither of" if len(written) == 2 else "none of"
            raise Wrong(f"{quoted(text)} is {neither} the map's words, {known}; add it to one of them")
        return found

    return read


class SumCell:
    """A sum, which means something only with its currency."""

    __slots__ = ("_form", "_source", "label", "place")

    def __init__(self, source: Column, places: Mapping[str, int], form: FileForm) -> None:
        self.label = label(source)
        self.place = places[source.name]
        self._source = source
        self._form = form

    def written(self, cells: list[str]) -> str:
        """What stands in the file, or what the map says for an empty cell."""
        return cells[self.place] or self._source.otherwise or ""

    def take(self, cells: list[str], currency: str | None, mistakes: list[str]) -> int | None:
        """Minor units, below nothing where the file says so; nothing is said about it while its currency is not
        known."""
        if currency is None:
            return None
        text, form = self.written(cells), self._form
        if not text:
            mistakes.append(f"{self.label}: is empty; an amount is needed")
            return None
        try:
            return read_sum(text, currency, form.decimal_mark, form.grouping, form.minor_units)
        except Refused as refusal:
            mistakes.append(f"{self.label}: {quoted(text)} {refusal.message}")
            return None
