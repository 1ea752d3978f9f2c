"""`python -m torture.simulate`: worlds full of bad days, each from a seed of its own; nothing may break in any.

Each world draws its own people too: some characters are everywhere in it and others nowhere. Outages, stale feeds,
doubts, lost mail, slow services, disputes, returned money and changed policies come together. Counted are breaches of
the invariants, and cuts that are wrongful by the made-up people's own books and mailboxes.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter

from arrears.cli.common import tune_for_batches
from arrears.sim.people import drawn_mix
from arrears.sim.simulate import simulate
from arrears.store.memory.store import MemoryStore
from torture import ladder_faults

ACCOUNTS, DAYS = 12, 400


def main() -> int:
    """One JSON object; exit code 1 if anything broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the JSON object, on one line")
    parser.add_argument("--count", type=int, default=1000, help="how many worlds")
    parser.add_argument("--seed", type=int, default=None, help="the first world's seed; the others follow")
    parser.add_argument("--faults", action="store_true", help="instead: put each known fault back; which seed finds it")
    options = parser.parse_args()
    tune_for_batches()
    if options.faults:
        first = options.seed if options.seed is not None else 1
        return 0 if ladder_faults.tell(range(first, first + options.count)) else 1
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**9)
    began = time.monotonic()
    totals: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    worst: list[str] = []
    for number in range(options.count):
        world = seed + number
        report = simulate(MemoryStore(), ACCOUNTS, DAYS, world, mix=drawn_mix(world), full_check_every=100)
        totals["facts"] += report.facts
        totals["invariants_checked"] += report.invariants_checked
        totals["breaches"] += report.breach_count
        totals["wrongful_disablements"] += len(report.wrongful_disablements)
        totals["wrongful_deletions"] += len(report.wrongful_deletions)
        totals["disabled"] += report.disabled
        totals["deleted"] += report.deleted
        characters.update(report.characters)
        faults.update(report.faults)
        if not report.holds:
            found = (*report.breaches, *report.wrongful_disablements, *report.wrongful_deletions)
            worst.append(f"seed {report.seed}: {found[0]}")
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{number + 1} of {options.count} worlds, {totals['breaches']} breaches")
    zeros = ("breaches", "wrongful_disablements", "wrongful_deletions")
    figures = {
        "seed": seed,
        "count": options.count,
        "accounts": ACCOUNTS,
        "days": DAYS,
        "account_years": round(options.count * ACCOUNTS * DAYS / 365.25),
        **{name: totals[name] for name in ("facts", "disabled", "deleted", "invariants_checked", *zeros)},
        "characters": dict(sorted(characters.items())),
        "faults": dict(sorted(faults.items())),
        "broken": worst[:20],
        "seconds": round(time.monotonic() - began, 1),
        "holds": not any(totals[name] for name in zeros),
    }
    sys.stdout.write(json.dumps(figures, indent=None if options.json else 2) + "\n")
    return 0 if figures["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
