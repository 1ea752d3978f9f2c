"""A file that a command writes: refused before the work begins if it cannot be written, there whole or not at all."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from arrears.core.errors import Refused


@contextmanager
def output_file(file: str | None) -> Iterator[Callable[[str], None]]:
    """Yields what takes the whole text, as UTF-8. The file is replaced in one step; until then, and if anything goes
    wrong, what was there stays. Refuses `unwritable_file` at once. Without a file the text goes nowhere."""
    if file is None:
        yield lambda text: None
        return
    with octets_file(file) as write:
        yield lambda text: write(text.encode())


@contextmanager
def octets_file(file: str) -> Iterator[Callable[[bytes], None]]:
    """The same for what is no text."""
    path = Path(file)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        # What is no ordinary file, such as /dev/stdout, is written as it is.
        special = path.exists() and not path.is_file()
        target = path if special else beside
        with target.open("w"):
            pass
    except (OSError, ValueError) as error:
        raise _refused(file, error) from None

    def write(octets: bytes) -> None:
        try:
            target.write_bytes(octets)
            if not special:
                target.replace(path)
        except OSError as error:
            raise _refused(file, error) from None

    try:
        yield write
    finally:
        if not special:
            beside.unlink(missing_ok=True)


def refuse_overwriting(inputs: Mapping[str, str], outputs: Mapping[str, str | None]) -> None:
    """Raises Refused `unwritable_file` where a file to write is one to read, or another one to write, however it is
    spelled and over whatever link. Both are by what a person calls them: `--csv`, or `the book`. What is no ordinary
    file, such as a terminal, may be several of them."""
    taken = [(called, Path(file)) for called, file in inputs.items()]
    for called, file in outputs.items():
        if file is None:
            continue
        path = Path(file)
        for other, taken_path in taken:
            if _is_same(path, taken_path):
                place = file if file.isprintable() else ascii(file)
                way = f"give {called} a file of its own"
                raise Refused("unwritable_file", f"{place}: is {other} too, which would be lost; {way}")
        taken.append((called, path))


def _is_same(one: Path, other: Path) -> bool:
    try:
        if one.exists() and other.exists():
            return one.is_file() and one.samefile(other)
        return one.resolve() == other.resolve()
    except (OSError, ValueError, RuntimeError):
        return False  # What is no path is refused when it is opened.


def _refused(file: str, error: OSError | ValueError) -> Refused:
    place = file if file.isprintable() else ascii(file)
    reason = (error.strerror if isinstance(error, OSError) else None) or "not a path"
    way = "give a path in a folder that you may write to"
    return Refused("unwritable_file", f"{place}: cannot be written ({reason.lower()}); {way}")
