"""A receivables book from a CSV file, all of it or nothing, with every mistake named by row and column.

A wrong row never reaches the store: an amount read in the wrong locale or a date read the wrong way round would disable
people who paid. The file is read once, a row at a time; what the rows of one customer say together is known when all
are read.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import BinaryIO, Final

from arrears.adapters.books.book_map import BookMap
from arrears.adapters.books.fields import plain, quoted
from arrears.adapters.books.merging import Merging, columns_of
from arrears.adapters.books.mistakes import Mistakes
from arrears.adapters.books.plausible import refuse_unread_balance
from arrears.adapters.books.reading import AccountWord, ReadRow, RowReader
from arrears.adapters.books.records import BrokenRow, Records, open_book
from arrears.adapters.books.rows import label
from arrears.adapters.books.spool import ROWS_IN_MEMORY, Spool
from arrears.core.errors import Refused
from arrears.core.receivables import AccountRows, Progress, ReceivablesBook

HEADER_WITHIN: Final = 50
"""So many rows of titles may stand before the names of the columns."""
PROGRESS_EVERY: Final = 2_000
_COLUMNS_SHOWN_MAX: Final = 40


class BookRows:
    """A file that has been read, its rows waiting to be put together by customer. `left_out` counts the rows that the
    map leaves out, by why; `shared_refs` has the customers of each payment's reference that several of them name."""

    def __init__(self, book_map: BookMap, rows_in_memory: int = ROWS_IN_MEMORY) -> None:
        self.mistakes = Mistakes()
        self.left_out: Counter[str] = Counter()
        self.shared_refs: Mapping[str, Set[str]] = {}
        self.columns: Mapping[str, str] = columns_of(book_map)
        self.digest = ""
        self.rows = 0
        self._map = book_map
        self._by_customer = Spool(rows_in_memory)
        self._by_number = Spool(rows_in_memory)
        self._by_ref = Spool(rows_in_memory)

    def accounts(self) -> Iterator[AccountRows]:
        """Each customer with everything the file says of it; what its rows contradict each other in is among the
        mistakes after it."""
        merging = Merging(self._map, lambda row, ref, reason: self.mistakes.add(row, ref, [reason]))
        for _, rows in self._by_customer.groups():
            yield merging.rows_of([_read_row(row) for row in rows])

    def is_wrong(self, ref: str) -> bool:
        """See BookSource."""
        return self.mistakes.is_wrong(ref)

    def reasons(self) -> dict[str, dict[int, str]]:
        """See BookSource."""
        return self.mistakes.by_account

    def refuse_if_wrong(self, *, per_account: bool) -> None:
        """See BookSource."""
        if not per_account or self.mistakes.unowned:
            self.mistakes.refuse_if_any()

    def refuse_before(self, *, per_account: bool) -> None:
        """Raises Refused `bad_book` if a row is wrong by itself, with everything that is wrong with the file."""
        if self.mistakes.rows and not (per_account and not self.mistakes.unowned):
            for _ in self.accounts():
                pass
            self.mistakes.refuse_if_any()

    def close(self) -> None:
        """Remove what lies on disk."""
        for spool in (self._by_customer, self._by_number, self._by_ref):
            spool.close()

    def take(self, row: ReadRow) -> None:
        """Keep a row for its customer."""
        self._by_customer.add(row.account.ref, (*row[:1], tuple(row.account), *row[2:]))
        if not row.is_credit:
            self._by_number.add(row.number, (row.account.ref, row.row))
        if row.ref:
            self._by_ref.add(row.ref, (row.account.ref,))

    def finish(self) -> None:
        """All rows are in: an invoice is one customer's."""
        source = self._map.invoice["number"]
        way = 'say numbers = "of_each_customer" under [invoice] if each customer\'s are numbered on their own'
        for number, found in self._by_number.groups():
            first_ref, first_row = found[0]
            for ref, row in found:
                if ref != first_ref:
                    customer = label(self._map.account["ref"])
                    said = f"{quoted(number)} is already on row {first_row} with other content ({customer}); {way}"
                    self.mistakes.add(row, ref, [f"{label(source)}: {said}"])
                    other = f"{label(source)}: {quoted(number)} is on row {row} for another customer; {way}"
                    self.mistakes.also(first_row, first_ref, other)
        shared: dict[str, Set[str]] = defaultdict(set)
        for name, customers in self._by_ref.groups():
            refs = {ref for (ref,) in customers}
            if len(refs) > 1:
                shared[name] = refs
        self.shared_refs = shared


def _read_row(row: tuple[object, ...]) -> ReadRow:
    return ReadRow._make((row[0], AccountWord._make(row[1]), *row[2:]))  # type: ignore[arg-type]


def _header(before: list[tuple[int, list[str]]], book_map: BookMap) -> int:
    """Which of the first rows names the columns that the map reads; Refused `bad_book` if none does."""
    read = book_map.columns()
    for place, (_, cells) in enumerate(before):
        if set(read) <= set(cells):
            return place
    best = max(range(len(before)), key=lambda at: (len(set(read) & set(before[at][1])), -at))
    row, header = before[best]
    named = [name for name in header if name]
    missing = [name for name in read if name not in named]
    names = ", ".join(plain(name) for name in missing)
    shown = ", ".join(plain(name) for name in named[:_COLUMNS_SHOWN_MAX])
    more = ", ..." if len(named) > _COLUMNS_SHOWN_MAX else ""
    hint = f" (one column only: is {quoted(book_map.form.delimiter)} the delimiter?)" if len(header) == 1 else ""
    raise Refused("bad_book", f"row {row}, column {names}: not in the file; columns there: {shown}{more}{hint}")


