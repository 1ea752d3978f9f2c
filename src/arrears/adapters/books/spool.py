"""What belongs together in a file stands anywhere in it: rows are collected by a key, in memory while there are few of
them, else on disk, so that memory does not grow with the file."""

from __future__ import annotations

import marshal
import tempfile
import zlib
from collections import defaultdict
from collections.abc import Iterator
from typing import IO, Any, Final

ROWS_IN_MEMORY: Final = 100_000
"""Some 100 MB of rows."""

_PARTS: Final = 256
"""A part is read whole: of ten million rows, 40,000."""


class Spool:
    """Rows, each a tuple of plain values, by their keys. `close` gives the disk's room back."""

    def __init__(self, rows_in_memory: int = ROWS_IN_MEMORY) -> None:
        self._most = rows_in_memory
        self._rows: dict[str, list[Any]] = defaultdict(list)
        self._count = 0
        self._file: IO[bytes] | None = None
        self._places: list[list[tuple[int, int]]] = [[] for _ in range(_PARTS)]

    def add(self, key: str, row: Any) -> None:
        """Collect a row; those of one key stay in their order."""
        self._rows[key].append(row)
        self._count += 1
        if self._count >= self._most:
            self._write()

    def groups(self) -> Iterator[tuple[str, list[Any]]]:
        """Each key with its rows, in an order that does not depend on the order of the rows."""
        if self._file is None:
            yield from sorted(self._rows.items())
            return
        self._write()
        for places in self._places:
            found: dict[str, list[Any]] = defaultdict(list)
            for at, length in places:
                self._file.seek(at)
                for key, rows in marshal.loads(self._file.read(length)):
                    found[key] += rows
            yield from sorted(found.items())

    def close(self) -> None:
        """Remove what lies on disk."""
        if self._file is not None:
            self._file.close()

    def _write(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`, and by the system in any case)
        parts: list[list[tuple[str, list[Any]]]] = [[] for _ in range(_PARTS)]
        for item in self._rows.items():
            parts[zlib.crc32(item[0].encode()) % _PARTS].append(item)
        at = self._file.seek(0, 2)
        for part, places in zip(parts, self._places, strict=True):
            if part:
                blob = marshal.dumps(part)
                places.append((at, self._file.write(blob)))
                at += len(blob)
        self._rows, self._count = defaultdict(list), 0
