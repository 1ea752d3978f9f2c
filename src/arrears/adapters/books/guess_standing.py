"""What says how an invoice stands and what is paid of it, in a file that nobody has described yet: words, flags, days
and sums, each taken for what its cells are and not only for what its column is called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from arrears.adapters.books.guess_table import CellContent, GuessedTable, standing_columns
from arrears.adapters.books.guess_words import (
    COLUMNS,
    HINTS,
    NO,
    NO_HINT,
    OF_PAYMENT,
    PARTIAL,
    STATUS,
    TWO_MEANINGS,
    YES,
    folded,
)
from arrears.adapters.books.map_values import STATUSES
from arrears.core.row_fields import plain, quoted

WORDS_MAX: Final = 20
OPEN_ITEMS: Final = 'if it lists open items only, say gone = "paid" under [invoice], or who pays stays a debtor'


def toml(text: str) -> str:
    """A text as TOML writes it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'


def listed(words: Sequence[str]) -> str:
    """A word, or a list of them, as TOML writes them."""
    return toml(words[0]) if len(words) == 1 else f"[{', '.join(map(toml, words))}]"


def sort_out_paid(table: GuessedTable, found: dict[str, str]) -> str | None:
    """Give what is called paid the field that its cells are: a sum or a day. One that says yes or no is returned."""
    flag = None
    called = [(name, found[name]) for name in ("paid_on", "paid", "paid_amount") if name in found]
    for name, column in called:
        content = table.content(column)
        if name == "paid_amount" and "paid_on" in found:
            continue
        found.pop(name)
        if content is CellContent.DATE or (content is CellContent.EMPTY and name == "paid_on"):
            found.setdefault("paid_on", column)
        elif content is CellContent.FLAG and not (name == "paid" and set(table.values(column)) == {"0"}):
            flag = column
        elif content in (CellContent.SUM, CellContent.FLAG):
            found.setdefault("paid", column)
    return flag


class GuessedStanding:
    """The parts of `status` in a map that is being proposed; what is in doubt about them goes to `doubts`."""

    def __init__(self, table: GuessedTable, found: dict[str, str], flag: str | None, doubts: list[str]) -> None:
        self._table = table
        self._doubts = doubts
        self._sums = "open" in found or "paid" in found
        self._dated = "paid_on" in found
        self.read: list[str] = []
        """The columns that are read."""
        self.unsaid = {"draft": "drafts", "void": "void", "uncollectible": "given up"}
        """Which invoices nobody owes and no column says, and what a person calls them."""
        worded, flags = standing_columns(table.header)
        self.columns: list[str] = []
        for column in worded:
            self._take(column, self._words(column))
            if column in self.read and not OF_PAYMENT.search(folded(column)):
                self.unsaid = {}
        taken = set(found.values()) - ({found["paid_amount"]} if "paid_amount" in found else set())
        for column, standing in flags:
            if column not in taken:
                self._take(column, self._flag(column, standing))
                if column in self.read:
                    self.unsaid.pop(standing, None)
        self.says_paid = any("paid = " in one for one in self.columns)
        if flag is not None:
            self._take(flag, self._flag(flag, "open" if self._sums or self._dated else "paid"))
            self.says_paid |= not (self._sums or self._dated)

    def _take(self, column: str, part: str | None) -> None:
        if part is not None and column not in self.read:
            self.read.append(column)
            self.columns.append(part)

    def toml(self) -> Iterator[str]:
        """The line of the map, where there is one."""
        if len(self.columns) == 1:
            yield f"status = {self.columns[0]}"
        elif self.columns:
            yield "status = [\n" + "".join(f"  {one},\n" for one in self.columns) + "]"

    def _flag(self, column: str, standing: str) -> str | None:
        """A column that says yes, or a day, where an invoice stands so."""
        values = {row[self._table.header.index(column)] for row in self._table.rows}
        content = self._table.content(column)
        if content is CellContent.FLAG:
            yes = sorted(word for word in values if folded(word) in YES and word)
            no = sorted(word for word in values if word not in yes)
            said = {"open": no, standing: yes} if standing != "open" else {"open": [*no, *yes]}
            parts = [f"{meaning} = {listed(words)}" for meaning, words in said.items() if words]
            return f"{{ column = {toml(column)}, {', '.join(parts)} }}"
        if content is CellContent.DATE:
            empty = sorted(values - set(self._dates(column))) or [""]
            return f'{{ column = {toml(column)}, open = {listed(empty)}, otherwise = "{standing}" }}'
        return None

    def _dates(self, column: str) -> list[str]:
        return [text for text in self._table.values(column) if any(c in "123456789" for c in text)]

    def _words(self, column: str) -> str | None:
        """The words of a column, each with what it means; one that is not known is left to a person."""
        words = sorted({row[self._table.header.index(column)] for row in self._table.rows})
        words = words if any(words) else []
        if not words or (
            self._table.content(column) is not CellContent.TEXT and not any(folded(w) in STATUS for w in words)
        ):
            return None
        if len(words) > WORDS_MAX or not any(folded(word) in STATUS for word in words):
            shown = ", ".join(quoted(word) for word in words[:5])
            self._doubts.append(f"nobody knows the words of {plain(column)}, {shown}: it is not read")
            return None
        said: dict[str, list[str]] = {}
        for word in words:
            meaning = self._meaning(column, word)
            if meaning is not None:
                said.setdefault(meaning, []).append(word)
        parts = [f"{meaning} = {listed(said[meaning])}" for meaning in STATUSES if meaning in said]
        return f"{{ column = {toml(column)}, {', '.join(parts)} }}"

    def _meaning(self, column: str, word: str) -> str | None:
        meaning = STATUS.get(folded(word))
        where = f"{quoted(word)} in {plain(column)}"
        if folded(word) in TWO_MEANINGS:
            self._doubts.append(f"{where} is {TWO_MEANINGS[folded(word)]}?")
        if meaning is None:
            what = quoted(word) if word else "an empty cell"
            self._doubts.append(f"nobody knows what {what} means in {plain(column)}: say it")
        if meaning == "paid" and (self._sums or self._dated):
            return "open"  # A sum or a day says what is paid.
        if folded(word) in PARTIAL and not self._sums:
            self._doubts.append(f"{where}: no column says how much is paid, so it is held as if disputed")
            return "disputed"
        return meaning


