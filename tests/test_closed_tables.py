"""A table with a row for each member of a set is closed: who adds a member and forgets its row is told at once."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src"


def tables(path: Path) -> Iterator[tuple[str, str, set[str]]]:
    """The module-level tables of a file that are no call of `closed`: name, the class of their keys, which keys."""
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        value = getattr(statement, "value", None)
        if not isinstance(statement, ast.Assign | ast.AnnAssign) or not isinstance(value, ast.Dict) or not value.keys:
            continue
        keys = [key for key in value.keys if isinstance(key, ast.Attribute) and isinstance(key.value, ast.Name)]
        owners = {key.value.id for key in keys if isinstance(key.value, ast.Name)}
        if len(keys) == len(value.keys) and len(owners) == 1:
            target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
            yield ast.unparse(target), owners.pop(), {key.attr for key in keys}


@pytest.mark.usefixtures("site")  # Django is set up, as pages need it
def test_every_table_that_is_whole_is_closed() -> None:
    open_ones = []
    for path in sorted((SRC / "arrears").rglob("*.py")):
        for name, owner, keys in tables(path):
            module = importlib.import_module(".".join(path.relative_to(SRC).with_suffix("").parts))
            found = getattr(module, owner)
            if isinstance(found, type) and issubclass(found, Enum) and keys == set(found.__members__):
                open_ones.append(f"{path.relative_to(SRC)}: {name} has a row for each {owner}: closed(...)")
    assert open_ones == [], "\n".join(open_ones)
