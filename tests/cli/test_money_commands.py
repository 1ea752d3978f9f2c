"""`arrears settle` and `arrears money`, run as a person runs them, with the sandbox provider behind them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from tests.cli import commands
from tests.cli.test_live_commands import HEADER, MAP, with_mail
from tests.stories.paying import post

from arrears.adapters.payments.stripe import Stripe
from arrears.engine.payments import methods
from arrears.engine.payments.providers import Providers
from arrears.engine.system import set_breaker
from arrears.sandbox.run import Running, running
from arrears.store.postgres.store import PostgresStore

Run = Callable[..., subprocess.CompletedProcess[str]]
NAME = "money_commands"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as found:
        yield found


@pytest.fixture(scope="module")
def book(database_url: str, migrated: str) -> Iterator[str]:
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        db.execute(f"CREATE DATABASE {NAME} TEMPLATE {migrated}")
    yield psycopg.conninfo.make_conninfo(database_url, dbname=NAME)
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")


@pytest.fixture(scope="module")
def live(book: str, sandbox: Running, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """`arrears ...` on a book in which bert owes 49 euro and carla nothing."""
    folder: Path = tmp_path_factory.mktemp("money")
    environment = {
        "ARREARS_DATABASE_URL": book,
        "ARREARS_HOME": str(folder),
        "ARREARS_STRIPE_KEY": sandbox.secret_key,
        "ARREARS_STRIPE_API": sandbox.url,
    }

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return commands.arrears(*arguments, **(environment | more))

    today = datetime.now(UTC).date()
    issued, due = today - timedelta(days=20), today - timedelta(days=2)
    rows = f"bert,B-1,{issued},{due},49.00,\ncarla,C-1,{issued},{due},10.00,{due}\n"
    (folder / "map.toml").write_text(MAP)
    (folder / "book.csv").write_text(HEADER + with_mail(rows))
    assert run("import", str(folder / "book.csv"), "--map", str(folder / "map.toml")).returncode == 0
    assert run("run").returncode == 0
    return run


@pytest.fixture
def store(live: Run, book: str) -> Iterator[PostgresStore]:
    found = PostgresStore(book)
    yield found
    found.close()


def add_card(store: PostgresStore, sandbox: Running, account: str, card: str) -> int:
    number = store.account_numbers([account])[account]
    providers = Providers({"stripe": Stripe(sandbox.secret_key, [], live=False, api_base=sandbox.url)})
    page = methods.start_setup(store, providers, number, "stripe", f"{account}-{card}", "en")
    post(page.url, card=card, do="go")
    now = datetime.now(UTC)
    return methods.finish_setup(store, providers, number, "stripe", page.ref, now, "person:1")


@pytest.mark.turn(2)
def test_a_debt_is_shown_declined_paid_and_found_in_both_books(
    live: Run, store: PostgresStore, sandbox: Running
) -> None:
    nothing = live("settle", "carla")
    assert (nothing.returncode, nothing.stdout) == (0, "nothing is past due\n")
    without = live("settle", "bert", "--yes")
    assert without.returncode == 2
    assert "no payment method" in without.stderr
    poor = add_card(store, sandbox, "bert", "insufficient_funds")
    declined = live("settle", "bert", "--yes", "--method", str(poor))
    assert declined.returncode == 1
    assert "€49.00 past due" in declined.stdout
    assert "declined (insufficient_funds)" in declined.stdout
    shown = live("settle", "bert", "--json")
    assert shown.returncode == 3
    assert json.loads(shown.stdout) == [{"currency": "EUR", "amount_minor": 4900, "invoices": ["B-1"]}]
    add_card(store, sandbox, "bert", "approve")
    paid = live("settle", "bert", "--yes", "--json")
    assert paid.returncode == 0, paid.stderr
    assert [one["state"] for one in json.loads(paid.stdout)] == ["paid"]
    checked = live("money", "check", "--json")
    assert checked.returncode == 0, checked.stdout
    [one] = json.loads(checked.stdout)
    assert one["holds"]
    assert one["ours"] == one["theirs"]
    assert one["ours"]["EUR"] >= 4900


def test_a_payment_that_is_not_in_our_ledger_is_named(live: Run, store: PostgresStore) -> None:
    ref = "stripe:pi_made_up"
    with store.transaction() as db:
        db.execute("INSERT INTO payment SELECT account_id, 1, %s, 'EUR', 100 FROM account WHERE ref = 'carla'", [ref])
    told = live("money", "check", "--no-sweep")
    with store.transaction() as db:
        db.execute("DELETE FROM payment WHERE ref = %s", [ref])
    assert told.returncode == 1
    assert "stripe:pi_made_up: we booked 100 EUR, and stripe does not have it" in told.stdout


def test_a_provider_that_does_not_answer_is_one_short_line_and_exit_4(live: Run) -> None:
    done = live("money", "check", ARREARS_STRIPE_API="http://127.0.0.1:9")
    assert done.returncode == 4
    assert done.stderr == "arrears: Stripe did not answer (no connection); try again later [provider_unreachable]\n"


def test_the_breaker_is_shown_and_closed_by_a_person_with_a_reason(live: Run, store: PostgresStore) -> None:
    assert live("money", "breaker").stdout == "the breaker is closed\n"
    set_breaker(store, is_open=True, now=datetime.now(UTC), author="arrears", why="a storm")
    assert live("money", "breaker").stdout.startswith("the breaker is open")
    refused = live("money", "breaker", "--close")
    assert (refused.returncode, "--why TEXT" in refused.stderr) == (2, True)
    closed = live("money", "breaker", "--close", "--why", "the provider had an outage")
    assert closed.stdout.startswith("the breaker is closed")
    assert not store.system().breaker_open


LIVE = {"ARREARS_MODE": "live", "ARREARS_STRIPE_API": "", "ARREARS_STRIPE_KEY": "sk_live_x", "ARREARS_BASE_URL": ""}
MAILED = {"ARREARS_MAIL_URL": "smtp://mail.example.org", "ARREARS_MAIL_BOUNCE_TO": "bounces@example.org"}


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"ARREARS_MODE": "live"}, "names another address than Stripe's"),
        ({"ARREARS_MODE": "live", "ARREARS_STRIPE_API": ""}, "give a key that starts with sk_live_"),
        ({"ARREARS_MODE": "live", "ARREARS_STRIPE_API": "", "ARREARS_STRIPE_KEY": ""}, "key"),
        ({"ARREARS_STRIPE_KEY": "sk_live_x", "ARREARS_STRIPE_API": ""}, "give a key that starts with sk_test_"),
        ({"ARREARS_MODE": "production"}, "it is test or live"),
        ({"ARREARS_MAIL_URL": "smtp://127.0.0.1:25"}, "ARREARS_MAIL_FROM is missing"),
        (LIVE, "no mail can leave"),
        ({**LIVE, "ARREARS_MAIL_URL": "smtp://mail.example.org"}, "ARREARS_BASE_URL is http://localhost:8000"),
        ({**LIVE, **MAILED, "ARREARS_BASE_URL": "http://billing.example.org"}, "give the https address"),
        ({**LIVE, **MAILED, "ARREARS_BASE_URL": "https://localhost"}, "give the https address"),
        ({**LIVE, **MAILED, "ARREARS_BASE_URL": "https://billing.example.org"}, "ARREARS_MAIL_FROM is missing"),
    ],
)
def test_what_is_set_wrongly_refuses_to_start_with_one_line(live: Run, settings: dict[str, str], says: str) -> None:
    done = live("run", **settings)
    assert done.returncode != 0
    assert says in done.stderr, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


@pytest.mark.turn(3)
def test_a_real_server_takes_the_providers_webhook_and_the_payment_is_booked(
    live: Run, store: PostgresStore, book: str, sandbox: Running, tmp_path: Path
) -> None:
    environment = os.environ | {
        "ARREARS_DATABASE_URL": book,
        "ARREARS_HOME": str(tmp_path),
        "ARREARS_STRIPE_KEY": sandbox.secret_key,
        "ARREARS_STRIPE_API": sandbox.url,
        "ARREARS_STRIPE_WEBHOOK_SECRETS": sandbox.webhook_secret,
    }
    today = datetime.now(UTC).date()
    row = f"dirk,D-1,{today - timedelta(days=20)},{today - timedelta(days=2)},7.00,\n"
    (tmp_path / "map.toml").write_text(MAP)
    (tmp_path / "dirk.csv").write_text(HEADER + with_mail(row))
    assert live("import", str(tmp_path / "dirk.csv"), "--map", str(tmp_path / "map.toml")).returncode == 0
    assert live("run").returncode == 0
    add_card(store, sandbox, "dirk", "challenge")
    waiting = live("settle", "dirk", "--yes")
    assert "needs customer" in waiting.stdout
    number = store.account_numbers(["dirk"])["dirk"]
    command = [sys.executable, "-m", "arrears", "serve", "--port", "0", "--processes", "1"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split()[2]
        sandbox.control("webhook", url=f"{address}webhooks/stripe")
        sandbox.control("challenge", intent=store.attempts(number)[-1].ref, confirmed=True)
        deadline = time.monotonic() + 60
        while store.attempts(number)[-1].state != "paid" and time.monotonic() < deadline:
            threading.Event().wait(0.05)
        sandbox.control("webhook", url="")
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=60) == 0
    assert store.attempts(number)[-1].state == "paid"
    assert store.snapshots([number])[number].debts == ()
