"""The installation's own row and stream, its policies, and an account together with what decides over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, LiteralString

import msgspec
import psycopg

from arrears.core.account import Account, decode_account
from arrears.core.errors import Refused
from arrears.core.facts import (
    PolicyAdopted,
    SystemFact,
    SystemTaskClosed,
    decode_system_fact,
    encode_fact,
    kind_of,
)
from arrears.core.guards import Guards
from arrears.core.payments.limits import AmountLimits
from arrears.core.policy import Policies, Policy, load_policy, policy_text
from arrears.core.system import System, fold_system
from arrears.core.tasks import SYSTEM, system_ends_of, system_tasks_of
from arrears.core.unit import chained
from arrears.core.view import View
from arrears.store.postgres.heartbeat import record_complete_run
from arrears.store.postgres.inserts import TASKS, TASKS_GONE
from arrears.store.postgres.write import Db, DbRow, utc

_SYSTEM: Final[LiteralString] = """
SELECT last_tick_at, clock_suspect, feed_stale, breaker_open, limits, clock_differs, identity, copied_at, books_refused
FROM system_state"""
_UNDER: Final[LiteralString] = """
SELECT s.last_tick_at, s.clock_suspect, s.feed_stale, s.breaker_open, s.limits, s.clock_differs, s.identity,
    s.copied_at, s.books_refused, (SELECT array_agg(ARRAY[version, name] ORDER BY adopted_no) FROM policy)"""
UNDER: Final[LiteralString] = f"{_UNDER} FROM system_state s"
SEEN: Final[LiteralString] = f"""{_UNDER}, a.state
FROM system_state s LEFT JOIN account_state a ON a.account_id = %b"""

_PLACE: Final[LiteralString] = """
(SELECT to_hex(system_identifier) FROM pg_control_system()) || '/'
|| left(pg_walfile_name(pg_current_wal_lsn()), 8) || '/'
|| (SELECT oid FROM pg_database WHERE datname = current_database()) || '/' || 'system_state'::regclass::oid"""
"""Where the database is: the server, its timeline, the database in it and its table. Each way to put a backup back
changes one of them, but for a copy of the server's files; then the server has been started since the last tick. The
server's number is in hexadecimal digits, as nineteen decimal ones look like a card's number where somebody searches."""
TICK: Final[LiteralString] = f"""
UPDATE system_state SET last_tick_at = %s, place = {_PLACE} RETURNING extract(epoch FROM clock_timestamp())"""
PLACES: Final[LiteralString] = f"SELECT last_tick_at, place, {_PLACE}, pg_postmaster_start_time() FROM system_state"

STOOD_STILL_MAX: Final = timedelta(minutes=15)
"""A server that is started so long after the last tick may have the files of a backup."""


class PolicyVersions:
    """The policies that have been adopted. A version never changes, so each is read once by a process."""

    def __init__(self) -> None:
        self._loaded: dict[str, Policy] = {}
        self._newest: tuple[Sequence[Sequence[str]], Policies] = ((), {})

    def of(self, db: Db, listed: Sequence[Sequence[str]] | None) -> Policies:
        """See ports.InstallationState; `listed` are version and name of each in the order of their adoption."""
        listed = listed or ()
        known, found = self._newest
        if known == listed:
            return found
        unknown = [version for version, _ in listed if version not in self._loaded]
        if unknown:
            read = db.execute("SELECT version, body FROM policy WHERE version = ANY(%b)", [unknown])
            loaded = {version: load_policy(body, where=f"policy {version}") for version, body in read}
            self._loaded = {**self._loaded, **loaded}
        found = {**self._loaded, **{name: self._loaded[version] for version, name in listed}}
        self._newest = (listed, found)
        return found


class PostgresInstallation:
    """See ports.InstallationControl, and of ports.AccountReader what is read of accounts as rules see them."""

    _known: PolicyVersions
    _clock_is_real: bool

    def transaction(self) -> AbstractContextManager[Db]:
        """One transaction on a connection of its own."""
        raise NotImplementedError

    def reading(self) -> AbstractContextManager[Db]:
        """The transaction that this thread has open, else one of its own."""
        raise NotImplementedError

    def each_alone(self) -> AbstractContextManager[Db]:
        """A connection on which each statement is a transaction by itself."""
        raise NotImplementedError

    def locked(self, db: Db, statement: LiteralString, values: Sequence[Any]) -> tuple[list[DbRow], Guards, Policies]:
        """The rows that a statement locks, and the guards and policies as they stand once it has: one round trip, with
        the beginning of the transaction in it."""
        with db.pipeline():
            rows = db.execute(statement, values, binary=True)
            under = db.execute(UNDER)
        *state, listed = _row_of(under)
        return rows.fetchall(), _system_of(state).guards, self._known.of(db, listed)

    def snapshots(self, numbers: Sequence[int]) -> Mapping[int, Account]:
        """See ports.AccountReader."""
        with self.reading() as db:
            found = db.execute(
                "SELECT account_id, state FROM account_state WHERE account_id = ANY(%b)",
                [list(numbers)],
            )
            return {number: _readable(number, state) for number, state in found}

    def seen(self, number: int, now: datetime) -> View | None:
        """See ports.AccountReader."""
        with self.reading() as db:
            return self.view_of(db, db.execute(SEEN, [number]), number, now)

    def view_of(self, db: Db, seen: psycopg.Cursor[DbRow], number: int, now: datetime) -> View | None:
        """An account with what decides over it, of the answer to `SEEN`."""
        *state, listed, text = _row_of(seen)
        if text is None:
            return None
        return View(self._known.of(db, listed), _readable(number, text), _system_of(state).guards, now)

    def system_fact(self, seq: int) -> SystemFact | None:
        """See ports.Journal."""
        with self.reading() as db:
            row = db.execute("SELECT body FROM fact WHERE account_id = 0 AND seq = %s", [seq]).fetchone()
            return None if row is None else decode_system_fact(row[0])

    def policies(self) -> Policies:
        """See ports.InstallationState."""
        with self.reading() as db:
            return self._known.of(db, _row_of(db.execute(UNDER))[-1])

    def adopt(self, policy: Policy, now: datetime, author: str, why: str = "") -> None:
        """See ports.InstallationControl."""
        with self.transaction() as db:
            db.execute("SELECT FROM system_state FOR UPDATE")
            row = db.execute(
                "SELECT version FROM policy WHERE name = %s ORDER BY adopted_no DESC LIMIT 1", [policy.name]
            ).fetchone()
            if row is not None and row[0] == policy.version:
                return
            db.execute("DELETE FROM policy WHERE version = %s", [policy.version])
            db.execute(
                "INSERT INTO policy (version, name, body) VALUES (%s, %s, %s)",
                [policy.version, policy.name, policy_text(policy)],
            )
            record_system(db, PolicyAdopted(name=policy.name, version=policy.version), now, author, why)

    def tick(self, now: datetime) -> tuple[System, float]:
        """See ports.InstallationControl."""
        with self.transaction() as db:
            before = read_system(db)
            row = db.execute(TICK, [now]).fetchone()
            assert row is not None
            skew = now.timestamp() - int(row[0] * 1000) / 1000
        return before, skew if self._clock_is_real else 0.0

    def put_back(self) -> str:
        """See ports.BackupWatch. A world whose clock is given has no backups."""
        if not self._clock_is_real:
            return ""
        with self.reading() as db:
            last, was, place, started = _row_of(db.execute(PLACES))
        if last is None:
            return ""
        if was and was != place:
            return f"the database is another than that of the last tick ({utc(last):%Y-%m-%d %H:%M} UTC)"
        if utc(started) - utc(last) > STOOD_STILL_MAX:
            return f"the last tick was at {utc(last):%Y-%m-%d %H:%M} UTC, and the server was started long after it"
        return ""

    def count_as_unread(self, since: datetime) -> None:
        """See ports.BackupWatch."""
        with self.transaction() as db:
            db.execute("UPDATE provider_sweep SET swept_until = least(swept_until, %s)", [since])
            db.execute("UPDATE billing_system SET read_at = least(read_at, %s) WHERE read_at IS NOT NULL", [since])

    def run_complete(self, now: datetime, accounts: int, facts: int) -> int:
        """See ports.InstallationControl."""
        with self.each_alone() as db:
            return record_complete_run(db, now, accounts, facts)

    def record_system(self, fact: SystemFact, now: datetime, author: str, why: str) -> None:
        """See ports.InstallationControl."""
        with self.transaction() as db:
            db.execute("SELECT FROM system_state FOR UPDATE")
            record_system(db, fact, now, author, why)

    def system(self) -> System:
        """See ports.InstallationState."""
        with self.reading() as db:
            return read_system(db)


def _readable(number: int, state: str) -> Account:
    try:
        return decode_account(state)
    except msgspec.DecodeError as error:
        raise Refused(
            "unreadable_state", f"the state of account {number} cannot be read ({error}); `arrears check` says more"
        ) from None


def read_system(db: Db) -> System:
    """The installation's state in this transaction."""
    return _system_of(_row_of(db.execute(_SYSTEM)))


