"""`python -m bench.settle`: from "pay" to the resume orders recorded, 32 at once, beside the bare cost of the same.

The provider is the sandbox at zero latency, over HTTP and through Stripe's own SDK. Two things stand beside it, each by
as many threads on a fresh copy of the same book:

- *bare writes*: the very statements that the settlements wrote, with the same values, in the same two transactions of
  each account, under the same lock and as durably; nobody is asked in between;
- *bare*: the same, and between the two transactions the same request to the same provider, over HTTP by a connection
  that is kept, without its SDK. Everything that leaves this process is then the same on both sides; what is left is
  quoting, deciding, folding, reading the account and the methods, and translating.

The provider is a process of its own, since it is somebody else's machine: its work neither holds the lock of this
process's interpreter nor counts as its time. Each side has its connections to the database before the clock starts, as
a service has, and the first fifth of the accounts is not in its figures: a service's connections have long prepared
their statements. The look at what is owed and the choice of a method come before "pay", and so before the clock starts;
what is owed is compared under the lock once more, and that is within.

`as_before` are the same figures in the arrangement that this had until November 2026: the provider and each payer are
threads of this process, connections and statements are made ready and what is owed is looked at while the clock runs,
one side after the other. Compare older figures with these.

A payer's request waits for one of the threads that a service has for pages, the first that came first (`web/lanes.py`),
as it does there; its time is from asking to being answered. The sides take turns, a slice of the accounts at a time:
whatever else this machine does meanwhile, and whatever grows as more is in the book, falls on each of them alike.

A settlement also reads: `statements` says how many it sends in all, and how many of them write. `processor_ms` is the
time of this process for each settlement. With 32 at once on few cores the time of each is mostly waiting for its turn:
the ratios are of work.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import subprocess
import sys
import threading
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from statistics import median, quantiles
from typing import Any, Final, NamedTuple

import psycopg
from torture.money import ACCOUNTS_PER_CUSTOMER, open_book
from torture.payer import AUTHOR, now, providers_at

from arrears.adapters.payments.stripe.events import API_VERSION
from arrears.engine.payments.settling import quote, settle
from arrears.sandbox.run import SandboxAt, running
from arrears.store.postgres.batch import PostgresBatch
from arrears.store.postgres.parts import LOCK
from arrears.store.postgres.store import PostgresStore
from arrears.web.serving import THREADS
from arrears.wiring import SERVING_CONNECTIONS_MAX, database_url, fresh_database
from bench.run import Server

AT_ONCE: Final = 32
SLICES: Final = 5
UNTIMED: Final = 1
"""So many of the slices, the first, are in no figures: a service's connections have long prepared their statements."""
_here: Final = threading.local()
Statement = tuple[Any, Any]


class Recorder:
    """Every statement that a settlement writes with, by account and transaction."""

    def __init__(self) -> None:
        self.transactions: dict[int, list[list[Statement]]] = defaultdict(list)
        self.sent = 0
        """How many statements were sent in all."""
        self._send = PostgresBatch.write_early

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Watch the batches of this process."""
        recorder, execute = self, psycopg.Cursor.execute

        def counted(cursor: Any, *asked: Any, **how: Any) -> Any:
            recorder.sent += 1
            return execute(cursor, *asked, **how)

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

        PostgresBatch.write_early = send  # type: ignore[method-assign, assignment]
        psycopg.Cursor.execute = counted  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            PostgresBatch.write_early = self._send  # type: ignore[method-assign]
            psycopg.Cursor.execute = execute  # type: ignore[method-assign]


@contextmanager
def provider(beside: bool) -> Iterator[SandboxAt]:
    """The sandbox, in a process of its own or as a thread of this one."""
    if not beside:
        with running() as within:
            yield within
        return
    command = [sys.executable, "-m", "arrears.sandbox"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = re.search(r"http://\S+", process.stdout.readline())
        assert said is not None, "the sandbox did not start"
        try:
            yield SandboxAt(said[0])
        finally:
            process.terminate()


class Timed(NamedTuple):
    """The seconds of each settlement, and the processor's for each."""

    seconds: list[float]
    processor: float

    def figures(self) -> dict[str, float]:
        """In milliseconds."""
        p99 = quantiles(self.seconds, n=100)[98]
        found = {"p50_ms": median(self.seconds), "p99_ms": p99, "processor_ms": self.processor}
        return {name: round(1000 * seconds, 1) for name, seconds in found.items()}

    def over(self, other: Timed) -> dict[str, float]:
        """The ratios of these figures to another's."""
        mine, theirs = self.figures(), other.figures()
        return {name.partition("_")[0]: round(mine[name] / theirs[name], 2) for name in mine}


