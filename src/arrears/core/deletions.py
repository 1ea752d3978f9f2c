"""What is about to be deleted, when, why, on what evidence, and what would stop it: read from the account, like every
other page and answer, by the same days that the deletion itself follows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from arrears.core.account import Action, ServiceEnd, Subscription
from arrears.core.deadlines import Ahead, applying
from arrears.core.facts.base import Evidence
from arrears.core.states import Reason, State
from arrears.core.view import View


class DeletionStage(StrEnum):
    """How far a deletion has come."""

    PLANNED = "planned"
    HELD = "held"
    UNWARNED = "unwarned"
    WAITS_IN_DOUBT = "waits_in_doubt"
    SCHEDULED = "scheduled"
    WAITS_FOR_RELEASE = "waits_for_release"
    RELEASED = "released"
    ORDERED = "ordered"
    IN_PART = "in_part"
    SET_ASIDE = "set_aside"


class PlannedDeletion(NamedTuple):
    """One subscription whose data is to be deleted. `on` is the day that is told, None while nobody can say (a hold
    without an end), `not_before` the first instant at which it can be ordered, None while no warning counts. `owing` is
    what is open of its past-due invoices, in minor units by currency; `left` what its service has not deleted yet."""

    subscription: int
    service: str
    generation: int
    stage: DeletionStage
    reasons: tuple[Reason, ...]
    ended_on: date | None
    on: date | None
    not_before: datetime | None
    evidence: Evidence
    owing: dict[str, int]
    released_by: tuple[str, ...]
    left: dict[str, int]
    stoppers: tuple[str, ...]
    """What would stop it, as codes: `pay`, `hold`, `reactivate`; none once it is ordered."""


def planned_deletions(view: View) -> Iterator[PlannedDeletion]:
    """Every deletion that lies ahead of an account or is under way, by the number of the subscription."""
    for sub in view.account.subscriptions:
        end = sub.end
        if sub.state is not State.DISABLED or end is None:
            continue
        one = next(iter(applying(view, sub)), None)
        if one is not None or end.ordered_at is not None:
            yield _planned(view, sub, end, one)


def _planned(view: View, sub: Subscription, end: ServiceEnd, one: Ahead | None) -> PlannedDeletion:
    policy = view.policies[end.terms.policy]
    evidence = view.evidence(sub, Action.DELETE, policy)
    owing: dict[str, int] = {}
    for debt in evidence.owing:
        owing[debt.currency] = owing.get(debt.currency, 0) + debt.open_minor
    left = next((dict(order.left) for order in sub.orders if order.kind == "delete"), {})
    return PlannedDeletion(
        subscription=sub.no,
        service=sub.service,
        generation=sub.generation,
        stage=_stage(view, end, one, left),
        reasons=sub.reasons,
        ended_on=end.ended_on,
        on=end.delete.promised_on if one is None else one.announced_day,
        not_before=None if one is None else _not_before(one, end),
        evidence=evidence,
        owing=owing,
        released_by=end.released_by,
        left=left,
        stoppers=() if one is None else tuple(_stoppers(sub, owing)),
    )


def _stage(view: View, end: ServiceEnd, one: Ahead | None, left: dict[str, int]) -> DeletionStage:
    if one is None:
        return DeletionStage.IN_PART if left else DeletionStage.ORDERED
    if view.account.parked:
        return DeletionStage.SET_ASIDE
    if end.scheduled_at is not None:
        if end.awaiting_release:
            return DeletionStage.WAITS_FOR_RELEASE
        if view.doubts:
            return DeletionStage.WAITS_IN_DOUBT
        return DeletionStage.RELEASED if end.released else DeletionStage.SCHEDULED
    if one.planned is None and end.ended_on is not None:
        return DeletionStage.HELD
    if view.doubts or one.promise.doubted:
        return DeletionStage.WAITS_IN_DOUBT
    return DeletionStage.PLANNED if one.deadline is not None else DeletionStage.UNWARNED


def _not_before(one: Ahead, end: ServiceEnd) -> datetime | None:
    """The end of its day and the cool-off after it, or after it was scheduled."""
    if one.deadline is None:
        return None
    begins = end.scheduled_at or one.acts_at
    return one.workday(begins + timedelta(hours=one.policy.delete_cool_off_hours))


def _stoppers(sub: Subscription, owing: dict[str, int]) -> Iterator[str]:
    if owing:
        yield "pay"
    yield "hold"
    if Reason.CANCELED in sub.reasons:
        yield "reactivate"
