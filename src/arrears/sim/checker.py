"""The invariants of the made-up world: the touched account after every transaction, the whole state now and then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

from arrears.core import facts as f
from arrears.core.account import Account
from arrears.core.actions import CHARGE, NOTICE, ORDER
from arrears.core.evolve import evolve, open_account
from arrears.core.invariants import Breach, CheckedInstallation, Watch, check_actions
from arrears.core.unit import GENESIS, Unit, chained
from arrears.ports import InstallationState, SelfChecking
from arrears.store.memory.store import MemoryStore

BREACHES_MAX = 100
"""More are counted and not kept."""


KINDS = (CHARGE, NOTICE, ORDER)
_LOOKED_AT = frozenset({f.Disabled, f.DeletionOrdered, f.Parked})


class Checker:
    """Sees everything that is committed, and counts it."""

    def __init__(self, store: InstallationState, cap_per_day: int, on_escalation: Callable[[f.Recorded], None]) -> None:
        self._store = store
        self._cap_per_day = cap_per_day
        self._on_escalation = on_escalation
        self.installation = CheckedInstallation()
        self.watches: dict[int, Watch] = {}
        self.kinds: Counter[type[f.Fact]] = Counter()
        self.deletions: Counter[date] = Counter()
        self.breaches: list[Breach] = []
        self.breach_count = 0
        self.checked = 0
        self.transactions = 0
        self._actions = 0
        self._verified: dict[int, tuple[int, Account | None, bytes]] = {}

    def complain(self, found: Sequence[Breach]) -> None:
        """Keep and count breaches."""
        self.breach_count += len(found)
        self.breaches += found[: BREACHES_MAX - len(self.breaches)]

    def system_changed(self, now: datetime) -> None:
        """A guard of the whole installation changed."""
        self.installation.changed(now, self._store.system().guards)

    def committed(self, units: Sequence[Unit]) -> None:
        """One transaction: every touched account against every invariant."""
        policies = None
        for unit in units:
            if not unit.stored:
                continue
            if policies is None:
                policies = self._store.policies()
            watch = self.watches.get(unit.no)
            if watch is None:
                watch = self.watches[unit.no] = Watch(policies, self.installation)
            facts = [s.recorded for s in unit.stored]
            found = watch.see(facts, unit.account, policies)
            self.checked += 1
            self.transactions += 1
            if found:
                self.complain(found)
            for recorded in facts:
                kind = type(recorded.fact)
                self.kinds[kind] += 1
                if kind in _LOOKED_AT:
                    self._cut(recorded)

    def _cut(self, recorded: f.Recorded) -> None:
        fact = recorded.fact
        if isinstance(fact, f.Parked):
            self.complain([Breach("I7", recorded.account, f"fact {recorded.seq}: parked: {fact.why}")])
            return
        if isinstance(fact, f.DeletionOrdered) and not fact.released:
            day = recorded.at.astimezone(UTC).date()
            self.deletions[day] += 1
            if self.deletions[day] > self._cap_per_day:
                self.complain([Breach("I13", recorded.account, f"more than {self._cap_per_day} deletions on {day}")])
        self._on_escalation(recorded)

    def whole_state(self) -> None:
        """Fold, chain and actions of every account, from where the last whole check ended (the fold of a stream is
        the fold of its rest on the fold of its beginning). Of a database, what `arrears check` looks at."""
        store = self._store
        if isinstance(store, SelfChecking):
            checked, breaches = store.check_all()
            self.checked += checked
            self.complain(breaches)
        if not isinstance(store, MemoryStore):
            return
        for number, slot in store.slots.items():
            seq, state, head = self._verified.get(number, (0, None, GENESIS))
            self.checked += 1
            if seq == slot.seq and state is slot.state and head == slot.head:
                continue
            new = [(s.recorded, s.body) for s in store.facts[number][seq:]]
            for r, body in new:
                head = chained(head, number, r.seq, r.at, r.author, r.why, body)
                state = open_account(r) if state is None else evolve(state, r)
            if state != slot.state or head != slot.head:
                what = "folding the facts does not give the state, or the chain its head"
                self.complain([Breach("I18", number, what)])
            recorded = [r for r, _ in new]
            keys = [(r.seq, kind) for r in recorded for kind in KINDS if (number, r.seq, kind) in store.actions]
            self._actions += len(keys)
            self.complain(check_actions(number, recorded, keys))
            # The committed state equals the fold; from here on it is compared by identity, which is quicker.
            self._verified[number] = (seq + len(new), slot.state, head)
        if self._actions != len(store.actions):
            surplus = len(store.actions) - self._actions
            self.complain([Breach("I16", 0, f"{surplus} actions more than the facts ask for")])
