"""Tokens of programs, on a terminal: made and shown once, listed with their last use, ended at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import psycopg
import pytest
from tests.cli import commands

Live = Callable[..., CompletedProcess[str]]
NAME = "token_commands"


@pytest.fixture(scope="module")
def url(database_url: str, migrated: str) -> Iterator[str]:
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        db.execute(f"CREATE DATABASE {NAME} TEMPLATE {migrated}")
        yield psycopg.conninfo.make_conninfo(database_url, dbname=NAME)
        db.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")


@pytest.fixture(scope="module")
def live(url: str, tmp_path_factory: pytest.TempPathFactory) -> Live:
    folder: Path = tmp_path_factory.mktemp("tokens")
    return lambda *words: commands.arrears("token", *words, ARREARS_DATABASE_URL=url, ARREARS_HOME=str(folder))


def listed(live: Live) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in json.loads(live("list", "--json").stdout)}


@pytest.mark.turn(2)
def test_a_token_is_shown_once_kept_as_a_digest_listed_and_ended(live: Live, url: str) -> None:
    made = live("create", "the shop", "--by", "Anna")
    token = made.stdout.strip()
    assert (made.returncode, token[:4], len(token)) == (0, "arr_", 47), made.stderr
    with psycopg.connect(url) as db:
        assert all(token not in text for (text,) in db.execute("SELECT t::text FROM api_token t"))
    one = listed(live)["the shop"]
    assert (one["scopes"], one["state"], one["last_used_at"]) == (["*:money", "*:read", "*:write"], "good", None)
    assert token not in live("list").stdout
    assert "never used  made by staff:Anna" in live("list").stdout
    assert one["made_by"] == "staff:Anna"

    assert "duplicate_token" in live("create", "the shop").stderr
    ended = live("revoke", str(one["number"]))
    assert ended.stdout == f"token {one['number']}, the shop, is revoked\n"
    when = listed(live)["the shop"]["revoked_at"]
    assert live("revoke", str(one["number"])).returncode == 0
    assert listed(live)["the shop"]["revoked_at"] == when, "it ended when it was first revoked"
    assert live("create", "the shop").returncode == 0, "the name of one that has ended can be given again"


def test_one_may_only_read_or_end_by_itself(live: Live) -> None:
    day = datetime.now(UTC).date() + timedelta(days=30)
    made = json.loads(live("create", "portal", "--read-only", "--expires-on", f"{day}", "--json").stdout)
    assert (made["scopes"], made["expires_at"], made["token"][:4]) == (["*:read"], f"{day}T00:00:00+00:00", "arr_")


def test_one_may_do_some_things_and_has_another_secret_with_the_same_number(live: Live) -> None:
    made = json.loads(live("create", "till", "--scope", "payments:money", "--scope", "*:read", "--json").stdout)
    assert made["scopes"] == ["*:read", "payments:money"]
    turned = json.loads(live("rotate", str(made["number"]), "--overlap-hours", "1", "--json").stdout)
    assert (turned["number"], turned["token"] == made["token"]) == (made["number"], False)
    assert turned["before_until"] > turned["rotated_at"]


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("create", " "), "no_reason"),
        (("create", "x" * 61), "name_too_long"),
        (("create", "old", "--expires-on", "2020-01-01"), "already_expired"),
        (("create", "odd", "--scope", "money:print"), "bad_scope"),
        (("create", "odd", "--account", "nobody"), "unknown_account"),
        (("revoke", "99"), "unknown_token"),
        (("rotate", "99"), "unknown_token"),
    ],
)
def test_what_is_wrong_is_one_line_and_makes_no_token(live: Live, words: tuple[str, ...], code: str) -> None:
    before = listed(live)
    done = live(*words)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"[{code}]" in done.stderr
    assert listed(live) == before
