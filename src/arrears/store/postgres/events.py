"""Events on PostgreSQL: facts get a number in the order in which they were committed (ports.EventBook, SQL 0031)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Final, LiteralString

from arrears.core.events import FACT_KINDS, AccountEvent, EventNames, event_of, matches
from arrears.core.facts import Recorded, decode_fact
from arrears.core.ids import ACCOUNT, format_id
from arrears.ports.delivery import Parcel
from arrears.store.postgres.deliveries import PostgresDeliveries, put
from arrears.store.postgres.drift import PostgresDrift
from arrears.store.postgres.endpoints import PostgresEndpoints
from arrears.store.postgres.write import Db, utc

_NUMBERING: Final = 0x6172_7265_6172_7331
"""The advisory lock of whoever gives numbers to events."""

PENDING_MAX: Final = 10_000
"""An endpoint that is behind by so many deliveries gets no more of them for now: the events themselves wait."""

# The rows are in the order of their transactions' writes; of one account that is the order of its facts.
NUMBER: Final[LiteralString] = """
WITH taken AS (
    DELETE FROM unnumbered WHERE no IN (SELECT no FROM unnumbered ORDER BY no LIMIT %(batches)s)
    RETURNING no, accounts, was, seqs
), fresh AS (
    SELECT t.no, v.account_id, n.seq FROM taken t
    CROSS JOIN LATERAL unnest(t.accounts, t.was, t.seqs) AS v (account_id, was, seq)
    CROSS JOIN LATERAL generate_series(v.was + 1, v.seq) AS n (seq)
), top AS (SELECT coalesce(max(no), 0) AS no FROM event)
INSERT INTO event (no, account_id, seq)
SELECT top.no + row_number() OVER (ORDER BY fresh.no, f.account_id, f.seq), f.account_id, f.seq
FROM top, fresh JOIN fact f ON f.seq = fresh.seq AND f.account_id = fresh.account_id WHERE f.kind = ANY(%(kinds)s)
"""
AFTER: Final[LiteralString] = """
WITH next AS MATERIALIZED (SELECT * FROM event WHERE no > %(after)s ORDER BY no LIMIT %(limit)s)
SELECT e.no, f.account_id, f.seq, f.at, f.author, f.why, f.body, a.ref, a.zone
FROM next e JOIN fact f ON f.seq = e.seq AND f.account_id = e.account_id
JOIN account a ON a.account_id = e.account_id ORDER BY e.no
"""
AFTER_OF_ACCOUNT: Final[LiteralString] = """
WITH next AS MATERIALIZED (
    SELECT * FROM event WHERE account_id = %(account)s AND no > %(after)s ORDER BY seq LIMIT %(limit)s
)
SELECT e.no, f.account_id, f.seq, f.at, f.author, f.why, f.body, a.ref, a.zone
FROM next e JOIN fact f ON f.seq = e.seq AND f.account_id = e.account_id
JOIN account a ON a.account_id = e.account_id ORDER BY e.no
"""
NAMES: Final[LiteralString] = """
SELECT 'invoice', account_id, no, number FROM invoice WHERE account_id = ANY(%(accounts)s)
UNION ALL SELECT 'subscription', account_id, no, service FROM subscription WHERE account_id = ANY(%(accounts)s)
"""
# Who is behind, and has room; an endpoint that another courier puts events for is left to that one.
BEHIND: Final[LiteralString] = """
SELECT endpoint_id, kinds, account_id, event_no FROM endpoint e
WHERE use = 'events' AND state = 'on' AND event_no < (SELECT coalesce(max(no), 0) FROM event)
  AND (SELECT count(*) FROM (SELECT FROM delivery d WHERE d.endpoint_id = e.endpoint_id AND d.state = 'pending'
      LIMIT %(most)s) AS waiting) < %(most)s
ORDER BY endpoint_id FOR UPDATE SKIP LOCKED
"""


class PostgresEvents(PostgresEndpoints, PostgresDeliveries, PostgresDrift):
    """See ports.EventBook, and with it everything that goes out: ports.EndpointBook and ports.DeliveryBook."""

    def transaction(self) -> AbstractContextManager[Db]:
        """One transaction on a connection of its own."""
        raise NotImplementedError

    def reading(self) -> AbstractContextManager[Db]:
        """The transaction that this thread has open, else one of its own."""
        raise NotImplementedError

    def number_events(self, batches: int) -> int:
        """See ports.EventBook."""
        with self.transaction() as db:
            # Whoever cannot have the lock leaves it to the one who has: they see what is committed by now.
            row = db.execute("SELECT pg_try_advisory_xact_lock(%s)", [_NUMBERING]).fetchone()
            if row is None or not row[0]:
                return 0
            return db.execute(NUMBER, {"batches": batches, "kinds": list(FACT_KINDS)}).rowcount

    def events_after(
        self, after: int, limit: int, kinds: Sequence[str] = (), account: int = 0
    ) -> tuple[Sequence[AccountEvent], int]:
        """See ports.EventBook."""
        with self.reading() as db:
            return _after(db, after, limit, kinds, account)

    def put_events(self, limit: int, now: datetime) -> int:
        """See ports.EventBook."""
        total = 0
        with self.transaction() as db:
            for endpoint, kinds, account, after in db.execute(BEHIND, {"most": PENDING_MAX}).fetchall():
                found, looked = _after(db, after, limit, kinds.split(), account)
                total += put(db, endpoint, [parcel_of(one) for one in found], now)
                db.execute("UPDATE endpoint SET event_no = %s WHERE endpoint_id = %s", [looked, endpoint])
        return total


def parcel_of(event: AccountEvent) -> Parcel:
    """An event as it is delivered: in the order of its account."""
    return Parcel(event.id, format_id(ACCOUNT, event.account), event.no, event.type, event.body)


def _after(db: Db, after: int, limit: int, kinds: Sequence[str], account: int) -> tuple[list[AccountEvent], int]:
    rows = db.execute(
        AFTER_OF_ACCOUNT if account else AFTER, {"after": after, "limit": limit, "account": account}
    ).fetchall()
    if not rows:
        return [], after
    names = _names(db, {row[1] for row in rows})
    found = [_event(row, names[row[1]]) for row in rows]
    return [one for one in found if matches(kinds, one.type)], rows[-1][0]


def _event(row: tuple[Any, ...], of: EventNames) -> AccountEvent:
    no, account, seq, at, author, why, body, ref, zone = row
    return event_of(no, Recorded(account, seq, utc(at), author, why, decode_fact(body)), ref, zone, of)


def _names(db: Db, accounts: set[int]) -> Mapping[int, EventNames]:
    found: dict[tuple[str, int], dict[int, str]] = defaultdict(dict)
    for what, account, no, name in db.execute(NAMES, {"accounts": sorted(accounts)}):
        found[what, account][no] = name
    return {one: EventNames(one, found["invoice", one], found["subscription", one]) for one in accounts}
