"""The project's own Python files, for tests that hold rules of the house: read, and parsed, once a process."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]


@cache
def texts(*folders: str) -> dict[str, str]:
    """What stands in each file of these folders, by its path from the root."""
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}


@cache
def trees(*folders: str) -> dict[str, ast.Module]:
    """The same, parsed. Only a test may ask, not its module: every lane imports that, and one runs the test."""
    return {name: _parsed(text) for name, text in texts(*folders).items()}


@cache
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)
