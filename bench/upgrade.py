"""`python -m bench.upgrade`: `arrears db upgrade` of a full database of 0.1.0, and how long others had to wait for it.

The database has the schema that 0.1.0 left (`tests/store/released/`) and, by bare SQL, so many accounts with a message,
a payment method, a task, an invitation and two facts each. While the real command brings it up to
date, four others go on without a pause: each reads and changes single rows of one table. A fifth connection asks the
server fifty times a second whom they wait for; the figure is the longest that one of them waited for the upgrade.
"""

from __future__ import annotations

import argparse
import gzip
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
from psycopg.conninfo import make_conninfo

from arrears.wiring import database_url

DUMP: Final = Path(__file__).parents[1] / "tests" / "store" / "released" / "0.1.0.sql.gz"
SECONDS_MAX: Final = 1.0
FIRST: Final = 1_000
"""The accounts of the dump have smaller numbers."""

CHAINED: Final = "sha256({} || convert_to(a || '|{}|2026-01-01T00:00:00+00:00|api:1||' || {}, 'UTF8'))"
OPENED: Final = """'{"kind":"account_opened","terms":{"policy":"default","zone":"UTC"},"mode":"card"}'"""
ADDED: Final = """'{"kind":"subscription_added","subscription":1,"service":"cloud"}'"""
ROOT: Final = CHAINED.format("decode(repeat('00', 32), 'hex')", 1, OPENED)
FACT: Final = "INSERT INTO fact SELECT a, {}, '2026-01-01', '{}', 'api:1', '', {}, {} FROM numbers"
FILL: Final = (
    "INSERT INTO account SELECT a, 'c' || a, 'Bakery ' || a, 'NL', 'UTC', 'nl', 'card', 'default',"
    " 'B' || a || '@x.example' FROM numbers",
    FACT.format(1, "account_opened", ROOT, OPENED),
    FACT.format(2, "subscription_added", CHAINED.format(f"({ROOT})", 2, ADDED), ADDED),
    "INSERT INTO account_state (account_id, seq, waits, head, state, recorded_at) SELECT a, 2, false, hash,"
    """ '{"no":' || a || ',"terms":{"policy":"default","zone":"UTC"},"subscriptions":[{"no":1,"service":"cloud"}]}',"""
    " '2026-01-01' FROM numbers JOIN fact ON account_id = a AND fact.seq = 2",
    "INSERT INTO subscription (account_id, no, service, state, generation, reasons)"
    " SELECT a, 1, 'cloud', 'active', 1, '' FROM numbers",
    "INSERT INTO message (account_id, seq, no, kind, cause, on_day, address, role, person_id, language, subject, body,"
    " state, reply, at) SELECT a, 2, 1, 'reminder', '', '2026-01-01', 'B' || a || '@x.example', 'administrator', 0,"
    " 'en', 'Invoice ' || a, repeat('Your payment did not arrive. ', 12),"
    " CASE a % 20 WHEN 0 THEN 'refused' WHEN 1 THEN 'bounced_soft' ELSE 'accepted' END, '550 5.1.1 no',"
    " '2026-01-01'::timestamptz + a * interval '1 second' FROM numbers",
    "INSERT INTO payment_method SELECT a, 1, 'stripe', 'pm_' || a, 'cus_' || a, 'card', 'visa', 'fp_' || a, 'Visa',"
    " 'credit', 'NL', 1, '2028-01-31', true, false, false FROM numbers",
    "INSERT INTO task (account_id, seq, kind, what) SELECT a, 2, 'parked', 'look' FROM numbers",
    "INSERT INTO sign_in_link (account_id, kind, address, name, locale, role, asked_at) SELECT a, 'invitation',"
    " 'B' || a || '@x.example', '', 'nl', 'administrator', '2026-01-01' FROM numbers",
)
PROBED: Final = {
    "message": "UPDATE message SET reply = reply WHERE account_id = %s",
    "account_state": "UPDATE account_state SET waits = waits WHERE account_id = %s",
    "payment_method": "UPDATE payment_method SET failed = failed WHERE account_id = %s",
    "task": "UPDATE task SET what = what WHERE account_id = %s",
}
WAITING: Final = """
SELECT w.application_name FROM pg_stat_activity w
WHERE w.datname = current_database() AND w.application_name LIKE 'probe %'
  AND w.wait_event_type = 'Lock' AND cardinality(pg_blocking_pids(w.pid)) > 0
"""


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def filled(accounts: int) -> str:
    """A database of 0.1.0 with so many accounts; its URL."""
    server, name = database_url(), f"bench_upgrade_{accounts}"
    with psycopg.connect(server, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        db.execute(f"CREATE DATABASE {name}".encode())
    url = make_conninfo(server, dbname=name)
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(gzip.decompress(DUMP.read_bytes()))
    with psycopg.connect(url, autocommit=True) as db:
        last = FIRST + accounts - 1
        db.execute("SET synchronous_commit = off")
        db.execute(f"CREATE TEMPORARY TABLE numbers AS SELECT generate_series({FIRST}, {last})::bigint AS a".encode())
        for statement in FILL:
            db.execute(statement.encode())
        db.execute("ANALYZE")
        db.execute("CHECKPOINT")
    return url


class Probe:
    """Reads and changes single rows of one table until it is told to stop."""

    def __init__(self, url: str, table: str, accounts: int, seed: int) -> None:
        self.url, self.table, self.accounts, self.dice = url, table, accounts, random.Random(seed)
        self.longest_seconds, self.statements, self.refused = 0.0, 0, ""

    def run(self, stop: threading.Event) -> None:
        """Go on until then."""
        read = f"SELECT count(*) FROM {self.table} WHERE account_id = %s".encode()
        change = PROBED[self.table].encode()
        with psycopg.connect(self.url, autocommit=True, application_name=f"probe {self.table}") as db:
            while not stop.wait(0.001):
                account = [FIRST + self.dice.randrange(self.accounts)]
                for statement in (read, change):
                    began = time.perf_counter()
                    try:
                        db.execute(statement, account)
                    except psycopg.DatabaseError as error:
                        self.refused = self.refused or str(error).splitlines()[0]
                    self.longest_seconds = max(self.longest_seconds, time.perf_counter() - began)
                    self.statements += 1


class Watch:
    """The longest that each probe was seen waiting for a lock, in one piece."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.longest_seconds: dict[str, float] = {}

    def run(self, stop: threading.Event) -> None:
        """Look until then."""
        since: dict[str, float] = {}
        with psycopg.connect(self.url, autocommit=True) as db:
            while not stop.wait(0.02):
                now = time.perf_counter()
                waiting = {name for (name,) in db.execute(WAITING)}
                since = {name: since.get(name, now) for name in waiting}
                for name, began in since.items():
                    waited = now - began + 0.02
                    self.longest_seconds[name] = max(self.longest_seconds.get(name, 0.0), waited)


@contextmanager
def running(*runners: Probe | Watch) -> Iterator[None]:
    """These go on beside the block."""
    stop = threading.Event()
    threads = [threading.Thread(target=one.run, args=[stop]) for one in runners]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def main() -> None:
    """Fill, upgrade, tell."""
    parser = argparse.ArgumentParser(prog="bench.upgrade")
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.perf_counter()
    url = filled(options.accounts)
    say(f"{options.accounts:,} accounts of 0.1.0 made in {time.perf_counter() - began:.0f} s")
    probes = [Probe(url, table, options.accounts, options.seed + n) for n, table in enumerate(PROBED)]
    watch = Watch(url)
    began = time.perf_counter()
    with running(*probes, watch):
        command = [str(Path(sys.executable).with_name("arrears")), "db", "upgrade", "--in-use"]
        environment = {**os.environ, "ARREARS_DATABASE_URL": url, "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as going:
            for line in going.stdout or ():
                say(f"{line.strip()}; longest wait so far {max(watch.longest_seconds.values(), default=0.0):.2f} s")
    say(f"upgraded in {time.perf_counter() - began:.0f} s, exit code {going.returncode}")
    for probe in probes:
        waited = watch.longest_seconds.get(f"probe {probe.table}", 0.0)
        slowest = f"slowest statement {probe.longest_seconds:.2f} s of {probe.statements:,}"
        if probe.refused:
            slowest += f"; REFUSED: {probe.refused}"
        say(f"{probe.table:15} waited {waited:.2f} s for a lock at most; {slowest}")
    with psycopg.connect(make_conninfo(url, dbname="postgres"), autocommit=True) as db:
        db.execute(f"DROP DATABASE bench_upgrade_{options.accounts} WITH (FORCE)".encode())
    worst = max(watch.longest_seconds.values(), default=0.0)
    say(f"longest wait for a lock: {worst:.2f} s (at most {SECONDS_MAX:.0f} s)")
    refused = any(probe.refused for probe in probes)
    sys.exit(going.returncode or worst > SECONDS_MAX or refused)


if __name__ == "__main__":
    main()
