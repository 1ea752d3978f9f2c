"""What is counted when `torture.events` has come to rest: the tables, and what each receiver has kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from arrears.core.events import FACT_KINDS, matches
from arrears.store.postgres.store import PostgresStore
from torture.receivers import Receiver, taken_by


def judged(
    store: PostgresStore,
    folder: Path,
    receivers: Iterable[Receiver],
    there: Collection[Receiver],
    feed: Sequence[int],
) -> tuple[dict[str, int], dict[str, Any]]:
    """What must be zero, and other figures. `there` are the receivers whose endpoint was not removed, `feed` the
    numbers that a reader of the feed has come to know."""
    events, _ = store.events_after(0, 10_000_000)
    numbers = [event.no for event in events]
    lost = unwanted = out_of_order = twice = forged = 0
    for one in receivers:
        taken = taken_by(folder / f"{one.name}.taken")
        forged += taken.forged
        twice += sum(taken.seen.values()) - len(taken.seen)
        out_of_order += unordered(taken.first)
        if one in there:
            wanted = {event.no for event in events if matches(one.kinds, event.type)}
            lost += len(wanted - taken.seen.keys())
            unwanted += len(taken.seen.keys() - wanted)
    with store.reading() as db:
        row = db.execute(
            "SELECT count(*) FROM fact WHERE account_id > 0 AND kind = ANY(%s)", [list(FACT_KINDS)]
        ).fetchone()
        states = db.execute("SELECT state, count(*) FROM delivery GROUP BY state").fetchall()
    assert row is not None
    zeros = {
        "lost": lost,
        "unwanted": unwanted,
        "out_of_order": out_of_order,
        "forged": forged,
        "feed_differs": int(list(feed) != numbers),
        "numbers_with_gaps": int(numbers != list(range(1, len(numbers) + 1))),
        "facts_without_number": row[0] - len(numbers),
    }
    return zeros, {"events": len(numbers), "came_again": twice, "deliveries": dict(states)}


def unordered(first: Iterable[tuple[str, int]]) -> int:
    """How many events of an account were first seen after a later one of it."""
    newest: defaultdict[str, int] = defaultdict(int)
    found = 0
    for account, number in first:
        found += number < newest[account]
        newest[account] = max(newest[account], number)
    return found
