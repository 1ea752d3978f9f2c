"""The map that says which column of a book means what, so that no importer is written per customer.

A field is always one of two things: `{ column = "NAME" }`, what the row says, or `{ value = "TEXT" }`, the
same for every row. docs/import.md shows a whole map.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from arrears.adapters.books.fields import CHECKS, DATE_FORMATS, plain, quoted, text_wrong
from arrears.core.errors import Refused
from arrears.core.money import exponent
from arrears.core.receivables import BookMode

# Encodings in which every line feed is one byte and ASCII is itself, so that a wrong byte has a row number.
STATUSES = ("open", "paid", "void", "draft", "uncollectible", "disputed")
ENCODINGS = ("utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "cp1252")
DELIMITERS = (",", ";", "\t", "|")
DECIMAL_MARKS = (".", ",")
GROUPINGS = ("", ",", ".", " ", "'", "\u2019", "\u00a0", "\u202f")
MAP_BYTES_MAX = 1024 * 1024

DecidedBy = Literal["every_row", "latest_invoice"]


@dataclass(frozen=True, slots=True)
class Column:
    """What the row says in the column of this name."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """The same for every row."""

    text: str


Source = Column | Constant


@dataclass(frozen=True, slots=True)
class ValueWords:
    """A column that holds one of a few words, and what each means."""

    column: Column
    meanings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FileForm:
    """How the file is written: encoding, delimiter, date format and the marks in its amounts."""

    encoding: str
    delimiter: str
    date_format: str
    decimal_mark: str
    grouping: str
    minor_units: bool = False


@dataclass(frozen=True, slots=True)
class BookMap:
    """A checked map. `account`, `invoice` and `payment` hold a source per field that the map names.

    `payment` empty: the book has no payments. `disputed` None: no invoice is. `mode` a word instead of
    `ValueWords`: every account's. `decided_by` says which row has the last word on an account's mode.
    """

    form: FileForm
    account: Mapping[str, Source]
    invoice: Mapping[str, Source]
    payment: Mapping[str, Source]
    disputed: ValueWords | None
    mode: ValueWords | BookMode
    decided_by: DecidedBy
    balance: Mapping[str, Source] = dataclasses.field(default_factory=dict)
    """`open`, what is left of an invoice, or `paid`, what has been paid of it by now; instead of `payment`."""
    status: ValueWords | None = None
    """The words for an invoice as a whole, in small letters, each with a meaning of STATUSES."""
    negative_is_credit: bool = False

    def columns(self) -> list[str]:
        """The names of all columns that the map reads, each once, in the map's order."""
        sources: list[Source] = [*self.account.values(), *self.invoice.values(), *self.payment.values()]
        sources += self.balance.values()
        sources += [words.column for words in (self.disputed, self.mode, self.status) if isinstance(words, ValueWords)]
        return list(dict.fromkeys(source.name for source in sources if isinstance(source, Column)))


# Section -> field -> what stands for it when the map says nothing; None: the map must say.
_FORM: dict[str, tuple[tuple[str, ...], str | None]] = {
    "encoding": (ENCODINGS, "utf-8"),
    "delimiter": (DELIMITERS, ","),
    "date_format": (tuple(DATE_FORMATS), None),
    "decimal_mark": (DECIMAL_MARKS, "."),
    "grouping": (GROUPINGS, ""),
}
_ACCOUNT = {"ref": True, "name": False, "email": False, "country": True, "zone": True, "locale": True, "policy": False}
_INVOICE = {
    "number": True,
    "service": True,
    "issued_on": True,
    "due_on": True,
    "amount": True,
    "currency": True,
}
_PAYMENT = {"paid_on": True, "amount": False, "ref": False}
# One value for every row would make all invoices one, or bill everybody the same day: surely a slip.
_COLUMN_ONLY = {"ref", "number", "issued_on", "due_on", "paid_on", "name", "email", "invoice.amount"}
_MODES: tuple[BookMode, ...] = ("card", "invoice")


