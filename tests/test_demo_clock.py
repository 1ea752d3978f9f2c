"""The demo's world has a clock of its own, which only gets further ahead; and nothing else has it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.site import using

from arrears.cli.demo import command
from arrears.core.errors import Refused
from arrears.settings import read
from arrears.wiring import DEMO_DATABASE, AheadClock, RealClock, clock_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=21)


class StandingClock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at


@contextmanager
def in_mode(mode: str, home: Path) -> Iterator[None]:
    given = read({"ARREARS_HOME": str(home), "ARREARS_MODE": mode})
    with using(**{field.name: getattr(given, field.name) for field in fields(given)}):
        yield


def test_it_is_moved_ahead_and_runs_on_and_is_never_put_back(tmp_path: Path) -> None:
    real = StandingClock()
    clock = AheadClock(real, tmp_path / "clock")
    assert clock.now() == NOON
    clock.move_to(LATER)
    assert clock.now() == LATER
    real.at += timedelta(minutes=5)
    clock.move_to(LATER)
    clock.move_to(NOON)
    assert clock.now() == LATER + timedelta(minutes=5)


def test_every_program_that_reads_the_same_file_reads_the_same_time_and_one_that_comes_later_goes_on(
    tmp_path: Path,
) -> None:
    one, other = (AheadClock(StandingClock(), tmp_path / "clock") for _ in range(2))
    one.move_to(LATER)
    assert other.now() == AheadClock(StandingClock(), tmp_path / "clock").now() == LATER
    one.set_back()
    assert other.now() == NOON


def test_an_instant_between_two_seconds_has_come_when_the_clock_is_moved_to_it(tmp_path: Path) -> None:
    clock = AheadClock(StandingClock(), tmp_path / "clock")
    clock.move_to(LATER + timedelta(microseconds=1))
    assert clock.now() == LATER + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("database", "mode", "has_its_own"),
    [
        (DEMO_DATABASE, "test", True),
        (DEMO_DATABASE, "live", False),
        ("arrears", "test", False),
        ("arrears", "live", False),
    ],
)
def test_the_demos_time_is_read_with_its_database_in_test_mode_alone(
    tmp_path: Path, database: str, mode: str, has_its_own: bool
) -> None:
    (tmp_path / "demo-clock").write_text("86400", "ascii")
    with in_mode(mode, tmp_path):
        clock = clock_of(f"postgresql:///{database}?host=nowhere")
    assert isinstance(clock, AheadClock if has_its_own else RealClock)
    assert (clock.now() - RealClock().now() > timedelta(hours=23)) is has_its_own


def test_there_is_no_demo_in_live_mode(tmp_path: Path) -> None:
    with in_mode("live", tmp_path):
        result = CliRunner().invoke(command, ["--no-year"])
    assert isinstance(result.exception, Refused)
    assert result.exception.code == "wrong_mode"


def test_what_serves_and_works_does_not_load_the_demos_pages() -> None:
    loads = "import sys, arrears.cli.serve, arrears.cli.worker, arrears.web.wsgi"
    says = "print(sorted(name for name in sys.modules if 'demo' in name and name.startswith('arrears')))"
    ran = subprocess.run([sys.executable, "-c", f"{loads}; {says}"], capture_output=True, text=True, timeout=60)
    assert (ran.stdout, ran.returncode) == ("[]\n", 0), ran.stderr
