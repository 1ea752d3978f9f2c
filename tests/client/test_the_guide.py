"""The guide of docs/api.md, from zero to the first notice, run line by line as it stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg
import pytest
from tests.sources import ROOT

SECONDS_MAX: Final = 540
OWN_PORT: Final = """for _ in $(seq 3000); do grep -q ":[0-9]*/" "$HOME/arrears-first.log" && break; sleep 0.1; done
ADDRESS=$(grep -o "http://[a-z0-9.]*:[0-9]*" "$HOME/arrears-first.log" | head -n 1)
"""
"""Another program may have port 8000: served at any free one, which is read from what the server says."""


@pytest.fixture
def empty_database(database_url: str) -> Iterator[str]:
    name = "guide"
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        db.execute(f"CREATE DATABASE {name}")
    yield psycopg.conninfo.make_conninfo(database_url, dbname=name)
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def lines_of_the_guide() -> list[str]:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    guide = text.partition("<!-- guide -->")[2].partition("<!-- end -->")[0]
    return [line.removeprefix("    ") for line in guide.splitlines() if line.startswith("    ")]


def script_of(lines: list[str]) -> tuple[str, list[str]]:
    """The lines as a script that numbers what it is told to look for, and those words."""
    script, wanted = ["trap 'kill $(jobs -p) 2>/dev/null' EXIT"], []
    for line in lines:
        if line.startswith("# "):
            wanted.append(line.removeprefix("# "))
            script.append(f"echo '=== {len(wanted)}'")
        else:
            script.append(line)
    text = "\n".join(script) + "\nwait\n"
    text = text.replace("arrears serve >", "arrears serve --port 0 >")
    return text.replace("ADDRESS=http://localhost:8000\n", OWN_PORT), wanted


@pytest.mark.turn(3)
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here, and the guide uses it")
def test_the_guide_leads_from_nothing_to_the_first_notice(empty_database: str, tmp_path: Path) -> None:
    script, wanted = script_of(lines_of_the_guide())
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ARREARS_")}
    environment = {**kept, "HOME": str(tmp_path), "ARREARS_DATABASE_URL": empty_database}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    printed = done.stdout + done.stderr
    parts = re.split(r"^=== \d+$", done.stdout, flags=re.MULTILINE)
    assert [word for word, part in zip(wanted, parts, strict=False) if word not in part] == [], printed
    assert len(parts) == len(wanted) + 1, printed
    assert len(list((tmp_path / "arrears-first" / "mail").glob("*.eml"))) == 1
