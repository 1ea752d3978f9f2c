"""The store in memory, for the simulator: the same facts, the same chain, the same things that may exist once.

Proved against PostgreSQL by the same contract tests; one thread. Everything is checked before anything is written.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from arrears.core.account import Account
from arrears.core.actions import ORDER
from arrears.core.errors import Refused
from arrears.core.facts import (
    ARREARS,
    AccountSetAside,
    PolicyAdopted,
    Recorded,
    Resumed,
    SystemFact,
    encode_fact,
)
from arrears.core.messages.recipients import Contacts
from arrears.core.policy import Policy
from arrears.core.system import System, fold_system
from arrears.core.tasks import SYSTEM
from arrears.core.unit import GENESIS, Unit, chained
from arrears.core.view import View
from arrears.ports import Claim, NewAccount
from arrears.ports.installation import LEFT_OUT_AFTER
from arrears.ports.payments import MethodAndTries
from arrears.store.memory.batch import MemoryBatch
from arrears.store.memory.book import extras_of
from arrears.store.memory.parts import MemoryParts
from arrears.store.memory.rows import Slot
from arrears.store.memory.tables import MemoryTables
from arrears.store.reading import FOLLOWING_MAX


class MemoryStore(MemoryTables):
    """See ports.Store. Rows that PostgreSQL keeps in tables are checked here for what may exist only once."""

    # -- units of work ---------------------------------------------------------------------------------------

    @contextmanager
    def open_accounts(self, accounts: Sequence[NewAccount], now: datetime) -> Iterator[MemoryBatch]:
        """See ports.AccountOpening."""
        self._refuse_known(accounts)
        first = max(self.slots, default=0) + 1
        units = [Unit(first + i, None, 0, GENESIS, now) for i in range(len(accounts))]
        batch = MemoryBatch(self, units)
        yield batch
        self.check(batch.units)
        self._take_new({unit.no: new for unit, new in zip(units, accounts, strict=True)}, now)
        self._commit(batch)

    @contextmanager
    def in_parts(self, now: datetime, wait_max: timedelta | None = None) -> Iterator[MemoryParts]:
        """See ports.AccountOpening."""
        parts = MemoryParts(self, now)
        yield parts
        self.check(parts.sent)
        self._take_new({unit.no: parts.new[unit.no] for unit in parts.sent if unit.is_new}, now)
        batch = MemoryBatch(self, parts.sent)
        batch.mail += parts.described
        self._commit(batch)

    def _refuse_known(self, accounts: Sequence[NewAccount]) -> None:
        refs = set(self.refs)
        for new in accounts:
            if new.ref in refs:
                raise Refused("account_exists", f"account {new.ref!r} exists already")
            refs.add(new.ref)

    def _take_new(self, opened: Mapping[int, NewAccount], now: datetime) -> None:
        for number, new in opened.items():
            self.slots[number] = Slot()
            self.refs[new.ref] = number
            self.known[number] = new
            self.name_method(number, new.method, now)
            reached = Contacts(number, new.ref, new.name, new.zone, new.locale, new.contact or "")
            self.reached[number] = reached._replace(extras=extras_of(new))

    @contextmanager
    def accounts(self, numbers: Sequence[int], now: datetime) -> Iterator[MemoryBatch]:
        """See ports.Accounts."""
        missing = [n for n in numbers if n not in self.slots]
        if missing:
            raise Refused("unknown_account", f"there is no account {missing[0]}")
        batch = MemoryBatch(self, self.units_of(sorted(set(numbers)), now))
        yield batch
        self._commit(batch)

    @contextmanager
    def due(self, now: datetime, limit: int) -> Iterator[MemoryBatch]:
        """See ports.DueAccounts."""
        found: list[int] = []
        later: list[tuple[datetime, int]] = []
        while self.due_queue and len(found) < limit and self.due_queue[0][0] <= now:
            at, number = heapq.heappop(self.due_queue)
            if self._recorded_at(number) > now:
                later.append((at, number))
            elif self.slots[number].next_at == at and number not in found:
                found.append(number)
        for one in later:
            heapq.heappush(self.due_queue, one)
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
                    heapq.heappush(self.due_queue, (due_at, number))

    def _recorded_at(self, number: int) -> datetime:
        return self.facts[number][-1].recorded.at

    def units_of(self, numbers: Sequence[int], now: datetime) -> list[Unit]:
        """Their time does not go back (I21): it is the instant of the newest fact that is there, if that is later."""
        now = max([now, *map(self._recorded_at, numbers)])
        return [self._unit(n, now) for n in numbers]

    def _unit(self, number: int, now: datetime) -> Unit:
        slot = self.slots[number]
        return Unit(number, slot.state, slot.seq, slot.head, now, slot.next_at)

    def _commit(self, batch: MemoryBatch) -> None:
        units = [u for u in batch.units if u.changed]
        if units:
            self.write(*self.check(units))
        for unit in units:
            slot = self.slots[unit.no]
            self.facts[unit.no].extend(unit.stored)
            slot.state, slot.seq, slot.head = unit.account, unit.seq, unit.head
            slot.waits = unit.account.waits
            slot.next_at = unit.next_at
            if unit.next_at is not None:
                heapq.heappush(self.due_queue, (unit.next_at, unit.no))
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

    def set_aside(self, number: int, now: datetime, why: str) -> None:
        """See ports.DueAccounts."""
        self.slots[number].next_at = None
        self.record_system(AccountSetAside(account=number, why=why), now, ARREARS, why)

    # -- what must be performed --------------------------------------------------------------------------------

    def claim(self, now: datetime, limit: int, lease_seconds: int, kind: str | None = None) -> Sequence[Claim]:
        """See ports.ActionQueue."""
        claims: list[Claim] = []
        blocked: set[tuple[int, int]] = set()
        for key in self.open_actions:
            if len(claims) == limit:
                break
            action = self.actions[key]
            account, seq, mine = key
            if kind not in (None, mine):
                continue
            if mine == ORDER:
                subscription = (account, action.subscription)
                if subscription in blocked:
                    continue
                blocked.add(subscription)
            if action.status == "claimed" and action.lease_until is not None and action.lease_until > now:
                continue
            action.status = "claimed"
            action.tries += 1
            action.lease_until = now + timedelta(seconds=lease_seconds)
            claims.append(Claim(account, seq, mine, action.subscription, action.order_no, action.order, action.tries))
        return claims

    def give_back(self, claims: Sequence[Claim]) -> None:
        """See ports.ActionQueue."""
        for claim in claims:
            action = self.actions[(claim.account, claim.seq, claim.kind)]
            if action.status == "claimed" and action.tries == claim.tries:
                action.tries -= 1

    def noticed_facts(self, claims: Sequence[Claim]) -> Mapping[tuple[int, int], Recorded]:
        """See ports.NoticeFacts."""
        return {(c.account, c.seq): self.facts[c.account][c.seq - 1].recorded for c in claims}

    def subscriptions_resumed_with(self, facts: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], tuple[int, ...]]:
        """See ports.NoticeFacts."""
        found = {}
        for account, seq in facts:
            stream = [s.recorded for s in self.facts[account][seq - 1 : seq + FOLLOWING_MAX]]
            with_it = [r.fact for r in stream if r.at == stream[0].at]
            found[account, seq] = tuple(x.subscription for x in with_it if isinstance(x, Resumed) and x.order_no)
        return found

    # -- reading -----------------------------------------------------------------------------------------------

    def snapshots(self, numbers: Sequence[int]) -> Mapping[int, Account]:
        """See ports.AccountReader."""
        return {n: s.state for n in numbers if (s := self.slots.get(n)) is not None and s.state is not None}

    def seen(self, number: int, now: datetime) -> View | None:
        """See ports.AccountReader."""
        account = self.snapshots([number]).get(number)
        return None if account is None else View(self.adopted, account, self.system().guards, now)

    def seen_to_charge(self, account: int, attempt: int, now: datetime) -> tuple[View | None, MethodAndTries | None]:
        """See ports.AccountsAndMoney."""
        number = next((one.method for one in self.attempts(account) if one.no == attempt), 0)
        return self.seen(account, now), self.method_and_tries(account, number) if number else None

    def account_numbers(self, refs: Sequence[str]) -> Mapping[str, int]:
        """See ports.AccountReader."""
        return {r: self.refs[r] for r in refs if r in self.refs}

    def history(self, number: int) -> Sequence[Recorded]:
        """See ports.Journal."""
        return [s.recorded for s in self.facts[number]]

    def history_after(self, number: int, seq: int, most: int) -> Sequence[Recorded]:
        """See ports.Journal."""
        return [one for one in self.history(number) if one.seq > seq][:most]

    def next_due(self) -> datetime | None:
        """See ports.DueAccounts."""
        while self.due_queue and self.slots[self.due_queue[0][1]].next_at != self.due_queue[0][0]:
            heapq.heappop(self.due_queue)
        return self.due_queue[0][0] if self.due_queue else None

    def wake_waiting(self, now: datetime) -> int:
        """See ports.InstallationControl."""
        waiting = [n for n, slot in self.slots.items() if slot.waits]
        for number in waiting:
            self.slots[number].next_at = now
            heapq.heappush(self.due_queue, (now, number))
        return len(waiting)

    def digest(self) -> str:
        """See ports.Journal."""
        total = hashlib.sha256(self.system_head)
        for number in sorted(self.slots):
            total.update(self.slots[number].head)
        return total.hexdigest()

    # -- the installation --------------------------------------------------------------------------------------

    def system_fact(self, seq: int) -> SystemFact | None:
        """See ports.Journal."""
        return self.system_facts[seq - 1] if 0 < seq <= len(self.system_facts) else None

    def policies(self) -> Mapping[str, Policy]:
        """See ports.InstallationState."""
        return self.adopted

    def adopt(self, policy: Policy, now: datetime, author: str, why: str = "") -> None:
        """See ports.InstallationControl."""
        if self.adopted.get(policy.name) == policy:
            return
        self.adopted = {**self.adopted, policy.name: policy, policy.version: policy}
        self.record_system(PolicyAdopted(name=policy.name, version=policy.version), now, author, why)

    def tick(self, now: datetime) -> tuple[System, float]:
        """See ports.InstallationControl. There is one clock here, so both agree."""
        before = self.installation
        self.installation = before._replace(last_tick_at=now)
        return before, 0.0

    def put_back(self) -> str:
        """See ports.BackupWatch. There is no backup of it; `put_back_why` is said once where it is given."""
        why, self.put_back_why = self.put_back_why, ""
        return why

    def count_as_unread(self, since: datetime) -> None:
        """See ports.BackupWatch."""
        self.swept = {name: (min(until, since), cursor) for name, (until, cursor) in self.swept.items()}

    def run_complete(self, now: datetime, accounts: int, facts: int) -> int:
        """See ports.InstallationControl."""
        since, first = now - LEFT_OUT_AFTER, self.next_due()
        if first is None or first >= since:
            return 0
        return sum(s.next_at is not None and s.next_at < since for s in self.slots.values())

    def record_system(self, fact: SystemFact, now: datetime, author: str, why: str) -> None:
        """See ports.InstallationControl."""
        self.system_seq += 1
        self.system_head = chained(self.system_head, SYSTEM, self.system_seq, now, author, why, encode_fact(fact))
        self.write_system_tasks(self.system_seq, fact, why)
        self.installation = fold_system(self.installation, fact)
        self.system_facts.append(fact)
