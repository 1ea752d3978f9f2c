"""`arrears ...` in a process of its own that need not import anything: a process with everything imported forks it.

The command is the whole one: its own arguments, environment, output and exit code, and the end of an interpreter. What
a command imports, and how it behaves at a terminal's other end, is for tests that start one from nothing (`ran`).
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, Final

SECONDS_MAX: Final = 300
ROOT: Final = Path(__file__).parents[2]


def arrears(*arguments: str, **environment: str) -> CompletedProcess[str]:
    """What the command did, in this environment and nothing else of ours."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("ARREARS_")}
    with tempfile.TemporaryDirectory() as folder:
        said = [str(Path(folder, name)) for name in ("out", "err")]
        code = _ask(arguments=["arrears", *arguments], environment=kept | environment, said=said)
        out, err = (Path(path).read_text() for path in said)
    return CompletedProcess(list(arguments), code, out, err)


@cache
def _server() -> subprocess.Popen[str]:
    """It ends with this process, when nobody can ask any more."""
    command = [sys.executable, "-m", "tests.cli.commands"]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _ask(**question: Any) -> int:
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps(question) + "\n")
    server.stdin.flush()
    return int(server.stdout.readline())


# What commands import when they need it, and no settings are read for.
LOADED: Final = (
    "arrears.adapters.channels.smtp",
    "arrears.adapters.payments.stripe",
    "arrears.engine.worker",
    "arrears.store.postgres.store",
    "django.contrib.auth.hashers",
    "django.core.management.commands.migrate",
    "django.db.backends.postgresql.base",
    "django.db.migrations.executor",
    "django.db.models",
    "django.http",
    "django.template.defaulttags",
    "django.urls",
)


def serve() -> None:
    """Fork a command for each question, and answer with its exit code, negative for the signal it died of."""
    from arrears import wiring
    from arrears.adapters.channels import reasons
    from arrears.cli import main

    for name in (*LOADED, *(place.partition(":")[0] for place, _ in main.COMMANDS.values())):
        importlib.import_module(name)
    wiring.texts()
    reasons.words()
    gc.collect()
    gc.freeze()
    for line in iter(sys.stdin.readline, ""):
        question = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(**question)
            main.main()
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _become(arguments: list[str], environment: dict[str, str], said: list[str]) -> None:
    signal.alarm(SECONDS_MAX)
    for number, path in enumerate((os.devnull, *said)):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), number)
    sys.argv = arguments
    os.environ.clear()
    os.environ.update(environment)


if __name__ == "__main__":
    serve()
