"""Bringing a database from an older schema to this program's: one numbered step after the other, each whole or
not at all, or in parts that may be made again, so that breaking off loses nothing and the next try goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any, Final

import psycopg
from django.db.utils import Error as DjangoError
from psycopg import Connection

from arrears.core.errors import Refused
from arrears.store import schema
from arrears.store.postgres.online import parts_of, step_online
from arrears.store.postgres.refold import RefoldReport, refold_states
from arrears.store.postgres.store import PostgresStore

LOCK: Final = 7_305_201
"""Who upgrades or sets up a database holds this advisory lock of it."""
WAIT_SECONDS: Final = 60
"""So long a program that starts waits for another that sets the database up: that takes a few seconds."""

_OTHERS: Final = """
SELECT coalesce(nullif(application_name, ''), usename::text, 'somebody') FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY 1
"""

_FOREIGN: Final = """
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind = 'r'
"""


@contextmanager
def upgrading(url: str, *, in_use: bool) -> Iterator[list[int]]:
    """Nobody else upgrades this database until the context ends; the versions that it lacks, in order.

    Refuses `upgrade_running`; `wrong_schema` for a database that is newer than this program, or holds tables of
    something else; `database_in_use` while others are connected, unless `in_use`: a worker of an older version would
    write into tables that it does not know.
    """
    with psycopg.connect(url, autocommit=True, connect_timeout=10, application_name="arrears db upgrade") as db:
        if not _one(db, "SELECT pg_try_advisory_lock(%s)", LOCK):
            raise Refused("upgrade_running", "`arrears db upgrade` is at work on this database already", exit_code=4)
        yield _missing(db, in_use)


@contextmanager
def alone(url: str) -> Iterator[None]:
    """Nobody else upgrades or sets up this database until the context ends; waits for who does. Refuses
    `upgrade_running` after WAIT_SECONDS."""
    with psycopg.connect(url, autocommit=True, connect_timeout=10, application_name="arrears set-up") as db:
        db.execute(f"SET lock_timeout = '{WAIT_SECONDS}s'")
        try:
            db.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        except psycopg.errors.LockNotAvailable:
            waited = f"another program has been at work on this database's schema for {WAIT_SECONDS} s; try again"
            raise Refused("upgrade_running", waited, exit_code=4) from None
        yield


def _missing(db: Connection[Any], in_use: bool) -> list[int]:
    known, found = schema.versions(), schema.version_of(db)
    if found is None and _one(db, _FOREIGN):
        way = "name the database of arrears, or an empty one, in ARREARS_DATABASE_URL"
        raise Refused("wrong_schema", f"this database holds tables of something else; {way}", exit_code=5)
    if found is not None and found > max(known):
        way = "install the program that fits; there is no way down but a backup"
        raise Refused(
            "wrong_schema", f"the database has schema version {found}, newer than this program's; {way}", exit_code=5
        )
    missing = [version for version in known if version > (found or 0)]
    others = [name for (name,) in db.execute(_OTHERS)]
    if missing and others and not in_use:
        shown = ", ".join(sorted(set(others))[:5])
        way = "stop the workers and the pages first; --in-use goes on all the same"
        raise Refused("database_in_use", f"{len(others)} others are connected ({shown}); {way}", exit_code=4)
    return missing


def _step(migrate: Callable[..., None], url: str, version: int) -> str:
    """One step; its name. Refuses `upgrade_failed`, with the server's own words, where it was not done."""
    name = schema.versions()[version].removesuffix(".sql")
    parts = parts_of(version)
    try:
        if parts:
            step_online(url, version, parts)
        else:
            migrate(url, name)
    except (DjangoError, psycopg.DatabaseError) as error:
        said = " ".join(str(error).split())
        way = "what was done before stays; put that right and go on"
        raise Refused("upgrade_failed", f"step {name} failed: {said}; {way}", exit_code=4) from error
    return name


def _accounts(store: PostgresStore) -> int:
    with store.reading() as db:
        return int(_one(db, "SELECT count(*) FROM account_state"))


def _one(db: Connection[Any], statement: Any, *values: object) -> Any:
    row = db.execute(statement, values or None).fetchone()
    return None if row is None else row[0]


def upgrade(
    url: str,
    migrate: Callable[..., None],
    now: datetime,
    *,
    in_use: bool = False,
    step_done: Callable[[str], object] = lambda _name: None,
    folded: Callable[[int, int], object] = lambda _done, _all: None,
) -> RefoldReport:
    """Bring the database at this address up to date, then fold every account anew as this program does; what that came
    to. `migrate(url, name)` runs the steps up to one, without a name all of Django's own too; `step_done` is told each,
    `folded` how many of how many accounts. What is refused: see `upgrading`; and `upgrade_failed`."""
    with upgrading(url, in_use=in_use) as missing:
        for version in missing:
            step_done(_step(migrate, url, version))
        migrate(url)
        with closing(PostgresStore(url, connections_max=1)) as store:
            accounts, done = _accounts(store), 0

            def count_up(count: int) -> None:
                nonlocal done
                done += count
                folded(done, accounts)

            return refold_states(store, now, count_up)
