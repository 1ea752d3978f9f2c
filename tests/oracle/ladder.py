"""The ladder of the specification's section 3, as one who has only read its text would compute it.

The oracle follows the journal of one account. What came from outside it believes; each thing that arrears decided it
works out for itself and compares: not before its day, not after it, and not left undone by a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from tests.oracle.book import (
    DELETE,
    DISABLE,
    RESTRICT,
    BookCase,
    BookDebt,
    BookEnd,
    BookHold,
    BookSubscription,
    counted,
    held_on,
    reached,
)
from tests.oracle.days import DAY, ends, first_free, local_day, starts

from arrears.core.policy import Policy

ACTIONS = (RESTRICT, DISABLE, DELETE)


class TextLadder:
    """What the text says of an account as it is now. Everything here only looks."""

    def __init__(self, policies: Mapping[str, Policy]) -> None:
        self.policies = policies
        self.policy, self.zone = "", "UTC"
        self.debts: dict[int, BookDebt] = {}
        self.subs: dict[int, BookSubscription] = {}
        self.holds: dict[int, BookHold] = {}
        self.doubts: set[tuple[str, str]] = set()
        self.system_doubts: set[str] = set()
        self.case: BookCase | None = None
        self.noticed: set[date] = set()
        self.version = self.ending = 0
        self._plans: dict[tuple[object, ...], date | None] = {}

    # -- terms -----------------------------------------------------------------------------------------------------

    def terms(self, sub: BookSubscription | None, action: str) -> tuple[Policy, str]:
        """A running case, and a time without service, keep the policy and the zone that they began with."""
        kept: BookCase | BookEnd | None = sub.end if sub is not None and action == DELETE else self.case
        if kept is None:
            return self.policies[self.policy], self.zone
        return self.policies[kept.policy], kept.zone

    @property
    def day_zone(self) -> str:
        """The zone in which days of debts are counted now."""
        return self.zone if self.case is None else self.case.zone

    # -- whose clock -----------------------------------------------------------------------------------------------

    def past_due(self) -> list[BookDebt]:
        """Past due, and pursued."""
        return [d for d in self.debts.values() if d.day_0 is not None and not d.ended]

    def naming(self, sub: BookSubscription) -> list[BookDebt]:
        """The past-due debts that name a subscription."""
        return [d for d in self.past_due() if sub.no in d.subs]

    def owed_for(self, sub: BookSubscription) -> list[BookDebt]:
        """Whose clock it is: a subscription's own debts, or the account's where the policy says so in so many words."""
        if self.case is None:
            return []
        return self.past_due() if self.policies[self.case.policy].scope == "account" else self.naming(sub)

    def held(self, debt: BookDebt, now: datetime) -> bool:
        """Whether a hold on this very debt stands: it stops all five."""
        zone = self.day_zone
        holds = [h for h in self.holds.values() if h.scope == "debt" and h.target == debt.no and h.no != self.ending]
        return any(h.active(now, zone) for h in holds)

    def stopped(self, sub: BookSubscription, action: str, now: datetime) -> bool:
        """Whether a hold on the account or on this subscription stops the action."""
        return any(
            h.active(now, self.day_zone) and action in h.stops and self._concerns(h, sub) for h in self.holds.values()
        )

    @staticmethod
    def _concerns(hold: BookHold, sub: BookSubscription | None) -> bool:
        return hold.scope == "account" or (hold.scope == "subscription" and sub is not None and hold.target == sub.no)

    def enough(self, sub: BookSubscription, policy: Policy) -> bool:
        """Whether some currency's past-due sum comes to the minimum; held debt counts towards it."""
        sums: dict[str, int] = {}
        for debt in self.owed_for(sub):
            sums[debt.currency] = sums.get(debt.currency, 0) + debt.open
        return any(minor >= policy.minimum_minor.get(code, 0) for code, minor in sums.items())

    # -- days ------------------------------------------------------------------------------------------------------

    def _off(
        self, sub: BookSubscription | None, action: str, debt: BookDebt | None, now: datetime, ahead: bool
    ) -> Iterable[BookHold]:
        for hold in self.holds.values():
            mine = debt is not None and hold.scope == "debt" and hold.target == debt.no
            known = ahead or hold.end(self.day_zone) is not None or hold.start <= now
            if known and (mine or (action in hold.stops and self._concerns(hold, sub))):
                yield hold

    def day_on_which(
        self,
        start: date,
        days: int,
        sub: BookSubscription | None,
        action: str,
        debt: BookDebt | None,
        now: datetime,
        *,
        but: int = 0,
    ) -> date | None:
        """The day that is `days` counted days after `start`. None: a hold without end stands in the way."""
        zone = self.day_zone
        holds = [h for h in self._off(sub, action, debt, now, True) if h.no != but]
        if any(h.end(zone) is None for h in holds):
            return None
        spans = [h.span(zone, None) for h in holds]
        return reached(start, days, lambda day: held_on(day, spans)) if spans else start + days * DAY

    def counted_days(self, debt: BookDebt, sub: BookSubscription | None, action: str, day: date, now: datetime) -> int:
        """The days of a debt that count, up to the morning of `day`."""
        zone = self.day_zone
        holds = list(self._off(sub, action, debt, now, False))
        assert debt.day_0 is not None
        return counted(debt.day_0, day, [h.span(zone, now) for h in holds])

    def plan(self, sub: BookSubscription, action: str, now: datetime, *, but: int = 0, without: int = 0) -> date | None:
        """The day of an action by the debts' clocks and the stage before it, without its warnings; None for never.
        A debt that is held now has no clock before the end of that. `but` one hold, `without` one debt."""
        zone = self.day_zone
        over = [h.end(zone) for h in self.holds.values()]
        active = tuple(h.active(now, zone) for h in self.holds.values())
        today = local_day(now, zone) if None in over or action == DISABLE else None
        key = (self.version, sub.no, action, but, without, active, today)
        if key not in self._plans:
            self._plans[key] = self._plan(sub, action, now, but, without)
        return self._plans[key]

    def free_day(self, sub: BookSubscription | None, action: str, day: date) -> date:
        """The first day from this one on which the policy lets something stop."""
        policy, _ = self.terms(sub, action)
        return first_free(day, business_days=policy.business_days, place=policy.holidays)

    def _fitting(self, sub: BookSubscription, action: str, now: datetime, day: date, debt: BookDebt) -> date:
        """The first day from this one on which something may stop, and at whose end this debt is held no more."""
        found, before = self._free_from(day, debt, now), None
        while found != before:
            before = found
            found = self._free_from(self.free_day(sub, action, found), debt, now)
        return found

    def _plan(self, sub: BookSubscription, action: str, now: datetime, but: int, without: int) -> date | None:
        policy, _ = self.terms(sub, action)
        if action == DELETE:
            day = self._deletion(sub, policy, now, but, without)
            return day if day is None else self.free_day(sub, action, day)
        after = self.after(policy, action)
        if after is None:
            return None
        found = []
        for debt in self.owed_for(sub):
            own = debt.day_0 and self.day_on_which(debt.day_0, after, sub, action, debt, now, but=but)
            if own is not None and debt.no != without:
                stage = self._stage(sub, action, after, policy, now, but, debt)
                found.append(self._fitting(sub, action, now, max(own, stage or date.min), debt))
        return min(found, default=None)

    def _free_from(self, day: date, debt: BookDebt, now: datetime) -> date:
        """The first day from this one at whose end a debt that is held now is so no more."""
        zone = self.day_zone
        for hold in self.holds.values():
            end = hold.end(zone)
            mine = hold.scope == "debt" and hold.target == debt.no and hold.active(now, zone)
            if mine and end is not None and hold.until is not None and end > ends(day, zone):
                day = hold.until
        return day

    def _stage(
        self, sub: BookSubscription, action: str, after: int, policy: Policy, now: datetime, but: int, debt: BookDebt
    ) -> date | None:
        """No stage is shortened: the day of the stage before, and the difference of the policy's days, without those on
        which the debt was held that leads to it."""
        if sub.entered is None:
            return None
        between, entered = after, sub.entered
        if action == DISABLE and policy.restrict_after_days is not None:
            between = after - policy.restrict_after_days
            if sub.state != "restricted":
                told = self.announced_day(sub, RESTRICT, now)
                entered = told if told is not None else entered + timedelta(days=policy.restrict_after_days)
        return self.day_on_which(entered, between, sub, action, debt, now, but=but)

    def announced_day(self, sub: BookSubscription, action: str, now: datetime) -> date | None:
        """The day that is told now: of the warnings that count, or else no earlier than a whole lead from today; never
        earlier than was told before."""
        policy, zone = self.terms(sub, action)
        plan = self.plan(sub, action, now)
        if plan is None:
            return None
        lead = local_day(now, zone) + timedelta(days=self.lead(policy, action))
        # What waits under doubt is warned of anew when that is over.
        due = None if action in sub.deferred else self.due_day(sub, action, now)
        if due is not None and ends(due, zone) <= now:
            # What comes late waits for a day on which something may stop.
            yesterday = local_day(now, zone) - DAY
            free = self.free_day(sub, action, yesterday)
            due = due if free == yesterday else max(due, free)
        day = due or max(plan, lead)
        return self.free_day(sub, action, max(day, sub.told.get(action, day)))

    @staticmethod
    def after(policy: Policy, action: str) -> int | None:
        """The policy's day of an action; None for never."""
        return policy.restrict_after_days if action == RESTRICT else policy.disable_after_days

    def _deletion(self, sub: BookSubscription, policy: Policy, now: datetime, but: int, without: int) -> date | None:
        end = sub.end
        if end is None or end.ended_on is None or policy.retention_days is None:
            return None
        zone = self.terms(sub, DELETE)[1]
        if not self.leading(sub):
            return None if sub.cut else self._counted_to(end.ended_on, policy.retention_days, sub, (), now, but, zone)
        # Where nothing is disabled for debt, what was canceled is kept for its retention from the debt's day too.
        whole = (policy.disable_after_days or 0) + policy.retention_days
        led = [d for d in self.leading(sub) if d.no != without and not self.held(d, now)]
        clocks = [d for d in self.owed_for(sub) if d.no != without and not self.held(d, now) and d.day_0 is not None]
        found = []
        for leads, oldest in ((leads, oldest) for leads in led for oldest in clocks):
            # Deletion is held where what leads to it is, and no day of the oldest counts on which that is: both days
            # are "each plus the full local days on which deletion was held" (record 84).
            assert oldest.day_0 is not None
            kept = self._counted_to(end.ended_on, policy.retention_days, sub, (leads, oldest), now, but, zone)
            own = self._counted_to(oldest.day_0, whole, sub, (leads, oldest), now, but, self.day_zone)
            if kept is not None and own is not None:
                found.append(max(kept, own))
        return min(found, default=None)

    def _counted_to(
        self, since: date, days: int, sub: BookSubscription, of: Sequence[BookDebt], now: datetime, but: int, zone: str
    ) -> date | None:
        """The day that is so many days after another, without those on which deletion was held, or one of these was."""
        own = [h for h in self._off(sub, DELETE, None, now, True) if h.no != but]
        if any(h.end(self.day_zone) is None for h in own):
            return None
        numbers = {d.no for d in of}
        on_debts = [h for h in self.holds.values() if h.scope == "debt" and h.target in numbers and h.no != but]
        spans = [h.span(zone, None, self.day_zone) for h in own]
        spans += [h.span(zone, now, self.day_zone) for h in on_debts]
        spans += self._through_others(sub, next((d for d in of if sub.no in d.subs), None), but, zone)
        return reached(since, days, lambda day: held_on(day, spans))

    def _through_others(
        self, sub: BookSubscription, leads: BookDebt | None, but: int, zone: str
    ) -> Iterable[tuple[date, date]]:
        """The full days since a start "on which deletion was held" are none of it, also where what was held then, and
        named the subscription, leads to nothing now: before the debt that does was past due, and of what is not owed
        any more as long as it was (record 92)."""
        for hold in self.holds.values():
            if sub.no not in hold.names or hold.no == but or (leads is not None and hold.target == leads.no):
                continue
            if leads is None and hold.target in self.debts:
                continue
            first, last = hold.span(zone, None, self.day_zone)
            over = [local_day(hold.gone, zone) - DAY] if hold.gone is not None else []
            if leads is not None and leads.day_0 is not None:
                over.append(local_day(starts(leads.day_0, self.day_zone), zone) - DAY)
            yield first, min([last, *over])

    def on_debt(self, no: int) -> list[BookHold]:
        """The holds on a debt that stand, or ended by themselves."""
        return [h for h in self.holds.values() if h.scope == "debt" and h.target == no]

    # -- what must be so before an action --------------------------------------------------------------------------

    def due_day(self, sub: BookSubscription, action: str, now: datetime) -> date | None:
        """The earliest local day of an action as everything stands; None while it cannot come."""
        plan = self.plan(sub, action, now)
        counting = sub.counting(action)
        if plan is None or not counting:
            return None
        policy, zone = self.terms(sub, action)
        first = counting[0]
        assert first.accepted is not None
        lead = local_day(first.accepted, zone) + timedelta(days=self.lead(policy, action))
        return self.free_day(sub, action, max(plan, lead, first.named))

    @staticmethod
    def lead(policy: Policy, action: str) -> int:
        """The policy's days from the first warning that counts to the action."""
        leads = {RESTRICT: policy.restrict_lead_days, DISABLE: policy.disable_lead_days}
        return leads.get(action, policy.delete_lead_days)

    def next_action(self, sub: BookSubscription) -> str | None:
        """The next stage of the ladder: none is skipped."""
        if sub.end is not None:
            kept = self.policies[sub.end.policy].retention_days is None
            return None if sub.end.ordered or sub.state == "deleted" or kept else DELETE
        if self.case is None or "past_due" not in sub.reasons:
            return None
        policy = self.policies[self.case.policy]
        if sub.state == "past_due" and policy.restrict_after_days is not None:
            return RESTRICT
        stands = sub.state in ("past_due", "restricted") and policy.disable_after_days is not None
        return DISABLE if stands else None

    def in_doubt(self) -> set[str]:
        """Every doubt that stands over the actions."""
        return {kind for kind, _ in self.doubts} | self.system_doubts

    def free(self, sub: BookSubscription, action: str, now: datetime) -> bool:
        """Whether nothing holds an action and enough is owed for it, whatever its day."""
        policy, _ = self.terms(sub, action)
        if self.stopped(sub, action, now):
            return False
        debts = self.leading(sub) if action == DELETE else self.owed_for(sub)
        if action == DELETE and not sub.cut:
            # It ended for another reason than debt: its data is kept for the retention, whatever is owed.
            return not debts or any(not self.held(d, now) for d in debts)
        return any(not self.held(d, now) for d in debts) and self.enough(sub, policy)

    def leading(self, sub: BookSubscription) -> list[BookDebt]:
        """The debts that a deletion follows from: those that name the subscription. What ended for another reason than
        debt, and is not named, waits with the account where that has one clock."""
        return self.naming(sub) or ([] if sub.cut else self.owed_for(sub))
