"""The store in memory, for the simulator: the same facts, the same chain, the same things that may exist once.

Proved against PostgreSQL by the same contract tests; one thread. Everything is checked before anything is written.
"""

from __future__ import annotations

import hashlib
import heapq
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Final

from arrears.core.account import Account
from arrears.core.actions import NOTICE, ORDER
from arrears.core.errors import Refused
from arrears.core.facts import (
    ARREARS,
    AccountSetAside,
    AnyFact,
    BreakerSet,
    MailPaused,
    PolicyAdopted,
    Recorded,
    Resumed,
    SystemFact,
    encode_fact,
)
from arrears.core.policy import Policy
from arrears.core.recipients import Reach
from arrears.core.rows import Rows, rows_of
from arrears.core.unit import GENESIS, Stored, Unit, chained
from arrears.ports import Claim, NewAccount, System
from arrears.store.edges import EDGES
from arrears.store.memory_batch import MemoryBatch
from arrears.store.memory_mail import MemoryMail
from arrears.store.memory_money import MemoryMoney
from arrears.store.memory_rows import Action, Duplicate, Slot, keys_of
from arrears.store.memory_support import MemorySupport
from arrears.store.postgres import FOLLOWING_MAX
from arrears.store.setups import MemorySetups
from arrears.store.system import fold_system

_CURRENCY: Final = re.compile("[A-Z]{3}", re.ASCII)


