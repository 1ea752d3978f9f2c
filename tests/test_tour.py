"""The tour and the README name files that exist, and the tour's drawing of the imports is what the code imports."""

from __future__ import annotations

import ast
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "arrears"
BELOW = (SOURCE, ROOT, SOURCE / "web")
"""Where a path may begin: the tour says that its own are below `src/arrears/`, templates are named as Django does."""

MADE_UP = re.compile(r"\b(NAME|PROVIDER|xx)\b|\*")
"""What a reader puts a name of their own in, and patterns."""
PATH = re.compile(r"[\w.-]+(/[\w.*-]+)*(/|\.(py|md|toml|sql|html|txt|lock|csv|mjml))")
DRAWN_MAX = 45
"""More arrows than this and nobody reads the drawing."""


def named(document: str) -> list[tuple[str, list[str]]]:
    """What stands in backticks and looks like a path, with the names that follow it after a colon."""
    found = []
    for text in re.findall(r"`([^`\n]+)`", (ROOT / document).read_text()):
        path, _, names = text.partition(": ")
        if PATH.fullmatch(path):
            found.append((path, names.split(", ") if names else []))
    return found


def places(path: str) -> list[Path]:
    return [below / path for below in BELOW if (below / path).exists()]


@pytest.mark.parametrize("document", ["docs/tour.md", "README.md", "CONTRIBUTING.md"])
def test_every_path_that_is_named_exists(document: str) -> None:
    if not (ROOT / document).exists():
        pytest.skip(f"there is no {document}")
    paths = [path for path, _names in named(document)]
    assert [path for path in paths if not MADE_UP.search(path) and not places(path)] == []
    folders = [path.rpartition("/")[0] for path in paths if MADE_UP.search(path) and "/" in path.rstrip("/")]
    assert [path for path in folders if not MADE_UP.search(path) and not places(path)] == []


def test_what_the_tour_names_in_a_file_is_there() -> None:
    missing = []
    for path, names in named("docs/tour.md"):
        if names and path.endswith(".py"):
            tree = ast.parse(places(path)[0].read_text())
            there = {getattr(node, "name", getattr(node, "id", None)) for node in ast.walk(tree)}
            missing += [f"{path}: {name}" for name in names if name not in there]
    assert missing == []


def test_the_drawing_is_what_the_code_imports() -> None:
    drawn = runpy.run_path(str(ROOT / "docs" / "draw_imports.py"))
    _before, inside, _after = drawn["parts"]((ROOT / "docs" / "tour.md").read_text())
    assert inside == drawn["drawing"](), "make drawing"
    assert inside.count("-->") <= DRAWN_MAX