class _Reading:
    """One map being read: a table at a time, and every mistake kept."""

    def __init__(self, tables: Mapping[str, object]) -> None:
        self.mistakes: list[str] = []
        self.tables = tables

    def wrong(self, where: str, reason: str) -> None:
        self.mistakes.append(f"{plain(where)}: {reason}")

    def table(self, section: str, *, needed: bool = True) -> dict[str, object]:
        found = self.tables.get(section)
        if isinstance(found, dict):
            return found
        if found is not None:
            self.wrong(section, f"must be a table, written [{section}]")
        elif needed:
            self.wrong(section, f"the section [{section}] is missing")
        return {}

    def has(self, section: str) -> bool:
        """Whether a missing key is worth a line: of a section that is not there, one line says so already."""
        return isinstance(self.tables.get(section), dict)

    def known(self, where: str, table: Iterable[str], names: Iterable[str]) -> None:
        """Name every key that means nothing here."""
        known = list(names)
        for key in table:
            if key not in known:
                path = f"{where}.{key}" if where else key
                self.wrong(path, f"unknown key; known here: {', '.join(known)}")

    def text(self, where: str, found: object, *, empty: bool = False) -> str | None:
        if not isinstance(found, str):
            self.wrong(where, 'must be text between quotes, such as "Yes"')
        elif not found.strip() and not empty:
            self.wrong(where, "is empty")
        elif reason := text_wrong(found):
            self.wrong(where, f"{quoted(found)} {reason}")
        else:
            return found.strip()
        return None

    def source(self, where: str, found: object) -> Source | None:
        if not isinstance(found, dict) or len(found) != 1 or not found.keys() <= {"column", "value"}:
            self.wrong(where, 'must be { column = "NAME" } or { value = "TEXT" }')
            return None
        [(kind, content)] = found.items()
        text = self.text(f"{where}.{kind}", content)
        if text is None:
            return None
        if kind == "column":
            return Column(text)
        self._constant(where, text)
        return Constant(text)

    def _constant(self, where: str, text: str) -> None:
        field = where.rpartition(".")[2]
        if {field, where} & _COLUMN_ONLY:
            self.wrong(where, 'differs from row to row: say { column = "NAME" }')
        elif where == "payment.amount":
            if text != "full":
                self.wrong(where, f'{quoted(text)} is not known: say {{ column = "NAME" }} or leave it out')
        elif field == "currency":
            try:
                exponent(text)
            except Refused as refusal:
                self.wrong(where, refusal.message)
        elif field in CHECKS and (reason := CHECKS[field](text)):
            self.wrong(where, f"{quoted(text)} {reason}")

    def sources(self, section: str, fields: Mapping[str, bool], besides: tuple[str, ...] = ()) -> dict[str, Source]:
        """Every field of a section; `fields` says which ones the map must name."""
        table = self.table(section)
        self.known(section, table, (*fields, *besides))
        sources: dict[str, Source] = {}
        for field, needed in fields.items():
            if field in table:
                source = self.source(f"{section}.{field}", table[field])
                if source is not None:
                    sources[field] = source
            elif needed and self.has(section):
                self.wrong(f"{section}.{field}", "is missing")
        return sources

    def words(self, where: str, table: Mapping[str, object], meanings: tuple[str, ...]) -> ValueWords | None:
        """A column and the word for each meaning; a word may be empty, for a cell that is."""
        for key in ("column", *meanings):
            if key not in table:
                self.wrong(f"{where}.{key}", "is missing")
        column = self.text(f"{where}.column", table["column"]) if "column" in table else None
        words = [self.text(f"{where}.{key}", table[key], empty=True) for key in meanings if key in table]
        if len(set(words)) < len(words) and None not in words:
            self.wrong(where, f"{' and '.join(meanings)} are the same word")
        if column is None or None in words or len(words) < len(meanings):
            return None
        return ValueWords(Column(column), {w: m for w, m in zip(words, meanings, strict=True) if w is not None})


def _form(reading: _Reading) -> FileForm:
    table = reading.table("file")
    reading.known("file", table, (*_FORM, "minor_units"))
    minor_units = table.get("minor_units", False)
    if not isinstance(minor_units, bool):
        reading.wrong("file.minor_units", "must be true or false")
    chosen: dict[str, str] = {}
    for key, (allowed, default) in _FORM.items():
        found = table.get(key, default)
        if key == "encoding" and isinstance(found, str):
            found = found.lower()
        if found is None and not reading.has("file"):
            continue
        if not isinstance(found, str) or found not in allowed:
            said = "is missing" if found is None else f"{quoted(str(found))} is not known"
            reading.wrong(f"file.{key}", f"{said}; known here: {', '.join(quoted(a) for a in allowed)}")
        else:
            chosen[key] = found
    if chosen.get("decimal_mark", ".") == chosen.get("grouping", ""):
        reading.wrong("file.grouping", "is the decimal mark too; an amount could be read in two ways")
    return FileForm(**{key: chosen.get(key, "") for key in _FORM}, minor_units=minor_units is True)


