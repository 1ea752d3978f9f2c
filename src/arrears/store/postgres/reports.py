"""The reports on receivables, read from the journal and the ledger: figures, and the accounts that one is made of.

Each answer is one statement in a transaction that only reads and that ends by itself after `SECONDS_MAX`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from typing import Any, Final, LiteralString, NamedTuple

import psycopg

from arrears.core.errors import Refused
from arrears.core.reports import AGES, COLUMNS, DAYS_TO_PAY, ReceivablesReport, ReportFigure
from arrears.store.postgres.report_sql import LINES, QUANTILES
from arrears.store.postgres.store import PostgresStore

SECONDS_MAX: Final = 60
"""How long a report may be reckoned."""


class Period(NamedTuple):
    """The days from which a report is made: what went past due, stopped or was written from `since` to `until`. Ages
    are those of `today`."""

    since: date
    until: date
    today: date


class Quantiles(NamedTuple):
    """In so many days from day 0 a quarter, half, three quarters and nine tenths of what was paid whole had been."""

    currency: str
    number: int
    days: tuple[int, int, int, int]


class AccountLine(NamedTuple):
    """What one account has in a figure."""

    account: int
    name: str
    number: int
    sums: tuple[int, ...]


_SUM: Final[tuple[LiteralString, ...]] = (
    "coalesce(sum(sums[1]), 0)::bigint",
    "coalesce(sum(sums[2]), 0)::bigint",
    "coalesce(sum(sums[3]), 0)::bigint",
    "coalesce(sum(sums[4]), 0)::bigint",
    "coalesce(sum(sums[5]), 0)::bigint",
)


def figures(store: PostgresStore, report: ReceivablesReport, period: Period) -> Sequence[ReportFigure]:
    """Every group of a report in the order of its groups, then by currency; Refused `takes_too_long`."""
    sums = ", ".join(_SUM[: len(COLUMNS[report])])
    found = _read(
        store,
        f"SELECT part, currency, sum(number)::bigint, count(DISTINCT account_id), {sums} FROM ({LINES[report]}) line"
        " GROUP BY part, currency",
        period,
    )
    order = {group: place for place, group in enumerate((*AGES, *DAYS_TO_PAY))}
    every = [
        ReportFigure(part, currency, number, accounts, tuple(more)) for part, currency, number, accounts, *more in found
    ]
    return sorted(every, key=lambda one: (order.get(one.group, -1), one.group, one.currency))


def lines_of(
    store: PostgresStore,
    report: ReceivablesReport,
    period: Period,
    group: str,
    currency: str,
    limit: int,
    after: int = 0,
) -> Sequence[AccountLine]:
    """The accounts of one figure by their numbers, after this one; Refused `takes_too_long`."""
    sums = ", ".join(_SUM[: len(COLUMNS[report])])
    found = _read(
        store,
        f"SELECT account_id, a.name, sum(number)::bigint, {sums} FROM ({LINES[report]}) line JOIN account a"
        " USING (account_id) WHERE part = %(group)s AND currency = %(currency)s AND account_id > %(after)s"
        " GROUP BY account_id, a.name ORDER BY account_id LIMIT %(limit)s",
        period,
        group=group,
        currency=currency,
        after=after,
        limit=limit,
    )
    return [AccountLine(account, name, number, tuple(more)) for account, name, number, *more in found]


def days_to_recover(store: PostgresStore, period: Period) -> Sequence[Quantiles]:
    """How long it takes until a debt that is late is paid, by currency."""
    return [Quantiles(currency, number, tuple(days)) for currency, number, days in _read(store, QUANTILES, period)]


def _read(store: PostgresStore, statement: LiteralString, period: Period, **more: Any) -> list[Any]:
    with store.transaction() as db:
        db.execute(f"SET LOCAL statement_timeout = '{SECONDS_MAX}s'; SET LOCAL TRANSACTION READ ONLY")
        with suppress(psycopg.errors.QueryCanceled):
            return db.execute(statement, {**period._asdict(), **more}).fetchall()
    raise Refused("takes_too_long", f"this takes longer than {SECONDS_MAX} seconds; choose fewer months")
