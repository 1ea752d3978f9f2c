"""The receivers of `torture.events`: endpoints that are killed, hang up, hang, are slow, answer garbage, or keep an
event and say that they did not.

`python -m torture.receivers FOLDER SOCKET` is the process in which all of them are.
"""

from __future__ import annotations

import http.server
import json
import os
import random
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from standardwebhooks import Webhook

from arrears.core.events import number_of_event

MODES: Final = ("ok", "ok", "slow", "lying", "garbage", "hangs_up", "hang")
HANG_SECONDS: Final = 4.0
"""Longer than a courier waits."""
SLOW_SECONDS_MAX: Final = 0.5


@dataclass
class Receiver:
    """What an endpoint's owner has: the kinds that it wants, its secrets, how it behaves now, and until when it is
    away, by the moved clock."""

    name: str
    kinds: tuple[str, ...] = ()
    secrets: list[str] = field(default_factory=list)
    mode: str = "ok"
    away_until: int = 0


@dataclass
class Taken:
    """What an endpoint has kept, in the order in which it came: each event when it first came, how often any came."""

    first: list[tuple[str, int]] = field(default_factory=list)
    seen: Counter[int] = field(default_factory=Counter)
    forged: int = 0


class Town(http.server.ThreadingHTTPServer):
    """All receivers on one port, by their path, in a process that may be killed at any moment: what each has taken is
    appended to its own file before it answers, and stays."""

    daemon_threads = True

    def __init__(self, listening: socket.socket, folder: Path) -> None:
        super().__init__(listening.getsockname(), OneRequest, bind_and_activate=False)
        self.socket.close()
        self.socket, self.folder = listening, folder

    def handle_error(self, *_: object) -> None:
        """A connection that a courier has left."""


class OneRequest(http.server.BaseHTTPRequestHandler):
    """One request to a receiver, answered by its mode."""

    def do_POST(self) -> None:
        """Take an event, or do what receivers do instead."""
        town = self.server
        assert isinstance(town, Town)
        name = self.path.strip("/")
        found = json.loads((town.folder / "receivers.json").read_text())[name]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        mode = found["mode"]
        if mode == "hang":
            time.sleep(HANG_SECONDS)
        if mode in ("hang", "hangs_up"):
            self.close_connection = True
            return
        if mode == "garbage":
            self.wfile.write(b"\x00\xff nothing of HTTP\r\n\r\n")
            return
        if mode == "slow":
            time.sleep(random.uniform(0, SLOW_SECONDS_MAX))
        keep(town.folder / f"{name}.taken", self.headers, body, found["secrets"])
        lies = mode == "lying" and random.random() < 0.5
        self.send_response(500 if lies else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def keep(place: Path, headers: Any, body: bytes, secrets: list[str]) -> None:
    """Append an event, and whether it is signed with one of the secrets: one write, which is there whole or not."""
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    signatures = {Webhook(one).sign(headers["webhook-id"], at, body.decode()) for one in secrets}
    said = json.loads(body)
    good = bool(signatures & set(headers["webhook-signature"].split())) and said["id"] == headers["webhook-id"]
    line = json.dumps([said["account"], number_of_event(said["id"]), good]) + "\n"
    written = os.open(place, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
    os.write(written, line.encode())
    os.close(written)


def taken_by(place: Path) -> Taken:
    """What was kept there."""
    found = Taken()
    for line in place.read_text().splitlines() if place.exists() else ():
        account, number, good = json.loads(line)
        found.forged += not good
        if not found.seen[number]:
            found.first.append((account, number))
        found.seen[number] += 1
    return found


def behave(folder: Path, receivers: Iterable[Receiver]) -> None:
    """Say how each receiver behaves from now on."""
    part = folder / "receivers.part"
    part.write_text(json.dumps({one.name: {"mode": one.mode, "secrets": one.secrets} for one in receivers}))
    part.replace(folder / "receivers.json")


if __name__ == "__main__":
    Town(socket.socket(fileno=int(sys.argv[2])), Path(sys.argv[1])).serve_forever()
