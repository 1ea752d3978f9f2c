"""`arrears connect`: what it refuses, what it takes, and that both books agree in the end."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import stripe
from tests.cli import commands
from tests.cli.test_answers import wrong as wrong_with

from arrears.adapters.payments.stripe.billing import StripeBilling
from arrears.cli.answers import ANSWERS, JsonAnswer
from arrears.sandbox.run import Running, running
from arrears.wiring import BILLING_SYSTEMS

Run = Callable[..., subprocess.CompletedProcess[str]]
NAME = "connect_command"
DAY = 86_400
HOW = ("--service", "cloud", "--zone", "Europe/Amsterdam", "--country", "NL")


@pytest.fixture
def sandbox() -> Iterator[Running]:
    with running() as found:
        yield found


@pytest.fixture
def live(database_url: str, migrated: str, sandbox: Running, tmp_path: Path) -> Iterator[Run]:
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        db.execute(f"CREATE DATABASE {NAME} TEMPLATE {migrated}")
    environment = {
        "ARREARS_DATABASE_URL": psycopg.conninfo.make_conninfo(database_url, dbname=NAME),
        "ARREARS_HOME": str(tmp_path),
        "ARREARS_STRIPE_KEY": sandbox.secret_key,
        "ARREARS_STRIPE_API": sandbox.url,
    }

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return commands.arrears(*arguments, **(environment | more))

    yield run
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")


def billed(sandbox: Running) -> str:
    """An invoice that Stripe could not charge, half an hour ago."""
    now = int(sandbox.control("clock")["now"])
    sandbox.control("clock", now=now - 2 * 3600)
    v1: Any = stripe.StripeClient(sandbox.secret_key, base_addresses={"api": sandbox.url}).v1
    customer = str(v1.customers.create({"name": "Ann", "email": "ann@example.org", "address": {"country": "NL"}}).id)
    invoice = str(sandbox.control("subscribe", customer=customer, amount=1000)["invoice"])
    sandbox.control("clock", now=now, follow=True)
    return invoice


def test_the_names_that_are_known_without_a_key_are_those_of_the_billing_systems() -> None:
    assert [*BILLING_SYSTEMS] == [StripeBilling.name]


@pytest.mark.turn(2)
def test_a_billing_system_is_connected_read_and_compared(live: Run, sandbox: Running) -> None:
    invoice = billed(sandbox)
    for asked, code in (
        (("connect", "else"), "no_billing_system"),
        (("connect", "stripe-billing"), "option_missing"),
        (("connect", "stripe-billing", *HOW, "--product", "x"), "bad_product"),
        (("connect", "stripe-billing", *HOW, "--policy", "x"), "unknown_policy"),
        (("connect", "stripe-billing", "--drift"), "not_connected"),
    ):
        refused = live(*asked)
        assert (refused.returncode, code in refused.stderr, len(refused.stderr.splitlines())) == (2, True, 1), asked
    assert "is not set up here" in live("connect", "stripe-billing", ARREARS_STRIPE_KEY="").stderr
    assert "no billing system 'else'" in live("connect", "else", ARREARS_STRIPE_KEY="").stderr
    done = live("connect", "stripe-billing", *HOW, "--json")
    assert done.returncode == 0, done.stderr
    answer = ANSWERS["connect"]
    assert isinstance(answer, JsonAnswer)
    said = json.loads(done.stdout)
    assert list(wrong_with(said, answer.shape)) == []
    assert (said["read"], said["invoices"], said["differences"]) == (1, 1, [])
    [told] = sandbox.control("invoices")
    assert (told["id"], told["status"], told["next_payment_attempt"]) == (invoice, "open", None)
    again = live("connect", "stripe-billing")
    assert again.returncode == 0, again.stderr
    assert "both books agree" in again.stdout
    assert "switch automatic retries off" in again.stdout
    sandbox.control("advance", invoice=invoice, on=True)
    assert live("connect", "stripe-billing", "--drift").stdout.endswith("both books agree\n")
