"""`python -m torture.deletion`: mistakes that would delete too early or the wrong thing, put back one at a time.

Each plays the story in which it does harm, on the real engine. It must be stopped before the order is given, the
account set aside with a task that says why; and where nothing stops it, named by the invariants that `arrears check`
asks. Without it the same story has nothing to stop and nothing to name.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from msgspec.structs import replace
from tests.stories.story import Story

from arrears.core import acknowledging, deadlines
from arrears.core import facts as f
from arrears.core.account import Account, Action, ServiceEnd, Subscription
from arrears.core.calendar import calendar_of
from arrears.core.deadlines import Ahead
from arrears.core.decide import decide
from arrears.core.fold import decided as fold_decided
from arrears.core.fold.replacing import with_promise, with_subscription
from arrears.core.guards import Guards
from arrears.core.invariants import Breach, check_account
from arrears.core.policy import Policies
from arrears.core.rules import delete, hold, lapse, method
from arrears.core.unit import Unit
from arrears.core.view import Due, Rank, View, service_ended_on
from arrears.engine import acting, run
from arrears.ports import Batch
from torture import deletion_years
from torture.deletion_stories import (
    JUMP,
    acknowledged_late,
    blank,
    bounced_before_the_order,
    capped,
    clock_jumps,
    credit_before_the_order,
    disputed_before_the_order,
    doubted_at_the_deadline,
    held_before_the_order,
    held_inside_the_lead,
    in_doubt_before_the_order,
    in_honolulu,
    later_subscription,
    leap_day,
    one_clock,
    stale_before_the_order,
    two_services,
    unheard,
    unpaid,
)
from torture.put_back import Fault, Swap, put_back

ONE_DAY: Final = timedelta(days=1)


class DeletionFault(NamedTuple):
    """What goes wrong, the story in which that does harm, and what must be wrong as well for it to get as far as the
    look before the order."""

    fault: Fault
    story: Callable[[], Story]
    too: Callable[[], Sequence[Swap]] = list


# -- mistakes ----------------------------------------------------------------------------------------------------------


def _deadline_moved(days: int, *, without_lead: bool = False) -> Sequence[Swap]:
    was = Ahead._deadline

    def deadline(self: Ahead) -> date | None:
        if self.action is not Action.DELETE:
            return was(self)
        found = self.planned if without_lead else was(self)
        return None if found is None else found + timedelta(days=days)

    return [(Ahead, "_deadline", deadline)]


def _planned_moved(days: int) -> Sequence[Swap]:
    was = Ahead._planned

    def planned(self: Ahead) -> date | None:
        found = was(self)
        return found + timedelta(days=days) if found is not None and self.action is Action.DELETE else found

    return [(Ahead, "_planned", planned)]


def _early(hours: int) -> Sequence[Swap]:
    was: Any = Ahead.__dict__["acts_at"]

    def acts_at(self: Ahead) -> Any:
        return was.fget(self) - timedelta(hours=hours if self.action is Action.DELETE else 0)

    return [(Ahead, "acts_at", property(acts_at))]


def _cool_off(hours: int) -> Sequence[Swap]:
    return [(delete, "timedelta", lambda **_: timedelta(hours=hours))]


def _looks_once(view: View, sub: Subscription, end: ServiceEnd, at: datetime, one: Ahead | None) -> Iterator[Due]:
    """The second look that does not look."""
    found = one or next(iter(deadlines.ahead(view)), None)
    if found is not None:
        order = partial(delete._ordered, view, found, end.released)
        yield Due(at + timedelta(days=1), Rank.ESCALATION, sub.no, "delete", order)


def _second_look() -> Sequence[Swap]:
    return [(delete, "_second_look", _looks_once)]


def _ordered(**wrong: Any) -> Sequence[Swap]:
    was = delete._ordered

    def ordered(view: View, one: Ahead, released: bool) -> f.DeletionOrdered:
        right = was(view, one, released)
        said = {name: value(right) if callable(value) else value for name, value in wrong.items()}
        return f.DeletionOrdered(**{**{name: getattr(right, name) for name in right.__struct_fields__}, **said})

    return [(delete, "_ordered", ordered)]


def _scheduled(**wrong: Any) -> Sequence[Swap]:
    was = delete._scheduled

    def scheduled(view: View, one: Ahead) -> f.DeletionScheduled:
        right = was(view, one)
        said = {name: value(right) if callable(value) else value for name, value in wrong.items()}
        return f.DeletionScheduled(**{**{name: getattr(right, name) for name in right.__struct_fields__}, **said})

    return [(delete, "_scheduled", scheduled)]


def _ended(days: int) -> Sequence[Swap]:
    return [(acknowledging, "service_ended_on", lambda *given: service_ended_on(*given) + timedelta(days=days))]


def _zone(name: str) -> Sequence[Swap]:
    return [(deadlines, "calendar_of", lambda _zone: calendar_of(name))]


def _no_doubts() -> Sequence[Swap]:
    return [(View, "doubts", property(lambda _self: ()))]


def _no_gap() -> Sequence[Swap]:
    return [(run, "TICK_GAP_MAX", 1000 * ONE_DAY)]


def _no_skew() -> Sequence[Swap]:
    return [(run, "CLOCK_SKEW_MAX_SECONDS", float("inf"))]


def _no_cap() -> Sequence[Swap]:
    return [(acting, "_within_cap", lambda fact, _deletions: fact)]


def _voids_nothing(account: Account, number: int, action: Action, _: f.Recorded, *, doubted: bool) -> Account:
    sub = account.subscription(number)
    return with_subscription(account, with_promise(sub, action, replace(sub.promise(action), doubted=doubted)))


def _attr(place: Any, name: str, value: object) -> Callable[[], Sequence[Swap]]:
    return lambda: [(place, name, value)]


def _nothing_held() -> Sequence[Swap]:
    return [(Account, "debt_is_held", lambda _self, _no: False), (View, "holds_on", lambda *_: [])]


def _anybody() -> Sequence[Swap]:
    return [*((place, "unnamed", lambda *_: False) for place in (deadlines, lapse)), (Ahead, "_named", lambda _: False)]


def _evidence(**wrong: Any) -> Callable[[Any], f.Evidence]:
    def evidence(right: Any) -> f.Evidence:
        was = right.evidence
        return f.Evidence(**{**{name: getattr(was, name) for name in was.__struct_fields__}, **wrong})

    return evidence


def _case(
    what: str,
    story: Callable[[], Story],
    swaps: Callable[[], Sequence[Swap]],
    too: Callable[[], Sequence[Swap]] = list,
) -> DeletionFault:
    return DeletionFault(Fault(what, swaps), story, too)


FAULTS: Final = (
    _case("a deadline a day early", unpaid, lambda: _deadline_moved(-1)),
    _case("a deadline a week early", unpaid, lambda: _deadline_moved(-7)),
    _case("a plan a day early", unpaid, lambda: _planned_moved(-1)),
    _case("half of retention", unpaid, lambda: _planned_moved(-45)),
    _case("retention of no days", unpaid, lambda: _planned_moved(-90)),
    _case("it acts when the day begins, not when it ends", unpaid, lambda: _early(24), _second_look),
    _case("it acts an hour early", unpaid, lambda: _early(1), _second_look),
    _case("no cool-off", unpaid, lambda: _cool_off(0)),
    _case("a cool-off of 23 hours", unpaid, lambda: _cool_off(23)),
    _case("the second look misses a hold", held_before_the_order, _second_look),
    _case("the second look misses a doubt", in_doubt_before_the_order, _second_look),
    _case("the second look misses a dispute", disputed_before_the_order, _second_look),
    _case("the second look misses that it waits for a release", capped, _second_look, _no_cap),
    _case("a payment in flight is no doubt", in_doubt_before_the_order, _no_doubts),
    _case("warnings that nobody has got count", unheard, lambda: _deadline_moved(0, without_lead=True)),
    _case("the order is of the generation before", unpaid, lambda: _ordered(generation=lambda right: 0)),
    _case("the order is of the generation after", unpaid, lambda: _ordered(generation=lambda r: r.generation + 1)),
    _case("the order is to another service", unpaid, lambda: _ordered(service="mail")),
    _case("the order has the number of the one before", unpaid, lambda: _ordered(order_no=lambda r: r.order_no - 1)),
    _case("the order leaves a number out", unpaid, lambda: _ordered(order_no=lambda r: r.order_no + 1)),
    _case("released by nobody", capped, lambda: [*_ordered(released=True), *_second_look()]),
    _case("the day's cap is not asked", capped, _no_cap),
    _case("scheduled for the generation before, on a day before", unpaid, lambda: _scheduled(on=date(2026, 3, 1))),
    _case("retention begins a day before the stop", unpaid, lambda: _ended(-1)),
    _case("nothing of retention but the lead", unpaid, lambda: _deadline_moved(-83)),
    _case(
        "the order is about the other of two", two_services, lambda: _ordered(subscription=lambda r: 3 - r.subscription)
    ),
    _case("retention begins a month before the stop", unpaid, lambda: _ended(-30)),
    _case("the days of another zone", in_honolulu, lambda: _zone("Pacific/Kiritimati")),
    _case("the evidence names no debt", unpaid, lambda: _ordered(evidence=_evidence(owing=()))),
    _case("the evidence names no debt, when scheduled", unpaid, lambda: _scheduled(evidence=_evidence(owing=()))),
    _case("the evidence names another policy", unpaid, lambda: _ordered(evidence=_evidence(policy="none"))),
    _case("both of two are given the number of one", two_services, lambda: _ordered(subscription=1)),
    _case("retention begins before a service has confirmed its stop", acknowledged_late, lambda: _ended(-19)),
    _case("the evidence names no warning", unpaid, lambda: _ordered(evidence=_evidence(warning_accepted_at=None))),
    _case("the 29th of February is no day", leap_day, lambda: _planned_moved(-1)),
    _case("a credit of the bank is no doubt", credit_before_the_order, _no_doubts),
    _case("an old feed is no doubt", stale_before_the_order, _no_doubts),
    _case("what came back still counts", bounced_before_the_order, _attr(fold_decided, "came_back", lambda p, *_: p)),
    _case(
        "a hold that ends inside the lead voids nothing", held_inside_the_lead, _attr(hold, "_voided", lambda *_: ())
    ),
    _case(
        "a doubt at the deadline voids nothing", doubted_at_the_deadline, _attr(fold_decided, "void", _voids_nothing)
    ),
    _case("who answers for the account alone is deleted", one_clock, _anybody),
    _case("an import has lost the dispute", disputed_before_the_order, _nothing_held),
    _case("no method is given to a later subscription", later_subscription, _attr(method, "stand_in", lambda *_: None)),
    _case("retention is blank", blank, list),
    _case("a clock that jumps by 91 days is not suspected", clock_jumps, _no_gap, _no_skew),
)


def deletions(story: Story) -> int:
    """How many deletions were ordered."""
    return len(story.facts(f.DeletionOrdered))


def _lenient(unit: Unit, policies: Policies, guards: Guards, **given: Any) -> None:
    """Decide a few times and leave it at that, where the engine would see that an account never comes to rest."""
    for _ in range(3):
        decision = decide(policies, unit.account, guards, unit.now)
        for fact in decision.facts:
            unit.record(acting._within_cap(fact, given.get("deletions")))
        if decision.at_rest:
            unit.next_at = decision.next_at
            return
    unit.next_at = None


class Seen(NamedTuple):
    """What became of a mistake: what kept it from being ordered (empty: nothing did), and which invariant names it
    where nothing does (empty: none)."""

    stopped_by: str
    named_by: str


def seen(one: DeletionFault) -> Seen:
    """One mistake twice: as the engine is, and with nothing between the decision and the order, so that what
    `arrears check` asks is all that is left."""
    with put_back(one.fault):
        story = one.story()
    why = [r.fact.why for r in story.history() if isinstance(r.fact, f.Parked)]
    why += [fact.why for fact in story.inner.system_facts if isinstance(fact, f.ClockSuspected)]
    stopped = why[0] if why and not deletions(story) else ""
    looks: list[Breach] = []

    def look(batch: Batch, deleted: Sequence[Unit], policies: Policies, _: object) -> None:
        for unit in deleted:
            history = [*batch.audited(unit.no), *(stored.recorded for stored in unit.stored)]
            looks.extend(b for b in check_account(unit.account, history, policies, unit.now) if b.invariant != "I18")

    unguarded = Fault("", lambda: [(run, "_look_again", look), (run, "decide_until_rest", _lenient), *one.too()])
    with put_back(one.fault), put_back(unguarded):
        story = one.story()
    said = [breach for breach in (*looks, *story.checker.breaches) if "parked" not in breach.what]
    if one.story is clock_jumps:
        # Asked by the right clock.
        said += check_account(story.account, story.history(), story.store.policies(), story.now - JUMP)
    return Seen(stopped, str(said[0].invariant + ": " + said[0].what) if said else "")


def main() -> int:
    """With `--count` deletions in made-up years; else a line for each mistake. Exit code 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, help="instead: so many deletions in made-up years")
    parser.add_argument("--seed", type=int, default=1, help="the first account's number; the others follow")
    parser.add_argument("--into", type=Path, help="a file to which figures are added; the next run goes on behind them")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    options = parser.parse_args()
    if options.count is not None:
        return deletion_years.simulate(options.count, options.seed, options.into, options.seconds)
    return tell()


def tell() -> int:
    """A line for each mistake; exit code 1 if one is not stopped or not named, or something is without one."""
    stories = {one.story for one in FAULTS}
    wrong = 0
    for story in stories - {blank}:
        if right := story().checker.breaches:
            sys.stdout.write(f"{story.__name__} is not right as it is: {right[0]}\n")
            wrong += 1
    found: list[Seen] = []
    for one in FAULTS:
        found.append(seen(one))
        by, name = (said or "NOT" for said in found[-1])
        sys.stdout.write(f"{one.fault.what}\n    stopped: {by}\n    named: {name}\n")
        sys.stdout.flush()
    stopped, named = sum(bool(one.stopped_by) for one in found), sum(bool(one.named_by) for one in found)
    sys.stdout.write(f"of {len(FAULTS)}: {stopped} stopped before the order, {named} named\n")
    return int(wrong > 0 or min(stopped, named) < len(FAULTS))


if __name__ == "__main__":
    sys.exit(main())
