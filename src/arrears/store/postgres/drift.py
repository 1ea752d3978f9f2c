"""What services say otherwise than we do, on PostgreSQL (see ports.drift, SQL 0040)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Final, LiteralString

from arrears.core.drift import DriftKind, ServiceDrift
from arrears.ports.delivery import Parcel
from arrears.ports.drift import KnownDrift, ServiceAddress
from arrears.store.postgres.write import Db, utc

TO_ASK: Final[LiteralString] = """
UPDATE endpoint SET asked_at = %(now)s
WHERE use = 'service' AND state = 'on' AND (asked_at IS NULL OR asked_at <= %(before)s)
  AND %(only)s IN ('', name)
RETURNING endpoint_id, name, url
"""
SECRETS: Final[LiteralString] = """
SELECT endpoint_id, secret FROM endpoint_secret
WHERE endpoint_id = ANY(%(numbers)s) AND (until IS NULL OR until > %(now)s) ORDER BY no DESC
"""
# Another order is another matter, unless it orders the same anew.
_SAME: Final[LiteralString] = """(d.kind = excluded.kind AND d.reported = excluded.reported
        AND (d.given = excluded.given OR d.given - d.repairs = excluded.given - excluded.repairs))"""
FOUND: Final[LiteralString] = f"""
INSERT INTO service_drift AS d (endpoint_id, reported_account, subscription, kind, wanted, reported, sequence, given,
    repairs, since, seen_at)
SELECT %(endpoint)s, v.*, %(now)s, %(now)s
FROM unnest(%(accounts)s::bigint[], %(subscriptions)s::integer[], %(kinds)s::text[], %(wanted)s::text[],
    %(reported)s::text[], %(sequences)s::integer[], %(given)s::integer[], %(repairs)s::integer[]) AS v
ON CONFLICT (endpoint_id, reported_account, subscription) DO UPDATE SET seen_at = excluded.seen_at,
    sequence = excluded.sequence, given = excluded.given, kind = excluded.kind, wanted = excluded.wanted,
    reported = excluded.reported,
    repairs = CASE WHEN {_SAME} THEN greatest(d.repairs, excluded.repairs) ELSE excluded.repairs END,
    has_task = d.has_task AND {_SAME},
    since = CASE WHEN {_SAME} THEN d.since ELSE excluded.since END
"""
GONE: Final[LiteralString] = """
DELETE FROM service_drift WHERE endpoint_id = %(endpoint)s AND seen_at < %(now)s AND (%(all)s
    OR (reported_account, subscription) IN (SELECT * FROM unnest(%(accounts)s::bigint[], %(subscriptions)s::integer[])))
"""
DRIFT: Final[LiteralString] = """
SELECT e.name, d.reported_account, d.subscription, d.kind, d.wanted, d.reported, d.sequence, d.given, d.since,
    d.since < d.seen_at, d.has_task, d.repairs
FROM service_drift d JOIN endpoint e USING (endpoint_id) WHERE e.state <> 'removed'
"""
ONCE_MORE: Final[LiteralString] = """
INSERT INTO delivery AS d (endpoint_id, message, key, place, kind, body, fenced, state, next_at, made_at, moved_at)
VALUES (%(endpoint)s, %(message)s, %(key)s, %(place)s, %(kind)s, %(body)s, true, 'pending', %(now)s, %(now)s, %(now)s)
ON CONFLICT (endpoint_id, message) DO UPDATE SET state = 'pending', next_at = %(now)s, failing_since = NULL,
    lease_until = NULL, moved_at = %(now)s, tries = d.tries + 1 WHERE d.state = 'acknowledged'
