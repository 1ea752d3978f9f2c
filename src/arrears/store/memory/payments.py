"""The memory store's rows about money (see money.py)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter

from arrears.core.account import Debt
from arrears.core.facts import DebtReopened, PaymentBooked, Refunded, RefundUndone
from arrears.core.ledger import BANK, entries_of
from arrears.core.payments.planner import Tried
from arrears.core.payments.rows import AttemptRow, CardTryRow, RefundRow
from arrears.core.payments.values import AttemptState
from arrears.core.rows import Rows
from arrears.core.unit import Stored
from arrears.ports import AttemptRecord, MethodRecord, PaymentRecord
from arrears.ports.payments import FOREIGN_KEPT, TRIES_MAX, MethodAndTries
from arrears.store.reading import OPEN, issued, method_of, tried_of


class MemoryMoney:
    """See ports.MoneyBook."""

    facts: dict[int, list[Stored]]

    def __init__(self) -> None:
        self.method_rows: dict[int, dict[int, MethodRecord]] = {}
        self.cards: dict[tuple[str, str], list[tuple[int, int]]] = {}
        """The methods (account, number) that are one card, by its provider and its fingerprint there."""
        self.attempt_rows: dict[int, dict[int, AttemptRow]] = {}
        self.pending: dict[tuple[int, int], AttemptRow] = {}
        """Of these the ones that are not over, by account and number: they are few, and asked for often."""
        self.open_parts: dict[tuple[int, int], int] = {}
        self.payment_seqs: dict[str, tuple[int, int]] = {}
        self.refund_rows: list[RefundRow] = []
        self.foreign: dict[tuple[str, str], datetime] = {}
        self.card_try_rows: dict[tuple[str, str], list[CardTryRow]] = {}
        """What was tried in vain on providers' pages, by the provider and the card's fingerprint there."""
        self.swept: dict[str, tuple[datetime, datetime | None]] = {}

    def check_attempts(self, rows: Rows) -> str | None:
        """What about these rows the database would refuse, or None."""
        if rows.parts:
            ending = {(e.account_id, e.attempt) for e in rows.part_ends}
            taken = {key for key, attempt in self.open_parts.items() if (key[0], attempt) not in ending}
            for part in rows.parts:
                if (part.account_id, part.debt) in taken:
                    return f"invoice {part.debt} of account {part.account_id} has an open attempt already"
                taken.add((part.account_id, part.debt))
        for change in rows.attempt_changes:
            was = self.attempt_rows.get(change.account_id, {}).get(change.no)
            if was is not None and was.state != change.state and was.state not in OPEN:
                return f"attempt {change.no} of account {change.account_id}: {was.state} -> {change.state}"
        return None

    def write_money(self, rows: Rows) -> None:
        """Keep what PostgreSQL would have in its tables."""
        for m in rows.methods:
            self.method_rows.setdefault(m.account_id, {})[m.no] = MethodRecord(
                m.no, m.at_provider, m.ref, m.customer_ref, m.kind, m.fingerprint, m.label, m.expires_on, m.removed
            )
            if m.kind == "card" and m.fingerprint:
                self.cards.setdefault((m.at_provider, m.fingerprint), []).append((m.account_id, m.no))
        for c in rows.method_changes:
            of_account = self.method_rows[c.account_id]
            of_account[c.no] = of_account[c.no]._replace(expires_on=c.expires_on, removed=c.removed)
        for a in rows.attempts:
            self._keep_attempt(a)
        for change in rows.attempt_changes:
            was = self.attempt_rows[change.account_id][change.no]
            self._keep_attempt(
                was._replace(
                    state=change.state,
                    ref=change.ref or was.ref,
                    decline=change.decline,
                    network_code=change.network_code,
                    advice=change.advice,
                    reached_network=change.reached_network,
                    moved_at=change.moved_at,
                )
            )
        for end in rows.part_ends:
            over = [k for k, attempt in self.open_parts.items() if (k[0], attempt) == (end.account_id, end.attempt)]
            for key in over:
                del self.open_parts[key]
        for part in rows.parts:
            self.open_parts[(part.account_id, part.debt)] = part.attempt
        for p in rows.payments:
            self.payment_seqs[p.ref] = (p.account_id, p.seq)
        self.refund_rows += rows.refunds
        for one in rows.card_tries:
            self.card_try_rows.setdefault((one.at_provider, one.fingerprint), []).append(one)

    def _keep_attempt(self, row: AttemptRow) -> None:
        self.attempt_rows.setdefault(row.account_id, {})[row.no] = row
        if row.state in OPEN:
            self.pending[(row.account_id, row.no)] = row
        else:
            self.pending.pop((row.account_id, row.no), None)

    def method(self, account: int, number: int) -> MethodRecord:
        """See ports.MoneyBook."""
        return method_of(self.methods(account), number)

    def method_and_tries(self, account: int, number: int) -> MethodAndTries:
        """See ports.MoneyBook."""
        method = self.method(account, number)
        same = self.cards.get((method.at_provider, method.fingerprint), ()) if method.kind == "card" else ()
        tried = [
            tried_of(
                a.no,
                a.created_at,
                a.initiator,
                a.amount_minor,
                a.currency,
                a.state,
                a.decline,
                a.network_code,
                a.advice,
                a.reached_network,
            )
            for other, no in same
            if other != account
            for a in self.attempt_rows.get(other, {}).values()
            if a.method == no
        ]
        if method.kind == "card" and method.fingerprint:
            tried += map(_as_tried, self.card_try_rows.get((method.at_provider, method.fingerprint), ()))
        tried.sort(key=attrgetter("at"), reverse=True)
        told = [t for t in tried if t.state is not AttemptState.PAID or t.codes.advice]
        return method, told[:TRIES_MAX]

    def tries_elsewhere(self, account: int) -> Mapping[int, Sequence[Tried]]:
        """See ports.MoneyBook."""
        found = {m.no: self.method_and_tries(account, m.no)[1] for m in self.methods(account)}
        return {no: tries for no, tries in found.items() if tries}

    def methods(self, account: int) -> Sequence[MethodRecord]:
        """See ports.MoneyBook."""
        return [m for _, m in sorted(self.method_rows.get(account, {}).items())]

    def attempts(self, account: int) -> Sequence[AttemptRecord]:
        """See ports.MoneyBook."""
        methods = self.method_rows.get(account, {})
        return [
            AttemptRecord(
                a.no,
                a.key,
                a.method,
                a.initiator,
                a.on_page,
                a.currency,
                a.amount_minor,
                a.quote,
                a.state,
                a.ref,
                a.decline,
                a.network_code,
                a.advice,
                a.created_at,
                a.moved_at,
                methods[a.method].at_provider if a.method in methods else a.at_provider,
            )
            for _, a in sorted(self.attempt_rows.get(account, {}).items())
        ]

    def open_attempts(self, before: datetime, limit: int) -> Sequence[tuple[int, int]]:
        """See ports.SweepBook."""
        found = [a for a in self.pending.values() if a.moved_at <= before]
        found.sort(key=lambda a: (a.state in ("submitted", "needs_customer"), a.moved_at, a.account_id, a.no))
        return [(a.account_id, a.no) for a in found[:limit]]

    def attempts_finished_since(self, since: datetime) -> tuple[int, int]:
        """See ports.SweepBook."""
        ended: list[str] = []
        for of_account in self.attempt_rows.values():
            before: dict[int, str] = {}
            for _, attempt in sorted(of_account.items()):
                if attempt.state in ("paid", "declined"):
                    if attempt.moved_at >= since and before.get(attempt.method) != "declined":
                        ended.append(attempt.state)
                    before[attempt.method] = attempt.state
        return ended.count("declined"), len(ended)

    def payment(self, ref: str) -> PaymentRecord | None:
        """See ports.MoneyBook."""
        place = self.payment_seqs.get(ref)
        if place is None:
            return None
        account, seq = place
        fact = self.facts[account][seq - 1].recorded.fact
        assert isinstance(fact, PaymentBooked), f"payment {ref} is fact {seq} of account {account}"
        return PaymentRecord(account, seq, fact)

    def invoices(self, account: int) -> Mapping[int, Debt]:
        """See ports.MoneyBook."""
        return issued(s.recorded.fact for s in self.facts[account])

    def provider_payments(self, provider: str, since: datetime) -> Sequence[tuple[str, int, str, int]]:
        """See ports.ProviderBook."""
        found = []
        for ref, (account, seq) in sorted(self.payment_seqs.items()):
            recorded = self.facts[account][seq - 1].recorded
            if ref.startswith(f"{provider}:") and recorded.at >= since:
                assert isinstance(recorded.fact, PaymentBooked), f"payment {ref} is fact {seq} of account {account}"
                found.append((ref, account, recorded.fact.currency, recorded.fact.amount_minor))
        return found

    def provider_net(self, provider: str, since: datetime) -> Mapping[str, int]:
        """See ports.ProviderBook."""
        of, sums = f"{provider}:", defaultdict[str, int](int)
        for stored in (s for facts in self.facts.values() for s in facts if s.recorded.at >= since):
            fact = stored.recorded.fact
            named = isinstance(fact, PaymentBooked | Refunded) and fact.ref.startswith(of)
            moved = isinstance(fact, DebtReopened | RefundUndone) and stored.recorded.author == f"provider:{provider}"
            if named or moved:
                for entry in entries_of(stored.recorded):
                    if entry.ledger == BANK:
                        sums[entry.currency] += entry.minor
        return dict(sums)

    def swept_until(self, provider: str) -> datetime | None:
        """See ports.SweepBook."""
        return self.swept[provider][0] if provider in self.swept else None

    def note_foreign(self, provider: str, ref: str, installation: str, now: datetime) -> None:
        """See ports.SweepBook."""
        self.foreign = {key: at for key, at in self.foreign.items() if at >= now - FOREIGN_KEPT}
        self.foreign.setdefault((provider, ref), now)

    def foreign_met(self) -> Mapping[str, int]:
        """See ports.SweepBook."""
        return dict(sorted(Counter(provider for provider, _ in self.foreign).items()))

    def swept_cursor(self, provider: str) -> datetime | None:
        """See ports.SweepBook."""
        return self.swept[provider][1] if provider in self.swept else None

    def set_swept(self, provider: str, at: datetime, cursor: datetime | None) -> None:
        """See ports.SweepBook."""
        self.swept[provider] = at, cursor


def _as_tried(row: CardTryRow) -> Tried:
    codes = (row.decline, row.network_code, row.advice)
    return tried_of(
        0, row.tried_at, "customer", row.amount_minor, row.currency, "declined", *codes, reached_network=True
    )
