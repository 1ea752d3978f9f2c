"""Methods, attempts and payments as rows: what is asked about money besides the accounts' own values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final, LiteralString

from arrears.core.account import Debt
from arrears.core.facts import PaymentBooked, decode_fact
from arrears.core.payments.planner import Tried
from arrears.ports import AttemptRecord, MethodRecord, PaymentRecord
from arrears.ports.payments import FOREIGN_KEPT, TRIES_MAX, MethodAndTries
from arrears.store.postgres.write import Db, DbRow, utc
from arrears.store.reading import issued, method_of, tried_of

METHODS: Final[LiteralString] = """
SELECT no, at_provider, ref, customer_ref, kind, fingerprint, label, expires_on, removed
FROM payment_method WHERE account_id = %s ORDER BY no
"""


METHOD_AND_TRIES: Final[LiteralString] = """
SELECT m.no, m.at_provider, m.ref, m.customer_ref, m.kind, m.fingerprint, m.label, m.expires_on, m.removed,
    t.no, t.created_at, t.initiator, t.amount_minor, t.currency, t.state, t.decline, t.network_code, t.advice,
    t.reached_network
FROM payment_method m LEFT JOIN LATERAL (
    SELECT a.no, a.created_at, a.initiator, a.amount_minor, a.currency, a.state, a.decline, a.network_code, a.advice,
        a.reached_network
    FROM payment_method o JOIN attempt a ON a.account_id = o.account_id AND a.method = o.no
    WHERE o.at_provider = m.at_provider AND o.fingerprint = m.fingerprint AND o.kind = m.kind
    AND o.account_id <> m.account_id AND (a.state <> 'paid' OR a.advice <> '')
    UNION ALL
    SELECT 0, c.tried_at, 'customer', c.amount_minor, c.currency, 'declined', c.decline, c.network_code, c.advice, true
    FROM card_try c WHERE c.at_provider = m.at_provider AND c.fingerprint = m.fingerprint
    ORDER BY 2 DESC LIMIT %(most)s
) t ON m.kind = 'card' AND m.fingerprint <> ''
WHERE m.account_id = %(account)s AND (m.no = %(number)s OR %(number)s = 0)
"""
METHOD_OF_ATTEMPT: Final[LiteralString] = METHOD_AND_TRIES.replace(
    "(m.no = %(number)s OR %(number)s = 0)",
    "m.no = (SELECT method FROM attempt WHERE account_id = %(account)s AND no = %(number)s)",
)
"""The same of the method of an attempt, by the attempt's number."""


ATTEMPTS: Final[LiteralString] = """
SELECT a.no, a.key, a.method, a.initiator, a.on_page, a.currency, a.amount_minor, a.quote, a.state, a.ref, a.decline,
    a.network_code, a.advice, a.created_at, a.moved_at, coalesce(m.at_provider, a.at_provider)
FROM attempt a LEFT JOIN payment_method m ON m.account_id = a.account_id AND m.no = a.method
WHERE a.account_id = %s ORDER BY a.no
"""


OPEN_ATTEMPTS: Final[LiteralString] = """
SELECT account_id, no FROM attempt WHERE state IN ('created', 'submitted', 'unknown', 'needs_customer')
AND moved_at <= %s ORDER BY state IN ('submitted', 'needs_customer'), moved_at, account_id, no LIMIT %s
"""


PAYMENT: Final[LiteralString] = """
SELECT p.account_id, p.seq, f.body FROM payment p JOIN fact f USING (account_id, seq) WHERE p.ref = %s
"""


ISSUED: Final[LiteralString] = """
SELECT body FROM account_fact WHERE account_id = %s AND kind IN ('invoice_issued', 'due_moved') ORDER BY seq
"""


FINISHED: Final[LiteralString] = """
SELECT count(*) FILTER (WHERE a.state = 'declined'), count(*) FROM attempt a
WHERE a.moved_at >= %b AND a.state IN ('paid', 'declined') AND 'declined' IS DISTINCT FROM (
    SELECT b.state FROM attempt b
    WHERE b.account_id = a.account_id AND b.method = a.method AND b.no < a.no AND b.state IN ('paid', 'declined')
    ORDER BY b.no DESC LIMIT 1)
"""


PROVIDER_PAYMENTS: Final[LiteralString] = """
SELECT p.ref, p.account_id, p.currency, p.amount_minor FROM payment p JOIN fact f USING (account_id, seq)
WHERE starts_with(p.ref, %s) AND f.at >= %s ORDER BY p.ref
"""


PROVIDER_NET: Final[LiteralString] = """
SELECT e.currency, sum(e.minor)::bigint FROM entry e JOIN fact f USING (account_id, seq)
LEFT JOIN payment p USING (account_id, seq) LEFT JOIN refund r USING (account_id, seq)
WHERE e.ledger = 'bank' AND f.at >= %(since)s AND (
    starts_with(p.ref, %(of)s) OR starts_with(r.ref, %(of)s)
    OR (f.kind IN ('debt_reopened', 'refund_undone') AND f.author = %(author)s))
GROUP BY e.currency
"""


SET_SWEPT: Final[LiteralString] = """
INSERT INTO provider_sweep (provider, swept_until, cursor_at) VALUES (%s, %s, %s) ON CONFLICT (provider) DO UPDATE
SET swept_until = excluded.swept_until, cursor_at = excluded.cursor_at
"""


NOTE_FOREIGN: Final[LiteralString] = """
WITH gone AS (DELETE FROM foreign_object WHERE met_at < %(before)s)
INSERT INTO foreign_object VALUES (%(provider)s, %(ref)s, %(installation)s, %(now)s) ON CONFLICT DO NOTHING
"""


