"""A file that nobody has described yet as a table: how it is written, and which column is called like what."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final

from arrears.adapters.books.book_map import DELIMITERS
from arrears.adapters.books.dates import read_date, says_no_date
from arrears.adapters.books.guess_words import COLUMNS, FLAGS, NO, STATUSES, YES, folded
from arrears.adapters.books.map_values import FileForm
from arrears.adapters.books.records import BrokenRow, Records, encoding_of, open_book
from arrears.core.errors import Refused

ROWS_LOOKED_AT: Final = 5_000
FORMATS: Final = (
    *("%Y-%m-%d", "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%Y%m%d", "%d-%m-%Y", "%d-%b-%Y"),
    *("%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%b %d, %Y", "%d %b %Y", "%d. %b %Y"),
)


class CellContent(Enum):
    """What stands in a column, all of its cells that are not empty."""

    EMPTY = "empty"
    FLAG = "flag"
    DATE = "date"
    SUM = "sum"
    TEXT = "text"


@dataclass
class GuessedTable:
    """The file as a table: its header, and rows as long as it. `all_rows` are those of any length."""

    form: FileForm
    header: list[str]
    rows: list[list[str]]
    all_rows: list[list[str]] = field(default_factory=list)

    def values(self, name: str) -> list[str]:
        """What stands in a column, without empty cells."""
        place = self.header.index(name)
        return [row[place] for row in self.rows if row[place]]

    def content(self, name: str) -> CellContent:
        """What a column holds."""
        values = [text for text in self.values(name) if not says_no_date(text)]
        if not values:
            return CellContent.EMPTY
        if all(folded(text) in YES | NO for text in values):
            return CellContent.FLAG
        if all(any(not isinstance(read_date(text, [form]), str) for form in FORMATS) for text in set(values)):
            return CellContent.DATE
        letters = max(sum(c.isalpha() for c in text) for text in values)
        return (
            CellContent.SUM if letters <= 3 and all(any(c.isdigit() for c in t) for t in values) else CellContent.TEXT
        )


def table_of(path: Path) -> GuessedTable:
    """The table in a file. Raises Refused `bad_book` where there is none."""
    encoding = _encoding(path)
    best: tuple[tuple[int, int], FileForm, list[list[str]]] | None = None
    for delimiter in DELIMITERS:
        form = FileForm(encoding, delimiter, ("%Y-%m-%d",), ".", "")
        rows = _records(path, form)
        wide = Counter(len(row) for row in rows if len(row) > 1)
        width, often = wide.most_common(1)[0] if wide else (1, 0)
        score = (often, width)
        if rows and (best is None or score > best[0]):
            best = (score, form, rows)
    if best is None:
        raise Refused("bad_book", f"{path}: has no table in it; give the CSV file that the other system writes")
    _, form, rows = best
    at = max(range(min(len(rows), 50)), key=lambda place: (len(columns_of(rows[place])), -place))
    header = rows[at]
    return GuessedTable(form, header, [row for row in rows[at + 1 :] if len(row) == len(header)], rows[at + 1 :])


def columns_of(header: Sequence[str]) -> dict[str, str]:
    """Field -> the column that is called like it; a column is one field's only, but for the name of a customer."""
    found: dict[str, str] = {}
    names = {folded(name): name for name in reversed(header) if folded(name)}
    taken: set[str] = set()
    order = ("number", "due_on", "issued_on", "paid_on", "open", "paid", "payment_ref", "paid_amount", "amount")
    for name in (*order, *(one for one in COLUMNS if one not in order)):
        for said in COLUMNS[name]:
            whole = names.get(said) or (names.get(f"{said}cents") if name in ("amount", "open", "paid") else None)
            if whole is not None and (whole not in taken or name == "name"):
                found[name] = whole
                taken.add(whole)
                break
    if found.get("name") == found.get("ref"):
        found.pop("name", None)
    return found


def standing_columns(header: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """The columns that say how an invoice stands by a word, and those that say yes to one standing, with it."""
    names = {folded(name): name for name in reversed(header) if folded(name)}
    worded = [names[said] for said in STATUSES if said in names]
    flags = [(names[said], standing) for standing, all_said in FLAGS.items() for said in all_said if said in names]
    return worded, flags


def _encoding(path: Path) -> str:
    with open_book(path) as file:
        start = file.read(1 << 20)
    proved, marked = encoding_of(start, "utf-8")
    if marked:
        return "utf-8" if proved == "utf-8" else "utf-16"
    if start[1::2].count(0) > len(start) // 4:
        return "utf-16-le"
    try:
        start[: start.rfind(b"\n") + 1].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _records(path: Path, form: FileForm) -> list[list[str]]:
    rows = []
    with open_book(path) as file:
        try:
            for _, cells in Records(file, form):
                rows.append(cells)
                if len(rows) == ROWS_LOOKED_AT:
                    break
        except (BrokenRow, csv.Error):
            pass
    return rows