def _row_of(found: psycopg.Cursor[DbRow]) -> DbRow:
    row = found.fetchone()
    assert row is not None
    return row


def _system_of(row: Sequence[Any]) -> System:
    last, clock, feed, breaker, limits, differs, identity, copied, books = row
    of_identity = identity, None if copied is None else utc(copied), tuple(books)
    return System(None if last is None else utc(last), clock, feed, breaker, _limits_of(limits), differs, *of_identity)


@lru_cache(maxsize=4)
def _limits_of(text: str) -> Mapping[str, AmountLimits]:
    try:
        return {} if text == "{}" else msgspec.json.decode(text, type=dict[str, AmountLimits])
    except msgspec.DecodeError as error:
        says = f"the installation's limits are not as arrears writes them ({error}); `arrears check` says more"
        raise Refused("unreadable_state", says) from None


def limits_text(limits: Mapping[str, AmountLimits]) -> str:
    """The limits as they are stored."""
    return msgspec.json.encode(limits, order="sorted").decode()


def record_system(db: Db, fact: SystemFact, now: datetime, author: str, why: str) -> None:
    """Append to the system stream; the caller holds its row."""
    row = db.execute("SELECT seq, head FROM system_state").fetchone()
    assert row is not None
    seq = int(row[0]) + 1
    body = encode_fact(fact)
    head = chained(row[1], SYSTEM, seq, now, author, why, body)
    db.execute(
        "INSERT INTO fact (account_id, seq, at, kind, author, why, hash, body) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [SYSTEM, seq, now, kind_of(fact), author, why, head, body],
    )
    for statement, rows in ((TASKS, system_tasks_of(seq, fact, why)), (TASKS_GONE, system_ends_of(seq, fact))):
        if found := list(rows):
            db.execute(statement, [list(column) for column in zip(*found, strict=True)])
    if isinstance(fact, SystemTaskClosed):
        db.execute("UPDATE task SET closed_seq = %s WHERE account_id = %s AND seq = %s", [seq, SYSTEM, fact.task])
    after = fold_system(read_system(db), fact)
    db.execute(
        "UPDATE system_state SET seq = %s, head = %s, clock_suspect = %s, feed_stale = %s, breaker_open = %s,"
        " limits = %s, clock_differs = %s, identity = %s, copied_at = %s, books_refused = %s",
        [
            seq,
            head,
            after.clock_suspect,
            after.feed_stale,
            after.breaker_open,
            limits_text(after.limits),
            after.clock_differs,
            after.identity,
            after.copied_at,
            list(after.books_refused),
        ],
    )
