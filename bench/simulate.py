"""`python -m bench.simulate`: simulated account-years a minute on one core, with every invariant on.

Every transaction is checked against every invariant as it is committed, the whole state every 30 days, with all faults.
The median of three worlds of ordinary people, where three in four pay in time for years: an account-year of theirs has
about 40 transactions (the floor was set for 28: `reference/reliability.md`, its eighth finding). The same for worlds of
troubled people, of whom two thirds give trouble: their years have more than 60.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import sys
import time
from statistics import median
from typing import Any, Final

from arrears.cli.common import tune_for_batches
from arrears.sim.people import ORDINARY, TROUBLED, Mix
from arrears.sim.simulate import simulate
from arrears.store.memory.store import MemoryStore

FLOOR: Final = 5_000
GOAL: Final = 10_000
ACCOUNTS, DAYS, ROUNDS = 1000, 365, 3


def measure(mix: Mix, seed: int) -> dict[str, Any]:
    """Figures of a few worlds of one mix, in processor time."""
    rates, transactions, checked, breaches = [], 0, 0, 0
    for number in range(ROUNDS):
        began = time.process_time()
        report = simulate(MemoryStore(), ACCOUNTS, DAYS, seed + number, mix=mix)
        rates.append(report.account_years / (time.process_time() - began) * 60)
        transactions += report.transactions
        checked += report.invariants_checked
        breaches += report.breach_count
    return {
        "account_years_per_minute": round(median(rates)),
        "rounds": [round(rate) for rate in rates],
        "transactions_per_account_year": round(transactions / (ROUNDS * ACCOUNTS * DAYS / 365.25)),
        "invariants_checked": checked,
        "breaches": breaches,
    }


def main() -> int:
    """One JSON object; exit code 1 below the floor, or if an invariant broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the JSON object, on one line")
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    tune_for_batches()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**9)
    ordinary, troubled = measure(ORDINARY, seed), measure(TROUBLED, seed)
    figures = {
        "seed": seed,
        "accounts": ACCOUNTS,
        "days": DAYS,
        "python": platform.python_version(),
        **ordinary,
        "troubled": troubled,
        "floor": FLOOR,
        "goal": GOAL,
        "holds": ordinary["account_years_per_minute"] >= FLOOR and not ordinary["breaches"] + troubled["breaches"],
    }
    sys.stdout.write(json.dumps(figures, indent=None if options.json else 2) + "\n")
    return 0 if figures["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
