"""The memory store's transaction: what a batch asks for is done when it ends without an error."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from functools import partial

from arrears.core.address import mailbox_of
from arrears.core.facts import Recorded
from arrears.core.policy import Policies
from arrears.core.unit import Unit
from arrears.ports import Claim, MailMove
from arrears.store.memory.tables import MemoryTables


class MemoryBatch:
    """Units of work; nothing is written until the context ends without an error."""

    def __init__(self, store: MemoryTables, units: Sequence[Unit]) -> None:
        self.units = units
        self.guards = store.system().guards
        self.policies: Policies = store.adopted
        self._store = store
        self.finished: list[tuple[Claim, bool]] = []
        self.kept: list[tuple[Claim, datetime | None]] = []
        self.mail: list[Callable[[], None]] = []
        self.granted: dict[date, int] = {}
        self._doubtful: set[int] = set()

    def write_early(self, units: Sequence[Unit]) -> None:
        """See ports.Batch. Nothing is faster here than writing everything at the end."""

    def look(self, units: Sequence[Unit]) -> None:
        """See ports.Batch. There is nothing to wait for."""
        self._doubtful.update(self.audit(units))

    def unproven(self) -> Collection[int]:
        """See ports.Batch."""
        return self._doubtful

    def audit(self, units: Sequence[Unit]) -> Mapping[int, str]:
        """See ports.Batch. Nobody has hands in memory; only the ledger can disagree."""
        found = {}
        for unit in units:
            sums, before = self._store.ledger_open[unit.no], unit.before
            assert before is not None, "only what is stored is cut"
            numbers = [d.number for d in before.debts if sums.get((unit.no, d.no), 0) != d.open_minor]
            if numbers:
                found[unit.no] = f"the ledger disagrees about invoice {', '.join(numbers[:5])}"
        return found

    def audited(self, account: int) -> Sequence[Recorded]:
        """See ports.Batch."""
        return [stored.recorded for stored in self._store.facts[account]]

    def grant_deletions(self, day: date, wanted: int, cap: int) -> int:
        """See ports.Batch."""
        used = self._store.deletions[day] + self.granted.get(day, 0)
        granted = max(0, min(wanted, cap - used))
        self.granted[day] = self.granted.get(day, 0) + granted
        return granted

    def end_claims(self, claims: Sequence[tuple[Claim, bool]]) -> Sequence[Claim]:
        """See ports.Batch."""
        held = [(claim, done) for claim, done in claims if self._held(claim)]
        self.finished += held
        return [claim for claim, _ in held]

    def postpone_claims(self, claims: Sequence[tuple[Claim, datetime | None]]) -> Sequence[Claim]:
        """See ports.Batch."""
        held = [(claim, until) for claim, until in claims if self._held(claim)]
        self.kept += held
        return [claim for claim, _ in held]

    def _held(self, claim: Claim) -> bool:
        action = self._store.actions[(claim.account, claim.seq, claim.kind)]
        return action.status == "claimed" and action.tries == claim.tries

    def move_mails(self, moves: Sequence[MailMove], now: datetime) -> Sequence[MailMove]:
        """See ports.Batch."""
        stayed = [stays for move in moves if (stays := self._store.stays(move)) is not None]
        self.mail.append(partial(self._store.move_mails, moves, now))
        return stayed

    def send_notice_again(self, account: int, seq: int) -> None:
        """See ports.Batch."""
        self.mail.append(partial(self._store.send_notice_again, account, seq))

    def mark_dead(self, address: str, why: str, now: datetime) -> None:
        """See ports.Batch."""
        self.mail.append(partial(self._store.dead.add, mailbox_of(address)))
