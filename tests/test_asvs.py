"""The security standard that arrears is held against (docs/asvs.yaml): all of it is there, and what it names too."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

ROOT: Final = Path(__file__).parent.parent
KINDS: Final = {"test", "because", "document", "operator", "missing"}
CHAPTERS: Final = {
    1: 27, 2: 11, 3: 19, 4: 10, 5: 9, 6: 35, 7: 18, 8: 7, 9: 7, 10: 29, 11: 14, 12: 9, 13: 13,
    14: 9, 15: 13, 16: 16, 17: 7,
}  # fmt: skip
"""How many requirements of levels 1 and 2 each chapter of OWASP ASVS 5.0.0 has (its CSV of May 2025)."""


@pytest.fixture(scope="module")
def standard() -> dict[str, Any]:
    found = yaml.safe_load((ROOT / "docs/asvs.yaml").read_text())
    assert isinstance(found, dict)
    return {str(number): said for number, said in found.items()}


@cache
def functions(file: str) -> frozenset[str]:
    """The test functions of a file."""
    tree = ast.parse((ROOT / file).read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@cache
def headings(file: str) -> frozenset[str]:
    return frozenset(re.findall(r"^#+ (.+)$", (ROOT / file).read_text(), re.M))


def test_every_requirement_stands_there_once(standard: dict[str, Any]) -> None:
    assert Counter(int(number.partition(".")[0]) for number in standard) == CHAPTERS
    text = (ROOT / "docs/asvs.yaml").read_text()
    assert len(re.findall(r"^[0-9.]+:", text, re.M)) == len(standard), "a number that stands twice would hide one"


def test_each_names_what_is_there_or_says_why_not(standard: dict[str, Any]) -> None:
    for number, said in standard.items():
        [(kind, value)] = said.items()
        assert kind in KINDS, number
        if kind == "test":
            for name in [value] if isinstance(value, str) else value:
                file, _, function = name.partition("::")
                assert function in functions(file), f"{number}: there is no {name}"
        elif kind == "document":
            file, _, heading = value.partition("#")
            assert (ROOT / file).exists(), f"{number}: there is no {file}"
            assert not heading or heading in headings(file), f"{number}: {file} has no part {heading!r}"
        else:
            assert re.fullmatch(r"[A-Z0-9].*\.", value), f"{number}: {value!r} is no sentence"


def test_what_is_missing_does_not_grow(standard: dict[str, Any]) -> None:
    missing = sorted(number for number, said in standard.items() if "missing" in said)
    assert missing == ["11.1.1", "11.1.2", "11.2.2", "15.1.1", "16.3.1", "16.3.2", "16.3.3", "6.2.12", "7.1.2"]
