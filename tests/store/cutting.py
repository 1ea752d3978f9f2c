"""A way to the database that can be cut: the server commits, and whoever asked for it never hears so."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from psycopg.conninfo import conninfo_to_dict, make_conninfo


@dataclass(slots=True)
class Way:
    """`commits` are those that went over it since `cut_at` was set; the answer to that one is lost (0: none)."""

    url: str
    cut_at: int = 0
    commits: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def lose_answer_to(self, commit: int) -> None:
        """The answer to the so-many-th commit from now is lost, and its connection with it."""
        with self._lock:
            self.cut_at, self.commits = commit, 0

    def is_cut_by(self, sent: bytes) -> bool:
        """Whether this is what is never answered."""
        with self._lock:
            found = sent.count(b"COMMIT")
            self.commits += found
            return bool(found and self.cut_at and self.commits - found < self.cut_at <= self.commits)


@contextmanager
def way_to(url: str) -> Iterator[Way]:
    """A port on loopback that leads to this database as long as the context is open."""
    parts = conninfo_to_dict(url)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        way = Way(make_conninfo(url, host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable"))
        threading.Thread(target=_accept, args=(listener, way, str(parts["host"]), parts["port"]), daemon=True).start()
        yield way


def _accept(listener: socket.socket, way: Way, host: str, port: object) -> None:
    with suppress(OSError):
        while True:
            here, _ = listener.accept()
            if host.startswith("/"):
                there = socket.socket(socket.AF_UNIX)
                there.connect(f"{host}/.s.PGSQL.{port}")
            else:
                there = socket.create_connection((host, int(str(port))))
            lost = threading.Event()
            threading.Thread(target=_ask, args=(here, there, way, lost), daemon=True).start()
            threading.Thread(target=_answer, args=(here, there, lost), daemon=True).start()


def _ask(here: socket.socket, there: socket.socket, way: Way, lost: threading.Event) -> None:
    with suppress(OSError):
        while sent := here.recv(65536):
            if way.is_cut_by(sent):
                lost.set()
            there.sendall(sent)
        there.shutdown(socket.SHUT_RDWR)


def _answer(here: socket.socket, there: socket.socket, lost: threading.Event) -> None:
    with suppress(OSError):
        while answered := there.recv(65536):
            if lost.is_set():
                break
            here.sendall(answered)
        here.shutdown(socket.SHUT_RDWR)
