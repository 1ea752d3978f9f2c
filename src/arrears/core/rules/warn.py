"""Warnings name the day of an action, and the action waits for one that was accepted in time (spec, section 3).

A rung is done when it was sent on or after its day, since the warnings last became void. Without an accepted one
the promised day moves with the calendar: the 09:00 on which it would be later than the one named sends a new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import partial

from arrears.core.account import SentWarning
from arrears.core.deadlines import Ahead, ahead
from arrears.core.facts import Warning
from arrears.core.view import ONE_DAY, Due, Rank, View


def rule(view: View) -> Iterable[Due]:
    """At most one proposal for each subscription and action that lies ahead of it."""
    if view.account.doubts:
        return ()
    found = [_next(view, one) for one in ahead(view) if one.planned is not None and not one.promise.doubted]
    return [due for due in found if due is not None]


def _next(view: View, one: Ahead) -> Due | None:
    promise = one.promise
    if one.deadline is not None and one.calendar.end_of_day(one.deadline) <= view.now:
        # After an outage: its action is due already, and a date that has passed is no warning.
        return None
    valid = [s for s in promise.sent if s.seq > promise.since_seq]
    found = _next_rung(view, one, valid)
    late = False
    if promise.accepted_at is None and valid:
        # Nothing was accepted yet: the day named can only be kept until day + lead passes it.
        day = max(s.promised_on for s in valid) - timedelta(days=one.lead_days) + ONE_DAY
        again = view.morning(max(day, valid[-1].on + ONE_DAY), one.calendar)
        if found is None or again < found[1]:
            found, late = (valid[-1].step, again), True
    if found is None:
        return None
    step, at = found
    if promise.renew_from is not None:
        at = max(at, view.next_morning(promise.renew_from))
        late = False
    if view.account.holds:
        clear = view.outside(at, view.holds_on(one.stop, one.sub, None))
        if clear is None:
            return None
        at = clear
    if promise.accepted_at is not None and any(s.step == step for s in promise.sent):
        named = _named_day(view, one)
        if any((s.step, s.promised_on) == (step, named) for s in promise.sent):
            return None
    label = f"warning {step} before {one.action}"
    return Due(at, Rank.NOTICE, one.sub.no, label, partial(_warning, view, one, step, late))


def _warning(view: View, one: Ahead, step: int, late: bool) -> Warning:
    on = one.calendar.local_day(view.now)
    return Warning(
        subscription=one.sub.no,
        generation=one.sub.generation,
        action=one.action,
        step=step,
        promised_on=_named_day(view, one),
        late=late,
        on=None if on == view.today else on,
    )


def _next_rung(view: View, one: Ahead, valid: Sequence[SentWarning]) -> tuple[int, datetime] | None:
    """The rung to send next and its 09:00. Of several that are overtaken the newest, due since the first."""
    first: datetime | None = None
    chosen = 0
    last = valid[-1] if valid else None
    for step in one.warning_days:
        day = one.rung(step)
        if day is None:
            break
        if last is not None:
            if last.step >= step and last.on >= day:
                continue
            if any(s.step >= step and s.on >= day for s in valid):
                continue
        at = view.morning(day, one.calendar)
        if first is not None and at > view.now:
            break
        if first is None:
            first = at
        chosen = step
        if at > view.now:
            break
    return None if first is None else (chosen, first)


def _named_day(view: View, one: Ahead) -> date:
    """The later of the action's day and the warning's own day (or the counted acceptance) + lead; a day that
    warnings which no longer count have named is not named again."""
    promise, planned = one.promise, one.planned
    assert planned is not None
    counted = one.calendar.local_day(view.now if promise.accepted_at is None else promise.accepted_at)
    named = max(planned, counted + timedelta(days=one.lead_days))
    if promise.accepted_at is None:
        while any(s.promised_on == named for s in promise.sent):
            named += ONE_DAY
    return named
