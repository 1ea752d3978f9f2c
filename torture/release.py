"""`python -m torture.release --hours 2`: every torture in turn, in pieces that add up over days and machines.

Each piece is one of the other tortures with the next seed. What it found is added to a file (`--into`), which also says
which seed is next, so a run may be broken off at any moment and gone on with elsewhere; `--show` prints what there is.
Where nothing went wrong in n trials, the chance of it in one is below 3/n, with 95 % confidence (the rule of three).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from torture.nursery import ROOT

PIECE_SECONDS_MAX: Final = 1800


class Piece(NamedTuple):
    """One torture: its arguments without the seed, by how much the seed moves on, its part of the time, and which of
    its figures count towards which goal."""

    module: str
    arguments: str
    seeds: int
    share: float
    counts: Mapping[str, Sequence[str]]


PIECES: Final = {
    "simulate": Piece("simulate", "--json --count 40", 40, 3, {"account-years": ["account_years"]}),
    "money": Piece("money", "--json --count 400 --rounds 1", 1, 2, {"settlement attempts": ["settlements"]}),
    "money in any order": Piece("money", "--json --worlds 20", 20, 2, {"settlement attempts": ["settlements"]}),
    "workers": Piece(
        "worker",
        "--json --count 60",
        1,
        2,
        {"worker kills": ["kills", "failpoint_kills"], "database crashes": ["database_kills"]},
    ),
    "restarts": Piece("restarts", "--json --count 5", 0, 1, {"database crashes": ["restarts"]}),
    "deletions": Piece("deletion", "--count 2000", 2000, 2, {"deletions": ["deletions"]}),
    "second implementation": Piece("oracle", "--count 500", 500, 2, {"histories": ["histories"]}),
    "orders": Piece("orders", "--json --count 1 --accounts 6 --hours 10 --kills 10", 1, 1, {"orders": ["orders"]}),
    "bank": Piece("bank", "--worlds 5", 5, 1, {"bank worlds": ["worlds"]}),
    "mail": Piece("notices", "--json --mixes 1", 1, 1, {"years of mail": ["mixes"]}),
}
GOALS: Final = {
    "account-years": 1_000_000,
    "settlement attempts": 10_000_000,
    "worker kills": 20_000,
    "database crashes": 3_000,
    "deletions": 100_000,
}
"""What a release is to reach, over all its pieces."""
FIRST_SEED: Final = 40_000_000
"""Far from those that other runs have used."""


@dataclass
class Kept:
    """What is known of one piece. `wrong` are the seeds at which it failed, with the end of what it said."""

    next_seed: int = FIRST_SEED
    runs: int = 0
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    wrong: list[dict[str, Any]] = field(default_factory=list)

    def add(self, piece: Piece, seed: int, code: int, said: str, seconds: float) -> None:
        """What one run of it came to."""
        figures = last_object(said)
        for goal, names in piece.counts.items():
            self.counts[goal] = self.counts.get(goal, 0) + sum(int(figures.get(name, 0)) for name in names)
        if code != 0:
            self.wrong.append({"seed": seed, "code": code, "said": said.strip()[-400:]})
        self.next_seed, self.runs, self.seconds = seed + piece.seeds, self.runs + 1, round(self.seconds + seconds, 1)


def last_object(said: str) -> dict[str, Any]:
    """The last JSON object that a torture printed, on one line or on several; empty where there is none."""
    decoder = json.JSONDecoder()
    found: dict[str, Any] = {}
    at = said.find("{")
    while at >= 0:
        try:
            one, end = decoder.raw_decode(said, at)
        except ValueError:
            at = said.find("{", at + 1)
            continue
        found = one if isinstance(one, dict) else found
        at = said.find("{", end)
    return found


def next_piece(kept: Mapping[str, Kept]) -> str:
    """The one that has had least of its part of the time."""
    return min(PIECES, key=lambda name: kept[name].seconds / PIECES[name].share)


def table(kept: Mapping[str, Kept]) -> str:
    """What was reached, for the README."""
    reached: Counter[str] = Counter()
    for one in kept.values():
        reached.update(one.counts)
    wrong = sum(len(one.wrong) for one in kept.values())
    lines = ["| what | reached | goal of a release | where nothing went wrong: chance below |", "|---|---|---|---|"]
    for what, count in reached.items():
        bound = f"{3 / count:.1e}" if count else ""
        goal = f"{GOALS[what]:,}" if what in GOALS else ""
        lines.append(f"| {what} | {count:,} | {goal} | {bound} |")
    hours = sum(one.seconds for one in kept.values()) / 3600
    return "\n".join(
        [*lines, "", f"{sum(one.runs for one in kept.values())} pieces, {hours:.1f} hours, {wrong} wrong."]
    )


def read(path: Path) -> dict[str, Kept]:
    """What is kept there; of a piece that is new, nothing."""
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {name: Kept(**found.get(name, {})) for name in PIECES}


def write(path: Path, kept: Mapping[str, Kept]) -> None:
    """Keep it, whole or not at all."""
    part = path.with_suffix(".new")
    part.write_text(json.dumps({name: asdict(one) for name, one in kept.items()}, indent=1) + "\n", encoding="utf-8")
    part.replace(path)


def run_one(name: str, kept: Kept) -> None:
    """Run the next of a piece, in a process of its own."""
    piece, seed, began = PIECES[name], kept.next_seed, time.monotonic()
    numbered = ["--seed", str(seed)] if piece.seeds else []
    command = [sys.executable, "-m", f"torture.{piece.module}", *piece.arguments.split(), *numbered]
    try:
        ended = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=PIECE_SECONDS_MAX, check=False
        )
        code, said = ended.returncode, ended.stdout + ended.stderr
    except subprocess.TimeoutExpired:
        code, said = -1, f"not within {PIECE_SECONDS_MAX} seconds"
    kept.add(piece, seed, code, said, time.monotonic() - began)


def main() -> int:
    """The table; exit code 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=2.0, help="begin nothing new after so long")
    parser.add_argument("--into", type=Path, default=Path("release.json"), help="the file that it adds up in")
    parser.add_argument("--show", action="store_true", help="run nothing")
    options = parser.parse_args()
    kept = read(options.into)
    over = time.monotonic() + options.hours * 3600
    while not options.show and time.monotonic() < over:
        name = next_piece(kept)
        run_one(name, kept[name])
        write(options.into, kept)
        one = kept[name]
        sys.stderr.write(f"{name}: seed {one.next_seed}, {one.counts}, {len(one.wrong)} wrong\n")
    sys.stdout.write(table(kept) + "\n")
    return 1 if any(one.wrong for one in kept.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
