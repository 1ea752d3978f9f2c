"""A world of made-up people on the real engine.

Events lie in a heap of (instant, account, number); between them the engine runs as it does for real. Every
transaction is checked against every invariant the moment it is committed.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, assert_never

from arrears.core import facts as f
from arrears.core.account import Action, Debt, HoldScope
from arrears.core.calendar import calendar_of
from arrears.core.errors import Refused
from arrears.core.escalation import DELETIONS_PER_DAY
from arrears.core.invariants import Breach
from arrears.core.policy import load_policy
from arrears.core.states import Reason, State
from arrears.engine import commands, system
from arrears.engine.booking import Payment
from arrears.engine.message_context import PLAIN_CONTEXT
from arrears.engine.payments.sweep import LOOK_UP_AFTER, look_up_open
from arrears.engine.plain import BriefWriter
from arrears.engine.run import Limits
from arrears.ports import NewAccount, Store
from arrears.sim import events, faults, people
from arrears.sim.bank import Bank, by_card
from arrears.sim.checker import Checker
from arrears.sim.ladder import disagreements
from arrears.sim.ladder_reminders import never_reminded
from arrears.sim.oracle import Bounds, bounds, wrongful_deletion, wrongful_disablement
from arrears.sim.people import PRICES, SERVICES, Bill, SimulatedPerson
from arrears.sim.stage import Stage
from arrears.sim.watched import watched

START: Final = datetime(2023, 11, 1, tzinfo=UTC)
"""A leap day lies four months ahead, and every zone's clock changes within the year."""

BRIEF_CONTEXT: Final = replace(PLAIN_CONTEXT, writer=BriefWriter())
OPERATOR: Final = "api:1"
STAFF: Final = "staff:1"


