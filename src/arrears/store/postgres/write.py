"""Writing a batch of units to PostgreSQL in a fixed number of statements, whatever its size.

Arrays in, through a pipeline: the server writes one part of a batch while the next is being decided. (COPY is as
fast, but cannot be pipelined.) The statements stand here once and in full, so that a reader sees everything a batch
can do to the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from types import NoneType
from typing import Any, Final, LiteralString, NamedTuple

from psycopg import Connection, Cursor

from arrears.core.account import encode_account
from arrears.core.facts import ARREARS, kind_of_type
from arrears.core.rows import Rows, rows_of
from arrears.core.unit import Unit, stamp
from arrears.store.postgres.inserts import INSERTS

DbRow = tuple[Any, ...]
Db = Connection[DbRow]

# Free text travels in one string, its parts apart by a sign that no such text contains: see `_joined`.
_TEXTS: Final = "string_to_array(%s, chr(31))"

INSERT_STEP: Final = """
INSERT INTO step (account_id, seq, kind, case_no, subscription, generation, rung, promised_on, skipped)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::integer[], %s::integer[], %s::integer[],
    %s::integer[], %s::date[], %s::boolean[])
"""
INSERT_ACTION: Final = """
INSERT INTO action (account_id, seq, kind, subscription, order_no, what, status, tries)
SELECT account_id, seq, kind, subscription, order_no, what, 'recorded', 0
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::integer[], %s::integer[], %s::text[])
    AS v (account_id, seq, kind, subscription, order_no, what)
"""
INSERT_ENTRY: Final = """
INSERT INTO entry (account_id, seq, line, ledger, debt, currency, minor)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::smallint[], %s::text[], %s::integer[], %s::text[], %s::bigint[])
"""
# Numbers, instants and hashes go as array literals: joining strings is what Python does fastest.
_STATES: Final = """(
    SELECT account_id, was, seq, next_at, waits, head, state, coalesce(journal, 0) AS journal
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[], %s::boolean[], %s::bytea[],
        string_to_array(%s, chr(31))) AS v (account_id, was, seq, next_at, waits, head, state)
    FULL JOIN added USING (account_id) OFFSET 0
) v"""
"""A full join, which is never done by comparing each with each, however few the planner believes that there are."""
FACT_HASH: Final = "hash_record_extended({0}, 0)"
"""64 bits of the whole of a row of `fact`, of that name, as PostgreSQL itself hashes rows."""
SEAL: Final = "hashtextextended({0}.state, {1} # {0}.seq)"
"""What binds a state, in a row of that name, to its place in the journal and to all that stands there: `{1}` is the
exclusive or of the hashes of the account's facts, which is kept in `account_state.journal` (decision 48)."""
# Facts are written with the states that follow from them. What was written of which accounts stands apart from them too
# (SQL 0028), and so does which facts have no number yet as events (SQL 0031).
_FACTS: Final = f"""
WITH beat AS (
    INSERT INTO heartbeat (at, accounts, seqs, heads, next_ats)
    VALUES (%s, %s::bigint[], %s::integer[], %s::integer[], %s::timestamptz[])
    RETURNING accounts, seqs
), fresh AS (
    INSERT INTO unnumbered (accounts, was, seqs) SELECT accounts, %s::bigint[], seqs FROM beat
), written AS (
    INSERT INTO fact (account_id, seq, at, kind, author, why, hash, body)
    SELECT account_id, seq, %s, kind, author, coalesce(why, ''), hash, body
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[], {_TEXTS}, {_TEXTS}, %s::bytea[], {_TEXTS})
        AS v (account_id, seq, kind, author, why, hash, body)
    RETURNING account_id, {FACT_HASH.format("fact")} AS hash
), added AS (
    SELECT account_id, bit_xor(hash) AS journal FROM written GROUP BY account_id
)
"""
UPDATE_STATE: Final = f"""{_FACTS}
UPDATE account_state s SET seq = v.seq, next_at = v.next_at, waits = v.waits, head = v.head, state = v.state,
    recorded_at = %s, journal = s.journal # v.journal,
    seal = CASE WHEN s.seal = {SEAL.format("s", "s.journal")}
        THEN {SEAL.format("v", "(s.journal # v.journal)")} END
FROM {_STATES} WHERE s.account_id = v.account_id AND s.seq = v.was
"""
INSERT_STATE: Final = f"""{_FACTS}
INSERT INTO account_state (account_id, seq, next_at, waits, head, state, recorded_at, journal, seal)
SELECT account_id, seq, next_at, waits, head, state, %s, journal, {SEAL.format("v", "v.journal")}
FROM {_STATES}
"""
SEAL_STORED: Final[LiteralString] = f"""
UPDATE account_state s SET journal = f.journal, seal = {SEAL.format("s", "f.journal")}
FROM (
    SELECT a.account_id, bit_xor({FACT_HASH.format("fact")}) AS journal
    FROM account_state a CROSS JOIN LATERAL generate_series(1, a.seq) AS n (seq)
    JOIN fact ON fact.seq = n.seq AND fact.account_id = a.account_id
    WHERE a.account_id = ANY(%b) GROUP BY a.account_id
) f WHERE s.account_id = f.account_id
"""
"""For accounts whose facts have just been folded, and found to give what is stored."""


