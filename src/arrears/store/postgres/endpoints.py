"""Endpoints on PostgreSQL, and what a person does with them (see ports.EndpointBook)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final, LiteralString

import psycopg

from arrears.core.errors import Refused
from arrears.ports.delivery import (
    DeliveryEndpoint,
    DeliveryState,
    EndpointState,
    EndpointUse,
    ListedDelivery,
    NewEndpoint,
)
from arrears.store.postgres.deliveries import DUE_AT_ONCE, no_endpoint, no_more_trouble
from arrears.store.postgres.write import Db, DbRow, utc

ENDPOINTS: Final[LiteralString] = """
SELECT endpoint_id, use, name, url, kinds, account_id, state, why, event_no, failures, failing_since, next_at
FROM endpoint WHERE state <> 'removed' ORDER BY name
"""
LISTED: Final[LiteralString] = """
SELECT endpoint_id, message, key, kind, state, tries, made_at, next_at, moved_at, status, said FROM delivery
WHERE endpoint_id = %(endpoint)s AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(message)s = '' OR message = %(message)s)
ORDER BY moved_at DESC, place DESC LIMIT %(limit)s
"""
REDRIVE: Final[LiteralString] = """
UPDATE delivery SET state = 'pending', next_at = %(now)s, lease_until = NULL, failing_since = NULL, moved_at = %(now)s
WHERE endpoint_id = %(endpoint)s AND state = 'parked' AND (%(message)s = '' OR message = %(message)s)
"""
# What is in a courier's hands goes to the end of its lease; its outcome finds another number of tries.
REPLAY: Final[LiteralString] = """
UPDATE delivery SET state = 'pending', next_at = %(now)s, failing_since = NULL, moved_at = %(now)s, tries = tries + 1
WHERE endpoint_id = %(endpoint)s AND place > %(after)s AND state <> 'pending'
"""


class PostgresEndpoints:
    """See ports.EndpointBook."""

    def transaction(self) -> AbstractContextManager[Db]:
        """One transaction on a connection of its own."""
        raise NotImplementedError

    def reading(self) -> AbstractContextManager[Db]:
        """The transaction that this thread has open, else one of its own."""
        raise NotImplementedError

    def add_endpoint(self, new: NewEndpoint, now: datetime) -> int:
        """See ports.EndpointBook."""
        try:
            with self.transaction() as db:
                row = db.execute(
                    "INSERT INTO endpoint (use, name, url, kinds, account_id, state, event_no, next_at, made_at,"
                    " changed_at) VALUES (%(use)s, %(name)s, %(url)s, %(kinds)s, %(account)s, 'on',"
                    " coalesce(%(after)s, (SELECT max(no) FROM event), 0), %(now)s, %(now)s, %(now)s)"
                    " RETURNING endpoint_id",
                    {**new._asdict(), "kinds": " ".join(new.kinds), "now": now},
                ).fetchone()
                assert row is not None
                db.execute(
                    "INSERT INTO endpoint_secret (endpoint_id, no, secret, made_at) VALUES (%s, 1, %s, %s)",
                    [row[0], new.secret, now],
                )
                return int(row[0])
        except psycopg.errors.UniqueViolation:
            raise Refused("duplicate_endpoint", f"there is an endpoint {new.name!r}; choose another name") from None

    def endpoints(self) -> Sequence[DeliveryEndpoint]:
        """See ports.EndpointBook."""
        with self.reading() as db:
            counts: dict[int, dict[DeliveryState, int]] = defaultdict(lambda: dict.fromkeys(DeliveryState, 0))
            for number, state, count in db.execute(
                "SELECT endpoint_id, state, count(*) FROM delivery GROUP BY endpoint_id, state"
            ):
                counts[number][DeliveryState(state)] = count
            return [_endpoint(row, counts[row[0]]) for row in db.execute(ENDPOINTS)]

    def endpoint_named(self, name: str) -> DeliveryEndpoint:
        """See ports.EndpointBook."""
        for one in self.endpoints():
            if one.name == name:
                return one
        raise no_endpoint(name)

    def switch_endpoint(self, number: int, state: EndpointState, why: str, now: datetime, author: str) -> None:
        """See ports.EndpointBook."""
        values = {"endpoint": number, "now": now, "state": state, "why": why}
        with self.transaction() as db:
            row = db.execute(
                "UPDATE endpoint SET state = %(state)s, why = %(why)s, failures = 0, failing_since = NULL,"
                " next_at = %(now)s, changed_at = %(now)s WHERE endpoint_id = %(endpoint)s RETURNING name",
                values,
            ).fetchone()
            assert row is not None
            match state:
                case EndpointState.ON:
                    db.execute(DUE_AT_ONCE, values)
                case EndpointState.REMOVED:
                    db.execute(
                        "UPDATE delivery SET state = 'parked', moved_at = %(now)s"
                        " WHERE endpoint_id = %(endpoint)s AND state = 'pending'",
                        values,
                    )
                    db.execute("DELETE FROM endpoint_secret WHERE endpoint_id = %(endpoint)s", values)
                case EndpointState.OFF:
                    pass
            no_more_trouble(db, row[0], now, author)

    def change_endpoint(self, number: int, url: str, kinds: tuple[str, ...], now: datetime) -> None:
        """See ports.EndpointBook."""
        with self.reading() as db:
            db.execute(
                "UPDATE endpoint SET url = %s, kinds = %s, changed_at = %s WHERE endpoint_id = %s",
                [url, " ".join(kinds), now, number],
            )

    def rotate_secret(self, number: int, secret: str, now: datetime, until: datetime) -> None:
        """See ports.EndpointBook."""
        with self.transaction() as db:
            db.execute("SELECT FROM endpoint WHERE endpoint_id = %s FOR UPDATE", [number])
            db.execute(
                "UPDATE endpoint_secret SET until = least(coalesce(until, %(until)s), %(until)s)"
                " WHERE endpoint_id = %(number)s",
                {"until": until, "number": number},
            )
            db.execute(
                "INSERT INTO endpoint_secret (endpoint_id, no, secret, made_at)"
                " SELECT %(number)s, coalesce(max(no), 0) + 1, %(secret)s, %(now)s FROM endpoint_secret"
                " WHERE endpoint_id = %(number)s",
                {"number": number, "secret": secret, "now": now},
            )

    def replay_events(self, number: int, after: int, now: datetime) -> None:
        """See ports.EndpointBook."""
        with self.transaction() as db:
            db.execute(
                "UPDATE endpoint SET event_no = least(event_no, %s) WHERE endpoint_id = %s AND use = 'events'",
                [after, number],
            )
            db.execute(REPLAY, {"endpoint": number, "after": after, "now": now})

    def listed_deliveries(
        self, number: int, state: DeliveryState | None, limit: int, message: str = ""
    ) -> Sequence[ListedDelivery]:
        """See ports.EndpointBook."""
        values = {"endpoint": number, "state": state, "message": message, "limit": limit}
        with self.reading() as db:
            return [
                ListedDelivery(
                    endpoint, name, key, kind, DeliveryState(now), tries, utc(made), utc(due), utc(at), *answer
                )
                for endpoint, name, key, kind, now, tries, made, due, at, *answer in db.execute(LISTED, values)
            ]

    def redrive(self, number: int, message: str, now: datetime) -> int:
        """See ports.EndpointBook."""
        with self.transaction() as db:
            return db.execute(REDRIVE, {"endpoint": number, "message": message, "now": now}).rowcount


def _endpoint(row: DbRow, counts: Mapping[DeliveryState, int]) -> DeliveryEndpoint:
    number, use, name, url, kinds, account, state, why, event_no, failures, since, next_at = row
    wanted, stands = tuple(kinds.split()), EndpointState(state)
    failing = None if since is None else utc(since)
    named = (number, EndpointUse(use), name, url, wanted, account, stands, why)
    return DeliveryEndpoint(*named, event_no, failures, failing, utc(next_at), counts)
