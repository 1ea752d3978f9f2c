"""The commands on a live installation, run as a person runs them: a book in, a run, and what they say about it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from tests.cli import commands

from arrears.cli.import_book import BYTES_FOR_ONE_PROCESS

HEADER = "customer,number,issued,due,amount,paid,mail\n"
MAP = """
[file]
date_format = "%Y-%m-%d"

[account]
ref = { column = "customer" }
country = { value = "NL" }
zone = { value = "Europe/Amsterdam" }
locale = { value = "nl" }
email = { column = "mail" }

[invoice]
number = { column = "number" }
service = { value = "cloud" }
issued_on = { column = "issued" }
due_on = { column = "due" }
amount = { column = "amount" }
currency = { value = "EUR" }

[payment]
paid_on = { column = "paid" }

[mode]
value = "card"
"""
ROWS = "anna,I-1,2026-01-01,2026-01-15,120.00,2026-01-10\nbert,I-2,2026-01-01,2026-01-15,49.00,\n"


def with_mail(rows: str) -> str:
    """Every customer can be reached, so that nothing waits for a person at whatever hour this runs."""
    return "".join(f"{row},{row.partition(',')[0]}@example.org\n" for row in rows.splitlines())


NEW = ("accounts", "invoices", "payments", "known_invoices", "known_payments")
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def live(database_url: str, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """`arrears ...` on a database of its own, with a mail folder of its own."""
    folder = tmp_path_factory.mktemp("live")
    environment = {
        "ARREARS_DATABASE_URL": database_url,
        "ARREARS_DATABASE": "live_commands",
        "ARREARS_HOME": str(folder),
        "ARREARS_MAIL_FOLDER": str(folder / "mail"),
    }
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute("DROP DATABASE IF EXISTS live_commands WITH (FORCE)")
        db.execute(f"CREATE DATABASE live_commands TEMPLATE {migrated}")
    (folder / "map.toml").write_text(MAP)
    (folder / "book.csv").write_text(HEADER + with_mail(ROWS))

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return commands.arrears(*arguments, **(environment | more))

    run.folder = folder  # type: ignore[attr-defined]
    run.environment = environment  # type: ignore[attr-defined]
    done = run("import", str(folder / "book.csv"), "--map", str(folder / "map.toml"), "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert [said[what] for what in NEW] == [2, 2, 1, 0, 0]
    assert said["after"] == {
        "EUR": {"issued": 16900, "given_up": 0, "open": 4900, "overdue": 4900, "credit": 0, "paid": 12000}
    }
    yield run
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute("DROP DATABASE IF EXISTS live_commands WITH (FORCE)")


def write(run: Run, name: str, rows: str) -> str:
    path: Path = run.folder / name  # type: ignore[attr-defined]
    path.write_text(HEADER + with_mail(rows))
    return str(path)


def the_map(run: Run) -> str:
    return str(run.folder / "map.toml")  # type: ignore[attr-defined]


def test_the_same_book_again_changes_nothing(live: Run) -> None:
    done = live("import", write(live, "again.csv", ROWS), "--map", the_map(live), "--json")
    said = json.loads(done.stdout)
    assert [said[what] for what in NEW] == [0, 0, 0, 2, 1]
    assert (said["changes"], said["before"]) == ([], said["after"])


def test_an_invoice_that_asks_for_more_now_is_refused_with_its_row_and_nothing_is_written(live: Run) -> None:
    rows = "carl,I-9,2026-01-01,2026-01-15,1.00,\nbert,I-2,2026-01-01,2026-01-15,50.00,\n"
    done = live("import", write(live, "other.csv", rows), "--map", the_map(live))
    assert done.returncode == 2
    assert done.stderr == (
        "arrears: row 3, column amount: invoice I-2 says €50.00, and it asked €49.00 before;"
        " ask for the other €1.00 with a new invoice [conflicting_book]\n"
    )
    assert live("status", "carl").returncode == 2


def test_money_that_cannot_have_arrived_yet_is_refused_with_its_row_and_nothing_is_written(live: Run) -> None:
    tomorrow = datetime.now(UTC).date() + timedelta(days=2)
    rows = f"carl,I-9,2026-01-01,2026-01-15,1.00,\ndora,I-8,2026-01-01,2026-01-15,1.00,{tomorrow}\n"
    done = live("import", write(live, "future.csv", rows), "--map", the_map(live))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"row 3, column paid: paid on {tomorrow}, and today is " in done.stderr
    assert live("status", "carl").returncode == 2


def test_an_invoice_for_another_service_is_another_invoice(live: Run) -> None:
    other: Path = live.folder / "mail.toml"  # type: ignore[attr-defined]
    other.write_text(MAP.replace('"cloud"', '"mail"'))
    done = live("import", write(live, "mail.csv", ROWS), "--map", str(other))
    assert done.returncode == 2
    other_content = (
        "says mail, and it is here with cloud; leave the same debt as it was; only another one gets another number\n"
    )
    assert f'row 2, the map\'s "mail": invoice I-1 {other_content}' in done.stderr
    assert f'row 3, the map\'s "mail": invoice I-2 {other_content}' in done.stderr


def test_an_account_with_a_wrong_row_stays_as_it_was_and_the_others_are_taken(live: Run) -> None:
    rows = "anna,I-20,2026-01-01,2026-01-15,1.00,2026-01-10\nbert,I-2,2026-01-01,2026-01-15,50.00,\n"
    done = live("import", write(live, "some.csv", rows), "--map", the_map(live), "--per-account")
    assert done.returncode == 3
    assert "bert: row 3, column amount: invoice I-2 says" in done.stderr
    assert "0 accounts, 1 invoices and 1 payments are new" in done.stdout
    assert "change_not_recorded  rows of the newer book are not taken" in live("tasks").stdout
    right = "bert,I-2,2026-01-01,2026-01-15,49.00,\n"
    assert live("import", write(live, "right.csv", right), "--map", the_map(live)).returncode == 0
    assert "change_not_recorded" not in live("tasks").stdout, "it is over when a book's rows are taken"


def test_an_export_that_is_refused_as_a_whole_is_a_task_and_a_doubt_until_one_is_taken(live: Run) -> None:
    good = "anna,I-77,2026-01-01,2026-01-15,1.00,2026-01-10\n"
    a_map = live.folder / "nightly.toml"  # type: ignore[attr-defined]
    a_map.write_text(MAP)

    def refused() -> list[str]:
        found: list[str] = json.loads(live("status", "--json").stdout)["books_refused"]
        return [one for one in found if one == str(a_map.resolve())]

    assert live("import", write(live, "good.csv", good), "--map", str(a_map)).returncode == 0
    for name, text in (("cell.csv", good.replace("1.00", "abc")), ("owner.csv", good.replace("anna", "", 1))):
        bad = write(live, name, text)
        assert live("import", bad, "--map", str(a_map), "--dry-run").returncode == 2
        assert refused() == []
        assert live("import", bad, "--map", str(a_map)).returncode == 2
        assert f"{bad} was not taken: row 2, column" in live("tasks", "--kind", "book_refused").stdout
        assert len(refused()) == 1
        assert "disabling and deleting wait for news from the billing system" in live("status").stdout
        assert live("import", write(live, "good.csv", good), "--map", str(a_map)).returncode == 0
        assert refused() == []
        assert bad not in live("tasks", "--kind", "book_refused").stdout


def test_a_dry_run_shows_the_sums_before_and_after_and_writes_nothing(live: Run) -> None:
    rows = "fred,I-30,2026-01-01,2026-01-15,1000.00,\n"
    done = live("import", write(live, "dry.csv", rows), "--map", the_map(live), "--dry-run")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("nothing is written")
    sums = [line.split()[:2] for line in done.stdout.splitlines() if line.startswith("EUR")]
    assert sums == [["EUR", "before"], ["EUR", "after"]]
    assert live("status", "fred").returncode == 2


@pytest.mark.parametrize("command", ["import", "replay"])
def test_each_bad_row_is_a_line_the_first_fifty_and_then_a_count(live: Run, command: str) -> None:
    rows = "".join(f"anna,N-{n},2026-01-01,2026-01-15,1e3,\n" for n in range(60))
    done = live(command, write(live, "bad.csv", rows), "--map", the_map(live))
    lines = done.stderr.splitlines()
    assert (done.returncode, len(lines), done.stdout) == (2, 52, "")
    assert lines[0].startswith("row 2, column amount: ")
    assert lines[49].startswith("row 51, column amount: ")
    assert lines[50] == "and 10 more"
    assert lines[51] == f"arrears: nothing was {command}ed [bad_book]"


def test_a_replay_names_every_mistake_of_a_policy(live: Run) -> None:
    policy: Path = live.folder / "bad.toml"  # type: ignore[attr-defined]
    policy.write_text('name = "x"\nnonsense = 1\n[delete]\nretention_days = 0\n')
    done = live("replay", write(live, "book.csv", ROWS), "--map", the_map(live), "--policy", str(policy))
    assert done.returncode == 2
    assert "nonsense" in done.stderr
    assert "retention_days" in done.stderr
    assert done.stderr.endswith("arrears: nothing was replayed [bad_policy]\n")


def test_a_run_makes_the_open_invoice_past_due_and_the_full_ladder_starts_now(live: Run) -> None:
    done = live("run", "--json")
    assert done.returncode == 0, done.stderr
    explained = json.loads(live("explain", "bert", "--json").stdout)
    [sub] = explained["subscriptions"]
    assert sub["state"] == "past_due"
    assert sub["reasons"] == ["past_due"]
    since = date.fromisoformat(entered(live, "bert"))
    assert date.fromisoformat(sub["stops_on"]) == since + timedelta(days=30)
    assert since >= date(2026, 1, 16)
    assert explained["owed"][0]["invoice"] == "I-2"
    paid = json.loads(live("explain", "anna", "--json").stdout)
    assert (paid["owed"], paid["case"]) == ([], None)


def entered(run: Run, account: str) -> str:
    """The day on which the account's first debt was found past due."""
    facts = json.loads(run("timeline", account, "--json").stdout)
    return str(next(fact["entered_on"] for fact in facts if fact["kind"] == "became_past_due"))


