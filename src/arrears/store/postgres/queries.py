"""Reading for commands and pages: whole answers in a fixed number of statements. Nothing here writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, LiteralString

from arrears.core.address import without_addresses
from arrears.core.errors import Refused
from arrears.store.postgres.store import PostgresStore
from arrears.store.postgres.write import utc


@dataclass(frozen=True, slots=True)
class Task:
    """Something that waits for a person: `no` is its number here, `seq` the fact that first asked for it, `times` how
    often it was asked for, and `what` what was said last. `reply` are the words of the mail server behind it, without
    any address."""

    account: int
    ref: str
    seq: int
    kind: str
    what: str
    since: datetime
    no: int = 0
    times: int = 1
    reply: str = ""


@dataclass(frozen=True, slots=True)
class Awaiting:
    """A deletion that the day's cap keeps back until two members of staff release it."""

    account: int
    ref: str
    subscription: int
    delete_on: date
    scheduled_at: datetime


@dataclass(frozen=True, slots=True)
class Totals:
    """The installation in numbers."""

    accounts: int
    due_now: int
    waiting: int
    open_actions: int
    open_tasks: int
    open_cases: int
    subscriptions: dict[str, int]


def open_tasks(store: PostgresStore) -> list[Task]:
    """All open tasks, oldest first."""
    with store.transaction() as db:
        found = db.execute(f"{TASK} WHERE t.closed_seq IS NULL ORDER BY f.at, t.account_id, t.seq")
        return [task_of(row) for row in found]


def open_task(store: PostgresStore, number: int) -> Task:
    """The open task with this number; refuses `unknown_task`."""
    with store.transaction() as db:
        row = db.execute(f"{TASK} WHERE t.no = %s AND t.closed_seq IS NULL", [number]).fetchone()
    if row is None:
        raise Refused("unknown_task", f"there is no open task {number}; `arrears tasks` lists them")
    return task_of(row)


# The fact that asked last names the notice; the words are those of its newest message that failed.
TASK: Final[LiteralString] = """
SELECT t.account_id, coalesce(a.ref, ''), t.seq, t.kind, t.what, f.at, t.no, t.times, coalesce(m.reply, ''),
    coalesce(m.address, '')
FROM task t LEFT JOIN account a USING (account_id) JOIN fact f ON f.account_id = t.account_id AND f.seq = t.seq
LEFT JOIN fact last ON last.account_id = t.account_id AND last.seq = t.last_seq
    AND last.kind IN ('notice_failed', 'notice_bounced')
LEFT JOIN LATERAL (
    SELECT reply, address FROM message WHERE account_id = t.account_id AND seq = (last.body::json ->> 'notice')::bigint
        AND state IN ('refused', 'unknown', 'bounced_hard', 'came_back') AND reply <> '' ORDER BY at DESC, no LIMIT 1
) m ON true
"""
REPLY_SHOWN_MAX: Final = 200
"""Enough for what a server says and the page that it names; longer ones stand in `arrears timeline`."""


def task_of(row: Any) -> Task:
    """The task of a row of TASK."""
    account, ref, seq, kind, what, at, no, times, reply, address = row
    said = without_addresses(reply, address)[:REPLY_SHOWN_MAX]
    return Task(account, ref, seq, kind, what, utc(at), no, times, said)


def awaiting_release(store: PostgresStore, limit: int = 1000) -> list[Awaiting]:
    """The deletions that wait for a release, oldest first."""
    with store.transaction() as db:
        found = db.execute(
            "SELECT e.account_id, a.ref, e.subscription, e.delete_on, e.scheduled_at FROM service_end e"
            " JOIN account a USING (account_id)"
            " JOIN subscription s ON s.account_id = e.account_id AND s.no = e.subscription"
            " WHERE e.awaiting_release AND e.ordered_at IS NULL"
            " AND s.generation = e.generation AND s.state = 'disabled'"
            " ORDER BY e.scheduled_at, e.account_id LIMIT %s",
            [limit],
        )
        return [Awaiting(account, ref, sub, on, utc(at)) for account, ref, sub, on, at in found]


@dataclass(frozen=True, slots=True)
class Deleted:
    """A subscription whose service has confirmed that it is deleted."""

    account: int
    subscription: int
    ordered_at: datetime


