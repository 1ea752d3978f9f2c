"""The processes of this machine, as Linux tells of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def processes() -> Iterator[tuple[int, tuple[str, ...]]]:
    """The number of every process of this machine, and the words it was started with, or shows."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
    return ((pid, words) for pid in pids if (words := command_line(pid)))


def command_line(pid: int) -> tuple[str, ...]:
    """Return the words a process was started with, or shows; none if it is gone or a zombie."""
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        if text := Path(f"/proc/{pid}/cmdline").read_text(errors="replace"):
            return tuple(text.split("\0"))
    return ()
