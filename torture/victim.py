"""A worker process to be killed: the real engine on PostgreSQL, on a clock that is a file. `torture.nursery` bears it.

`worker` collects and performs until the clock stops; `staff` does what the operator does at one instant, and ends.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import psycopg

from arrears.adapters.channels.folder import FolderChannel
from arrears.engine.failpoints import arm, reached
from arrears.engine.perform import perform_all
from arrears.engine.run import run
from arrears.ports import Channel, Services, Store
from arrears.store.postgres.store import PostgresStore
from arrears.store.postgres.write import Db
from torture.book import make_plan, play_staff_day
from torture.outside import LIMITS, POLL_SECONDS, READY, ClockFile, FileServices


class FailingStore(PostgresStore):
    """The real store with a failpoint on each side of every commit of its own."""

    @contextmanager
    def transaction(self) -> Iterator[Db]:
        with super().transaction() as db:
            yield db
            reached("store.before_commit")
        reached("store.after_commit")


def work(folder: Path, store: PostgresStore, name: str, armed: str) -> None:
    """Collect and perform at every instant that the clock shows. Database errors are waited out."""
    clock, channel, services = ClockFile(folder), FolderChannel(folder / "mail"), FileServices(folder / "orders")
    # Who is armed waits for the clock to move, so that it dies in the middle of work and not of looking for some.
    worked_at = clock.read() if armed else None
    clock.see(name, READY)
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
        clock.see(name, now.isoformat())


def work_off(store: Store, channel: Channel, services: Services, now: datetime) -> int:
    """Collect and perform until neither leaves anything for the other; how many accounts were looked at."""
    looked_at = 0
    while True:
        accounts = run(store, now, limits=LIMITS).accounts
        looked_at += accounts
        if not perform_all(store, channel, services, lambda: now) + accounts:
            return looked_at


def main(arguments: list[str], armed: str) -> None:
    """`what name folder url schema`, and for `staff` `index accounts days seed gaps`; `armed` names a failpoint."""
    what, name, folder, url, schema, *numbers = arguments
    if what == "postman":
        from torture import postman  # only who sends real mail needs MJML, Jinja and Django

        postman.main(arguments, armed)
        return
    arm(armed)
    store = FailingStore(url, schema=schema, connections_max=1, clock_is_real=False)
    if what == "worker":
        work(Path(folder), store, name, armed)
    else:
        index, *plan_arguments = map(int, numbers)
        now = ClockFile(Path(folder)).read()
        assert now is not None, "the clock stands"
        play_staff_day(store, make_plan(*plan_arguments).staff_days[index], now)
    store.close()
