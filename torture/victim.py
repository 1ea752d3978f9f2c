"""A worker process to be killed: the real engine on PostgreSQL, on a clock that is a file.

`python -m torture.victim worker FOLDER URL SCHEMA` collects and performs until the clock stops;
`... desk FOLDER URL SCHEMA INDEX ACCOUNTS DAYS SEED GAPS` does what the operator does at one instant, and ends. Both
say "ready" when they are, and then wait for the clock to move or for a line.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import psycopg

from arrears.adapters.channels.folder import FolderChannel
from arrears.engine.failpoints import arm, reached
from arrears.engine.perform import perform_all
from arrears.engine.run import Limits, run
from arrears.ports import Channel, Services, Store
from arrears.store.postgres import PostgresStore
from arrears.store.write import Db
from torture.book import make_plan, sit_at_desk
from torture.outside import ClockFile, FileServices

LIMITS: Final = Limits(deletions_per_day=10_000, batch_accounts_max=20)
"""Small batches, so that there are many commits to die at; no cap, as who gets the last grant depends on the race."""

POLL_SECONDS: Final = 0.004


class FailingStore(PostgresStore):
    """The real store with a failpoint on each side of every commit of its own."""

    @contextmanager
    def transaction(self) -> Iterator[Db]:
        with super().transaction() as db:
            yield db
            reached("store.before_commit")
        reached("store.after_commit")


def work(folder: Path, store: PostgresStore) -> None:
    """Collect and perform at every instant that the clock shows. Database errors are waited out, as a worker does."""
    clock, channel, services = ClockFile(folder), FolderChannel(folder / "mail"), FileServices(folder / "orders")
    # Who is armed waits for the clock to move, so that it dies in the middle of work and not of looking for some.
    worked_at = clock.read() if os.environ.get("ARREARS_FAILPOINT") else None
    _ready()
    while (now := clock.read()) is not None:
        if now == worked_at:
            time.sleep(POLL_SECONDS)
            continue
        try:
            work_off(store, channel, services, now)
        except psycopg.OperationalError:
            time.sleep(10 * POLL_SECONDS)
            continue
        worked_at = now
        clock.acknowledge(now)


def work_off(store: Store, channel: Channel, services: Services, now: datetime) -> int:
    """Collect and perform until neither leaves anything for the other; how many accounts were looked at."""
    looked_at = 0
    while True:
        accounts = run(store, now, limits=LIMITS).accounts
        looked_at += accounts
        if not perform_all(store, channel, services, lambda: now) + accounts:
            return looked_at


def _ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> None:
    """See the module."""
    what, folder, url, schema = arguments[:4]
    arm(os.environ.get("ARREARS_FAILPOINT"))
    store = FailingStore(url, schema=schema, connections_max=1, clock_is_real=False)
    if what == "worker":
        work(Path(folder), store)
    else:
        index, *numbers = map(int, arguments[4:])
        plan = make_plan(*numbers)
        now = ClockFile(Path(folder)).read()
        assert now is not None, "the clock stands"
        _ready()
        sys.stdin.readline()
        sit_at_desk(store, plan.desks[index], now)
    store.close()


if __name__ == "__main__":
    main(sys.argv[1:])
