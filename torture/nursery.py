"""Where victims come from: a process with everything imported that forks one in a few milliseconds.

It alone waits for them, so a process id is never used after its process is gone; when whoever asked for them goes
away, it kills those that still live and ends.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]


class Victim:
    """One process. `name` is unique in a run."""

    def __init__(self, nursery: Nursery, pid: int, name: str) -> None:
        self._nursery = nursery
        self.pid = pid
        self.name = name
        self.code: int | None = None

    def poll(self) -> int | None:
        """Its exit code, negative for the signal it died of, or None while it lives."""
        if self.code is None:
            self.code = self._nursery.ask(do="poll", pid=self.pid)
        return self.code

    def pause(self) -> None:
        """Stop it in the middle of whatever it does, as a machine that hangs."""
        self._nursery.ask(do="signal", pid=self.pid, signal=int(signal.SIGSTOP))

    def go_on(self) -> None:
        """Let it go on as if nothing had happened."""
        self._nursery.ask(do="signal", pid=self.pid, signal=int(signal.SIGCONT))

    def end(self, how: signal.Signals) -> int:
        """Send it a signal, wait until it is gone, and return its exit code."""
        if self.code is None:
            self.code = self._nursery.ask(do="end", pid=self.pid, signal=int(how))
        assert self.code is not None, "it was waited for"
        return self.code


class Nursery:
    """The asking side. What victims say goes to the file `said`."""

    def __init__(self, said: Path) -> None:
        command = [sys.executable, "-m", "torture.nursery"]
        with said.open("ab") as file:
            self._server = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file, text=True
            )
        self.spawned = 0

    def spawn(self, what: str, *arguments: str, armed: str = "") -> Victim:
        """A new process that runs `torture.victim` with these arguments."""
        self.spawned += 1
        name = str(self.spawned)
        pid = self.ask(do="spawn", arguments=[what, name, *arguments], armed=armed)
        return Victim(self, pid, name)

    def warm(self) -> None:
        """Load the texts of mail once, for every victim that is spawned from now on."""
        self.ask(do="warm")

    def ask(self, **question: Any) -> Any:
        """Ask and wait for the answer."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(question) + "\n")
        self._server.stdin.flush()
        return json.loads(self._server.stdout.readline())

    def close(self) -> None:
        """Everything that still lives is killed."""
        self._server.communicate()


def serve() -> None:
    """Answer until nobody asks any more."""
    from torture import victim  # imported here, as the asking side needs none of it

    living: set[int] = set()
    for line in sys.stdin:
        question = json.loads(line)
        if question["do"] == "spawn":
            pid = os.fork()
            if pid == 0:
                _live(victim.main, question["arguments"], question["armed"])
            living.add(pid)
            answer: int | None = pid
        elif question["do"] == "warm":
            from torture import postman  # only who sends real mail needs its texts

            postman.real_context()
            answer = None
        elif question["do"] == "poll":
            answer = _code(question["pid"], os.WNOHANG)
        elif question["do"] == "signal":
            os.kill(question["pid"], question["signal"])
            answer = None
        else:
            os.kill(question["pid"], question["signal"])
            answer = _code(question["pid"], 0)
        if question["do"] != "spawn" and answer is not None:
            living.discard(question["pid"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid in living:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _code(pid: int, flags: int) -> int | None:
    found, status = os.waitpid(pid, flags)
    return os.waitstatus_to_exitcode(status) if found else None


def _live(main: Any, arguments: list[str], armed: str) -> None:
    """A victim's whole life; it never returns into the loop of the one that bore it."""
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(0, 1)
        main(arguments, armed)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