"""


class PostgresDrift:
    """See ports.DriftBook."""

    def transaction(self) -> AbstractContextManager[Db]:
        """One transaction on a connection of its own."""
        raise NotImplementedError

    def reading(self) -> AbstractContextManager[Db]:
        """The transaction that this thread has open, else one of its own."""
        raise NotImplementedError

    def services_to_ask(self, now: datetime, every: timedelta, only: str = "") -> Sequence[ServiceAddress]:
        """See ports.DriftBook."""
        with self.transaction() as db:
            rows = db.execute(TO_ASK, {"now": now, "before": now - every, "only": only}).fetchall()
            secrets: dict[int, list[str]] = {number: [] for number, _, _ in rows}
            for number, secret in db.execute(SECRETS, {"numbers": list(secrets), "now": now}):
                secrets[number].append(secret)
        return [ServiceAddress(number, name, url, tuple(secrets[number])) for number, name, url in sorted(rows)]

    def service_called(self, name: str, now: datetime) -> ServiceAddress | None:
        """See ports.DriftBook."""
        with self.transaction() as db:
            found = db.execute(
                "SELECT endpoint_id, url FROM endpoint WHERE name = %s AND use = 'service' AND state <> 'removed'",
                [name],
            ).fetchone()
            if found is None:
                return None
            rows = db.execute(SECRETS, {"numbers": [found[0]], "now": now}).fetchall()
            return ServiceAddress(found[0], name, found[1], tuple(secret for _, secret in rows))

    def ask_soon(self, endpoint: int) -> None:
        """See ports.DriftBook."""
        with self.transaction() as db:
            db.execute("UPDATE endpoint SET asked_at = NULL WHERE endpoint_id = %s", [endpoint])

    def stopped_subscriptions(self, service: str) -> Sequence[tuple[int, int]]:
        """See ports.DriftBook."""
        with self.reading() as db:
            found = db.execute(
                "SELECT account_id, no FROM subscription WHERE service = %s AND state IN ('restricted', 'disabled')",
                [service],
            )
            return [(account, no) for account, no in found]

    def record_drift(
        self, service: str, found: Sequence[ServiceDrift], now: datetime, of: Sequence[tuple[int, int]] | None = None
    ) -> tuple[Sequence[KnownDrift], bool]:
        """See ports.DriftBook."""
        with self.transaction() as db:
            row = db.execute(
                "SELECT endpoint_id FROM endpoint"
                " WHERE name = %s AND use = 'service' AND state <> 'removed' FOR UPDATE",
                [service],
            ).fetchone()
            if row is None:
                return [], False
            [endpoint] = row
            tasks = db.execute("SELECT FROM service_drift WHERE endpoint_id = %s AND has_task LIMIT 1", [endpoint])
            had_task = tasks.fetchone() is not None
            if found:
                accounts, subscriptions, kinds, *rest = map(list, zip(*found, strict=True))
                values = dict(zip(("wanted", "reported", "sequences", "given", "repairs"), rest, strict=True))
                named = {"accounts": accounts, "subscriptions": subscriptions, "kinds": [str(one) for one in kinds]}
                db.execute(FOUND, {"endpoint": endpoint, "now": now, **named, **values})
            keys = {
                "accounts": [account for account, _ in of or ()],
                "subscriptions": [number for _, number in of or ()],
            }
            db.execute(GONE, {"endpoint": endpoint, "now": now, "all": of is None, **keys})
            known = _known(db, f"{DRIFT} ORDER BY d.since, 1, 2, 3")
            return [one for one in known if one.service == service], had_task

    def drift(self) -> Sequence[KnownDrift]:
        """See ports.DriftBook."""
        with self.reading() as db:
            return _known(db, f"{DRIFT} ORDER BY d.since, 1, 2, 3")

    def note_drift_task(self, service: str, *, has_task: bool) -> None:
        """See ports.DriftBook."""
        with self.transaction() as db:
            db.execute(
                "UPDATE service_drift d SET has_task = %s FROM endpoint e"
                " WHERE e.endpoint_id = d.endpoint_id AND e.name = %s AND e.state <> 'removed' AND d.since < d.seen_at",
                [has_task, service],
            )

    def give_once_more(self, endpoint: int, parcel: Parcel, account: int, subscription: int, now: datetime) -> None:
        """See ports.DriftBook."""
        with self.transaction() as db:
            db.execute(ONCE_MORE, {**parcel._asdict(), "endpoint": endpoint, "now": now})
            db.execute(
                "UPDATE service_drift SET repairs = repairs + 1"
                " WHERE endpoint_id = %s AND reported_account = %s AND subscription = %s",
                [endpoint, account, subscription],
            )


def _known(db: Db, statement: LiteralString) -> Sequence[KnownDrift]:
    return [
        KnownDrift(
            name,
            ServiceDrift(account, no, DriftKind(kind), wanted, reported, sequence, given),
            utc(since),
            certain,
            has_task,
            times,
        )
        for name, account, no, kind, wanted, reported, sequence, given, since, certain, has_task, times in db.execute(
            statement
        )
    ]
