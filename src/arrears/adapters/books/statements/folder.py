"""A folder into which a bank's files are laid: each is read once it is whole, and put aside with what became of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from arrears.adapters.books.statements.apart import read_apart
from arrears.adapters.books.statements.csv_file import StatementMap, load_statement_map
from arrears.core.errors import Refused, quoted
from arrears.ports.bank import TakeFile

TAKEN: Final = "taken"
SET_ASIDE: Final = "set-aside"
MAP: Final = "map.toml"
"""What the columns of CSV files mean that are laid here."""
MAPS: Final = "maps"
"""A folder in it, of the maps that a program names: `maps/NAME.toml`."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,49}")
QUIET_FOR: Final = timedelta(seconds=30)
"""A file that changed a moment ago may still be written."""


def take_laid(folder: Path, now: datetime, take: TakeFile) -> int:
    """Take every file that lies here whole, in the order of their names, and move it into `taken` or `set-aside`, where
    nothing is ever overwritten or deleted; how many there were. A process that ends in between leaves the file, and
    who takes it again finds that it is known. Refuses `bad_map`, and then moves nothing."""
    found = 0
    for path in _whole(folder, now):
        book_map = load_statement_map(folder / MAP) if (folder / MAP).exists() else None
        read = read_apart(path, book_map)
        if read.code in ("no_such_file", "unreadable_file"):
            continue  # another worker has it, or nobody may read it
        with suppress(FileNotFoundError):
            digest = hashlib.sha256(path.read_bytes()).digest()
            _move(path, folder / (TAKEN if take(read, digest, path.name) else SET_ASIDE), digest)
            found += 1
    return found


def stored_map(folder: Path | None, name: str) -> StatementMap:
    """The map of that name, small letters, digits and `-`, among those that the operator keeps in this folder. Refuses
    `unknown_map` and `bad_map`, neither with where the folder is."""
    path = (folder or Path()) / MAPS / f"{name}.toml"
    if folder is None or not _NAME.fullmatch(name) or not path.is_file():
        raise Refused("unknown_map", f"no map is called {quoted(name)} (docs/statements.md)")
    try:
        return load_statement_map(path)
    except Refused as refused:
        raise Refused(refused.code, refused.message.replace(f"{path}: ", f"{name}: ")) from None


def _whole(folder: Path, now: datetime) -> Iterator[Path]:
    try:
        listed = sorted(path for path in folder.iterdir() if path.name != MAP and not path.name.startswith("."))
    except OSError as error:
        reason = (error.strerror or "error").lower()
        raise Refused("bad_setting", f"the folder of statements {str(folder)!r} cannot be read: {reason}") from None
    for path in listed:
        with suppress(FileNotFoundError):
            if path.is_file() and path.stat().st_mtime <= (now - QUIET_FOR).timestamp():
                yield path


def _move(path: Path, into: Path, digest: bytes) -> None:
    into.mkdir(exist_ok=True)
    to = into / path.name
    if to.exists():
        to = into / f"{path.stem}-{digest.hex()[:12]}{path.suffix}"
    path.rename(to)
