"""`make test` takes a sample that its seed chooses, `make test-all` everything; what is not beside us is one line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests import books

ROOT = Path(__file__).parents[1]
TESTS = """
import pytest

@pytest.mark.sample(2)
@pytest.mark.parametrize("seed", [*range(20), *(pytest.param(n, marks=pytest.mark.long) for n in range(20, 60))])
def test_a_world(seed):
    pass

@pytest.mark.sample(1, each="route")
@pytest.mark.parametrize("route", ["/", "/help"])
@pytest.mark.parametrize("role", ["anonymous", "staff", "reader"])
def test_a_route(route, role):
    pass

@pytest.mark.long
def test_a_hundred_thousand():
    pass

@pytest.mark.turn(2)
def test_a_server():
    pass

@pytest.mark.turn(2)
@pytest.mark.parametrize("scripts", [True, False])
def test_a_browser(scripts):
    pass

@pytest.mark.parametrize("book", ["a", "b"])
def test_a_book(book):
    pytest.skip("{missing}")
"""


def said(folder: Path, *arguments: str, **env: str) -> str:
    """What pytest says of those tests, with our conftest."""
    (folder / "test_it.py").write_text(TESTS.replace("{missing}", books.MISSING))
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(folder), "-v"]
    command += ["-p", "tests.conftest", "-p", "no:cacheprovider", *arguments, str(folder)]
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    ran = subprocess.run(
        command, env={"PATH": os.environ["PATH"], "PYTHONPATH": path, **env}, cwd=ROOT, capture_output=True, text=True
    )
    return ran.stdout + ran.stderr


def worlds(text: str) -> set[str]:
    return set(re.findall(r"test_a_world\[\d+\]", text))


@pytest.mark.long
def test_a_seed_chooses_the_same_sample_in_one_process_and_in_two_lanes_and_says_what_it_leaves(tmp_path: Path) -> None:
    alone, lanes = (said(tmp_path, "--hypothesis-seed=7", *how, "-v") for how in (["-n", "0"], ["-n", "2"]))
    turns = set(re.findall(r"test_a_(?:server|browser)", alone))
    assert len(turns) == 1, "every second one of two"
    passed = 5 if turns == {"test_a_server"} else 6
    assert f"{passed} passed, 2 skipped" in alone
    assert f"{passed} passed, 2 skipped" in lanes
    assert turns == set(re.findall(r"test_a_(?:server|browser)", lanes))
    assert worlds(alone) == worlds(lanes)
    assert len(worlds(alone)) == 2, "what is for make test-all alone is not among those that a sample is taken of"
    routes = set(re.findall(r"test_a_route\[\w+-(/\w*)\]", alone))
    assert routes == {"/", "/help"}, "each has its turn in every run"
    left = {line for text in (alone, lanes) for line in text.splitlines() if line.startswith("left to make test-all: ")}
    assert len(left) == 1
    [line] = left
    assert line.startswith(f"left to make test-all: {70 - passed} cases of 4 tests: 58 of a_world, 4 of a_route, ")
    assert "1 of a_hundred_thousand" in line
    lines = [line for line in alone.splitlines() if line.startswith("left out")]
    assert lines == [f"left out: 2 tests, as what they read is {books.NOT_BESIDE} (../shared)"]


def test_all_is_all(tmp_path: Path) -> None:
    assert "70 passed, 2 skipped" in said(tmp_path, ARREARS_TEST_ALL="1")


@pytest.mark.long
def test_who_names_a_file_has_every_turn_of_it(tmp_path: Path) -> None:
    assert "7 passed, 2 skipped" in said(tmp_path, str(tmp_path / "test_it.py"))
