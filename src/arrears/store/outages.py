"""When the database goes away and comes back: what is raised then, and how a connection that died is known."""

from __future__ import annotations

import select
from typing import Any, Final

import psycopg

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


def still_open(db: psycopg.Connection[Any]) -> None:
    """Raise OperationalError where the server has ended a connection that lay idle: then there is something to read on
    it, its last words or its end. It costs no round trip, as asking the server would."""
    poll = select.poll()
    poll.register(db.pgconn.socket, select.POLLIN)
    if poll.poll(0):
        db.close()  # the pool makes another one in its place
        raise psycopg.OperationalError("the server ended this connection while it was idle")
