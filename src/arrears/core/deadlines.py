"""When an action may happen: the latest of every reason to wait (spec, section 3, and section 8 for deletion).

Everything about one action that lies ahead of one subscription is worked out once (`Ahead`), because several rules
ask for it. The action itself happens at the end of the deadline's day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from arrears.core.account import Action, Promise, ServiceEnd, Stop, Subscription
from arrears.core.calendar import calendar_of
from arrears.core.states import State
from arrears.core.view import View


class Ahead:
    """One action ahead of one subscription.

    `planned` is the day that the clocks give, never earlier than what has been told; None while it cannot be known
    (an open dispute, no acknowledgement yet). `deadline` adds the lead of the accepted warning; None without one.
    `start` is the day that the rungs count from where no hold changes the counting.
    """

    __slots__ = (
        "action",
        "calendar",
        "deadline",
        "lead_days",
        "planned",
        "policy",
        "promise",
        "start",
        "stop",
        "sub",
        "view",
        "warning_days",
    )

    def __init__(self, view: View, sub: Subscription, action: Action, end: ServiceEnd | None = None) -> None:
        self.view = view
        self.sub = sub
        self.action = action
        self.policy = view.policy
        self.calendar = view.calendar
        self.promise: Promise
        if action is Action.DISABLE:
            self.stop, self.promise = Stop.DISABLE, sub.disable
            self.lead_days, self.warning_days = self.policy.disable_lead_days, self.policy.disable_warning_days
        elif action is Action.RESTRICT:
            self.stop, self.promise = Stop.RESTRICT, sub.restrict
            self.lead_days, self.warning_days = self.policy.restrict_lead_days, self.policy.restrict_warning_days
        else:
            assert end is not None
            self.policy = view.policies[end.terms.policy]
            self.calendar = calendar_of(end.terms.zone)
            self.stop, self.promise = Stop.DELETE, end.delete
            self.lead_days, self.warning_days = self.policy.delete_lead_days, self.policy.delete_warning_days
        self.start: date | None = None
        if not view.account.holds:
            self.start = view.oldest_day_0(view.debts_of(sub)) if end is None else end.ended_on
        self.planned = self._planned()
        self.deadline = self._deadline()

    @property
    def told_day(self) -> date | None:
        """The day that pages, answers and messages name: the deadline, or the plan until a warning was accepted."""
        return self.planned if self.deadline is None else self.deadline

    def base(self, *, leaving_out: int = 0) -> date | None:
        """The day by the clocks alone. `leaving_out` is a hold to ignore, to see what that hold has moved."""
        if self.action is Action.DELETE:
            return self._deletion_base(leaving_out)
        policy, view, sub = self.policy, self.view, self.sub
        days = policy.disable_after_days if self.action is Action.DISABLE else policy.restrict_after_days
        entered = sub.entered_on
        assert days is not None
        if self.start is not None:
            own: date | None = self.start + timedelta(days)
        else:
            own = view.debt_clock(sub, days, self.stop, leaving_out=leaving_out)
        if own is None or entered is None:
            return None
        previous_days = 0
        if self.action is Action.DISABLE and policy.restrict_after_days is not None:
            previous_days = policy.restrict_after_days
            if sub.state is State.PAST_DUE:
                entered = Ahead(view, sub, Action.RESTRICT).planned
                if entered is None:
                    return None
        dwell = self._counted(entered, days - previous_days, leaving_out)
        return None if dwell is None else max(own, dwell)

    def _deletion_base(self, leaving_out: int) -> date | None:
        """The latest of service end + retention, and oldest debt + disable_after_days + retention."""
        end, policy = self.sub.end, self.policy
        if end is None or end.ended_on is None:
            return None
        day = self._counted(end.ended_on, policy.retention_days, leaving_out)
        if day is None or not self.view.debts_of(self.sub):
            return day
        days = policy.disable_after_days + policy.retention_days
        by_debt = self.view.debt_clock(self.sub, days, self.stop, leaving_out=leaving_out)
        return None if by_debt is None else max(day, by_debt)

    def _counted(self, start: date, days: int, leaving_out: int = 0) -> date | None:
        """Day `days` from a day of the subscription itself, without the days of its holds."""
        if not self.view.account.holds:
            return start + timedelta(days=days)
        holds = self.view.holds_on(self.stop, self.sub, None, leaving_out=leaving_out)
        return self.view.day_number(start, days, holds, self.calendar)

    def _planned(self) -> date | None:
        by_clock = self.base()
        told = self.promise.promised_on
        if by_clock is None or told is None:
            return by_clock
        return max(by_clock, told)

    def _deadline(self) -> date | None:
        accepted_at, planned = self.promise.accepted_at, self.planned
        if accepted_at is None or planned is None:
            return None
        lead_end = self.calendar.local_day(accepted_at) + timedelta(days=self.lead_days)
        return planned if lead_end <= planned else self._counted(lead_end, 0)

    def rung(self, step: int) -> date | None:
        """The day of a warning's rung: of the debt's ladder, or of retention."""
        if self.start is not None:
            return self.start + timedelta(step)
        if self.action is not Action.DELETE:
            return self.view.debt_clock(self.sub, step, self.stop)
        end = self.sub.end
        return None if end is None or end.ended_on is None else self._counted(end.ended_on, step)


def ahead(view: View) -> Sequence[Ahead]:
    """What lies ahead and may be promised: it applies, and enough is owed for it to follow.

    A service that ended for another reason than debt (a cancellation) is deleted whatever is owed.
    """
    known: list[Ahead] | None = view.ahead
    if known is None:
        known = view.ahead = []
        for sub in view.account.subscriptions:
            if sub.state is not State.ACTIVE and sub.state is not State.DELETED:
                known.extend(applying(view, sub))
    return known


def applying(view: View, sub: Subscription) -> list[Ahead]:
    """The actions ahead of one subscription."""
    end = sub.end
    if sub.state is State.DISABLED:
        if end is None or end.ordered_at is not None or (sub.cut and not view.enough(sub)):
            return []
        return [Ahead(view, sub, Action.DELETE, end)]
    if view.account.case is None or not view.enough(sub):
        return []
    disable = Ahead(view, sub, Action.DISABLE)
    if sub.state is State.PAST_DUE and view.policy.restrict_after_days is not None:
        return [Ahead(view, sub, Action.RESTRICT), disable]
    return [disable]
