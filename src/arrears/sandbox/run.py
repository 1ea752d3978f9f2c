"""Starting the sandbox: in a thread for tests and the demo, or as a process of its own."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import uvicorn

from arrears.core.errors import Refused
from arrears.sandbox.server import Sandbox
from arrears.wiring import RealClock

SECRET_KEY: Final = "sk_test_sandbox"
WEBHOOK_SECRET: Final = "whsec_sandbox"
_START_SECONDS_MAX: Final = 20.0


class Running:
    """A sandbox that answers at `url`."""

    def __init__(self, url: str, sandbox: Sandbox) -> None:
        self.url = url
        self.sandbox = sandbox
        self.secret_key = sandbox.secret_key
        self.webhook_secret = sandbox.webhook_secret

    def control(self, what: str, **asked: Any) -> Any:
        """Ask something of the sandbox itself (see Sandbox.control)."""
        body = json.dumps(asked).encode() if asked else None
        request = urllib.request.Request(f"{self.url}/sandbox/{what}", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())


def refuse_live_keys() -> None:
    """The sandbox never runs beside a key that moves real money; Refused `live_key`."""
    for name, value in os.environ.items():
        if "STRIPE" in name and value.startswith(("sk_live_", "rk_live_")):
            raise Refused("live_key", f"{name} holds a live key; the sandbox provider does not run beside one")


@contextmanager
def running(port: int = 0, host: str = "127.0.0.1") -> Iterator[Running]:
    """A sandbox on loopback until the context ends."""
    refuse_live_keys()
    clock = RealClock()
    sandbox = Sandbox(SECRET_KEY, WEBHOOK_SECRET, lambda: int(clock.now().timestamp()))
    listening = socket.create_server((host, port))
    url = f"http://{host}:{listening.getsockname()[1]}"
    sandbox.api.base_url = url
    config = uvicorn.Config(sandbox.app(), log_level="critical", lifespan="off", access_log=False)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + _START_SECONDS_MAX
    while not server.started:
        if time.monotonic() > deadline or not thread.is_alive():
            raise Refused("sandbox_not_started", "the sandbox provider did not start", exit_code=4)
        threading.Event().wait(0.01)
    try:
        yield Running(url, sandbox)
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()
