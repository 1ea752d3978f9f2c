"""Reading a map a table at a time, every mistake kept with its key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from arrears.adapters.books.map_values import Column, Constant, Source, ValueWords
from arrears.core.errors import Refused
from arrears.core.money import exponent
from arrears.core.row_fields import CHECKS, meant, plain, quoted, text_wrong

# One value for every row would make all invoices one, or bill everybody the same day: surely a slip.
_COLUMN_ONLY: Final = {
    "ref",
    "number",
    "issued_on",
    "due_on",
    "paid_on",
    "name",
    "email",
    "invoice.amount",
    "credited",
    "customer",
    "billing_address",
    "tax_number",
    "tax",
}
_OWN: Final = ("ref", "number", "email")
"""What one text for several rows would mix up."""
_OF_A_COLUMN: Final = ("column", "words", "otherwise", "separator")


class MapReading:
    """One map being read: a table at a time, and every mistake kept."""

    def __init__(self, tables: Mapping[str, object]) -> None:
        self.mistakes: list[str] = []
        self.tables = tables

    def wrong(self, where: str, reason: str) -> None:
        """Keep a mistake at a key."""
        self.mistakes.append(f"{plain(where)}: {reason}")

    def table(self, section: str, *, needed: bool = True) -> dict[str, object]:
        """A section's keys; empty, and a mistake where it is needed, if it is not there."""
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
        """A short text; None, and a mistake, for anything else."""
        if not isinstance(found, str):
            self.wrong(where, 'must be text between quotes, such as "Yes"')
        elif not found.strip() and not empty:
            self.wrong(where, "is empty")
        elif reason := text_wrong(found):
            self.wrong(where, f"{quoted(found)} {reason}")
        else:
            return found.strip()
        return None

    def choice(self, section: str, key: str, allowed: Sequence[str]) -> str:
        """One of a few words, of which the first stands for a key that is not there."""
        found = self.tables.get(section)
        found = found.get(key, allowed[0]) if isinstance(found, dict) else allowed[0]
        if found not in allowed:
            self.wrong(f"{section}.{key}", f"must be {' or '.join(quoted(word) for word in allowed)}")
            return allowed[0]
        return str(found)

    def switch(self, section: str, key: str) -> bool:
        """true or false; false for a key that is not there."""
        table = self.tables.get(section)
        found = table.get(key, False) if isinstance(table, dict) else False
        if not isinstance(found, bool):
            self.wrong(f"{section}.{key}", "must be true or false")
        return found is True

    def source(self, where: str, found: object, besides: Sequence[str] = ()) -> Source | None:
        """Where a field comes from; `besides` are keys of its table that somebody else reads."""
        keys = found.keys() - set(besides) if isinstance(found, dict) else set()
        ours = keys <= set(_OF_A_COLUMN) and "column" in keys
        if not isinstance(found, dict) or not (ours or keys == {"value"}):
            self.wrong(where, 'must be { column = "NAME" } or { value = "TEXT" }')
            return None
        if "value" in keys:
            text = self.text(f"{where}.value", found["value"])
            if text is None:
                return None
            self._constant(where, text)
            return Constant(text)
        name = self.text(f"{where}.column", found["column"])
        words = self._words(where, found.get("words", {}))
        otherwise = self._meaning(where, found["otherwise"]) if "otherwise" in found else None
        if otherwise is not None and where.rpartition(".")[2] in _OWN:
            self.wrong(f"{where}.otherwise", "would make rows of different things one; leave such rows out with [skip]")
        separator = found.get("separator", "")
        if not isinstance(separator, str) or len(separator) > 3:
            self.wrong(f"{where}.separator", "must be one to three characters")
            separator = ""
        return None if name is None else Column(name, words, otherwise, separator)

    def _words(self, where: str, found: object) -> dict[str, str]:
        """What is written in the cells, to what it means."""
        if not isinstance(found, dict):
            self.wrong(f"{where}.words", 'must be { MEANING = ["WORD", ...], ... }')
            return {}
        words: dict[str, str] = {}
        for meaning, said in found.items():
            self._meaning(f"{where}.words.{meaning}", meaning)
            self._listed(f"{where}.words.{meaning}", said, meaning, words)
        return words

    def _listed(self, where: str, said: object, meaning: str, words: dict[str, str]) -> list[str]:
        """Take the words for a meaning among those that are known; as they are written."""
        texts = [self.text(where, word, empty=True) for word in (said if isinstance(said, list) else [said])]
        for text in texts:
            if text is not None and words.setdefault(text.casefold(), meaning) != meaning:
                self.wrong(where, f"{quoted(text)} is a word for {words[text.casefold()]} too")
        return [text for text in texts if text is not None]

    def _meaning(self, where: str, said: object) -> str | None:
        text = self.text(where, said)
        if text is not None:
            field = where.removesuffix(f".words.{text}")
            name = field.rpartition(".")[2]
            if (name in CHECKS and name not in _COLUMN_ONLY) or name == "currency":
                self._constant(field, text)
        return text

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
        elif field in CHECKS and (reason := CHECKS[field](meant(field, text))):
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

    def one_of(
        self,
        where: str,
        table: Mapping[str, object],
        meanings: Sequence[str],
        *,
        all_needed: bool = False,
        besides: Sequence[str] = (),
    ) -> ValueWords | None:
        """A column and the words for each meaning: one, or a list of them; a word may be empty, for a cell that is."""
        self.known(where, table, ("column", *meanings, "otherwise", *besides))
        for key in ("column", *(meanings if all_needed and "otherwise" not in table else ())):
            if key not in table:
                self.wrong(f"{where}.{key}", "is missing")
        column = self.text(f"{where}.column", table["column"]) if "column" in table else None
        words: dict[str, str] = {}
        written: list[str] = []
        for meaning in meanings:
            if meaning in table:
                written += self._listed(f"{where}.{meaning}", table[meaning], meaning, words)
        otherwise = table.get("otherwise")
        if otherwise is not None and otherwise not in meanings:
            self.wrong(f"{where}.otherwise", f"must be one of {', '.join(quoted(word) for word in meanings)}")
        if column is None:
            return None
        return ValueWords(Column(column), words, otherwise if isinstance(otherwise, str) else None, tuple(written))
