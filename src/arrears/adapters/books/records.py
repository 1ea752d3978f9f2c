"""One pass over a CSV file that always knows where it is.

The bytes are hashed, decoded and split together, a line at a time: the digest is of exactly what was read,
the file is never in memory as a whole, and a bad byte has a row, a column and a position.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from arrears.adapters.books.map_values import FileForm
from arrears.core.errors import Refused

FILE_BYTES_MAX = 8 * 1024 * 1024 * 1024
# A line without an end is a binary file or a missing line feed, not a book.
LINE_BYTES_MAX = 1024 * 1024
# A byte order mark is proof, whatever the map says: no other encoding begins a table with it.
_BOMS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_NO_TEXT: Final = {
    b"PK\x03\x04": "a workbook or another archive (xlsx, ods, zip)",
    b"\xd0\xcf\x11\xe0": "an old workbook (xls)",
    b"\x1f\x8b": "compressed (gzip)",
    b"%PDF": "a PDF",
}
_BLOCK_BYTES: Final = 64 * 1024
_PLAIN: Final = '\n\r,;\t|"'


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
        file = path.open("rb")
        start = file.read(4)
        file.seek(0)
        for mark, what in _NO_TEXT.items():
            if start.startswith(mark):
                file.close()
                raise Refused("bad_book", f"{path}: is {what}, not a CSV file; save it as CSV first")
        return file
    except FileNotFoundError:
        raise Refused("bad_book", f"{path}: there is no such file") from None
    except OSError as error:
        raise Refused("bad_book", f"{path}: cannot be read: {error.strerror}") from None


def encoding_of(start: bytes, said: str) -> tuple[str, int]:
    """The encoding of a file that begins with these bytes, and how many of them are its mark: what the mark proves,
    else what the map says."""
    for mark, encoding in _BOMS:
        if start.startswith(mark):
            return encoding, len(mark)
    return ("utf-16-le" if codecs.lookup(said).name == "utf-16" else said), 0


class Records:
    """The rows of an open CSV file; iterate once. `digest` is the SHA-256 of all bytes read so far, in hex, `position`
    how many they are."""

    def __init__(self, file: BinaryIO, form: FileForm) -> None:
        self._file = file
        self._form = form
        self._hash = hashlib.sha256()
        self._record_row = 1
        self.position = 0
        start = file.read(4)
        file.seek(0)
        self.encoding, self._marked = encoding_of(start, form.encoding)

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
            if self._record_row == 1 and self._is_hint(cells):
                continue
            if any(cells):
                yield self._record_row, [_unwrapped(cell) if cell[:2] == '="' else cell for cell in cells]

    def _is_hint(self, cells: list[str]) -> bool:
        """Whether the first line only tells a spreadsheet the delimiter; BrokenRow where the map says another."""
        said = self._form.delimiter.join(cells).lower()
        if not said.startswith("sep=") or len(said) > len("sep=;"):
            return False
        if said[4:] not in ("", self._form.delimiter.strip()):
            shown, ours = said[4:], self._form.delimiter
            raise BrokenRow(1, None, f"the file says that its delimiter is {shown!r}, and the map says {ours!r}")
        return True

    def _lines(self) -> Iterator[str]:
        try:
            plain = _PLAIN.encode(self.encoding) == _PLAIN.encode("ascii")
        except UnicodeEncodeError:
            plain = False
        yield from self._byte_lines() if plain else self._decoded_lines()

    def _byte_lines(self) -> Iterator[str]:
        row = 0
        while line := self._file.readline(LINE_BYTES_MAX + 1):
            row += 1
            self._hash.update(line)
            if len(line) > LINE_BYTES_MAX:
                raise BrokenRow(row, None, "is longer than 1 MiB; is this a CSV file?")
            self._still_growing(row)
            skipped = self._marked if row == 1 else 0
            yield self._text(line[skipped:], row, self.position + skipped)
            self.position += len(line)

    def _decoded_lines(self) -> Iterator[str]:
        """Lines of an encoding in which a line feed is not one byte."""
        decoder = codecs.getincrementaldecoder(self.encoding)()
        rest, row, skipped = "", 1, self._marked
        while block := self._file.read(_BLOCK_BYTES):
            self._hash.update(block)
            rest += self._decoded(decoder, block[skipped:], row + rest.count("\n"))
            self.position += len(block)
            skipped = 0
            self._still_growing(row)
            *lines, rest = rest.split("\n")
            for line in lines:
                yield self._no_nul(line, row) + "\n"
                row += 1
            if len(rest) > LINE_BYTES_MAX:
                raise BrokenRow(row, None, "is longer than 1 MiB; is this a CSV file?")
        rest += self._decoded(decoder, b"", row, final=True)
        if rest:
            yield self._no_nul(rest, row)

    def _decoded(self, decoder: codecs.IncrementalDecoder, block: bytes, row: int, *, final: bool = False) -> str:
        try:
            return decoder.decode(block, final)
        except UnicodeDecodeError as error:
            where = f"at byte {self.position + error.start + 1} of the file or after it"
            reason = f"what stands {where} is not {self.encoding}; say the file's encoding in the map"
            raise BrokenRow(row, None, reason) from None

    def _no_nul(self, line: str, row: int) -> str:
        if "\0" in line:
            raise BrokenRow(row, None, "a NUL character; say the file's encoding in the map, or save it again as UTF-8")
        return line

    def _still_growing(self, row: int) -> None:
        if self.position > FILE_BYTES_MAX:
            raise BrokenRow(row, None, "is past the largest size of a book; the file is still growing")

    def _text(self, line: bytes, row: int, position: int) -> str:
        at = line.find(b"\0")
        if at >= 0:
            where = f"a NUL byte at byte {position + at + 1} of the file"
            way = "say the file's encoding in the map (utf-16 has such bytes), or save it again as plain CSV in UTF-8"
            raise BrokenRow(row, self._cell(line[:at], row), f"{where}; {way}")
        try:
            return line.decode(self.encoding)
        except UnicodeDecodeError as error:
            reason = (
                f"byte 0x{line[error.start]:02X} at byte {position + error.start + 1} of the file is not "
                f"{self.encoding}; say the file's encoding in the map"
            )
            raise BrokenRow(row, self._cell(line[: error.start], row), reason) from None

    def _cell(self, before: bytes, row: int) -> int | None:
        """How many cells are complete before a bad byte; not known in the later lines of a row."""
        if row != self._record_row:
            return None
        text = before.decode(self.encoding, errors="replace")
        cells = next(csv.reader([text], delimiter=self._form.delimiter), [])
        return max(len(cells) - 1, 0)


def _unwrapped(cell: str) -> str:
    """The text of a cell that a spreadsheet was kept from reading as a number: `="0012"`."""
    return cell[2:-1].strip() if cell.endswith('"') and len(cell) > 2 else cell


def _reason(error: str) -> str:
    """What the CSV reader found, for somebody who does not know it."""
    if "new-line" in error:
        return "lines end with a bare carriage return; save the file with LF or CRLF line ends"
    if "field larger" in error:
        return f"a cell has more than {csv.field_size_limit()} characters; is a quote opened here and never closed?"
    if "end of data" in error:
        return 'a quote (") is opened here and never closed'
    return 'text follows a closing quote ("); write a quote inside a quoted cell twice'
