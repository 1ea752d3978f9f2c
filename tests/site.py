"""A migrated database of its own for pages, mail and API, and Django set up on it once a session, as `wiring` does.

Django's settings are read once a process, so whatever needs Django in the tests shares this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests import members

from arrears import wiring
from arrears.setting_values import Secret

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
PASSWORD = "correct horse battery staple"


@contextmanager
def using(**changed: Any) -> Iterator[None]:
    """This process works with other settings until the end of the block."""
    was = wiring.settings()
    wiring.use_settings(replace(was, **changed))
    try:
        yield
    finally:
        wiring.use_settings(was)


@pytest.fixture(scope="session")
def site(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database with the whole schema, one person, one account and one member of staff."""
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute("DROP DATABASE IF EXISTS site WITH (FORCE)")
        db.execute("CREATE DATABASE site")
    url = psycopg.conninfo.make_conninfo(database_url, dbname="site")
    home: Path = tmp_path_factory.mktemp("home")
    with using(home=home, database_url=Secret(url)), pytest.MonkeyPatch.context() as patch:
        wiring.migrate(url)
        with psycopg.connect(url) as db:
            db.execute(
                "INSERT INTO account (account_id, ref, name, country, zone, locale, mode, policy)"
                " VALUES (1, 'a', 'Bakery <b>Anna</b>', 'NL', 'Europe/Amsterdam', 'nl', 'card', 'default'),"
                " (2, 'b', 'CANARY of another account', 'NL', 'Europe/Amsterdam', 'nl', 'card', 'default')"
            )
            db.execute("SELECT setval('account_number', 2)")
        from django.contrib.auth.hashers import PBKDF2PasswordHasher

        opened = wiring.open_installation

        def of_many_times(**how: Any) -> wiring.Installation:
            """Some of its tests live in March and others today: a tick long before the server's start is no backup."""
            live = opened(**how)
            live.store._clock_is_real = False
            return live

        patch.setattr(wiring, "open_installation", of_many_times)
        # A hash that is slow on purpose would be most of the time of these tests.
        patch.setattr(PBKDF2PasswordHasher, "iterations", 1_000)
        from arrears.web import identities

        person = identities.create_person("anna@example.org", "Anna", PASSWORD, "nl", NOW)
        identities.grant(1, person, "administrator")
        members.made("staff@example.org", "Sam", PASSWORD, "agent", NOW)
        yield url
        from django.db import connections

        connections.close_all()
        connections["default"].close_pool()  # type: ignore[attr-defined]
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute("DROP DATABASE IF EXISTS site WITH (FORCE)")
