"""Steps of the schema on tables that may have millions of rows, in parts that keep nobody waiting.

`sql/NNNN_name.sql` is what a version is: a new database runs it, in one transaction. Where that would lock a large
table for as long as its rows take, `sql/online/` has the same step in parts, for a database that is brought up to
date: `quick`, some statements in one transaction that waits for its locks for a moment only and is tried again;
`pages TABLE`, a statement for some pages at a time; `alone`, a statement that takes no lock that readers or writers
notice. Each may be broken off and made again; only the last transaction marks the version. A test compares what both
ways end with.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import Connection

from arrears.core.errors import Refused
from arrears.store import schema

LOCK_MILLISECONDS_MAX: Final = 200
"""So long a part waits for a lock; meanwhile others queue behind it."""
TRIES_MAX: Final = 150
PAUSE_SECONDS: Final = 0.2
PAGES_AT_FIRST: Final = 32
SET_SECONDS: Final = 0.05
"""About so long nobody else can change the rows of a set: pages are added while it takes half of that or less, and
taken away when it takes twice as long."""

_PART: Final = re.compile(r"^--: (quick|alone|pages) ?(\w*)$", re.MULTILINE)


class UpgradePart(NamedTuple):
    """One part of a step: how it is run, for `pages` over which table, and its statements."""

    how: str
    table: str
    text: str


def parts_of(version: int) -> Sequence[UpgradePart]:
    """The parts of a version, in order; none where its step is quick by itself."""
    text = schema.online_text(version)
    _, *found = _PART.split(text)
    return [UpgradePart(*found[i : i + 3]) for i in range(0, len(found), 3)]


def step_online(url: str, version: int, parts: Sequence[UpgradePart]) -> None:
    """Bring a database to this version, part by part. Refuses `upgrade_failed` where others hold a lock for too long,
    and lets through what the server says against a statement."""
    name = schema.versions()[version].removesuffix(".sql")
    *before, last = parts if parts[-1].how == "quick" else (*parts, UpgradePart("quick", "", ""))
    done = f"INSERT INTO django_migrations (app, name, applied) VALUES ('store', '{name}', now())"
    with psycopg.connect(url, autocommit=True, connect_timeout=10, application_name="arrears db upgrade") as db:
        for part in (*before, last._replace(text=f"{last.text}{schema.stamp(version)};\n{done};")):
            match part.how:
                case "quick":
                    _quick(db, part.text)
                case "pages":
                    _by_pages(db, part)
                case _:
                    db.execute(part.text.encode())


def _quick(db: Connection[Any], text: str) -> None:
    for _ in range(TRIES_MAX):
        try:
            with db.transaction():
                db.execute(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS_MAX}".encode())
                db.execute(text.encode())
        except psycopg.errors.LockNotAvailable:
            time.sleep(PAUSE_SECONDS)
        else:
            return
    way = "nothing of it was done; what was done before it stays. Find who holds a transaction open, and go on"
    raise Refused("upgrade_failed", f"a table was locked by others for {TRIES_MAX} tries; {way}", exit_code=4)


def _by_pages(db: Connection[Any], part: UpgradePart) -> None:
    row = db.execute("SELECT pg_relation_size(%s::regclass) / 8192", [part.table]).fetchone()
    first, size, last = 0, PAGES_AT_FIRST, row[0] if row else 0
    while first < last:
        pages, began = f"t.ctid >= '({first},0)' AND t.ctid < '({first + size},0)'", time.perf_counter()
        db.execute(part.text.replace("{pages}", pages).encode())
        first, took = first + size, time.perf_counter() - began
        size = 2 * size if took < SET_SECONDS / 2 else max(1, size // 2) if took > 2 * SET_SECONDS else size