def doubts_about_what_is_owed(
    table: GuessedTable, found: dict[str, str], standing: GuessedStanding, credits_told: bool
) -> Iterator[str]:
    """What this file does not say, and columns that may say it and are not read."""
    if "open" not in found and "paid" not in found:
        if "paid_on" in found and "paid_amount" not in found:
            yield f"only the day in {plain(found['paid_on'])} says what is paid: what is paid in part is read as paid"
        elif standing.says_paid:
            yield "only a word says what is paid: what is paid in part is read as open or as paid"
        elif "paid_on" not in found:
            yield f"nothing says what is paid: every invoice is read as open; {OPEN_ITEMS}"
    if standing.unsaid:
        yield f"no column says which invoices are {' or '.join(standing.unsaid.values())}: all of them are asked for"
    if not credits_told:
        yield "no column says which rows are credit notes: every row is read as an invoice"
    yield from _contradictions(table, found)
    used = {*found.values(), *standing.read}
    for name in table.header:
        low = folded(name)
        if name in used or not HINTS.search(low) or NO_HINT.search(low):
            continue
        content = table.content(name)
        called_paid = low in {*COLUMNS["paid"], *COLUMNS["paid_on"]}
        told = any(text.strip("0., -") and folded(text) not in NO for text in table.values(name))
        if (told and (called_paid or content in (CellContent.FLAG, CellContent.DATE))) or (
            content is CellContent.SUM and "open" not in found
        ):
            yield f"{plain(name)} is not read: does it say that less is owed?"


def _contradictions(table: GuessedTable, found: dict[str, str]) -> Iterator[str]:
    """Rows of which one column says that they are paid and another that they are not."""
    field = next((name for name in ("open", "paid", "paid_on") if name in found), None)
    if field is None:
        return
    place = table.header.index(found[field])
    for column in standing_columns(table.header)[0]:
        word = table.header.index(column)
        paid = [row[place] for row in table.rows if STATUS.get(folded(row[word])) == "paid"]
        count = sum(any(c in "123456789" for c in text) is (field == "open") for text in paid)
        if count:
            yield f"{count} rows are paid by {plain(column)} and not by {plain(found[field])}: they are asked for"
