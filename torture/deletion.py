"""`python -m torture.deletion`: mistakes that would delete too early or the wrong thing, put back one at a time.

Each plays the story in which it does harm, on the real engine, and must be named by the invariants that `arrears check`
asks, or the account set aside with a task; without it the same story has nothing to name. Of what is also kept from
being ordered at all it says so.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple

from tests.stories.story import Story

from arrears.core import acknowledging, deadlines
from arrears.core import facts as f
from arrears.core.account import Action, DoubtKind, ServiceEnd, Stop, Subscription
from arrears.core.calendar import calendar_of
from arrears.core.deadlines import Ahead
from arrears.core.rules import delete
from arrears.core.view import Due, Rank, View
from arrears.engine import acting
from arrears.engine.run import Limits
from torture.put_back import Fault, Swap, put_back

ONE_DAY: Final = timedelta(days=1)
LAST: Final = 140
"""A day of the story by which everything that will be deleted is."""


def unpaid() -> Story:
    """Nobody pays, and everything is told in time: deletion on day 120, ordered a day later."""
    return Story().until(LAST)


def in_honolulu() -> Story:
    """The same, where the day ends half a day later than in UTC."""
    return Story(zone="Pacific/Honolulu").until(LAST)


def held_before_the_order() -> Story:
    """Scheduled, and then held until day 130."""
    story = Story().until(121)
    story.hold(130, stops=(Stop.DELETE,))
    return story.until(LAST)


def in_doubt_before_the_order() -> Story:
    """Scheduled, and then a payment that nobody knows the outcome of."""
    return Story().until(121).doubt(DoubtKind.ATTEMPT).until(LAST)


def disputed_before_the_order() -> Story:
    """Scheduled, and then the customer objects to the invoice."""
    story = Story().until(121)
    story.dispute()
    return story.until(LAST)


def unheard() -> Story:
    """From the stop on no mail server takes anything."""
    story = Story().until(40)
    story.mail.works = False
    return story.until(LAST)


def capped() -> Story:
    """No deletion is ordered by itself: each waits for two members of staff."""
    return Story(limits=Limits(deletions_per_day=0)).until(LAST)


def acknowledged_late() -> Story:
    """The service says only on day 50 that it has stopped."""
    story = Story()
    story.hands.busy = True
    story.until(50)
    story.hands.busy = False
    return story.until(LAST + 20)


def two_services() -> Story:
    """Two services, one invoice for both."""
    return Story(services=("cloud", "mail")).until(LAST)


class DeletionFault(NamedTuple):
    """What goes wrong, and the story in which that does harm."""

    fault: Fault
    story: Callable[[], Story]


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
    was = Ahead.acts_at.fget
    assert was is not None

    def acts_at(self: Ahead) -> datetime:
        return was(self) - timedelta(hours=hours if self.action is Action.DELETE else 0)

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
    was = acknowledging.service_ended_on
    return [(acknowledging, "service_ended_on", lambda *given: was(*given) + timedelta(days=days))]


def _zone(name: str) -> Sequence[Swap]:
    return [(deadlines, "calendar_of", lambda _zone: calendar_of(name))]


def _no_doubts() -> Sequence[Swap]:
    return [(View, "doubts", property(lambda _self: ()))]


def _no_cap() -> Sequence[Swap]:
    return [(acting, "_within_cap", lambda fact, _deletions: fact)]


def _evidence(**wrong: Any) -> Callable[[Any], f.Evidence]:
    def evidence(right: Any) -> f.Evidence:
        was = right.evidence
        return f.Evidence(**{**{name: getattr(was, name) for name in was.__struct_fields__}, **wrong})

    return evidence


def _case(what: str, story: Callable[[], Story], swaps: Callable[[], Sequence[Swap]]) -> DeletionFault:
    return DeletionFault(Fault(what, swaps), story)


FAULTS: Final = (
    _case("a deadline a day early", unpaid, lambda: _deadline_moved(-1)),
    _case("a deadline a week early", unpaid, lambda: _deadline_moved(-7)),
    _case("a plan a day early", unpaid, lambda: _planned_moved(-1)),
    _case("half of retention", unpaid, lambda: _planned_moved(-45)),
    _case("retention of no days", unpaid, lambda: _planned_moved(-90)),
    _case("it acts when the day begins, not when it ends", unpaid, lambda: _early(24)),
    _case("it acts an hour early", unpaid, lambda: _early(1)),
    _case("no cool-off", unpaid, lambda: _cool_off(0)),
    _case("a cool-off of 23 hours", unpaid, lambda: _cool_off(23)),
    _case("the second look misses a hold", held_before_the_order, _second_look),
    _case("the second look misses a doubt", in_doubt_before_the_order, _second_look),
    _case("the second look misses a dispute", disputed_before_the_order, _second_look),
    _case("the second look misses that it waits for a release", capped, _second_look),
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
)


NOT_NAMED: Final = (
    _case("retention begins before a service has confirmed its stop", acknowledged_late, lambda: _ended(-19)),
    _case("the evidence names no warning", unpaid, lambda: _ordered(evidence=_evidence(warning_accepted_at=None))),
)
"""Known, and seen by no invariant yet: the first says how long ago a stop was acknowledged, which is not compared with
when that was recorded; the second changes no day."""


def deletions(story: Story) -> int:
    """How many deletions were ordered."""
    return len(story.facts(f.DeletionOrdered))


def seen(one: DeletionFault) -> tuple[str, bool]:
    """What is named with the mistake in the code, empty for nothing; and whether fewer deletions were ordered than
    that mistake alone would."""
    with put_back(one.fault):
        try:
            story = one.story()
        except AssertionError as error:
            return f"stopped by our own check: {error}"[:120], True
        except Exception as error:
            return f"stopped: {type(error).__name__}: {error}"[:120], True
    named = [breach for breach in story.checker.breaches if breach.invariant]
    said = str(named[0]) if named else _set_aside(story)
    return said, deletions(story) == 0


def _set_aside(story: Story) -> str:
    """Which account the store would not write for, as the task about it says."""
    for seq in itertools.count(1):
        fact = story.store.system_fact(seq)
        if fact is None:
            return ""
        if isinstance(fact, f.AccountSetAside):
            return f"account {fact.account} is set aside: {fact.why}"
    raise AssertionError("without an end")


def main() -> int:
    """A line for each mistake; exit code 1 if one is not named, or something is named without one."""
    missed, stopped = 0, 0
    for story in {one.story for one in FAULTS}:
        if right := story().checker.breaches:
            sys.stdout.write(f"{story.__name__} is not right as it is: {right[0]}\n")
            missed += 1
    for one in FAULTS:
        began = time.monotonic()
        said, kept = seen(one)
        missed, stopped = missed + (not said), stopped + kept
        shown = f"{said or 'NOT NAMED'}{'; nothing was ordered' if kept else ''}"
        sys.stdout.write(f"{one.fault.what}\n    {shown} ({time.monotonic() - began:.1f} s)\n")
        sys.stdout.flush()
    for one in NOT_NAMED:
        sys.stdout.write(f"{one.fault.what}\n    {seen(one)[0] or 'known, and not named yet'}\n")
    sys.stdout.write(f"{len(FAULTS) - missed} of {len(FAULTS)} named; of {stopped} nothing was ordered\n")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
