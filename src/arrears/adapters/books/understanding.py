"""Rows of a file as its map understands them, so many at a time: plain values go in and come out, so that another
process can do it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from arrears.adapters.books.map_values import BookMap
from arrears.adapters.books.reading import RowReader, row_kept
from arrears.adapters.books.spool import Packed, by_key, packed, rows_in
from arrears.core.parallel import Meanwhile
from arrears.core.row_fields import plain

NumberedRow = tuple[int, list[str]]
"""The line on which a row starts, and its cells."""


class Understood(NamedTuple):
    """What some rows say: packed by customer, by invoice and by payment, with their counts; `wrong` has the number of
    each bad row, whose it is and the reasons, `by_wrong` what such rows name, by customer."""

    by_customer: Packed
    by_number: Packed
    by_ref: Packed
    counts: tuple[int, int, int]
    wrong: list[tuple[int, str, list[str]]]
    skipped: int
    drafts: int
    by_wrong: Packed


class Understanding:
    """Understands rows of one file with these columns under a map; `places` are those of its named columns."""

    def __init__(self, book_map: BookMap, header: list[str], places: Mapping[str, int]) -> None:
        self._map = book_map
        self._header = header
        self._places = places
        self._reader: RowReader | None = None

    def __reduce__(self) -> tuple[type[Understanding], tuple[BookMap, list[str], Mapping[str, int]]]:
        return Understanding, (self._map, self._header, self._places)

    def __call__(self, rows: Sequence[NumberedRow], meanwhile: Meanwhile) -> Understood:
        """What they say."""
        reader = self._reader = self._reader or RowReader(self._map, self._places)
        customers, numbers, refs, wrong, named = [], [], [], [], []
        skipped = drafts = 0
        width = len(self._header)
        for number, cells in rows:
            if reader.skips(cells):
                skipped += 1
            elif len(cells) != width and (reason := _ragged(cells, self._header)):
                wrong.append((number, "", [reason]))
            elif (row := reader.read(number, cells)) is not None:
                ref = row.account.ref
                customers.append((ref, row_kept(row)))
                if not row.is_credit:
                    numbers.append((row.number, (ref, number)))
                elif row.credited:
                    numbers.append((row.credited, (ref, number)))
                if row.ref:
                    refs.append((row.ref, (ref,)))
            elif reader.mistakes:
                wrong.append((number, reader.ref, reader.mistakes))
                if reader.ref:
                    named.append((reader.ref, reader.named(cells)))
            else:
                drafts += 1
        counts = len(customers), len(numbers), len(refs)
        return Understood(
            packed(customers), packed(numbers), packed(refs), counts, wrong, skipped, drafts, packed(named)
        )


def of_several_customers(part: bytes, meanwhile: Meanwhile) -> list[tuple[str, list[tuple[str, int]]]]:
    """The keys in a part of a spool that rows of several customers have, with those rows."""
    whose: dict[str, str] = {}
    several = {key for key, row in rows_in(part) if whose.setdefault(key, row[0]) != row[0]}
    return sorted((key, rows) for key, rows in by_key(part).items() if key in several) if several else []


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
