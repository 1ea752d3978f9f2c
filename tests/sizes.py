"""How much `make test` takes of what `make test-all` takes whole.

A test marked `long` is for `make test-all` alone. Of the cases of a test marked `sample(n)`, `make test` takes n that
the seed of the run chooses, so that all have their turn; `sample(n, each="route")` takes n for each value of that
parameter. Of the tests marked `turn(n)` every n-th is taken, and which ones is the seed's choice too; whoever names a
file or a test has every turn of it. How many are left out is said at the end of a run. `sample` is for made-up worlds
and combinations, `turn` for what takes a second or more by itself: servers, browsers and commands that are started and
killed. All else belongs in every run.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

import pytest

Some = TypeVar("Some")
ALL: Final = bool(os.environ.get("ARREARS_TEST_ALL"))
MARKERS: Final = (
    "long: for `make test-all` alone",
    "sample(n, each=PARAMETER): of its cases `make test` takes n, or n for each value of that parameter",
    "turn(n): `make test` takes every n-th of the tests that are marked so",
)
NAMED_MAX: Final = 5
"""So many of the tests that leave cases out are named at the end of a run, those with the most."""


def few(some: Some, whole: Some) -> Some:
    """`some` in `make test`, `whole` in `make test-all`."""
    return whole if ALL else some


def _group(item: pytest.Item, each: str) -> str:
    """The cases that a sample is taken from: those of the test, or those of them that share the parameter `each`."""
    params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return item.nodeid.partition("[")[0] + (f"[{params[each]}]" if each else "")


def _not_its_turn(items: Sequence[pytest.Item], seed: object) -> set[str]:
    """The cases of the tests that are marked `turn(n)` but for every n-th of them."""
    tests: dict[int, dict[str, list[str]]] = {}
    for item in items:
        if mark := item.get_closest_marker("turn"):
            tests.setdefault(mark.args[0], {}).setdefault(_group(item, ""), []).append(item.nodeid)
    left: set[str] = set()
    for n, marked in tests.items():
        first = random.Random(f"{seed} turn {n}").randrange(n)
        left.update(*(marked[test] for place, test in enumerate(sorted(marked)) if place % n != first))
    return left


def chosen(items: Sequence[pytest.Item], seed: object, *, named: bool = False) -> list[pytest.Item]:
    """What this run takes of the tests that were found, in their order; the same in every lane.

    `named` says that somebody asked for a file or a test by its name: each of its tests has its turn then.
    """
    if ALL:
        return list(items)
    left = {item.nodeid for item in items if item.get_closest_marker("long")}
    if not named:
        left |= _not_its_turn(items, seed)
    groups: dict[tuple[str, int], list[str]] = {}
    for item in items:
        mark = item.get_closest_marker("sample")
        if mark and item.nodeid not in left:
            groups.setdefault((_group(item, mark.kwargs.get("each", "")), mark.args[0]), []).append(item.nodeid)
    for (group, size), cases in groups.items():
        dice = random.Random(f"{seed} {group}")
        left |= set(cases) - set(dice.sample(sorted(cases), min(size, len(cases))))
    return [item for item in items if item.nodeid not in left]


def left_to_all(left: Sequence[str]) -> dict[str, int]:
    """How many cases each test leaves to `make test-all`."""
    return dict(Counter(case.partition("[")[0] for case in left))


def line_of(left: Mapping[str, int]) -> str:
    """The line that says how many cases are left to `make test-all`, and by which tests; "" for none."""
    if not left:
        return ""
    most = sorted(left.items(), key=lambda one: (-one[1], one[0]))[:NAMED_MAX]
    named = [f"{count} of {test.rpartition('::')[2].removeprefix('test_')}" for test, count in most]
    if others := sum(left.values()) - sum(count for _, count in most):
        named.append(f"{others} of others")
    return f"left to make test-all: {sum(left.values())} cases of {len(left)} tests: {', '.join(named)}"
