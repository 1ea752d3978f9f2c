"""Made-up deletions by the thousand, each account from its number: people who do not pay and much that goes wrong on
the way, until what is left unpaid is gone. `python -m torture.deletion --count N --seed S`.

What may be deleted, and on which day at the earliest, is said by the second implementation of the specification
(tests/oracle), which reads the journal and nothing else; whatever it calls early, held, in doubt or not owed is a wrong
deletion. A deletion that the look before its order has kept back is counted too: the engine or that look is wrong then.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from tests.oracle.histories import Game
from tests.stories.play import DAYS, POLICIES, ZONES, Move, Plot

from arrears.cli.common import tune_for_batches
from arrears.core import facts as f
from arrears.core.calendar import calendar_of
from arrears.engine import commands

SERVICES_MAX: Final = 10
MOVES: Final = (
    *("bill", "bill", "pay", "hold", "hold", "hold", "release", "dispute", "dispute", "release", "doubt", "clear"),
    *("bounce", "bounce", "mail server", "mail", "services", "services", "stand still", "confirm", "tell"),
    *("reopen", "decline", "cancel", "block", "unblock", "move", "feed", "write off", "send money"),
)
HOURS: Final = (1, 7, 24, 24 * 3, 24 * 7, 24 * 20, 24 * 30, 24 * 45)
CALM_DAYS: Final = 230
"""Long enough for each policy: what is then unpaid has been disabled, kept, and deleted."""


class YearOfDeletions(Game):
    """An account of several services that mostly is not paid."""

    def __init__(self, plot: Plot, services: int, invoices: int) -> None:
        self.services = tuple(f"service-{n}" for n in range(1, services + 1))
        self.invoices = invoices
        super().__init__(plot)
        for number in range(1, invoices):
            self._bill(number, 5 + 3 * number)

    def _judged(self, now: datetime, after_run: bool) -> None:
        """What was decided is judged, each fact of it; what is left undone is not asked for here, which takes as long
        as all the rest."""
        if after_run:
            self.read(after_run=True)

    def _bill(self, pick: int, many: int) -> None:
        """An invoice for every so many services, from one of them on; of the first ones each has its own part."""
        self.count += 1
        every = self.invoices if self.count <= self.invoices else 1 + many % len(self.services)
        today = calendar_of(self.account.terms.zone).local_day(self.now)
        due_on = today + timedelta(days=many - 5)
        subs = tuple(range(1 + pick % len(self.services), len(self.services) + 1, every))
        minor = (12_000, 150, 9_500)[many % 3]
        invoice = commands.Invoice(1, f"I{self.count}", "EUR", minor, min(today, due_on), due_on, subs)
        commands.issue_invoices(self.store, [invoice], self.now, "api:1")


class Judged(NamedTuple):
    """One account to its end: how many deletions were ordered, what was wrong about them, why others were kept back,
    and what else differs from the text."""

    deletions: int
    wrong: list[str]
    kept_back: list[str]
    differing: list[str]


def judged(number: int) -> Judged:
    """The account of a number, played to its end."""
    dice = random.Random(number)
    policies = [n for n, policy in enumerate(POLICIES) if policy.retention_days and policy.disable_after_days]
    moves = tuple(
        Move(dice.choice(HOURS), dice.choice(MOVES), dice.randint(0, 5), dice.randint(0, 40))
        for _ in range(dice.choice((0, 1, 2, 3, 5, 8)))
    )
    start = dice.choice(DAYS) + timedelta(days=dice.randint(-4, 4))
    plot = Plot(dice.choice(ZONES), dice.choice(policies), start, moves)
    services = dice.randint(1, SERVICES_MAX)
    game = YearOfDeletions(plot, services, dice.randint(1, services))
    game.play()
    if dice.random() < 0.8:
        game.stage.until(game.now + timedelta(hours=dice.choice((0, 4, 30))))
        game.release_everything()
    game.calm(CALM_DAYS)
    game.read()
    orders = [r for r in game.history if isinstance(r.fact, f.DeletionOrdered)]
    about = {f"fact {r.seq}:" for r in game.history if isinstance(r.fact, f.DeletionOrdered | f.DeletionScheduled)}
    kept_back = [r.fact.why for r in game.history if isinstance(r.fact, f.Parked)]
    wrong = [said for said in game.said if said.startswith(tuple(about))]
    return Judged(len(orders), wrong, kept_back, [said for said in game.said if said not in wrong])


def pieces(said: Path) -> Iterator[dict[str, int]]:
    """What was counted before, a line each."""
    if said.exists():
        for line in said.read_text().splitlines():
            yield json.loads(line)


def simulate(count: int, seed: int, said: Path | None, seconds_max: float) -> int:
    """Deletions until there are so many, with those that `said` has from before, or until the time is over. Figures of
    each hundred accounts are added to `said`, so that the next run goes on behind them. One JSON object; exit code 1
    where something is wrong."""
    tune_for_batches()
    began, totals = time.monotonic(), Counter[str]()
    for piece in pieces(said) if said is not None else ():
        totals.update({name: value for name, value in piece.items() if name != "seed"})
        seed = piece["seed"] + piece["accounts"]
    while totals["deletions"] < count and time.monotonic() - began < seconds_max:
        piece = _piece(seed, min(100, count - totals["deletions"]))
        totals.update({name: value for name, value in piece.items() if name != "seed"})
        seed += piece["accounts"]
        if said is not None:
            with said.open("a") as file:
                file.write(json.dumps(piece) + "\n")
    sys.stdout.write(json.dumps({"next_seed": seed, **dict(sorted(totals.items()))}) + "\n")
    return int(totals["wrong"] + totals["kept_back"] > 0)


def _piece(seed: int, accounts: int) -> dict[str, int]:
    found = Counter[str](accounts=0, deletions=0, wrong=0, kept_back=0, differing=0)
    began = time.process_time()
    for number in range(seed, seed + accounts):
        one = judged(number)
        found["accounts"] += 1
        found["deletions"] += one.deletions
        for name, said in (("wrong", one.wrong), ("kept_back", one.kept_back), ("differing", one.differing)):
            found[name] += len(said)
            if said:
                sys.stderr.write(f"{number}: {name}: {said[0]}\n")
    return {"seed": seed, **found, "processor_ms": round(1000 * (time.process_time() - began))}
