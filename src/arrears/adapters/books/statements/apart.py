"""A statement file read in a process of its own, with a bound on its memory and its time: whatever a file does to its
reader, it does it there.
"""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from arrears.adapters.books.statements.csv_file import StatementMap
from arrears.adapters.books.statements.reading import BYTES_MAX, read_statement_file
from arrears.core.bank.statements import BankFile, refused_file
from arrears.core.errors import Refused

SECONDS_MAX: Final = 60
"""Of a processor: how busy the machine is says nothing about a file."""
CLOCK_SECONDS_MAX: Final = 5 * SECONDS_MAX
MEMORY_MAX: Final = 512 * 1024 * 1024
SMALL_BYTES: Final = 512 * 1024
"""A smaller file is read where it is: it can hold nothing that takes long, and a process takes longer to start."""


class _Task(msgspec.Struct):
    content: bytes
    statement_map: StatementMap | None = None


def read_apart(path: Path, statement_map: StatementMap | None = None) -> BankFile:
    """What a file of a bank says; what cannot be read has its reason in `refused`."""
    try:
        with path.open("rb") as file:
            content = file.read(BYTES_MAX + 1)
    except FileNotFoundError:
        return refused_file(Refused("no_such_file", "there is no such file"))
    except OSError as error:
        return refused_file(Refused("unreadable_file", f"it cannot be read: {error.strerror}"))
    return read_content_apart(content, statement_map)


def read_content_apart(content: bytes, statement_map: StatementMap | None = None) -> BankFile:
    """The same of a file that is in memory already."""
    if SMALL_BYTES < len(content) <= BYTES_MAX:
        return _read_in_bounds(_Task(content, statement_map))
    return read_statement_file(content, statement_map)


def _read_in_bounds(task: _Task) -> BankFile:
    command = [sys.executable, "-m", "arrears.adapters.books.statements.apart"]
    try:
        done = subprocess.run(
            command, input=msgspec.msgpack.encode(task), capture_output=True, timeout=CLOCK_SECONDS_MAX
        )
        is_slow = done.returncode == -signal.SIGXCPU
    except subprocess.TimeoutExpired:
        is_slow = True
    if is_slow:
        why = f"reading it takes more than {SECONDS_MAX} seconds; ask the bank for a file a day"
        return refused_file(Refused("statement_too_slow", why))
    if done.returncode:
        why = f"reading it takes more than {MEMORY_MAX // 1024**2} MiB of memory; ask the bank for a file a day"
        return refused_file(Refused("statement_too_large", why))
    return msgspec.msgpack.decode(done.stdout, type=BankFile)


def _bounded() -> None:
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_MAX, SECONDS_MAX + 5))


if __name__ == "__main__":
    _bounded()
    gc.disable()  # Nothing here is a circle, and looking for some takes as long as reading.
    asked = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=_Task)
    sys.stdout.buffer.write(msgspec.msgpack.encode(read_statement_file(asked.content, asked.statement_map)))
