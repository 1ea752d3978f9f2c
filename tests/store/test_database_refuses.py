"""Databases and disks that refuse in the middle of the work: read-only after a failover, full, or of another version.

Nothing is half done, nothing leaves the house that was not recorded first, and a person gets one plain line.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from tests.cli import commands as commands_of_ours
from tests.site import using
from tests.store.contract import API, AnyStore, at, invoice, owing_book, payment, standing

from arrears.adapters.channels.folder import FolderChannel
from arrears.adapters.services.inprocess import InProcessServices
from arrears.core.errors import Refused
from arrears.engine import commands
from arrears.engine.perform import perform
from arrears.engine.run import Limits, run, run_batch
from arrears.ports import DeliveryAbout, Fate, Message
from arrears.setting_values import Secret
from arrears.store import schema
from arrears.store.postgres.store import PostgresStore
from arrears.wiring import open_installation

OWN = "refusing"


@pytest.fixture
def own_database(database_url: str) -> Iterator[str]:
    """The URL of an empty database that no other test uses."""
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(OWN)))
        db.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(OWN)))
    yield make_conninfo(database_url, dbname=OWN)
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(OWN)))


def set_read_only(url: str, switch: str) -> None:
    """What a failover to a standby does to everybody who connects from now on."""
    with psycopg.connect(url, autocommit=True, options="-c default_transaction_read_only=off") as db:
        statement = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
        db.execute(statement.format(sql.Identifier(OWN), sql.SQL(switch)))


def test_a_read_only_database_refuses_everything_before_anything_leaves_the_house(
    own_database: str, tmp_path: Path
) -> None:
    schema.create_scratch(own_database, "book")
    store = PostgresStore(own_database, schema="book", clock_is_real=False)
    numbers = owing_book(store, 3)
    run(store, at(2))
    run(store, at(2, 9))
    before = standing(store, numbers)
    store.close()
    set_read_only(own_database, "on")
    store = PostgresStore(own_database, schema="book", clock_is_real=False)
    channel, services = FolderChannel(tmp_path), InProcessServices()
    deeds: list[Callable[[], object]] = [
        lambda: run(store, at(5)),
        lambda: run_batch(store, store.policies(), at(5), Limits()),
        lambda: perform(store, channel, services, at(5)),
        lambda: commands.record_payments(store, [payment(numbers[0], "P1")], at(5), API),
    ]
    for deed in deeds:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            deed()
    assert list(tmp_path.iterdir()) == []
    assert services.performed == 0
    assert standing(store, numbers) == before
    store.close()
    set_read_only(own_database, "off")
    store = PostgresStore(own_database, schema="book", clock_is_real=False)
    assert perform(store, channel, services, at(5)) == 3
    assert len(list(tmp_path.iterdir())) == 3
    store.close()


def arrears(url: str, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return commands_of_ours.arrears(*arguments, ARREARS_DATABASE_URL=url, ARREARS_HOME=str(home))


def test_arrears_run_on_a_read_only_database_says_so_in_one_line(own_database: str, tmp_path: Path) -> None:
    ran = arrears(own_database, tmp_path, "run")
    assert ran.returncode == 0, ran.stderr
    set_read_only(own_database, "on")
    ran = arrears(own_database, tmp_path, "run")
    assert (ran.returncode, ran.stdout, len(ran.stderr.splitlines())) == (4, "", 1), ran.stderr
    assert "[database_read_only]" in ran.stderr


@pytest.mark.parametrize("version", [0, 99], ids=["older", "newer"])
def test_a_worker_refuses_a_schema_that_is_not_its_own(own_database: str, tmp_path: Path, version: int) -> None:
    with psycopg.connect(own_database) as db:
        db.execute("CREATE TABLE schema_version (version integer PRIMARY KEY)")
        db.execute("INSERT INTO schema_version VALUES (%s)", [version])
    ran = arrears(own_database, tmp_path, "worker")
    assert (ran.returncode, len(ran.stderr.splitlines())) == (5, 1), ran.stderr
    assert "[wrong_schema]" in ran.stderr


def test_a_half_made_schema_is_refused_too(own_database: str) -> None:
    """A migration that was killed leaves nothing; what somebody began by hand is not ours to finish."""
    with psycopg.connect(own_database) as db:
        db.execute("CREATE TABLE schema_version (version integer PRIMARY KEY)")
    with using(database_url=Secret(own_database)), pytest.raises(Refused) as refused:
        open_installation()
    assert (refused.value.code, refused.value.exit_code) == ("wrong_schema", 5)


@pytest.mark.turn(2)
def test_two_programs_that_start_together_on_an_empty_database_both_go_on(own_database: str, tmp_path: Path) -> None:
    environment = os.environ | {"ARREARS_DATABASE_URL": own_database, "ARREARS_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "arrears", "status"]
    both = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [(one.communicate(timeout=120)[1], one.returncode) for one in both]
    assert told == [("", 0), ("", 0)]


# -- no room ----------------------------------------------------------------------------------------------------------

FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$
"""


