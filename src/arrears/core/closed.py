"""Closed sets as tables: whoever adds a kind and forgets what a room says of it is told so when the room is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def closed(name: str, kinds: Iterable[K], *tables: Mapping[K, V]) -> dict[K, V]:
    """The tables as one, in their order, which says something of each of `kinds` once and of nothing else.

    Raises TypeError with the name of the table and every kind that is forgotten, twice there or unknown.
    """
    whole: dict[K, V] = {}
    wrong = []
    for table in tables:
        wrong += [f"{_called(kind)} is there twice" for kind in table if kind in whole]
        whole.update(table)
    wanted = set(kinds)
    wrong += [f"{_called(kind)} is forgotten" for kind in wanted - whole.keys()]
    wrong += [f"{_called(kind)} is unknown" for kind in whole.keys() - wanted]
    if wrong:
        raise TypeError(f"{name}: {', '.join(sorted(wrong))}")
    return whole


def _called(kind: object) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind)
