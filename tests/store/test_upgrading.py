"""A database of a released version is brought up to date, from any step and in spite of any that is broken off.

`released/0.1.0.sql.gz` is what that version wrote itself: its schema, and 14 accounts after 200 made-up days.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

import psycopg
import pytest

from arrears.core.errors import Refused
from arrears.store import schema
from arrears.store.postgres.check import check_store
from arrears.store.postgres.store import PostgresStore
from arrears.store.postgres.upgrading import upgrade
from arrears.wiring import migrate

NOW: Final = datetime(2027, 1, 1, tzinfo=UTC)
RELEASED: Final = Path(__file__).parent / "released"
FIRST: Final = 8
"""The schema version of 0.1.0."""


@cache
def dump(version: str) -> bytes:
    return gzip.decompress((RELEASED / f"{version}.sql.gz").read_bytes())


@pytest.fixture
def old(database_url: str) -> Iterator[str]:
    """The address of a database as version 0.1.0 left it."""
    with psycopg.connect(database_url, autocommit=True) as server:
        server.execute("DROP DATABASE IF EXISTS upgraded WITH (FORCE)")
        server.execute("CREATE DATABASE upgraded")
        url = psycopg.conninfo.make_conninfo(database_url, dbname="upgraded")
        with psycopg.connect(url, autocommit=True) as db:
            db.execute(dump("0.1.0"))
        yield url
        server.execute("DROP DATABASE IF EXISTS upgraded WITH (FORCE)")


def rows(url: str) -> dict[str, int]:
    """How many rows the tables of the journal have."""
    with psycopg.connect(url) as db:
        counted = {}
        for table in ("account", "fact", "invoice", "payment", "entry", "message"):
            row = db.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
            assert row is not None
            counted[table] = row[0]
        return counted


def agrees(url: str) -> bool:
    """Whether `arrears check` finds nothing."""
    store = PostgresStore(url, clock_is_real=False)
    try:
        return not check_store(store).breaches
    finally:
        store.close()


def version(url: str) -> int | None:
    with psycopg.connect(url) as db:
        return schema.version_of(db)


def test_a_database_of_the_first_version_is_brought_up_to_date_with_all_that_is_in_it(old: str) -> None:
    before, steps = rows(old), []
    assert (before["account"], before["fact"] > 600) == (14, True)
    report = upgrade(old, migrate, NOW, step_done=steps.append)
    assert [int(name[:4]) for name in steps] == [v for v in schema.versions() if v > FIRST]
    assert (report.accounts, report.broken) == (14, [])
    assert (rows(old), version(old), agrees(old)) == (before, max(schema.versions()), True)
    again: list[str] = []
    assert (upgrade(old, migrate, NOW, step_done=again.append).rewritten, again) == (0, [])


class BreaksOff(Exception):
    """The machine goes down."""


@pytest.mark.sample(2)
@pytest.mark.parametrize("at", [v for v in schema.versions() if v > FIRST])
def test_what_was_broken_off_goes_on_with_the_next_try(old: str, at: int) -> None:
    before = rows(old)

    def breaking(url: str, *name: str) -> None:
        if name and int(name[0][:4]) == at:
            raise BreaksOff
        migrate(url, *name)

    with pytest.raises(BreaksOff):
        upgrade(old, breaking, NOW)
    assert version(old) == at - 1
    upgrade(old, migrate, NOW)
    assert (rows(old), version(old), agrees(old)) == (before, max(schema.versions()), True)


def test_a_step_that_fails_half_way_leaves_nothing_of_itself(old: str) -> None:
    with psycopg.connect(old, autocommit=True) as db:
        db.execute("CREATE TABLE message_once_a_day_stands_in_the_way (x integer)")
        db.execute("CREATE INDEX message_by_mailbox ON message (address)")
    with pytest.raises(Exception, match="message_by_mailbox"):
        upgrade(old, migrate, NOW)
    assert version(old) == 17
    with psycopg.connect(old, autocommit=True) as db:
        db.execute("DROP INDEX message_by_mailbox")
    upgrade(old, migrate, NOW)
    assert (version(old), agrees(old)) == (max(schema.versions()), True)


def newer(db: psycopg.Connection) -> None:
    db.execute("INSERT INTO schema_version (version) VALUES (999)")


def foreign(db: psycopg.Connection) -> None:
    db.execute("DROP TABLE schema_version")


@pytest.mark.parametrize(
    ("made", "code", "said"),
    [
        (newer, "wrong_schema", "the database has schema version 999, newer than this program's"),
        (foreign, "wrong_schema", "this database holds tables of something else"),
    ],
)
def test_what_is_not_ours_to_upgrade_is_left_alone(
    old: str, made: Callable[[psycopg.Connection], None], code: str, said: str
) -> None:
    with psycopg.connect(old, autocommit=True) as db:
        made(db)
    before = rows(old)
    with pytest.raises(Refused) as refused:
        upgrade(old, migrate, NOW)
    assert (refused.value.code, refused.value.message.startswith(said), rows(old)) == (code, True, before)


def test_nothing_is_changed_under_a_worker_that_is_still_there(old: str) -> None:
    with psycopg.connect(old, application_name="an old worker"):
        with pytest.raises(Refused) as refused:
            upgrade(old, migrate, NOW)
        assert (refused.value.code, "an old worker" in refused.value.message) == ("database_in_use", True)
        assert version(old) == FIRST
        upgrade(old, migrate, NOW, in_use=True)
    assert version(old) == max(schema.versions())


def test_two_upgrades_at_once_are_one(old: str) -> None:
    def meanwhile(url: str, *name: str) -> None:
        with pytest.raises(Refused) as refused:
            upgrade(url, migrate, NOW)
        assert refused.value.code == "upgrade_running"
        migrate(url, *name)

    upgrade(old, meanwhile, NOW)
    assert (version(old), agrees(old)) == (max(schema.versions()), True)