class World:
    """Everybody in it, everything that is planned, and the engine with its doors and its bad days."""

    def __init__(self, store: Store, accounts: int, days: int, seed: int, mix: people.Mix = people.TROUBLED) -> None:
        self.seed, self.days = seed, days
        self.end = START + timedelta(days=days)
        self.checker = Checker(store, DELETIONS_PER_DAY, self._on_escalation)
        self.store = watched(store, self.checker.committed, self.checker.system_changed)
        self.inner = store
        self.versions = {p.name: [p] for p in faults.policies()}
        self.people = {n: people.make_person(n, seed, sorted(self.versions), mix) for n in range(1, accounts + 1)}
        deaf = frozenset(p.no for p in self.people.values() if p.deaf)
        self.channel = faults.FlakyChannel(seed, lambda: self.stage.now, deaf)
        self.services = faults.SlowServices(seed)
        self.bank = Bank(seed, self.store, self.people, lambda: self.stage.now)
        limits = Limits(DELETIONS_PER_DAY)
        self.stage = Stage(
            self.store,
            self.channel,
            self.services,
            START,
            limits=limits,
            providers=self.bank.providers,
            context=BRIEF_CONTEXT,
        )
        self.heap: list[tuple[datetime, int, int, events.Event | faults.SystemEvent]] = []
        self.counts: dict[int, int] = {}
        self.faults: Counter[str] = Counter()
        self.engine_back_at = START
        self.look_at_clock = False
        self.wrongful_disablements: list[str] = []
        self.wrongful_deletions: list[str] = []
        self._bounds: dict[tuple[str, ...], Bounds] = {}

    # -- the course of time ------------------------------------------------------------------------------------

    def plan(self, at: datetime, account: int, event: events.Event | faults.SystemEvent) -> None:
        """Put an event on the heap, in the future and before the end."""
        if at <= self.stage.now:
            at = self.stage.now + timedelta(hours=1)
        if at < self.end:
            self.counts[account] = self.counts.get(account, 0) + 1
            heapq.heappush(self.heap, (at, account, self.counts[account], event))

    def next_event(self) -> datetime | None:
        """When something happens next."""
        return self.heap[0][0] if self.heap else None

    def open(self) -> None:
        """The first day: policies, accounts, and what everybody has in mind."""
        for versions in self.versions.values():
            system.adopt_policy(self.store, versions[0], START, STAFF)
        new = [
            (
                NewAccount(f"A{p.no}", f"Account {p.no}", "NL", p.zone, "en", p.mode, p.policy, f"a{p.no}@example.org"),
                SERVICES[: len(p.currencies)],
            )
            for p in self.people.values()
        ]
        numbers = commands.open_accounts(self.store, new, START, OPERATOR)
        assert numbers == list(self.people), "the store was not empty"
        for person in self.people.values():
            for at, event in people.first_plans(person, START, self.days):
                self.plan(at, person.no, event)
        self.plan(START + timedelta(hours=12), 0, faults.LookUp())
        for at, fault in faults.bad_days(self.seed, START, self.days):
            self.plan(at, 0, fault)

    def instant(self, at: datetime) -> None:
        """Let time pass up to an instant and let everything happen that was planned for it."""
        if at < self.engine_back_at:
            self.stage.now = max(self.stage.now, at)
        else:
            self.stage.now = max(self.stage.now, self.engine_back_at)
            self.stage.until(max(at, self.stage.now))
            self._look_at_clock()
        happening: list[tuple[int, events.Event | faults.SystemEvent]] = []
        while self.heap and self.heap[0][0] == at:
            _, account, _, event = heapq.heappop(self.heap)
            happening.append((account, event))
        self._bill([n for n, e in happening if isinstance(e, events.BillDue)])
        self._pay([(n, e) for n, e in happening if isinstance(e, events.Pay | events.PayEverything)])
        for account, event in happening:
            if isinstance(event, events.BillDue | events.Pay | events.PayEverything):
                continue
            if account:
                self._happens(self.people[account], event)  # type: ignore[arg-type]
            else:
                self._befalls(event)  # type: ignore[arg-type]
        if self.stage.now >= self.engine_back_at:
            self.stage.perform()

    def _look_at_clock(self) -> None:
        if self.look_at_clock and self.store.system().clock_suspect:
            self.look_at_clock = False
            self.faults["clock suspected"] += 1
            self.plan(self.stage.now + timedelta(hours=1 + self.seed % 60), 0, faults.Confirm())

    # -- money -------------------------------------------------------------------------------------------------

    def _bill(self, numbers: Sequence[int]) -> None:
        if not numbers:
            return
        now = self.stage.now
        invoices: list[commands.Invoice] = []
        states = self.store.snapshots(numbers)
        for number in numbers:
            person = self.people[number]
            running = [s.no for s in states[number].subscriptions if s.state in (State.ACTIVE, State.PAST_DUE)]
            invoices += self._invoices(person, running, now)
            month = now.replace(hour=5, minute=0, second=0, microsecond=0) + timedelta(days=31)
            self.plan(month.replace(day=person.bill_day + 1), number, events.BillDue())
        if not invoices:
            return
        issued = commands.issue_invoices(self.store, invoices, now, OPERATOR)
        for number, invoice in zip(issued, invoices, strict=True):
            person = self.people[invoice.account]
            bill = Bill(number, invoice.currency, invoice.total_minor, invoice.due_on, invoice.subscriptions)
            person.bills[number] = bill
            for at, event in people.plans_for(person, bill, now, self.end):
                self.plan(at, person.no, event)

    @staticmethod
    def _invoices(person: SimulatedPerson, running: Sequence[int], now: datetime) -> list[commands.Invoice]:
        rng = person.rng
        groups: list[tuple[int, ...]] = [(no,) for no in running]
        if len(running) > 1 and len(set(person.currencies)) == 1 and rng.random() < 0.7:
            groups = [tuple(running)]
        today = calendar_of(person.zone).local_day(now)
        terms_days = rng.choice((0, 7, 14)) if person.mode.value == "card" else 30
        found = []
        for group in groups:
            currency = person.currencies[group[0] - 1]
            total = sum(rng.randint(*PRICES[currency]) for _ in group)
            due_on = today + timedelta(days=terms_days)
            ref = person.next_ref("I")
            found.append(commands.Invoice(person.no, ref, currency, total, today, due_on, group))
        return found

    def _pay(self, given: Sequence[tuple[int, events.Pay | events.PayEverything]]) -> None:
        payments: list[Payment] = []
        for number, event in given:
            person = self.people[number]
            if isinstance(event, events.PayEverything):
                payments += self._everything(person)
                continue
            bill = person.bills[event.bill]
            part = bill.unpaid if event.percent == 100 else bill.unpaid * event.percent // 100
            if part + event.extra_minor > 0:
                bill.paid += part
                person.spare[bill.currency] = person.spare.get(bill.currency, 0) + event.extra_minor
                amount = part + event.extra_minor
                payments.append(Payment(number, person.next_ref("P"), bill.currency, amount, (bill.no,)))
        if payments:
            commands.record_payments(self.store, payments, self.stage.now, OPERATOR)

    @staticmethod
    def _everything(person: SimulatedPerson) -> list[Payment]:
        payments = []
        for currency in sorted({b.currency for b in person.owed}):
            bills = [b for b in person.owed if b.currency == currency]
            amount = sum(b.unpaid for b in bills)
            payments.append(Payment(person.no, person.next_ref("P"), currency, amount, tuple(b.no for b in bills)))
            for bill in bills:
                bill.paid = bill.total
        return payments

    # -- everything else -----------------------------------------------------------------------------------------

    def _happens(self, person: SimulatedPerson, event: events.Event) -> None:
        """What people and staff do. What is refused is not done; they do not insist."""
        self.faults[type(event).__name__] += 1
        try:
            self._do(person, event)
        except Refused as refused:
            self.faults[f"refused {refused.code}"] += 1

    def _do(self, person: SimulatedPerson, event: events.Event) -> None:
        store, now, no, rng = self.store, self.stage.now, person.no, person.rng
        match event:
            case events.BillDue() | events.Pay() | events.PayEverything():
                raise AssertionError("money is handled in sets")
            case events.DeclineByBank():
                commands.report_decline(store, no, [event.bill], now, OPERATOR)
                self._owed_from_today(person, person.bills[event.bill])
            case events.Return():
                self._return(person, person.bills[event.bill])
            case events.DisputeByCustomer():
                hold = commands.dispute(store, no, event.bill, now, f"person:{no}")
                self.plan(now + timedelta(hours=event.hours), no, events.Release(hold))
            case events.PlaceHold():
                self._hold(person, event)
            case events.Release():
                commands.release(store, no, event.hold, now, STAFF, "looked at")
            case events.Raise():
                commands.raise_doubt(store, no, event.kind, event.ref, now, OPERATOR)
                self.plan(now + timedelta(hours=event.hours), no, events.Clear(event.kind, event.ref))
            case events.Clear():
                commands.clear_doubt(store, no, event.kind, event.ref, now, OPERATOR)
            case events.Cancel():
                commands.cancel(store, no, event.subscription, now, f"person:{no}")
                person.given_up.add((event.subscription, "canceled"))
                if event.back_after_hours:
                    back_at = now + timedelta(hours=event.back_after_hours)
                    self.plan(back_at, no, events.Reactivate(event.subscription))
            case events.Reactivate():
                commands.reactivate(store, no, event.subscription, now, f"person:{no}")
                person.given_up.discard((event.subscription, "canceled"))
            case events.Block():
                commands.set_reason(store, no, event.subscription, Reason.POLICY_VIOLATION, now, STAFF, "looks bad")
                person.given_up.add((event.subscription, "blocked"))
                self.plan(now + timedelta(hours=event.hours), no, events.Unblock(event.subscription))
            case events.Unblock():
                commands.lift_reason(store, no, event.subscription, Reason.POLICY_VIOLATION, now, STAFF, "looks good")
                person.given_up.discard((event.subscription, "blocked"))
            case events.GiveUp():
                commands.write_off(store, no, event.bill, now, STAFF, "not worth it")
                person.bills[event.bill].given_up = True
            case events.Move():
                policy = rng.choice(sorted(self.versions))
                commands.change_terms(store, no, now, STAFF, policy=policy, zone=event.zone, mode=person.mode)
                person.zone, person.policy = event.zone, policy
                person.policies.add(policy)
            case events.GetCard() | events.SettleByCard():
                by_card(store, self.bank, person, event, now)
            case _:
                assert_never(event)

    def _return(self, person: SimulatedPerson, bill: Bill) -> None:
        if bill.paid <= 0:
            return
        number = self.store.invoices(person.no)[bill.no].number
        debt = Debt(bill.no, number, bill.currency, bill.total, 0, bill.due_on, bill.subscriptions)
        commands.reopen(self.store, person.no, debt, bill.paid, "returned by the bank", self.stage.now, OPERATOR)
        bill.paid = 0
        self._owed_from_today(person, bill)

    def _owed_from_today(self, person: SimulatedPerson, bill: Bill) -> None:
        """A decline, and money that has left, make a debt past due at once, by the zone that its case keeps."""
        calendar = people.kept_calendar(person, self.store.snapshots([person.no])[person.no])
        bill.due_on = min(bill.due_on, calendar.local_day(self.stage.now))

    def _hold(self, person: SimulatedPerson, event: events.PlaceHold) -> None:
        targets = {
            HoldScope.ACCOUNT: [0],
            HoldScope.SUBSCRIPTION: list(range(1, len(person.currencies) + 1)),
            HoldScope.DEBT: [b.no for b in person.owed],
        }[event.scope]
        if not targets:
            return
        now = self.stage.now
        hold = commands.hold(
            self.store,
            person.no,
            scope=event.scope,
            target=targets[event.pick % len(targets)],
            stops=event.stops,
            reason="asked for time",
            until=calendar_of(person.zone).local_day(now) + timedelta(days=event.days),
            now=now,
            author=STAFF,
        )
        if event.release_hours:
            self.plan(now + timedelta(hours=event.release_hours), person.no, events.Release(hold))

    def _befalls(self, event: faults.SystemEvent) -> None:
        """What happens to the whole installation."""
        store, now = self.store, self.stage.now
        self.faults[type(event).__name__] += 1
        match event:
            case faults.FeedStale():
                system.set_feed(store, stale=True, now=now, author=OPERATOR)
                self.plan(now + timedelta(hours=event.hours), 0, faults.FeedFresh())
            case faults.FeedFresh():
                system.set_feed(store, stale=False, now=now, author=OPERATOR)
            case faults.BreakerOpens():
                system.set_breaker(store, is_open=True, now=now, author=OPERATOR)
                self.plan(now + timedelta(hours=event.hours), 0, faults.BreakerCloses())
            case faults.BreakerCloses():
                system.set_breaker(store, is_open=False, now=now, author=OPERATOR)
            case faults.Outage():
                self._outage(event)
            case faults.LookUp():
                look_up_open(store, self.bank.providers, now)
                self.plan(now + timedelta(hours=12), 0, event)
            case faults.Confirm():
                system.confirm_clock(store, now, STAFF, "the time is right")
            case faults.Adopt():
                policy = load_policy(event.text, where="renewed")
                self.versions[policy.name].append(policy)
                self._bounds.clear()
                system.adopt_policy(store, policy, now, STAFF)
            case _:
                assert_never(event)

    def _outage(self, event: faults.Outage) -> None:
        self.look_at_clock = True
        back_at = min(self.stage.now + timedelta(hours=event.hours), self.end)
        if event.doors_open:
            self.engine_back_at = max(self.engine_back_at, back_at)
            return
        self.stage.now = back_at
        if event.hours % 3:
            # Most outages end with somebody who looks at the clock before the engine starts again.
            system.confirm_clock(self.store, back_at, STAFF, "after an outage")

    # -- judging -------------------------------------------------------------------------------------------------

    def _allowed(self, person: SimulatedPerson) -> Bounds:
        key = tuple(sorted(person.policies))
        if key not in self._bounds:
            self._bounds[key] = bounds([p for name in key for p in self.versions[name]])
        return self._bounds[key]

    def _on_escalation(self, recorded: f.Recorded) -> None:
        fact, person = recorded.fact, self.people[recorded.account]
        allowed, mail = self._allowed(person), self.channel.accepted
        where = f"account {person.no}, fact {recorded.seq}: "
        if isinstance(fact, f.Disabled):
            why = wrongful_disablement(person, fact.subscription, fact.on, recorded.at, allowed, mail)
            if why is not None:
                self.wrongful_disablements.append(where + why)
        elif isinstance(fact, f.DeletionOrdered):
            off_since = self.services.off_since.get((person.no, fact.subscription))
            why = wrongful_deletion(person, fact.subscription, recorded.at, off_since, allowed, mail)
            if why is not None:
                self.wrongful_deletions.append(where + why)

    def judge_days(self) -> None:
        """Every action on every account is on the day that a second reading of the ladder gives."""
        for number, account in self.store.snapshots(list(self.people)).items():
            for what in disagreements(self.store.history(number), self.store.policies()):
                wrongful = self.wrongful_deletions if Action.DELETE in what else self.wrongful_disablements
                wrongful.append(f"account {number}, {what}")
            late = {debt.no for debt in account.past_due}
            for what in never_reminded(self.store.history(number), late, self.end):
                self.wrongful_disablements.append(f"account {number}, {what}")

    def compare_services(self) -> None:
        """What each service was last told is what its subscription's state says, unless an order is on its way."""
        expected = {State.RESTRICTED: "restrict", State.DISABLED: "disable", State.DELETED: "delete"}
        for number, account in self.store.snapshots(list(self.people)).items():
            for sub in account.subscriptions:
                told = self.services.state.get((number, sub.no), "resume")
                if not sub.orders and told != expected.get(sub.state, "resume"):
                    what = f"subscription {sub.no} is {sub.state}, its service was told to {told}"
                    self.checker.complain([Breach("I16", number, what)])
        # The end is calm: an answer that was lost in the very last instant is looked up as soon as one may.
        look_up_open(self.store, self.bank.providers, self.stage.now + LOOK_UP_AFTER)
        self.checker.complain([Breach("I5", 0, what) for what in self.bank.disagreements()])
        if self.services.out_of_order:
            self.checker.complain([Breach("I16", 0, f"{self.services.out_of_order} orders came out of order")])
