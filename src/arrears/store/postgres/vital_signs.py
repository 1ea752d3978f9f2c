"""How an installation does, in one round of statements that do not depend on its size: for `/readyz` and `/metrics`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg

from arrears.core.payments.values import OPEN_STATES

CONNECT_SECONDS_MAX: Final = 2
STATEMENT_SECONDS_MAX: Final = 5
NEXT_ACCOUNTS: Final = 1_000
"""So many accounts, those that are acted upon next, have the end of their chain looked at."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """What serving needs: the schema's version, and how many seconds ago a worker looked (None: never). And whether
    anything is left out: how long ago a run came to its end, and how many accounts that were due it had not looked at.
    """

    schema: int | None
    worker_seconds: float | None
    complete_run_seconds: float | None = None
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class VitalSigns:
    """Counts and ages in seconds at one moment. An age is None where there is nothing to be old."""

    worker_seconds: float | None
    complete_run_seconds: float | None
    left_out: int
    """Accounts that the last complete run should have looked at and did not."""
    clock_suspect: bool
    breaker_open: bool
    accounts_due: int
    lag_seconds: float | None
    accounts_waiting: int
    chains_broken: int
    actions: Mapping[str, tuple[int, float]]
    """By kind (`notice`, `order`, `charge`, `refund`): how many are still to be performed, and the oldest's age."""
    attempts: Mapping[str, int]
    """By open state."""
    tasks: Mapping[str, int]
    """By kind."""
    sweeps: Mapping[str, float]
    """By payment provider: how long ago it was read."""


_SYSTEM: Final[LiteralString] = """
SELECT extract(epoch FROM %(now)s - last_tick_at)::float8,
    extract(epoch FROM %(now)s - complete_run_at)::float8, left_out, clock_suspect, breaker_open,
    (SELECT count(*) FROM account_state WHERE next_at <= %(now)s),
    (SELECT extract(epoch FROM %(now)s - min(next_at))::float8 FROM account_state WHERE next_at <= %(now)s),
    (SELECT count(*) FROM account_state WHERE waits),
    (SELECT count(*) FROM (SELECT account_id, seq, head FROM account_state WHERE next_at IS NOT NULL
        ORDER BY next_at, account_id LIMIT %(next)s) s
        LEFT JOIN fact f ON f.seq = s.seq AND f.account_id = s.account_id WHERE f.hash IS DISTINCT FROM s.head)
FROM system_state
"""
_BY_KIND: Final[LiteralString] = """
SELECT 'action', a.kind, count(*), extract(epoch FROM %(now)s - min(f.at))::float8
FROM action a JOIN fact f ON f.seq = a.seq AND f.account_id = a.account_id
WHERE a.status IN ('recorded', 'claimed') GROUP BY a.kind
UNION ALL SELECT 'attempt', state, count(*), 0 FROM attempt WHERE state = ANY(%(open)s) GROUP BY state
UNION ALL SELECT 'task', kind, count(*), 0 FROM task WHERE closed_seq IS NULL GROUP BY kind
UNION ALL SELECT 'sweep', provider, 1, extract(epoch FROM %(now)s - swept_until)::float8 FROM provider_sweep
"""


def connected(url: str) -> psycopg.Connection[Any]:
    """A connection that neither waits long nor writes; OperationalError where there is no database."""
    options = f"-c statement_timeout={STATEMENT_SECONDS_MAX}s -c default_transaction_read_only=on -c timezone=UTC"
    return psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS_MAX, options=options)


def readiness(db: psycopg.Connection[Any], now: datetime) -> Readiness:
    """What serving needs, by one statement."""
    try:
        row = db.execute(
            "SELECT (SELECT max(version) FROM schema_version),"
            " extract(epoch FROM %(now)s - last_tick_at)::float8,"
            # As JSON: a schema that is older than this program has not these columns, and its version is told.
            " extract(epoch FROM %(now)s - (to_jsonb(s) ->> 'complete_run_at')::timestamptz)::float8,"
            " coalesce((to_jsonb(s) ->> 'left_out')::integer, 0) FROM system_state s",
            {"now": now},
        ).fetchone()
    except psycopg.errors.UndefinedTable:
        return Readiness(None, None)
    assert row is not None
    return Readiness(*row)


def vital_signs(db: psycopg.Connection[Any], now: datetime) -> VitalSigns:
    """Everything that is measured, by two statements."""
    row = db.execute(_SYSTEM, {"now": now, "next": NEXT_ACCOUNTS}).fetchone()
    assert row is not None
    found = db.execute(_BY_KIND, {"now": now, "open": [str(state) for state in OPEN_STATES]}).fetchall()
    kinds: dict[str, dict[str, tuple[int, float]]] = {"action": {}, "attempt": {}, "task": {}, "sweep": {}}
    for what, name, count, seconds in found:
        kinds[what][name] = (count, seconds)
    counts = {what: {name: count for name, (count, _) in kinds[what].items()} for what in ("attempt", "task")}
    sweeps = {name: seconds for name, (_, seconds) in kinds["sweep"].items()}
    looked, complete, left_out, suspect, storm, due, lag, waiting, broken = row
    said = (kinds["action"], counts["attempt"], counts["task"], sweeps)
    return VitalSigns(looked, complete, left_out, suspect, storm, due, lag, waiting, broken, *said)
