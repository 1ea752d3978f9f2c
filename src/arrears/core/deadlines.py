"""When an action may happen: the latest of every reason to wait (spec, section 3, and section 8 for deletion).

`plan` is the day that the clocks and what has been told give; `deadline` adds the lead of the warning and is None
as long as no warning was accepted. The action itself happens at the end of that day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from arrears.core.account import Action, Subscription
from arrears.core.states import State
from arrears.core.view import STOP_OF, View


def applies(view: View, sub: Subscription, action: Action) -> bool:
    """Whether this action is the one, or one of those, that lie ahead of the subscription."""
    if action is Action.DELETE:
        end = sub.end
        return sub.state is State.DISABLED and end is not None and end.ordered_at is None
    if view.account.case is None:
        return False
    if action is Action.RESTRICT:
        return sub.state is State.PAST_DUE and view.policy.restrict_after_days is not None
    return sub.state in (State.PAST_DUE, State.RESTRICTED)


def ahead(view: View) -> Sequence[tuple[Subscription, Action]]:
    """What lies ahead of each subscription and may be promised now (`counts_here`), found once for all rules."""
    known: list[tuple[Subscription, Action]] | None = view.found.get("ahead")
    if known is None:
        known = view.found["ahead"] = []
        for sub in view.account.subscriptions:
            if sub.state is not State.ACTIVE and sub.state is not State.DELETED:
                known.extend((sub, action) for action in _AHEAD[sub.state] if counts_here(view, sub, action))
    return known


_AHEAD: Final = {
    State.PAST_DUE: (Action.RESTRICT, Action.DISABLE),
    State.RESTRICTED: (Action.DISABLE,),
    State.DISABLED: (Action.DELETE,),
}


def lead_days(view: View, sub: Subscription, action: Action) -> int:
    """Days between the acceptance of a warning and its action."""
    policy, _ = view.terms_for(sub, action)
    if action is Action.RESTRICT:
        return policy.restrict_lead_days
    return policy.disable_lead_days if action is Action.DISABLE else policy.delete_lead_days


def warning_days(view: View, sub: Subscription, action: Action) -> tuple[int, ...]:
    """The days of the ladder (or of retention) on which this action is warned of."""
    policy, _ = view.terms_for(sub, action)
    if action is Action.RESTRICT:
        return policy.restrict_warning_days
    return policy.disable_warning_days if action is Action.DISABLE else policy.delete_warning_days


def base(view: View, sub: Subscription, action: Action, *, leaving_out: int = 0) -> date | None:
    """The day by the clocks alone; None while it cannot be known (an open dispute, no acknowledgement yet).

    `leaving_out` is the number of a hold to ignore, to see what that hold has moved.
    """
    if action is Action.DELETE:
        return _deletion_base(view, sub, leaving_out)
    policy = view.policy
    days = policy.restrict_after_days if action is Action.RESTRICT else policy.disable_after_days
    assert days is not None
    stop = STOP_OF[action]
    own = view.debt_clock(sub, days, stop, leaving_out=leaving_out)
    if own is None or sub.entered_on is None:
        return None
    entered, previous_days = sub.entered_on, 0
    if action is Action.DISABLE and policy.restrict_after_days is not None:
        previous_days = policy.restrict_after_days
        if sub.state is State.PAST_DUE:
            restrict_on = plan(view, sub, Action.RESTRICT)
            if restrict_on is None:
                return None
            entered = restrict_on
    holds = view.holds_on(stop, sub, None, leaving_out=leaving_out) if view.account.holds else []
    dwell = view.day_number(entered, days - previous_days, holds, view.calendar)
    return None if dwell is None else max(own, dwell)


def _deletion_base(view: View, sub: Subscription, leaving_out: int) -> date | None:
    """The latest of service end + retention, and oldest debt + disable_after_days + retention."""
    end = sub.end
    if end is None or end.ended_on is None:
        return None
    policy, calendar = view.terms_for(sub, Action.DELETE)
    stop = STOP_OF[Action.DELETE]
    holds = view.holds_on(stop, sub, None, leaving_out=leaving_out) if view.account.holds else []
    day = view.day_number(end.ended_on, policy.retention_days, holds, calendar)
    if day is None:
        return None
    if view.debts_of(sub):
        by_debt = view.debt_clock(sub, policy.disable_after_days + policy.retention_days, stop, leaving_out=leaving_out)
        if by_debt is None:
            return None
        day = max(day, by_debt)
    return day


def plan(view: View, sub: Subscription, action: Action) -> date | None:
    """The day by the clocks, never earlier than what has been told."""
    key = (sub.no, action)
    if key not in view.found:
        by_clock = base(view, sub, action)
        told = sub.promise(action).promised_on
        view.found[key] = by_clock if by_clock is None or told is None else max(by_clock, told)
    planned: date | None = view.found[key]
    return planned


def deadline(view: View, sub: Subscription, action: Action) -> date | None:
    """The day at whose end the action happens; None without an accepted warning that counts."""
    accepted_at = sub.promise(action).accepted_at
    planned = plan(view, sub, action)
    if accepted_at is None or planned is None:
        return None
    _, calendar = view.terms_for(sub, action)
    lead_end = calendar.local_day(accepted_at) + timedelta(days=lead_days(view, sub, action))
    if lead_end <= planned:
        return planned
    holds = view.holds_on(STOP_OF[action], sub, None) if view.account.holds else []
    return view.day_number(lead_end, 0, holds, calendar)


def told_day(view: View, sub: Subscription, action: Action) -> date | None:
    """The day that pages, answers and messages name: the deadline, or the plan until a warning was accepted."""
    by_warning = deadline(view, sub, action)
    return plan(view, sub, action) if by_warning is None else by_warning


def counts_here(view: View, sub: Subscription, action: Action) -> bool:
    """Whether anything may be promised for this action now: it applies, and enough is owed for it to follow.

    A service that ended for another reason than debt (a cancellation) is deleted whatever is owed.
    """
    if not applies(view, sub, action):
        return False
    if action is Action.DELETE and not sub.cut:
        return True
    return view.enough(sub)
