"""A backup is restored on another server and goes on: no card is charged twice, and nobody is told to pay what is paid.

The provider's book is the outside world: it knows what the server that is gone had done after the backup was taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
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
from arrears.core.states import State
from arrears.core.system import BACKUP
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
from arrears.sim.stage import Stage
from arrears.store.postgres.check import check_store
from arrears.store.postgres.queries import open_tasks
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
def server(url: str, template: str, sandbox: Running, *, clock_is_real: bool = False) -> Iterator[Server]:
    """A server whose database is a copy of another's."""
    name = f"restored_{next(_names)}"
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        store = PostgresStore(make_conninfo(url, dbname=name), clock_is_real=clock_is_real)
        yield Server(store, name, providers_at(sandbox.url, sandbox.secret_key, sandbox.webhook_secret))
        store.close()
        db.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@contextmanager
def restored(url: str, backup_of: Server, sandbox: Running) -> Iterator[Server]:
    """The database as it is now, on another server. What is connected to the original comes back by itself."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [backup_of.name])
    with server(url, backup_of.name, sandbox, clock_is_real=backup_of.store._clock_is_real) as found:
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


@pytest.fixture
def real(database_url: str, migrated: str) -> Iterator[tuple[Server, Running]]:
    """One account whose service is stopped tonight, by the real clock: everything was told, and nobody has paid."""
    with running() as sandbox, server(database_url, migrated, sandbox, clock_is_real=True) as found:
        began = now() - timedelta(days=40)
        adopt_policy(found.store, default_policy(), began, "staff:1")
        new = NewAccount("A", "A", "NL", "UTC", "en", Mode.INVOICE, "default", "a@example.org")
        commands.open_accounts(found.store, [(new, ["cloud"])], began, "api:1")
        due = (now() - timedelta(days=31)).date()
        commands.issue_invoices(found.store, [commands.Invoice(1, "I", "EUR", 12_000, due, due, (1,))], began, "api:1")
        found.store._clock_is_real = False
        stage = Stage(found.store, found.mail, InProcessServices(), began)
        stage.until(now())
        found.store._clock_is_real = True
        yield found, sandbox


def stops(server: Server) -> State:
    """A look in the second after the day of the stop; how the subscription is then."""
    over = datetime.combine(now().date() + timedelta(days=1), datetime.min.time(), UTC) + timedelta(seconds=1)
    with server.store.transaction() as db:
        db.execute("UPDATE system_state SET last_tick_at = %s", [over - timedelta(hours=1)])
    run(server.store, over)
    server.store._clock_is_real = False  # its time is tomorrow's
    run(server.store, over)
    return server.store.snapshots([1])[1].subscriptions[0].state


def test_without_a_backup_the_service_is_stopped_in_the_night(real: tuple[Server, Running]) -> None:
    original, _ = real
    original.store._clock_is_real = False
    assert stops(original) is State.DISABLED


def test_who_paid_by_transfer_after_a_backup_of_today_is_not_stopped_by_it(
    real: tuple[Server, Running], database_url: str
) -> None:
    """F34: the statement was taken by the server that is gone, and its bank alone knows of it now."""
    original, sandbox = real
    run(original.store, now())
    with restored(database_url, original, sandbox) as second:
        assert stops(second) is State.PAST_DUE
        assert second.store.system().books_refused == (BACKUP,)
        assert "book_refused" in [task.kind for task in open_tasks(second.store)]


def test_only_a_database_in_another_place_or_on_files_of_long_ago_is_a_backup(
    real: tuple[Server, Running], database_url: str
) -> None:
    original, sandbox = real
    store = original.store
    for _ in range(2):
        run(store, now())
        assert store.put_back() == ""
    with restored(database_url, original, sandbox) as second:
        assert "another than that of the last tick" in second.store.put_back()
        run(second.store, now())
        assert second.store.put_back() == "", "it was said"
    with store.transaction() as db:
        db.execute("UPDATE system_state SET last_tick_at = pg_postmaster_start_time() - interval '14 minutes'")
    assert store.put_back() == "", "the server was away for a moment"
    with store.transaction() as db:
        db.execute("UPDATE system_state SET last_tick_at = pg_postmaster_start_time() - interval '16 minutes'")
    assert "was started long after it" in store.put_back()
