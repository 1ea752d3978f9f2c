"""A browser for the pages and the API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg
import pytest
from django.conf import settings
from django.utils import translation
from tests.site import NOW, PASSWORD
from tests.web import states

from arrears.engine.system import confirm_clock, set_book_taken, set_breaker, set_clock_differs, set_feed
from arrears.sandbox.run import Running, running
from arrears.store.postgres.store import PostgresStore

if TYPE_CHECKING:
    from django.test import Client

__all__ = ["NOW", "PASSWORD"]


@pytest.fixture(scope="module", autouse=True)
def today(site: str) -> Iterator[None]:
    """Some of these tests live in March and others today: for those of the next module a worker has looked when it had
    before this one, since one that last looked months ago would be a clock that jumped, and keep everything waiting.
    Neither does anything wait for a doubt about the whole installation that another module has left."""
    with psycopg.connect(site) as db:
        was = db.execute("SELECT last_tick_at FROM system_state").fetchone()
    store = PostgresStore(site, clock_is_real=False)
    _nothing_in_doubt(store)
    yield
    _nothing_in_doubt(store)
    if store.system().clock_suspect:
        confirm_clock(store, datetime.now(UTC), "staff:1", "the tests of that day are over")
    with store.transaction() as db:
        db.execute("UPDATE system_state SET last_tick_at = %s", was)
    store.close()


def _nothing_in_doubt(store: PostgresStore) -> None:
    """End what stands for every account: the tests that began it are over."""
    now, why, system = datetime.now(UTC), "the tests that began it are over", store.system()
    for book in system.books_refused:
        set_book_taken(store, book, now, "staff:1", why)
    if system.breaker_open:
        set_breaker(store, is_open=False, now=now, author="staff:1", why=why)
    if system.feed_stale:
        set_feed(store, stale=False, now=now, author="staff:1", why=why)
    if system.clock_differs:
        set_clock_differs(store, "stripe", 0, now, why, over=True)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """A page that one test asked for in Dutch leaves no language to the next."""
    yield
    if settings.configured:
        translation.deactivate()


@pytest.fixture
def client(site: str) -> Client:
    """A browser that has not been here before."""
    from django.test import Client

    with psycopg.connect(site) as db:
        db.execute("DELETE FROM throttle")
    return Client(raise_request_exception=False, HTTP_HOST="localhost")


@pytest.fixture(scope="session")
def bank() -> Iterator[Running]:
    """The payment provider of the town."""
    with running() as found:
        yield found


@pytest.fixture(scope="session")
def built_town(site: str, database_url: str, bank: Running) -> Iterator[states.Town]:
    """See `town`; nobody works on this one."""
    with states.built(database_url, bank) as found:
        yield found


@pytest.fixture(scope="module")
def town(built_town: states.Town, database_url: str, bank: Running) -> Iterator[states.Town]:
    """An account in every state, served, for the tests of one module."""
    with states.copied(database_url, built_town, bank) as found:
        yield found
