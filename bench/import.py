"""`python -m bench.import`: `arrears import` of a made-up book beside a bare COPY of the same final rows.

For each size a book of ten invoices a customer, in random order, four in five of them paid, is imported into an empty
database by the real command. Then the rows that this left are copied, table by table in one transaction, into another
empty database of the same server. The figures: seconds, the command's largest memory, and the rate of the import over
that of the copy.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg

from arrears.wiring import database_url, fresh_database

FLOOR: Final = 0.30
GOAL: Final = 0.50
SECONDS_MAX: Final = 180
MEMORY_MIB_MAX: Final = 300
SIZES: Final = (10_000, 100_000, 1_000_000)
INVOICES_EACH: Final = 10
COPIED: Final = ("account", "account_state", "fact", "entry", "invoice", "payment", "subscription")

COLUMNS: Final = ("customer", "name", "mail", "number", "issued", "due", "total", "currency", "paid_on", "paid", "ref")
MAP: Final = """
[file]
date_format = "%d.%m.%Y"
delimiter = ";"
decimal_mark = ","
grouping = "."
[account]
ref = { column = "customer" }
name = { column = "name" }
email = { column = "mail" }
country = { value = "DE" }
zone = { value = "Europe/Berlin" }
locale = { value = "de" }
[invoice]
number = { column = "number" }
service = { value = "cloud" }
issued_on = { column = "issued" }
due_on = { column = "due" }
amount = { column = "total" }
currency = { column = "currency" }
[payment]
paid_on = { column = "paid_on" }
amount = { column = "paid" }
ref = { column = "ref" }
[mode]
value = "card"
"""


def write_book(path: Path, rows: int, seed: int, paid_since: int = 0) -> None:
    """A book of so many rows; every `paid_since`th of them is paid in any case."""
    dice = random.Random(seed)
    order = list(range(rows))
    dice.shuffle(order)
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, delimiter=";")
        out.writerow(COLUMNS)
        for number in order:
            customer = number // INVOICES_EACH
            issued = date(2024, 1, 1) + timedelta(days=number * 7 % 700)
            total = f"{dice.randrange(1, 9)}.{dice.randrange(1000):03d},{dice.randrange(100):02d}"
            paid = dice.random() < 0.8 or (paid_since > 0 and number % paid_since == 0)
            due = issued + timedelta(days=14)
            on = due + timedelta(days=dice.randrange(-10, 20))
            row = [f"K{customer}", f"Kunde {customer} GmbH", f"rechnung@kunde{customer}.example", f"R-{number}"]
            row += [f"{issued:%d.%m.%Y}", f"{due:%d.%m.%Y}", total, "EUR"]
            out.writerow([*row, f"{on:%d.%m.%Y}", total, f"Z-{number}"] if paid else [*row, "", "", ""])


def imported(url: str, name: str, book: Path, book_map: Path) -> tuple[float, float]:
    """Seconds of the command, and the largest memory in MiB of all its processes together, where what they share counts
    once (PSS)."""
    environment = os.environ | {"ARREARS_DATABASE_URL": url, "ARREARS_DATABASE": name}
    command = [sys.executable, "-m", "arrears", "import", str(book), "--map", str(book_map)]
    began = time.perf_counter()
    largest = 0.0
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        while running.poll() is None:
            largest = max(largest, memory_mib(running.pid))
            time.sleep(0.1)
        seconds = time.perf_counter() - began
        assert running.stdout is not None
        answer = running.stdout.read()
    if running.returncode:
        raise SystemExit(f"the import failed: {answer}")
    return seconds, largest


def memory_mib(session: int) -> float:
    """The memory of all processes of a session now, without the database server's."""
    kib = 0
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                if os.getsid(int(process.name)) == session:
                    found = re.search(r"^Pss: +([0-9]+) kB", (process / "smaps_rollup").read_text(), re.MULTILINE)
                    kib += int(found[1]) if found else 0
            except OSError:
                continue  # It has ended meanwhile.
    return kib / 1024


def copied(source: str, target: str, folder: Path) -> float:
    """Seconds to copy the same rows into empty tables, in one transaction."""
    with psycopg.connect(source) as db:
        for table in COPIED:
            with (folder / table).open("wb") as file, db.cursor().copy(f"COPY {table} TO STDOUT") as out:
                for block in out:
                    file.write(block)
    with psycopg.connect(target) as db:
        began = time.perf_counter()
        for table in COPIED:
            with (folder / table).open("rb") as file, db.cursor().copy(f"COPY {table} FROM STDIN") as into:
                while block := file.read(1 << 20):
                    into.write(block)
        db.commit()
        return time.perf_counter() - began


def measure(url: str, rows: int, seed: int, again: bool) -> dict[str, Any]:
    """The figures of one size; with `again` also of the same book once more, and of one in which one row in a hundred
    that was open is paid."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_book(folder / "book.csv", rows, seed)
        (folder / "map.toml").write_text(MAP)
        ours, theirs = "bench_import", "bench_import_copy"
        source, target = fresh_database(ours), fresh_database(theirs)
        seconds, memory = imported(url, ours, folder / "book.csv", folder / "map.toml")
        bare = copied(source, target, folder)
        with psycopg.connect(source) as db:
            found = db.execute("SELECT count(*), sum(total_minor) FROM invoice").fetchone()
        figures = {
            "rows": rows,
            "invoices": found[0] if found else 0,
            "seconds": round(seconds, 1),
            "copy_seconds": round(bare, 1),
            "ratio": round(bare / seconds, 3),
            "memory_mib": round(memory),
        }
        if again:
            same, _ = imported(url, ours, folder / "book.csv", folder / "map.toml")
            write_book(folder / "newer.csv", rows, seed, paid_since=100)
            newer, _ = imported(url, ours, folder / "newer.csv", folder / "map.toml")
            figures |= {"same_again_seconds": round(same, 1), "newer_seconds": round(newer, 1)}
        return figures


def main(arguments: Sequence[str] | None = None) -> int:
    """One JSON object; exit code 1 below the floor, or above what it may take."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=list(SIZES))
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--again", action="store_true", help="import the same book again, and a newer one")
    options = parser.parse_args(arguments)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**9)
    url = database_url()
    figures = [measure(url, rows, seed, options.again) for rows in options.rows]
    print(json.dumps({"seed": seed, "floor": FLOOR, "goal": GOAL, "sizes": figures}, indent=1))  # noqa: T201
    largest = figures[-1]
    held = largest["ratio"] >= FLOOR and all(one["memory_mib"] < MEMORY_MIB_MAX for one in figures)
    return 0 if held and (largest["rows"] < SIZES[-1] or largest["seconds"] <= SECONDS_MAX) else 1


if __name__ == "__main__":
    sys.exit(main())
