"""Reading for commands and pages: whole answers in a fixed number of statements. Nothing here writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from arrears.core.facts import InvoiceIssued, decode_fact
from arrears.core.receivables import KnownInvoice, KnownPayment
from arrears.store.postgres.store import PostgresStore
from arrears.store.postgres.write import utc


@dataclass(frozen=True, slots=True)
class Task:
    """Something that waits for a person; `seq` is the fact that raised it."""

    account: int
    ref: str
    seq: int
    kind: str
    what: str
    since: datetime


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


def open_tasks(store: PostgresStore, limit: int = 1000) -> list[Task]:
    """The open tasks, oldest first."""
    with store.transaction() as db:
        found = db.execute(
            "SELECT t.account_id, coalesce(a.ref, ''), t.seq, t.kind, t.what, f.at FROM task t"
            " LEFT JOIN account a USING (account_id) JOIN fact f ON f.account_id = t.account_id AND f.seq = t.seq"
            " WHERE t.closed_seq IS NULL ORDER BY f.at, t.account_id, t.seq LIMIT %s",
            [limit],
        )
        return [Task(account, ref, seq, kind, what, utc(at)) for account, ref, seq, kind, what, at in found]


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


def known_invoices(store: PostgresStore, numbers: list[str]) -> dict[str, KnownInvoice]:
    """Which of these invoices are in the database, by number. What they are for is in their facts."""
    with store.transaction() as db:
        found = db.execute(
            "SELECT i.number, a.ref, i.account_id, i.no, i.currency, i.total_minor, i.issued_on, i.due_on"
            " FROM invoice i JOIN account a USING (account_id) WHERE i.number = ANY(%s)",
            [numbers],
        ).fetchall()
        accounts = sorted({row[2] for row in found})
        named = db.execute(
            "SELECT account_id, no, service FROM subscription WHERE account_id = ANY(%s)", [accounts]
        ).fetchall()
        issued = db.execute(
            "SELECT account_id, body FROM account_fact WHERE account_id = ANY(%s) AND kind = 'invoice_issued'",
            [accounts],
        ).fetchall()
    service = {(account, no): name for account, no, name in named}
    services: dict[tuple[int, int], tuple[str, ...]] = {}
    for account, body in issued:
        fact = decode_fact(body)
        assert isinstance(fact, InvoiceIssued), fact
        services[account, fact.debt.no] = tuple(service[account, sub] for sub in fact.debt.subscriptions)
    return {number: KnownInvoice(ref, no, services[account, no], *rest) for number, ref, account, no, *rest in found}


def known_payments(store: PostgresStore, refs: list[str]) -> dict[str, KnownPayment]:
    """Which of these payments are in the database, by reference."""
    with store.transaction() as db:
        found = db.execute(
            "SELECT p.ref, a.ref, p.currency, p.amount_minor"
            " FROM payment p JOIN account a USING (account_id) WHERE p.ref = ANY(%s)",
            [refs],
        )
        return {ref: KnownPayment(*rest) for ref, *rest in found}
