"""`python -m bench.dry_run`: a policy's dry run over 100,000 accounts of which 5,000 are in arrears, 130 days ahead,
on two processes; with `--lived` also what becomes of two copies of the book day by day, which must be the same.

The book is that of `bench.book`: its accounts stand in seven phases of the ladder, and what is due at its instant has
not been done. `--coming` more have an invoice that goes past due in those days: a running case keeps its version, and a
new policy is seen in these alone.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from arrears.adapters.books.processes import several_processes
from arrears.adapters.channels.memory import MemoryChannel
from arrears.adapters.services.inprocess import InProcessServices
from arrears.core import facts as f
from arrears.core.dry_run import DAYS, DryRunTotals, DryRunWork, course_of, dry_run
from arrears.core.forecast import Step
from arrears.core.guards import Guards
from arrears.core.parallel import map_here
from arrears.core.policy import Policy, default_policy, load_policy, policy_text
from arrears.engine import commands
from arrears.engine.message_context import PLAIN_CONTEXT
from arrears.engine.run import Limits
from arrears.engine.system import adopt_policy, confirm_clock
from arrears.sim.stage import Stage
from arrears.store import schema
from arrears.store.postgres.dry_run import due_count, due_parts
from arrears.store.postgres.store import PostgresStore
from arrears.store.server import EmbeddedServer
from bench.book import NOW, write_book

SECONDS_MAX: Final = 60.0
ANSWERS: Final = (f.NoticeAccepted, f.NoticeFailed, f.OrderAcknowledged)
STAFF: Final = "staff:1"


def slower() -> Policy:
    """The default policy with 15 days more until a service is stopped."""
    return load_policy(policy_text(default_policy()).replace("after_days = 30", "after_days = 45"), where="slower")


def make_book(url: str, accounts: int, due: int, coming: int) -> None:
    """The book, and `coming` of its accounts with an invoice that is due within 60 days."""
    with psycopg.connect(url) as db:
        for version in schema.versions():
            db.execute(schema.text(version).encode())
            db.execute(schema.stamp(version).encode())
    store = PostgresStore(url, clock_is_real=False, durable=False)
    adopt_policy(store, default_policy(), NOW, STAFF)
    write_book(url, accounts, due)
    with store.reading() as db:
        idle = [
            n for (n,) in db.execute("SELECT account_id FROM account_state WHERE next_at IS NULL LIMIT %s", [coming])
        ]
    today = NOW.date()
    for start in range(0, len(idle), 500):
        invoices = [
            commands.Invoice(n, f"C{n}", "EUR", 4900, today, today + timedelta(days=n % 60), (1,))
            for n in idle[start : start + 500]
        ]
        commands.issue_invoices(store, invoices, NOW, "api:1")
    store.close()


def foretold(url: str, processes: int) -> tuple[DryRunTotals, float]:
    """The dry run of the whole book, and its seconds."""
    store = PostgresStore(url, clock_is_real=False)
    until, began = NOW + timedelta(days=DAYS), time.perf_counter()
    total = due_count(store, until)
    work = DryRunWork(dict(store.policies()), slower(), Guards(), NOW, until)
    last = 0

    def progress(done: int) -> None:
        nonlocal last
        if done * 10 // max(total, 1) > last:
            last = done * 10 // total
            sys.stderr.write(f"{10 * last} % after {time.perf_counter() - began:.1f} s\n")

    with several_processes(("arrears.core.dry_run",), processes) if processes > 1 else nullcontext(map_here) as mapped:
        found = dry_run(work, due_parts(store, until), mapped, progress)
    store.close()
    return found, time.perf_counter() - began


def lived(url: str, *, adopted: bool) -> tuple[dict[int, str], float]:
    """What a copy records of every account while it lives through the days, by account; and the seconds."""
    store = PostgresStore(url, clock_is_real=False, durable=False)
    if adopted:
        adopt_policy(store, slower(), NOW, STAFF)
    began, until = time.perf_counter(), NOW + timedelta(days=DAYS)
    with store.reading() as db:
        since = dict(db.execute("SELECT account_id, seq FROM account_state").fetchall())
    confirm_clock(store, NOW, STAFF)
    stage = Stage(store, MemoryChannel(), InProcessServices(), NOW, limits=Limits(1_000_000), context=PLAIN_CONTEXT)
    for day in range(DAYS + 1):
        stage.until(NOW + timedelta(days=day))
        sys.stderr.write(f"day {day}: {time.perf_counter() - began:.0f} s\n")
    assert stage.now == until
    found = {}
    with store.reading() as db:
        changed = [n for n, seq in db.execute("SELECT account_id, seq FROM account_state") if seq != since[n]]
    for number in changed:
        news = store.history_after(number, since[number], 100_000)
        steps = [Step(r.at, r.fact) for r in news if r.author == f.ARREARS and not isinstance(r.fact, ANSWERS)]
        found[number] = course_of(steps).digest
    store.close()
    return found, time.perf_counter() - began


def different(url: str, before: dict[int, str], after: dict[int, str]) -> int:
    """How many accounts a dry run of the book foretells otherwise than these."""
    store = PostgresStore(url, clock_is_real=False)
    until = NOW + timedelta(days=DAYS)
    work = DryRunWork(dict(store.policies()), slower(), Guards(), NOW, until)
    nothing, wrong, seen = course_of([]).digest, 0, set()
    for part in several(work, due_parts(store, until)):
        for one in part:
            seen.add(one.account)
            wrong += one.before.digest != before.get(one.account, nothing)
            wrong += one.after.digest != after.get(one.account, nothing)
    store.close()
    return wrong + len(before.keys() - seen) + len(after.keys() - seen)


def several(work: DryRunWork, parts: Any) -> Any:
    """Each part compared, by two processes."""
    with several_processes(("arrears.core.dry_run",), 2) as mapped:
        yield from mapped(work, parts)


def main() -> int:
    """The figures as JSON; 1 where a bound does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--due", type=int, default=5_000)
    parser.add_argument("--coming", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--lived", action="store_true")
    asked = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="dry-run-"))
    home.chmod(0o755)
    server = EmbeddedServer(home / "db")
    url = server.start()
    try:
        base = psycopg.conninfo.make_conninfo(url, dbname="book")
        _admin(url, "CREATE DATABASE {}", "book")
        make_book(base, asked.accounts, asked.due, asked.coming)
        cpu = time.process_time()
        found, seconds = foretold(base, asked.processes)
        cpu = time.process_time() - cpu
        said: dict[str, Any] = {
            "accounts": asked.accounts, "foretold": found.accounts, "in_arrears": found.in_arrears,
            "changed": found.changed, "notices": found.notices,
            "seconds": round(seconds, 1), "cpu_seconds_here": round(cpu, 1),
            "actions": {action.value: counts._asdict() for action, counts in found.counts.items()},
            "digests": found.digests,
        }  # fmt: skip
        good = seconds < SECONDS_MAX
        if asked.lived:
            courses = []
            for name, adopted in (("without", False), ("within", True)):
                _admin(url, "CREATE DATABASE {} TEMPLATE {}", name, "book")
                copy = psycopg.conninfo.make_conninfo(url, dbname=name)
                course, lasted = lived(copy, adopted=adopted)
                courses.append(course)
                said[f"lived_{name}_seconds"] = round(lasted)
                _admin(url, "DROP DATABASE {} WITH (FORCE)", name)
            said["different"] = different(base, *courses)
            good = good and said["different"] == 0
        sys.stdout.write(json.dumps(said, indent=2) + "\n")
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)
    return 0 if good else 1


def _admin(url: str, statement: str, *names: str) -> None:
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


if __name__ == "__main__":
    sys.exit(main())
