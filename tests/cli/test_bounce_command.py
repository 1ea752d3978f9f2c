"""Returned mail on its way in: what carries our signature counts, the rest is kept, and a person can vouch for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from tests.adapters.test_bounces import report
from tests.cli.commands import arrears
from tests.stories.story import Hands, Mail

from arrears.adapters.channels.signing import signed
from arrears.core.account import Mode
from arrears.core.policy import default_policy
from arrears.engine import commands, system
from arrears.engine.perform import perform
from arrears.engine.run import run
from arrears.ports import MailState, NewAccount
from arrears.store.postgres import queries
from arrears.store.postgres.store import PostgresStore

SECRET = "the secret key of one installation, long enough"
ANNA = "anna@example.org"


class Reported:
    """A database with one account that was reminded, and the mail server's pipe into it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder, self.said = url, folder, ""
        self.environment = {"ARREARS_DATABASE_URL": url, "ARREARS_HOME": str(folder), "ARREARS_SECRET_KEY": SECRET}
        self.store = PostgresStore(url, clock_is_real=False)
        start = datetime.now(UTC) - timedelta(days=2)
        system.adopt_policy(self.store, default_policy(), start, "staff:1")
        new = NewAccount("anna", "Bakkerij", "NL", "UTC", "nl", Mode.INVOICE, "default", ANNA)
        commands.open_accounts(self.store, [(new, ("cloud",))], start, "api:1")
        day = start.date() - timedelta(days=1)
        commands.issue_invoices(self.store, [commands.Invoice(1, "I", "EUR", 12_000, day, day, (1,))], start, "api:1")
        for hour in range(48):
            run(self.store, start + timedelta(hours=hour))
            perform(self.store, Mail(), Hands(), start + timedelta(hours=hour))
        self.message_id = self.store.mails_of(1)[0].id

    def pipe(self, to: str, *options: str) -> dict[str, int]:
        """What `arrears bounce` says of a report that came back to this address."""
        path = self.folder / "returned.eml"
        recipient = f"Final-Recipient: rfc822; {ANNA}"
        returned = f"Message-ID: <{self.message_id}@arrears.example>"
        said = f"smtp; 550 5.1.1 <{ANNA}>: no such user"
        path.write_bytes(report(to=to, returned=returned, recipient=recipient, said=said))
        done = arrears("bounce", str(path), "--json", *options, **self.environment)
        assert done.returncode == 0, done.stderr
        self.said = done.stderr
        counts: dict[str, int] = json.loads(done.stdout)
        return {name: count for name, count in counts.items() if count}

    @property
    def state(self) -> MailState:
        return self.store.mails_of(1)[0].state

    @property
    def dead(self) -> frozenset[str]:
        return self.store.contacts([1])[1].dead


@pytest.fixture
def reported(database_url: str, migrated: str, tmp_path: Path) -> Iterator[Reported]:
    name = "bounce_command"
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        db.execute(f"CREATE DATABASE {name} TEMPLATE {migrated}")
    made = Reported(psycopg.conninfo.make_conninfo(database_url, dbname=name), tmp_path)
    yield made
    made.store.close()
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.mark.turn(2)
def test_a_forged_report_is_kept_and_changes_nothing_and_a_signed_one_buries_the_address(reported: Reported) -> None:
    name = reported.message_id
    for forged in ("bounces@x.example", f"bounces+{name}@x.example", f"bounces+{signed(name, b'guess')}@x.example"):
        assert reported.pipe(forged) == {"not_proven": 1}
    assert (reported.state, reported.dead) == (MailState.ACCEPTED, frozenset())
    kept = reported.store.reports_of("")
    assert [(one.address, one.how) for one in kept] == [(ANNA, "hard")] * 3
    assert "Diagnostic-Code" in kept[0].text
    ours = f"bounces+{signed(name, SECRET.encode())}@x.example"
    assert reported.pipe(ours) == {"recorded": 1}
    assert reported.pipe(ours) == {"not_news": 1}
    assert (reported.state, reported.dead) == (MailState.BOUNCED_HARD, frozenset({ANNA}))
    assert len(reported.store.reports_of(name)) == 2


@pytest.mark.turn(2)
def test_a_host_with_another_secret_key_says_so_once_until_a_person_closes_it(reported: Reported) -> None:
    """Else it would keep every report unread, and nobody would know."""

    def open_tasks() -> list[str]:
        return [task.what for task in queries.open_tasks(reported.store) if task.kind == "mail_key"]

    name = reported.message_id
    reported.pipe(f"bounces+{signed('a77-1-1', b'another key')}@x.example")
    reported.pipe(f"bounces+{name}@x.example")
    assert open_tasks() == [], "a message that was never sent, and a report that claims nothing"
    for _ in range(2):
        reported.pipe(f"bounces+{signed(name, b'another key')}@x.example")
        assert "is signed with another ARREARS_SECRET_KEY" in reported.said
    [task] = open_tasks()
    assert "give the host that runs `arrears bounce` the ARREARS_SECRET_KEY" in task
    reported.pipe(f"bounces+{signed(name, SECRET.encode())}@x.example")
    assert (open_tasks(), reported.said) == ([task], ""), "this one was read; those before are still kept"


def test_an_earlier_key_still_proves_the_letters_that_left_with_it(reported: Reported) -> None:
    old = f"bounces+{signed(reported.message_id, b'the key that was there before this one')}@x.example"
    assert reported.pipe(old) == {"not_proven": 1}
    reported.environment["ARREARS_SECRET_KEY_FALLBACKS"] = (
        "one of years ago that nobody uses any more, the key that was there before this one"
    )
    assert reported.pipe(old) == {"recorded": 1}
    assert reported.state is MailState.BOUNCED_HARD


def test_a_person_can_vouch_for_a_report_without_our_signature(reported: Reported) -> None:
    assert reported.pipe(f"bounces+{reported.message_id}@x.example", "--trusted") == {"recorded": 1}
    assert reported.state is MailState.BOUNCED_HARD


@pytest.mark.parametrize("how", [("read",), ()])
def test_a_mail_that_is_not_there_is_one_line_before_anything_is_recorded(how: tuple[str, ...], tmp_path: Path) -> None:
    there = tmp_path / "a.eml"
    there.write_bytes(b"Subject: hello\n\nhello\n")
    for missing in (tmp_path / "b.eml", tmp_path):
        done = arrears("bounce", *how, str(there), str(missing), ARREARS_HOME=str(tmp_path / "home"))
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
        assert "[missing_file]" in done.stderr
    assert not (tmp_path / "home").exists()
