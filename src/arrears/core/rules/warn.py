"""Warnings name the day of an action, and the action waits for one that was accepted in time (spec, section 3).

A rung is done when it was sent on or after its day, since the warnings last became void. Without an accepted one
the promised day moves with the calendar: the 09:00 on which it would be later than the one named sends a new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import partial

from arrears.core.deadlines import Ahead, ahead
from arrears.core.facts import Warning
from arrears.core.promises import SentWarning
from arrears.core.view import ONE_DAY, Due, Rank, View
from arrears.core.working_days import stop_day


def rule(view: View) -> Iterable[Due]:
    """At most one proposal for each subscription and action that lies ahead of it."""
    if view.account.doubts:
        return ()
    found = [_next(view, one) for one in ahead(view) if one.announced_day is not None and not one.promise.doubted]
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
        assert one.planned is not None
        # Nothing was accepted yet: the day named can only be kept until day + lead passes it.
        day = max(one.planned, *(s.promised_on for s in valid)) - timedelta(days=one.lead_days) + ONE_DAY
        again = view.morning(max(day, valid[-1].on + ONE_DAY), one.calendar)
        if found is None or again <= found[1]:
            # A rung whose morning this is goes out in its place, and staff are asked all the same: the date moves.
            step = found[0] if found is not None and again == found[1] else valid[-1].step
            found, late = (step, again), True
    if found is None:
        return None
    step, at = found
    if promise.renew_from is not None:
        at = max(at, view.next_morning(promise.renew_from, one.calendar))
    clear = one.outside(at)
    if clear is None:
        return None
    label = f"warning {step} before {one.action}"
    return Due(clear, Rank.NOTICE, one.sub.no, label, partial(_warning, view, one, step, late))


def _warning(view: View, one: Ahead, step: int, late: bool) -> Warning:
    on = one.calendar.local_day(view.now)
    return Warning(
        subscription=one.sub.no,
        generation=one.sub.generation,
        action=one.action,
        step=step,
        promised_on=_named_day(one, step),
        late=late,
        on=None if on == view.today else on,
    )


def _next_rung(view: View, one: Ahead, valid: Sequence[SentWarning]) -> tuple[int, datetime] | None:
    """The rung to send next and its 09:00. Of several that are overtaken the newest, due since the first."""
    first: datetime | None = None
    chosen = 0
    for step in one.warning_days:
        rung = one.rung(step)
        if rung is None:
            break
        day, at = rung
        if any(s.step >= step and s.on >= day for s in valid) or _is_named(one, step):
            continue
        if first is not None and at > view.now:
            break
        if first is None:
            first = at
        chosen = step
        if at > view.now:
            break
    return None if first is None else (chosen, first)


def _is_named(one: Ahead, step: int) -> bool:
    """Whether this rung has named the day that an accepted warning has settled: that is not sent twice."""
    return one.promise.accepted_at is not None and any(
        (s.step, s.promised_on) == (step, one.announced_day) for s in one.promise.sent
    )


def _named_day(one: Ahead, step: int) -> date:
    """The day that is told. One that this very rung has named before, in a warning that does not count, is not named
    again by it, so the day after is."""
    named = one.announced_day
    assert named is not None
    if one.promise.accepted_at is None:
        while any((s.step, s.promised_on) == (step, named) for s in one.promise.sent):
            named = stop_day(one.policy, named + ONE_DAY)
    return named
