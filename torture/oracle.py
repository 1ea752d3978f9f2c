"""`python -m torture.oracle`: the engine against a second implementation of the specification's section 3, over random
histories, each from its number.

What they disagree about goes to standard error with the number of the history; `--one NUMBER` plays that one alone and
shows its journal. From 90,000,000 on each history is about one thing (`tests.oracle.histories.THEMES`).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from typing import Final

from tests.oracle.histories import played

from arrears.cli.common import tune_for_batches

SHOWN: Final = ("Restricted", "Disabled", "DeletionOrdered", "Noticed", "HoldPlaced", "DoubtRaised", "NoticeBounced")


def main() -> int:
    """One JSON object; exit code 1 if anything differed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="how many histories")
    parser.add_argument("--seed", type=int, default=0, help="the first one's number; the others follow")
    parser.add_argument("--one", type=int, help="show the journal of this one")
    options = parser.parse_args()
    tune_for_batches()
    if options.one is not None:
        return _show(options.one)
    began, kinds, found = time.monotonic(), Counter[str](), 0
    for number in range(options.seed, options.seed + options.count):
        game = played(number)
        kinds.update(type(r.fact).__name__ for r in game.history)
        found += bool(game.said)
        for what in game.said[:3]:
            sys.stderr.write(f"{number}: {what}\n")
    figures = {"histories": options.count, "seed": options.seed, "disagreeing": found}
    figures |= {name: kinds[name] for name in SHOWN} | {"seconds": round(time.monotonic() - began)}
    sys.stdout.write(json.dumps(figures) + "\n")
    return bool(found)


def _show(number: int) -> int:
    game = played(number)
    lines = [str(game.plot)]
    lines += [f"{r.seq} {r.at.isoformat(' ', 'minutes')} {r.fact}" for r in game.history]
    sys.stdout.write("\n".join([*lines, *game.said]) + "\n")
    return bool(game.said)


if __name__ == "__main__":
    sys.exit(main())
