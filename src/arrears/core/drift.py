"""Whether a service is in the state in which it is wanted: our word beside its own, subscription by subscription."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from arrears.core.account import Subscription
from arrears.core.closed import closed
from arrears.core.states import State


class DriftKind(StrEnum):
    """How they differ. `OFF`: it is to run, and the service says that it does not: worst, as somebody may have paid.
    `GONE`: the service says that it is deleted, which nobody ordered. `ON`: it is stopped or deleted, and the service
    says that it runs, or knows nothing of it. `OTHER`: restricted instead of disabled, or the reverse. `AHEAD`: the
    service knows orders that were never given. `UNKNOWN`: there is no such subscription."""

    OFF = "off"
    GONE = "gone"
    ON = "on"
    OTHER = "other"
    AHEAD = "ahead"
    UNKNOWN = "unknown"


class ReportedState(NamedTuple):
    """What a service says of one subscription: the newest order that it knows, and what it is in (empty where no order
    was carried out)."""

    account: int
    subscription: int
    generation: int
    sequence: int
    state: str


class ServiceDrift(NamedTuple):
    """One difference. `wanted` is the state that the service should be in, `reported` the one that it says, `sequence`
    the newest order that it knows, of `given`."""

    account: int
    subscription: int
    kind: DriftKind
    wanted: str
    reported: str
    sequence: int
    given: int
    repeats: int = 0
    """How often the newest order was given anew for the service's sake."""

    @property
    def repaired(self) -> bool:
        """Whether an order may put it right: what is to run does not, or the service does not know the newest order, as
        after an old backup. What knows it and runs all the same may have a reason that only a person finds."""
        forgot = self.sequence < self.given and self.kind in (DriftKind.ON, DriftKind.OTHER)
        return forgot or self.kind is DriftKind.OFF


WANTED: Final = closed(
    "the state that a service should be in",
    State,
    {
        State.ACTIVE: "active",
        State.PAST_DUE: "active",
        State.RESTRICTED: "restricted",
        State.DISABLED: "disabled",
        State.DELETED: "deleted",
    },
)


def drift_of(sub: Subscription | None, said: ReportedState) -> ServiceDrift | None:
    """How a service's word differs from ours; None where it does not, or where an order is still under way."""
    if sub is None:
        return ServiceDrift(said.account, said.subscription, DriftKind.UNKNOWN, "", said.state, said.sequence, 0)
    wanted, reported = WANTED[sub.state], said.state or "active"
    if said.sequence > sub.order_count:
        kind = DriftKind.AHEAD
    elif wanted == reported or not all(order.repeated for order in sub.orders):
        return None
    elif reported == "deleted":
        kind = DriftKind.GONE
    elif wanted == "active":
        kind = DriftKind.OFF
    else:
        kind = DriftKind.ON if "active" in reported or wanted == "deleted" else DriftKind.OTHER
    return ServiceDrift(said.account, sub.no, kind, wanted, reported, said.sequence, sub.order_count, sub.repeats)
