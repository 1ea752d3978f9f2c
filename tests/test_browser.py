"""Without a browser nothing is left out in silence, and in CI nothing is left out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run_without_chromium(folder: Path, **env: str) -> str:
    """The output of two tests, of which one wants a browser, where there is none and none can be installed."""
    (folder / "test_it.py").write_text("def test_pages(browser):\n    pass\n\n\ndef test_sums():\n    pass\n")
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(folder)]
    command += ["-p", "tests.conftest", "-p", "no:cacheprovider", str(folder)]
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    ran = subprocess.run(
        command, env={"PATH": str(folder), "PYTHONPATH": path, **env}, cwd=ROOT, capture_output=True, text=True
    )
    return ran.stdout + ran.stderr


def test_one_line_says_which_tests_were_left_out_and_how_to_run_them(tmp_path: Path) -> None:
    said = run_without_chromium(tmp_path)
    assert "1 passed, 1 skipped" in said
    lines = [line for line in said.splitlines() if line.startswith("left out")]
    assert lines == [
        "left out: 1 browser tests (test_it.py); "
        "to run them, as root: apt-get install chromium-headless-shell, then: make test"
    ]


def test_ci_fails_where_there_is_no_browser(tmp_path: Path) -> None:
    said = run_without_chromium(tmp_path, CI="true")
    assert "1 passed, 1 error" in said
    assert "CI leaves out no test" in said