def method_and_tries_of(rows: Sequence[DbRow]) -> MethodAndTries | None:
    """The method of these rows, and what others tried on its card; None where there is none."""
    if not rows:
        return None
    return MethodRecord(*rows[0][:9]), [tried_of(*row[9:]) for row in rows if row[9] is not None]


class PostgresMoney:
    """See ports.MoneyBook."""

    def transaction(self) -> AbstractContextManager[Db]:
        """One transaction on a connection of its own."""
        raise NotImplementedError

    def reading(self) -> AbstractContextManager[Db]:
        """The transaction that this thread has open, else one of its own."""
        raise NotImplementedError

    def method(self, account: int, number: int) -> MethodRecord:
        """See ports.MoneyBook."""
        return method_of(self.methods(account), number)

    def method_and_tries(self, account: int, number: int) -> MethodAndTries:
        """See ports.MoneyBook."""
        with self.reading() as db:
            asked = {"account": account, "number": number, "most": TRIES_MAX}
            found = method_and_tries_of(db.execute(METHOD_AND_TRIES, asked).fetchall())
        return found or (method_of((), number), ())

    def tries_elsewhere(self, account: int) -> Mapping[int, Sequence[Tried]]:
        """See ports.MoneyBook."""
        with self.reading() as db:
            rows = db.execute(METHOD_AND_TRIES, {"account": account, "number": 0, "most": TRIES_MAX}).fetchall()
        found: dict[int, list[Tried]] = {}
        for row in rows:
            if row[9] is not None:
                found.setdefault(row[0], []).append(tried_of(*row[9:]))
        return found

    def methods(self, account: int) -> Sequence[MethodRecord]:
        """See ports.MoneyBook."""
        with self.reading() as db:
            return [MethodRecord(*row) for row in db.execute(METHODS, [account])]

    def attempts(self, account: int) -> Sequence[AttemptRecord]:
        """See ports.MoneyBook."""
        with self.reading() as db:
            found = db.execute(ATTEMPTS, [account]).fetchall()
        records = [AttemptRecord(*row) for row in found]
        return [a._replace(created_at=utc(a.created_at), moved_at=utc(a.moved_at)) for a in records]

    def open_attempts(self, before: datetime, limit: int) -> Sequence[tuple[int, int]]:
        """See ports.SweepBook."""
        with self.reading() as db:
            return [(int(account), int(no)) for account, no in db.execute(OPEN_ATTEMPTS, [before, limit])]

    def attempts_finished_since(self, since: datetime) -> tuple[int, int]:
        """See ports.SweepBook."""
        with self.reading() as db:
            row = db.execute(FINISHED, [since]).fetchone()
        assert row is not None
        return int(row[0]), int(row[1])

    def payment(self, ref: str) -> PaymentRecord | None:
        """See ports.MoneyBook."""
        with self.reading() as db:
            row = db.execute(PAYMENT, [ref]).fetchone()
        if row is None:
            return None
        fact = decode_fact(row[2])
        assert isinstance(fact, PaymentBooked), f"payment {ref} is fact {row[1]} of account {row[0]}"
        return PaymentRecord(row[0], row[1], fact)

    def invoices(self, account: int) -> Mapping[int, Debt]:
        """See ports.MoneyBook."""
        with self.reading() as db:
            return issued(decode_fact(body) for (body,) in db.execute(ISSUED, [account]))

    def provider_payments(self, provider: str, since: datetime) -> Sequence[tuple[str, int, str, int]]:
        """See ports.ProviderBook."""
        with self.reading() as db:
            found = db.execute(PROVIDER_PAYMENTS, [f"{provider}:", since])
            return [(str(ref), int(account), str(currency), int(minor)) for ref, account, currency, minor in found]

    def provider_net(self, provider: str, since: datetime) -> Mapping[str, int]:
        """See ports.ProviderBook."""
        with self.reading() as db:
            params = {"of": f"{provider}:", "author": f"provider:{provider}", "since": since}
            return {str(currency): int(minor) for currency, minor in db.execute(PROVIDER_NET, params)}

    def swept_until(self, provider: str) -> datetime | None:
        """See ports.SweepBook."""
        with self.reading() as db:
            row = db.execute("SELECT swept_until FROM provider_sweep WHERE provider = %s", [provider]).fetchone()
        return None if row is None else utc(row[0])

    def note_foreign(self, provider: str, ref: str, installation: str, now: datetime) -> None:
        """See ports.SweepBook."""
        with self.transaction() as db:
            told = {"provider": provider, "ref": ref, "installation": installation}
            db.execute(NOTE_FOREIGN, {**told, "now": now, "before": now - FOREIGN_KEPT})

    def foreign_met(self) -> Mapping[str, int]:
        """See ports.SweepBook."""
        with self.reading() as db:
            found = db.execute("SELECT provider, count(*) FROM foreign_object GROUP BY provider ORDER BY provider")
            return {str(provider): int(count) for provider, count in found}

    def swept_cursor(self, provider: str) -> datetime | None:
        """See ports.SweepBook."""
        with self.reading() as db:
            row = db.execute("SELECT cursor_at FROM provider_sweep WHERE provider = %s", [provider]).fetchone()
        return None if row is None or row[0] is None else utc(row[0])

    def set_swept(self, provider: str, at: datetime, cursor: datetime | None) -> None:
        """See ports.SweepBook."""
        with self.transaction() as db:
            db.execute(SET_SWEPT, [provider, at, cursor])
