"""Nothing of a person is left after their erasure but numbers; the books, and the proof that they were told, stay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from tests.cli.commands import arrears as command
from tests.stories.story import Hands, Mail

from arrears.adapters.channels.folder import FolderChannel
from arrears.core.account import Mode
from arrears.core.errors import Refused
from arrears.core.people.support import About, Via
from arrears.core.policy import default_policy
from arrears.engine import commands, system
from arrears.engine.booking import Payment
from arrears.engine.people import access, erasing, profile, support, visitors
from arrears.engine.people.erasing import KeptFor
from arrears.engine.perform import perform
from arrears.engine.run import run
from arrears.engine.tokens import digest_of
from arrears.ports import TAKEN, Message, NewAccount
from arrears.ports.messages import KeptReport
from arrears.store.postgres.check import check_store
from arrears.store.postgres.privacy import markdown
from arrears.store.postgres.retention import TABLES
from arrears.store.postgres.store import PostgresStore

START: Final = datetime(2026, 1, 5, 8, tzinfo=UTC)
OLD, NEW, NAME, WORDS, NET = "eva@canary.example", "eva@canary2.example", "Eva Canary", "canary song", "192.0.2.77"
CANARIES: Final = ("canary", NET, digest_of("a session").hex())
KEPT: Final = KeptFor(timedelta(days=730), timedelta(days=730))
_copies: Final = count(1)


class Town:
    """Three accounts that owe, on a database of their own: Eva runs the first, reads the second and was a technical
    contact of the third."""

    def __init__(self, store: PostgresStore, url: str) -> None:
        self.store, self.url, self.now = store, url, START
        self.mail, self.hands = Mail(), Hands()
        self.person = 0

    def build(self) -> None:
        system.adopt_policy(self.store, default_policy(), START, "staff:1")
        for number in (1, 2, 3):
            new = NewAccount(
                f"c{number}", f"Bakery {number}", "NL", "UTC", "en", Mode.CARD, "default", f"b{number}@x.nl"
            )
            commands.open_accounts(self.store, [(new, ("cloud",))], START, "api:1")
        access.invite(self.store, 1, OLD, "administrator", NAME, START, "staff:1")
        self.store.renew_sign_in_link(1, digest_of("a"))
        self.person = access.accept(self.store, "a", NAME, "hash", START)
        access.invite(self.store, 2, OLD, "billing_reader", NAME, START, "staff:1")
        self.store.renew_sign_in_link(2, digest_of("b"))
        access.accept(self.store, "b", NAME, None, START)
        request = profile.change_address(self.store, 1, self.person, NEW, START, f"person:{self.person}")
        self.store.renew_address_link(request, digest_of("c"))
        profile.confirm_address(self.store, "c", START)
        profile.add_extra(self.store, 3, OLD, NAME, "en", now=START, author="staff:1")
        access.invite(
            self.store, 1, "neighbour@x.nl", "billing_reader", "Sam", START, f"person:{self.person}",
            by_person=self.person,
        )  # fmt: skip
        day = START.date()
        invoices = [commands.Invoice(n, f"I-{n}", "EUR", 1_000, day, day, (1,)) for n in (1, 2, 3)]
        commands.issue_invoices(self.store, invoices, START, "api:1")
        self.until(START + timedelta(days=25))
        support.open_request(
            self.store, 1, Via.ADMINISTRATOR, About.CANNOT_PAY, WORDS, self.now, f"person:{self.person}",
            person=self.person,
        )  # fmt: skip
        who = visitors.Visitor(NAME, NEW, "Canary and Sons", "c9", "en")
        visitors.ask(self.store, who, About.OTHER, WORDS, self.now)
        self._rows()

    def _rows(self) -> None:
        """What only pages write."""
        mail = next(m for m in self.store.mails_of(1) if m.person == self.person)
        self.store.keep_report(KeptReport(mail.id, NEW, "webhook", "4.0.0", "canary full", "To: canary"), self.now)
        with psycopg.connect(self.url) as db:
            values = {"person": self.person, "now": self.now, "key": digest_of("a session").hex()[:40], "net": NET}
            for statement in (
                "INSERT INTO django_session VALUES (%(key)s, 'x', %(now)s + interval '1 day')",
                "INSERT INTO sign_in_session (person_id, session_key, began_at, browser, address)"
                " VALUES (%(person)s, %(key)s, %(now)s, 'Canary/1', %(net)s)",
                "INSERT INTO mfa_authenticator (type, data, user_id, created_at)"
                " VALUES ('totp', '{\"secret\": \"canary\"}', %(person)s, %(now)s)",
                'INSERT INTO account_emailaddress (email, verified, "primary", user_id)'
                " VALUES ('eva@canary.example', true, true, %(person)s)",
                "INSERT INTO dead_address VALUES ('eva@canary.example', %(now)s, 'no canary here')",
                "UPDATE account SET contact = 'Eva@canary.example' WHERE account_id = 2",
                "UPDATE account SET billing_address = E'Canary Lane\\n1', tax_number = 'canary-1' WHERE account_id < 3",
                "UPDATE account SET billing_address = 'Theirs' WHERE account_id = 3",
                "UPDATE message SET subject = 'Eva Canary invites you.' WHERE address = 'neighbour@x.nl'",
            ):
                db.execute(statement, values)

    def until(self, end: datetime) -> None:
        while self.now < end:
            run(self.store, self.now)
            while perform(self.store, self.mail, self.hands, self.now):
                pass
            due = max(self.store.next_due() or end, self.now + timedelta(hours=1))
            self.now = min(due, self.now + timedelta(hours=20), end)

    def holder(self) -> erasing.Holder:
        return erasing.holder(self.store, 0, NEW)

    def erase(self) -> int:
        return erasing.erase(
            self.store, self.store, self.holder(), self.now, "staff:1", "asked for it", although_owing=True
        )

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as db:
            return db.execute(statement.encode()).fetchall()

    def left(self) -> dict[str, list[str]]:
        """Every row of every table in which a canary sings."""
        found: dict[str, list[str]] = {}
        with psycopg.connect(self.url) as db:
            for table in tables(db):
                for (row,) in db.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table))):
                    if any(canary in row.lower() for canary in CANARIES):
                        found.setdefault(table, []).append(row)
        return found


def tables(db: psycopg.Connection) -> list[str]:
    return [name for (name,) in db.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")]


@pytest.fixture(scope="module")
def built(database_url: str, migrated: str) -> Iterator[str]:
    """The name of a database with the town in it."""
    url = copied(database_url, migrated, "privacy_town")
    store = PostgresStore(url, clock_is_real=False)
    Town(store, url).build()
    store.close()
    yield "privacy_town"
    dropped(database_url, "privacy_town")


@contextmanager
def copy_of(server: str, built: str) -> Iterator[Town]:
    name = f"privacy_{next(_copies)}"
    url = copied(server, built, name)
    store = PostgresStore(url, clock_is_real=False)
    found = Town(store, url)
    found.now, found.person = START + timedelta(days=25), store.person_at(OLD) or 0
    yield found
    store.close()
    dropped(server, name)


@pytest.fixture
def town(database_url: str, built: str) -> Iterator[Town]:
    with copy_of(database_url, built) as found:
        yield found


@pytest.fixture(scope="module")
def untouched(database_url: str, built: str) -> Iterator[Town]:
    """A town to look at."""
    with copy_of(database_url, built) as found:
        yield found


@pytest.fixture(scope="module")
def erased(database_url: str, built: str) -> Iterator[Town]:
    """A town to look at after Eva was erased."""
    with copy_of(database_url, built) as found:
        found.erase()
        yield found


def copied(server: str, template: str, name: str) -> str:
    with psycopg.connect(server, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        db.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    return make_conninfo(server, dbname=name)


def dropped(server: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


def test_every_table_says_how_long_it_is_kept_and_why(untouched: Town) -> None:
    with psycopg.connect(untouched.url) as db:
        assert set(tables(db)) == set(TABLES)


def test_the_document_says_the_same() -> None:
    text = (Path(__file__).parents[2] / "docs/operate.md").read_text("utf-8")
    assert "\n".join(markdown()) in text, "put there what `arrears person kept` prints"


def test_the_billing_address_of_accounts_that_are_theirs_is_exported_and_erased(untouched: Town, erased: Town) -> None:
    held = untouched.store.personal(untouched.holder())["account"]
    assert [(one["account_id"], one["billing_address"], one["tax_number"]) for one in held] == [
        (number, "Canary Lane\n1", "canary-1") for number in (1, 2)
    ]
    left = erased.rows("SELECT billing_address, tax_number FROM account ORDER BY account_id")
    assert left == [(None, None), (None, None), ("Theirs", None)], "of the third she was only warned"


def test_the_export_has_every_row_about_a_person(untouched: Town) -> None:
    left = untouched.left()
    held = untouched.store.personal(untouched.holder())
    said = json.dumps(held, default=str).lower()
    exported = {name for name, rows in held.items() if rows}
    # Of a session, and of a second factor, what lets somebody in is not for export.
    assert set(left) - {"django_session"} <= exported | {"support_letter"}, left.keys() - exported
    assert {"acts", "attempts", "tasks", "account_role"} <= set(held)
    assert (said.count(WORDS), NET in said, "secret" in said) == (2, True, False)
    assert [one["role"] for one in held["account_role"]] == ["administrator", "billing_reader"]
    assert {one["kind"] for one in held["acts"]} >= {"address_asked", "invitation_accepted", "support_opened"}


def test_nothing_is_left_of_who_was_erased(untouched: Town, erased: Town) -> None:
    assert (len(untouched.left()) > 12, erased.left()) == (True, {})


def test_who_was_invited_by_them_reads_their_name_with_us_no_longer_and_the_invitation_is_over(
    untouched: Town, erased: Town
) -> None:
    asked = "SELECT subject, body FROM message WHERE address = 'neighbour@x.nl'"
    links = "SELECT count(*) FROM sign_in_link WHERE address = 'neighbour@x.nl' AND over_at IS NULL"
    before, after = ([town.rows(asked), town.rows(links)] for town in (untouched, erased))
    assert ([NAME in subject for subject, _ in before[0]], before[1]) == ([True], [(1,)])
    assert ([(subject, body[:7]) for subject, body in after[0]], after[1]) == ([("", "sha256:")], [(0,)])


def facts(town: Town) -> set[object]:
    with psycopg.connect(town.url) as db:
        return set(db.execute("SELECT account_id, seq, hash, body FROM fact").fetchall())


def test_the_books_stay_and_their_chain_holds(untouched: Town, erased: Town) -> None:
    assert facts(untouched) <= facts(erased)
    owed = [[town.store.snapshots([n])[n].debts for n in (1, 2, 3)] for town in (untouched, erased)]
    assert owed[0] == owed[1]
    assert check_store(erased.store, now=erased.now).breaches == []


def proven(town: Town) -> dict[tuple[int, int, int], tuple[object, ...]]:
    """What the rows of messages that Eva got prove."""
    mine = (m for n in (1, 2, 3) for m in town.store.mails_of(n) if m.person == town.person)
    return {(m.account, m.seq, m.no): (m.kind, m.state, m.at, m.digest) for m in mine if m.state in TAKEN}


def test_that_they_were_told_stays_provable(untouched: Town, erased: Town) -> None:
    assert (proven(erased), len(proven(erased)) > 5) == (proven(untouched), True)


def test_a_second_erasure_finds_nothing(erased: Town) -> None:
    for number, address in ((erased.person, ""), (0, NEW), (0, OLD)):
        assert erased.store.holder(number, address) is None


def test_an_older_backup_has_the_erasures_made_again(erased: Town, town: Town) -> None:
    [erasure] = erased.store.erasures()
    assert erasing.erase_again(town.store, town.store, erasure, town.now, "staff:1")
    assert town.left() == {}
    assert not erasing.erase_again(town.store, town.store, erasure, town.now, "staff:1")
    assert check_store(town.store, now=town.now).breaches == []


def test_whoever_was_erased_is_not_written_to_again_and_nothing_is_cut_for_it(town: Town) -> None:
    town.erase()
    with psycopg.connect(town.url) as db:
        db.execute("UPDATE account SET contact = 'EVA@canary.example' WHERE account_id = 1")  # the next import
    town.until(town.now + timedelta(days=40))
    assert [m.to for m in town.mail.taken if "canary" in m.to.lower()] == []
    assert {m.to for m in town.mail.taken} == {"b3@x.nl"}
    states = [town.store.snapshots([n])[n].subscription(1).state for n in (1, 2, 3)]
    assert states == ["past_due", "past_due", "disabled"], "nobody who is told now was warned"
    assert check_store(town.store, now=town.now).breaches == []


def test_who_comes_back_is_written_to_again(town: Town) -> None:
    town.erase()
    access.invite(town.store, 1, NEW, "administrator", "Eva", town.now, "staff:1")
    with psycopg.connect(town.url) as db:
        db.execute("UPDATE sign_in_link SET digest = %s WHERE over_at IS NULL", [digest_of("again")])
    person = access.accept(town.store, "again", "Eva", "hash", town.now)
    assert person != town.person
    assert not town.store.contacts([1])[1].dead


def test_the_last_administrator_of_who_owes_stays_unless_staff_say_so(untouched: Town) -> None:
    with pytest.raises(Refused, match=r"acc_1.*--although-owing"):
        erasing.erase(untouched.store, untouched.store, untouched.holder(), untouched.now, "staff:1", "asked for it")
    assert untouched.left()


def test_nothing_is_erased_while_a_message_leaves(town: Town) -> None:
    with psycopg.connect(town.url) as db:
        db.execute("UPDATE message SET state = 'claimed' WHERE (account_id, seq, no) = (SELECT account_id, seq, no FROM"
                   " message WHERE person_id = %s LIMIT 1)", [town.person])  # fmt: skip
    with pytest.raises(Refused, match="being handed over"):
        town.erase()
    assert town.left()


def test_another_person_with_the_same_mailbox_keeps_what_is_theirs(town: Town) -> None:
    with psycopg.connect(town.url) as db:
        db.execute(
            "INSERT INTO person (sign_in_email, contact_email, display_name, created_at)"
            " VALUES ('o@x.nl', %s, 'O', %s)",
            [NEW, START],
        )
    with pytest.raises(Refused, match="per_1, per_2"):
        erasing.holder(town.store, 0, NEW)
    who = erasing.holder(town.store, town.person, "")
    assert who.mailboxes == (OLD,)
    erasing.erase(town.store, town.store, who, town.now, "staff:1", "asked for it", although_owing=True)
    other = erasing.holder(town.store, 0, NEW)
    assert [one["contact_email"] for one in town.store.personal(other)["person"]] == [NEW]


# -- what is kept no longer ------------------------------------------------------------------------------------------


def test_texts_go_in_time_and_their_proof_stays(town: Town) -> None:
    before = {(m.seq, m.no): m.digest for m in town.store.mails_of(1)}
    assert town.store.sweep(START + timedelta(days=735), KEPT, ["message"])["message"] > 0
    mails = town.store.mails_of(1)
    assert {(m.seq, m.no): m.digest for m in mails} == before
    assert {m.text[:7] for m in mails if m.at < START + timedelta(days=4)} == {"sha256:"}
    assert all(not m.text.startswith("sha256:") for m in mails if m.at > START + timedelta(days=6))
    assert check_store(town.store, now=town.now).breaches == []


def test_a_table_is_looked_through_once_a_day(town: Town) -> None:
    at = START + timedelta(days=60, hours=1)
    assert "throttle" in town.store.sweep(at, KEPT)
    assert town.store.sweep(at + timedelta(hours=14), KEPT) == {}
    assert "throttle" in town.store.sweep(at + timedelta(hours=24), KEPT)


def test_a_session_lasts_by_the_real_clock_however_far_the_worlds_is_ahead(town: Town) -> None:
    with psycopg.connect(town.url, autocommit=True) as db:
        for key, hours in (("lasting", 1), ("over", -1)):
            db.execute("INSERT INTO django_session VALUES (%s, 'x', now() + %s * interval '1 hour')", [key, hours])
        (real,) = db.execute("SELECT now()").fetchone() or (town.now,)
        town.store.sweep(real + timedelta(days=30), KEPT, ["django_session"])
        left = {key for (key,) in db.execute("SELECT session_key FROM django_session")}
    assert "lasting" in left
    assert "over" not in left


def test_everything_personal_is_gone_in_the_end_but_what_the_books_need(town: Town) -> None:
    paid = [Payment(number, f"p{number}", "EUR", 1_000, (1,)) for number in (1, 2, 3)]
    commands.record_payments(town.store, paid, town.now, "api:1")
    with psycopg.connect(town.url) as db:
        db.execute("ALTER TABLE subscription DISABLE TRIGGER subscription_edges")
        db.execute("UPDATE subscription SET state = 'deleted'")
        db.execute("UPDATE support_request SET state = 'closed' WHERE account_id > 0")
    erasing.let_go(town.store, town.store, KEPT, town.now)
    assert town.store.person_at(OLD) == town.person, "two years have not passed"
    erasing.let_go(town.store, town.store, KEPT, town.now + timedelta(days=731))
    assert town.left() == {}
    assert [one.author for one in town.store.erasures()] == ["arrears"]
    with psycopg.connect(town.url) as db:
        assert db.execute("SELECT count(*) FROM account WHERE name LIKE 'Bakery%' AND contact IS NULL").fetchone() == (
            3,
        )


# -- on a terminal -----------------------------------------------------------------------------------------------------


@pytest.mark.turn(2)
def test_staff_export_and_erase_somebody_and_hand_the_list_on(town: Town, tmp_path: Path) -> None:
    def arrears(*arguments: str) -> tuple[int, str]:
        environment = {"ARREARS_DATABASE_URL": town.url, "ARREARS_HOME": str(tmp_path)}
        done = command("person", *arguments, **environment)
        return done.returncode, done.stdout or done.stderr

    held = json.loads(arrears("export", NEW)[1])
    assert (held["format"], held["who"], held["mailboxes"]) == ("arrears.person/1", "per_1", [OLD, NEW])
    assert [one["display_name"] for one in held["person"]] == [NAME]
    refused = arrears("erase", "per_1", "--why", "asked for it")
    assert (refused[0], "[administrator_owes]" in refused[1]) == (2, True)
    mail = FolderChannel(tmp_path / "mail")
    for name, to in {"a1-1": NEW, "a1-2": OLD.upper(), "a2-1": "else@canary.example"}.items():
        mail.send(Message(name, to, "Your invoice", "text"))
    done = arrears("erase", "per_1", "--why", "asked for it", "--although-owing")
    assert (done[0], done[1][:7], town.left()) == (0, "erased;", {})
    assert [path.name for path in mail.folder.iterdir()] == ["a2-1.eml"]
    mail.send(Message("a1-3", NEW, "Your invoice", "laid there by an older release"))
    assert "erased on " in arrears("erase", "per_1", "--why", "asked again")[1]
    assert "[unknown_person]" in arrears("export", OLD)[1]
    file = tmp_path / "erasures.json"
    file.write_text(arrears("erasures", "--json")[1])
    assert not (mail.folder / "a1-3.eml").exists()
    mail.send(Message("a1-4", NEW, "Your invoice", "from the backup"))
    assert arrears("erase-again", str(file)) == (0, "0 of 1 erasures were made again\n")
    assert [path.name for path in mail.folder.iterdir()] == ["a2-1.eml"]
    file.write_text("[{}]")
    assert arrears("erase-again", str(file))[1].count("[bad_file]") == 1