class LostRace(RuntimeError):
    """The head of a stream was not where it was read: somebody wrote without the account's lock."""


class Statement(NamedTuple):
    """A statement with its values, ready to be sent. `states`: it writes the states of so many accounts, each of which
    must be where it was read."""

    text: str
    values: Sequence[Any]
    states: int | None = None


def statements_of(units: Sequence[Unit]) -> list[Statement]:
    """Everything these units contain, at most one statement for each kind of row; plain values, which any process can
    make and another can send."""
    assert len({u.now for u in units}) <= 1, "a batch is of one instant, which is hashed with its facts"
    rows = rows_of(units)
    found: list[Statement] = []
    if rows.steps:
        found.append(Statement(INSERT_STEP, _step_columns(rows)))
    if rows.actions:
        found.append(Statement(INSERT_ACTION, _action_columns(rows)))
    if rows.entries:
        found.append(Statement(INSERT_ENTRY, _entry_columns(rows)))
    found += _states([u for u in units if not u.is_new], UPDATE_STATE)
    found += _states([u for u in units if u.is_new], INSERT_STATE)
    for name, text in INSERTS.items():
        if several := getattr(rows, name):
            found.append(Statement(text, columns_of(several)))
    return found


def send(db: Db, statements: Sequence[Statement]) -> list[Sent]:
    """Send them without waiting for answers: the caller has a pipeline open. What is returned is checked with
    `check_sent` when the pipeline is closed."""
    sent: list[Sent] = []
    for one in statements:
        cursor = db.execute(one.text, one.values)
        if one.states is not None:
            sent.append((cursor, one.states))
    return sent


def send_units(db: Db, units: Sequence[Unit]) -> list[Sent]:
    """Send everything these units contain, as `send` does."""
    return send(db, statements_of(units))


Sent = tuple[Cursor[DbRow], int]


def check_sent(sent: Sequence[Sent]) -> None:
    """Every state must have been where it was read: compare-and-set (LostRace otherwise)."""
    for cursor, expected in sent:
        if cursor.rowcount != expected:
            raise LostRace(f"{expected - cursor.rowcount} of {expected} accounts were changed by somebody else")


def _facts(units: Sequence[Unit]) -> list[Any]:
    numbers: list[str] = []
    seqs: list[str] = []
    kinds: list[str] = []
    authors: list[str] = []
    whys: list[str] = []
    hashes: list[bytes] = []
    bodies: list[str] = []
    for unit in units:
        if unit.written is not None:
            for seq, (kind, body, digest) in enumerate(unit.written.facts, unit.seq_before + 1):
                seqs.append(str(seq))
                kinds.append(kind)
                hashes.append(digest)
                bodies.append(body)
            count = len(unit.written.facts)
            authors += [ARREARS] * count
            whys += [""] * count
        else:
            recorded = [stored.recorded for stored in unit.stored]
            seqs += [str(one.seq) for one in recorded]
            kinds += [kind_of_type(type(one.fact)) for one in recorded]
            authors += [one.author for one in recorded]
            whys += [one.why for one in recorded]
            hashes += [stored.hash for stored in unit.stored]
            bodies += [stored.body for stored in unit.stored]
            count = len(recorded)
        numbers += [str(unit.no)] * count
    columns = [_literal(numbers), _literal(seqs), _literal(kinds), _joined(authors), _joined(whys)]
    return [units[0].now, *columns, _hashes(hashes), _joined(bodies)]


