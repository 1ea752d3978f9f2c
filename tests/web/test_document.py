"""The whole document of the API against a live server, by a tool that knows nothing of us: every request that it makes
up from the document is answered as the document says, and none with a 500."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from tests.web.conftest import NOW

from arrears.core.people.throttles import LIMITS, CountedBy, Limit, Throttled
from arrears.web.serving import gate, listen, port_of, serving_beside
from arrears.web.standing import StandingPages

SECONDS_MAX: Final = 540
ROWS: Final = "/v1/upserts"
"""A body of lines is none that the tool can make up; `test_upserts.py` has those."""
NOT_CHECKED: Final = (
    # A text with a blank in front is refused, and no pattern of JSON Schema says in one line what a short text is.
    "positive_data_acceptance",
)

CONFIGURED: Final = """
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 406, 422, 428, 431, "5xx"]
"""
"""What is refused may be refused for its length, too, before anybody looks at what it says."""


@pytest.fixture
def live(site: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """The address of the API on a live server, and a token that may do everything as often as it likes."""
    from arrears.core.policy import default_policy
    from arrears.engine.system import adopt_policy
    from arrears.web.api_tokens import create_token
    from arrears.web.wsgi import get_application
    from arrears.wiring import installed

    often = Limit(10**6, timedelta(minutes=1))
    monkeypatch.setitem(LIMITS, Throttled.API, {CountedBy.TOKEN: often})  # type: ignore[arg-type]
    if "default" not in installed().store.policies():
        adopt_policy(installed().store, default_policy(), NOW - timedelta(days=100), "staff:1")
    token = create_token(f"fuzzer {secrets.token_hex(4)}", "write", NOW)
    listening = listen("127.0.0.1", 0)
    standing = StandingPages(site, "https://pay.example.org", lambda: NOW)
    with serving_beside(listening, gate(get_application(), aside=standing)):
        yield f"http://127.0.0.1:{port_of(listening)}", token


def run(live: tuple[str, str], folder: Path, *options: str) -> str:
    """What the tool says of the document."""
    from django.test import Client

    url, token = live
    (folder / "openapi.json").write_bytes(Client(HTTP_HOST="localhost").get("/v1/openapi.json").content)
    (folder / "schemathesis.toml").write_text(CONFIGURED)
    command = [str(Path(sys.executable).with_name("st")), "run", "openapi.json", "--url", url, "--no-color"]
    command += ["--request-timeout", "60", "--exclude-path", ROWS]
    command += ["-H", f"Authorization: Bearer {token}", "--checks", "all", "--exclude-checks", ",".join(NOT_CHECKED)]
    command += ["--generation-database", "none", "--continue-on-failure", "--warnings", "off", *options]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=SECONDS_MAX, check=False, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.turn(3)
def test_a_few_requests_of_each_route_are_answered_as_the_document_says(
    live: tuple[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    seed = str(request.config.getoption("randomly_seed"))
    said = run(live, tmp_path, "--phases", "fuzzing", "--max-examples", "2", "--seed", seed)
    assert re.search(r"[0-9]+ generated", said), said


@pytest.mark.long
def test_every_check_and_every_link_of_the_whole_document_holds(
    live: tuple[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Edges of every value, made-up requests, and sequences in which one answer leads to the next request."""
    seed, cases = str(request.config.getoption("randomly_seed")), os.environ.get("TEST_CASES", "10")
    said = run(live, tmp_path, "--phases", "coverage,fuzzing,stateful", "--max-examples", cases, "--seed", seed)
    sys.stderr.write(said[-2000:])
    assert re.search(r"[0-9]+ generated", said), said
