"""The couriers of `torture.events`: processes that are killed, on a clock by which days pass at once.

`python -m torture.couriers FOLDER DATABASE [FAILPOINT]` is one of them.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import psycopg
from psycopg_pool import PoolTimeout

from arrears.adapters.services.over_http import HttpTransport
from arrears.core.delivery.targets import allowed_targets
from arrears.engine.courier import Courier
from arrears.engine.failpoints import arm
from arrears.store.postgres.store import PostgresStore

SCHEMA: Final = "torture"
AWAY: Final = (psycopg.OperationalError, PoolTimeout)
LIMIT_SECONDS: Final = 2.0
"""So long a courier waits for a receiver."""


class OffsetClock:
    """The real clock, and what a file adds to it: days pass for every process at once."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "offset"

    def passed(self) -> int:
        """How many seconds have been added."""
        return int(self._file.read_text()) if self._file.exists() else 0

    def now(self) -> datetime:
        """Now, by this clock."""
        return datetime.now(UTC) + timedelta(seconds=self.passed())

    def pass_by(self, seconds: int) -> None:
        """Let time pass."""
        part = self._file.with_suffix(".part")
        part.write_text(str(self.passed() + seconds))
        part.replace(self._file)


class Silent:
    """A watcher that says nothing."""

    def carried(self, parcels: int) -> None:
        """See CourierWatcher."""

    def lost(self, error: Exception) -> None:
        """See CourierWatcher: a database that is killed is what happens here."""
        if not isinstance(error, AWAY):
            sys.stderr.write(f"courier: {error!r}\n")


def store_at(url: str, connections: int = 6) -> PostgresStore:
    """The store, on a clock that is made up."""
    return PostgresStore(url, schema=SCHEMA, connections_max=connections, clock_is_real=False)


def courier(folder: Path, url: str, armed: str) -> None:
    """A courier's process: it works until it is killed."""
    arm(armed or None)
    transport = HttpTransport(allowed_targets("127.0.0.0/8"), limit_seconds=LIMIT_SECONDS)
    Courier(store_at(url), transport, OffsetClock(folder)).work(0.05, Silent())


if __name__ == "__main__":
    courier(Path(sys.argv[1]), sys.argv[2], "".join(sys.argv[3:]))
