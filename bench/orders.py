"""`python -m bench.orders`: from "settled" to "running again" by the service's own word, for a thousand at once.

A thousand accounts whose service was disabled pay in the same moment. The orders to resume go over HTTP to the example
service (`examples/files_service.py`), a process of its own, which carries each out behind the receiver and says so.
Beside it: as many bare HTTP posts of the same size, by the same client, to the same receiver.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Final

from arrears_receiver.kit import message, signed

from arrears.adapters.channels.memory import MemoryChannel
from arrears.adapters.services.inprocess import InProcessServices
from arrears.adapters.services.over_http import HttpTransport
from arrears.core.account import Mode
from arrears.core.delivery.signing import secret_text
from arrears.core.delivery.targets import allowed_targets
from arrears.core.policy import default_policy
from arrears.engine import commands
from arrears.engine.booking import Payment
from arrears.engine.courier import POLL_SECONDS, Courier
from arrears.engine.orders import DeliveredServices, OrderAnswers
from arrears.engine.perform import give_orders
from arrears.engine.system import adopt_policy
from arrears.ports import EndpointUse, NewAccount, NewEndpoint
from arrears.sim.stage import Stage
from arrears.store.postgres.store import PostgresStore
from arrears.wiring import RealClock, fresh_database

ROOT: Final = Path(__file__).parents[1]
SECRET: Final = secret_text(bytes(range(32)))
DAYS: Final = 36
"""So long ago everybody's invoice was due."""
SECONDS_MAX: Final = 300.0
AT_ONCE: Final = 16
NOT_OURS: Final = 10**9
"""Accounts with such numbers are the bare posts'."""


@contextmanager
def service(folder: Path) -> Iterator[str]:
    """The example service in a process of its own; where it takes orders."""
    environ = {**os.environ, "FILES_SECRETS": f"files:{SECRET}", "PYTHONPATH": str(ROOT / "receiver" / "src")}
    command = [sys.executable, str(ROOT / "examples" / "files_service.py"), str(folder), "--port", "0"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().removeprefix("serving on ").strip() + "orders/files"
        finally:
            process.kill()


def disabled_book(store: PostgresStore, count: int) -> list[int]:
    """Accounts whose one service was disabled days ago for an invoice of EUR 120.00, with what they owe."""
    began = datetime.now(UTC) - timedelta(days=DAYS)
    adopt_policy(store, default_policy(), began, "staff:1")
    new = [
        (NewAccount(f"A{n}", "Somebody", "NL", "UTC", "en", Mode.INVOICE, "default", f"a{n}@example.org"), ("files",))
        for n in range(count)
    ]
    numbers = commands.open_accounts(store, new, began, "api:1")
    due: date = began.date()
    issued = [commands.Invoice(n, f"I{n}", "EUR", 12_000, due, due, (1,)) for n in numbers]
    commands.issue_invoices(store, issued, began, "api:1")
    stage = Stage(store, MemoryChannel(), InProcessServices(), began)
    stage.until(datetime.now(UTC) - timedelta(hours=1))
    return numbers


class _Quiet:
    def carried(self, parcels: int) -> None:
        """Nothing."""

    def lost(self, error: Exception) -> None:
        """A mistake of ours is the end of it."""
        raise error


def ours(store: PostgresStore, transport: HttpTransport, numbers: Sequence[int]) -> list[float]:
    """The seconds from the payment's transaction to the acknowledgement's, of each account."""
    clock = RealClock()
    services, answers = DeliveredServices(store), OrderAnswers(store)
    courier = Courier(
        store, transport, clock, answers.heard, before=lambda now: give_orders(store, services, now), signing=clock
    )
    with courier.working_beside(POLL_SECONDS, _Quiet()):
        paid = [Payment(n, f"P{n}", "EUR", 12_000, (1,)) for n in numbers]
        commands.record_payments(store, paid, clock.now(), "api:1")
        deadline = time.monotonic() + SECONDS_MAX
        while len(found := _seconds(store)) < len(numbers):
            assert time.monotonic() < deadline, f"{len(found)} of {len(numbers)} run again"
            time.sleep(0.2)
    return found


def _seconds(store: PostgresStore) -> list[float]:
    with store.reading() as db:
        rows = db.execute(
            "SELECT extract(epoch FROM done.at - paid.at) FROM fact paid JOIN fact done USING (account_id)"
            " WHERE paid.kind = 'payment_booked' AND done.kind = 'order_acknowledged' AND done.seq > paid.seq"
        )
        return [float(seconds) for (seconds,) in rows]


def bare(transport: HttpTransport, url: str, count: int) -> list[float]:
    """The seconds from the beginning to the answer of each of as many posts of the same size."""
    began, found = time.perf_counter(), list[float]()
    bodies = []
    for number in range(count):
        told = message(f"sub_{NOT_OURS + number}_1", 2, "resume", "files", generation=2)
        bodies.append(json.dumps(told).encode())
    for first in range(0, count, AT_ONCE):
        part = bodies[first : first + AT_ONCE]
        answers = transport.post(
            url, [({"Content-Type": "application/json", **signed(SECRET, body)}, body) for body in part]
        )
        assert all(answer.status == 200 for answer in answers), answers
        found += [time.perf_counter() - began] * len(part)
    return found


def _figures(seconds: Sequence[float]) -> dict[str, float]:
    return {"p50_seconds": round(median(seconds), 2), "p99_seconds": round(quantiles(seconds, n=100)[98], 2)}


def main() -> int:
    """One JSON object; exit code 0, as this has no floor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the JSON object, on one line")
    parser.add_argument("--count", type=int, default=1000)
    options = parser.parse_args()
    store = PostgresStore(fresh_database("bench_orders"), connections_max=8, clock_is_real=False)
    numbers = disabled_book(store, options.count)
    transport = HttpTransport(allowed_targets("127.0.0.0/8"))
    with tempfile.TemporaryDirectory() as folder, service(Path(folder)) as url:
        store.add_endpoint(NewEndpoint(EndpointUse.SERVICE, "files", url, transport.sealed(SECRET)), RealClock().now())
        found = ours(store, transport, numbers)
        posts = bare(transport, url, options.count)
    store.close()
    figures = {
        "settled_at_once": options.count,
        "acknowledged": len(found),
        "ours": _figures(found),
        "bare_posts": _figures(posts),
        "p50_over_bare": round(median(found) / median(posts), 2),
        "measured_on": datetime.now(UTC).date().isoformat(),
        "floors": {},
        "holds": len(found) == options.count,
    }
    sys.stdout.write(json.dumps(figures, indent=None if options.json else 2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
