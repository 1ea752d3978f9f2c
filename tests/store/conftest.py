"""Stores for the tests of this folder: each PostgreSQL one in a scratch schema that nobody used before."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.store.contract import AnyStore
from tests.store.traced import TracedStore

from arrears.store import schema
from arrears.store.memory.store import MemoryStore
from arrears.store.postgres.store import PostgresStore

_counter = itertools.count(1)


@pytest.fixture
def make_postgres(database_url: str) -> Iterator[Callable[[], PostgresStore]]:
    """Makes empty PostgreSQL stores; their connections are given back after the test."""
    made: list[PostgresStore] = []

    def make() -> PostgresStore:
        name = f"contract_{next(_counter)}"
        schema.create_scratch(database_url, name)
        made.append(PostgresStore(database_url, schema=name, durable=False, clock_is_real=False))
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> AnyStore:
    """An empty store, of either kind: what holds for the one holds for the other."""
    if request.param == "memory":
        return MemoryStore()
    made: PostgresStore = request.getfixturevalue("make_postgres")()
    return made


@pytest.fixture
def make_traced(database_url: str, tmp_path: Path) -> Iterator[Callable[[], TracedStore]]:
    made: list[TracedStore] = []

    def make() -> TracedStore:
        name = f"traced_{len(made)}"
        schema.create_scratch(database_url, name)
        made.append(TracedStore(database_url, name, tmp_path / name))
        return made[-1]

    yield make
    for store in made:
        store.close()
