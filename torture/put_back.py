"""Faults that are put back into the code for one world: one function or table is swapped, and swapped back."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

Swap = tuple[Any, str, Any]
"""Where, which name, and what stands there meanwhile."""


class Fault(NamedTuple):
    """One fault: what goes wrong, in words, how it is put back, and a seed whose world has been seen to find it."""

    what: str
    swaps: Callable[[], Sequence[Swap]]
    seed: int = 1


@contextmanager
def put_back(fault: Fault) -> Iterator[None]:
    """While this lasts the fault is in the code."""
    swaps = fault.swaps()
    were = [(place, name, getattr(place, name)) for place, name, _ in swaps]
    try:
        for place, name, other in swaps:
            setattr(place, name, other)
        yield
    finally:
        for place, name, was in were:
            setattr(place, name, was)


Found = tuple[int, str] | None
"""The first seed whose world is right as it is and sees the fault, and what it saw; None where none of them did."""


def tell(faults: Sequence[Fault], seeds: Sequence[int], find: Callable[[Fault, Sequence[int]], Found]) -> bool:
    """One line for each fault, as it is tried with its own seed and these; whether all were found."""
    missed = 0
    for fault in faults:
        began, found = time.monotonic(), find(fault, (fault.seed, *seeds))
        missed += found is None
        said = f"seed {found[0]}: {found[1]}" if found else f"NOT FOUND by {len(seeds)} seeds"
        sys.stdout.write(f"{fault.what}\n    {said} ({time.monotonic() - began:.0f} s)\n")
        sys.stdout.flush()
    sys.stdout.write(f"{len(faults) - missed} of {len(faults)} faults found\n")
    return not missed
