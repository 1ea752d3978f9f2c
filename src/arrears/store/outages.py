"""When the database goes away and comes back: what is raised then, and how a connection that died is known."""

from __future__ import annotations

import select
import time
from contextlib import suppress
from typing import Any, Final

import psycopg
from psycopg_pool import ConnectionPool

OUTAGES: Final = (psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction)
"""What is raised while the database is away, full, or only read, and where it has ended a transaction for another. In
each case what was begun is rolled back, and may be asked for again."""

WAIT_SECONDS_MAX: Final = 5.0
"""So long is a connection waited for; a process has as many as it has threads, so it is the database that is waited
for."""
RECONNECT_SECONDS_MAX: Final = 2.0
"""So long a pool goes on trying by itself, ever more seldom; who asks next makes it try at once."""


def is_away(error: psycopg.Error) -> bool:
    """Whether it is the connection that failed or the server that went, and not what was asked of it."""
    return error.sqlstate is None or error.sqlstate[:2] in ("08", "57")


def is_open(db: psycopg.Connection[Any]) -> bool:
    """Whether the server has ended a connection that lay idle: then there is something to read on it, its last words
    or its end. It costs no round trip, as asking the server would."""
    if db.closed:
        return False
    poll = select.poll()
    poll.register(db.pgconn.socket, select.POLLIN)
    return not poll.poll(0)


class LastingPool(ConnectionPool[psycopg.Connection[Any]]):
    """A pool whose connections may all have died while they lay idle: each that has is replaced at once, however many
    there are. The check that psycopg_pool offers waits longer and longer after each one that it finds dead, and with
    four of them gives up."""

    def __del__(self) -> None:
        # One that nobody has closed may be collected by one of its own threads, which cannot wait for itself: a command
        # that is refused, and ends, would say so with a traceback after its line.
        with suppress(RuntimeError):
            super().__del__()

    def getconn(self, timeout: float | None = None) -> psycopg.Connection[Any]:
        """A connection that is open; PoolTimeout where there is none in time."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            db = super().getconn(max(deadline - time.monotonic(), 0.0))
            if is_open(db):
                return db
            db.close()
            self.putconn(db)  # another one is made in its place