def test_a_timeline_has_a_line_for_every_fact_and_names_who_did_it(live: Run) -> None:
    facts = json.loads(live("timeline", "anna", "--json").stdout)
    lines = live("timeline", "anna").stdout.splitlines()
    assert len(lines) == len(facts) > 3
    assert [fact["kind"] for fact in facts[:3]] == ["account_opened", "subscription_added", "invoice_issued"]
    assert lines[2].endswith("I-1: €120.00, due 15 January 2026  [import]")


def test_what_a_person_reads_names_the_sum_the_dates_and_the_causes(live: Run) -> None:
    live("run")
    text = live("explain", "bert").stdout
    assert "49.00" in text
    assert "unless everything is paid" in text
    assert "past due" in text
    assert "I-2" in live("timeline", "bert").stdout
    numbers = json.loads(live("status", "--json").stdout)
    assert numbers["open_cases"] == numbers["accounts"] - 1, "all but anna"
    assert f"{numbers['accounts']} accounts, {numbers['open_cases']} with an open case" in live("status").stdout
    kinds = {task["kind"] for task in json.loads(live("tasks", "--json").stdout)}
    assert kinds <= {"book_refused"}, "only exports that were refused wait for a person"


def test_messages_are_shown_as_an_account_would_get_them_now(live: Run) -> None:
    folder: Path = live.folder / "preview"  # type: ignore[attr-defined]
    done = live("notice", "preview", "--account", "bert", "--language", "nl", "--folder", str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    shown = (folder / "nl" / "reminder.txt").read_text("utf-8")
    assert "beheerder bent van bert" in shown


def test_a_task_that_is_not_there_cannot_be_closed_and_closing_wants_a_reason(live: Run) -> None:
    gone = live("tasks", "close", "999999", "--why", "done")
    assert (gone.returncode, "unknown_task" in gone.stderr) == (2, True), gone.stderr
    assert live("tasks", "close", "1").returncode == 2
    assert live("tasks", "close", "x", "--why", "done").returncode == 2


LETTER = ("--how", "letter", "--proof", "receipt 7", "--why", "told the date", "--by", "ann")
OF_CLOUD = ("--subscription", "cloud", "--action", "disable")


def test_somebody_is_told_otherwise_of_a_warning_that_waits_and_of_nothing_else(live: Run) -> None:
    nothing = live("told", "anna", "--on", "2020-01-01", *OF_CLOUD, *LETTER)
    assert (nothing.returncode, "[not_ahead]" in nothing.stderr) == (2, True), nothing.stderr
    for wrong in (("--on", "2999-01-01"), ("--on", "tomorrow"), ()):
        assert live("told", "anna", *wrong, *OF_CLOUD, *LETTER).returncode == 2
    assert live("told", "nobody", "--on", "2020-01-01", *OF_CLOUD, *LETTER).returncode == 2
    assert live("told", "anna", "--on", "2020-01-01", *OF_CLOUD, *LETTER, "--how", "pigeon").returncode == 2
    assert live("told", "anna", "--on", "2020-01-01", *LETTER).returncode == 2, "told of which service?"


def test_the_check_finds_every_promise_kept(live: Run) -> None:
    done = live("check", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["breaches"] == []


def test_the_clock_is_shown_and_confirmed(live: Run) -> None:
    live("run")
    assert json.loads(live("clock", "--json").stdout)["suspect"] is False
    assert "the clock is trusted" in live("clock", "confirm", "--why", "looked at my watch").stdout


@pytest.mark.sample(1, each="account")
@pytest.mark.parametrize(
    ("account", "code"),
    [
        ("nobody", "unknown_account"),
        ("acc_999", "unknown_account"),
        ("sub_1_1", "wrong_id_type"),
        ("", "unknown_account"),
    ],
)
@pytest.mark.parametrize("command", ["status", "explain", "timeline"])
def test_an_account_that_is_not_there_is_one_clear_line(live: Run, command: str, account: str, code: str) -> None:
    done = live(command, account)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"[{code}]" in done.stderr


@pytest.mark.turn(2)
def test_a_worker_ends_cleanly_when_it_is_told_to(live: Run) -> None:
    environment = os.environ | live.environment  # type: ignore[attr-defined]
    command = [sys.executable, "-m", "arrears", "worker", "--poll-seconds", "3600"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as worker:
        assert worker.stderr is not None
        assert "working" in worker.stderr.readline()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=60) == 0


def test_a_worker_can_work_off_what_is_due_and_end(live: Run) -> None:
    rows = "dora,I-7,2026-01-01,2026-01-15,7.00,\n"
    assert live("import", write(live, "dora.csv", rows), "--map", the_map(live)).returncode == 0
    done = live("worker", "--once")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(live("status", "dora", "--json").stdout)["subscriptions"][0]["state"] == "past_due"
    assert "it stops on " in live("status", "dora").stdout


def until(so: Callable[[], object]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + 60
    while not so():
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)


def serving_processes(server: int) -> list[int]:
    """The processes that `arrears serve` has begun, but for the one that only looks after names of semaphores."""
    listed = subprocess.run(["ps", "-ww", "-o", "pid=,args=", "--ppid", str(server)], capture_output=True, text=True)
    return [int(line.split()[0]) for line in listed.stdout.splitlines() if "resource_tracker" not in line]


@pytest.mark.turn(3)
def test_a_server_of_two_processes_replaces_one_that_dies_and_ends_cleanly_with_ctrl_c(live: Run) -> None:
    environment = os.environ | live.environment  # type: ignore[attr-defined]
    command = [sys.executable, "-m", "arrears", "serve", "--port", "0"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().split()[2]
            with urllib.request.urlopen(address) as answer:
                assert answer.status == 200
            before = serving_processes(server.pid)
            assert len(before) == 2
            os.kill(before[0], signal.SIGKILL)
            until(lambda: len(set(serving_processes(server.pid)) - set(before)) == 1)
            with urllib.request.urlopen(address) as answer:
                assert answer.status == 200
            server.send_signal(signal.SIGINT)
            assert server.wait(timeout=60) == 0
        finally:
            server.kill()  # Whatever went wrong, the end of the block waits for it.


@pytest.mark.long
def test_serving_processes_end_with_the_one_that_began_them_however_it_ends(live: Run) -> None:
    environment = os.environ | live.environment  # type: ignore[attr-defined]
    command = [sys.executable, "-m", "arrears", "serve", "--port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        assert server.stdout.readline()
        begun = serving_processes(server.pid)
        server.kill()
    until(lambda: not [one for one in begun if Path(f"/proc/{one}").exists()])


def test_a_port_that_is_taken_is_one_clear_line(live: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = live("serve", "--port", str(port))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr


def in_session(session: int) -> list[str]:
    """The processes of a session that are there."""
    listed = subprocess.run(["ps", "-o", "pid=", "--sid", str(session)], capture_output=True, text=True, check=False)
    return listed.stdout.split()


@pytest.mark.sample(1)
@pytest.mark.parametrize("several", [False, True])
def test_an_import_that_is_interrupted_is_rolled_back_and_leaves_no_process(
    live: Run, database_url: str, several: bool
) -> None:
    number = "9" * 180 if several else ""  # Several processes work on a file that is large.
    rows = "".join(f"many-{n},M-{n}-{number},2026-01-01,2026-01-15,1.00,\n" for n in range(20_000))
    assert (len(rows) > BYTES_FOR_ONE_PROCESS) is several
    command = [sys.executable, "-m", "arrears", "import", write(live, "many.csv", rows), "--map", the_map(live)]
    environment = os.environ | live.environment  # type: ignore[attr-defined]
    with (
        psycopg.connect(psycopg.conninfo.make_conninfo(database_url, dbname="live_commands")) as db,
        subprocess.Popen(
            command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
        ) as importing,
    ):
        number = "SELECT last_value FROM account_number"
        before = db.execute(number).fetchone()
        deadline = time.monotonic() + 30
        while db.execute(number).fetchone() == before and time.monotonic() < deadline and importing.poll() is None:
            db.commit()
            time.sleep(0.005)
        os.killpg(importing.pid, signal.SIGINT)
        assert importing.wait(timeout=60) == 130
        assert importing.stderr is not None
        assert importing.stderr.read().split() == ["arrears:", "interrupted"]
        deadline = time.monotonic() + 30
        while in_session(importing.pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert in_session(importing.pid) == []
        db.commit()
        assert db.execute("SELECT count(*) FROM account WHERE ref LIKE 'many-%'").fetchone() == (0,)


def test_a_database_that_cannot_be_reached_is_exit_4_and_one_line(live: Run) -> None:
    done = live("status", ARREARS_DATABASE_URL="postgresql://a:secret@127.0.0.1:1/x")
    assert (done.returncode, done.stderr.count("\n")) == (4, 1)
    assert "secret" not in done.stderr


def test_a_schema_of_another_version_is_exit_5(live: Run, database_url: str) -> None:
    url = psycopg.conninfo.make_conninfo(database_url, dbname="live_commands")
    with psycopg.connect(url) as db:
        db.execute("INSERT INTO schema_version (version) VALUES (999)")
    try:
        done = live("status")
        assert done.returncode == 5
        assert "schema version 999" in done.stderr
    finally:
        with psycopg.connect(url) as db:
            db.execute("DELETE FROM schema_version WHERE version = 999")


@pytest.mark.parametrize("command", ["replay", "import"])
def test_a_missing_book_is_one_clear_line(live: Run, command: str) -> None:
    done = live(command, "no-such-file.csv", "--map", the_map(live))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "no-such-file.csv" in done.stderr


def test_a_policy_is_put_in_force_once_and_shortens_a_promise_only_when_told_to(live: Run) -> None:
    def adopt(retention_days: int, *more: str) -> subprocess.CompletedProcess[str]:
        file: Path = live.folder / "mine.toml"  # type: ignore[attr-defined]
        file.write_text(f'name = "mine"\n[delete]\nwarning_days = [30, 50]\nretention_days = {retention_days}\n')
        return live("policy", "adopt", str(file), "--by", "jo", *more)

    assert " is in force; it is new\n0 accounts follow it; `arrears policy assign`" in adopt(90).stdout
    assert " is in force already\n" in adopt(90).stdout
    shorter = adopt(60)
    assert (shorter.returncode, shorter.stderr.count("\n")) == (3, 1)
    assert shorter.stderr.endswith(
        " so nothing was changed; add --yes to put it in force all the same [shortens_a_promise]\n"
    )
    assert "(shortens a promise)" in shorter.stdout
    answer = json.loads(adopt(60, "--yes", "--json").stdout)
    assert (answer["name"], answer["before"] is not None, answer["shortened"] > 0) == ("mine", True, True)
    assert "is in force; before: " in adopt(120).stdout, "more time needs no --yes"


def test_a_policy_with_mistakes_is_not_put_in_force(live: Run) -> None:
    file: Path = live.folder / "wrong.toml"  # type: ignore[attr-defined]
    file.write_text('name = "wrong"\n[delete]\nretention_days = 0\n[charm]\n')
    failed = live("policy", "adopt", str(file))
    assert failed.returncode == 2
    assert failed.stderr.splitlines()[-1] == "arrears: nothing was changed [bad_policy]"
    assert len(failed.stderr.splitlines()) > 2


@pytest.mark.parametrize(("name", "code"), [("ARREARS_BRAND", "bad_brand"), ("ARREARS_PORTAL_ORIGINS", "bad_origin")])
def test_serving_refuses_what_only_its_pages_would_stumble_over(live: Run, name: str, code: str) -> None:
    failed = live("serve", "--port", "0", **{name: "nowhere"})
    assert (failed.returncode, failed.stderr.count("\n")) == (2, 1)
    assert failed.stderr.startswith(f"arrears: {name}: ")
    assert failed.stderr.endswith(f" [{code}]\n")


@pytest.mark.turn(2)
def test_an_invoice_is_corrected_and_a_payment_taken_back_by_name_and_reason(live: Run) -> None:
    rows = "anna,I-40,2026-01-01,2026-01-15,10.00,2026-01-10\n"
    assert live("import", write(live, "anna.csv", rows), "--map", the_map(live)).returncode == 0
    by = ("--by", "Ann", "--why", "agreed by telephone")
    assert live("payment", "take-back", "I-40", *by).returncode == 0
    done = live("invoice", "credit", "I-40", "4.00", *by, "--note", "CN-40")
    assert (done.returncode, done.stdout.partition(";")[0]) == (0, "4.00 less is asked for invoice I-40")
    assert live("invoice", "correct", "I-40", "5.00", *by).returncode == 0
    assert live("invoice", "move-due", "I-40", "2026-01-20", *by).returncode == 0
    assert live("invoice", "write-off", "I-40", *by).returncode == 0
    assert live("invoice", "void", "I-40", *by).returncode == 0
    said = live("timeline", "anna").stdout
    assert "agreed by telephone" in said
    assert live("invoice", "void", "I-40", "--by", "Ann").returncode == 2


@pytest.mark.turn(2)
def test_a_customer_of_another_name_is_the_same_once_that_was_said_and_a_yen_has_no_decimals(live: Run) -> None:
    apart = MAP.replace("[invoice]", '[invoice]\nnumbers = "of_each_customer"').replace("EUR", "JPY")
    path: Path = live.folder / "apart.toml"  # type: ignore[attr-defined]
    path.write_text(apart)
    rows = "yuki,1,2026-01-01,2026-01-15,1000.00,\nyuki,2,2026-01-01,2026-01-15,500.00,2026-01-10\n"
    first = live("import", write(live, "yuki.csv", rows), "--map", str(path), "--json")
    assert json.loads(first.stdout)["after"]["JPY"]["open"] == 1000
    by = ("--by", "Ann", "--why", "a new name")
    assert live("payment", "take-back", "yuki/2", *by).stdout.startswith("\u00a5500 of payment yuki/2 is taken back;")
    newer = write(live, "yuko.csv", rows.replace("yuki", "yuko"))
    refused = live("import", newer, "--map", str(path))
    assert "say `arrears account rename-ref yuki yuko --by YOU --why WHY`" in refused.stderr
    assert live("account", "rename-ref", "yuki", "yuko", *by).stdout == "yuki is called yuko; import the book again\n"
    said = json.loads(live("import", newer, "--map", str(path), "--json").stdout)
    assert (said["accounts"], said["invoices"], said["after"]["JPY"]["open"]) == (0, 0, 1000)
    assert "CUSTOMER/NUMBER" in live("invoice", "credit", "1", "100", *by).stderr
    assert live("invoice", "credit", "yuki/1", "100.50", *by).returncode == 2, "a yen has no hundredths"
    assert live("invoice", "credit", "yuki/1", "100.00", *by).returncode == 0


def test_an_installation_says_who_it_is_and_a_copy_becomes_another(live: Run) -> None:
    before = json.loads(live("identity", "--json").stdout)
    assert before["identity"] in live("status").stdout
    assert live("identity", "new").returncode == 2, "what for?"
    refused = live("identity", "new", "--why", "a trial", ARREARS_MODE="live", ARREARS_STRIPE_KEY="sk_live_1")
    assert "live_installation" in refused.stderr
    assert "restart" in live("identity", "new", "--why", "a trial").stdout
    after = json.loads(live("identity", "--json").stdout)
    assert after["identity"] != before["identity"]
    assert after["copied_at"]
    assert json.loads(live("check", "--json").stdout)["breaches"] == []
