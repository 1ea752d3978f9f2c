"""The numbered SQL files are the schema. Django's migrations run them one by one; a scratch schema runs them all.

A process refuses to work on a schema of another version: an old worker never writes into tables it does not know.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any, Final

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict

from arrears.core.errors import Refused
from arrears.store.outages import RECONNECT_SECONDS_MAX, WAIT_SECONDS_MAX

_SQL: Final = files("arrears.store").joinpath("sql")


def versions() -> dict[int, str]:
    """The file name of each version, in order."""
    names = sorted(f.name for f in _SQL.iterdir() if re.fullmatch(r"\d{4}_\w+\.sql", f.name))
    return {int(name[:4]): name for name in names}


def text(version: int) -> str:
    """The statements of one version."""
    return _SQL.joinpath(versions()[version]).read_text(encoding="utf-8")


def online_text(version: int) -> str:
    """The same in parts, where it would lock a large table for long (store/postgres/online.py); else nothing."""
    path = _SQL.joinpath("online", versions()[version])
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def stamp(version: int) -> str:
    """The statement that marks a version as applied."""
    return f"INSERT INTO schema_version (version) VALUES ({version})"


def django_database(url: str, connections_max: int) -> dict[str, object]:
    """Django's settings for a database by its URL, taken apart by libpq's own rules, for socket folders in the host."""
    parts = {key: str(value) for key, value in conninfo_to_dict(url).items()}
    known = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    settings: dict[str, object] = {name: parts.pop(key, "") for key, name in known.items()}
    # A request has a thread of its own; connecting anew for each takes longer than most pages ask of the database.
    pool = {"min_size": 0, "max_size": connections_max, "timeout": WAIT_SECONDS_MAX}
    options = {**parts, "pool": {**pool, "reconnect_timeout": RECONNECT_SECONDS_MAX}}
    return {"ENGINE": "arrears.store.postgres.django_backend", **settings, "OPTIONS": options}


def create_scratch(url: str, schema: str) -> None:
    """A new schema of this name with all tables, replacing one that is there. For replay, dry runs and tests."""
    with psycopg.connect(url, autocommit=True) as db:
        drop_scratch(db, schema)
        db.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    with psycopg.connect(url, options=f"-c search_path={schema}") as db:
        for version in versions():
            db.execute(text(version).encode())
            db.execute(stamp(version).encode())


def drop_scratch(db: Connection[Any], schema: str) -> None:
    """Remove a scratch schema; the one that holds live data is never named so."""
    assert schema != "public", "the live schema is not scratch"
    db.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))


def version_of(db: Connection[Any]) -> int | None:
    """The newest version that this database has; None where it has none."""
    try:
        row = db.execute("SELECT max(version) FROM schema_version").fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    return row[0] if row is not None else None


def gate(db: Connection[Any]) -> None:
    """Refuse `wrong_schema` unless the database has exactly the versions this program knows."""
    expected, found = max(versions()), version_of(db)
    if found != expected:
        raise Refused(
            "wrong_schema",
            f"the database has schema version {found or 'none'} and this program needs {expected}; "
            "install the program that fits, or make a backup and bring the database up to date: `arrears db upgrade`",
            exit_code=5,
        )
