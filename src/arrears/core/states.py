"""The states of a subscription, the reasons behind them, and what each state allows (spec, section 2).

The table itself is data (`data/states.toml`), so that pages, API answers and documentation cannot disagree with
the decisions.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import Any, Final

RUNNING: Final = "running"
"""What is told when a service is back."""


class State(StrEnum):
    """Where a subscription stands, from running to gone. `deleted` is final."""

    ACTIVE = "active"
    PAST_DUE = "past_due"
    RESTRICTED = "restricted"
    DISABLED = "disabled"
    DELETED = "deleted"


class Reason(StrEnum):
    """Why a subscription is not active. It carries a set of them, and each is lifted by itself."""

    PAST_DUE = "past_due"
    CANCELED = "canceled"
    SPENDING_LIMIT = "spending_limit"
    POLICY_VIOLATION = "policy_violation"
    OTHER = "other"


STAGES: Final = (State.PAST_DUE, State.RESTRICTED, State.DISABLED)
"""The stages of the ladder in order; none is skipped and none shortened (spec, section 3)."""

RUNS: Final = (State.ACTIVE, State.PAST_DUE)
"""The states in which the service runs."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a state allows: read, delete an own resource, create or change or start; whether use is charged.

    `resources` says in plain words what becomes of them.
    """

    read: bool
    delete_own: bool
    change: bool
    resources: str
    charged: bool


def allows(state: State) -> Permissions:
    """What a customer may do with a subscription in `state`."""
    return _ALLOWED[state]


def remedy(reason: Reason) -> str:
    """The key of the short sentence that says what lifts `reason`, like `settle_past_due`."""
    return _REMEDIES[reason]


def _load() -> tuple[Mapping[State, Permissions], Mapping[Reason, str]]:
    text = (resources.files("arrears.core") / "data" / "states.toml").read_text(encoding="utf-8")
    table: dict[str, Any] = tomllib.loads(text)
    allowed = {State(name): Permissions(**row) for name, row in table["state"].items()}
    remedies = {Reason(name): key for name, key in table["remedy"].items()}
    assert list(allowed) == list(State), "every state has its row, in order"
    assert list(remedies) == list(Reason), "every reason has its remedy"
    return allowed, remedies


_ALLOWED, _REMEDIES = _load()