class MemoryStore(MemoryMoney, MemoryMail, MemorySetups, MemorySupport):
    """See ports.Store. Rows that PostgreSQL keeps in tables are checked here for what may exist only once."""

    def __init__(self) -> None:
        self.slots: dict[int, Slot] = {}
        self.refs: dict[str, int] = {}
        MemoryMoney.__init__(self)
        MemoryMail.__init__(self)
        MemorySetups.__init__(self)
        MemorySupport.__init__(self)
        self.facts: dict[int, list[Stored]] = defaultdict(list)
        self.actions: dict[tuple[int, int, str], Action] = {}
        self.open_actions: dict[tuple[int, int, str], None] = {}
        self.ledger_open: dict[int, dict[tuple[int, int], int]] = defaultdict(dict)
        self.deletions: dict[date, int] = defaultdict(int)
        self.once: set[tuple[object, ...]] = set()
        self.open_cases: set[int] = set()
        self.totals: dict[tuple[int, int], int] = {}
        self.states: dict[tuple[int, int], str] = {}
        self.tasks: dict[tuple[int, int], tuple[str, str]] = {}
        self._due: list[tuple[datetime, int]] = []
        self._system = System(None, False, False, False)
        self._system_seq, self._system_head = 0, GENESIS
        self.system_facts: list[SystemFact] = []
        self._policies: dict[str, Policy] = {}

    # -- units of work ---------------------------------------------------------------------------------------

    @contextmanager
    def open_accounts(
        self, accounts: Sequence[NewAccount], now: datetime, also: Sequence[int] = ()
    ) -> Iterator[MemoryBatch]:
        """See ports.Store."""
        refs = set(self.refs)
        for new in accounts:
            if new.ref in refs:
                raise Refused("account_exists", f"account {new.ref!r} exists already")
            refs.add(new.ref)
        first = len(self.slots) + 1
        existing = self._units(also, now)
        now = existing[0].now if existing else now
        units = [Unit(first + i, None, 0, GENESIS, now) for i in range(len(accounts))]
        batch = MemoryBatch(self, [*units, *existing])
        yield batch
        self._check(batch.units)
        for unit, new in zip(units, accounts, strict=True):
            self.slots[unit.no] = Slot()
            self.refs[new.ref] = unit.no
            self.reached[unit.no] = Reach(unit.no, new.ref, new.name, new.zone, new.locale, new.contact or "")
        self._commit(batch)

    @contextmanager
    def accounts(self, numbers: Sequence[int], now: datetime) -> Iterator[MemoryBatch]:
        """See ports.Store."""
        missing = [n for n in numbers if n not in self.slots]
        if missing:
            raise Refused("unknown_account", f"there is no account {missing[0]}")
        batch = MemoryBatch(self, self._units(sorted(set(numbers)), now))
        yield batch
        self._commit(batch)

    @contextmanager
    def due(self, now: datetime, limit: int) -> Iterator[MemoryBatch]:
        """See ports.Store."""
        found: list[int] = []
        later: list[tuple[datetime, int]] = []
        while self._due and len(found) < limit and self._due[0][0] <= now:
            at, number = heapq.heappop(self._due)
            if self._recorded_at(number) > now:
                later.append((at, number))
            elif self.slots[number].next_at == at and number not in found:
                found.append(number)
        for one in later:
            heapq.heappush(self._due, one)
        batch = MemoryBatch(self, [self._unit(n, now) for n in found])
        committed = False
        try:
            yield batch
            self._commit(batch)
            committed = True
        finally:
            if not committed:
                for number in found:
                    due_at = self.slots[number].next_at
                    assert due_at is not None, "it was due"
                    heapq.heappush(self._due, (due_at, number))

    def _recorded_at(self, number: int) -> datetime:
        return self.facts[number][-1].recorded.at

    def _units(self, numbers: Sequence[int], now: datetime) -> list[Unit]:
        """Their time does not go back (I21): it is the instant of the newest fact that is there, if that is later."""
        now = max([now, *map(self._recorded_at, numbers)])
        return [self._unit(n, now) for n in numbers]

    def _unit(self, number: int, now: datetime) -> Unit:
        slot = self.slots[number]
        return Unit(number, slot.state, slot.seq, slot.head, now, slot.next_at)

    def _commit(self, batch: MemoryBatch) -> None:
        units = [u for u in batch.units if u.changed]
        if units:
            self._write(*self._check(units))
        for unit in units:
            slot = self.slots[unit.no]
            self.facts[unit.no].extend(unit.stored)
            slot.state, slot.seq, slot.head = unit.account, unit.seq, unit.head
            slot.waits = unit.account.waits
            slot.next_at = unit.next_at
            if unit.next_at is not None:
                heapq.heappush(self._due, (unit.next_at, unit.no))
        for claim, done in batch.finished:
            key = (claim.account, claim.seq, claim.kind)
            self.actions[key].status = "done" if done else "failed"
            self.open_actions.pop(key, None)
        for claim, until in batch.kept:
            action = self.actions[(claim.account, claim.seq, claim.kind)]
            action.tries -= 1
            action.lease_until = until or action.lease_until
        for change in batch.mail:
            change()
        for day, granted in batch.granted.items():
            self.deletions[day] += granted

    def _check(self, units: Sequence[Unit]) -> tuple[Rows, list[tuple[object, ...]]]:
        """The rows of these units and what may exist once, if all may be written; else Refused or Duplicate."""
        for unit in units:
            slot = self.slots.get(unit.no)
            if (0 if slot is None else slot.seq) != unit.seq_before:
                raise Duplicate(f"account {unit.no}: another transaction wrote fact {unit.seq_before + 1}")
        rows = rows_of(units)
        keys = keys_of(rows)
        self._check_once(keys)
        self._check_money(rows)
        self._check_cases(rows)
        wrong = self.check_attempts(rows)
        if wrong is not None:
            raise Duplicate(wrong)
        for sub in rows.subscriptions:
            was = self.states.get((sub.account_id, sub.no))
            if was is not None and was != sub.state and (was, sub.state) not in EDGES:
                raise Duplicate(f"subscription {sub.no} of account {sub.account_id}: {was} -> {sub.state}")
        return rows, keys

    def _write(self, rows: Rows, keys: list[tuple[object, ...]]) -> None:
        self.write_money(rows)
        self.write_requests(rows)
        for sub in rows.subscriptions:
            self.states[(sub.account_id, sub.no)] = sub.state
        for e in rows.entries:
            if e.ledger == "receivable":
                of_account = self.ledger_open[e.account]
                key = (e.account, e.debt)
                of_account[key] = of_account.get(key, 0) + e.minor
                if of_account[key] == 0:
                    del of_account[key]
        self.once.update(keys)
        if rows.case_ends:
            self.open_cases.difference_update([c.account_id for c in rows.case_ends])
        if rows.cases:
            self.open_cases.update([c.account_id for c in rows.cases if c.outcome is None])
        for i in rows.invoices:
            self.totals[(i.account_id, i.no)] = i.total_minor
        for a in rows.actions:
            self.actions[(a.account, a.seq, a.kind)] = Action(a.subscription, a.order_no, a.order)
            self.open_actions[(a.account, a.seq, a.kind)] = None
        for t in rows.tasks:
            self.tasks[(t.account, t.seq)] = (t.kind, t.what)
        for end in rows.task_ends:
            self.tasks.pop((end.account_id, end.seq), None)

    def _check_once(self, fresh: list[tuple[object, ...]]) -> None:
        seen: set[tuple[object, ...]] = set()
        for key in fresh:
            if key in self.once or key in seen:
                if key[0] in ("invoice", "payment"):
                    raise Refused(f"duplicate_{key[0]}", f"{key[0]} {key[-1]!r} exists already")
                raise Duplicate(f"twice: {key}")
            seen.add(key)

    def _check_money(self, rows: Rows) -> None:
        if rows.entries:
            sums: dict[tuple[int, int, str], int] = defaultdict(int)
            for e in rows.entries:
                sums[(e.account, e.seq, e.currency)] += e.minor
            if any(sums.values()):
                raise Duplicate("entries do not balance")
        totals = {}
        for i in rows.invoices:
            totals[(i.account_id, i.no)] = i.total_minor
            if not 0 <= i.open_minor <= i.total_minor or i.due_on < i.issued_on or not _CURRENCY.fullmatch(i.currency):
                raise Duplicate(f"invoice {i.number!r} cannot be")
        for c in rows.invoice_changes:
            key = (c.account_id, c.no)
            if not 0 <= c.open_minor <= totals.get(key, self.totals.get(key, 0)):
                raise Duplicate(f"invoice {c.no} of account {c.account_id}: {c.open_minor} would be open")
        for p in rows.payments:
            if p.amount_minor <= 0:
                raise Duplicate(f"payment {p.ref!r} of nothing")

    def _check_cases(self, rows: Rows) -> None:
        """At most one open case an account, at the end of the transaction."""
        if not rows.cases:
            return
        closed = {c.account_id for c in rows.case_ends}
        opened: set[int] = set()
        for c in rows.cases:
            if c.outcome is not None:
                continue
            if c.account_id in opened or (c.account_id in self.open_cases and c.account_id not in closed):
                raise Duplicate(f"account {c.account_id} has an open case already")
            opened.add(c.account_id)

    def set_aside(self, number: int, now: datetime, why: str) -> None:
        """See ports.Store."""
        self.slots[number].next_at = None
        self.record_system(AccountSetAside(account=number, why=why), now, ARREARS, why)
        self.tasks[(SYSTEM, self._system_seq)] = ("set_aside", f"account {number}: {why}")

    # -- what must be performed --------------------------------------------------------------------------------

    def claim(self, now: datetime, limit: int, lease_seconds: int) -> Sequence[Claim]:
        """See ports.Store."""
        claims: list[Claim] = []
        blocked: set[tuple[int, int]] = set()
        for key in self.open_actions:
            if len(claims) == limit:
                break
            action = self.actions[key]
            account, seq, kind = key
            if kind == ORDER:
                subscription = (account, action.subscription)
                if subscription in blocked:
                    continue
                blocked.add(subscription)
            if action.status == "claimed" and action.lease_until is not None and action.lease_until > now:
                continue
            action.status = "claimed"
            action.tries += 1
            action.lease_until = now + timedelta(seconds=lease_seconds)
            claims.append(Claim(account, seq, kind, action.subscription, action.order_no, action.order, action.tries))
        return claims

    def give_back(self, claims: Sequence[Claim]) -> None:
        """See ports.Store."""
        for claim in claims:
            action = self.actions[(claim.account, claim.seq, claim.kind)]
            if action.status == "claimed" and action.tries == claim.tries:
                action.tries -= 1

    def again(self, account: int, seq: int) -> None:
        """See ports.Batch."""
        key = (account, seq, NOTICE)
        if self.actions[key].status in ("done", "failed"):
            self.actions[key] = Action(0, 0, "")
            self.open_actions[key] = None

    def messages(self, claims: Sequence[Claim]) -> Mapping[tuple[int, int], AnyFact]:
        """See ports.Store."""
        return {(c.account, c.seq): self.facts[c.account][c.seq - 1].recorded.fact for c in claims}

    def resumed_with(self, facts: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], tuple[int, ...]]:
        """See ports.Store."""
        found = {}
        for account, seq in facts:
            stream = [s.recorded for s in self.facts[account][seq - 1 : seq + FOLLOWING_MAX]]
            with_it = [r.fact for r in stream if r.at == stream[0].at]
            found[account, seq] = tuple(x.subscription for x in with_it if isinstance(x, Resumed) and x.order_no)
        return found

    # -- reading -----------------------------------------------------------------------------------------------

    def snapshots(self, numbers: Sequence[int]) -> Mapping[int, Account]:
        """See ports.Store."""
        return {n: s.state for n in numbers if (s := self.slots.get(n)) is not None and s.state is not None}

    def account_numbers(self, refs: Sequence[str]) -> Mapping[str, int]:
        """See ports.Store."""
        return {r: self.refs[r] for r in refs if r in self.refs}

    def history(self, number: int) -> Sequence[Recorded]:
        """See ports.Store."""
        return [s.recorded for s in self.facts[number]]

    def next_due(self) -> datetime | None:
        """See ports.Store."""
        while self._due and self.slots[self._due[0][1]].next_at != self._due[0][0]:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def wake_waiting(self, now: datetime) -> int:
        """See ports.Store."""
        waiting = [n for n, slot in self.slots.items() if slot.waits]
        for number in waiting:
            self.slots[number].next_at = now
            heapq.heappush(self._due, (now, number))
        return len(waiting)

    def digest(self) -> str:
        """See ports.Store."""
        total = hashlib.sha256(self._system_head)
        for number in sorted(self.slots):
            total.update(self.slots[number].head)
        return total.hexdigest()

    # -- the installation --------------------------------------------------------------------------------------

    def policies(self) -> Mapping[str, Policy]:
        """See ports.Store."""
        return self._policies

    def adopt(self, policy: Policy, now: datetime, author: str) -> None:
        """See ports.Store."""
        if self._policies.get(policy.name) == policy:
            return
        self._policies = {**self._policies, policy.name: policy, policy.version: policy}
        self.record_system(PolicyAdopted(name=policy.name, version=policy.version), now, author, "")

    def tick(self, now: datetime) -> tuple[System, float]:
        """See ports.Store. There is one clock here, so both agree."""
        before = self._system
        self._system = before._replace(last_tick_at=now)
        return before, 0.0

    def record_system(self, fact: SystemFact, now: datetime, author: str, why: str) -> None:
        """See ports.Store."""
        self._system_seq += 1
        self._system_head = chained(self._system_head, SYSTEM, self._system_seq, now, author, why, encode_fact(fact))
        if isinstance(fact, BreakerSet) and fact.open:
            self.tasks[(SYSTEM, self._system_seq)] = ("decline_storm", why)
        if isinstance(fact, MailPaused):
            self.tasks = {key: task for key, task in self.tasks.items() if task[0] != "mail_paused"}
            if not fact.over:
                self.tasks[(SYSTEM, self._system_seq)] = ("mail_paused", why)
        self._system = fold_system(self._system, fact)
        self.system_facts.append(fact)

    def system(self) -> System:
        """See ports.Store."""
        return self._system


SYSTEM: Final = 0
