"""`python -m bench.standing`: how a subscription stands, asked by 32 clients, beside a bare look-up by primary key.

Both answer behind the same server (uvicorn with our connections), in a process of their own, on a database of their own
with a book of 100,000 subscriptions: arrears' own answer with its token, limits of requests and ETag, and an ASGI
program of ten lines that looks one row up over kept connections of psycopg and says three of its columns. They take
turns, and are asked for subscriptions at random; the clients share the cores of this machine with them. One in twenty
subscriptions is not active: then sums are read too.

After that the server and then the database are killed and begun anew while the clients go on asking. An answer other
than that subscription's own, or than `unknown`, which allows everything, is a failure of this bench.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final, NamedTuple

import psycopg
import uvicorn
from psycopg_pool import AsyncConnectionPool

from arrears.store.server import EmbeddedServer
from arrears.web.gate import Gate
from arrears.web.serving import server_config
from arrears.web.standing import StandingPages
from arrears.wiring import migrate
from bench.book import NOW, write_book

ROOT: Final = Path(__file__).parents[1]
AT_ONCE: Final = 32
FLOOR: Final = 0.6
"""Of the bare look-up's answers a second, in the median of the pairs: where others use the machine one says little."""
SLICE_SECONDS: Final = 3.0
BARE_CONNECTIONS: Final = 8
TOKEN: Final = "arr_bench"
LATE_PERCENT: Final = 5

Ask = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


# -- what answers ---------------------------------------------------------------------------------------------------


def bare(url: str) -> Ask:
    """The least that can be done: one row by its primary key, as JSON."""
    pool: Any = None

    async def answer(scope: dict[str, Any], _receive: Any, send: Any) -> None:
        nonlocal pool
        if pool is None:
            pool = AsyncConnectionPool(
                url, min_size=BARE_CONNECTIONS, max_size=BARE_CONNECTIONS, kwargs={"autocommit": True}, open=False
            )
            await pool.open(wait=True)
        _, account, no = scope["path"].split("/")[3].split("_")
        async with pool.connection() as db:
            cursor = await db.execute(
                "SELECT service, state, generation FROM subscription WHERE account_id = %s AND no = %s",
                (int(account), int(no)),
                prepare=True,
            )
            service, state, generation = await cursor.fetchone()
        body = json.dumps({"service": service, "standing": state, "generation": generation}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


def ours(url: str) -> Gate:
    """What `arrears serve` answers with, without the pages beside it."""

    def no_page(_environ: Any, _start: Any) -> Any:
        raise AssertionError("no page is asked for here")

    return Gate(no_page, 1, {}, StandingPages(url, "https://pay.example.org", lambda: NOW))


def serve(kind: str, url: str, number: int) -> None:
    """Answer on a socket that is handed over, until this process is killed."""
    application = bare(url) if kind == "bare" else ours(url)
    uvicorn.Server(server_config(application)).run([socket.socket(fileno=number)])


# -- who asks -------------------------------------------------------------------------------------------------------


@dataclass
class Asked:
    """What came of a slice: the seconds of each answer, the answers that were wrong, and the connections that broke."""

    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    said: Counter[str] = field(default_factory=Counter)
    broken: int = 0
    processor_seconds: float = 0.0
    longest_without: float = 0.0


class Questioner(asyncio.Protocol):
    """One client on a kept connection: it asks for the next subscription as soon as it has its answer."""

    def __init__(self, clients: Clients) -> None:
        self._clients, self._got = clients, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._about = self._clients.next_one()
        self._began = time.perf_counter()
        self._transport.write(self._clients.request(self._about))

    def data_received(self, data: bytes) -> None:
        """An answer, or a part of one."""
        self._got += data
        head, found, body = self._got.partition(b"\r\n\r\n")
        if not found:
            return
        wanted = int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0])
        if len(body) < wanted:
            return
        self._got = b""
        self._clients.answered(self._about, head, body, time.perf_counter() - self._began)
        if self._clients.is_over():
            self._transport.close()
        else:
            self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """The server has gone, or this is the end."""
        self._clients.left(self)


