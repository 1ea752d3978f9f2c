"""Stores for the tests of this folder: each PostgreSQL one in a scratch schema that is empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.store.contract import AnyStore
from tests.store.scratch import Schemas
from tests.store.traced import TracedStore

from arrears.store.memory.store import MemoryStore
from arrears.store.postgres.store import PostgresStore


@pytest.fixture(scope="session")
def schemas(database_url: str) -> Schemas:
    return Schemas(database_url)


@pytest.fixture
def make_postgres(database_url: str, schemas: Schemas) -> Iterator[Callable[[], PostgresStore]]:
    """Makes empty PostgreSQL stores; their connections and schemas are given back after the test."""
    made: dict[str, PostgresStore] = {}

    def make() -> PostgresStore:
        name = schemas.take()
        made[name] = PostgresStore(database_url, schema=name, durable=False, clock_is_real=False)
        return made[name]

    yield make
    for name, store in made.items():
        store.close()
        schemas.give_back(name)


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> AnyStore:
    """An empty store, of either kind: what holds for the one holds for the other."""
    if request.param == "memory":
        return MemoryStore()
    made: PostgresStore = request.getfixturevalue("make_postgres")()
    return made


@pytest.fixture
def make_traced(database_url: str, schemas: Schemas, tmp_path: Path) -> Iterator[Callable[[], TracedStore]]:
    made: dict[str, TracedStore] = {}

    def make() -> TracedStore:
        name = schemas.take()
        made[name] = TracedStore(database_url, name, tmp_path / name)
        return made[name]

    yield make
    for name, store in made.items():
        store.close()
        schemas.give_back(name)
