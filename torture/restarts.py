"""`python -m torture.restarts`: two workers and a server of pages live through restarts of their database, under load.

They are the real commands (`arrears worker` twice, `arrears serve`), started once and never again; mail goes to a real
mail server. While the database is stopped as by a crash and started anew, visitors ask for pages and new debts come in
all the time. In the end all three still run, everybody whose debt went past due got exactly one letter, nothing broke,
and after each restart pages and mail were back within ten seconds.
"""

from __future__ import annotations

import argparse
import http.client
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any, Final

import psycopg

from arrears.core.account import Mode
from arrears.core.errors import Refused
from arrears.engine import commands
from arrears.ports import NewAccount
from arrears.store.outages import OUTAGES
from arrears.store.postgres.check import check_store
from arrears.store.postgres.store import PostgresStore
from arrears.store.server import EmbeddedServer
from arrears.wiring import migrate
from torture.nursery import ROOT
from torture.outside import ClockFile, own_port
from torture.post_office import PostOffice

BACK_SECONDS_MAX: Final = 10.0
WAIT_SECONDS_MAX: Final = 120.0
VISITORS: Final = 4
DEBTS_A_ROUND: Final = 10
AUTHOR: Final = "api:1"
LOOKED_UP: Final = "/pay/nothing"
"""A page that asks the database; it knows no such link, and leads to a page that says so."""
UNKNOWN_LINK: Final = 303


@dataclass
class Load:
    """What goes on while the database is restarted: visitors that ask for pages, and what they were answered."""

    port: int
    answers: Counter[int] = field(default_factory=Counter)
    stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        """Ask for one page after the other until it is over: one that looks nothing up, and one that must."""
        for path in cycle(("/sign-in", LOOKED_UP)):
            if self.stop.wait(0.02):
                return
            status = ask(self.port, path)
            with self._lock:
                self.answers[status] += 1


def ask(port: int, path: str) -> int:
    """The status that a page is answered with; 0 for no answer."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        line.request("GET", path, headers={"Host": "localhost"})
        return line.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        line.close()


def seconds_until(so: Callable[[], bool], what: str) -> float:
    """How long it takes until something is so; an AssertionError after two minutes."""
    began = time.monotonic()
    while not so():
        assert time.monotonic() < began + WAIT_SECONDS_MAX, f"{what}: not within {WAIT_SECONDS_MAX:.0f} s"
        time.sleep(0.05)
    return time.monotonic() - began


def zone_at_noon(now: datetime) -> str:
    """A zone in which it is about noon, so that letters may leave now."""
    hours = now.hour - 12  # Etc/GMT+3 is three hours behind
    return f"Etc/GMT{hours:+d}" if hours else "Etc/GMT"


class Debtors:
    """Accounts whose one invoice is past due since yesterday."""

    def __init__(self, store: PostgresStore, url: str) -> None:
        self._store, self._url = store, url
        self.numbers: list[int] = []

    def come(self, round_no: int) -> None:
        """Some more; while the database is away they wait at the door, as the operator's system would."""
        now = datetime.now(UTC)
        refs = [f"R{round_no}-{n}" for n in range(DEBTS_A_ROUND)]
        while True:
            try:
                self._come(refs, now)
                return
            except OUTAGES:
                time.sleep(0.05)

    def _come(self, refs: list[str], now: datetime) -> None:
        known = self._store.account_numbers(refs)
        zone = zone_at_noon(now)
        missing = [ref for ref in refs if ref not in known]
        new = [
            (NewAccount(r, "Somebody", "NL", zone, "nl", Mode.CARD, "default", f"{r}@example.org"), ("cloud",))
            for r in missing
        ]
        if new:
            commands.open_accounts(self._store, new, now, AUTHOR)
        known = self._store.account_numbers(refs)
        day = (now - timedelta(days=30)).date()
        due = (now - timedelta(days=2)).date()
        issued = [commands.Invoice(known[r], f"I-{r}", "EUR", 12_000, day, due, (1,)) for r in refs]
        with suppress(Refused):  # a commit whose answer was lost: it is issued already
            commands.issue_invoices(self._store, issued, now, AUTHOR)
        self.numbers += [number for number in known.values() if number not in self.numbers]

    def all_written_to(self) -> bool:
        """Whether every one of them has been written to, as far as the ledger knows."""
        with suppress(*OUTAGES), psycopg.connect(self._url) as db:
            row = db.execute(
                "SELECT count(DISTINCT account_id) FROM fact WHERE kind = 'notice_accepted' AND account_id = ANY(%s)",
                [self.numbers],
            ).fetchone()
            return row is not None and row[0] == len(self.numbers)
        return False


