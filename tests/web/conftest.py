"""A browser for the pages and the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg
import pytest
from tests.site import NOW, PASSWORD
from tests.web import states

from arrears.sandbox.run import Running, running

if TYPE_CHECKING:
    from django.test import Client

__all__ = ["NOW", "PASSWORD"]


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
