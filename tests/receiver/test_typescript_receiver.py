"""The receiver in TypeScript: it compiles strictly, passes the kit that the Python one passes, and is short enough to
be copied."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from arrears_receiver.kit import OverHttp, message, prove, signed

ROOT: Final = Path(__file__).parents[2]
SOURCE: Final = ROOT / "receiver" / "typescript" / "receiver.ts"
PROGRAM: Final = Path(__file__).parent / "typescript"
NPM: Final = shutil.which("npm")
SECONDS_MAX: Final = 300
SECRET: Final = "whsec_" + "c2VjcmV0IG9mIGEgc2VydmljZSBvZiB0aGUgdGVzdHM="


class Notes:
    """The program of the test: a service behind the receiver, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start()

    def start(self) -> None:
        command = ["node", "notes.js", SECRET, str(self.folder / "orders")]
        self.process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, text=True)
        watchdog = threading.Timer(SECONDS_MAX, self.process.kill)
        watchdog.start()
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        watchdog.cancel()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(SECONDS_MAX)

    def asked(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=SECONDS_MAX) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found

    def state_in(self, subscription: str) -> str:
        return str(self.asked(f"/state?of={subscription}")["state"])

    def order(self, number: int, sequence: int, command: str, service: str = "notes") -> tuple[int, Any]:
        body = json.dumps(message(f"sub_{number}_1", sequence, command, service)).encode()
        return OverHttp(f"{self.url}/orders")(signed(SECRET, body), body)

    def states(self, query: str, head: Callable[[], dict[str, str]] = lambda: signed(SECRET, b"")) -> list[str]:
        request = urllib.request.Request(f"{self.url}/orders{query}", headers=head())
        with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:
            return [one["subscription"] for one in json.loads(answer.read())["states"]]


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notes]:
    if NPM is None:
        pytest.skip("npm is not here: the receiver in TypeScript is not compiled")
    folder = tmp_path_factory.mktemp("typescript")
    shutil.copytree(PROGRAM, folder, dirs_exist_ok=True)
    shutil.copy(SOURCE, folder)
    for command in ([str(NPM), "ci", "--prefer-offline", "--no-audit"], ["node_modules/.bin/tsc", "-p", "."]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    found = Notes(folder)
    try:
        yield found
    finally:
        found.kill()


def test_it_is_short_enough_to_be_copied() -> None:
    lines = SOURCE.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 200
    assert max(map(len, lines)) <= 120


@pytest.mark.turn(3)
def test_a_service_behind_the_typescript_receiver_obeys_remembers_and_says_what_it_is_in(notes: Notes) -> None:
    """The kit, and what it cannot see: failing, dying, being slow, and the pages of states."""
    assert prove(OverHttp(f"{notes.url}/orders"), SECRET, "notes", notes.state_in) == []

    notes.asked("/broken?of=yes")
    assert notes.order(1, 1, "disable") == (500, {"code": "failed"})
    notes.asked("/broken?of=no")
    assert notes.order(1, 1, "disable")[0] == 200
    assert notes.order(1, 2, "delete", service="other")[1]["code"] == "wrong_service"
    notes.kill()
    notes.start()
    before = notes.asked("/")["counted"]
    assert notes.order(1, 1, "disable")[0] == 200
    assert notes.asked("/")["counted"] == before, "it remembers that it has obeyed"

    notes.asked("/slow?of=yes")
    assert notes.order(2, 1, "disable") == (202, {"state": "accepted", "order": "osub_2_1-1"})
    assert notes.asked("/done")["finished"][0] == {"status": 200, "body": {"state": "done", "order": "osub_2_1-1"}}
    assert notes.order(2, 1, "disable")[0] == 200
    assert notes.order(2, 2, "resume")[0] == 202
    notes.asked("/slow?of=no")
    assert notes.order(2, 3, "disable")[0] == 200
    assert notes.asked("/done")["finished"][0]["body"]["code"] == "overtaken"

    everything = notes.states("?limit=500")
    assert everything == sorted(everything)
    assert {"sub_1_1", "sub_2_1"} <= set(everything)
    assert notes.states(f"?after={everything[0]}&limit=2") == everything[1:3]
    assert notes.states(f"?after={everything[-1]}&limit=2") == []
    with pytest.raises(urllib.error.HTTPError, match="401"):
        notes.states("", head=dict)
    status, _ = OverHttp(f"{notes.url}/orders")({}, os.urandom(200_000))
    assert status == 413
