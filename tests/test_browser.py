"""Without a browser nothing is left out in silence, and in CI nothing is left out."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

from tests.sources import ROOT, texts, trees

# What a page is at this instant: after a click it may still be the page before. `expect(...)` waits.
READS_AT_ONCE = {
    *("is_visible", "is_hidden", "is_enabled", "is_disabled", "is_checked", "is_editable"),
    *("inner_text", "inner_html", "text_content", "all_inner_texts", "all_text_contents"),
}
WAITS = re.compile(r"\b(expect|wait_for_url|expect_navigation|expect_request|wait_for|until)\(")


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


def test_no_assertion_reads_a_page_that_may_not_be_there_yet() -> None:
    """A click starts the next page and does not wait for it; on a busy machine the assertion is first."""
    found = [
        f"{name}:{call.lineno}: {ast.unparse(call)[:80]}: write `expect(...)`, which waits"
        for name, tree in trees("tests").items()
        if "playwright" in texts("tests")[name]
        for stated in ast.walk(tree)
        if isinstance(stated, ast.Assert)
        for call in ast.walk(stated.test)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
        if call.func.attr in READS_AT_ONCE or (call.func.attr == "count" and not call.args)
    ]
    assert found == []


def test_no_click_is_followed_by_another_page_before_its_own_is_there() -> None:
    """`goto` and `close` straight after a click may take back what the click had asked for."""
    found = [
        f"{name}:{after.lineno}: {ast.unparse(after)[:60]} straight after {ast.unparse(before)[:60]}: wait first"
        for name, tree in trees("tests").items()
        if "playwright" in texts("tests")[name]
        for block in ast.walk(tree)
        for body in (getattr(block, "body", []),)
        if isinstance(body, list)
        for before, after in pairwise(body)
        if isinstance(before, ast.Expr) and ast.unparse(before).endswith((".click()", "press('Enter')"))
        if re.search(r"\.(goto|close|reload|content|screenshot)\(", ast.unparse(after))
        and not WAITS.search(ast.unparse(after))
    ]
    assert found == []
