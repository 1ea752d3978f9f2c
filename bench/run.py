"""`python -m bench.run`: the collections run beside bare SQL, as medians of interleaved pairs on one server.

33,000 accounts are due. Figures: our rate over SQL's with one lane and with two lanes in one process, two processes
over one, and how the time grows when the same number is due out of 33k, 100k and 1M accounts.

`--audit` measures instead what it costs to look, wherever something is cut, at all that the cut rests on (the journal
and its chain, the state, the rows), beside a run that looks at nothing, as alternating pairs; with `--whole` of what
`arrears run` does: the collections run and then what it asks for, messages with the words that ship and orders.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib.resources import files
from statistics import median
from typing import Any, Final

import psycopg
from psycopg import sql
from torture.postman import real_context

from arrears.adapters.channels.memory import MemoryChannel
from arrears.adapters.services.inprocess import InProcessServices
from arrears.cli.common import tune_for_batches
from arrears.core.policy import default_policy
from arrears.core.unit import Unit
from arrears.engine.message_context import MessageContext
from arrears.engine.payments.providers import NO_PROVIDERS
from arrears.engine.perform import perform
from arrears.engine.run import Limits, decision_cache_of, run_batch
from arrears.engine.system import adopt_policy
from arrears.store import schema
from arrears.store.postgres.batch import PostgresBatch
from arrears.store.postgres.store import PostgresStore
from arrears.wiring import database_url, set_up_django
from bench.book import CUT, NOW, write_book

FLOORS: Final = {"one_lane": 0.40, "two_lanes": 0.65, "two_processes": 1.35, "growth_1m_over_100k": 1.40}
GOALS: Final = {"one_lane": 0.80, "two_lanes": 1.00, "two_processes": 1.50, "growth_1m_over_100k": 1.20}
AUDIT_MAX: Final = 1.03
"""Looking at all that a cut rests on takes at most 3 % of a run."""
BATCH_ACCOUNTS: Final = 1000

STAGED: Final = {
    "staged_fact": """SELECT f.*, coalesce(p.hash, decode(repeat('00', 32), 'hex')) AS previous,
        to_char(f.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"') AS stamp
        FROM fact f LEFT JOIN fact p ON p.account_id = f.account_id AND p.seq = f.seq - 1
        WHERE f.at = %(now)s AND f.account_id > 0""",
    "staged_step": "SELECT s.* FROM step s JOIN fact f USING (account_id, seq) WHERE f.at = %(now)s",
    "staged_action": "SELECT a.* FROM action a JOIN fact f USING (account_id, seq) WHERE f.at = %(now)s",
    "staged_case": """SELECT c.* FROM collection_case c JOIN fact f USING (account_id)
        WHERE f.at = %(now)s AND f.kind = 'became_past_due'""",
    "staged_invoice": """SELECT i.account_id, i.no, i.open_minor, i.day_0 FROM invoice i JOIN fact f USING (account_id)
        WHERE f.at = %(now)s AND f.kind = 'became_past_due'""",
    "staged_subscription": """SELECT s.* FROM subscription s WHERE account_id IN
        (SELECT account_id FROM fact WHERE at = %(now)s AND kind IN ('became_past_due', 'date_moved', 'disabled'))""",
    "staged_service_end": """SELECT e.* FROM service_end e WHERE account_id IN
        (SELECT account_id FROM fact WHERE at = %(now)s)""",
    "staged_state": """SELECT s.* FROM account_state s WHERE account_id IN
        (SELECT account_id FROM fact WHERE at = %(now)s)""",
}


class Server:
    """Databases on one server, made anew from a template for each measurement."""

    def __init__(self, url: str) -> None:
        self.url = url

    def of(self, name: str) -> str:
        """The address of another database on the same server."""
        return psycopg.conninfo.make_conninfo(self.url, dbname=name)

    def admin(self, statement: str, *names: str) -> None:
        """One statement about databases, outside any transaction."""
        with psycopg.connect(self.url, autocommit=True) as db:
            db.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def copy(self, source: str, target: str) -> str:
        """A fresh copy of a database, with nothing left to write back when the clock starts."""
        self.admin("DROP DATABASE IF EXISTS {}", target)
        self.admin("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", target, source)
        self.admin("CHECKPOINT")
        return self.of(target)


def make_book(server: Server, name: str, accounts: int, due: int, cut_percent: int = CUT.share) -> None:
    """A book in a database of its own, with what the engine will write staged beside it for bare SQL."""
    server.admin("DROP DATABASE IF EXISTS {}", name)
    server.admin("CREATE DATABASE {}", name)
    url = server.of(name)
    with psycopg.connect(url) as db:
        for version in schema.versions():
            db.execute(schema.text(version).encode())
            db.execute(schema.stamp(version).encode())
    store = PostgresStore(url, clock_is_real=False)
    adopt_policy(store, default_policy(), NOW, "staff:1")
    store.close()
    write_book(url, accounts, due, cut_percent)
    played = server.copy(name, f"{name}_played")
    by_engine(played, lanes=1)
    _stage(played, url)
    server.admin("DROP DATABASE {}", f"{name}_played")


def _stage(played: str, url: str) -> None:
    with psycopg.connect(played) as source, psycopg.connect(url) as target:
        for table, query in STAGED.items():
            source.execute(f"CREATE TEMP TABLE {table} AS {query}".encode(), {"now": NOW})
            columns = source.execute(
                "SELECT string_agg(format('%%I %%s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum)"
                " FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0",
                [table],
            ).fetchone()
            assert columns is not None
            target.execute(f"CREATE TABLE {table} ({columns[0]})".encode())
            with (
                source.cursor().copy(f"COPY {table} TO STDOUT".encode()) as out,
                target.cursor().copy(f"COPY {table} FROM STDIN".encode()) as into,
            ):
                for chunk in out:
                    into.write(chunk)
            target.execute(f"CREATE INDEX ON {table} (account_id)".encode())
        target.execute(files("bench").joinpath("bare.sql").read_bytes())
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("VACUUM (ANALYZE, FREEZE)")


def by_engine(
    url: str, lanes: int, kind: type[PostgresStore] = PostgresStore, context: MessageContext | None = None
) -> float:
    """Seconds of the collections run with so many lanes (threads with a connection each) in this process; with
    `context` and of what it asks for, messages with these words."""
    store = kind(url, connections_max=lanes + 1, clock_is_real=False)
    policies, limits = store.policies(), Limits(batch_accounts_max=BATCH_ACCOUNTS)

    def lane() -> None:
        cache = decision_cache_of(policies)
        while run_batch(store, policies, NOW, limits, cache).accounts:
            pass
        channel, services = MemoryChannel(), InProcessServices()
        while context is not None and perform(store, channel, services, NOW, NO_PROVIDERS, context):
            pass

    seconds = _timed([lane] * lanes)
    store.close()
    return seconds


class Unlooking(PostgresBatch):
    """A batch in which nothing is looked at."""

    def look(self, units: Sequence[Unit]) -> None:
        """Nothing is asked."""


class UnlookingStore(PostgresStore):
    """A store of such batches."""

    @contextmanager
    def due(self, now: datetime, limit: int) -> Iterator[PostgresBatch]:
        """See ports.DueAccounts."""
        with super().due(now, limit) as batch:
            batch.__class__ = Unlooking
            yield batch


def audit(server: Server, accounts: int, due: int, pairs: int, cut_percent: int, whole: bool) -> dict[str, Any]:
    """How much longer one lane takes that looks at everything, as the median of pairs whose order alternates."""
    make_book(server, "bench_book", accounts, due, cut_percent)
    set_up_django(server.of("bench_book"))
    context = real_context() if whole else None
    stores: dict[str, type[PostgresStore]] = {"all": PostgresStore, "none": UnlookingStore}
    times: dict[str, list[float]] = {name: [] for name in stores}
    for number in range(pairs):
        for name in sorted(stores, reverse=bool(number % 2)):
            seconds = by_engine(server.copy("bench_book", "bench_copy"), 1, stores[name], context)
            times[name].append(seconds)
            _say(f"pair {number + 1}/{pairs} {name}: {seconds:.2f} s ({due / seconds:,.0f} accounts/s)")
    with psycopg.connect(server.of("bench_copy")) as db:
        row = db.execute("SELECT count(*) FROM fact WHERE at = %s AND kind = 'disabled'", [NOW]).fetchone()
    ratio = _ratio(times["all"], times["none"])
    return {
        "accounts": accounts,
        "due": due,
        "cut": row and row[0],
        "pairs": pairs,
        "whole": whole,
        "audit": ratio,
        "holds": ratio <= AUDIT_MAX,
    }


def by_sql(url: str, connections: int = 1) -> float:
    """Seconds of bare SQL on so many connections."""
    opened = [psycopg.connect(url, autocommit=True) for _ in range(connections)]

    def lane(db: psycopg.Connection[Any]) -> None:
        while True:
            row = db.execute("SELECT bare_batch(%s, %s)", [NOW, BATCH_ACCOUNTS]).fetchone()
            if row is None or row[0] == 0:
                return

    seconds = _timed([lambda db=db: lane(db) for db in opened])  # type: ignore[misc]
    for db in opened:
        db.close()
    return seconds


def _timed(work: list[Callable[[], None]]) -> float:
    threads = [threading.Thread(target=one) for one in work[1:]]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    work[0]()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def _in_process(url: str, ready: Any, go: Any) -> None:
    tune_for_batches()
    store = PostgresStore(url, connections_max=2, clock_is_real=False)
    policies, limits = store.policies(), Limits(batch_accounts_max=BATCH_ACCOUNTS)
    ready.release()
    go.wait()
    cache = decision_cache_of(policies)
    while run_batch(store, policies, NOW, limits, cache).accounts:
        pass
    store.close()


def by_processes(url: str, count: int) -> float:
    """Seconds of the run by so many processes of one lane each, from a common start to the last one's end."""
    context = multiprocessing.get_context("spawn")
    ready, go = context.Semaphore(0), context.Event()
    processes = [context.Process(target=_in_process, args=(url, ready, go)) for _ in range(count)]
    for process in processes:
        process.start()
    for _ in processes:
        ready.acquire()
    began = time.perf_counter()
    go.set()
    for process in processes:
        process.join()
    seconds = time.perf_counter() - began
    assert all(p.exitcode == 0 for p in processes), "a measured process failed"
    return seconds


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def measure(server: Server, accounts: int, due: int, pairs: int) -> dict[str, Any]:
    """Ratios at one size, each the median of interleaved pairs, every member on a fresh copy."""
    make_book(server, "bench_book", accounts, due)
    times: dict[str, list[float]] = {
        "sql": [],
        "sql_2": [],
        "lane": [],
        "lanes_2": [],
        "process": [],
        "processes_2": [],
    }
    members: dict[str, Callable[[str], float]] = {
        "sql": by_sql,
        "lane": lambda url: by_engine(url, 1),
        "lanes_2": lambda url: by_engine(url, 2),
        "sql_2": lambda url: by_sql(url, 2),
        "process": lambda url: by_processes(url, 1),
        "processes_2": lambda url: by_processes(url, 2),
    }
    for number in range(pairs):
        for name, member in members.items():
            seconds = member(server.copy("bench_book", "bench_copy"))
            times[name].append(seconds)
            _say(f"pair {number + 1}/{pairs} {name}: {seconds:.2f} s ({due / seconds:,.0f} accounts/s)")
    return {
        "accounts": accounts,
        "due": due,
        "pairs": pairs,
        "seed": None,  # the book is the same every time; nothing is left to chance
        "one_lane": _ratio(times["sql"], times["lane"]),
        "two_lanes": _ratio(times["sql"], times["lanes_2"]),
        "two_lanes_over_sql_on_two": _ratio(times["sql_2"], times["lanes_2"]),
        "two_processes": _ratio(times["process"], times["processes_2"]),
        "accounts_per_second": {name: round(due / median(found)) for name, found in times.items()},
    }


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return round(median(a / b for a, b in zip(ours, theirs, strict=True)), 3)


def growth(server: Server, sizes: list[int], due: int, rounds: int) -> dict[str, Any]:
    """Seconds of one lane with the same number due out of books of growing size, interleaved."""
    names = {size: f"bench_{size}" for size in sizes}
    for size, name in names.items():
        _say(f"writing a book of {size:,} accounts")
        make_book(server, name, size, due)
    seconds: dict[int, list[float]] = {size: [] for size in sizes}
    for number in range(rounds):
        for size, name in names.items():
            seconds[size].append(by_engine(server.copy(name, "bench_copy"), 1))
            _say(f"round {number + 1}/{rounds} of {size:,}: {seconds[size][-1]:.2f} s")
    for name in names.values():
        server.admin("DROP DATABASE {}", name)
    return {str(size): round(median(found), 2) for size, found in seconds.items()}


def main() -> int:
    """One JSON object; exit code 1 if a floor does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the JSON object (progress goes to stderr anyway)")
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--due", type=int, default=33_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--no-growth", action="store_true", help="leave out the books of 33k and 1M accounts")
    parser.add_argument("--audit", action="store_true", help="what it costs to look at all that a cut rests on")
    parser.add_argument(
        "--cut", type=int, default=CUT.share, help="with --audit: of how many in a hundred of those due"
    )
    parser.add_argument("--whole", action="store_true", help="with --audit: and of what the run asks for")
    options = parser.parse_args()
    tune_for_batches()
    server = Server(database_url())
    if options.audit:
        figures = audit(server, options.accounts, options.due, options.pairs, options.cut, options.whole)
        sys.stdout.write(json.dumps(figures, indent=None if options.json else 2) + "\n")
        return 0 if figures["holds"] else 1
    figures = measure(server, options.accounts, options.due, options.pairs)
    if not options.no_growth:
        figures["growth_seconds"] = growth(server, [options.due, options.accounts, 1_000_000], options.due, 3)
        at_1m, at_100k = figures["growth_seconds"]["1000000"], figures["growth_seconds"][str(options.accounts)]
        figures["growth_1m_over_100k"] = round(at_1m / at_100k, 3)
    for name in ("bench_copy", "bench_book"):
        server.admin("DROP DATABASE IF EXISTS {}", name)
    figures["floors"], figures["goals"] = FLOORS, GOALS
    figures["holds"] = all(
        figures[name] <= floor if name.startswith("growth") else figures[name] >= floor
        for name, floor in FLOORS.items()
        if name in figures
    )
    sys.stdout.write(json.dumps(figures, indent=None if options.json else 2) + "\n")
    return 0 if figures["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