@contextmanager
def process(environment: dict[str, str], log: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """One of our commands, ended by Ctrl-C."""
    command = [sys.executable, "-m", "arrears", *arguments]
    with log.open("ab") as said:
        running = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=said, text=True)
    try:
        yield running
    finally:
        if running.poll() is None:
            running.send_signal(signal.SIGINT)
        running.wait(60)


def torture(count: int) -> dict[str, Any]:
    """The figures of so many restarts."""
    folder = Path(tempfile.mkdtemp(prefix="arrears-restarts-"))
    folder.chmod(0o711)
    server = EmbeddedServer(folder / "db")
    ClockFile(folder).set(datetime.now(UTC))
    post = PostOffice(folder, own_port())
    try:
        post.start()
        url = server.start()
        migrate(url)
        environment = {
            **os.environ,
            "ARREARS_DATABASE_URL": url,
            "ARREARS_HOME": str(folder / "home"),
            "ARREARS_MAIL_URL": post.url,
            "ARREARS_MAIL_FROM": "billing@example.org",
            "ARREARS_BASE_URL": "http://localhost:8000",
        }
        log = folder / "said"
        with (
            process(environment, log, "worker", "--poll-seconds", "1") as first,
            process(environment, log, "worker", "--poll-seconds", "1") as second,
            process(environment, log, "serve", "--port", "0") as pages,
        ):
            assert pages.stdout is not None
            port = int(pages.stdout.readline().split()[2].rstrip("/").rpartition(":")[2])
            figures = _restarts(server, url, port, count)
            running = [one.poll() is None for one in (first, second, pages)]
        codes = [one.returncode for one in (first, second, pages)]
        return {**figures, **_verdict(url, post), "still_running": running, "exit_codes": codes}
    finally:
        post.kill()
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _restarts(server: EmbeddedServer, url: str, port: int, count: int) -> dict[str, Any]:
    store = PostgresStore(url)
    debtors, load = Debtors(store, url), Load(port)
    visitors = [threading.Thread(target=load.run) for _ in range(VISITORS)]
    for visitor in visitors:
        visitor.start()
    pages_back, mail_back = [], []
    try:
        debtors.come(0)
        seconds_until(debtors.all_written_to, "the first letters")
        for restart in range(1, count + 1):
            coming = threading.Thread(target=debtors.come, args=(restart,))
            coming.start()
            server.kill_immediate()
            server.start()
            began = time.monotonic()
            seconds_until(lambda: ask(port, "/readyz") == 200 and ask(port, LOOKED_UP) == UNKNOWN_LINK, "pages")
            pages_back.append(time.monotonic() - began)
            coming.join()
            seconds_until(debtors.all_written_to, f"the letters after restart {restart}")
            mail_back.append(time.monotonic() - began)
    finally:
        load.stop.set()
        for visitor in visitors:
            visitor.join()
        store.close()
    return {
        "restarts": count,
        "debtors": len(debtors.numbers),
        "answers": dict(sorted(load.answers.items())),
        "pages_back_seconds": {"median": round(median(pages_back), 2), "most": round(max(pages_back), 2)},
        "mail_back_seconds": {"median": round(median(mail_back), 2), "most": round(max(mail_back), 2)},
    }


def _verdict(url: str, post: PostOffice) -> dict[str, Any]:
    """What has become of it all, by the ledger and by the mail server's own record."""
    letters = Counter(one.to for one in post.news())
    store = PostgresStore(url)
    try:
        report = check_store(store)
    finally:
        store.close()
    return {
        "letters": sum(letters.values()),
        "letters_twice": sum(1 for seen in letters.values() if seen > 1),
        "addresses": len(letters),
        "breaches": len(report.breaches),
    }


def holds(figures: dict[str, Any]) -> bool:
    """Whether everything is as it must be."""
    return (
        all(figures["still_running"])
        and figures["exit_codes"] == [0, 0, 0]
        and figures["addresses"] == figures["debtors"]
        and (figures["letters_twice"], figures["breaches"]) == (0, 0)
        and max(figures["pages_back_seconds"]["most"], figures["mail_back_seconds"]["most"]) <= BACK_SECONDS_MAX
    )


def main() -> int:
    """One JSON object; exit code 1 where something ended, was lost or came twice, or was late."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the JSON object, on one line")
    parser.add_argument("--count", type=int, default=20, help="how often the database is restarted")
    options = parser.parse_args()
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)  # that it is away is what this is about
    figures = torture(options.count)
    figures["holds"] = holds(figures)
    sys.stdout.write(json.dumps(figures, indent=None if options.json else 2) + "\n")
    return 0 if figures["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
