"""A receivables book from a CSV file, all of it or nothing, with every mistake named by row and column.

A wrong row never reaches the store: an amount read in the wrong locale or a date read the wrong way round would disable
people who paid. The file is read once, a row at a time; what the rows of one customer say together is known when all
are read.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Final

from arrears.adapters.books.book_map import BookMap, Constant
from arrears.adapters.books.merging import Merging, columns_of
from arrears.adapters.books.mistakes import Mistakes
from arrears.adapters.books.plausible import refuse_unread_balance
from arrears.adapters.books.reading import NOTHING, rows_of_kept
from arrears.adapters.books.records import BrokenRow, Records, open_book
from arrears.adapters.books.rows import label
from arrears.adapters.books.spool import ROWS_IN_MEMORY, Spool
from arrears.adapters.books.understanding import NumberedRow, Understanding, Understood, of_several_customers
from arrears.core.errors import Refused
from arrears.core.parallel import OrderedMap, map_here
from arrears.core.receivables import (
    AccountRows,
    Complaint,
    KeptAccount,
    Merge,
    NamedThings,
    OpenItems,
    Progress,
    ReceivablesBook,
)
from arrears.core.row_fields import plain, quoted

HEADER_WITHIN: Final = 50
"""So many rows of titles may stand before the names of the columns."""
ROWS_IN_A_BLOCK: Final = 2_000
"""So many rows are understood together; progress is told after each block."""
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
        self._by_wrong = Spool(rows_in_memory)

    @property
    def open_items(self) -> OpenItems | None:
        """See BookSource."""
        service = self._map.invoice["service"]
        if not self._map.rules.lists_open:
            return None
        return OpenItems(service.text if isinstance(service, Constant) else "")

    @property
    def merge(self) -> Merge:
        """See BookSource."""
        return Merging(self._map)

    def kept(self) -> Iterator[KeptAccount]:
        """See BookSource."""
        for ref, rows in self._by_customer.groups():
            yield KeptAccount(ref, rows, len(rows))

    def names(self, ref: str) -> bool:
        """See BookSource."""
        return self._by_customer.has(ref)

    def keys(self, account: KeptAccount) -> tuple[list[str], list[str], list[str]]:
        """See BookSource."""
        rows = rows_of_kept(account.rows)
        said = [row for row in rows if not row.is_credit]
        noted = [number for row in rows if row.is_credit for number in (row.number, row.credited)]
        return [row.number for row in said], [row.ref or row.number for row in said if row.paid != NOTHING], noted

    def misread(self) -> Iterator[tuple[str, NamedThings]]:
        """See BookSource."""
        for ref, rows in self._by_wrong.groups():
            for named in rows:
                yield ref, named

    def complain(self, complaints: Iterable[Complaint]) -> None:
        """See BookSource."""
        for row, ref, reason in complaints:
            self.mistakes.add(row, ref, [reason])

    def accounts(self) -> Iterator[AccountRows]:
        """Each customer with everything the file says of it; what its rows contradict each other in is among the
        mistakes after it."""
        merge = self.merge
        for one in self.kept():
            rows, complaints = merge(one)
            self.complain(complaints)
            yield rows

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
        for spool in (self._by_customer, self._by_number, self._by_ref, self._by_wrong):
            spool.close()

    def take(self, found: Understood) -> None:
        """Keep rows for their customers."""
        self._by_customer.add(found.by_customer, found.counts[0])
        self._by_number.add(found.by_number, found.counts[1])
        self._by_ref.add(found.by_ref, found.counts[2])
        self._by_wrong.add(found.by_wrong, len(found.wrong))
        for row, ref, reasons in found.wrong:
            self.mistakes.add(row, ref, reasons)
        self.left_out.update(skipped=found.skipped, draft=found.drafts)

    def finish(self, ordered_map: OrderedMap) -> None:
        """All rows are in: an invoice is one customer's."""
        self.left_out = +self.left_out
        source = self._map.invoice["number"]
        way = 'say numbers = "of_each_customer" under [invoice] if each customer\'s are numbered on their own'
        if self._map.rules.per_customer:
            way = "a customer and its number may not read as another's; leave one out, or write its / otherwise"
        for number, found in chain.from_iterable(ordered_map(of_several_customers, self._by_number.parts())):
            first_ref, first_row = found[0]
            for ref, row in found:
                if ref != first_ref:
                    customer = label(self._map.account["ref"])
                    said = f"{quoted(number)} is already on row {first_row} with other content ({customer}); {way}"
                    self.mistakes.add(row, ref, [f"{label(source)}: {said}"])
                    other = f"{label(source)}: {quoted(number)} is on row {row} for another customer; {way}"
                    self.mistakes.also(first_row, first_ref, other)
        shared = chain.from_iterable(ordered_map(of_several_customers, self._by_ref.parts()))
        self.shared_refs = {name: {row[0] for row in rows} for name, rows in shared}


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


