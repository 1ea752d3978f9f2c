"""The same work on many things: one after the other in this process, or several at once in others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")

Meanwhile = Callable[[], None]
"""What this process has to do now and then while the work is done; returns at once."""


def nothing() -> None:
    """There is nothing to do meanwhile."""


class OrderedMap(Protocol):
    """Answers in the order of `items`, which are taken as they are needed, some ahead. Where other processes do it,
    `work`, items and answers are pickled, and an item that is done twice must come to the same."""

    def __call__(
        self, work: Callable[[T, Meanwhile], R], items: Iterable[T], meanwhile: Meanwhile = nothing
    ) -> Iterator[R]:
        """The answers."""


def map_here(work: Callable[[T, Meanwhile], R], items: Iterable[T], meanwhile: Meanwhile = nothing) -> Iterator[R]:
    """OrderedMap in this process: an item is taken when the one before it is done."""
    return (work(item, meanwhile) for item in items)