def deleted_lately(store: PostgresStore, limit: int) -> list[Deleted]:
    """What is deleted and confirmed, the last that was ordered first."""
    with store.transaction() as db:
        found = db.execute(
            "SELECT e.account_id, e.subscription, e.ordered_at FROM service_end e"
            " JOIN subscription s ON s.account_id = e.account_id AND s.no = e.subscription"
            " WHERE e.ordered_at IS NOT NULL AND s.generation = e.generation AND s.state = 'deleted'"
            " ORDER BY e.ordered_at DESC, e.account_id, e.subscription LIMIT %s",
            [limit],
        )
        return [Deleted(account, sub, utc(at)) for account, sub, at in found]


def with_deletion_ahead(store: PostgresStore, last: date) -> list[int]:
    """The accounts of which something may be deleted up to this day, as far as a day is stored, in order of their
    numbers; and of which something is ordered to be, and not yet."""
    with store.transaction() as db:
        found = db.execute(
            "SELECT DISTINCT e.account_id FROM service_end e"
            " JOIN subscription s ON s.account_id = e.account_id AND s.no = e.subscription"
            " WHERE s.generation = e.generation AND s.state = 'disabled'"
            " AND (e.delete_on <= %s OR e.delete_on IS NULL OR e.scheduled_at IS NOT NULL) ORDER BY 1",
            [last],
        )
        return [number for (number,) in found]


@dataclass(frozen=True, slots=True)
class ServiceOrders:
    """The orders of one service: each that was given is acknowledged or open. `oldest_open_since`: when the oldest that
    is open was given."""

    subscriptions: int = 0
    given: int = 0
    open: int = 0
    oldest_open_since: datetime | None = None

    @property
    def acknowledged(self) -> int:
        """Those that are over."""
        return self.given - self.open


SERVICES: Final[LiteralString] = """
SELECT s.service, count(DISTINCT (s.account_id, s.no)), count(a.order_no), count(a.order_no) FILTER (WHERE o.open),
    min(f.at) FILTER (WHERE o.open)
FROM subscription s LEFT JOIN action a ON a.account_id = s.account_id AND a.subscription = s.no AND a.kind = 'order'
LEFT JOIN LATERAL (SELECT NOT EXISTS (SELECT FROM fact d WHERE d.account_id = a.account_id AND d.seq > a.seq
    AND d.kind = 'order_acknowledged' AND (d.body::json ->> 'subscription')::integer = a.subscription
    AND (d.body::json ->> 'order_no')::integer = a.order_no) AS open) o ON a.order_no IS NOT NULL
LEFT JOIN fact f ON o.open AND f.account_id = a.account_id AND f.seq = a.seq
GROUP BY s.service ORDER BY s.service
"""


def services_of_book(store: PostgresStore) -> dict[str, ServiceOrders]:
    """Every service that an account has a subscription to, with its orders, as the journal has them."""
    with store.transaction() as db:
        found = db.execute(SERVICES)
        return {
            name: ServiceOrders(count, given, left, None if since is None else utc(since))
            for name, count, given, left, since in found
        }


def totals(store: PostgresStore, now: datetime) -> Totals:
    """The installation in numbers, at one moment."""
    with store.transaction() as db:
        row = db.execute(
            "SELECT (SELECT count(*) FROM account),"
            " (SELECT count(*) FROM account_state WHERE next_at <= %(now)s),"
            " (SELECT count(*) FROM account_state WHERE waits),"
            " (SELECT count(*) FROM action WHERE status IN ('recorded', 'claimed')),"
            " (SELECT count(*) FROM task WHERE closed_seq IS NULL),"
            " (SELECT count(*) FROM collection_case WHERE outcome IS NULL)",
            {"now": now},
        ).fetchone()
        assert row is not None
        states = db.execute("SELECT state, count(*) FROM subscription GROUP BY state ORDER BY state").fetchall()
    accounts, due_now, waiting, open_actions, open_tasks, open_cases = row
    return Totals(accounts, due_now, waiting, open_actions, open_tasks, open_cases, dict(states))


def reference(store: PostgresStore, account: int) -> str:
    """The operator's own reference of an account."""
    with store.transaction() as db:
        row = db.execute("SELECT ref FROM account WHERE account_id = %s", [account]).fetchone()
        assert row is not None
        return str(row[0])
