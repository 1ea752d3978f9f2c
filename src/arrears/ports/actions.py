"""The queue of actions: what facts asked for and performers carry out, each claimed by one performer at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from arrears.core.facts import Recorded


class Claim(NamedTuple):
    """An action that this performer may perform until its lease ends. `tries` fences it: whoever claims it later holds
    a higher number, and only the holder of the highest may say what became of it."""

    account: int
    seq: int
    kind: str
    subscription: int
    order_no: int
    order: str
    tries: int


class ActionQueue(Protocol):
    """The queue of actions as its performers see it. What became of an action is recorded through `Batch`, in the
    transaction of the facts that say so."""

    def claim(self, now: datetime, limit: int, lease_seconds: int, kind: str | None = None) -> Sequence[Claim]:
        """Claim up to `limit` actions, of one kind or of any, each until its lease ends; committed when this returns.
        Orders of one subscription are given in the order in which they were asked for."""

    def give_back(self, claims: Sequence[Claim]) -> None:
        """Return claims that were not attempted, or certainly came to nothing. When the lease is over they are claimed
        anew, and the try is not counted."""


class NoticeFacts(Protocol):
    """What a message is about: the facts that asked for it and what the same transactions brought about."""

    def noticed_facts(self, claims: Sequence[Claim]) -> Mapping[tuple[int, int], Recorded]:
        """The facts that the claimed notices are about, by (account, seq)."""

    def subscriptions_resumed_with(self, facts: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], tuple[int, ...]]:
        """For each of these facts (account, seq) the subscriptions ordered to run again in the fact's own transaction;
        a message about a payment names them."""
