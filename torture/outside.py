"""The world outside the victims: a mail folder, services that note in files what they were told, and a clock.

All of it survives the processes that use it, and can be counted afterwards.
"""

from __future__ import annotations

import fcntl
import os
import random
import socket
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from arrears.engine.run import Limits
from arrears.ports import Obeyed, Order

STOP, READY = "stop", "ready"

LIMITS: Final = Limits(deletions_per_day=10_000, batch_accounts_max=20)
"""Small batches, so that there are many commits to die at; no cap, as who gets the last grant depends on the race."""

POLL_SECONDS: Final = 0.004
OWN_PORTS: Final = range(20_000, 32_000)
"""Below those that systems hand out: while a server is down, nobody is given its port by chance."""


class ClockFile:
    """A made-up clock that every process reads from one file."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "clock"

    def set(self, now: datetime) -> None:
        """The time is now this."""
        self._write(now.isoformat())

    def stop(self) -> None:
        """There is no more time; who reads this ends."""
        self._write(STOP)

    def _write(self, text: str) -> None:
        part = self._path.with_suffix(".new")
        part.write_text(text)
        part.replace(self._path)

    def see(self, name: str, text: str) -> None:
        """A process is ready, or has done all there was to do at this instant."""
        self._path.with_name(f"seen-{name}").write_text(text)

    def seen_by(self, name: str) -> str:
        """What a process said last."""
        path = self._path.with_name(f"seen-{name}")
        return path.read_text() if path.exists() else ""

    def read(self) -> datetime | None:
        """The time, or None when there is no more."""
        text = self._path.read_text()
        return None if text == STOP else datetime.fromisoformat(text)


class FileServices:
    """Services that obey: performing an order is putting the file with its name there, one at a time and whole.

    A repeat is dropped, and so is an order that a newer one of its subscription has overtaken; every delivery is noted.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def order(self, order: Order, now: datetime) -> Obeyed | None:
        """See ports.Services."""
        with self._locked():
            self._note("deliveries", order.id)
            of_this = f"{order.account}-{order.subscription}."
            newest = max((int(p.suffix[1:]) for p in self._folder.glob(f"{of_this}*")), default=0)
            if order.number > newest:
                # Whole or not at all, as with a receiver that has a database: who dies here has done nothing.
                half = self._folder / "half.log"
                half.write_text(f"{order.command} {order.generation} {time.monotonic_ns()}")
                half.rename(self._folder / f"{of_this}{order.number}")
            elif order.number < newest and not (self._folder / f"{of_this}{order.number}").exists():
                self._note("overtaken", order.id)
        return Obeyed(now)

    def _note(self, name: str, line: str) -> None:
        with (self._folder / f"{name}.log").open("a") as file:
            file.write(line + "\n")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        handle = os.open(self._folder / "lock.log", os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def performed(self) -> Mapping[tuple[int, int], list[tuple[int, str, int]]]:
        """By (account, subscription): number, command and generation of each order, in the order it was performed."""
        found: dict[tuple[int, int], list[tuple[int, int, str, int]]] = defaultdict(list)
        for path in self._folder.iterdir():
            if path.suffix == ".log":
                continue
            account, subscription = map(int, path.stem.split("-"))
            command, generation, at = path.read_text().split()
            found[(account, subscription)].append((int(at), int(path.suffix[1:]), command, int(generation)))
        return {key: [(n, c, g) for _, n, c, g in sorted(orders)] for key, orders in found.items()}

    def lines(self, name: str) -> int:
        """How many deliveries were noted under this name."""
        path = self._folder / f"{name}.log"
        return len(path.read_text().splitlines()) if path.exists() else 0


def own_port() -> int:
    """A port of loopback on which nothing listens, for a server that comes back to it, or that is never there."""
    for port in random.SystemRandom().sample(OWN_PORTS, 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("of a hundred ports none is free")
