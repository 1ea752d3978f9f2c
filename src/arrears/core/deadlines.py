"""When an action may happen: the latest of every reason to wait (spec, section 3, and section 8 for deletion).

Everything about one action that lies ahead of one subscription is worked out once (`Ahead`), because several rules
ask for it. The action itself happens at the end of the deadline's day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial

from arrears.core.account import Action, Debt, Hold, ServiceEnd, Stop, Subscription
from arrears.core.calendar import calendar_of
from arrears.core.promises import Promise
from arrears.core.states import State
from arrears.core.view import ONE_DAY, View, latest
from arrears.core.working_days import stop_day


class Ahead:
    """One action ahead of one subscription.

    `planned` is the day that the clocks give, never earlier than what has been told; None while it cannot be known
    (an open dispute, no acknowledgement yet). `deadline` adds the lead of the accepted warning; None without one.
    `start` is the day that the rungs count from where no hold changes the counting. `before` is what has to happen
    to the subscription first: the restriction, before it is disabled.
    """

    __slots__ = (
        "action",
        "before",
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

    def __init__(
        self,
        view: View,
        sub: Subscription,
        action: Action,
        end: ServiceEnd | None = None,
        before: Ahead | None = None,
    ) -> None:
        self.view = view
        self.sub = sub
        self.action = action
        self.before = before
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
    def stored_day(self) -> date | None:
        """The day as far as it is fixed, and stored: the deadline, or the plan until a warning counts."""
        return self.planned if self.deadline is None else self.deadline

    @property
    def announced_day(self) -> date | None:
        """The day that pages, answers and messages name. While no warning of it counts never earlier than today and the
        lead, so that nobody is told a day that has passed; and no earlier than what is told of the stage before."""
        day = self.stored_day
        if day is None:
            return None
        if self.deadline is None:
            day = max(day, self.calendar.local_day(self.view.now) + timedelta(days=self.lead_days))
        elif self.policy.business_days and self.calendar.end_of_day(self.deadline) <= self.view.now < self.acts_at:
            day = self.calendar.local_day(self.acts_at) - ONE_DAY
        if self.before is not None:
            after = latest(day, self._after(self.before.announced_day))
            return None if after is None else stop_day(self.policy, after)
        return stop_day(self.policy, day)

    @property
    def acts_at(self) -> datetime:
        """The end of the deadline's day, or what `workday` makes of it."""
        assert self.deadline is not None
        return self.workday(self.calendar.end_of_day(self.deadline))

    def workday(self, at: datetime) -> datetime:
        """`at`; where the policy asks for working days and it, or now if that is later, is on none of those that follow
        another one, the first midnight on which it is so: also what comes late stops nothing before a day off."""
        if not self.policy.business_days:
            return at
        day = self.calendar.local_day(max(at, self.view.now)) - ONE_DAY
        free = stop_day(self.policy, day)
        return at if free == day else self.calendar.end_of_day(free)

    def by_the_clocks(self) -> date | None:
        """The first day by the clocks and by what is told of the stage before, that the policy and the holds allow;
        whatever was told of this."""
        day = self.base()
        if self.before is not None:
            day = latest(day, self._after(self.before.announced_day))
        return self._fitting(day)

    def base(self) -> date | None:
        """The day by the clocks alone."""
        return min([day for day, *_ in self._by_debt()], default=None)

    def _by_debt(self) -> list[tuple[date, Debt | None, list[Hold]]]:
        """For each debt that this may follow from the later of its own day and the day of the stage, both without the
        days on which it was held; with its holds. Of a debt that cannot come to it there is none."""
        view, (entered, days) = self.view, self._stage()
        if entered is None:
            return []
        if not view.account.holds:
            oldest = view.oldest_day_0(view.debts_of(self.sub))
            if oldest is None:
                return [(entered + timedelta(days), None, [])] if self.action is Action.DELETE else []
            return [(max(entered + timedelta(days), oldest + timedelta(self._ladder_days)), None, [])]
        named = self._named()
        kept = partial(view.day_number, entered, days, calendar=self.calendar)
        found: list[tuple[date, Debt | None, list[Hold]]] = []
        for debt, holds in self._followed():
            by_stage = view.day_number(entered, days, holds, self.calendar)
            if debt is None:
                own = by_stage if self.action is Action.DELETE else None
            elif named:
                own = view.debt_clock(self.sub, self._ladder_days, debt, holds, kept)
            else:
                own = debt.day_0 and view.day_number(debt.day_0, self._ladder_days, holds, view.calendar)
            day = latest(own, by_stage)
            if day is not None:
                found.append((day, debt, holds))
        return found

    def _stage(self) -> tuple[date | None, int]:
        """The day from which the stage before counts, and how many days it lasts."""
        policy, restrict = self.policy, self.policy.restrict_after_days or 0
        if self.action is Action.DELETE:
            assert policy.retention_days is not None
            return None if self.sub.end is None else self.sub.end.ended_on, policy.retention_days
        if self.action is Action.RESTRICT:
            return self.sub.entered_on, restrict
        entered = self.sub.entered_on if self.before is None else self.before.stored_day
        assert policy.disable_after_days is not None
        return entered, policy.disable_after_days - restrict

    def _after(self, restricted_on: date | None) -> date | None:
        """The day by the stage before, which is entered on this day."""
        before, after = self.policy.restrict_after_days, self.policy.disable_after_days
        assert before is not None
        assert after is not None
        return None if restricted_on is None else self._counted(restricted_on, after - before)

    def _fitting(self, day: date | None) -> date | None:
        """The first day from `day` that the policy allows and at whose end no hold stands (see `clear`)."""
        found = self.clear(day)
        while found is not None and (allowed := stop_day(self.policy, found)) != found:
            found = self.clear(allowed)
        return found

    def clear(self, day: date | None) -> date | None:
        """The first day from `day` at whose end no hold stands in the way of every debt that has had its days: not
        at that instant and, where that has passed already, not now. None while an open hold does."""
        view = self.view
        if day is None or not view.account.holds:
            return day
        over = self.calendar.end_of_day(day)
        if all(h.ended_at is not None and h.ended_at <= over for h in view.account.holds):
            return day
        found: date | None = None
        for own, _, holds in self._by_debt():
            free = view.clear_day(max(own, day), holds, self.calendar)
            if free is not None and (found is None or free < found):
                found = free
        return found

    @property
    def _ladder_days(self) -> int:
        """The days from day 0 of a debt to this action. Where nothing is disabled for debt, what ended for another
        reason is kept for the whole retention after it became past due too."""
        policy = self.policy
        if self.action is Action.DELETE:
            assert policy.retention_days is not None
            return (policy.disable_after_days or 0) + policy.retention_days
        days = policy.disable_after_days if self.action is Action.DISABLE else policy.restrict_after_days
        assert days is not None
        return days

    def _counted(self, start: date, days: int) -> date | None:
        """Day `days` from a day of the subscription itself, without the days on which its action was held: by a hold
        of its own, or because every debt was held, so for the debt that lets it come first."""
        view = self.view
        if not view.account.holds:
            return start + timedelta(days=days)
        found: date | None = None
        for _, holds in self._followed():
            day = view.day_number(start, days, holds, self.calendar)
            if day is not None and (found is None or day < found):
                found = day
        return found

    def _planned(self) -> date | None:
        day = self.base()
        told = self.promise.promised_on
        if day is not None and told is not None and told > day:
            day = told
        return self._fitting(day) if self.view.account.holds or self.policy.business_days else day

    def _deadline(self) -> date | None:
        accepted_at, planned = self.promise.accepted_at, self.planned
        if accepted_at is None or planned is None:
            return None
        lead_end = self.calendar.local_day(accepted_at) + timedelta(days=self.lead_days)
        return planned if lead_end <= planned else self._fitting(lead_end)

    def rung(self, step: int) -> tuple[date, datetime] | None:
        """The day of a warning's rung, of the debt's ladder or of retention, and the 09:00 at which it may be sent: the
        first outside the holds on the debt that it follows, which of several is the one that lets it come first."""
        view, end, start = self.view, self.sub.end, self.start
        if start is not None:
            day = start + timedelta(step)
            return day, view.morning(day, self.calendar)
        found: list[tuple[date, datetime]] = []
        for debt, holds in self._leading():
            start = end.ended_on if end is not None else None if debt is None else debt.day_0
            counted = None if start is None else view.counted(start, step, holds, self.calendar)
            at = None if counted is None else view.outside(view.morning(counted, self.calendar), holds, self.calendar)
            if counted is not None and at is not None:
                found.append((counted, at))
        return (min([day for day, _ in found]), min([at for _, at in found])) if found else None

    def outside(self, at: datetime) -> datetime | None:
        """`at`, or the first 09:00 after it at which a warning may be sent: of one debt that it follows at least
        nothing is held. None while nobody can say."""
        if not self.view.account.holds:
            return at
        found = [self.view.outside(at, holds, self.calendar) for _, holds in self._leading()]
        return min([free for free in found if free is not None], default=None)

    def _leading(self) -> list[tuple[Debt | None, list[Hold]]]:
        """Those of the followed debts that let this come first: its warnings follow them, and are kept back by the
        holds on them alone."""
        view = self.view
        free = [(view.clear_day(day, holds, self.calendar), debt, holds) for day, debt, holds in self._by_debt()]
        first = min([day for day, *_ in free if day is not None], default=None)
        return [(debt, holds) for day, debt, holds in free if day is not None and day == first]

    def _followed(self) -> list[tuple[Debt | None, list[Hold]]]:
        """The debts that this may follow from, each with the holds on the action: those whose clock it follows, and of
        a deletion those that name the subscription. Of a service that ended without any debt the holds alone."""
        view, sub = self.view, self.sub
        if self.action is not Action.DELETE:
            return [(debt, view.holds_on(self.stop, sub, debt)) for debt in (view.debts_of(sub) or (None,))]
        debts = view.account.debts_for(sub) if self._named() else view.debts_of(sub)
        return [(debt, view.holds_on_deletion(sub, debt)) for debt in (debts or (None,))]

    def _named(self) -> bool:
        """Whether only debts that name the subscription lead to it: to the deletion of what was stopped for debt, and
        of what ended for another reason and is owed for."""
        sub = self.sub
        return self.action is Action.DELETE and (sub.cut or self.view.account.debts_for(sub) != ())


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


def applying(view: View, sub: Subscription, *, whatever_is_owed: bool = False) -> list[Ahead]:
    """The actions ahead of one subscription; none where too little is owed, unless that does not matter."""
    end = sub.end
    enough = whatever_is_owed or view.enough(sub)
    if sub.state is State.DISABLED:
        if end is None or end.ordered_at is not None or (sub.cut and not enough):
            return []
        if view.policies[end.terms.policy].retention_days is None:
            return []
        if not whatever_is_owed and unnamed(view, sub):
            return []
        return [Ahead(view, sub, Action.DELETE, end)]
    if view.account.case is None or not enough:
        return []
    restrict = None
    if sub.state is State.PAST_DUE and view.policy.restrict_after_days is not None:
        restrict = Ahead(view, sub, Action.RESTRICT)
    found = [] if restrict is None else [restrict]
    if view.policy.disable_after_days is not None:
        found.append(Ahead(view, sub, Action.DISABLE, before=restrict))
    return found


def unnamed(view: View, sub: Subscription) -> bool:
    """Whether a subscription was disabled for debts of the account of which none names it: it is never deleted."""
    return sub.cut and view.debts_of(sub) != () and not view.account.debts_for(sub)