class Clients:
    """So many clients, and what they know: how each subscription stands."""

    def __init__(self, port: int, states: Sequence[tuple[int, int, str]], seed: int, *, look: bool) -> None:
        self._port, self._states, self._rng, self._look = port, states, random.Random(seed), look
        self._until, self.found, self._last = 0.0, Asked(), 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = 0

    def next_one(self) -> tuple[int, int, str]:
        """A subscription at random."""
        return self._states[self._rng.randrange(len(self._states))]

    def request(self, about: tuple[int, int, str]) -> bytes:
        """The request for one."""
        path = f"/v1/subscriptions/sub_{about[0]}_{about[1]}/standing"
        return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()

    def answered(self, about: tuple[int, int, str], head: bytes, body: bytes, seconds: float) -> None:
        """Count an answer; every one is looked at where servers are killed, else one in fifty."""
        now = time.perf_counter()
        self.found.longest_without = max(self.found.longest_without, now - self._last)
        self._last = now
        self.found.seconds.append(seconds)
        if not self._look and len(self.found.seconds) % 50:
            return
        standing = json.loads(body).get("standing") if head.startswith(b"HTTP/1.1 200") else head[9:12].decode()
        self.found.said["as it is" if standing == about[2] else str(standing)] += 1
        if standing not in (about[2], "unknown", "503"):
            self.found.wrong.append(f"sub_{about[0]}_{about[1]} is {about[2]}, was answered {standing}")

    def is_over(self) -> bool:
        """Whether the slice has come to its end."""
        return time.perf_counter() > self._until

    def left(self, one: Questioner) -> None:
        """A connection has ended."""
        self._open -= 1
        if not self.is_over():
            self.found.broken += 1
            task = asyncio.get_running_loop().create_task(self._connect())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connect(self) -> None:
        while not self.is_over():
            try:
                await asyncio.get_running_loop().create_connection(lambda: Questioner(self), "127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                self._open += 1
                return

    async def ask(self, seconds: float) -> Asked:
        """Ask for so long; what came of it."""
        self._until, self.found = time.perf_counter() + seconds, Asked()
        self._last = time.perf_counter()
        for _ in range(AT_ONCE):
            await self._connect()
        deadline = time.perf_counter() + seconds + 60
        while (self._open or not self.is_over()) and time.perf_counter() < deadline:
            await asyncio.sleep(0.05)
        return self.found


# -- the measurement ------------------------------------------------------------------------------------------------


class Served(NamedTuple):
    """A program that answers: its port, its process now, and what kills it and begins it anew."""

    port: int
    process: Callable[[], int]
    restart: Callable[[], None]

    def processor_seconds(self) -> float:
        """The processor's time that its process has taken."""
        ticks = Path(f"/proc/{self.process()}/stat").read_text().rpartition(")")[2].split()[11:13]
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


class Place:
    """A database with its book, and the programs that answer on it."""

    def __init__(self, folder: Path) -> None:
        self.server = EmbeddedServer(folder / "db")
        self.url = self.server.start()

    def fill(self, subscriptions: int) -> None:
        """Write the book, and a token to ask with."""
        with psycopg.connect(self.url, autocommit=True) as db:
            db.execute("CREATE DATABASE bench_standing")
        self.url = psycopg.conninfo.make_conninfo(self.url, dbname="bench_standing")
        migrate(self.url)
        write_book(self.url, subscriptions, subscriptions * LATE_PERCENT // 100)
        digest = hashlib.sha256(TOKEN.encode()).digest()
        with psycopg.connect(self.url) as db:
            db.execute(
                "INSERT INTO api_token (name, digest, scope, created_at) VALUES ('bench', %s, '*:read', %s)",
                [digest, NOW],
            )
            self.states: list[tuple[int, int, str]] = db.execute(
                "SELECT account_id, no, state FROM subscription"
            ).fetchall()

    @contextmanager
    def served(self, kind: str) -> Iterator[Served]:
        """A program that answers."""
        listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        number = listening.fileno()
        command = [sys.executable, "-m", "bench.standing", "--serve", kind, self.url, str(number)]
        running = [subprocess.Popen(command, cwd=ROOT, pass_fds=[number])]

        def restart() -> None:
            running[-1].kill()
            running[-1].wait()
            running.append(subprocess.Popen(command, cwd=ROOT, pass_fds=[number]))

        try:
            yield Served(listening.getsockname()[1], lambda: running[-1].pid, restart)
        finally:
            running[-1].kill()
            running[-1].wait()
            listening.close()

    def ask(self, port: int, seconds: float, seed: int, *, look: bool = False) -> Asked:
        """What came of asking."""
        return asyncio.run(Clients(port, self.states, seed, look=look).ask(seconds))

    def asked_meanwhile(self, port: int, seconds: float, seed: int, strike: Callable[[], object]) -> Asked:
        """What came of asking while something is killed in the middle of it."""

        async def both() -> Asked:
            clients = Clients(port, self.states, seed, look=True)
            asking = asyncio.create_task(clients.ask(seconds))
            await asyncio.sleep(seconds / 4)
            await asyncio.to_thread(strike)
            return await asking

        return asyncio.run(both())

    def restart_database(self) -> None:
        """The database dies as it is, and is there again after a second."""
        self.server.kill_immediate()
        time.sleep(1)
        self.server.start()


def figures_of(asked: Sequence[Asked]) -> dict[str, float]:
    """Answers a second, and how long they took."""
    seconds = [one for each in asked for one in each.seconds]
    percentiles = quantiles(seconds, n=100)
    rate = len(seconds) / (SLICE_SECONDS * len(asked))
    cost = sum(one.processor_seconds for one in asked) / len(seconds) * 1_000_000
    return {
        "a_second": round(rate),
        "processor_us": round(cost),
        "p50_ms": round(percentiles[49] * 1000, 2),
        "p99_ms": round(percentiles[98] * 1000, 2),
    }


def measured(place: Place, pairs: int, seed: int) -> dict[str, Any]:
    """Both, in turns."""
    found: dict[str, list[Asked]] = {"bare": [], "ours": []}
    with place.served("bare") as bare_one, place.served("ours") as our_one:
        served = {"bare": bare_one, "ours": our_one}
        for one in served.values():
            place.ask(one.port, 2.0, seed)
        for pair in range(pairs):
            for kind in ("bare", "ours") if pair % 2 else ("ours", "bare"):
                before = served[kind].processor_seconds()
                asked = place.ask(served[kind].port, SLICE_SECONDS, seed + pair)
                asked.processor_seconds = served[kind].processor_seconds() - before
                found[kind].append(asked)
    figures: dict[str, Any] = {kind: figures_of(asked) for kind, asked in found.items()}
    each = [len(o.seconds) / len(b.seconds) for o, b in zip(found["ours"], found["bare"], strict=True)]
    figures["ratio"] = round(median(each), 2)
    figures["ratio_of_processor_time"] = round(figures["bare"]["processor_us"] / figures["ours"]["processor_us"], 2)
    figures["ratio_of_pairs"] = [round(one, 2) for one in sorted(each)]
    figures["wrong"] = [line for asked in found["ours"] for line in asked.wrong][:5]
    return figures


def killed(place: Place, seed: int) -> dict[str, Any]:
    """The server, then the database, are killed and begun anew under the clients."""
    found = {}
    with place.served("ours") as one:
        for name, strike in (("server_killed", one.restart), ("database_killed", place.restart_database)):
            place.ask(one.port, 2.0, seed)
            asked = place.asked_meanwhile(one.port, 10.0, seed, strike)
            found[name] = {
                "answers": len(asked.seconds),
                "said": dict(asked.said),
                "connections_broken": asked.broken,
                "longest_without_an_answer_seconds": round(asked.longest_without, 2),
                "wrong": asked.wrong[:5],
            }
    return found


def main() -> int:
    """One JSON object; exit code 1 where the ratio is below the floor or an answer was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscriptions", type=int, default=100_000, help="how large the book is")
    parser.add_argument("--pairs", type=int, default=5, help="how often both are asked in turn")
    parser.add_argument("--seed", type=int, default=19)
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve[0], options.serve[1], int(options.serve[2]))
        return 0
    folder = Path(tempfile.mkdtemp(prefix="arrears-bench-"))
    folder.chmod(0o711)
    place = Place(folder)
    try:
        place.fill(options.subscriptions)
        figures = {"seed": options.seed, "subscriptions": len(place.states), "clients": AT_ONCE}
        figures |= {"load": round(os.getloadavg()[0], 1), **measured(place, options.pairs, options.seed)}
        figures |= killed(place, options.seed)
    finally:
        place.server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    wrong = [figures["wrong"], *(figures[name]["wrong"] for name in ("server_killed", "database_killed"))]
    return 0 if figures["ratio"] >= FLOOR and not any(wrong) else 1


if __name__ == "__main__":
    sys.exit(main())
