"""One seed, one log of facts, on either store: a world is played from its first day to its last, and reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from arrears.core import facts as f
from arrears.core.invariants import Breach
from arrears.ports import Store
from arrears.sim.people import TROUBLED, Mix
from arrears.sim.world import START, World

__all__ = ["START", "SimulationReport", "simulate"]


@dataclass(frozen=True, slots=True)
class SimulationReport:
    """What happened in a world. `transactions` counts each account that one touched. `invariants_checked` counts checks
    of one account against every invariant: one for each of these, one for each whole-state check. `breach_count` counts
    all breaches, `breaches` keeps the first hundred."""

    accounts: int
    days: int
    seed: int
    facts: int
    transactions: int
    invoices: int
    payments: int
    notices: int
    disabled: int
    resumed: int
    deleted: int
    invariants_checked: int
    breaches: tuple[Breach, ...]
    breach_count: int
    wrongful_disablements: tuple[str, ...]
    wrongful_deletions: tuple[str, ...]
    digest: str
    characters: dict[str, int]
    faults: dict[str, int]

    @property
    def account_years(self) -> float:
        """Accounts times days, in years of 365.25 days."""
        return self.accounts * self.days / 365.25

    @property
    def holds(self) -> bool:
        """Whether nothing was broken and nobody was wronged."""
        return not (self.breach_count or self.wrongful_disablements or self.wrongful_deletions)


def simulate(
    store: Store,
    accounts: int,
    days: int,
    seed: int,
    *,
    mix: Mix = TROUBLED,
    full_check_every: int = 30,
    progress: Callable[[int], None] | None = None,
) -> SimulationReport:
    """Play `days` days of `accounts` accounts in an empty store, with people as in `mix`. The whole state is checked
    every `full_check_every` days and at the end; `progress` is told the days that have passed."""
    world = World(store, accounts, days, seed, mix)
    world.open()
    checked_at = passed = 0
    while True:
        at = world.next_event()
        if at is None:
            break
        world.instant(at)
        day = min((world.stage.now - START).days, days)
        if day >= checked_at + full_check_every:
            checked_at = day
            world.checker.whole_state()
        if progress is not None and day > passed:
            passed = day
            progress(day)
    world.stage.until(max(world.stage.now, world.end))
    world.checker.whole_state()
    world.compare_services()
    world.judge_days()
    return _report(world)


def _report(world: World) -> SimulationReport:
    kinds, checker = world.checker.kinds, world.checker
    seen = {**world.faults, "mail refused": world.channel.refused, "mail of unknown fate": world.channel.unknown}
    return SimulationReport(
        accounts=len(world.people),
        days=world.days,
        seed=world.seed,
        facts=kinds.total(),
        transactions=checker.transactions,
        invoices=kinds[f.InvoiceIssued],
        payments=kinds[f.PaymentBooked],
        notices=kinds[f.Noticed],
        disabled=kinds[f.Disabled],
        resumed=kinds[f.Resumed],
        deleted=kinds[f.DeletionOrdered],
        invariants_checked=checker.checked,
        breaches=tuple(checker.breaches),
        breach_count=checker.breach_count,
        wrongful_disablements=tuple(world.wrongful_disablements),
        wrongful_deletions=tuple(world.wrongful_deletions),
        digest=world.inner.digest(),
        characters=dict(Counter(p.character for p in world.people.values())),
        faults={**seen, "orders that took time": world.services.slow},
    )
