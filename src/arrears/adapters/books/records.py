"""One pass over a CSV file that always knows where it is.

The bytes are hashed, decoded and split together, a line at a time: the digest is of exactly what was read,
the file is never in memory as a whole, and a bad byte has a row, a column and a position.
"""

from __future__ import annotations

import csv
import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from arrears.adapters.books.book_map import FileForm
from arrears.core.errors import Refused

FILE_BYTES_MAX = 256 * 1024 * 1024
# A line without an end is a binary file or a missing line feed, not a book.
LINE_BYTES_MAX = 1024 * 1024
_BOM_UTF8 = b"\xef\xbb\xbf"
_BOMS_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class BrokenRow(Exception):
    """Nothing after this row can be read. `cell` is the place in the row, from 0, where it is known."""

    def __init__(self, row: int, cell: int | None, reason: str) -> None:
        super().__init__(reason)
        self.row = row
        self.cell = cell
        self.reason = reason


def open_book(path: Path) -> BinaryIO:
    """The file, open for reading; Refused `bad_book` if it is missing, unreadable, no file, empty or too large."""
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise Refused("bad_book", f"{path}: is a directory; name the CSV file in it")
        if not stat.S_ISREG(found.st_mode):
            raise Refused("bad_book", f"{path}: is not a regular file; save the book to one first")
        if found.st_size == 0:
            raise Refused("bad_book", f"{path}: is empty")
        if found.st_size > FILE_BYTES_MAX:
            raise Refused(
                "bad_book",
                f"{path}: has {found.st_size // (1024 * 1024)} MiB, the most is "
                f"{FILE_BYTES_MAX // (1024 * 1024)} MiB; split it by customer",
            )
        return path.open("rb")
    except FileNotFoundError:
        raise Refused("bad_book", f"{path}: there is no such file") from None
    except OSError as error:
        raise Refused("bad_book", f"{path}: cannot be read: {error.strerror}") from None


class Records:
    """The rows of an open CSV file; iterate once. `digest` is the SHA-256 of all bytes read so far, in hex."""

    def __init__(self, file: BinaryIO, form: FileForm) -> None:
        self._file = file
        self._form = form
        self._hash = hashlib.sha256()
        self._record_row = 1

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """(line on which the row starts, its cells without surrounding blanks); rows of blanks are left out.

        Raises BrokenRow where the file cannot be read any further.
        """
        reader = csv.reader(self._lines(), delimiter=self._form.delimiter, strict=True)
        while True:
            self._record_row = reader.line_num + 1
            try:
                cells = [cell.strip() for cell in next(reader)]
            except StopIteration:
                return
            except csv.Error as error:
                raise BrokenRow(self._record_row, None, _reason(str(error))) from None
            if any(cells):
                yield self._record_row, cells

    def _lines(self) -> Iterator[str]:
        position, row = 0, 0
        while line := self._file.readline(LINE_BYTES_MAX + 1):
            row += 1
            self._hash.update(line)
            if len(line) > LINE_BYTES_MAX:
                raise BrokenRow(row, None, "is longer than 1 MiB; is this a CSV file?")
            if position > FILE_BYTES_MAX:
                raise BrokenRow(row, None, "is past the largest size of a book; the file is still growing")
            skipped = len(_BOM_UTF8) if row == 1 and line.startswith(_BOM_UTF8) else 0
            yield self._text(line[skipped:], row, position + skipped)
            position += len(line)

    def _text(self, line: bytes, row: int, position: int) -> str:
        if row == 1 and line.startswith(_BOMS_UTF16):
            raise BrokenRow(row, None, "the file is UTF-16; save it as UTF-8 and import that")
        at = line.find(b"\0")
        if at >= 0:
            where = f"a NUL byte at byte {position + at + 1} of the file"
            raise BrokenRow(row, self._cell(line[:at], row), f"{where}; save it again as plain CSV in UTF-8")
        try:
            return line.decode(self._form.encoding)
        except UnicodeDecodeError as error:
            reason = (
                f"byte 0x{line[error.start]:02X} at byte {position + error.start + 1} of the file is not "
                f"{self._form.encoding}; say the file's encoding in the map"
            )
            raise BrokenRow(row, self._cell(line[: error.start], row), reason) from None

    def _cell(self, before: bytes, row: int) -> int | None:
        """How many cells are complete before a bad byte; not known in the later lines of a row."""
        if row != self._record_row:
            return None
        text = before.decode(self._form.encoding, errors="replace")
        cells = next(csv.reader([text], delimiter=self._form.delimiter), [])
        return max(len(cells) - 1, 0)


def _reason(error: str) -> str:
    """What the CSV reader found, for somebody who does not know it."""
    if "new-line" in error:
        return "lines end with a bare carriage return; save the file with LF or CRLF line ends"
    if "field larger" in error:
        return f"a cell has more than {csv.field_size_limit()} characters; is a quote opened here and never closed?"
    if "end of data" in error:
        return 'a quote (") is opened here and never closed'
    return 'text follows a closing quote ("); write a quote inside a quoted cell twice'
