"""`python -m bench.upserts`: rows by `POST /v1/upserts` beside `arrears import` of the same rows.

A book of ten invoices a customer, four in five of them paid (`bench.import`), is imported into an empty database by the
command, and sent to another, ten thousand rows a request, by clients of a server that is started for it; unless only
`--once`, all are sent again. The figures: invoices a second of both, their ratio, and the largest memory of both, with
all their processes. Both databases must come to the same facts.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import psycopg

from arrears.wiring import database_url, fresh_database

FLOOR: Final = 0.5
ROWS_A_REQUEST: Final = 10_000
SIZES: Final = (100_000,)
ANSWER_SECONDS_MAX: Final = 120
files: Final = import_module("bench.import")  # its name is a word of the language

FACTS: Final = """
SELECT md5(string_agg(found, '|' ORDER BY found)) FROM (
    SELECT a.ref || string_agg(f.kind, ',' ORDER BY f.seq) AS found
    FROM account a JOIN account_fact f USING (account_id) GROUP BY a.ref) t
"""
SUMS: Final = "SELECT count(*), sum(total_minor), sum(open_minor) FROM invoice"


def day(text: str) -> str:
    """A day of the book as the API has it."""
    return "-".join(reversed(text.split(".")))


def minor(text: str) -> int:
    """A sum of the book in cents."""
    return int(text.replace(".", "").replace(",", ""))


def requests_of(book: Path, *, shuffled: bool, seed: int) -> list[list[list[bytes]]]:
    """The rows of a book in requests, and these in waves, each sent when the one before is answered: customers whole,
    in one wave; or all accounts, and then their invoices in random order."""
    accounts: dict[str, list[bytes]] = {}
    with book.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter=";"):
            ref = row["customer"]
            if ref not in accounts:
                told = {"name": row["name"], "country": "DE", "zone": "Europe/Berlin", "locale": "de"}
                told |= {"payment_mode": "card", "email": row["mail"]}
                accounts[ref] = [json.dumps({"kind": "account", "ref": ref, **told}).encode()]
            total = {"amount_minor": minor(row["total"]), "currency": row["currency"]}
            said: dict[str, Any] = {"kind": "invoice", "number": row["number"], "account": ref, "services": ["cloud"]}
            said |= {"issued_on": day(row["issued"]), "due_on": day(row["due"]), "total": total}
            if row["paid"]:
                said["paid"] = {**total, "amount_minor": minor(row["paid"])}
            accounts[ref].append(json.dumps(said).encode())
    if not shuffled:
        return [filled(accounts.values())]
    rows = [[line] for lines in accounts.values() for line in lines[1:]]
    random.Random(seed).shuffle(rows)
    return [filled([lines[0]] for lines in accounts.values()), filled(rows)]


def filled(groups: Iterable[list[bytes]]) -> list[list[bytes]]:
    """Requests of as many rows as they may have, no group in two of them."""
    found: list[list[bytes]] = [[]]
    for group in groups:
        if len(found[-1]) + len(group) > ROWS_A_REQUEST:
            found.append([])
        found[-1] += group
    return found


@contextmanager
def serving(name: str) -> Iterator[tuple[str, str, int]]:
    """A server on this database: its address, a token, and its session."""
    environment = os.environ | {"ARREARS_DATABASE": name, "ARREARS_LOG": "text"}
    arrears = [sys.executable, "-m", "arrears"]
    created = subprocess.run(
        [*arrears, "token", "create", "bench", "--json"], env=environment, capture_output=True, text=True, check=True
    )
    token = json.loads(created.stdout)["token"]
    with subprocess.Popen(
        [*arrears, "serve", "--port", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            if " on http" not in line:
                raise SystemExit(f"the server did not start: {line}")
            yield line.split()[2].rstrip("/"), token, server.pid
        finally:
            server.terminate()


def send(url: str, token: str, rows: Sequence[bytes]) -> Mapping[str, Any]:
    """What came of these rows."""
    asked = urllib.request.Request(f"{url}/v1/upserts", b"\n".join(rows), method="POST")
    asked.add_header("Authorization", f"Bearer {token}")
    asked.add_header("Content-Type", "application/x-ndjson")
    with urllib.request.urlopen(asked, timeout=ANSWER_SECONDS_MAX) as answer:
        said: Mapping[str, Any] = json.loads(answer.read())
    if said["refused"]:
        raise SystemExit(f"{said['refused']} rows were refused")
    return said


def upserted(
    name: str, waves: Sequence[list[list[bytes]]], clients: int, passes: int
) -> tuple[list[float], list[float], float]:
    """Seconds to send all rows, each time; seconds of each request of the first time; and the largest memory of the
    server in MiB."""
    with serving(name) as (url, token, session):
        over, memory = threading.Event(), [0.0]

        def watch() -> None:
            while not over.wait(0.2):
                memory[0] = max(memory[0], files.memory_mib(session))

        watching = threading.Thread(target=watch)
        watching.start()
        took: list[float] = []
        each: list[float] = []

        def timed(part: Sequence[bytes]) -> None:
            began = time.perf_counter()
            send(url, token, part)
            if not took:
                each.append(time.perf_counter() - began)

        try:
            for _ in range(passes):
                began = time.perf_counter()
                with ThreadPoolExecutor(clients) as pool:
                    for wave in waves:
                        list(pool.map(timed, wave))
                took.append(time.perf_counter() - began)
        finally:
            over.set()
            watching.join()
    return took, each, memory[0]


def measure(url: str, invoices: int, seed: int, clients: int, *, shuffled: bool, once: bool) -> dict[str, Any]:
    """The figures of one size. `request_seconds` are the medians of the first and the last tenth of the requests: alike
    where a request does not take longer the more there is."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files.write_book(folder / "book.csv", invoices, seed)
        (folder / "map.toml").write_text(files.MAP)
        waves = requests_of(folder / "book.csv", shuffled=shuffled, seed=seed)
        by_file, by_request = (fresh_database(name) for name in ("bench_upserts_file", "bench_upserts"))
        seconds, importing = files.imported(url, "bench_upserts_file", folder / "book.csv", folder / "map.toml")
    took, each, memory = upserted("bench_upserts", waves, clients, 1 if once else 2)
    said = []
    for database in (by_file, by_request):
        with psycopg.connect(database) as db:
            said.append((db.execute(SUMS).fetchone(), db.execute(FACTS).fetchone()))
    if said[0] != said[1]:
        raise SystemExit(f"the two books differ: {said}")
    tenth = max(1, len(each) // 10)
    figures = {
        "invoices": invoices,
        "rows": sum(len(part) for wave in waves for part in wave),
        "clients": clients,
        "shuffled": shuffled,
        "import_a_second": round(invoices / seconds),
        "upserts_a_second": round(invoices / took[0]),
        "ratio": round(seconds / took[0], 3),
        "request_seconds": [round(statistics.median(some), 2) for some in (each[:tenth], each[-tenth:])],
        "import_memory_mib": round(importing),
        "memory_mib": round(memory),
    }
    return figures if once else {**figures, "same_again_a_second": round(invoices / took[1])}


def main(arguments: Sequence[str] | None = None) -> int:
    """One JSON object; exit code 1 below the floor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--invoices", type=int, nargs="*", default=list(SIZES))
    parser.add_argument("--clients", type=int, default=2, help="so many send at once")
    parser.add_argument("--shuffled", action="store_true", help="invoices in random order, not customer by customer")
    parser.add_argument("--once", action="store_true", help="send the rows once")
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args(arguments)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**9)
    url = database_url()
    sizes = [
        measure(url, count, seed, options.clients, shuffled=options.shuffled, once=options.once)
        for count in options.invoices
    ]
    print(json.dumps({"seed": seed, "floor": FLOOR, "sizes": sizes}, indent=1))  # noqa: T201
    return 0 if all(one["ratio"] >= FLOOR for one in sizes) else 1


if __name__ == "__main__":
    sys.exit(main())
