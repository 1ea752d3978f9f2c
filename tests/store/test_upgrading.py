"""A database of a released version is brought up to date by the real command, from whatever step it was left at.

`released/0.1.0.sql.gz` is what that version wrote itself: its schema, and 14 accounts after 200 made-up days.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from subprocess import CompletedProcess
from typing import Final

import psycopg
import pytest
from tests.cli import commands
from tests.store.contract import wait_until

from arrears.store import schema
from arrears.store.postgres import upgrading
from arrears.store.postgres.check import check_store
from arrears.store.postgres.online import UpgradePart, parts_of, step_online
from arrears.store.postgres.store import PostgresStore

RELEASED: Final = Path(__file__).parent / "released"
FIRST: Final = 8
"""The schema version of 0.1.0."""
NEWEST: Final = max(schema.versions())


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


def upgrade(url: str, *flags: str) -> CompletedProcess[str]:
    return commands.arrears("db", "upgrade", *flags, ARREARS_DATABASE_URL=url)


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


@pytest.mark.turn(2)
def test_a_database_of_the_first_version_is_brought_up_to_date_with_all_that_is_in_it(old: str) -> None:
    before = rows(old)
    assert (before["account"], before["fact"] > 600) == (14, True)
    done = upgrade(old)
    assert done.returncode == 0, done.stderr
    *steps, last = done.stdout.splitlines()
    assert [int(line.split()[2][:4]) for line in steps] == [v for v in schema.versions() if v > FIRST]
    assert last.startswith("up to date: 14 accounts, ")
    assert (rows(old), version(old), agrees(old)) == (before, NEWEST, True)
    assert upgrade(old).stdout == "up to date: 14 accounts, 0 of them read anew\n"


@pytest.mark.sample(1)
@pytest.mark.parametrize("last", [v for v in schema.versions() if v > FIRST])
def test_what_was_broken_off_after_any_step_goes_on_with_the_next_try(old: str, last: int) -> None:
    before = rows(old)
    with psycopg.connect(old, autocommit=True) as db:
        for step, name in schema.versions().items():
            if FIRST < step <= last:
                with db.transaction():
                    db.execute(schema.text(step).encode())
                    db.execute(schema.stamp(step).encode())
                    done = "INSERT INTO django_migrations (app, name, applied) VALUES ('store', %s, now())"
                    db.execute(done, [name.removesuffix(".sql")])
    done = upgrade(old)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, NEWEST - last + 1), done.stderr
    assert (rows(old), version(old), agrees(old)) == (before, NEWEST, True)


@pytest.mark.turn(2)
def test_a_step_that_fails_half_way_leaves_nothing_of_itself(old: str) -> None:
    with psycopg.connect(old, autocommit=True) as db:
        db.execute("CREATE INDEX message_by_mailbox ON message (address)")
    done = upgrade(old)
    assert (done.returncode, version(old)) == (4, 17), done.stderr
    assert "message_by_mailbox" in done.stderr.splitlines()[-1]
    with psycopg.connect(old, autocommit=True) as db:
        db.execute("DROP INDEX message_by_mailbox")
    assert (upgrade(old).returncode, version(old), agrees(old)) == (0, NEWEST, True)


def newer(db: psycopg.Connection) -> None:
    db.execute("INSERT INTO schema_version (version) VALUES (999)")


def foreign(db: psycopg.Connection) -> None:
    db.execute("DROP TABLE schema_version")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (newer, "the database has schema version 999, newer than this program's"),
        (foreign, "this database holds tables of something else"),
    ],
)
def test_what_is_not_ours_to_upgrade_is_left_alone(
    old: str, made: Callable[[psycopg.Connection], None], said: str
) -> None:
    with psycopg.connect(old, autocommit=True) as db:
        made(db)
    before = rows(old)
    done = upgrade(old)
    assert (done.returncode, len(done.stderr.splitlines()), rows(old)) == (5, 1, before)
    assert ("[wrong_schema]" in done.stderr, said in done.stderr) == (True, True)


@pytest.mark.turn(2)
def test_nothing_is_changed_under_a_worker_that_is_still_there(old: str) -> None:
    with psycopg.connect(old, application_name="an old worker"):
        done = upgrade(old)
        assert (done.returncode, version(old)) == (4, FIRST)
        assert ("[database_in_use]" in done.stderr, "an old worker" in done.stderr) == (True, True)
        assert upgrade(old, "--in-use").returncode == 0
    assert version(old) == NEWEST


@pytest.mark.turn(2)
def test_two_upgrades_at_once_are_one(old: str) -> None:
    with psycopg.connect(old, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [upgrading.LOCK])
        done = upgrade(old, "--in-use")
        assert (done.returncode, "[upgrade_running]" in done.stderr, version(old)) == (4, True, FIRST)
    assert (upgrade(old).returncode, version(old)) == (0, NEWEST)


SHAPE: Final = """
SELECT format('%s.%s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity)
    || coalesce(' ' || pg_get_expr(d.adbin, d.adrelid), '')
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (c.oid, a.attnum)
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE 'mfa%'
UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || convalidated || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'invalid ' || indexrelid::regclass FROM pg_index WHERE NOT indisvalid
ORDER BY 1
"""
"""Columns, indexes, constraints, triggers and functions of a database, in words; of the framework's own indexes one is
written another way once it has been dumped."""


def shape(url: str) -> list[str]:
    with psycopg.connect(url) as db:
        return [line for (line,) in db.execute(SHAPE)]


@pytest.mark.turn(2)
def test_a_database_that_was_brought_up_to_date_has_the_shape_of_a_new_one(old: str) -> None:
    assert upgrade(old).returncode == 0
    found = shape(old)
    with psycopg.connect(old, autocommit=True) as db:
        db.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    assert commands.arrears("tasks", ARREARS_DATABASE_URL=old).returncode == 0
    assert found == shape(old)


def brought_to(db: psycopg.Connection, last: int) -> None:
    """Up to this version, each step at once, as a new database has it."""
    for step in range(FIRST + 1, last + 1):
        db.execute(schema.text(step).encode())
        db.execute(schema.stamp(step).encode())
        done = "INSERT INTO django_migrations (app, name, applied) VALUES ('store', %s, now())"
        db.execute(done, [schema.versions()[step].removesuffix(".sql")])


def all_but_the_last(url: str, step: int) -> None:
    """Every part of a step but the last, which marks it."""
    *parts, last = parts_of(step)
    fails = UpgradePart("alone", "", "SELECT 1/0")
    try:
        step_online(url, step, [*parts, fails, last])
    except psycopg.errors.DivisionByZero:
        return
    raise AssertionError("it was not broken off")


@pytest.mark.turn(2)
@pytest.mark.sample(1)
@pytest.mark.parametrize("step", [v for v in schema.versions() if parts_of(v)])
def test_each_part_of_a_step_may_be_made_again(old: str, step: int) -> None:
    """As after breaking off: everything but the last part has been done, twice."""
    with psycopg.connect(old, autocommit=True) as db:
        brought_to(db, step - 1)
    for _ in range(2):
        all_but_the_last(old, step)
    assert (upgrade(old).returncode, version(old), agrees(old)) == (0, NEWEST, True)


def test_what_is_written_between_the_parts_by_who_knows_no_new_column_has_it_too(old: str) -> None:
    """An older worker goes on beside `--in-use`: a task and a message of its own, in the columns of its time."""
    with psycopg.connect(old, autocommit=True) as db:
        brought_to(db, 12)
        all_but_the_last(old, 13)
        db.execute(
            "INSERT INTO task (account_id, seq, kind, what) VALUES (1, 900, 'support_request', 'request 77: other')"
        )
        step_online(old, 13, parts_of(13))
        row = db.execute(
            "SELECT no > 0, cause, times, last_seq FROM task WHERE (account_id, seq) = (1, 900)"
        ).fetchone()
        assert row == (True, "77", 1, 900)
        assert db.execute("SELECT count(*) = count(DISTINCT no) FROM task").fetchone() == (True,)
        for step in range(14, 18):
            db.execute(schema.text(step).encode())
            db.execute(schema.stamp(step).encode())
        all_but_the_last(old, 18)
        db.execute(
            "INSERT INTO message (account_id, seq, no, kind, cause, on_day, address, role, person_id, language,"
            " subject, body, state, reply, at) VALUES (1, 900, 1, 'test', '', '2026-01-01', 'Eva@X.example',"
            " 'administrator', 0, 'en', '', '', 'accepted', '', now())"
        )
        step_online(old, 18, parts_of(18))
        assert db.execute("SELECT mailbox FROM message WHERE seq = 900").fetchone() == ("eva@x.example",)


@pytest.mark.turn(2)
def test_a_part_waits_for_a_lock_for_a_moment_only_and_is_tried_again(old: str) -> None:
    with psycopg.connect(old) as reader, ThreadPoolExecutor(1) as pool:
        reader.execute("SELECT FROM message LIMIT 1")
        going = pool.submit(upgrade, old, "--in-use")
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'relation' AND datname = current_database()"
        with psycopg.connect(old, autocommit=True) as other:
            wait_until(lambda: bool(other.execute(waiting).fetchone() != (0,)))
            wait_until(lambda: other.execute(waiting).fetchone() == (0,))
            assert not going.done()
        reader.rollback()
        assert going.result().returncode == 0
    assert version(old) == NEWEST
