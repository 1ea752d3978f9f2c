"""Warnings name the day of an action, and the action waits for one that was accepted in time (spec, section 3).

A rung is done when it was sent on or after its day, since the warnings last became void. Without an accepted one
the promised day moves with the calendar: the 09:00 on which it would be later than the one named sends a new one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial

from arrears.core.account import Action, Sent, Subscription
from arrears.core.deadlines import ahead, lead_days, plan, warning_days
from arrears.core.facts import Warning
from arrears.core.view import ONE_DAY, STOP_OF, Due, Rank, View


def rule(view: View) -> Iterator[Due]:
    """At most one proposal for each subscription and action that lies ahead of it."""
    if view.account.doubts:
        return
    for sub, action in ahead(view):
        planned = plan(view, sub, action)
        if planned is not None and not sub.promise(action).doubted:
            yield from _next(view, sub, action, planned)


def _next(view: View, sub: Subscription, action: Action, planned: date) -> Iterator[Due]:
    promise = sub.promise(action)
    valid = [s for s in promise.sent if s.seq > promise.since_seq]
    found = _next_rung(view, sub, action, valid)
    late = False
    if promise.accepted_at is None and valid:
        # Nothing was accepted yet: the day named can only be kept until day + lead passes it.
        _, calendar = view.terms_for(sub, action)
        day = max(s.promised_on for s in valid) - timedelta(days=lead_days(view, sub, action)) + ONE_DAY
        again = view.morning(max(day, valid[-1].on + ONE_DAY), calendar)
        if found is None or again < found[1]:
            found, late = (valid[-1].step, again), True
    if found is None:
        return
    step, at = found
    if promise.renew_after is not None:
        at = max(at, view.next_morning(promise.renew_after))
        late = False
    clear = view.outside(at, view.holds_on(STOP_OF[action], sub, None)) if view.account.holds else at
    if clear is None:
        return
    named = _named_day(view, sub, action, planned)
    if promise.accepted_at is not None and any((s.step, s.promised_on) == (step, named) for s in promise.sent):
        return
    build = partial(
        Warning,
        subscription=sub.no,
        generation=sub.generation,
        action=action,
        step=step,
        promised_on=named,
        late=late,
    )
    yield Due(clear, Rank.NOTICE, sub.no, f"warning {step} before {action}", build)


def _next_rung(view: View, sub: Subscription, action: Action, valid: list[Sent]) -> tuple[int, datetime] | None:
    """The rung to send next and its 09:00. Of several that are overtaken the newest, due since the first."""
    _, calendar = view.terms_for(sub, action)
    first: datetime | None = None
    chosen = 0
    for step in warning_days(view, sub, action):
        day = _rung_day(view, sub, action, step)
        if day is None:
            break
        if valid and any(s.step >= step and s.on >= day for s in valid):
            continue
        at = view.morning(day, calendar)
        if first is not None and at > view.now:
            break
        if first is None:
            first = at
        chosen = step
        if at > view.now:
            break
    return None if first is None else (chosen, first)


def _rung_day(view: View, sub: Subscription, action: Action, step: int) -> date | None:
    if action is not Action.DELETE:
        return view.debt_clock(sub, step, STOP_OF[action])
    if sub.end is None or sub.end.ended_on is None:
        return None
    if not view.account.holds:
        return sub.end.ended_on + timedelta(days=step)
    _, calendar = view.terms_for(sub, action)
    return view.day_number(sub.end.ended_on, step, view.holds_on(STOP_OF[action], sub, None), calendar)


def _named_day(view: View, sub: Subscription, action: Action, planned: date) -> date:
    """The later of the action's day and the warning's own day (or the counted acceptance) + lead; a day that this
    rung named before in warnings that no longer count is not named again."""
    promise = sub.promise(action)
    _, calendar = view.terms_for(sub, action)
    counted = calendar.local_day(view.now if promise.accepted_at is None else promise.accepted_at)
    named = max(planned, counted + timedelta(days=lead_days(view, sub, action)))
    if promise.accepted_at is None:
        while any(s.promised_on == named for s in promise.sent):
            named += ONE_DAY
    return named