def _places(row: int, header: list[str], book_map: BookMap) -> dict[str, int]:
    """Column name -> place in a row, from 0."""
    named = [name for name in header if name]
    read = book_map.columns()
    twice = sorted({name for name in named if named.count(name) > 1 and name in read})
    if twice:
        names = ", ".join(plain(name) for name in twice)
        raise Refused("bad_book", f"row {row}, column {names}: is there more than once; rename all but one")
    refuse_unread_balance(row, named, book_map)
    return {name: place for place, name in enumerate(header) if name}


def _ragged(cells: list[str], header: list[str]) -> str | None:
    """Why a row has another number of cells than the header; empty ones behind it are cut off and say nothing."""
    while len(cells) > len(header) and not cells[-1]:
        cells.pop()
    if len(cells) == len(header):
        return None
    counts = f"the row has {len(cells)} cells, the header has {len(header)}"
    if len(cells) < len(header):
        return f"column {plain(header[len(cells)])}: is missing; {counts}"
    return f"column {plain(header[-1])}: is followed by more; {counts}; put text with a delimiter in quotes"


class _File:
    """One pass over a file: its header, then row after row."""

    def __init__(self, path: Path, book_map: BookMap, book: BookRows) -> None:
        self._path = path
        self._map = book_map
        self._book = book
        self.header: list[str] = []
        self._reader: RowReader | None = None
        self._titles: list[tuple[int, list[str]]] = []

    def take(self, number: int, cells: list[str]) -> None:
        """The next row of the file."""
        if self._reader is None:
            self._titles.append((number, cells))
            if set(self._map.columns()) <= set(cells) or len(self._titles) > HEADER_WITHIN:
                self._start()
            return
        self._book.rows += 1
        self._row(self._reader, number, cells)

    def finish(self) -> None:
        """The file is over; Refused `bad_book` if there was nothing in it."""
        if self._reader is None and self._titles:
            self._start()
        if not self._book.rows and not self._book.mistakes.rows:
            what = "only a header" if self.header else "only blanks"
            raise Refused("bad_book", f"{self._path}: has {what}; no invoice in it")

    def _start(self) -> None:
        place = _header(self._titles, self._map)
        row, self.header = self._titles[place]
        self._reader = RowReader(self._map, _places(row, self.header, self._map))

    def _row(self, reader: RowReader, number: int, cells: list[str]) -> None:
        book = self._book
        if reader.skips(cells):
            book.left_out["skipped"] += 1
            return
        if reason := _ragged(cells, self.header):
            book.mistakes.add(number, "", [reason])
            return
        row = reader.read(number, cells)
        if row is not None:
            book.take(row)
        elif reader.mistakes:
            book.mistakes.add(number, reader.ref, reader.mistakes)
        else:
            book.left_out["draft"] += 1


def _read(path: Path, file: BinaryIO, book_map: BookMap, book: BookRows, progress: Progress | None) -> None:
    size = os.fstat(file.fileno()).st_size
    records = Records(file, book_map.form)
    reading = _File(path, book_map, book)
    try:
        for number, cells in records:
            reading.take(number, cells)
            if progress is not None and number % PROGRESS_EVERY == 0:
                progress(records.position, size)
    except BrokenRow as broken:
        header = reading.header
        known = broken.cell is not None and broken.cell < len(header)
        column = f"column {plain(header[broken.cell or 0])}: " if known else ""
        book.mistakes.add(broken.row, "", [column + broken.reason])
    reading.finish()
    book.digest = records.digest


def read_rows(
    path: Path, book_map: BookMap, progress: Progress | None = None, rows_in_memory: int = ROWS_IN_MEMORY
) -> BookRows:
    """Read the CSV file at `path` once; row numbers are line numbers of the file. What is wrong with its rows is kept
    in `mistakes`. Raises Refused `bad_book` for a file that is none."""
    book = BookRows(book_map, rows_in_memory)
    with open_book(path) as file:
        try:
            _read(path, file, book_map, book, progress)
        except OSError as error:
            raise Refused("bad_book", f"{path}: cannot be read: {error.strerror}") from None
    book.finish()
    return book


def read_book(path: Path, book_map: BookMap) -> ReceivablesBook:
    """The whole book in the CSV file at `path`.

    Raises Refused `bad_book` (exit code 2): a line per bad row with its row, column and reason, the first 50
    and then a count.
    """
    book = read_rows(path, book_map)
    try:
        accounts = list(book.accounts())
        book.mistakes.refuse_if_any()
    finally:
        book.close()
    invoices = [invoice for rows in accounts for invoice in rows.invoices]
    payments = [payment for rows in accounts for parts in rows.payments.values() for payment in parts]
    notes = [note for rows in accounts for note in rows.credits]
    return ReceivablesBook(
        accounts=tuple(sorted((rows.account for rows in accounts), key=lambda account: account.ref)),
        invoices=tuple(sorted(invoices, key=lambda i: (i.issued_on, i.number))),
        payments=tuple(sorted(payments, key=lambda p: (p.paid_on, p.ref, p.invoice_number))),
        digest=book.digest,
        columns=book.columns,
        credits=tuple(sorted(notes, key=lambda c: (c.issued_on, c.number))),
        left_out=book.left_out,
    )
