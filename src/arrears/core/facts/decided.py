"""Facts that arrears decides: each is one step of the ladder, with what it was decided on."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from arrears.core.account import Action, CaseOutcome, DoubtKind, Terms
from arrears.core.facts.base import Evidence, Fact
from arrears.core.states import State


class PastDue(msgspec.Struct, frozen=True):
    """One debt and its day 0."""

    debt: int
    day_0: date


class BecamePastDue(Fact, frozen=True, tag="became_past_due"):
    """Debts went past due; a case opens if none is open, and the subscriptions they are for are past due."""

    debts: tuple[PastDue, ...]
    subscriptions: tuple[int, ...]
    entered_on: date
    terms: Terms
    case: int
    opened: bool = False


class WithinTolerance(Fact, frozen=True, tag="within_tolerance"):
    """A rest so small that it is not past due; it joins the next settlement. `below_minor` is given where the policy
    would let less go: the least that the payment provider takes."""

    debts: tuple[int, ...]
    below_minor: int = 0


class DateMoved(Fact, frozen=True, tag="date_moved"):
    """The day on which something will happen, as every page and answer now says it. Never earlier than before.
    `by_holds`: those placed in this instant by which what was warned of moves."""

    subscription: int
    action: Action
    on: date
    by_holds: tuple[int, ...] = ()


class Restricted(Fact, frozen=True, tag="restricted"):
    subscription: int
    generation: int
    on: date
    entered_on: date
    order_no: int
    tell_at: datetime
    evidence: Evidence
    before: State = State.PAST_DUE
    after: State = State.RESTRICTED


class Disabled(Fact, frozen=True, tag="disabled"):
    subscription: int
    generation: int
    on: date
    order_no: int
    terms: Terms
    tell_at: datetime
    evidence: Evidence
    before: State = State.PAST_DUE
    after: State = State.DISABLED


class Deferred(Fact, frozen=True, tag="deferred"):
    """A doubt stood at a deadline: nothing happened, and the warnings must be given again when it is gone."""

    subscription: int
    action: Action
    doubts: tuple[DoubtKind, ...]


class DoubtEnded(Fact, frozen=True, tag="doubt_ended"):
    """No doubt stands any more over an action that was deferred."""

    subscription: int
    action: Action


class WarningsLapsed(Fact, frozen=True, tag="warnings_lapsed"):
    """Nothing follows from what is owed: the warnings given so far no longer count."""

    subscription: int
    action: Action


class Resumed(Fact, frozen=True, tag="resumed"):
    """The cause `past_due` is lifted. `order_no` is 0 where the service never stopped or another reason remains.
    `goes_on`: another reason than debt had stopped it while it was past due, and is taken back, so its ladder goes on:
    the same stage, of which `entered_on` leaves out the full local days without the service, and the same warnings.
    `ended`: its service had ended by then, so what it does from now on is of a new generation."""

    subscription: int
    on: date
    before: State
    after: State
    order_no: int = 0
    keeps_past_due: bool = False
    entered_on: date | None = None
    goes_on: bool = False
    ended: bool = False


class CaseEnded(Fact, frozen=True, tag="case_ended"):
    case: int
    outcome: CaseOutcome


class DeletionScheduled(Fact, frozen=True, tag="deletion_scheduled"):
    subscription: int
    generation: int
    on: date
    evidence: Evidence


class DeletionUnscheduled(Fact, frozen=True, tag="deletion_unscheduled"):
    """The second look did not agree."""

    subscription: int
    why: str


class DeletionOrdered(Fact, frozen=True, tag="deletion_ordered"):
    subscription: int
    generation: int
    service: str
    order_no: int
    evidence: Evidence
    released: bool = False
    """Whether two members of staff have released it: then it does not count towards the day's cap."""


class DeletionCapped(Fact, frozen=True, tag="deletion_capped"):
    """The day's cap was reached: the deletion waits for the release of two members of staff."""

    subscription: int
    generation: int


class DeletionReleased(Fact, frozen=True, tag="deletion_released"):
    """A member of staff, the author, has looked at a deletion that waits and lets it go on. It needs two, each for this
    schedule; what undoes the schedule undoes this. `name` is the SHA-256 of the account's name as they wrote it."""

    subscription: int
    generation: int
    scheduled_at: datetime
    name: str


class Parked(Fact, frozen=True, tag="parked"):
    """This account is not decided upon until a person has looked."""

    why: str


class Unparked(Fact, frozen=True, tag="unparked"):
    pass
