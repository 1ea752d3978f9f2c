"""Deletion in two phases: scheduled when retention is full, ordered after a second look and a cool-off (spec,
section 8). The second look starts from nothing: a payment, a hold, a later date or a doubt undoes the schedule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial

from arrears.core.account import ServiceEnd, Subscription
from arrears.core.deadlines import Ahead, ahead
from arrears.core.escalation import deferred, escalate, page_is_open
from arrears.core.facts import DeletionOrdered, DeletionScheduled, DeletionUnscheduled
from arrears.core.view import IMMEDIATELY, Due, Rank, View


def rule(view: View) -> Iterable[Due]:
    """The first phase, then the second look, for each subscription whose service has ended."""
    dues: list[Due] = []
    for sub in view.account.subscriptions:
        end = sub.end
        if end is None or end.ordered_at is not None:
            continue
        one = next((a for a in ahead(view) if a.sub is sub), None)
        if end.scheduled_at is not None:
            dues.extend(_second_look(view, sub, end, end.scheduled_at, one))
        elif one is not None:
            dues.extend(escalate(view, one, _scheduled))
    return dues


def _second_look(
    view: View, sub: Subscription, end: ServiceEnd, scheduled_at: datetime, one: Ahead | None
) -> Iterator[Due]:
    if one is None or one.deadline is None or one.calendar.end_of_day(one.deadline) > scheduled_at:
        why = "the date has moved or the debt changed since it was scheduled"
        build = partial(DeletionUnscheduled, subscription=sub.no, why=why)
        yield Due(IMMEDIATELY, Rank.CONSEQUENCE, sub.no, "deletion unscheduled", build)
        return
    if end.awaiting_release:
        return
    at = scheduled_at + timedelta(hours=one.policy.delete_cool_off_hours)
    if view.doubts:
        yield Due(at, Rank.ESCALATION, sub.no, "delete waits", partial(deferred, view, one))
    elif not page_is_open(view):
        yield Due(one.workday(at), Rank.ESCALATION, sub.no, "delete", partial(_ordered, view, one, end.released))


def _scheduled(view: View, one: Ahead) -> DeletionScheduled:
    assert one.deadline is not None
    return DeletionScheduled(
        subscription=one.sub.no,
        generation=one.sub.generation,
        on=one.deadline,
        evidence=view.evidence(one.sub, one.action, one.policy),
    )


def _ordered(view: View, one: Ahead, released: bool) -> DeletionOrdered:
    return DeletionOrdered(
        subscription=one.sub.no,
        generation=one.sub.generation,
        service=one.sub.service,
        order_no=one.sub.order_count + 1,
        evidence=view.evidence(one.sub, one.action, one.policy),
        released=released,
    )
