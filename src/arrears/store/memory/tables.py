"""What the memory store keeps, in place of tables, and what is refused before any of it changes.

The checks are the memory's answer to the UNIQUE and CHECK constraints and the forbidden edges of the SQL schema.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from arrears.core.actions import NOTICE
from arrears.core.errors import Refused
from arrears.core.facts import (
    SystemFact,
)
from arrears.core.policy import Policy
from arrears.core.rows import Rows, rows_of
from arrears.core.system import System
from arrears.core.unit import GENESIS, Stored, Unit
from arrears.store.memory.book import MemoryReceivables
from arrears.store.memory.edges import EDGES
from arrears.store.memory.messages import MemoryMail
from arrears.store.memory.named import MemoryNamedMethods
from arrears.store.memory.payments import MemoryMoney
from arrears.store.memory.rows import Duplicate, QueuedAction, Slot, keys_of
from arrears.store.memory.setups import MemorySetups
from arrears.store.memory.support import MemorySupport
from arrears.store.memory.tasks import MemoryTasks

_CURRENCY: Final = re.compile("[A-Z]{3}", re.ASCII)


class MemoryTables(
    MemoryMoney, MemoryMail, MemorySetups, MemorySupport, MemoryReceivables, MemoryTasks, MemoryNamedMethods
):
    """Accounts, facts, actions and keys as committed; nothing is written that `check` has not let through."""

    def __init__(self) -> None:
        self.slots: dict[int, Slot] = {}
        self.refs: dict[str, int] = {}
        MemoryMoney.__init__(self)
        MemoryMail.__init__(self)
        MemorySetups.__init__(self)
        MemorySupport.__init__(self)
        MemoryReceivables.__init__(self)
        MemoryTasks.__init__(self)
        MemoryNamedMethods.__init__(self)
        self.facts: dict[int, list[Stored]] = defaultdict(list)
        self.actions: dict[tuple[int, int, str], QueuedAction] = {}
        self.open_actions: dict[tuple[int, int, str], None] = {}
        self.ledger_open: dict[int, dict[tuple[int, int], int]] = defaultdict(dict)
        self.deletions: dict[date, int] = defaultdict(int)
        self.once: set[tuple[object, ...]] = set()
        self.open_cases: set[int] = set()
        self.totals: dict[tuple[int, int], int] = {}
        self.states: dict[tuple[int, int], str] = {}
        self.due_queue: list[tuple[datetime, int]] = []
        self.installation = System(None, False, False, False)
        self.put_back_why = ""
        self.system_seq, self.system_head = 0, GENESIS
        self.system_facts: list[SystemFact] = []
        self.adopted: dict[str, Policy] = {}

    def check(self, units: Sequence[Unit]) -> tuple[Rows, list[tuple[object, ...]]]:
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

    def write(self, rows: Rows, keys: list[tuple[object, ...]]) -> None:
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
            self.actions[(a.account, a.seq, a.kind)] = QueuedAction(a.subscription, a.order_no, a.order)
            self.open_actions[(a.account, a.seq, a.kind)] = None
        self.write_tasks(rows)

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

    def send_notice_again(self, account: int, seq: int) -> None:
        """See ports.Batch."""
        key = (account, seq, NOTICE)
        if self.actions[key].status in ("done", "failed"):
            self.actions[key] = QueuedAction(0, 0, "")
            self.open_actions[key] = None

    def system(self) -> System:
        """See ports.InstallationState."""
        return self.installation
