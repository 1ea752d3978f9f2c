"""The statements that write what follows from facts: one for each kind of row, whatever the number of rows.

They are sent in the order in which they stand here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final


def _arrays(*types: str) -> str:
    return ", ".join(f"%s::{t}[]" for t in types)


def _upsert(table: str, key: int, columns: Sequence[tuple[str, str]]) -> str:
    """One statement that inserts or replaces whole rows; the first `key` columns are the primary key."""
    names = [name for name, _ in columns]
    changes = ", ".join(f"{n} = excluded.{n}" for n in names[key:])
    return (
        f"INSERT INTO {table} ({', '.join(names)}) SELECT * FROM unnest({_arrays(*(t for _, t in columns))}) "
        f"ON CONFLICT ({', '.join(names[:key])}) DO UPDATE SET {changes}"
    )


def _insert(table: str, columns: Sequence[tuple[str, str]]) -> str:
    names = ", ".join(name for name, _ in columns)
    return f"INSERT INTO {table} ({names}) SELECT * FROM unnest({_arrays(*(t for _, t in columns))})"


# One open task for an account, kind and cause: what asks again is counted on it.
TASKS: Final = f"""
WITH v AS (
    SELECT account_id, min(seq) AS seq, kind, cause, (array_agg(what ORDER BY seq DESC))[1] AS what,
        count(*) AS times, max(seq) AS last_seq
    FROM unnest({_arrays("bigint", "bigint", "text", "text", "text")}) AS v (account_id, seq, kind, what, cause)
    GROUP BY account_id, kind, cause
)
INSERT INTO task AS t (account_id, seq, kind, cause, what, times, last_seq)
SELECT account_id, seq, kind, cause, what, times, last_seq FROM v
ON CONFLICT (account_id, kind, cause) WHERE closed_seq IS NULL
DO UPDATE SET times = t.times + excluded.times, what = excluded.what, last_seq = excluded.last_seq"""
TASKS_GONE: Final = f"""
UPDATE task t SET closed_seq = v.seq
FROM unnest({_arrays("bigint", "text", "text", "bigint")}) AS v (account_id, kind, cause, seq)
WHERE t.account_id = v.account_id AND t.kind = v.kind AND (v.cause IS NULL OR t.cause = v.cause)
  AND t.closed_seq IS NULL AND t.last_seq < v.seq"""

_KEY: Final = (("account_id", "bigint"), ("no", "integer"))

INSERTS: Final[dict[str, str]] = {
    "invoices": _insert(
        "invoice",
        (
            *_KEY,
            ("number", "text"),
            ("currency", "text"),
            ("total_minor", "bigint"),
            ("open_minor", "bigint"),
            ("issued_on", "date"),
            ("due_on", "date"),
            ("day_0", "date"),
        ),
    ),
    "invoice_changes": f"""
UPDATE invoice i SET open_minor = v.open_minor, day_0 = v.day_0
FROM unnest({_arrays("bigint", "integer", "bigint", "date")}) AS v (account_id, no, open_minor, day_0)
WHERE i.account_id = v.account_id AND i.no = v.no""",
    "invoice_moves": f"""
UPDATE invoice i SET due_on = v.due_on
FROM unnest({_arrays("bigint", "integer", "date")}) AS v (account_id, no, due_on)
WHERE i.account_id = v.account_id AND i.no = v.no""",
    "payments": _insert(
        "payment",
        (
            ("account_id", "bigint"),
            ("seq", "bigint"),
            ("ref", "text"),
            ("currency", "text"),
            ("amount_minor", "bigint"),
        ),
    ),
    # Ends before openings: an account has one open case.
    "case_ends": f"""
