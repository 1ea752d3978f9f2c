"""`python -m torture.worker`: workers and database are killed through a whole year; nothing may be lost or twice.

Real processes work on a real book on an embedded server of its own. They die by SIGKILL at random moments and at every
named failpoint, and so does the database; some hang until another has taken over, and then go on. In the end every
action is done, no message and no order came twice, and every account, mailbox and service is what it is after an
undisturbed year.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from arrears.engine.failpoints import POINTS
from arrears.store import schema
from arrears.store.server import EmbeddedServer
from torture.book import make_plan, open_book
from torture.calm import play_calm
from torture.course import SCHEMA, Course, Stopped, open_store, strikes_for
from torture.verdict import judge

SECONDS_MAX: Final = 600.0


def torture(
    kills: int,
    seed: int,
    *,
    accounts: int = 300,
    days: int = 365,
    database_kills: int = 20,
    pauses: int = 60,
    rounds: int = 2,
    seconds_max: float = SECONDS_MAX,
    durable: bool = True,
) -> dict[str, Any]:
    """The figures of one run. Each failpoint is struck `rounds` times; after `seconds_max` everything is stopped."""
    began = time.monotonic()
    gap_count = 2 * rounds
    plan = make_plan(accounts, days, seed, gap_count)
    calm = play_calm(plan)
    strikes = strikes_for(plan, calm, random.Random(f"{seed}/strikes"), kills, database_kills, pauses, rounds)
    folder = Path(tempfile.mkdtemp(prefix="arrears-torture-"))
    folder.chmod(0o711)
    server = EmbeddedServer(folder / "db", durable=durable)
    figures: dict[str, Any] = {}
    stopped = ""
    try:
        url = server.start()
        schema.create_scratch(url, SCHEMA)
        store = open_store(url)
        open_book(store, plan)
        course = Course(plan, calm, strikes, folder, server, store, seed, began + seconds_max)
        try:
            course.play()
        except Stopped as error:
            stopped = str(error)
        finally:
            course.end()
        # The last blow may have hit the database, and with it every connection that this process still has.
        store.close()
        store = open_store(url)
        figures = judge(store, folder, plan, calm)
        store.close()
        counts = course.counts
    finally:
        server.stop()
        shutil.rmtree(folder)
    points = {p: counts[p] for p in POINTS}
    zeros = ("lost", "performed_twice", "mails_twice", "disagreeing", "breaches", "chains_broken", "ledger_differs")
    holds = (
        not stopped
        and (counts["kill"], counts["database"], counts["pause"]) == (kills, database_kills, pauses)
        and not counts["crash"]
        and all(points.values())
        and not any(figures[zero] for zero in zeros)
    )
    return {
        "kills": counts["kill"],
        "failpoints_hit": sum(1 for hit in points.values() if hit),
        "failpoints": len(POINTS),
        "failpoint_kills": sum(points.values()),
        "database_kills": counts["database"],
        "pauses": counts["pause"],
        "processes_started": counts["spawned"],
        "crashes": counts["crash"],
        **figures,
        "accounts": accounts,
        "days": days,
        "seed": seed,
        "seconds": round(time.monotonic() - began, 1),
        **({"stopped": stopped, "points_missed": [p for p, hit in points.items() if not hit]} if stopped else {}),
        "holds": holds,
    }


def main() -> int:
    """One JSON object; exit code 1 if anything was lost, done twice, or is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the JSON object, on one line")
    parser.add_argument("--count", type=int, default=200, help="how many times a worker is killed at random")
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**9)
    if options.count < 50:
        figures = torture(options.count, seed, accounts=40, days=130, database_kills=1, pauses=8, rounds=1)
    else:
        figures = torture(options.count, seed)
    sys.stdout.write(json.dumps(figures, indent=None if options.json else 2) + "\n")
    return 0 if figures["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
