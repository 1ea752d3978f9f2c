"""`python -m bench.settle`: from "pay" to the resume orders recorded, 32 at once, beside the bare cost of its writes.

The provider is the sandbox at zero latency, over HTTP and through Stripe's own SDK. Bare cost: the very statements that
the settlements wrote, with the same values, sent by as many threads to a copy of the same book, in the same
transactions. What is left is deciding, folding, reading back and the provider.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from statistics import median, quantiles
from typing import Any, Final

import psycopg
from torture.money import ACCOUNTS_PER_CUSTOMER, open_book
from torture.payer import AUTHOR, now, providers_at

from arrears.engine.payments.settling import quote, settle
from arrears.sandbox.run import Running, running
from arrears.store.postgres.batch import PostgresBatch
from arrears.store.postgres.store import LOCK, PostgresStore
from arrears.wiring import database_url, fresh_database
from bench.run import Server

AT_ONCE: Final = 32
_here: Final = threading.local()
Statement = tuple[Any, Any]


class Recorder:
    """Every statement that a settlement writes with, by account and transaction."""

    def __init__(self) -> None:
        self.transactions: dict[int, list[list[Statement]]] = defaultdict(list)
        self._send = PostgresBatch.write_early

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Watch the batches of this process."""
        recorder = self

        def send(batch: PostgresBatch, units: Any) -> None:
            changed = [u for u in units if u.changed]
            if not changed:
                return
            found: list[Statement] = []
            recorder.transactions[changed[0].no].append(found)
            db = batch._db

            class Through:
                def execute(self, statement: Any, params: Any = None, **how: Any) -> Any:
                    found.append((statement, params))
                    return db.execute(statement, params, **how)

            batch._db = Through()  # type: ignore[assignment]
            recorder._send(batch, units)
            batch._db = db

        PostgresBatch.write_early = send  # type: ignore[method-assign]
        try:
            yield
        finally:
            PostgresBatch.write_early = self._send  # type: ignore[method-assign]


def at_once(numbers: Sequence[int], work: Callable[[int], None]) -> list[float]:
    """The seconds of each of these, AT_ONCE at a time; whatever goes wrong with one ends it all."""

    def timed(number: int) -> float:
        began = time.perf_counter()
        work(number)
        return time.perf_counter() - began

    with ThreadPoolExecutor(AT_ONCE) as lanes:
        return list(lanes.map(timed, numbers))


def by_us(url: str, sandbox: Running, count: int) -> list[float]:
    """Settle every account once."""
    store = PostgresStore(url, connections_max=AT_ONCE)
    providers = providers_at(sandbox.url, sandbox.secret_key, sandbox.webhook_secret)

    def one(account: int) -> None:
        owed = quote(store, account, now())
        shown = {q.currency: q.hash for q in owed}
        method = store.methods(account)[-1].no
        [result] = settle(store, providers, account, shown, method, now, AUTHOR)
        assert result.attempt.state == "paid", result

    # A card pays for several accounts, and the networks count on it: at once, each pays with another one.
    apart = sorted(range(1, count + 1), key=lambda number: (number - 1) % ACCOUNTS_PER_CUSTOMER)
    seconds = at_once(apart, one)
    store.close()
    return seconds


def by_sql(url: str, transactions: dict[int, list[list[Statement]]]) -> list[float]:
    """Write the same again, and nothing else."""

    def one(account: int) -> None:
        db = getattr(_here, "db", None)
        if db is None:
            db = _here.db = psycopg.connect(url, options="-c timezone=UTC -c plan_cache_mode=force_generic_plan")
        for statements in transactions[account]:
            with db.transaction():
                db.execute(LOCK, [[account]], binary=True).fetchall()
                with db.pipeline():
                    for statement, params in statements:
                        db.execute(statement, params)

    return at_once(sorted(transactions), one)


def _figures(seconds: list[float]) -> dict[str, float]:
    percentiles = quantiles(seconds, n=100)
    return {"p50_ms": round(1000 * median(seconds), 1), "p99_ms": round(1000 * percentiles[98], 1)}


def main() -> int:
    """One JSON object; exit code 0, as this has no floor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the JSON object, on one line")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    server = Server(database_url())
    with running() as sandbox:
        template = fresh_database("bench_settle")
        store = PostgresStore(template, clock_is_real=False)
        open_book(store, sandbox, options.count, options.seed)
        store.close()
        recorder = Recorder()
        url = server.copy("bench_settle", "bench_settle_copy")
        began = time.perf_counter()
        with recorder.recording():
            ours = by_us(url, sandbox, options.count)
        seconds = time.perf_counter() - began
        bare = by_sql(server.copy("bench_settle", "bench_settle_bare"), recorder.transactions)
    figures = {
        "settlements": len(ours),
        "seed": options.seed,
        "at_once": AT_ONCE,
        "ours": _figures(ours),
        "bare_writes": _figures(bare),
        "p50_over_bare": round(median(ours) / median(bare), 2),
        "settlements_per_second": round(len(ours) / seconds, 1),
        "measured_on": datetime.now(UTC).date().isoformat(),
        "floors": {},
        "holds": True,
    }
    sys.stdout.write(json.dumps(figures, indent=None if options.json else 2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
