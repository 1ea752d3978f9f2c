"""Deletion in two phases: scheduled when retention is full, ordered after a second look and a cool-off (spec,
section 8). The second look starts from nothing: a payment, a hold, a later date or a doubt undoes the schedule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from arrears.core.account import Action, Subscription
from arrears.core.cuts import cut, doubted
from arrears.core.deadlines import counts_here, deadline
from arrears.core.facts import DeletionOrdered, DeletionScheduled, DeletionUnscheduled
from arrears.core.view import IMMEDIATELY, Due, Rank, View


def rule(view: View) -> Iterator[Due]:
    """The first phase, then the second look, for each subscription whose service has ended."""
    for sub in view.account.subscriptions:
        if sub.end is None or sub.end.ordered_at is not None:
            continue
        if sub.end.scheduled_at is None:
            if not counts_here(view, sub, Action.DELETE):
                continue
            yield from cut(view, sub, Action.DELETE, partial(_scheduled, view, sub))
        else:
            yield from _second_look(view, sub)


def _second_look(view: View, sub: Subscription) -> Iterator[Due]:
    assert sub.end is not None
    assert sub.end.scheduled_at is not None
    policy, calendar = view.terms_for(sub, Action.DELETE)
    day = deadline(view, sub, Action.DELETE) if counts_here(view, sub, Action.DELETE) else None
    if day is None or calendar.end_of_day(day) > sub.end.scheduled_at:
        why = "the date has moved or the debt changed since it was scheduled"
        build = partial(DeletionUnscheduled, subscription=sub.no, why=why)
        yield Due(IMMEDIATELY, Rank.CONSEQUENCE, sub.no, "deletion unscheduled", build)
        return
    if sub.end.awaiting_release:
        return
    at = sub.end.scheduled_at + timedelta(hours=policy.delete_cool_off_hours)
    if view.doubts:
        yield Due(at, Rank.CUT, sub.no, "delete waits", doubted(view, sub, Action.DELETE))
    else:
        yield Due(at, Rank.CUT, sub.no, "delete", partial(_ordered, view, sub))


def _scheduled(view: View, sub: Subscription) -> DeletionScheduled:
    day = deadline(view, sub, Action.DELETE)
    assert day is not None
    policy, _ = view.terms_for(sub, Action.DELETE)
    return DeletionScheduled(
        subscription=sub.no,
        generation=sub.generation,
        on=day,
        evidence=view.evidence(sub, Action.DELETE, policy),
    )


def _ordered(view: View, sub: Subscription) -> DeletionOrdered:
    policy, _ = view.terms_for(sub, Action.DELETE)
    return DeletionOrdered(
        subscription=sub.no,
        generation=sub.generation,
        service=sub.service,
        order_no=sub.order_count + 1,
        evidence=view.evidence(sub, Action.DELETE, policy),
    )
