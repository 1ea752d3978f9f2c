"""The queue of deliveries on PostgreSQL, and the endpoints they go to (see ports.delivery, SQL 0031).

What comes next of a key is the first of it that is not acknowledged; a courier claims it with a lease. What a claim's
outcome may change is told by its number of tries: a courier whose lease was over changes nothing any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Final, LiteralString

from arrears.core.delivery.schedule import AWAY_AFTER, GIVEN_UP_AFTER
from arrears.core.errors import Refused
from arrears.core.facts import ARREARS, EndpointTrouble
from arrears.ports.delivery import (
    DeliveryClaim,
    DeliveryFate,
    DeliveryOutcome,
    DeliveryRound,
    DeliveryState,
    Parcel,
)
from arrears.store.postgres.installation import record_system
from arrears.store.postgres.write import Db, DbRow

PUT: Final[LiteralString] = """
INSERT INTO delivery (endpoint_id, message, key, place, kind, body, fenced, state, next_at, made_at, moved_at)
SELECT %(endpoint)s, v.*, 'pending', %(now)s, %(now)s, %(now)s
FROM unnest(%(messages)s::text[], %(keys)s::text[], %(places)s::bigint[], %(kinds)s::text[], %(bodies)s::text[],
    %(fenced)s::boolean[]) AS v
ON CONFLICT (endpoint_id, message) DO NOTHING
"""
# What comes before it is given first; but whose receiver drops what was overtaken need not wait for what was tried.
_FREE: Final[LiteralString] = """
d.state = 'pending' AND d.next_at <= %(now)s AND (d.lease_until IS NULL OR d.lease_until <= %(now)s)
AND NOT EXISTS (SELECT FROM delivery e WHERE e.endpoint_id = d.endpoint_id AND e.key = d.key AND e.place < d.place
    AND e.state <> 'acknowledged'
    AND NOT (e.fenced AND (e.state = 'parked' OR (e.failing_since IS NOT NULL AND e.next_at > %(now)s
        AND (e.lease_until IS NULL OR e.lease_until <= %(now)s)))))
"""
DUE: Final[LiteralString] = f"""
SELECT p.endpoint_id FROM endpoint p WHERE p.state = 'on' AND p.next_at <= %(now)s
  AND EXISTS (SELECT FROM delivery d WHERE d.endpoint_id = p.endpoint_id AND {_FREE}) ORDER BY p.endpoint_id
