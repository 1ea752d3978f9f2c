"""How much `make test` takes of what `make test-all` takes whole.

A test marked `long` is for `make test-all` alone. Of the cases of a test marked `sample(n)`, `make test` takes n that
the seed of the run chooses, so that all have their turn. These are for made-up worlds and combinations; a case that
alone would catch a mistake belongs in every run.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from typing import Final, TypeVar

import pytest

Some = TypeVar("Some")
ALL: Final = bool(os.environ.get("ARREARS_TEST_ALL"))
MARKERS: Final = ("long: for `make test-all` alone", "sample(n): of its cases `make test` takes n")


def few(some: Some, whole: Some) -> Some:
    """`some` in `make test`, `whole` in `make test-all`."""
    return whole if ALL else some


def chosen(items: Sequence[pytest.Item], seed: object) -> list[pytest.Item]:
    """What this run takes of the tests that were found, in their order; the same in every lane."""
    if ALL:
        return list(items)
    groups: dict[str, list[str]] = {}
    for item in items:
        if item.get_closest_marker("sample"):
            groups.setdefault(item.nodeid.partition("[")[0], []).append(item.nodeid)
    left = {item.nodeid for item in items if item.get_closest_marker("long")}
    for item in items:
        mark, group = item.get_closest_marker("sample"), groups.pop(item.nodeid.partition("[")[0], [])
        if mark and len(group) > mark.args[0]:
            dice = random.Random(f"{seed} {item.nodeid.partition('[')[0]}")
            left |= set(group) - set(dice.sample(sorted(group), mark.args[0]))
    return [item for item in items if item.nodeid not in left]
