"""Serving: in processes of their own, which are started anew where one ends, or in this one (the demo, tests)."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

import uvicorn
from uvicorn.supervisors import Multiprocess

from arrears.core.errors import Refused
from arrears.web.bridge import Wsgi
from arrears.web.connections import CONNECTIONS_MAX, KEPT_SECONDS, Connection
from arrears.web.gate import HEAD_BYTES_MAX, Aside, Beside, Gate

PROCESSES: Final = 2
THREADS: Final = 8
"""Of one process, for pages. More would only take turns at the same processor; fewer would all wait for a provider."""
STOP_SECONDS_MAX: Final = 5
"""What is being answered may take so long to its end when a server is told to end."""
START_SECONDS_MAX: Final = 60.0
_BACKLOG: Final = 1024
_FILES_BESIDE: Final = 512
"""Files of a process that are no connections of visitors: the database's, the program's own."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections, before there is anything to serve (port 0: any free one); Refused
    `cannot_listen`."""
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # With its protocol named, asyncio turns Nagle's algorithm off: with it an answer on a connection that is kept
        # waits 40 ms for the client's delayed acknowledgement.
        found = socket.socket(family, kind, protocol or socket.IPPROTO_TCP)
        try:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind(address)
            found.listen(_BACKLOG)
        except OSError:
            found.close()
            raise
    except (OSError, OverflowError) as error:
        reason = (getattr(error, "strerror", None) or "error").lower()
        raise Refused("cannot_listen", f"cannot listen on {host}:{port}: {reason}; try --port") from None
    return found


def address_of(listening: socket.socket) -> str:
    """Where it listens, as somebody types it: by a name where this machine has one, for passkeys need one."""
    host, port = listening.getsockname()[:2]
    if host in ("127.0.0.1", "::1"):
        return f"http://localhost:{port}/"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def port_of(listening: socket.socket) -> int:
    """The port where it listens."""
    return int(listening.getsockname()[1])


def server_config(application: Any, **more: Any) -> uvicorn.Config:
    """How an ASGI application is served, whichever it is."""
    return uvicorn.Config(
        application,
        http=Connection,
        ws="none",
        lifespan="off",
        loop="asyncio",
        interface="asgi3",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        backlog=_BACKLOG,
        h11_max_incomplete_event_size=HEAD_BYTES_MAX,
        timeout_keep_alive=KEPT_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS_MAX,
        timeout_worker_healthcheck=30,
        **more,
    )


def make_room_for_connections() -> None:
    """As many files as connections need, where this machine lets a process have them (many begin with 1,024)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_MAX + _FILES_BESIDE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class _Processes(Multiprocess):
    """uvicorn's supervisor, which says when all answer, and does not wait for ever for one that never will."""

    def __init__(self, config: uvicorn.Config, listening: socket.socket, ready: Callable[[], object]) -> None:
        super().__init__(config, [listening])
        self._ready = ready

    def init_processes(self) -> None:
        """Start them all, then wait until each answers; Refused `cannot_serve`."""
        super().init_processes()
        for one in self.processes:
            while not one.wait_until_ready(1.0, self.should_exit):
                self.handle_signals()
                if self.should_exit.is_set():
                    return
                if not one.process.is_alive():
                    self.terminate_all()
                    raise Refused("cannot_serve", "a serving process ended before it served; its reason is above")
        self._ready()


def serve_in_processes(
    listening: socket.socket, factory: str, ready: Callable[[], object], processes: int = PROCESSES
) -> None:
    """Serve with what `factory` ("module:function") makes in each of the `processes`, until this one is told to end
    (SIGINT, SIGTERM). `ready` is called when all answer."""
    make_room_for_connections()
    _Processes(server_config(factory, factory=True, workers=processes), listening, ready).run()


def end_with_parent() -> None:
    """In a serving process: end when the one that started it is gone, however that ended."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def gate(pages: Wsgi, beside: Mapping[str, Beside] | None = None, aside: Aside | None = None) -> Gate:
    """What a process serves."""
    return Gate(pages, THREADS, beside or {}, aside)


def serve_here(listening: socket.socket, application: Gate) -> None:
    """Serve in this process until it is told to end (SIGINT, SIGTERM)."""
    make_room_for_connections()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # uvicorn repeats the signal that ended it
    with suppress(KeyboardInterrupt):
        uvicorn.Server(server_config(application)).run([listening])


@contextmanager
def serving_beside(listening: socket.socket, application: Gate) -> Iterator[None]:
    """Serve in a thread until the end of the block."""
    server = uvicorn.Server(server_config(application))
    thread = threading.Thread(target=server.run, args=([listening],), name="server", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = server.force_exit = True  # kept connections of clients that are there are not waited for
        thread.join(STOP_SECONDS_MAX)
        listening.close()
