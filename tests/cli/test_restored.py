"""A backup is restored on another server and goes on: no card is charged twice, and nobody is told to pay what is paid.

The provider's book is the outside world: it knows what the server that is gone had done after the backup was taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Final

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from tests.stories.story import Mail
from torture.payer import now, pay, providers_at

from arrears.adapters.services.inprocess import InProcessServices
from arrears.core.account import Mode
from arrears.core.policy import default_policy
from arrears.engine import commands
from arrears.engine.payments import methods
from arrears.engine.payments.providers import Providers
from arrears.engine.payments.reconciliation import check
from arrears.engine.perform import perform
from arrears.engine.run import DEFAULT_LIMITS, run
from arrears.engine.system import adopt_policy
from arrears.engine.worker import work_once
from arrears.ports import NewAccount
from arrears.sandbox.run import Running, running
from arrears.store.postgres.check import check_store
from arrears.store.postgres.store import PostgresStore

_names: Final = count(1)


class Now:
    """The real clock: the provider's book is compared by time."""

    now = staticmethod(now)


class Server:
    """One server on a database of its own, with the mail that left it."""

    def __init__(self, store: PostgresStore, name: str, providers: Providers) -> None:
        self.store, self.name, self.providers, self.mail = store, name, providers, Mail()

    def work(self) -> None:
        """Look as a worker does, until nothing is left to do."""
        for _ in range(3):
            work_once(self.store, self.mail, InProcessServices(), Now(), DEFAULT_LIMITS, self.providers)

    def subjects(self) -> list[str]:
        """What its letters say, in the order in which they left."""
        return [message.subject for message in self.mail.taken]


@contextmanager
def server(url: str, template: str, sandbox: Running) -> Iterator[Server]:
    """A server whose database is a copy of another's."""
    name = f"restored_{next(_names)}"
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        store = PostgresStore(make_conninfo(url, dbname=name), clock_is_real=False)
        yield Server(store, name, providers_at(sandbox.url, sandbox.secret_key, sandbox.webhook_secret))
        store.close()
        db.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@contextmanager
def restored(url: str, backup_of: Server, sandbox: Running) -> Iterator[Server]:
    """The database as it is now, on another server. What is connected to the original comes back by itself."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [backup_of.name])
    with server(url, backup_of.name, sandbox) as found:
        yield found


@pytest.fixture
def original(database_url: str, migrated: str) -> Iterator[tuple[Server, Running]]:
    """One account with a card and an invoice of 120.00 that fell due three days ago."""
    with running() as sandbox, server(database_url, migrated, sandbox) as found:
        store, due = found.store, now().date() - timedelta(days=3)
        adopt_policy(store, default_policy(), now(), "staff:1")
        new = NewAccount("A", "A", "NL", "UTC", "en", Mode.CARD, "default", "a@example.org")
        commands.open_accounts(store, [(new, ["cloud"])], now(), "api:1")
        page = methods.start_setup(store, found.providers, 1, "stripe", "setup", "en")
        sandbox.control("card", session=page.ref, card="approve", own=True)
        methods.finish_setup(store, found.providers, 1, "stripe", page.ref, now(), "person:1")
        commands.issue_invoices(store, [commands.Invoice(1, "I", "EUR", 12_000, due, due, (1,))], now(), "api:1")
        yield found, sandbox


def nothing(_original: Server) -> None:
    """The backup is of a quiet moment."""


def notices_sent(original: Server) -> None:
    """What fell due was told before the backup."""
    run(original.store, now())
    while perform(original.store, original.mail, InProcessServices(), now(), Providers({}, "http://127.0.0.1:9")):
        pass


@pytest.mark.sample(1)
@pytest.mark.parametrize("before", [nothing, notices_sent])
@pytest.mark.parametrize("after", [nothing, lambda original: pay(original.store, original.providers, 1)])
def test_a_backup_goes_on_and_takes_the_money_once(
    original: tuple[Server, Running],
    database_url: str,
    before: Callable[[Server], None],
    after: Callable[[Server], None],
) -> None:
    first, sandbox = original
    before(first)
    had = first.subjects()
    with restored(database_url, first, sandbox) as second:
        after(first)
        second.work()
        pay(second.store, second.providers, 1)  # as the customer does who sees the page of before
        second.work()
        assert [line["taken"] for line in sandbox.control("book")] == [12_000]
        assert second.store.snapshots([1])[1].debts == ()
        assert not set(had) & set(second.subjects()), "nobody is told twice"
        assert check(
            second.store, second.providers.of("stripe"), now() - timedelta(hours=1), now() + timedelta(hours=1)
        ).holds
        assert check_store(second.store, now=now()).breaches == []
