"""What a person decides about transfers, by command."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from tests.cli import commands

WHY = ("--by", "ann", "--why", "the bank says so")


@pytest.mark.turn(2)
def test_a_return_that_waits_is_told_of_and_a_person_says_what_it_takes_back(
    database_url: str, migrated: str, tmp_path: Path
) -> None:
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute("DROP DATABASE IF EXISTS bank_commands WITH (FORCE)")
        db.execute(f"CREATE DATABASE bank_commands TEMPLATE {migrated}")
    environment = {
        "ARREARS_DATABASE_URL": database_url,
        "ARREARS_DATABASE": "bank_commands",
        "ARREARS_HOME": str(tmp_path),
        "ARREARS_BANK_ACCOUNTS": "NL91ABNA0417164300:EUR",
    }

    def run(*arguments: str) -> tuple[int, str]:
        done = commands.arrears(*arguments, **environment)
        return done.returncode, done.stdout + done.stderr

    today = f"{datetime.now(UTC):%y%m%d}"
    (tmp_path / "day.sta").write_text(
        f":20:X\n:25:NL91ABNA0417164300\n:28C:1\n:60F:C{today}EUR5,\n:61:{today}C0,20NTRFNONREF\n:86:who knows\n"
        f":61:{today}RC0,20NTRFNONREF\n:86:taken back\n:62F:C{today}EUR5,\n-\n"
    )
    assert run("statement", str(tmp_path / "day.sta"))[0] == 0
    assert run("tasks") == (0, "2 transfers wait; `arrears bank queue` lists what waits\n")
    assert "    it takes something back, and nobody can tell what\n" in run("bank", "queue")[1]
    code, said = run("bank", "match", "2", "anybody", *WHY)
    assert (code != 0, "[bank_return]" in said, "arrears bank return 2 CREDIT" in said) == (True, True, True)
    assert run("bank", "return", "2", "1", *WHY) == (0, "debit 2 takes back credit 1\n")
    assert run("tasks") == (0, "nothing waits for a person\n")
    code, said = run("bank", "split", "1", "I-1=0.20", *WHY)
    assert (code != 0, "credit 1 is returned already" in said) == (True, True)
    assert run("bank", "undo", "1", *WHY) == (0, "credit 1 waits again\n")
    assert [one["credit"] for one in json.loads(run("bank", "queue", "--json")[1])] == [1, 2]
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute("DROP DATABASE IF EXISTS bank_commands WITH (FORCE)")
