"""Bad days, told in advance: the next so many requests, or a share of all of them, go wrong in one way."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

KINDS: Final = ("drop_before", "drop_after", "late", "error_before", "error_after", "limited", "slow")
"""drop_before: the connection dies and nothing was done. drop_after: it dies, and everything was done. late: it dies,
and it is done later. error_before: 500, nothing done. error_after: 500, done, and the 500 is kept under the key.
limited: 429. slow: it takes a while."""


@dataclass
class Fault:
    """One way to fail for requests whose path begins with `path` ("payment_intents", or "/v1/payment_intents").

    `times` counts down; with a `share` it is a chance of each request instead. Only what changes something goes wrong,
    unless `verb` is GET.
    """

    kind: str
    path: str
    times: int = 0
    share: float = 0.0
    verb: str = "POST"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault is called {self.kind!r}; there are {', '.join(KINDS)}")
        self.path = self.path.removeprefix("/").removeprefix("v1/")


class Faults:
    """What is to go wrong. Seeded, so that a bad day can be had again."""

    def __init__(self) -> None:
        self.planned: list[Fault] = []
        self.random = random.Random(0)
        self.counts: dict[str, int] = {}

    def plan(self, faults: list[Fault], seed: int) -> None:
        """Replace what is planned."""
        self.planned, self.random = faults, random.Random(seed)

    def next_for(self, verb: str, path: str) -> str:
        """Which fault this request has; empty for none."""
        for fault in self.planned:
            if verb == fault.verb and path.startswith(fault.path):
                hit = self.random.random() < fault.share if fault.share else fault.times > 0
                if hit:
                    fault.times -= 1
                    self.counts[fault.kind] = self.counts.get(fault.kind, 0) + 1
                    return fault.kind
        return ""
