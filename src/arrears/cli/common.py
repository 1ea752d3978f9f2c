"""What several commands share: the --json option, progress, and finding the account somebody means."""

from __future__ import annotations

import gc
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any, Final

import click

from arrears.core.errors import Refused
from arrears.web import logs
from arrears.wiring import settings


class _Words(click.ParamType[str]):
    """What somebody says for the journal: one text that is not blank and that any terminal can show."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text without the space around it; refuses `no_reason`, as the commands themselves do."""
        words = value.strip()
        if not words or not words.isprintable():
            name = param.opts[0] if param is not None else "this"
            wrong = "has control characters" if words else "is blank"
            raise Refused("no_reason", f"{name} {wrong}: say it in a line of words; it is kept with the fact")
        return words


WORDS: Final = _Words()
BY: Final = click.option(
    "--by", type=WORDS, default="command line", show_default=True, help="Who does this, for the journal."
)
AS_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")


def print_json(value: object) -> None:
    """One JSON value on standard output, as docs/json.md has it; days and instants as ISO 8601."""
    click.echo(json.dumps(value, default=_plain, ensure_ascii=False))


_FOR_PEOPLE: Final = ("words", "local")


def without_words(value: Any) -> Any:
    """An explanation as a script reads it: without what stands beside each code and instant for people."""
    if isinstance(value, Mapping):
        return {key: without_words(one) for key, one in value.items() if key not in _FOR_PEOPLE}
    return [without_words(one) for one in value] if isinstance(value, list | tuple) else value


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


SILENT_SECONDS_MAX: Final = 10.0
"""Whoever waits for a command is told at least so often that it works."""


@contextmanager
def progress_of(what: str, silent_seconds: float = SILENT_SECONDS_MAX) -> Iterator[Callable[[int, int], None]]:
    """A function (done, of how many) that shows on standard error how far this is: on a terminal a line that is gone in
    the end; in a pipe or a file a line each ten seconds. Where it is never called, the line says since when."""
    on_terminal, over, began = sys.stderr.isatty(), threading.Event(), time.monotonic()
    share = ""

    def show(done: int, total: int) -> None:
        nonlocal share
        share = f" {100 * done // max(total, 1):3d} %"
        if on_terminal:
            click.echo(f"\r{what}:{share}", nl=False, err=True)

    def say() -> None:
        while not over.wait(silent_seconds):
            if not (on_terminal and share):
                click.echo(f"{what}:{share or ' at work'}, {time.monotonic() - began:.0f} seconds", err=True)

    saying = threading.Thread(target=say, name="progress", daemon=True)
    saying.start()
    try:
        yield show
    finally:
        over.set()
        saying.join()
        if on_terminal and share:
            click.echo("\r" + " " * (len(what) + 8) + "\r", nl=False, err=True)


@contextmanager
def each_mistake_on_a_line(so: str) -> Iterator[None]:
    """Where something was refused for several reasons, each is a line of its own, and `so` is what came of it."""
    try:
        yield
    except Refused as refused:
        reasons = refused.message.splitlines()
        if len(reasons) == 1:
            raise
        for reason in reasons:
            click.echo(reason, err=True)
        raise Refused(refused.code, so, exit_code=refused.exit_code) from None


def begin_log(*, quiet: bool = False) -> None:
    """Say on standard error what happens, as `ARREARS_LOG` says how; only what is wrong where `quiet` and that is not
    given: a command that prints its report need not say it twice."""
    ours = settings()
    logs.begin(ours.log, quiet=quiet and "log" not in ours.given)


def rows(table: list[tuple[Any, ...]]) -> None:
    """Print a table, its columns aligned."""
    if not table:
        return
    widths = [max(len(str(row[i])) for row in table) for i in range(len(table[0]))]
    for row in table:
        click.echo("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def tune_for_batches() -> None:
    """For processes that work in batches. A batch makes and drops many small values, none of them in cycles; looking
    through them again and again costs a third of the run, and memory stays bounded by the batch all the same. And a
    lane whose answer has come must not wait 5 ms (the interpreter's default) until the lane that is deciding lets go.
    """
    sys.setswitchinterval(0.0005)
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 50)
