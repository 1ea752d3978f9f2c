"""An empty store to play in: in memory, or a schema of its own that is dropped at the end."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click
import psycopg

from arrears.ports import Store
from arrears.store import schema
from arrears.store.memory.store import MemoryStore
from arrears.store.postgres.store import PostgresStore
from arrears.wiring import database_url

STORE: Final = click.option(
    "--store", "where", type=click.Choice(["memory", "postgres"]), default="memory", show_default=True
)


@contextmanager
def scratch_store(where: str, name: str) -> Iterator[Store]:
    """A store with nothing in it and a made-up clock; of a database a schema called `name` and something random, so
    that two commands do not meet."""
    if where == "memory":
        yield MemoryStore()
        return
    url, schema_name = database_url(), f"{name}_{secrets.token_hex(4)}"
    schema.create_scratch(url, schema_name)
    try:
        store = PostgresStore(url, schema=schema_name, durable=False, clock_is_real=False)
        try:
            yield store
        finally:
            store.close()
    finally:
        with psycopg.connect(url, autocommit=True) as db:
            schema.drop_scratch(db, schema_name)
