"""The store on PostgreSQL: units of work under row locks, read and written in a fixed number of statements.

Correctness comes from the account row's lock, compare-and-set and UNIQUE constraints alone. Every method is one
transaction on a connection of its own; nothing outside is called inside one.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final, LiteralString

import psycopg

from arrears.core.errors import Refused
from arrears.core.facts import (
    ARREARS,
    AccountSetAside,
    Recorded,
    Resumed,
    decode_fact,
)
from arrears.core.invariants import Breach
from arrears.core.unit import Unit
from arrears.core.view import View
from arrears.ports import Claim, NewAccount
from arrears.ports.payments import TRIES_MAX, MethodAndTries
from arrears.store.outages import RECONNECT_SECONDS_MAX, WAIT_SECONDS_MAX, LastingPool
from arrears.store.postgres.access import PostgresAccess
from arrears.store.postgres.bank import PostgresBank
from arrears.store.postgres.batch import PostgresBatch
from arrears.store.postgres.book import PostgresReceivables
from arrears.store.postgres.check import check_store
from arrears.store.postgres.events import PostgresEvents
from arrears.store.postgres.installation import SEEN, PolicyVersions, PostgresInstallation, record_system
from arrears.store.postgres.messages import PostgresMail
from arrears.store.postgres.named import PostgresNamedMethods
from arrears.store.postgres.parts import (
    LOCK,
    PostgresParts,
    new_units,
    opening,
    refused_as_ours,
    take_turn,
    units_of,
)
from arrears.store.postgres.payments import METHOD_OF_ATTEMPT, PostgresMoney, method_and_tries_of
from arrears.store.postgres.people import PostgresPeople
from arrears.store.postgres.privacy import PostgresPrivacy
from arrears.store.postgres.setups import PostgresSetups
from arrears.store.postgres.support import PostgresSupport
from arrears.store.postgres.throttles import PostgresThrottles
from arrears.store.postgres.write import Db, send, utc
from arrears.store.reading import FOLLOWING_MAX

CLAIM_DUE: Final[LiteralString] = """
SELECT account_id, seq, head, next_at, state FROM account_state WHERE next_at <= %b AND recorded_at <= %b
ORDER BY next_at, account_id LIMIT %b FOR NO KEY UPDATE SKIP LOCKED
"""

CLAIM_ACTIONS: Final[LiteralString] = """
WITH free AS MATERIALIZED (
    SELECT account_id, seq, kind FROM action a
    WHERE (status = 'recorded' OR (status = 'claimed' AND lease_until <= %(now)s)) AND kind = coalesce(%(kind)s, kind)
      AND (kind = 'notice' OR NOT EXISTS (
          SELECT FROM action e WHERE e.account_id = a.account_id AND e.subscription = a.subscription
          AND e.kind = 'order' AND e.order_no < a.order_no AND e.status IN ('recorded', 'claimed')))
    ORDER BY account_id, seq LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE action a SET status = 'claimed', tries = a.tries + 1,
    lease_until = %(now)s + make_interval(secs => %(lease)s)
FROM free WHERE a.account_id = free.account_id AND a.seq = free.seq AND a.kind = free.kind
RETURNING a.account_id, a.seq, a.kind, a.subscription, a.order_no, a.what, a.tries
"""


GIVE_BACK: Final[LiteralString] = """
UPDATE action a SET tries = a.tries - 1
FROM unnest(%b::bigint[], %b::bigint[], %b::text[], %b::integer[]) AS v (account_id, seq, kind, tries)
WHERE a.account_id = v.account_id AND a.seq = v.seq AND a.kind = v.kind AND a.status = 'claimed' AND a.tries = v.tries
"""


RESUMED_WITH: Final[LiteralString] = """
SELECT v.account_id, v.seq, f.body FROM unnest(%b::bigint[], %b::bigint[]) AS v (account_id, seq)
JOIN fact c ON c.account_id = v.account_id AND c.seq = v.seq
CROSS JOIN LATERAL generate_series(v.seq + 1, v.seq + %b) AS n (seq)
JOIN fact f ON f.seq = n.seq AND f.account_id = v.account_id AND f.at = c.at AND f.kind = 'resumed'
ORDER BY f.seq
"""


class PostgresStore(
    PostgresInstallation,
    PostgresMoney,
    PostgresMail,
    PostgresSetups,
    PostgresPeople,
    PostgresAccess,
    PostgresThrottles,
    PostgresSupport,
    PostgresReceivables,
    PostgresNamedMethods,
    PostgresBank,
    PostgresPrivacy,
    PostgresEvents,
):
    """See ports.Store. `schema` is the schema to work in; the search path is set for every connection. Where `now` is
    a made-up clock (`clock_is_real=False`: replay, simulation) it is not compared with the database's."""

    def __init__(
        self,
        url: str,
        *,
        schema: str = "public",
        connections_max: int = 4,
        durable: bool = True,
        clock_is_real: bool = True,
    ) -> None:
        options = f"-c search_path={schema} -c timezone=UTC -c datestyle=ISO -c plan_cache_mode=force_generic_plan"
        if not durable:
            # A scratch copy that is thrown away: losing its last second in a crash loses nothing.
            options += " -c synchronous_commit=off"
        self.schema = schema
        self._clock_is_real = clock_is_real
        self._pool = LastingPool(
            url,
            min_size=1,
            max_size=connections_max,
            open=True,
            kwargs={"options": options},
            timeout=WAIT_SECONDS_MAX,
            reconnect_timeout=RECONNECT_SECONDS_MAX,
        )
        self._known = PolicyVersions()
        self._open = threading.local()

    def close(self) -> None:
        """Give the connections back."""
        self._pool.close()

    def check_all(self) -> tuple[int, Sequence[Breach]]:
        """See ports.SelfChecking."""
        report = check_store(self)
        return report.checked, report.breaches

    @contextmanager
    def transaction(self) -> Iterator[Db]:
        """One transaction on a connection of its own."""
        with self._pool.connection() as db:
            assert db.info.transaction_status == psycopg.pq.TransactionStatus.IDLE, "a transaction is open already"
            self._open.db = db
            try:
                yield db
            finally:
                self._open.db = None

    @contextmanager
    def reading(self) -> Iterator[Db]:
        """See PostgresMoney. Whoever holds a lock and waits for a second connection would wait for those who wait for
        the lock."""
        mine = getattr(self._open, "db", None)
        if mine is not None:
            yield mine
            return
        with self.each_alone() as db:
            yield db

    @contextmanager
    def each_alone(self) -> Iterator[Db]:
        """A connection on which each statement is a transaction by itself: two round trips less, where one is all."""
        with self._pool.connection() as db:
            db.autocommit = True
            self._open.db = db
            try:
                yield db
            finally:
                self._open.db = None
                if not db.closed:
                    db.autocommit = False

    # -- units of work ---------------------------------------------------------------------------------------

    @contextmanager
    def open_accounts(self, accounts: Sequence[NewAccount], now: datetime) -> Iterator[PostgresBatch]:
        """See ports.AccountOpening."""
        with self.transaction() as db:
            _, guards, policies = self.locked(db, LOCK, [[]])
            units = new_units(db, len(accounts), now)
            with PostgresBatch(db, units, guards, policies).writing() as batch:
                yield batch
            with refused_as_ours():
                send(db, opening(units, accounts))

    @contextmanager
    def in_parts(self, now: datetime, wait_max: timedelta | None = None) -> Iterator[PostgresParts]:
        """See ports.AccountOpening."""
        with self.transaction() as db:
            take_turn(db, wait_max)
            with PostgresParts(db, now).writing() as parts:
                yield parts

    @contextmanager
    def accounts(self, numbers: Sequence[int], now: datetime) -> Iterator[PostgresBatch]:
        """See ports.Accounts."""
        wanted = sorted(set(numbers))
        with self.transaction() as db:
            rows, guards, policies = self.locked(db, LOCK, [wanted])
            units = units_of(rows, now)
            if len(units) != len(wanted):
                missing = next(n for n in wanted if n not in {u.no for u in units})
                raise Refused("unknown_account", f"there is no account {missing}")
            with PostgresBatch(db, units, guards, policies).writing() as batch:
                yield batch

    @contextmanager
    def due(self, now: datetime, limit: int) -> Iterator[PostgresBatch]:
        """See ports.DueAccounts."""
        with self.transaction() as db:
            rows, guards, policies = self.locked(db, CLAIM_DUE, [now, now, limit])
            units = [Unit(no, None, seq, head, now, next_at, text) for no, seq, head, next_at, text in rows]
            with PostgresBatch(db, units, guards, policies).writing() as batch:
                yield batch

    def set_aside(self, number: int, now: datetime, why: str) -> None:
        """See ports.DueAccounts."""
        with self.transaction() as db:
            _set_aside(db, number, now, why)

    # -- what must be performed --------------------------------------------------------------------------------

    def claim(self, now: datetime, limit: int, lease_seconds: int, kind: str | None = None) -> Sequence[Claim]:
        """See ports.ActionQueue."""
        with self.each_alone() as db:
            found = db.execute(CLAIM_ACTIONS, {"now": now, "limit": limit, "lease": lease_seconds, "kind": kind})
            return sorted(Claim(*row) for row in found)

    def give_back(self, claims: Sequence[Claim]) -> None:
        """See ports.ActionQueue."""
        columns = [[c.account for c in claims], [c.seq for c in claims], [c.kind for c in claims]]
        with self.transaction() as db:
            db.execute(GIVE_BACK, [*columns, [c.tries for c in claims]])

    def noticed_facts(self, claims: Sequence[Claim]) -> Mapping[tuple[int, int], Recorded]:
        """See ports.NoticeFacts."""
        with self.reading() as db:
            found = db.execute(
                "SELECT f.account_id, f.seq, f.at, f.author, f.why, f.body FROM fact f"
                " JOIN unnest(%b::bigint[], %b::bigint[]) AS v (account_id, seq) USING (account_id, seq)",
                [[c.account for c in claims], [c.seq for c in claims]],
            )
            told = [Recorded(a, s, utc(at), author, why, decode_fact(body)) for a, s, at, author, why, body in found]
            return {(one.account, one.seq): one for one in told}

    def subscriptions_resumed_with(self, facts: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], tuple[int, ...]]:
        """See ports.NoticeFacts."""
        columns = [[account for account, _ in facts], [seq for _, seq in facts]]
        found: dict[tuple[int, int], list[int]] = {key: [] for key in facts}
        with self.reading() as db:
            for account, seq, body in db.execute(RESUMED_WITH, [*columns, FOLLOWING_MAX]):
                fact = decode_fact(body)
                if isinstance(fact, Resumed) and fact.order_no:
                    found[account, seq].append(fact.subscription)
        return {key: tuple(numbers) for key, numbers in found.items()}

    # -- reading -----------------------------------------------------------------------------------------------

    def seen_to_charge(self, account: int, attempt: int, now: datetime) -> tuple[View | None, MethodAndTries | None]:
        """See ports.AccountsAndMoney. One round trip."""
        with self.reading() as db:
            with db.pipeline():
                seen = db.execute(SEEN, [account])
                method = db.execute(METHOD_OF_ATTEMPT, {"account": account, "number": attempt, "most": TRIES_MAX})
            return self.view_of(db, seen, account, now), method_and_tries_of(method.fetchall())

    def account_numbers(self, refs: Sequence[str]) -> Mapping[str, int]:
        """See ports.AccountReader."""
        with self.reading() as db:
            found = db.execute("SELECT ref, account_id FROM account WHERE ref = ANY(%b)", [list(refs)])
            return dict(found)

    def history(self, number: int) -> Sequence[Recorded]:
        """See ports.Journal."""
        return self.history_after(number, 0, None)

    def history_after(self, number: int, seq: int, most: int | None) -> Sequence[Recorded]:
        """See ports.Journal."""
        with self.reading() as db:
            found = db.execute(
                "SELECT account_id, seq, at, author, why, body FROM account_fact"
                " WHERE account_id = %s AND seq > %s ORDER BY seq LIMIT %s",
                [number, seq, most],
            )
            return [Recorded(a, s, utc(at), author, why, decode_fact(body)) for a, s, at, author, why, body in found]

    def next_due(self) -> datetime | None:
        """See ports.DueAccounts."""
        with self.reading() as db:
            row = db.execute("SELECT min(next_at) FROM account_state WHERE next_at IS NOT NULL").fetchone()
            return None if row is None or row[0] is None else utc(row[0])

    def wake_waiting(self, now: datetime) -> int:
        """See ports.InstallationControl."""
        with self.each_alone() as db:
            return db.execute("UPDATE account_state SET next_at = %s WHERE waits", [now]).rowcount

    def digest(self) -> str:
        """See ports.Journal."""
        with self.reading() as db:
            row = db.execute(
                "SELECT encode(sha256((SELECT head FROM system_state) ||"
                " coalesce(string_agg(head, ''::bytea ORDER BY account_id), ''::bytea)), 'hex') FROM account_state"
            ).fetchone()
            assert row is not None
            return str(row[0])


def _set_aside(db: Db, number: int, now: datetime, why: str) -> None:
    db.execute("SELECT FROM system_state FOR UPDATE")
    db.execute("UPDATE account_state SET next_at = NULL WHERE account_id = %s", [number])
    record_system(db, AccountSetAside(account=number, why=why), now, ARREARS, why)
