"""Writing a batch of units to PostgreSQL in a fixed number of statements, whatever its size.

COPY for what is only ever added, array parameters for what changes (design, section 5). The statements stand here
once and in full, so that a reader sees everything a batch can do to the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from psycopg import Connection, sql

from arrears.core.account import encode_account
from arrears.core.facts import kind_of
from arrears.core.rows import Rows, rows_of
from arrears.core.unit import Unit, stamp

Row = tuple[Any, ...]
Db = Connection[Row]

COPY_FACT: Final = "COPY fact (account_id, seq, at, kind, author, why, hash, body) FROM STDIN"
COPY_STEP: Final = (
    "COPY step (account_id, seq, kind, case_no, subscription, generation, rung, promised_on, skipped) FROM STDIN"
)
COPY_ACTION: Final = "COPY action (account_id, seq, kind, subscription, order_no, what, status, tries) FROM STDIN"
COPY_ENTRY: Final = "COPY entry (account_id, seq, line, ledger, debt, currency, minor) FROM STDIN"

# Numbers, instants and hashes go as array literals, the states as one text with a line for each: joining strings is
# what Python does fastest, and a state, being JSON, has no line break in it.
_STATES: Final = """
    unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[], %s::boolean[], %s::bytea[],
        string_to_array(%s, E'\\n')) AS v (account_id, was, seq, next_at, waits, head, state)
"""
UPDATE_STATE: Final = f"""
UPDATE account_state s SET seq = v.seq, next_at = v.next_at, waits = v.waits, head = v.head, state = v.state
FROM {_STATES} WHERE s.account_id = v.account_id AND s.seq = v.was
"""
INSERT_STATE: Final = f"""
INSERT INTO account_state (account_id, seq, next_at, waits, head, state)
SELECT account_id, seq, next_at, waits, head, state FROM {_STATES}
"""


def _arrays(*types: str) -> str:
    return ", ".join(f"%b::{t}[]" for t in types)


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
    "cases": _insert("collection_case", (*_KEY, ("opened_on", "date"), ("policy", "text"), ("zone", "text"))),
    "case_ends": f"""
UPDATE collection_case c SET outcome = v.outcome, ended_at = v.ended_at
FROM unnest({_arrays("bigint", "integer", "text", "timestamptz")}) AS v (account_id, no, outcome, ended_at)
WHERE c.account_id = v.account_id AND c.no = v.no""",
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
    "tasks": _insert("task", (("account_id", "bigint"), ("seq", "bigint"), ("kind", "text"), ("what", "text"))),
    "task_ends": f"""
UPDATE task t SET closed_seq = v.closed_seq
FROM unnest({_arrays("bigint", "bigint", "bigint")}) AS v (account_id, seq, closed_seq)
WHERE t.account_id = v.account_id AND t.seq = v.seq""",
}


class LostRace(RuntimeError):
    """The head of a stream was not where it was read: somebody wrote without the account's lock."""


def write_units(db: Db, units: Sequence[Unit]) -> None:
    """Write everything these units contain; at most one statement for each kind of row."""
    rows = rows_of(units)
    _copy(db, COPY_FACT, [line for unit in units for line in fact_lines(unit)])
    _copy(db, COPY_STEP, step_lines(rows))
    _copy(db, COPY_ACTION, action_lines(rows))
    _copy(db, COPY_ENTRY, entry_lines(rows))
    with db.pipeline():
        _write_states(db, [u for u in units if u.before is not None], UPDATE_STATE)
        _write_states(db, [u for u in units if u.before is None], INSERT_STATE)
        for name, statement in INSERTS.items():
            found = getattr(rows, name)
            if found:
                db.execute(statement, [list(column) for column in zip(*found, strict=True)])  # type: ignore[arg-type]


def _write_states(db: Db, units: Sequence[Unit], statement: str) -> None:
    if not units:
        return
    states = [u.account for u in units]
    cursor = db.execute(
        statement,
        [
            _literal([str(u.no) for u in units]),
            _literal([str(u.seq_before) for u in units]),
            _literal([str(u.seq) for u in units]),
            _literal(["NULL" if u.next_at is None else f'"{stamp(u.next_at)}"' for u in units]),
            _literal(["t" if s.waits else "f" for s in states]),
            _literal([f'"\\\\x{u.head.hex()}"' for u in units]),
            "\n".join([encode_account(s) for s in states]),
        ],
    )
    if cursor.rowcount not in (-1, len(units)):
        raise LostRace(f"{len(units) - cursor.rowcount} of {len(units)} accounts were changed by somebody else")


def _literal(values: list[str]) -> str:
    """An array in PostgreSQL's own notation; for numbers, instants and hashes, never for free text."""
    return "{" + ",".join(values) + "}"


def _copy(db: Db, statement: str, lines: Sequence[str]) -> None:
    if lines:
        with db.cursor().copy(sql.SQL(statement)) as copy:  # type: ignore[arg-type]
            copy.write("".join(lines))


def _text(value: str) -> str:
    """One field of PostgreSQL's COPY text format."""
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    if "\n" in value or "\t" in value or "\r" in value:
        value = value.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return value


def fact_lines(unit: Unit) -> Iterable[str]:
    """The journal's lines in COPY text format."""
    at = stamp(unit.now)
    for s in unit.stored:
        r = s.recorded
        yield (
            f"{r.account}\t{r.seq}\t{at}\t{kind_of(r.fact)}\t{_text(r.author)}\t{_text(r.why)}"
            f"\t\\\\x{s.hash.hex()}\t{_text(s.body)}\n"
        )


def step_lines(rows: Rows) -> list[str]:
    """The rungs' lines in COPY text format."""
    return [
        f"{s.account}\t{s.seq}\t{s.kind}\t{s.case}\t{s.subscription}\t{s.generation}\t{s.rung}"
        f"\t{s.promised_on or chr(92) + 'N'}\t{s.skipped}\n"
        for s in rows.steps
    ]


def action_lines(rows: Rows) -> list[str]:
    """The queue's lines in COPY text format."""
    return [
        f"{a.account}\t{a.seq}\t{a.kind}\t{a.subscription}\t{a.order_no}\t{a.order}\trecorded\t0\n"
        for a in rows.actions
    ]


def entry_lines(rows: Rows) -> list[str]:
    """The ledger's lines in COPY text format."""
    return [f"{e.account}\t{e.seq}\t{e.line}\t{e.ledger}\t{e.debt}\t{e.currency}\t{e.minor}\n" for e in rows.entries]


def utc(instant: datetime) -> datetime:
    """The same instant in UTC, as the core wants it, whatever zone the session shows."""
    return instant.astimezone(UTC)
