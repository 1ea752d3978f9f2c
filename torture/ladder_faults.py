"""Each fault of the ladder that was once found, put back for one world: the world's own reckoning of every action's
day (`arrears.sim.ladder`), an invariant, or the oracle of the text beside it, must see every one of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

from msgspec.structs import replace
from tests.oracle.histories import THEMED, disagreements

from arrears.core import deadlines
from arrears.core.account import HoldScope
from arrears.core.deadlines import Ahead
from arrears.core.promises import Promise
from arrears.core.rules import hold, remind, warn
from arrears.core.view import View
from arrears.core.working_days import stop_day
from arrears.sim.people import drawn_mix
from arrears.sim.simulate import simulate
from arrears.store.memory.store import MemoryStore
from torture import put_back
from torture.put_back import Fault, Found, Swap

ACCOUNTS, DAYS, HISTORIES = 12, 400, 20
ONE_DAY: Final = timedelta(days=1)


def _voids_nothing() -> Sequence[Swap]:
    was = hold._voided
    return [(hold, "_voided", lambda view, one, at: () if one.scope is HoldScope.DEBT else was(view, one, at))]


def _warns_meanwhile() -> Sequence[Swap]:
    """The rule asks for the holds without the debt."""
    was = Ahead._leading

    def leading(self: Ahead) -> Any:
        return [(debt, [h for h in holds if h.scope is not HoldScope.DEBT]) for debt, holds in was(self)]

    return [(Ahead, "_leading", leading)]


def _sent_is_promised() -> Sequence[Swap]:
    """What a hold has moved is measured by the latest day that any warning named, whether or not somebody got it."""

    def named(promise: Promise) -> Promise:
        return replace(promise, promised_on=max((s.promised_on for s in promise.sent), default=None))

    return [(hold, "_of_the_first", named)]


def _later_debts_are_silent() -> Sequence[Swap]:
    was = remind._left
    return [(remind, "_left", lambda view: [one for one in was(view) if one[0] is remind._oldest(view)])]


def _deletes_what_nothing_names() -> Sequence[Swap]:
    return [(deadlines, "unnamed", lambda *_: False), (Ahead, "_named", lambda _self: False)]


def _deletes_what_a_dispute_names() -> Sequence[Swap]:
    return [(Ahead, "_named", lambda _self: False)]


def _taken_by_another_step() -> Sequence[Swap]:
    """A day that any warning has named, counted or not, is not named again."""

    def named(one: Ahead, _step: int) -> Any:
        day = one.announced_day
        assert day is not None
        while one.promise.accepted_at is None and any(s.promised_on == day for s in one.promise.sent):
            day = stop_day(one.policy, day + ONE_DAY)
        return day

    return [(warn, "_named_day", named)]


def _names_a_past_day() -> Sequence[Swap]:
    return [(Ahead, "announced_day", property(lambda self: self.stored_day))]


def _minimum_hides_holds() -> Sequence[Swap]:
    def enough(self: View, sub: Any) -> bool:
        sums: dict[str, int] = {}
        for debt in self.debts_of(sub):
            held = self.account.debt_is_held(debt.no)
            sums[debt.currency] = sums.get(debt.currency, 0) + (0 if held else debt.open_minor)
        return any(total >= self.policy.minimum_minor.get(code, 0) for code, total in sums.items())

    return [(View, "enough", enough)]


FAULTS: Final = (
    Fault("a hold on a debt voids no warning, and what it moved is done a week early", _voids_nothing, 12),
    Fault("a warning leaves during the hold on the debt that it follows", _warns_meanwhile),
    Fault("by the account's clock what only a disputed debt names is deleted", _deletes_what_a_dispute_names, 3),
    Fault("a day that a refused warning named is not free for another step", _taken_by_another_step, 2),
    Fault("what waits under doubt is told for a day that has passed", _names_a_past_day),
    Fault("a debt that is past due in an open case is first heard of with its stop", _later_debts_are_silent, 0),
    Fault("by the account's clock what no debt names is deleted", _deletes_what_nothing_names, 0),
    Fault("held debt does not count towards the minimum", _minimum_hides_holds, 0),
    Fault("a warning that was sent and not accepted counts as promised", _sent_is_promised, 58),
)


def seen(seed: int) -> str:
    """What is wrong in the world of this seed, or in random histories beside the second implementation of the text
    (`tests/oracle`), which also judges what letters name; empty where all is right."""
    numbers = range(HISTORIES * seed, HISTORIES * (seed + 1))
    for number in (*numbers, *(THEMED + number for number in numbers)):
        if said := disagreements(number):
            return f"history {number}: {said[0]}"
    try:
        report = simulate(MemoryStore(), ACCOUNTS, DAYS, seed, mix=drawn_mix(seed), full_check_every=100)
    except AssertionError as error:
        return f"stopped by our own check: {str(error)[:100]}"
    found = (*report.wrongful_deletions, *report.wrongful_disablements, *report.breaches)
    return str(found[0]) if found else ""


def found_by(fault: Fault, seeds: Iterable[int]) -> Found:
    """The first seed whose world is right as it is, and sees the fault; and what it saw."""
    for seed in seeds:
        with put_back.put_back(fault):
            said = seen(seed)
        if said and not seen(seed):
            return seed, said
    return None


def tell(seeds: Sequence[int]) -> bool:
    """One line for each fault, as it is tried; whether all were found."""
    return put_back.tell(FAULTS, seeds, found_by)
