"""`arrears promise`: agreed, listed and ended on a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import psycopg
import pytest
from tests.cli.commands import arrears as command
from tests.cli.test_answers import wrong

from arrears.cli.answers import ANSWERS, JsonAnswer
from arrears.core.account import Mode
from arrears.core.policy import default_policy
from arrears.engine import commands, system
from arrears.engine.run import run
from arrears.ports import NewAccount
from arrears.store.postgres.store import PostgresStore

Arrears = Callable[..., CompletedProcess[str]]
NAME = "promise_commands"
WHO = ("--by", "sam", "--why", "agreed by telephone")
TODAY = datetime.now(UTC).date()


def on(days: int) -> str:
    return (TODAY + timedelta(days=days)).isoformat()


@pytest.fixture(scope="module")
def arrears(database_url: str, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arrears]:
    """A database with two customers who are a few days late with two invoices each."""
    folder: Path = tmp_path_factory.mktemp("promise")
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        db.execute(f"CREATE DATABASE {NAME} TEMPLATE {migrated}")
    url = psycopg.conninfo.make_conninfo(database_url, dbname=NAME)
    store = PostgresStore(url, clock_is_real=False)
    now = datetime.now(UTC)
    start = now - timedelta(days=5)
    system.adopt_policy(store, default_policy(), start, "staff:1")
    new = [NewAccount(n, n, "NL", "UTC", "nl", Mode.CARD, "default", f"{n}@example.org") for n in ("anna", "bert")]
    commands.open_accounts(store, [(one, ("cloud",)) for one in new], start, "api:1")
    due = [
        commands.Invoice(account, f"{letter}-{n}", "EUR", 6_000, start.date(), start.date(), (1,))
        for account, letter in ((1, "I"), (2, "B"))
        for n in (1, 2)
    ]
    commands.issue_invoices(store, due, start, "api:1")
    run(store, now)
    store.close()
    environment = {"ARREARS_DATABASE_URL": url, "ARREARS_HOME": str(folder), "ARREARS_MAIL_FOLDER": str(folder)}
    yield lambda *arguments: command(*arguments, **environment)
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")


def answered(name: str, done: CompletedProcess[str]) -> object:
    """What a command said, as its table has it."""
    assert (done.returncode, done.stderr) == (0, "")
    row, said = ANSWERS[name], json.loads(done.stdout)
    assert isinstance(row, JsonAnswer)
    assert [*wrong(said, row.shape)] == []
    return said


@pytest.mark.turn(2)
def test_a_promise_is_made_listed_and_ended(arrears: Arrears) -> None:
    made = answered("promise add", arrears("promise", "add", "anna", on(10), *WHO, "--json"))
    assert made == {
        "promise": "promise_1_1",
        "account": "acc_1",
        "invoices": ["I-1", "I-2"],
        "currency": "EUR",
        "parts": [{"on": on(10), "amount_minor": 12_000, "kept": False}],
        "next_on": on(10),
        "next_minor": 12_000,
        "collects": False,
    }
    assert answered("promise list", arrears("promise", "list", "--json")) == [made]
    assert f"promise_1_1  {on(10)}  I-1, I-2  €120.00 by {on(10)}" in arrears("promise", "list", "anna").stdout
    assert "promise 1 is broken, unless its part is paid" in arrears("explain", "anna").stdout
    assert "promised" in arrears("timeline", "anna").stdout
    assert arrears("promise", "end", "promise_1_1", *WHO).returncode == 0
    assert arrears("promise", "list").stdout == "nothing is promised\n"
    parts = (f"{on(10)}=20.00", f"{on(20)}=40.00")
    two = arrears("promise", "add", "anna", *parts, "--invoice", "I-2", *WHO)
    assert two.stdout.startswith(f"promise_1_2: I-2, €20.00 by {on(10)}, €40.00 by {on(20)}\n")
    assert '"breaches": []' in arrears("check", "--json").stdout


WRONG = (
    (("add", "bert", "tomorrow"), "bad_date"),
    (("add", "bert", on(10), on(20)), "bad_amount"),
    (("add", "bert", f"{on(10)}=1.234"), "bad_amount"),
    (("add", "bert", on(10), "--invoice", "B-9"), "unknown_invoice"),
    (("add", "bert", on(10), "--invoice", "B-1", "--collect"), "no_method"),
    (("end", "promise_9_9"), "unknown_promise"),
)


@pytest.mark.turn(2)
def test_what_cannot_be_promised_is_one_line_with_its_code(arrears: Arrears) -> None:
    for arguments, code in WRONG:
        done = arrears("promise", *arguments, *WHO)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"[{code}]" in done.stderr
        assert len(done.stderr.splitlines()) == 1
