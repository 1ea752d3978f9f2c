"""A browser for the pages and the API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg
import pytest
from tests.site import NOW, PASSWORD
from tests.web import states

from arrears.engine.system import confirm_clock
from arrears.sandbox.run import Running, running
from arrears.store.postgres.store import PostgresStore

if TYPE_CHECKING:
    from django.test import Client

__all__ = ["NOW", "PASSWORD"]


@pytest.fixture(scope="module", autouse=True)
def today(site: str) -> Iterator[None]:
    """Some of these tests live in March and others today: for those of the next module a worker has looked when it had
    before this one, since one that last looked months ago would be a clock that jumped, and keep everything waiting."""
    with psycopg.connect(site) as db:
        was = db.execute("SELECT last_tick_at FROM system_state").fetchone()
    yield
    store = PostgresStore(site)
    if store.system().clock_suspect:
        confirm_clock(store, datetime.now(UTC), "staff:1", "the tests of that day are over")
    with store.transaction() as db:
        db.execute("UPDATE system_state SET last_tick_at = %s", was)
    store.close()


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
