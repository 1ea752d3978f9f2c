"""Starting the sandbox: in a thread for tests and the demo, or as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import uvicorn

from arrears.core.errors import Refused
from arrears.ports import Clock, Processor
from arrears.sandbox.app import app
from arrears.sandbox.server import Sandbox, SandboxMemory
from arrears.wiring import RealClock

# What is on this machine is never behind the proxy that the environment names.
_DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))

SECRET_KEY: Final = "sk_test_sandbox"
WEBHOOK_SECRET: Final = "whsec_sandbox"
_START_SECONDS_MAX: Final = 20.0
_KEPT_SECONDS: Final = 3600
"""A connection that nobody uses stays for so long. uvicorn ends it after five seconds, and a request that is sent as it
ends is lost: often, for the clients of tests and of the demo live in the same process and wait as long."""


class SandboxAt:
    """A sandbox that answers at `url`, in whatever process."""

    secret_key, webhook_secret = SECRET_KEY, WEBHOOK_SECRET

    def __init__(self, url: str) -> None:
        self.url = url

    def processor(self) -> Processor:
        """The adapter that charges here: the real one, on the provider's own SDK."""
        from arrears.adapters.payments.stripe import Stripe

        return Stripe(self.secret_key, [self.webhook_secret], live=False, api_base=self.url)

    def control(self, what: str, **asked: Any) -> Any:
        """Ask something of the sandbox itself (see control.py); urllib.error.HTTPError 400 or 404 where it refuses."""
        body = json.dumps(asked).encode() if asked else None
        request = urllib.request.Request(f"{self.url}/sandbox/{what}", body, {"Content-Type": "application/json"})
        with _DIRECT.open(request, timeout=30) as answer:
            return json.loads(answer.read())


class Running(SandboxAt):
    """A sandbox of this process."""

    def __init__(self, url: str, sandbox: Sandbox) -> None:
        super().__init__(url)
        self.sandbox = sandbox


class _Server(uvicorn.Server):
    """A server that ends when it is told to, and not at its next look at the clock: tests start many."""

    _loop_and_end: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    async def main_loop(self) -> None:
        """uvicorn's own, ten ticks a second, until `stop`."""
        ended, tick = asyncio.Event(), 0
        self._loop_and_end = asyncio.get_running_loop(), ended
        while not await self.on_tick(tick):
            tick = (tick + 1) % 864_000
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(ended.wait(), 0.1)

    def stop(self) -> None:
        """End, from another thread; kept connections of clients that are still there are not waited for."""
        self.should_exit = self.force_exit = True
        if self._loop_and_end is not None:
            loop, ended = self._loop_and_end
            with suppress(RuntimeError):  # it has ended by itself
                loop.call_soon_threadsafe(ended.set)


def refuse_live_keys() -> None:
    """The sandbox never runs beside a key that moves real money, whatever it is called; Refused `live_key`."""
    for name, value in os.environ.items():
        if any(part.strip(" \"'").startswith(("sk_live_", "rk_live_")) for part in value.split(",")):
            raise Refused(
                "live_key", f"{name} holds a live key; unset it: the sandbox provider does not run beside one"
            )


def _listening(host: str, port: int) -> socket.socket:
    # asyncio turns Nagle's algorithm off only for sockets that say that they are TCP; with it every answer on a
    # connection that is kept waits 40 ms for the client's delayed acknowledgement.
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(128)
    except OSError:
        found.close()
        raise
    return found


@contextmanager
def running(
    port: int = 0, host: str = "127.0.0.1", clock: Clock | None = None, memory: SandboxMemory | None = None
) -> Iterator[Running]:
    """A sandbox on loopback until the context ends; it follows `clock`, or the real one, and goes on with `memory`.
    Refused `live_key`, `port_taken`, `sandbox_not_started`; RuntimeError at the end where it has made a mistake of its
    own."""
    refuse_live_keys()
    followed = clock or RealClock()
    sandbox = Sandbox(SECRET_KEY, WEBHOOK_SECRET, lambda: int(followed.now().timestamp()), memory)
    try:
        listening = _listening(host, port)
    except OSError as error:
        raise Refused("port_taken", f"port {port} of {host} cannot be used: {error.strerror}; give another") from error
    url = f"http://{host}:{listening.getsockname()[1]}"
    sandbox.api.base_url = url
    config = uvicorn.Config(
        app(sandbox),
        log_level="critical",
        lifespan="off",
        access_log=False,
        date_header=False,
        timeout_keep_alive=_KEPT_SECONDS,
    )
    server = _Server(config)
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
        sandbox.webhooks.close()
        server.stop()
        thread.join(10)
        listening.close()
    if sandbox.mistakes:
        raise RuntimeError(f"the sandbox provider made {len(sandbox.mistakes)} mistakes; first {sandbox.mistakes[0]}")
