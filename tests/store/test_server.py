"""The embedded server: who may enter it, what it leaves on the disk, and that it comes back after being killed."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from tests.store.contract import wait_until

from arrears.core.errors import Refused
from arrears.store.server import EmbeddedServer, make_home
from arrears.store.values_in_log import said_of_log, values_in_log


@pytest.fixture(scope="module")
def home(short_folder: Path) -> Iterator[Path]:
    """A home of this file's own, as its tests kill the server."""
    folder = short_folder / "own"
    yield folder
    EmbeddedServer(folder, durable=False).stop()


@pytest.fixture
def server(home: Path) -> EmbeddedServer:
    return EmbeddedServer(home, durable=False)


def value(url: str, statement: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]


def ended(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return not status.exists() or "State:\tZ" in status.read_text()


def running_pid(server: EmbeddedServer) -> int:
    pid = server.status().pid
    assert pid is not None
    return pid


def kill(server: EmbeddedServer) -> int:
    pid = running_pid(server)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: ended(pid))
    return pid


def test_a_started_server_has_a_utf8_database_named_arrears_with_c_order(server: EmbeddedServer) -> None:
    url = server.start()
    assert value(url, "SELECT current_database()") == "arrears"
    assert value(url, "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'arrears'") == "UTF8"
    assert value(url, "SELECT datlocale FROM pg_database WHERE datname = 'arrears'") == "C.UTF-8"


@pytest.mark.parametrize("password", ["wrong", None], ids=["a wrong password", "no password"])
def test_nobody_enters_without_the_password(server: EmbeddedServer, password: str | None) -> None:
    known = {key: word for key, word in conninfo_to_dict(server.start()).items() if key != "password"}
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(make_conninfo("", **{**known, "password": password}), passfile="/dev/null")


def test_nobody_enters_as_the_superuser_with_the_applications_password(server: EmbeddedServer) -> None:
    url = server.start()
    for database in ("arrears", "postgres"):
        with pytest.raises(psycopg.OperationalError, match="pg_hba"):
            psycopg.connect(make_conninfo(url, user="postgres", dbname=database))


def test_the_superuser_has_no_password_and_the_application_a_scram_one(server: EmbeddedServer) -> None:
    server.start()
    server.stop()
    said = alone(server, "SELECT rolname, left(rolpassword, 14) FROM pg_authid WHERE rolcanlogin ORDER BY 1;")
    assert re.findall(' = "([^"]*)"', said) == ["arrears", "SCRAM-SHA-256$", "postgres"]


def alone(server: EmbeddedServer, statement: str) -> str:
    """What the server says to this in single-user mode."""
    done = server._call("postgres", "--single", "-D", str(server.data), "postgres", told=statement + "\n")
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.turn(2)
def test_a_server_of_an_earlier_version_takes_the_password_from_its_superuser_when_it_starts(
    server: EmbeddedServer,
) -> None:
    url = server.start()
    password = str(conninfo_to_dict(url)["password"])
    server.kill_immediate()
    alone(server, f"ALTER ROLE postgres PASSWORD '{password}';")
    rules = server.home / "pg_hba.conf"
    rules.write_text("local all all scram-sha-256\n")
    with pytest.raises(psycopg.OperationalError, match="pg_hba"):
        psycopg.connect(make_conninfo(server.start(), user="postgres"))
    assert value(server.start(), "SELECT 1") == 1
    server.stop()
    said = alone(server, "SELECT rolpassword IS NULL AS none FROM pg_authid WHERE rolname = 'postgres';")
    assert 'none = "t"' in said


