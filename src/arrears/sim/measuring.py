"""Measures a replay from what is committed: when money came and how far the ladder had come, how long a service was
off, what was past due at the end of each day.

It looks at facts and at the account before and after each transaction, never at the rules, so that what it counts is
what was recorded.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate

from arrears.core import facts as f
from arrears.core.account import Account, Action, Debt, Subscription
from arrears.core.calendar import calendar_of
from arrears.core.states import State
from arrears.core.unit import Unit
from arrears.sim.outcome import CustomerOutcome, CustomerSums, Exposure, PaidWhen, ServiceStop, SumsOutcome

_OFF = (State.RESTRICTED, State.DISABLED)


@dataclass(slots=True)
class _Late:
    """A debt that went past due: its account and currency, its day 0, when it was due, and when it was paid in full."""

    account: int
    currency: str
    day_0: date
    due_on: date
    paid_on: date | None = None


class Measure:
    """Sees every transaction of a replay. `customers` are known by their account's number before the first."""

    def __init__(self) -> None:
        self.customers: dict[int, CustomerOutcome] = {}
        self.kinds: Counter[type[f.Fact]] = Counter()
        self.sums: defaultdict[str, SumsOutcome] = defaultdict(SumsOutcome)
        self.stops: list[ServiceStop] = []
        self.warnings: Counter[Action] = Counter()
        self.reminders = self.cases = self.resumed = 0
        self._accounts: dict[int, Account] = {}
        self._late: dict[tuple[int, int], _Late] = {}
        self._off_since: dict[tuple[int, int], date] = {}
        self._exposed: dict[int, Counter[tuple[str, Exposure]]] = {}
        self._changes: defaultdict[tuple[str, Exposure], Counter[date]] = defaultdict(Counter)

    @property
    def may_be_deleted(self) -> bool:
        """Whether the deletion of anything was scheduled yet."""
        return self.kinds[f.DeletionScheduled] > 0

    @property
    def past_due_invoices(self) -> int:
        """How many invoices went past due."""
        return len(self._late)

    @property
    def late_invoices(self) -> Counter[str]:
        """How many invoices of each currency went past due."""
        return Counter(late.currency for late in self._late.values())

    @property
    def accounts_with_case(self) -> int:
        """How many accounts had a case."""
        return sum(one.cases > 0 for one in self.customers.values())

    def committed(self, units: Sequence[Unit]) -> None:
        """One transaction."""
        for unit in units:
            if not unit.stored:
                continue
            after = unit.account
            before = self._accounts.get(unit.no, after)
            self._accounts[unit.no] = after
            today = _local_day(after, unit.now)
            for stored in unit.stored:
                fact = stored.recorded.fact
                self.kinds[type(fact)] += 1
                look = _LOOKS.get(type(fact))
                if look is not None:
                    look(self, fact, before, after, today)
            self._expose(after, today)

    # -- facts -----------------------------------------------------------------------------------------------

    def _issued(self, fact: f.InvoiceIssued, before: Account, after: Account, today: date) -> None:
        sums = self.sums[fact.debt.currency]
        sums.invoices += 1
        sums.invoiced += fact.debt.total_minor
        self._of(after.no, fact.debt.currency).invoiced += fact.debt.total_minor

    def _past_due(self, fact: f.BecamePastDue, before: Account, after: Account, today: date) -> None:
        customer = self.customers[after.no]
        customer.cases += fact.opened
        self.cases += fact.opened
        for part in fact.debts:
            debt = after.debt(part.debt) or before.debt(part.debt)
            if debt is None or (after.no, debt.no) in self._late:
                continue
            self._late[after.no, debt.no] = _Late(after.no, debt.currency, part.day_0, debt.due_on)
            self.sums[debt.currency].past_due += debt.open_minor
            self._of(after.no, debt.currency).past_due += debt.open_minor
            customer.past_due_invoices += 1

    def _noticed(self, fact: f.Noticed, before: Account, after: Account, today: date) -> None:
        self.customers[after.no].notices += 1
        self.reminders += bool(fact.each(f.Reminder))
        for action in {warning.action for warning in fact.each(f.Warning)}:
            self.warnings[action] += 1

    def _paid(self, fact: f.PaymentBooked | f.CreditAllocated, before: Account, after: Account, today: date) -> None:
        for part in fact.allocations:
            late = self._late.get((after.no, part.debt))
            if late is None:
                continue
            sums = self.sums[fact.currency]
            days = max(0, (today - late.day_0).days)
            sums.recovered[days] = sums.recovered.get(days, 0) + part.minor
            stage = _stage(before, part.debt)
            sums.by_stage[stage] = sums.by_stage.get(stage, 0) + part.minor
            if after.debt(part.debt) is None:
                late.paid_on = today

    def _credited(self, fact: f.InvoiceCredited, before: Account, after: Account, today: date) -> None:
        self._lower(after, fact.debt, fact.currency, fact.minor - fact.credit_minor, today)

    def _written_off(self, fact: f.WrittenOff, before: Account, after: Account, today: date) -> None:
        self._lower(after, fact.debt, fact.currency, fact.minor, today)

    def _lower(self, after: Account, debt: int, currency: str, minor: int, today: date) -> None:
        late = self._late.get((after.no, debt))
        if late is not None:
            self.sums[currency].lowered += minor
            if after.debt(debt) is None:
                late.paid_on = today

    def _stopped(self, fact: f.Restricted | f.Disabled, before: Account, after: Account, today: date) -> None:
        self._off_since.setdefault((after.no, fact.subscription), today)

    def _resumed(self, fact: f.Resumed, before: Account, after: Account, today: date) -> None:
        self.resumed += fact.order_no > 0
        since = self._off_since.pop((after.no, fact.subscription), None)
        if since is not None:
            self._end_stop(after, fact.subscription, since, today)

    def _deleted(self, fact: f.DeletionOrdered, before: Account, after: Account, today: date) -> None:
        for owing in fact.evidence.owing:
            self.sums[owing.currency].owed_at_deletion += owing.open_minor
        since = self._off_since.pop((after.no, fact.subscription), None)
        if since is not None:
            # The data is gone from the first instant of this day: the day before was the last one without service.
            self._end_stop(after, fact.subscription, since, max(since, today - timedelta(days=1)), deleted=True)
        customer = self.customers[after.no]
        customer.deleted_on = customer.deleted_on or today

    def _end_stop(
        self, account: Account, subscription: int, since: date, until: date | None, last: date | None = None, *,
        deleted: bool = False,
    ) -> None:  # fmt: skip
        customer = self.customers[account.no]
        days = ((until or last or since) - since).days + 1
        service = account.subscription(subscription).service
        self.stops.append(ServiceStop(customer.ref, service, since, until, days, deleted))
        customer.stops += 1
        customer.days_without_service += days

    def _of(self, account: int, currency: str) -> CustomerSums:
        return self.customers[account].sums.setdefault(currency, CustomerSums())

    # -- what is past due ------------------------------------------------------------------------------------

    def _expose(self, after: Account, today: date) -> None:
        now: Counter[tuple[str, Exposure]] = Counter()
        for debt in after.debts:
            if debt.day_0 is not None:
                now[debt.currency, _exposure(after, debt)] += debt.open_minor
        was = self._exposed.get(after.no)
        if was == now or (was is None and not now):
            return
        for key in {*now, *(was or ())}:
            self._changes[key][today] += now[key] - (was[key] if was else 0)
        self._exposed[after.no] = now

    def finish(self, first_on: date, last_on: date) -> None:
        """Complete the sums, the customers and the stops with what stands at the end."""
        for number, sub in sorted(self._off_since):
            since = self._off_since[number, sub]
            self._end_stop(self._accounts[number], sub, since, None, max(since, last_on))
        self.stops.sort(key=lambda stop: (stop.since, stop.account_ref, stop.service))
        for account in self._accounts.values():
            for debt in account.debts:
                self.sums[debt.currency].still_open += debt.open_minor
                self._of(account.no, debt.currency).still_open += debt.open_minor
        for late in self._late.values():
            customer = self.customers[late.account]
            days = ((late.paid_on or last_on) - late.due_on).days
            customer.days_late_max = max(customer.days_late_max, days)
        days_played = [first_on + timedelta(days=n) for n in range((last_on - first_on).days + 1)]
        for currency, sums in self.sums.items():
            sums.still_owed = sums.past_due - sums.recovered_minor - sums.lowered
            for band in Exposure:
                changes = self._changes.get((currency, band), Counter())
                sums.exposure[band] = list(accumulate(changes[day] for day in days_played))


