"""What `make` says on a machine that lacks something: one clear line, before anything is made; and how it tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WITHOUT_VENV = f"""#!/bin/sh
case "$*" in *ensurepip*) exit 1 ;; esac
exec {sys.executable} "$@"
"""
TOO_OLD = """#!/bin/sh
[ "$1" = -V ] && echo Python 3.9.2
exit 1
"""


def said(tmp_path: Path, *arguments: str, path: str | None = None) -> str:
    """The lines of arrears on standard error when `make setup` fails in an empty folder with our Makefile."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    command = ["/usr/bin/make", "--no-print-directory", "setup", *arguments]
    environment = {"PATH": path or "/usr/bin:/bin"}
    failed = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert failed.returncode != 0
    assert not (tmp_path / ".venv").exists()
    [line] = [line for line in failed.stderr.splitlines() if not line.startswith("make: ***")]
    return line


def program(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    place = folder / name
    place.write_text(text)
    place.chmod(0o755)
    return place


pytestmark = pytest.mark.skipif(not Path("/usr/bin/make").exists(), reason="there is no make here")


def test_a_python_without_venv_is_one_line_that_says_what_to_install(tmp_path: Path) -> None:
    python = program(tmp_path / "bin", "python3", WITHOUT_VENV)
    assert said(tmp_path, f"PYTHON={python}").endswith(
        "cannot make virtual environments; on Debian 12: apt-get install python3-venv"
    )


def test_a_python_that_is_too_old_is_one_line_with_its_version(tmp_path: Path) -> None:
    program(tmp_path / "bin", "python3", TOO_OLD)
    line = said(tmp_path, "PYTHON=", path=f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert line.startswith("arrears needs Python 3.11 or newer, this is Python 3.9.2; on Debian 12:")


def planned(target: str, **environment: str) -> str:
    """The command with which this target starts pytest."""
    command = ["/usr/bin/make", "--dry-run", "--assume-old=.venv/installed-dev", target]
    kept = {"PATH": os.environ["PATH"], **environment}
    shown = subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, check=True).stdout
    [line] = [line for line in shown.splitlines() if "-m pytest" in line]
    return line


@pytest.mark.parametrize("target", ["test", "test-fast", "test-all"])
def test_tests_run_in_three_lanes_that_share_the_work_and_in_one_on_a_server_of_yours(target: str) -> None:
    assert "--numprocesses 3 --dist worksteal" in planned(target)
    assert "--numprocesses" not in planned(target, ARREARS_DATABASE_URL="postgresql://a@b/c")


def test_the_fast_ones_are_the_rules_and_the_stories_and_all_is_all() -> None:
    assert "tests/core tests/stories" in planned("test-fast")
    assert [target for target in ("test", "test-fast", "test-all") if "ARREARS_TEST_ALL=1" in planned(target)] == [
        "test-all"
    ]