class _File:
    """One pass over a file: its header, then row after row."""

    def __init__(self, file: BinaryIO, book_map: BookMap, progress: Progress | None) -> None:
        self.rows = 0
        self.broken: BrokenRow | None = None
        self.header: list[str] | None = None
        self.records = Records(file, book_map.form)
        self._map = book_map
        self._size = os.fstat(file.fileno()).st_size
        self._progress = progress

    def understood(self, ordered_map: OrderedMap) -> Iterator[Understood]:
        """What the rows say, so many at a time."""
        records = self._until_broken()
        titles: list[NumberedRow] = []
        read = set(self._map.columns())
        for row in records:
            titles.append(row)
            if read <= set(row[1]) or len(titles) > HEADER_WITHIN:
                break
        if titles:
            line, self.header = titles[_header(titles, self._map)]
            work = Understanding(self._map, self.header, _places(line, self.header, self._map))
            yield from ordered_map(work, self._blocks(records))

    def _blocks(self, records: Iterator[NumberedRow]) -> Iterator[list[NumberedRow]]:
        while block := list(islice(records, ROWS_IN_A_BLOCK)):
            self.rows += len(block)
            if self._progress is not None and len(block) == ROWS_IN_A_BLOCK:
                self._progress(self.records.position, self._size)
            yield block

    def _until_broken(self) -> Iterator[NumberedRow]:
        try:
            yield from self.records
        except BrokenRow as broken:
            self.broken = broken


def _read(file: _File, path: Path, book: BookRows, ordered_map: OrderedMap) -> None:
    for found in file.understood(ordered_map):
        book.take(found)
    if (broken := file.broken) is not None:
        header = file.header or []
        known = broken.cell is not None and broken.cell < len(header)
        column = f"column {plain(header[broken.cell or 0])}: " if known else ""
        book.mistakes.add(broken.row, "", [column + broken.reason])
    elif not file.rows:
        what = "only a header" if file.header else "only blanks"
        raise Refused("bad_book", f"{path}: has {what}; no invoice in it")
    book.rows, book.digest = file.rows, file.records.digest


def read_rows(
    path: Path,
    book_map: BookMap,
    progress: Progress | None = None,
    rows_in_memory: int = ROWS_IN_MEMORY,
    ordered_map: OrderedMap = map_here,
) -> BookRows:
    """Read the CSV file at `path` once; row numbers are line numbers of the file. What is wrong with its rows is kept
    in `mistakes`. `ordered_map` understands the rows, here or in other processes. Raises Refused `bad_book` for a file
    that is none."""
    book = BookRows(book_map, rows_in_memory)
    with open_book(path) as file:
        try:
            _read(_File(file, book_map, progress), path, book, ordered_map)
        except OSError as error:
            raise Refused("bad_book", f"{path}: cannot be read: {error.strerror}") from None
    book.finish(ordered_map)
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
        open_items=book.open_items,
    )