def _local_day(account: Account, now: datetime) -> date:
    return calendar_of(account.terms.zone).local_day(now)


def _subscriptions(account: Account, debt: Debt) -> list[Subscription]:
    return [sub for sub in account.subscriptions if sub.no in debt.subscriptions]


def _exposure(account: Account, debt: Debt) -> Exposure:
    states = {sub.state for sub in _subscriptions(account, debt)}
    if states == {State.DELETED}:
        return Exposure.DELETED
    return Exposure.STOPPED if states & {*_OFF, State.DELETED} else Exposure.RUNNING


def _stage(account: Account, number: int) -> PaidWhen:
    """How far the ladder had come with this debt, in the state before the money came."""
    debt = account.debt(number)
    if debt is None:
        return PaidWhen.UNTOLD
    match _exposure(account, debt):
        case Exposure.DELETED:
            return PaidWhen.DELETED
        case Exposure.STOPPED:
            return PaidWhen.STOPPED
        case Exposure.RUNNING:
            if account.debt_is_held(number):
                return PaidWhen.HELD
            if any(sub.disable.counting or sub.restrict.counting for sub in _subscriptions(account, debt)):
                return PaidWhen.WARNED
            return PaidWhen.REMINDED if debt.reminded else PaidWhen.UNTOLD


_LOOKS: Mapping[type[f.Fact], Callable[..., None]] = {
    f.InvoiceIssued: Measure._issued,
    f.BecamePastDue: Measure._past_due,
    f.Noticed: Measure._noticed,
    f.PaymentBooked: Measure._paid,
    f.CreditAllocated: Measure._paid,
    f.InvoiceCredited: Measure._credited,
    f.WrittenOff: Measure._written_off,
    f.Restricted: Measure._stopped,
    f.Disabled: Measure._stopped,
    f.Resumed: Measure._resumed,
    f.DeletionOrdered: Measure._deleted,
}
"""What is measured; every other fact is only counted."""
