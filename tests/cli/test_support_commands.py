"""Staff at work on support requests, on a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import psycopg
import pytest
from tests.cli.commands import arrears as command
from tests.stories.story import Hands, Mail

from arrears.core.account import Action, Mode
from arrears.core.people.support import About, Via
from arrears.core.policy import default_policy
from arrears.engine import commands, system
from arrears.engine.people import support, visitors
from arrears.engine.perform import perform
from arrears.engine.run import run
from arrears.ports import Message, NewAccount
from arrears.store.postgres.store import PostgresStore

Arrears = Callable[..., CompletedProcess[str]]


class Staff:
    """`arrears` on a database with one account in retention, and its store."""

    def __init__(self, store: PostgresStore, arrears: Arrears) -> None:
        self.store, self.arrears = store, arrears
        self.mail = Mail()

    @property
    def now(self) -> datetime:
        """Commands have their own processes, on the real clock."""
        return datetime.now(UTC)

    def ask(self, about: About = About.CANNOT_PAY) -> int:
        asked = support.open_request(self.store, 1, Via.ADMINISTRATOR, about, "Please help", self.now, "person:1")
        return asked.number

    def visitor(self, known_by: str) -> int:
        who = visitors.Visitor("Piet", f"p{self.count()}@mail.example", "Nobody and Sons", known_by, "nl")
        number = visitors.ask(self.store, who, About.ADMINISTRATOR_GONE, "She left", self.now)
        self.attend()
        visitors.confirm(self.store, self.letters()[-1].text.rpartition("/")[2].strip(), self.now)
        self.attend()
        return number

    def attend(self) -> None:
        from arrears.engine.message_context import PLAIN_CONTEXT

        visitors.attend(self.store, self.mail, PLAIN_CONTEXT, self.now)

    def letters(self) -> list[Message]:
        return self.mail.taken

    def count(self) -> int:
        with psycopg.connect(self.arrears.url) as db:  # type: ignore[attr-defined]
            return int(db.execute("SELECT count(*) FROM support_request").fetchone()[0])  # type: ignore[index]

    def deletion(self) -> date:
        on = self.store.snapshots([1])[1].subscription(1).promise(Action.DELETE).promised_on
        assert on is not None
        return on


@pytest.fixture(scope="module")
def context(database_url: str, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staff]:
    folder: Path = tmp_path_factory.mktemp("support")
    name = "support_commands"
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        db.execute(f"CREATE DATABASE {name} TEMPLATE {migrated}")
    url = psycopg.conninfo.make_conninfo(database_url, dbname=name)
    environment = {"ARREARS_DATABASE_URL": url, "ARREARS_HOME": str(folder), "ARREARS_MAIL_FOLDER": str(folder)}

    def arrears(*arguments: str) -> CompletedProcess[str]:
        return command(*arguments, **environment)

    arrears.url = url  # type: ignore[attr-defined]
    assert arrears("support", "list").returncode == 0
    store = PostgresStore(url, clock_is_real=False)
    now = datetime.now(UTC)
    start = now - timedelta(days=60)
    system.adopt_policy(store, default_policy(), start, "staff:1")
    new = NewAccount("anna", "Bakkerij", "NL", "UTC", "nl", Mode.CARD, "default", "anna@example.org")
    commands.open_accounts(store, [(new, ("cloud",))], start, "api:1")
    day = start.date()
    commands.issue_invoices(store, [commands.Invoice(1, "I-1", "EUR", 12_000, day, day, (1,))], start, "api:1")
    mail, hands, at = Mail(), Hands(), start
    while at < now:
        run(store, at)
        while perform(store, mail, hands, at):
            pass
        due = store.next_due()
        at = min(max(due or now, at + timedelta(hours=1)), at + timedelta(hours=20))
    run(store, now)
    yield Staff(store, arrears)
    store.close()
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.mark.turn(2)
def test_staff_list_show_answer_hold_and_close(context: Staff) -> None:
    number = context.ask()
    listed = context.arrears("support", "list", "--open")
    assert f"{number}  " in listed.stdout
    assert "acc_1" in listed.stdout
    assert "cannot_pay" in listed.stdout
    shown = context.arrears("support", "show", str(number))
    assert "Please help" in shown.stdout
    assert "holds delete to " in shown.stdout
    done = context.arrears("support", "answer", str(number), "Pay in two parts.", "--by", "sam")
    assert (done.returncode, done.stdout.strip()) == (0, f"request {number} is answered")
    still_open = context.arrears("support", "list", "--open").stdout
    assert str(number) not in [line.split()[0] for line in still_open.splitlines()]
    before = context.deletion()
    why = ("--why", "a transfer is on its way", "--by", "sam")
    held = context.arrears("support", "hold", str(number), "--stops", "disable,delete", "--days", "30", *why)
    assert held.stdout.startswith("held to ")
    assert context.deletion() == before + timedelta(days=16)
    closed = context.arrears("support", "close", str(number), "--why", "agreed by phone", "--by", "sam")
    assert closed.stdout.strip() == f"request {number} is closed"
    assert context.deletion() == before + timedelta(days=16), "closing takes nothing back"
    found = json.loads(context.arrears("support", "show", str(number), "--json").stdout)
    assert (found["state"], found["account"]) == ("closed", "acc_1")
    assert [one["by"] for one in found["said"]] == ["customer", "staff:sam"]
    assert [h["stops"] for h in found["holds"]] == [["delete"], ["restrict", "disable"], ["disable", "delete"]]
    timeline = context.arrears("timeline", "anna").stdout
    for words in ("was opened; placed hold", "was answered  [staff:sam]", "[staff:sam: agreed by phone]"):
        assert words in timeline
    checked = context.arrears("check")
    assert checked.returncode == 0, checked.stdout


def test_the_request_of_a_stranger_is_given_to_an_account_by_staff(context: Staff) -> None:
    number = context.visitor("no such invoice")
    listed = json.loads(context.arrears("support", "list", "--open", "--json").stdout)
    [one] = [one for one in listed if one["number"] == number]
    assert (one["account"], one["name"], one["known_by"]) == (None, "Piet", "no such invoice")
    refused = context.arrears("support", "hold", str(number), "--stops", "delete", "--days", "3", "--why", "x")
    assert (refused.returncode, "[no_account]" in refused.stderr) == (2, True)
    done = context.arrears("support", "assign", str(number), "anna", "--why", "known by phone")
    assert done.stdout.strip() == f"request {number} is about acc_1"
    again = context.arrears("support", "assign", str(number), "acc_1", "--why", "twice")
    assert "[has_account]" in again.stderr


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("show", "999999"), "unknown_request"),
        (("answer", "1", " "), "empty_text"),
        (("answer", "1", "x" * 4001), "long_text"),
        (("hold", "1", "--stops", "everything", "--days", "3", "--why", "x"), "bad_hold"),
        (("hold", "1", "--stops", "delete", "--days", "0", "--why", "x"), "bad_date"),
        (("hold", "1", "--stops", "delete", "--days", "3", "--why", " "), "no_reason"),
        (("close", "1", "--why", ""), "no_reason"),
        (("close", "1", "--why", "again"), "already_closed"),
        (("assign", "1", "nobody", "--why", "x"), "unknown_account"),
    ],
)
def test_a_mistake_is_one_line_and_changes_nothing(context: Staff, arguments: tuple[str, ...], code: str) -> None:
    if context.store.support_request(1) is None:
        context.ask(About.OTHER)
    known = support.known(context.store, 1)
    if known.state != "closed":
        support.close(context.store, 1, "done", context.now, "staff:1")
    before = context.store.digest(), context.count()
    done = context.arrears("support", *arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"[{code}]" in done.stderr
    assert (context.store.digest(), context.count()) == before


@pytest.mark.parametrize("arguments", [("close", "1"), ("hold", "1", "--days", "3"), ("answer", "1"), ("show", "x")])
def test_what_is_missing_is_asked_for(context: Staff, arguments: tuple[str, ...]) -> None:
    assert context.arrears("support", *arguments).returncode == 2
