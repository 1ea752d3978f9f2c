"""The document of the API is enough for a generator that knows nothing of us: TypeScript's types are made from it, a
program that uses them compiles strictly, and talks to a live server."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from tests.sources import ROOT

PROGRAM: Final = ROOT / "tests" / "client" / "typescript"
NPM: Final = shutil.which("npm")
SECONDS_MAX: Final = 300


def ran(folder: Path, *words: str) -> str:
    """What a program in the folder printed; it must end well."""
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.turn(3)
@pytest.mark.skipif(NPM is None, reason="npm is not here: no TypeScript client is compiled")
def test_a_generated_typescript_client_compiles_strictly_and_talks_to_a_live_server(
    address: tuple[str, str], document: Any, tmp_path: Path
) -> None:
    shutil.copytree(PROGRAM, tmp_path, dirs_exist_ok=True)
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    ran(tmp_path, str(NPM), "ci", "--prefer-offline")
    ran(tmp_path, "node_modules/.bin/openapi-typescript", "openapi.json", "-o", "v1.ts", "--default-non-nullable=false")
    ran(tmp_path, "node_modules/.bin/tsc", "-p", ".")
    said = json.loads(ran(tmp_path, "node", "talk.js", *address))
    assert said == {
        "result": "created",
        "open": 12_000,
        "wrong": "invalid",
        "fields": ["discount"],
        "standing": "active",
        "may": True,
        "hold": said["hold"],
    }
    assert said["hold"].startswith("hold_")
