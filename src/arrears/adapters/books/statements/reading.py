"""Which format a file of a bank is in, and what it says: by what is in it, never by its name."""

from __future__ import annotations

import codecs
from typing import Final

from arrears.adapters.books.statements.camt import read_camt
from arrears.adapters.books.statements.csv_file import StatementMap, read_csv
from arrears.adapters.books.statements.mt940 import looks_like_mt940, read_mt940
from arrears.core.bank.statements import BankFile, refused_file
from arrears.core.errors import Refused

BYTES_MAX: Final = 32 * 1024 * 1024
_PACKED: Final = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "ZIP", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"(\xb5/\xfd": "zstd"}
_NOT_TEXT: Final = {b"%PDF": "a PDF", b"\xd0\xcf\x11\xe0": "an Office file", b"\x89PNG": "a picture"}
_MARKS: Final = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_statement_file(content: bytes, statement_map: StatementMap | None = None) -> BankFile:
    """What a bank's file says: CAMT or MT940 by itself, CSV with the map that says what its columns are. Never raises:
    what cannot be read has its reason in `refused`."""
    try:
        _refuse_unreadable(content)
        bare = content.lstrip(b"\xef\xbb\xbf \t\r\n")
        if bare.startswith(b"<") or (content.startswith(_MARKS[1:]) and "<" in _text(content[:200])[:20]):
            return read_camt(content)
        text = _text(content)
        lines = text.replace("\r\n", "\n").replace("\r", "\n")
        if looks_like_mt940(lines):
            return read_mt940(lines)
        if statement_map is not None:
            return read_csv(text, statement_map)
        raise Refused(
            "unknown_statement_format",
            "it is neither CAMT nor MT940; for a CSV name the map that says what its columns are (docs/statements.md)",
        )
    except Refused as refused:
        return refused_file(refused)


def _refuse_unreadable(content: bytes) -> None:
    if not content.strip():
        raise Refused("empty_file", "it is empty")
    if len(content) > BYTES_MAX:
        raise Refused("file_too_large", f"it is larger than {BYTES_MAX // 1024**2} MiB; ask the bank for a file a day")
    for start, what in _PACKED.items():
        if content.startswith(start):
            raise Refused("packed_file", f"it is packed ({what}): unpack it, and give the file inside")
    for start, what in _NOT_TEXT.items():
        if content.startswith(start):
            raise Refused("unknown_statement_format", f"it is {what}; ask the bank for CAMT.053, MT940 or CSV")


def _text(content: bytes) -> str:
    """The text of a file that does not say its encoding: Unicode where it is, else the bytes of western Europe, in
    which every byte is a letter and no figure is another."""
    if content.startswith(_MARKS[1:]):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError:
            raise Refused("bad_encoding", "it begins as UTF-16 and is not") from None
    if b"\x00" in content:
        raise Refused("bad_encoding", "it has bytes of zero in it, so it is no text")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")