class Payers:
    """AT_ONCE threads that `work` on accounts, the next as soon as one is done; what goes wrong with one ends it all.
    Where there is something to make threads `ready`, each is before the first, all at the same time."""

    def __init__(self, work: Callable[[int], object], ready: Callable[[], object] | None = None) -> None:
        self._work = work
        self._seconds: list[float] = []
        self._processor = 0.0
        self._threads = ThreadPoolExecutor(AT_ONCE)
        together = threading.Barrier(AT_ONCE)

        def prepare(_: int) -> None:
            together.wait()
            if ready is not None:
                ready()

        list(self._threads.map(prepare, range(AT_ONCE)))

    def work(self, numbers: Sequence[int], *, is_timed: bool) -> None:
        """Do it for these."""
        began = time.process_time()
        seconds = list(self._threads.map(self._one, numbers))
        if is_timed:
            self._processor += time.process_time() - began
            self._seconds += seconds

    def _one(self, number: int) -> float:
        began = time.perf_counter()
        self._work(number)
        return time.perf_counter() - began

    def timed(self) -> Timed:
        """What was timed of it."""
        self._threads.shutdown()
        return Timed(self._seconds, self._processor / len(self._seconds))


class Ours:
    """Settling each account once, recorded."""

    def __init__(self, url: str, sandbox: SandboxAt, count: int, beside: bool, recorder: Recorder) -> None:
        self.store = PostgresStore(url, connections_max=SERVING_CONNECTIONS_MAX if beside else AT_ONCE)
        self._providers = providers_at(sandbox.url, sandbox.secret_key, sandbox.webhook_secret)
        self._recorder = recorder
        self._lanes = ThreadPoolExecutor(THREADS) if beside else None
        self._looked = {account: self._look(account) for account in range(1, count + 1)} if beside else {}
        if self._lanes is not None:
            together = threading.Barrier(THREADS)
            list(self._lanes.map(lambda _: self._connect(together), range(THREADS)))
        self.payers = Payers(self._ask)

    def _connect(self, together: threading.Barrier) -> None:
        with self.store.reading():
            together.wait()

    def _look(self, account: int) -> tuple[dict[str, str], int]:
        owed = {q.currency: q.hash for q in quote(self.store, account, now())}
        return owed, self.store.methods(account)[-1].no

    def _ask(self, account: int) -> None:
        if self._lanes is None:
            self._settle(account)
        else:
            self._lanes.submit(self._settle, account).result()

    def _settle(self, account: int) -> None:
        shown, method = self._looked.get(account) or self._look(account)
        [result] = settle(self.store, self._providers, account, shown, method, now, AUTHOR)
        assert result.attempt.state == "paid", result

    def work(self, numbers: Sequence[int], *, is_timed: bool) -> None:
        """See Payers."""
        with self._recorder.recording():
            self.payers.work(numbers, is_timed=is_timed)


def by_sql(
    url: str, transactions: dict[int, list[list[Statement]]], beside: bool, requests: Requests | None = None
) -> Payers:
    """Write the same again, and nothing else; or ask the provider too, before the last of an account's transactions."""
    mine = threading.local()

    def ready() -> None:
        mine.db = psycopg.connect(url, options="-c timezone=UTC -c plan_cache_mode=force_generic_plan")

    def one(account: int) -> None:
        if not hasattr(mine, "db"):
            ready()
        db = mine.db
        for turn, statements in enumerate(transactions[account], 1):
            if requests is not None and turn == len(transactions[account]):
                requests.ask(account)
            with db.transaction():
                db.execute(LOCK, [[account]], binary=True).fetchall()
                with db.pipeline():
                    for statement, params in statements:
                        db.execute(statement, params)

    return Payers(one, ready if beside else None)