UPDATE collection_case c SET outcome = v.outcome, ended_at = v.ended_at
FROM unnest({_arrays("bigint", "integer", "text", "timestamptz")}) AS v (account_id, no, outcome, ended_at)
WHERE c.account_id = v.account_id AND c.no = v.no""",
    "cases": _insert(
        "collection_case",
        (
            *_KEY,
            ("opened_on", "date"),
            ("policy", "text"),
            ("zone", "text"),
            ("outcome", "text"),
            ("ended_at", "timestamptz"),
        ),
    ),
    "subscriptions": _upsert(
        "subscription",
        2,
        (
            *_KEY,
            ("service", "text"),
            ("state", "text"),
            ("generation", "integer"),
            ("reasons", "text"),
            ("restrict_on", "date"),
            ("disable_on", "date"),
            ("delete_on", "date"),
        ),
    ),
    "service_ends": _upsert(
        "service_end",
        3,
        (
            ("account_id", "bigint"),
            ("subscription", "integer"),
            ("generation", "integer"),
            ("stopped_on", "date"),
            ("ended_on", "date"),
            ("delete_on", "date"),
            ("scheduled_at", "timestamptz"),
            ("awaiting_release", "boolean"),
            ("ordered_at", "timestamptz"),
        ),
    ),
    "holds": _upsert(
        "hold",
        2,
        (
            *_KEY,
            ("scope", "text"),
            ("target", "integer"),
            ("stops", "text"),
            ("reason", "text"),
            ("from_at", "timestamptz"),
            ("until", "date"),
            ("ended_at", "timestamptz"),
        ),
    ),
    "methods": _insert(
        "payment_method",
        (
            *_KEY,
            ("at_provider", "text"),
            ("ref", "text"),
            ("customer_ref", "text"),
            ("kind", "text"),
            ("network", "text"),
            ("fingerprint", "text"),
            ("label", "text"),
            ("funding", "text"),
            ("country", "text"),
            ("credential", "integer"),
            ("expires_on", "date"),
            ("durable", "boolean"),
            ("failed", "boolean"),
            ("removed", "boolean"),
        ),
    ),
    "method_changes": f"""
UPDATE payment_method m SET expires_on = v.expires_on, durable = v.durable, failed = v.failed, removed = v.removed
FROM unnest({_arrays("bigint", "integer", "date", "boolean", "boolean", "boolean")})
    AS v (account_id, no, expires_on, durable, failed, removed)
WHERE m.account_id = v.account_id AND m.no = v.no""",
    "attempts": _insert(
        "attempt",
        (
            *_KEY,
            ("key", "text"),
            ("ordinal", "integer"),
            ("method", "integer"),
            ("initiator", "text"),
            ("on_page", "boolean"),
            ("currency", "text"),
            ("amount_minor", "bigint"),
            ("quote", "text"),
            ("state", "text"),
            ("ref", "text"),
            ("decline", "text"),
            ("network_code", "text"),
            ("advice", "text"),
            ("reached_network", "boolean"),
            ("created_at", "timestamptz"),
            ("moved_at", "timestamptz"),
            ("at_provider", "text"),
        ),
    ),
    "attempt_changes": f"""
UPDATE attempt a SET state = v.state, ref = CASE WHEN v.ref = '' THEN a.ref ELSE v.ref END, decline = v.decline,
    network_code = v.network_code, advice = v.advice, reached_network = v.reached_network, moved_at = v.moved_at
FROM unnest({_arrays("bigint", "integer", "text", "text", "text", "text", "text", "boolean", "timestamptz")})
    AS v (account_id, no, state, ref, decline, network_code, advice, reached_network, moved_at)
WHERE a.account_id = v.account_id AND a.no = v.no""",
    # Ends before beginnings: an invoice has one open attempt.
    "part_ends": f"""
UPDATE attempt_part p SET is_open = false FROM unnest({_arrays("bigint", "integer")}) AS v (account_id, attempt)
WHERE p.account_id = v.account_id AND p.attempt = v.attempt""",
    "parts": _insert(
        "attempt_part",
        (
            ("account_id", "bigint"),
            ("attempt", "integer"),
            ("debt", "integer"),
            ("minor", "bigint"),
            ("is_open", "boolean"),
        ),
    ),
    "refunds": _insert(
        "refund",
        (
            ("account_id", "bigint"),
            ("seq", "bigint"),
            ("ref", "text"),
            ("payment_ref", "text"),
            ("currency", "text"),
            ("amount_minor", "bigint"),
        ),
    ),
    "card_tries": _insert(
        "card_try",
        (
            ("account_id", "bigint"),
            ("ref", "text"),
            ("at_provider", "text"),
            ("fingerprint", "text"),
            ("tried_at", "timestamptz"),
            ("amount_minor", "bigint"),
            ("currency", "text"),
            ("decline", "text"),
            ("network_code", "text"),
            ("advice", "text"),
        ),
    ),
    "requests": _insert(
        "support_request",
        (
            ("account_id", "bigint"),
            ("seq", "bigint"),
            ("about", "text"),
            ("via", "text"),
            ("state", "text"),
            ("asked_at", "timestamptz"),
        ),
    ),
    "tasks": TASKS,
    "task_ends": f"""
UPDATE task t SET closed_seq = v.closed_seq
FROM unnest({_arrays("bigint", "bigint", "bigint")}) AS v (account_id, seq, closed_seq)
WHERE t.account_id = v.account_id AND t.seq = v.seq""",
    "tasks_gone": TASKS_GONE,
}