def _states(units: Sequence[Unit], statement: str) -> list[Statement]:
    if not units:
        return []
    texts, waits = [], []
    for unit in units:
        written = unit.written
        texts.append(encode_account(unit.account) if written is None else written.text)
        waits.append("t" if (unit.account.waits if written is None else written.waits) else "f")
    now, heads = units[0].now, [u.head for u in units]
    numbers, seqs = _literal([str(u.no) for u in units]), _literal([str(u.seq) for u in units])
    next_ats = _literal(["NULL" if u.next_at is None else f'"{stamp(u.next_at)}"' for u in units])
    was = _literal([str(u.seq_before) for u in units])
    beat = [now, numbers, seqs, _literal([str(_first_bytes(head)) for head in heads]), next_ats, was]
    columns = [now, numbers, was, seqs, next_ats, _literal(waits), _hashes(heads), _joined(texts)]
    return [Statement(statement, [*beat, *_facts(units), *columns], len(units))]


def _first_bytes(head: bytes) -> int:
    """The first four bytes of a hash, as PostgreSQL's integer has them."""
    return int.from_bytes(head[:4], signed=True)


def columns_of(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    """Rows of numbers, days, instants, truth values and free texts as an array a column, in PostgreSQL's notation."""
    return [array_of(values) for values in zip(*rows, strict=True)]


def array_of(values: Sequence[Any]) -> str:
    """Such values as one array."""
    kinds = set(map(type, values))
    if kinds == {int}:
        return _literal(list(map(str, values)))
    if kinds in ({str}, {date}):
        text = '","'.join(map(str, values))
        if "\\" not in text and text.count('"') == 2 * (len(values) - 1):
            return '{"' + text + '"}'
    if kinds == {NoneType}:
        return _literal(["NULL"] * len(values))
    return _literal([_value(value) for value in values])


def _value(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value) if isinstance(value, int) else f'"{value.isoformat()}"'


def _hashes(digests: Sequence[bytes]) -> str:
    return _literal([f'"\\\\x{digest.hex()}"' for digest in digests])


def _literal(values: list[str]) -> str:
    """An array in PostgreSQL's own notation, of values that are written in it already."""
    return "{" + ",".join(values) + "}"


def _joined(texts: list[str]) -> str:
    """Free texts as one string. JSON escapes control characters, and names and reasons lose the one that parts."""
    text = _PART.join(texts)
    if text.count(_PART) != len(texts) - 1:
        text = _PART.join([t.replace(_PART, " ") for t in texts])
    return text


_PART: Final = chr(31)


def _step_columns(rows: Rows) -> list[str]:
    steps = rows.steps
    return [
        _literal([str(s.account) for s in steps]),
        _literal([str(s.seq) for s in steps]),
        _literal([s.kind for s in steps]),
        _literal([str(s.case) for s in steps]),
        _literal([str(s.subscription) for s in steps]),
        _literal([str(s.generation) for s in steps]),
        _literal([str(s.rung) for s in steps]),
        _literal(["NULL" if s.promised_on is None else str(s.promised_on) for s in steps]),
        _literal(["t" if s.skipped else "f" for s in steps]),
    ]


def _action_columns(rows: Rows) -> list[str]:
    actions = rows.actions
    return [
        _literal([str(a.account) for a in actions]),
        _literal([str(a.seq) for a in actions]),
        _literal([a.kind for a in actions]),
        _literal([str(a.subscription) for a in actions]),
        _literal([str(a.order_no) for a in actions]),
        _literal([f'"{a.order}"' for a in actions]),
    ]


def _entry_columns(rows: Rows) -> list[str]:
    entries = rows.entries
    return [
        _literal([str(e.account) for e in entries]),
        _literal([str(e.seq) for e in entries]),
        _literal([str(e.line) for e in entries]),
        _literal([e.ledger for e in entries]),
        _literal([str(e.debt) for e in entries]),
        _literal([e.currency for e in entries]),
        _literal([str(e.minor) for e in entries]),
    ]


def utc(instant: datetime) -> datetime:
    """The same instant in UTC, as the core wants it, whatever zone the session shows."""
    return instant.astimezone(UTC)