def test_the_application_is_no_superuser(server: EmbeddedServer) -> None:
    assert value(server.start(), "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False


def test_it_listens_on_a_socket_only_the_server_and_its_starter_can_reach(server: EmbeddedServer) -> None:
    url = server.start()
    assert value(url, "SHOW listen_addresses") == ""
    folder = Path(str(conninfo_to_dict(url)["host"]))
    assert folder.parent == server.home
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.turn(2)
def test_password_and_data_are_private_and_no_other_folder_changes_its_rights(short_folder: Path) -> None:
    before = {path: path.stat().st_mode for path in (short_folder, *short_folder.parents)}
    server = EmbeddedServer(short_folder / "rights", durable=False)
    server.start()
    server.stop()
    modes = {name: stat.S_IMODE((server.home / name).stat().st_mode) for name in ("password", "data", "run", "lock")}
    assert modes == {"password": 0o600, "data": 0o700, "run": 0o700, "lock": 0o600}
    assert {path: path.stat().st_mode for path in before} == before


@pytest.mark.turn(2)
def test_the_first_command_in_an_empty_folder_leaves_the_server_its_files(short_folder: Path) -> None:
    """Commands keep more in the home once the server runs, and close it to others."""
    home = short_folder / "empty"
    home.mkdir(mode=0o755)
    server = EmbeddedServer(home, durable=False)
    url = server.start()
    make_home(home)
    with psycopg.connect(url) as connection:
        connection.execute("DO $$ BEGIN NULL; END $$")
    server.stop()
    assert stat.S_IMODE(home.stat().st_mode) & 0o067 == 0, "and nobody else reads what is in it"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as somebody else")
def test_root_runs_it_as_an_unprivileged_user_from_its_own_copy_of_the_binaries(server: EmbeddedServer) -> None:
    server.start()
    pid = running_pid(server)
    assert Path(f"/proc/{pid}").stat().st_uid != 0
    assert Path(f"/proc/{pid}/cmdline").read_text().startswith(str(server.home))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as somebody else")
def test_root_is_told_when_the_unprivileged_user_may_not_enter_the_folder(short_folder: Path) -> None:
    closed = short_folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(Refused, match="may not enter") as refused:
        EmbeddedServer(closed / "h", durable=False).start()
    assert (refused.value.code, refused.value.exit_code) == ("database_unavailable", 4)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_fsync_is_on_unless_a_test_turns_it_off(short_folder: Path, server: EmbeddedServer) -> None:
    assert value(server.start(), "SHOW fsync") == "off"
    server.stop()
    assert value(EmbeddedServer(server.home).start(), "SHOW fsync") == "on"
    server.stop()


def test_a_killed_server_is_recovered_with_what_was_committed(server: EmbeddedServer) -> None:
    url = server.start()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (41), (1)")
    killed = kill(server)
    assert not server.status().running
    assert server.start() == url
    assert running_pid(server) != killed
    assert value(url, "SELECT sum(n) FROM kept") == 42


def test_an_immediate_stop_is_recovered_too(server: EmbeddedServer) -> None:
    url = server.start()
    server.kill_immediate()
    assert not server.status().running
    assert value(server.start(), "SELECT 1") == 1
    assert url == server.start()


def test_a_statement_that_outlives_the_killed_server_does_not_keep_it_down(server: EmbeddedServer) -> None:
    """A busy backend does not notice that its server died, and holds the shared memory the next one needs."""
    url = server.start()
    with closing(psycopg.connect(url)) as connection:
        busy = connection.info.backend_pid
        connection.pgconn.send_query(b"SELECT sum(sqrt(n)) FROM generate_series(1, 100000000000) AS n")
        wait_until(lambda: value(url, f"SELECT state FROM pg_stat_activity WHERE pid = {busy}") == "active")
        kill(server)
        assert value(server.start(), "SELECT 1") == 1
        wait_until(lambda: ended(busy))
        assert ended(busy)


def test_a_process_id_that_another_program_was_given_does_not_keep_it_down(server: EmbeddedServer) -> None:
    server.start()
    server.kill_immediate()
    innocent = subprocess.Popen(["sleep", "600"], user=server.data.stat().st_uid if os.geteuid() == 0 else None)
    try:
        (server.data / "postmaster.pid").write_text(f"{innocent.pid}\n{server.data}\n0\n5432\n{server.home}\n\n\n")
        assert not server.status().running
        assert value(server.start(), "SELECT 1") == 1
        assert running_pid(server) != innocent.pid
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


@pytest.mark.sample(2)
@pytest.mark.parametrize("content", ["", "0\n", "-1\n", "999999999\n", "nonsense\n"])
def test_a_torn_process_id_file_does_not_keep_it_down(server: EmbeddedServer, content: str) -> None:
    server.start()
    server.kill_immediate()
    pid_file = server.data / "postmaster.pid"
    pid_file.write_text(content)
    assert value(server.start(), "SELECT 1") == 1


@pytest.mark.turn(2)
def test_concurrent_starters_get_one_server(short_folder: Path) -> None:
    folder = short_folder / "many"
    program = (
        "import pathlib, sys; from arrears.store.server import EmbeddedServer;"
        "print(EmbeddedServer(pathlib.Path(sys.argv[1]), durable=False).start())"
    )
    command = [sys.executable, "-c", program, str(folder)]
    with ThreadPoolExecutor(4) as pool:
        ran = list(pool.map(lambda _: subprocess.run(command, capture_output=True, text=True), range(4)))
    server = EmbeddedServer(folder, durable=False)
    try:
        assert [one.stderr for one in ran] == [""] * 4
        assert {one.stdout.strip() for one in ran} == {server.start()}
        assert (server.home / "run" / "server.log").read_text().count("ready to accept connections") == 1
    finally:
        server.stop()


def test_stop_and_start_again_keep_the_password_and_stopping_twice_is_nothing(server: EmbeddedServer) -> None:
    url = server.start()
    server.stop()
    server.stop()
    assert not server.status().running
    assert server.start() == url


def test_the_status_shows_no_password(server: EmbeddedServer) -> None:
    password = conninfo_to_dict(server.start())["password"]
    status = server.status()
    assert status.running
    assert status.pid is not None
    assert status.version.startswith("18.")
    assert str(password) not in str(status)


def test_a_server_that_cannot_start_is_refused_with_the_last_complaint_of_its_log(server: EmbeddedServer) -> None:
    server.start()
    server.stop()
    local = server.home / "local.conf"
    local.write_text("shared_buffers = 'a lot'\n")
    try:
        with pytest.raises(Refused, match=r"FATAL:.*configuration file") as refused:
            server.start()
        assert refused.value.code == "database_unavailable"
        assert refused.value.exit_code == 4
        assert "\n" not in refused.value.message
    finally:
        local.unlink()
    assert value(server.start(), "SELECT 1") == 1


@pytest.mark.parametrize("name", ["x" * 100, "it's", 'a"b', "a,b"])
def test_a_folder_that_cannot_hold_a_socket_is_refused_before_anything_is_made(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match="set ARREARS_HOME"):
        EmbeddedServer(tmp_path / name).start()
    assert not (tmp_path / name).exists()


def test_no_value_of_a_row_comes_into_its_log(server: EmbeddedServer) -> None:
    canary = "canary@example.org"
    with closing(psycopg.connect(server.start(), autocommit=True)) as db:
        assert values_in_log(db) == {}
        db.execute("CREATE TEMPORARY TABLE once (address text UNIQUE, number integer)")
        db.execute("INSERT INTO once VALUES (%s, 1)", [canary])
        for statement, values in [
            ("INSERT INTO once VALUES (%s, 2)", [canary]),
            (f"INSERT INTO once VALUES ('{canary}', 3)", None),
            ("SELECT %s::text::integer", [canary]),
            (f"SELEC '{canary}'", None),
        ]:
            with pytest.raises(psycopg.Error, match=r"canary|SELEC"):
                db.execute(statement.encode(), values)
    assert canary not in (server.home / "run" / "server.log").read_text()


def test_what_would_bring_values_into_the_log_of_another_server_is_said_with_the_way_out(
    server: EmbeddedServer,
) -> None:
    server.start()
    server.stop()
    settings = "log_min_error_statement, log_parameter_max_length, log_min_duration_statement"
    alone(server, f"GRANT SET ON PARAMETER {settings} TO arrears;")
    with closing(psycopg.connect(server.start(), autocommit=True)) as db:
        db.execute("SET log_min_error_statement = error")
        db.execute("SET log_parameter_max_length = -1")
        assert values_in_log(db) == {"log_min_error_statement": "error"}
        db.execute("SET log_min_duration_statement = 500")
        assert list(values_in_log(db)) == [
            "log_min_duration_statement",
            "log_parameter_max_length",
            "log_min_error_statement",
        ]
        said = said_of_log(values_in_log(db))
        assert "ALTER SYSTEM SET log_min_error_statement = panic" in said
    assert said_of_log({}) == ""
