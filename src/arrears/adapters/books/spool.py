"""What belongs together in a file stands anywhere in it: rows are collected by a key, in memory while there are few of
them, else on disk, so that memory does not grow with the file."""

from __future__ import annotations

import marshal
import tempfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import IO, Any, Final

ROWS_IN_MEMORY: Final = 50_000
"""Some 50 MB of rows, when they are put together."""

_PARTS: Final = 256
"""A part is read whole: of ten million rows, 40,000."""
_LENGTH_BYTES: Final = 4
"""In front of each block stands how long it is: marshal reads from memory many times faster than from a file."""

Packed = list[tuple[int, bytes]]
"""Rows with their keys, by the part to which the key belongs."""


def packed(rows: Iterable[tuple[str, Any]]) -> Packed:
    """Pack rows, each with its key; both are plain values."""
    parts: dict[int, list[tuple[str, Any]]] = defaultdict(list)
    for row in rows:
        parts[zlib.crc32(row[0].encode()) % _PARTS].append(row)
    blocks = [(part, marshal.dumps(found)) for part, found in parts.items()]
    return [(part, len(block).to_bytes(_LENGTH_BYTES, "big") + block) for part, block in blocks]


def rows_in(part: bytes) -> Iterator[tuple[str, Any]]:
    """The rows in a part, each with its key."""
    blocks, at = memoryview(part), 0
    while at < len(part):
        begins = at + _LENGTH_BYTES
        at = begins + int.from_bytes(blocks[at:begins], "big")
        yield from marshal.loads(blocks[begins:at])


def by_key(part: bytes) -> dict[str, list[Any]]:
    """The rows of each key in a part, in their order."""
    found: dict[str, list[Any]] = defaultdict(list)
    for key, row in rows_in(part):
        found[key].append(row)
    return found


class Spool:
    """Packed rows. `close` gives the disk's room back."""

    def __init__(self, rows_in_memory: int = ROWS_IN_MEMORY) -> None:
        self._most = rows_in_memory
        self._waiting: list[list[bytes]] = [[] for _ in range(_PARTS)]
        self._count = 0
        self._file: IO[bytes] | None = None
        self._places: list[list[tuple[int, int]]] = [[] for _ in range(_PARTS)]

    def add(self, rows: Packed, count: int) -> None:
        """Collect so many rows; those of one key stay in their order."""
        for part, block in rows:
            self._waiting[part].append(block)
        self._count += count
        if self._count >= self._most:
            self._write()

    def parts(self) -> Iterator[bytes]:
        """The rows as `by_key` reads them: all of a key are in one part."""
        if self._file is None:
            yield b"".join(block for blocks in self._waiting for block in blocks)
            return
        self._write()
        for places in self._places:
            yield b"".join([self._read(at, length) for at, length in places])

    def groups(self) -> Iterator[tuple[str, list[Any]]]:
        """Each key with its rows, in an order that does not depend on the order of the rows."""
        for part in self.parts():
            yield from sorted(by_key(part).items())

    def has(self, key: str) -> bool:
        """Whether any row has this key; of what is on disk one part is read."""
        part = zlib.crc32(key.encode()) % _PARTS
        written = (self._read(at, length) for at, length in self._places[part])
        return any(key == other for rows in (*written, *self._waiting[part]) for other, _ in rows_in(rows))

    def close(self) -> None:
        """Remove what lies on disk."""
        if self._file is not None:
            self._file.close()

    def _read(self, at: int, length: int) -> bytes:
        assert self._file is not None, "what has a place was written"
        self._file.seek(at)
        return self._file.read(length)

    def _write(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`, and by the system in any case)
        at = self._file.seek(0, 2)
        for blocks, places in zip(self._waiting, self._places, strict=True):
            if blocks:
                length = self._file.write(b"".join(blocks))
                places.append((at, length))
                at += length
        self._waiting, self._count = [[] for _ in range(_PARTS)], 0