"""
CLAIM: Final[LiteralString] = f"""
WITH heads AS MATERIALIZED (
    SELECT d.endpoint_id, d.message FROM delivery d WHERE d.endpoint_id = %(endpoint)s AND {_FREE}
    ORDER BY d.place LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE delivery d SET tries = d.tries + 1, lease_until = %(now)s::timestamptz + %(lease)s
FROM heads h WHERE d.endpoint_id = h.endpoint_id AND d.message = h.message
RETURNING d.endpoint_id, d.message, d.key, d.kind, d.body, d.tries
"""
_ANSWERED: Final[LiteralString] = """
FROM unnest(%(messages)s::text[], %(tries)s::integer[], %(statuses)s::smallint[], %(said)s::text[],
    %(next)s::timestamptz[]) AS v (message, tries, status, said, next_at)
WHERE d.endpoint_id = %(endpoint)s AND d.message = v.message AND d.tries = v.tries AND d.state = 'pending'
"""
ACKNOWLEDGE: Final[LiteralString] = f"""
UPDATE delivery d SET state = 'acknowledged', lease_until = NULL, failing_since = NULL, moved_at = %(now)s,
    status = v.status, said = v.said {_ANSWERED}
"""
# Given up on is what was tried in vain for so long while others were taken; where nothing was taken at all,
# the endpoint is switched off, and everything waits in its order.
TRY_LATER: Final[LiteralString] = f"""
UPDATE delivery d SET lease_until = NULL, failing_since = coalesce(d.failing_since, %(now)s), next_at = v.next_at,
    moved_at = %(now)s, status = v.status, said = v.said,
    state = CASE WHEN d.failing_since < %(long_ago)s AND %(is_there)s THEN 'parked' ELSE 'pending' END
{_ANSWERED}
RETURNING d.message, d.state
"""
# Its receiver has it and is not finished, or will never take it.
ASK_AGAIN: Final[LiteralString] = f"""
UPDATE delivery d SET lease_until = NULL, failing_since = coalesce(d.failing_since, %(now)s), next_at = v.next_at,
    moved_at = %(now)s, status = v.status, said = v.said,
    state = CASE WHEN %(refused)s OR d.failing_since < %(long_ago)s THEN 'parked' ELSE 'pending' END
{_ANSWERED}
RETURNING d.message, d.state
"""
# A receiver that has carried out a newer order drops an older one, so that is not given any more.
OVERTAKEN: Final[LiteralString] = """
UPDATE delivery d SET state = 'acknowledged', lease_until = NULL, failing_since = NULL, moved_at = %(now)s,
    said = 'overtaken by ' || n.message
FROM delivery n WHERE n.endpoint_id = %(endpoint)s AND n.message = ANY(%(messages)s::text[]) AND n.fenced
  AND n.state = 'acknowledged' AND d.endpoint_id = n.endpoint_id AND d.key = n.key AND d.place < n.place AND d.fenced
  AND d.state <> 'acknowledged'
"""
END_BY_WORD: Final[LiteralString] = """
UPDATE delivery SET state = 'acknowledged', lease_until = NULL, failing_since = NULL, moved_at = %(now)s,
    said = 'done, by its own word'
WHERE endpoint_id = %(endpoint)s AND message = ANY(%(messages)s::text[]) AND state <> 'acknowledged'
"""
BACK_AGAIN: Final[LiteralString] = """
UPDATE endpoint SET failures = 0, failing_since = NULL, next_at = %(now)s WHERE endpoint_id = %(endpoint)s
"""
# One parcel that is never taken has ever longer pauses: the others wait no longer than the endpoint has taken nothing,
# and who has paid meanwhile is asked for at once.
FAILED: Final[LiteralString] = """
UPDATE endpoint SET failures = failures + %(count)s, failing_since = coalesce(failing_since, %(now)s),
    next_at = CASE WHEN failures + %(count)s < %(away)s OR EXISTS (SELECT FROM delivery d
        WHERE d.endpoint_id = %(endpoint)s AND d.state = 'pending' AND d.kind = 'order.resume' AND d.tries = 0)
        THEN next_at
        ELSE least(%(next)s, %(now)s + greatest(%(now)s - coalesce(failing_since, %(now)s), interval '5 seconds')) END
WHERE endpoint_id = %(endpoint)s RETURNING name, failing_since, failures
"""
# What waited for an endpoint that was away is due as soon as that is back.
DUE_AT_ONCE: Final[LiteralString] = """
UPDATE delivery SET next_at = %(now)s WHERE endpoint_id = %(endpoint)s AND state = 'pending' AND next_at > %(now)s
"""
ASK_NOW: Final[LiteralString] = """
UPDATE endpoint SET next_at = %(now)s WHERE endpoint_id = %(endpoint)s AND next_at > %(now)s
"""
GONE: Final = 410
COMMAND: Final = {"events": "events", "service": "services"}
"""Which command is about an endpoint, by its use."""


class PostgresDeliveries:
    """See ports.DeliveryBook."""

    def transaction(self) -> AbstractContextManager[Db]:
        """One transaction on a connection of its own."""
        raise NotImplementedError

    def reading(self) -> AbstractContextManager[Db]:
        """The transaction that this thread has open, else one of its own."""
        raise NotImplementedError

    def put_parcels(self, endpoint: str, parcels: Sequence[Parcel], now: datetime) -> int:
        """See ports.DeliveryBook."""
        with self.reading() as db:
            row = db.execute(
                "SELECT endpoint_id FROM endpoint WHERE name = %s AND state <> 'removed' AND use = 'service'",
                [endpoint],
            ).fetchone()
            if row is None:
                raise no_endpoint(endpoint)
            return put(db, row[0], parcels, now)

    def due_endpoints(self, now: datetime) -> Sequence[int]:
        """See ports.DeliveryBook."""
        with self.reading() as db:
            return [row[0] for row in db.execute(DUE, {"now": now})]

    def claim_deliveries(self, endpoint: int, now: datetime, limit: int, lease: timedelta) -> DeliveryRound | None:
        """See ports.DeliveryBook."""
        with self.transaction() as db:
            row = db.execute(
                "SELECT url, failures FROM endpoint WHERE endpoint_id = %s AND state = 'on' AND next_at <= %s",
                [endpoint, now],
            ).fetchone()
            if row is None:
                return None
            most = 1 if row[1] >= AWAY_AFTER else limit
            values = {"endpoint": endpoint, "now": now, "limit": most, "lease": lease}
            claims = tuple(DeliveryClaim(*found) for found in db.execute(CLAIM, values))
            if not claims:
                return None
            secrets = db.execute(
                "SELECT secret FROM endpoint_secret WHERE endpoint_id = %s AND (until IS NULL OR until > %s)"
                " ORDER BY no DESC",
                [endpoint, now],
            )
            return DeliveryRound(row[0], tuple(secret for (secret,) in secrets), claims)

    def record_deliveries(self, outcomes: Sequence[DeliveryOutcome], now: datetime) -> int:
        """See ports.DeliveryBook."""
        recorded = 0
        with self.transaction() as db:
            for endpoint in sorted({one.claim.endpoint for one in outcomes}):
                recorded += _record(db, endpoint, [one for one in outcomes if one.claim.endpoint == endpoint], now)
        return recorded

    def end_delivery(self, endpoint: int, message: str, now: datetime) -> None:
        """See ports.DeliveryBook."""
        values = {"endpoint": endpoint, "messages": [message], "now": now}
        with self.transaction() as db:
            row = db.execute("SELECT name FROM endpoint WHERE endpoint_id = %(endpoint)s FOR UPDATE", values).fetchone()
            ended = db.execute(END_BY_WORD, values).rowcount + db.execute(OVERTAKEN, values).rowcount
            if row is not None and ended:
                _unparked(db, endpoint, row[0], now)


def no_endpoint(name: str) -> Refused:
    """What is said where no endpoint has a name."""
    return Refused("unknown_endpoint", f"there is no endpoint {name[:60]!r}; `arrears events endpoints list` has them")


def put(db: Db, endpoint: int, parcels: Sequence[Parcel], now: datetime) -> int:
    """Put parcels for an endpoint; one that it has is left as it is. How many were new."""
    if not parcels:
        return 0
    messages, keys, places, kinds, bodies, fenced, urgent = map(list, zip(*parcels, strict=True))
    values = {"endpoint": endpoint, "now": now, "messages": messages, "keys": keys, "places": places, "kinds": kinds}
    count = db.execute(PUT, {**values, "bodies": bodies, "fenced": fenced}).rowcount
    if count and any(urgent):
        db.execute(ASK_NOW, {"endpoint": endpoint, "now": now})
    return count


def stop(db: Db, endpoint: int, name: str, why: str, now: datetime) -> None:
    """Switch an endpoint off, which is a task for staff."""
    db.execute(
        "UPDATE endpoint SET state = 'off', why = %s, changed_at = %s WHERE endpoint_id = %s", [why, now, endpoint]
    )
    tell(db, EndpointTrouble(name=name), f"{name} is switched off: {why}", now)


def tell(db: Db, fact: EndpointTrouble, why: str, now: datetime, author: str = ARREARS) -> None:
    """Record that something is wrong with an endpoint, or that this is over."""
    db.execute("SELECT FROM system_state FOR UPDATE")
    record_system(db, fact, now, author, why)


def no_more_trouble(db: Db, name: str, now: datetime, author: str) -> None:
    """An open task about an endpoint is over: a person has looked at it, or its cause is gone."""
    row = db.execute(
        "SELECT EXISTS (SELECT FROM task WHERE account_id = 0 AND kind = 'endpoint_trouble' AND cause = %s"
        " AND closed_seq IS NULL)",
        [name],
    ).fetchone()
    if row is not None and row[0]:
        tell(db, EndpointTrouble(name=name, over=True), "", now, author)


def _unparked(db: Db, endpoint: int, name: str, now: datetime) -> None:
    """What was parked is over: once nothing is any more, so is the task."""
    row = db.execute(
        "SELECT state = 'on' AND NOT EXISTS (SELECT FROM delivery d WHERE d.endpoint_id = p.endpoint_id"
        " AND d.state = 'parked') FROM endpoint p WHERE endpoint_id = %s",
        [endpoint],
    ).fetchone()
    if row is not None and row[0]:
        no_more_trouble(db, name, now, ARREARS)


def _record(db: Db, endpoint: int, outcomes: Sequence[DeliveryOutcome], now: datetime) -> int:
    # The endpoint's row first, for everybody who records of it.
    row = db.execute(
        "SELECT failures, name, use FROM endpoint WHERE endpoint_id = %s FOR UPDATE", [endpoint]
    ).fetchone()
    assert row is not None
    failures, name, use = row
    taken, failed = _of(outcomes, DeliveryFate.TAKEN), _of(outcomes, DeliveryFate.FAILED)
    again, refused = _of(outcomes, DeliveryFate.UNFINISHED), _of(outcomes, DeliveryFate.REFUSED)
    values = {"endpoint": endpoint, "now": now, "long_ago": now - GIVEN_UP_AFTER}
    is_there = len(failed) < len(outcomes)
    recorded, parked = 0, list[str]()
    if taken:
        columns = _columns(taken, now)
        recorded += db.execute(ACKNOWLEDGE, {**values, **columns}).rowcount
        if db.execute(OVERTAKEN, {**values, "messages": columns["messages"]}).rowcount:
            _unparked(db, endpoint, name, now)
    for asked, never in ((again, False), (refused, True)):
        if asked:
            left = db.execute(ASK_AGAIN, {**values, **_columns(asked, now), "refused": never}).fetchall()
            recorded, parked = recorded + len(left), parked + _parked(left)
    if is_there and failures:
        db.execute(BACK_AGAIN, values)
        if failures >= AWAY_AFTER:
            db.execute(DUE_AT_ONCE, values)
    rows = []
    if failed:
        more = {"is_there": is_there or failures < AWAY_AFTER}
        rows = db.execute(TRY_LATER, {**values, **_columns(failed, now), **more}).fetchall()
        recorded, parked = recorded + len(rows), parked + _parked(rows)
    if parked:
        said = f"{name} does not take {', '.join(sorted(parked)[:5])}; `arrears {COMMAND[use]} redrive` tries again"
        tell(db, EndpointTrouble(name=name), said, now)
    if rows and not is_there:
        _failed(db, values, failed, now)
    return recorded


def _of(outcomes: Sequence[DeliveryOutcome], fate: DeliveryFate) -> list[DeliveryOutcome]:
    return [one for one in outcomes if one.fate is fate]


def _parked(rows: Sequence[DbRow]) -> list[str]:
    return [message for message, state in rows if state == DeliveryState.PARKED]


def _failed(db: Db, values: Mapping[str, object], failed: Sequence[DeliveryOutcome], now: datetime) -> None:
    next_at = now + min(one.pause for one in failed)
    more = {"count": len(failed), "away": AWAY_AFTER, "next": next_at}
    row = db.execute(FAILED, {**values, **more}).fetchone()
    assert row is not None
    name, since, _ = row
    last = failed[-1].answer
    if any(one.answer.status == GONE for one in failed):
        stop(db, int(str(values["endpoint"])), name, "it says that it is gone (410)", now)
    elif since < now - GIVEN_UP_AFTER:
        said = f"it has taken nothing since {since:%Y-%m-%d %H:%M} UTC: {last.said or last.status}"
        stop(db, int(str(values["endpoint"])), name, said, now)


def _columns(outcomes: Sequence[DeliveryOutcome], now: datetime) -> Mapping[str, object]:
    return {
        "messages": [one.claim.message for one in outcomes],
        "tries": [one.claim.tries for one in outcomes],
        "statuses": [one.answer.status for one in outcomes],
        "said": [_said(one.answer.said) for one in outcomes],
        "next": [now + one.pause for one in outcomes],
    }


def _said(text: str) -> str:
    """What came back, as one line that any terminal can show."""
    return "".join(sign if sign.isprintable() else " " for sign in text)[:200]
