"""What the second reckoning of the ladder remembers of one account (see ladder.py)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from arrears.core.account import Action, Terms
from arrears.core.states import State


@dataclass
class OwedDebt:
    """A debt as the facts have left it."""

    no: int
    subscriptions: tuple[int, ...]
    open: int
    day_0: date | None = None
    ended: bool = False


@dataclass
class Announced:
    """One warning."""

    seq: int
    subscription: int
    generation: int
    action: Action
    on: date
    accepted_at: datetime | None = None
    otherwise: bool = False
    void: bool = False


@dataclass
class Used:
    """A subscription. `since` is the fact from which its warnings count; `ended_on` the end of its service. `goes_on`:
    once what stopped it on `stopped_on` is taken back, its stage is later by the full days without the service."""

    no: int
    state: State = State.ACTIVE
    generation: int = 1
    owing: bool = False
    cut: bool = False
    entered_on: date | None = None
    since: int = 0
    end: Terms | None = None
    end_since: int = 0
    ended_on: date | None = None
    stopped_on: date = date.min
    goes_on: bool = False
    told: dict[Action, date] = field(default_factory=dict)
