"""What is said about advisories: a package that nobody could be asked about is never one without an advisory."""

from __future__ import annotations

import runpy
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[1]
FINE: Final = {"name": "click", "version": "8.3", "vulns": []}
BAD: Final = {"name": "jinja2", "version": "2.10", "vulns": [{"id": "CVE-1"}, {"id": "CVE-2"}]}
UNKNOWN: Final = {"name": "h11", "skip_reason": "not found and could not be audited"}


@pytest.fixture(scope="module")
def said() -> Callable[[dict[str, Any]], tuple[str, bool]]:
    found: Callable[[dict[str, Any]], tuple[str, bool]] = runpy.run_path(str(ROOT / "docs/check_advisories.py"))["said"]
    return found


@pytest.mark.parametrize(
    ("packages", "words", "bad"),
    [
        ([FINE, FINE], "2 packages, none with a known advisory", False),
        ([FINE, UNKNOWN], "1 packages, none with a known advisory; nothing is known of 1 more", False),
        ([UNKNOWN, UNKNOWN], "not checked: the advisory service could not be reached, or knows none", False),
        ([FINE, BAD, UNKNOWN], "ADVISORIES: jinja2 2.10 (CVE-1, CVE-2)", True),
    ],
)
def test_an_answer_in_words(
    said: Callable[[dict[str, Any]], tuple[str, bool]], packages: list[dict[str, Any]], words: str, bad: bool
) -> None:
    found = said({"dependencies": packages})
    assert (found[0].startswith(words), found[1]) == (True, bad), found


def test_no_answer_at_all_is_not_a_good_one(said: Callable[[dict[str, Any]], tuple[str, bool]]) -> None:
    assert said({}) == said({"dependencies": [UNKNOWN]})


def test_ci_says_when_and_with_what_result_they_were_checked_last() -> None:
    [line] = [line for line in (ROOT / ".ci/run").read_text().split("\n# ")[-1].splitlines() if line.startswith("sed")]
    script = line.removesuffix("\\") + " docs/dependencies.md"
    told = subprocess.run(["/bin/sh", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert told.startswith("dependencies and advisories, 20"), told
