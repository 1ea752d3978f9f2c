"""Whatever a command is given that does not exist, is empty, or is no file of the kind: a clear line, no traceback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import psycopg
import pytest
from tests.cli import commands
from tests.cli.test_answers import every_command

NOT_FOR_THIS = ("demo", "serve", "worker", "simulate", "replay", "notice preview")
"""They play, serve or write a folder, and what they are given is a number, a port or where to write."""


def given(parameter: click.Parameter, files: tuple[Path, Path]) -> tuple[str, ...]:
    """What nobody has: by the name of the argument, as it would be mistyped."""
    empty, bytes_of_no_file = map(str, files)
    if isinstance(parameter.type, click.Choice):
        return (str(parameter.type.choices[0]),)
    if isinstance(parameter.type, click.types.IntParamType):
        return ("1",) if isinstance(parameter, click.Option) else ("999",)
    for name, values in (
        ("account", ("acc_999", "nobody", "")),
        ("subscription", ("sub_999_1", "sub_1_99999999999999999999", "cloud")),
        ("file", (empty, bytes_of_no_file)),
        ("path", (empty,)),
    ):
        if name in (parameter.name or ""):
            return values
    return ("acc_999",)


def lines(name: str, command: click.Command, files: tuple[Path, Path]) -> Iterator[list[str]]:
    """The command with everything that it needs, once for each way to be wrong about one of its arguments."""
    needed = [one for one in command.params if isinstance(one, click.Argument) or one.required]
    usual = {one: given(one, files)[0] for one in needed}
    for odd in [one for one in needed if isinstance(one, click.Argument)] or [None]:
        for value in given(odd, files) if odd is not None else ("",):
            line = name.split()
            for one in needed:
                line += [*one.opts[:1]] if isinstance(one, click.Option) else []
                line.append(value if one is odd else usual[one])
            yield line


@pytest.fixture
def place(database_url: str, migrated: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute("DROP DATABASE IF EXISTS nothing_there WITH (FORCE)")
        db.execute(f"CREATE DATABASE nothing_there TEMPLATE {migrated}")
        yield {"url": database_url, "home": str(tmp_path)}
        db.execute("DROP DATABASE IF EXISTS nothing_there WITH (FORCE)")


@pytest.mark.turn(3)
def test_what_is_not_there_is_one_line_whatever_command_is_asked(place: dict[str, str], tmp_path: Path) -> None:
    empty, no_file = tmp_path / "empty", tmp_path / "bytes"
    empty.write_bytes(b"")
    no_file.write_bytes(bytes(range(256)) * 8)
    environment = {"ARREARS_DATABASE_URL": place["url"], "ARREARS_HOME": place["home"]}
    environment["ARREARS_DATABASE"] = "nothing_there"
    asked, wrong = 0, []
    for name, command in every_command().items():
        for line in lines(name, command, (empty, no_file)) if not name.startswith(NOT_FOR_THIS) else ():
            done = commands.arrears(*line, **environment)
            asked += 1
            if "Traceback" in done.stderr or (done.returncode and not done.stderr.strip()):
                wrong.append(f"{' '.join(line)}: {done.returncode} {done.stderr[-300:]}")
    assert asked > 100
    assert wrong == []
