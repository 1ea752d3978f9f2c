"""`python -m bench.sizes`: what an account takes on a database: bytes at rest, bytes of WAL, facts, statements' rows.

Two books of the same size are lived through on an empty database of their own, each by the real engine: customers who
pay each month's invoice on its day, for a year, and customers who never pay one invoice and are deleted in the end.
What a book of any size takes is then plain arithmetic (docs/scale.md). Counts, not times: a busy machine does not
change them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg

from arrears.adapters.channels.memory import MemoryChannel
from arrears.adapters.services.inprocess import InProcessServices
from arrears.core.account import Mode
from arrears.core.policy import default_policy
from arrears.engine import commands
from arrears.engine.booking import Payment
from arrears.engine.perform import perform_all
from arrears.engine.run import Limits, run
from arrears.engine.system import adopt_policy
from arrears.ports import NewAccount
from arrears.store.postgres.store import PostgresStore
from arrears.store.server import EmbeddedServer
from arrears.wiring import migrate

BEGAN: Final = datetime(2026, 1, 5, 10, tzinfo=UTC)
DAY: Final = timedelta(days=1)
NEVER_DAYS: Final = 140
"""Longer than from a due date to the deletion."""
LIMITS: Final = Limits(deletions_per_day=1_000_000)
SIZE: Final[LiteralString] = """
SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
"""
LARGEST: Final[LiteralString] = """
SELECT relname, pg_total_relation_size(oid)::bigint FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC LIMIT 6
"""


def _customer(n: int) -> NewAccount:
    email = f"a{n}@x.example"
    return NewAccount(f"A{n}", f"Customer {n}", "NL", "Europe/Amsterdam", "nl", Mode.CARD, "default", email)


class Book:
    """One book on one database."""

    def __init__(self, url: str, accounts: int) -> None:
        self._url, self._store = url, PostgresStore(url, clock_is_real=False)
        self._channel, self._services = MemoryChannel(), InProcessServices()
        adopt_policy(self._store, default_policy(), BEGAN, "staff:1")
        self._before = self._figures()
        new = [(_customer(n), ("cloud",)) for n in range(accounts)]
        self.numbers = commands.open_accounts(self._store, new, BEGAN, "api:1")

    def _figures(self) -> dict[str, int]:
        with psycopg.connect(self._url, autocommit=True) as db:
            db.execute("VACUUM ANALYZE")
            row = db.execute(f"SELECT pg_current_wal_lsn() - '0/0'::pg_lsn, ({SIZE}), (SELECT count(*) FROM fact)")
            wal, size, facts = row.fetchone() or (0, 0, 0)
            return {"wal": int(wal), "size": int(size), "facts": int(facts)}

    def issue(self, month: int, now: datetime) -> None:
        """An invoice for every account, due in thirty days."""
        due = (now + 30 * DAY).date()
        new = [commands.Invoice(n, f"I-{n}-{month}", "EUR", 12_000, now.date(), due, (1,)) for n in self.numbers]
        commands.issue_invoices(self._store, new, now, "api:1")

    def pay(self, month: int, now: datetime) -> None:
        """Every account pays that."""
        paid = [Payment(n, f"P-{n}-{month}", "EUR", 12_000, (month + 1,)) for n in self.numbers]
        commands.record_payments(self._store, paid, now, "api:1")

    def work(self, now: datetime) -> None:
        """What is due is decided and done."""
        while run(self._store, now, limits=LIMITS).accounts + perform_all(
            self._store, self._channel, self._services, lambda: now
        ):
            pass

    def per_account(self) -> dict[str, Any]:
        """What it has taken, an account."""
        after, count = self._figures(), len(self.numbers)
        found: dict[str, Any] = {
            f"{name}_bytes" if name != "facts" else name: round((after[name] - self._before[name]) / count, 1)
            for name in after
        }
        with psycopg.connect(self._url) as db:
            found["largest"] = {name: round(size / count) for name, size in db.execute(LARGEST)}
        self._store.close()
        return found


def good_year(url: str, accounts: int) -> dict[str, Any]:
    """Twelve invoices, each paid on its day."""
    book = Book(url, accounts)
    for month in range(12):
        now = BEGAN + 30 * month * DAY
        book.issue(month, now)
        book.work(now + 15 * DAY)
        book.pay(month, now + 29 * DAY)
        book.work(now + 29 * DAY)
    return book.per_account()


def bad_invoice(url: str, accounts: int) -> dict[str, Any]:
    """One invoice that nobody pays, until the data is deleted."""
    book = Book(url, accounts)
    book.issue(0, BEGAN - 30 * DAY)
    for day in range(NEVER_DAYS):
        book.work(BEGAN + day * DAY)
    return book.per_account()


BOOKS: Final[dict[str, Callable[[str, int], dict[str, Any]]]] = {"pays": good_year, "never_pays": bad_invoice}


def main() -> int:
    """One JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=2_000)
    options = parser.parse_args()
    figures: dict[str, Any] = {"accounts": options.accounts}
    for name, lived in BOOKS.items():
        with tempfile.TemporaryDirectory(prefix="arrears-sizes-") as folder:
            Path(folder).chmod(0o711)
            server = EmbeddedServer(Path(folder) / "db")
            url = server.start()
            try:
                migrate(url)
                figures[name] = lived(url, options.accounts)
            finally:
                server.stop()
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
