"""A mail server in a process of its own, which can be killed: it writes down what it accepts, and has bad days.

`python -m torture.post_office FOLDER PORT`: serves until it is killed. The file `post` in the folder says what the next
messages meet: `accept`, `defer` (451), `refuse` (550), `drop_kept` or `drop_lost` (the connection ends after the text
has come, which was kept or was not: the sender cannot know), `count` (taken and forgotten). Each
accepted message is one line of `accepted.log`: the virtual instant, the address and the text, written and flushed
before the answer.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final, NamedTuple

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from torture.nursery import ROOT
from torture.outside import ClockFile

START_SECONDS_MAX: Final = 20.0


class Accepted(NamedTuple):
    """One message that the server took: the virtual instant (ISO), its envelope's address, and the mail."""

    at: str
    to: str
    mail: EmailMessage

    @property
    def id(self) -> str:
        """Our name for it: `a12-34-1`."""
        return str(self.mail["Message-ID"]).strip("<>").partition("@")[0]


class PostOffice:
    """The asking side: one server process at a time, always on the same port."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder, self.port = folder, port
        self.restarts = 0
        self.addresses: set[str] = set()
        """Everybody whose mail `news` has told of."""
        self._process: subprocess.Popen[bytes] | None = None
        self._read = 0
        self.set("accept")

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"smtp://127.0.0.1:{self.port}"

    def set(self, mode: str) -> None:
        """What the next messages meet."""
        part = self._folder / "post.new"
        part.write_text(mode)
        part.replace(self._folder / "post")

    def start(self) -> None:
        """Listen; returns when it does."""
        ready = self._folder / "post.ready"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "torture.post_office", str(self._folder), str(self.port)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS_MAX
        while not ready.exists():
            assert time.monotonic() < deadline, "the mail server did not start"
            time.sleep(0.01)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None
            self.restarts += 1

    def news(self) -> list[Accepted]:
        """What it has accepted since this was last asked."""
        path = self._folder / "accepted.log"
        if not path.exists():
            return []
        with path.open("rb") as file:
            file.seek(self._read)
            lines = file.read()
        whole = lines[: lines.rfind(b"\n") + 1]
        self._read += len(whole)
        found = []
        for line in whole.splitlines():
            row = json.loads(line)
            mail = message_from_bytes(base64.b64decode(row["mail"]), policy=policy.default)
            assert isinstance(mail, EmailMessage)
            found.append(Accepted(row["at"], row["to"], mail))
        self.addresses.update(one.to for one in found)
        return found


class _Handler:
    """aiosmtpd's handler."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._clock = folder, ClockFile(folder)
        self._log = (folder / "accepted.log").open("ab")

    def _mode(self) -> str:
        return (self._folder / "post").read_text()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's own name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        mode = self._mode()
        if mode == "defer":
            return "451 4.7.1 try again later"
        if mode == "refuse":
            return "550 5.1.1 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        mode = self._mode()
        if mode not in ("drop_lost", "count"):
            row = {
                "at": str(self._clock.read()),
                "to": envelope.rcpt_tos[0],
                "mail": base64.b64encode(envelope.original_content or b"").decode(),
            }
            self._log.write(json.dumps(row).encode() + b"\n")
            self._log.flush()
        if mode.startswith("drop_"):
            transport: Any = server.transport
            transport.abort()
            await asyncio.sleep(0.01)
        return "250 2.0.0 taken"


def main() -> None:
    """Serve until killed, or until whoever started this is gone."""
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    controller = Controller(_Handler(folder), hostname="127.0.0.1", port=port, ready_timeout=10)
    controller.start()
    (folder / "post.ready").touch()
    parent = os.getppid()
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(0.5)
    controller.stop()


if __name__ == "__main__":
    main()
