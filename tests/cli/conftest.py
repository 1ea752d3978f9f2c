"""What the commands' tests share: one migrated database a session, from which each makes its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.cli import commands

MIGRATED = "migrated"


@pytest.fixture(scope="session")
def migrated(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database with the whole schema and nothing in it, to be copied: `CREATE DATABASE ... TEMPLATE`."""
    folder: Path = tmp_path_factory.mktemp("migrated")
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {MIGRATED} WITH (FORCE)")
        db.execute(f"CREATE DATABASE {MIGRATED}")
        environment = {"ARREARS_DATABASE": MIGRATED, "ARREARS_HOME": str(folder)}
        done = commands.arrears("tasks", ARREARS_DATABASE_URL=database_url, **environment)
        assert done.returncode == 0, done.stderr
        yield MIGRATED
        db.execute(f"DROP DATABASE IF EXISTS {MIGRATED} WITH (FORCE)")
