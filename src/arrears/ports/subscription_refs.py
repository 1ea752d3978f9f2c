"""What the operator's own systems call their subscriptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class SubscriptionPlace(NamedTuple):
    """A subscription: the number of its account, and its own within that."""

    account: int
    no: int


class SubscriptionRefs(Protocol):
    """The operator's own references of subscriptions, each unique among all. In PostgreSQL alone: the simulator's
    operators have none."""

    def subscription_places(self, refs: Sequence[str]) -> Mapping[str, SubscriptionPlace]:
        """Which subscription each of these is; absent where there is none of that reference."""

    def subscription_refs(self, accounts: Sequence[int]) -> Mapping[SubscriptionPlace, str]:
        """What the subscriptions of these accounts are called; absent where nobody has said."""

    def call_subscription(self, place: SubscriptionPlace, ref: str) -> bool:
        """It is called so from now on, in the transaction that is open; False where another is, or it is called
        otherwise."""