@pytest.fixture
def store(make_postgres: Callable[[], PostgresStore]) -> PostgresStore:
    return make_postgres()


@pytest.mark.sample(3)
@pytest.mark.parametrize("table", ["fact", "account_state", "invoice", "entry", "action", "collection_case"])
def test_a_disk_that_fills_up_at_any_table_of_a_batch_leaves_nothing_half_done(
    store: PostgresStore, table: str
) -> None:
    """The error arrives where a full disk's would: while this table is being written (no real disk is filled)."""
    numbers = owing_book(store, 3)
    run(store, at(2))
    before = standing(store, numbers)
    with store.transaction() as db:
        db.execute(FULL)
        trigger = f"CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON {table} FOR EACH STATEMENT"
        db.execute(f"{trigger} EXECUTE FUNCTION full_disk()".encode())
    refused = 0
    for deed in deeds_of_day_two(store, numbers):
        now_standing = standing(store, numbers)
        try:
            deed()
        except psycopg.errors.DiskFull:
            refused += 1
            assert standing(store, numbers) == now_standing
    assert refused >= 1
    with store.transaction() as db:
        db.execute("DROP FUNCTION full_disk CASCADE")
    run(store, at(2, 9))
    commands.record_payments(store, [payment(n, f"Q{n}") for n in numbers], at(2, 10), API)
    assert all(a.debts == () or a.debts[0].no == 2 for a in store.snapshots(numbers).values())
    assert standing(store, numbers) != before


def deeds_of_day_two(store: AnyStore, numbers: list[int]) -> list[Callable[[], object]]:
    """Between them they write every table of the list."""
    return [
        lambda: run_batch(store, store.policies(), at(2, 9), Limits()),
        lambda: commands.issue_invoices(store, [invoice(n, f"J{n}") for n in numbers], at(2, 9), API),
        lambda: commands.record_payments(store, [payment(numbers[0], "P1")], at(2, 9), API),
    ]


SEND = """
import resource, sys
from pathlib import Path
from arrears.adapters.channels.folder import FolderChannel
from arrears.ports import Message
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
done = FolderChannel(Path(sys.argv[1])).send(Message("a1-1", "a@example.org", "Please pay", "much " * 10_000))
print(done.fate, done.about)
"""


def test_a_message_that_finds_no_room_is_refused_and_leaves_no_file_that_looks_sent(tmp_path: Path) -> None:
    def send(bytes_max: int) -> str:
        ran = subprocess.run(
            [sys.executable, "-c", SEND, str(tmp_path), str(bytes_max)], capture_output=True, text=True, check=True
        )
        return ran.stdout.strip()

    channel = FolderChannel(tmp_path)
    assert send(4096) == f"{Fate.REFUSED} {DeliveryAbout.SERVER}", "a full disk is no matter of one message"
    assert (list(tmp_path.iterdir()), channel.look_up("a1-1")) == ([], Fate.NOT_SENT)
    assert send(1_000_000).startswith(Fate.ACCEPTED)
    assert ([p.name for p in tmp_path.iterdir()], channel.look_up("a1-1")) == (["a1-1.eml"], Fate.ACCEPTED)
    assert channel.send(Message("a1-1", "other@example.org", "again", "again")).fate is Fate.ACCEPTED
    assert b"a@example.org" in (tmp_path / "a1-1.eml").read_bytes()