class Requests:
    """What each settlement asked the provider, to be asked again under another key."""

    def __init__(self, store: PostgresStore, sandbox: SandboxAt) -> None:
        self._host = urllib.parse.urlsplit(sandbox.url).netloc
        self._key = sandbox.secret_key
        self._store = store
        self._forms: dict[int, str] = {}

    def prepare(self, accounts: Iterable[int]) -> None:
        """Learn what these accounts' settlements have asked."""
        self._forms.update((account, self._form(self._store, account)) for account in accounts)

    def _form(self, store: PostgresStore, account: int) -> str:
        attempt = store.attempts(account)[-1]
        method = store.method(account, attempt.method)
        form = {
            "amount": attempt.amount_minor,
            "currency": attempt.currency.lower(),
            "customer": method.customer_ref,
            "payment_method": method.ref,
            "confirm": "true",
            "return_url": "http://127.0.0.1:9/",
            "description": f"account {account}",
            "metadata[attempt]": f"bare_{account}",
            "expand[0]": "latest_charge",
            "expand[1]": "payment_method",
        }
        return urllib.parse.urlencode(form)

    def ask(self, account: int) -> None:
        """Ask it, by the connection of this thread."""
        wire = getattr(_here, "wire", None)
        if wire is None:
            wire = _here.wire = http.client.HTTPConnection(self._host)
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Idempotency-Key": f"bare-{account}",
            "Stripe-Version": API_VERSION,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        wire.request("POST", "/v1/payment_intents", self._forms[account], headers)
        answer = json.loads(wire.getresponse().read())
        assert answer["status"] == "succeeded", answer


def slices(count: int, beside: bool) -> Iterator[Sequence[int]]:
    """The accounts, a slice at a time. A card pays for several of them, and the networks count on it: at once, each
    pays with another one."""
    apart = sorted(range(1, count + 1), key=lambda number: (number - 1) % ACCOUNTS_PER_CUSTOMER)
    size = -(-count // SLICES) if beside else count
    for start in range(0, count, size):
        yield apart[start : start + size]


def measured(server: Server, count: int, seed: int, beside: bool) -> dict[str, object]:
    """The figures of one arrangement, on a book of its own."""
    with provider(beside) as sandbox:
        template = fresh_database("bench_settle")
        store = PostgresStore(template, clock_is_real=False)
        open_book(store, sandbox, count, seed)
        store.close()
        recorder = Recorder()
        url, *others = (server.copy("bench_settle", f"bench_settle_{name}") for name in ("copy", "bare", "asking"))
        ours = Ours(url, sandbox, count, beside, recorder)
        transactions, requests = recorder.transactions, Requests(ours.store, sandbox)
        writes = by_sql(others[0], transactions, beside)
        asking = by_sql(others[1], transactions, beside, requests)
        for place, some in enumerate(slices(count, beside)):
            is_timed = place >= UNTIMED or not beside
            ours.work(some, is_timed=is_timed)
            requests.prepare(some)
            writes.work(some, is_timed=is_timed)
            asking.work(some, is_timed=is_timed)
        timed = [one.timed() for one in (ours.payers, writes, asking)]
        ours.store.close()
    writing = sum(len(one) for account in transactions.values() for one in account)
    return {
        "statements": {"all": round(recorder.sent / count, 1), "write": round(writing / count, 1)},
        "ours": timed[0].figures(),
        "bare_writes": timed[1].figures(),
        "bare": timed[2].figures(),
        "over_bare_writes": timed[0].over(timed[1]),
        "over_bare": timed[0].over(timed[2]),
    }


def main() -> int:
    """One JSON object; exit code 0, as this has no floor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the JSON object, on one line")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    server = Server(database_url())
    figures = {
        "settlements": options.count,
        "seed": options.seed,
        "at_once": AT_ONCE,
        **measured(server, options.count, options.seed, beside=True),
        "as_before": measured(server, options.count, options.seed, beside=False),
        "measured_on": datetime.now(UTC).date().isoformat(),
        "floors": {},
        "holds": True,
    }
    sys.stdout.write(json.dumps(figures, indent=None if options.json else 2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