def _balance(reading: _Reading) -> dict[str, Source]:
    """Of what is open and what is paid by now, the one that the map names."""
    table = reading.table("invoice", needed=False)
    found: dict[str, Source] = {}
    for name in ("open", "paid"):
        if name in table:
            source = reading.source(f"invoice.{name}", table[name])
            if source is not None:
                found[name] = source
    if len(found) > 1 or (found and "payment" in reading.tables):
        reading.wrong("invoice.open", "what is paid is said once: by open, by paid, or by [payment]")
    return found


def _status(reading: _Reading) -> ValueWords | None:
    """The words for each meaning: one word, or a list of them."""
    table = reading.table("invoice", needed=False).get("status")
    if table is None:
        return None
    if not isinstance(table, dict) or not isinstance(table.get("column"), str):
        reading.wrong("invoice.status", 'must be { column = "NAME", open = ["WORD", ...], void = "WORD", ... }')
        return None
    reading.known("invoice.status", table, ("column", *STATUSES))
    words: dict[str, str] = {}
    for meaning in STATUSES:
        said = table.get(meaning, [])
        for word in said if isinstance(said, list) else [said]:
            text = reading.text(f"invoice.status.{meaning}", word, empty=True)
            if text is not None and words.setdefault(text.casefold(), meaning) != meaning:
                reading.wrong(f"invoice.status.{meaning}", f"{quoted(text)} is a word for {words[text.casefold()]} too")
    return ValueWords(Column(table["column"]), words)


def _negative(reading: _Reading) -> bool:
    found = reading.table("invoice", needed=False).get("negative", "refused")
    if found not in ("refused", "credit_note"):
        reading.wrong("invoice.negative", 'must be "credit_note" or "refused"')
    return found == "credit_note"


def _disputed(reading: _Reading) -> ValueWords | None:
    found = reading.table("invoice").get("disputed") if reading.has("invoice") else None
    if found is None:
        return None
    if not isinstance(found, dict):
        reading.wrong("invoice.disputed", 'must be { column = "NAME", yes = "WORD", no = "WORD" }')
        return None
    reading.known("invoice.disputed", found, ("column", "yes", "no"))
    return reading.words("invoice.disputed", found, ("yes", "no"))


def _mode(reading: _Reading) -> tuple[ValueWords | BookMode, DecidedBy]:
    table = reading.table("mode")
    if "value" in table:
        reading.known("mode", table, ("value",))
        for mode in _MODES:
            if table["value"] == mode:
                return mode, "every_row"
        reading.wrong("mode.value", f"must be one of {', '.join(quoted(mode) for mode in _MODES)}")
        return "card", "every_row"
    if not table:
        return "card", "every_row"
    reading.known("mode", table, ("column", *_MODES, "decided_by", "value"))
    words = reading.words("mode", table, _MODES)
    match table.get("decided_by", "every_row"):
        case "every_row":
            return words or "card", "every_row"
        case "latest_invoice":
            return words or "card", "latest_invoice"
        case _:
            reading.wrong("mode.decided_by", 'must be "every_row" or "latest_invoice"')
            return words or "card", "every_row"


def _read_tables(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            content = file.read(MAP_BYTES_MAX + 1)
    except OSError as error:
        raise Refused("bad_map", f"map {path}: cannot be read: {error.strerror}") from None
    if len(content) > MAP_BYTES_MAX:
        raise Refused("bad_map", f"map {path}: is larger than 1 MiB; is this the book itself?")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Refused("bad_map", f"map {path}: byte {error.start + 1} is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise Refused("bad_map", f"map {path}: is not TOML: {plain(str(error))}") from None


def load_map(path: Path) -> BookMap:
    """The map in the TOML file at `path`.

    Raises Refused `bad_map`: one line for every unknown key, missing key and impossible value.
    """
    tables = _read_tables(path)
    reading = _Reading(tables)
    reading.known("", tables, ("file", "account", "invoice", "payment", "mode"))
    form = _form(reading)
    account = reading.sources("account", _ACCOUNT)
    invoice = reading.sources("invoice", _INVOICE, besides=("disputed", "open", "paid", "status", "negative"))
    disputed = _disputed(reading)
    payment = reading.sources("payment", _PAYMENT) if "payment" in tables else {}
    mode, decided_by = _mode(reading)
    balance, status, negative = _balance(reading), _status(reading), _negative(reading)
    if reading.mistakes:
        raise Refused("bad_map", "\n".join(f"map {path}: {mistake}" for mistake in reading.mistakes))
    return replace(
        BookMap(form, account, invoice, payment, disputed, mode, decided_by),
        balance=balance,
        status=status,
        negative_is_credit=negative,
    )
