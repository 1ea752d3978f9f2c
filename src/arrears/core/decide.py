"""The decision: what is due for one account now, and when to look again.

A pure function. The caller records the facts, folds them into the account and asks again until nothing is due;
`next_at` is then the only column the collections run needs to know.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from arrears.core.account import Account
from arrears.core.facts import DateMoved, Disabled, Fact, Noticed, NoticePart, notice_of
from arrears.core.guards import Guards
from arrears.core.policy import Policies
from arrears.core.rules import RULES, Rule
from arrears.core.view import IMMEDIATELY, ONE_DAY, Due, Rank, View


class Decision(NamedTuple):
    """The facts to record now (none if nothing is due), and the instant to look again (None: only when asked).

    `at_rest`: when these facts are recorded nothing more is due now, and nothing will be before `next_at`, so there
    is no need to ask again. Otherwise record, fold, and ask again.
    """

    facts: tuple[Fact, ...]
    next_at: datetime | None
    at_rest: bool = True


BY_DAY: Final = timedelta(hours=12)
"""So long after 09:00 what is late still leaves at once; later it waits for the next 09:00."""

NOTHING = Decision((), None)
_QUIET: Final = frozenset({Noticed, DateMoved, Disabled})
"""Facts after which nothing is due at once: they wait for an answer from outside, or only say a day."""


def decide(
    policies: Policies,
    account: Account,
    guards: Guards,
    now: datetime,
    *,
    rules: Sequence[Rule] = RULES,
    only_consequences: bool = False,
) -> Decision:
    """What the rules propose for `now`: the earliest group of proposals that is due.

    With `only_consequences` just what must hold in every committed state (credit, causes, dates), and what is told at
    once: for commands, which leave everything that waits for an hour to the collections run.
    """
    if account.parked:
        return NOTHING
    view = View(policies, account, guards, now)
    decision = _decided(view, now, rules, only_consequences)
    # It and what lies ahead of it name each other: they would stay until the garbage collector comes.
    view.ahead = None
    return decision


def _decided(view: View, now: datetime, rules: Sequence[Rule], only_consequences: bool) -> Decision:
    ready: list[tuple[datetime, Due]] = []
    next_at: datetime | None = None
    notice = Rank.NOTICE
    for rule in rules:
        for due in rule(view):
            at = _window(view, due) if due.rank == notice else due.at
            if at <= now and not (only_consequences and not _is_consequence(due)):
                ready.append((at, due))
            elif next_at is None or at < next_at:
                next_at = at
    if not ready:
        return Decision((), next_at)
    ready.sort(key=_order)
    first_at, first = ready[0]
    if first.rank == Rank.NOTICE:
        # It leaves now, whenever it was due: what has become of holds and promises to pay by now is seen before it.
        first_at, first = next(((at, due) for at, due in ready if due.rank == Rank.HOLD), ready[0])
    if first.rank == Rank.NOTICE:
        group = [d for _, d in ready if d.rank == Rank.NOTICE]
        facts: tuple[Fact, ...] = (_one_message(view, group),)
    else:
        group = [d for at, d in ready if at == first_at and d.rank == first.rank]
        facts = tuple([_fact(d) for d in group])
    if len(group) < len(ready) or not all(_is_quiet(fact, now) for fact in facts):
        return Decision(facts, None, at_rest=False)
    # What follows from these is never due before the next morning: the next rung, the telling, a warning anew.
    look_at = view.next_morning(now)
    if look_at == now:
        look_at = view.morning(view.today + ONE_DAY)
    return Decision(facts, look_at if next_at is None else min(next_at, look_at))


def _is_quiet(fact: Fact, now: datetime) -> bool:
    """Whether nothing is due at once after this; what was cut so late that its morning is over is told at once."""
    return type(fact) in _QUIET and not (isinstance(fact, Disabled) and fact.tell_at <= now)


def _order(timed: tuple[datetime, Due]) -> tuple[datetime, int, int, str]:
    at, due = timed
    return at, due.rank, due.subject, due.label


def outlook(view: View, rules: Sequence[Rule] = RULES) -> list[tuple[datetime, Due]]:
    """Everything that lies ahead, in the order it would happen, each with the instant it may happen."""
    timed = [(_window(view, due) if due.rank == Rank.NOTICE else due.at, due) for rule in rules for due in rule(view)]
    timed.sort(key=_order)
    return timed


def _is_consequence(due: Due) -> bool:
    return due.at == IMMEDIATELY and (due.rank != Rank.NOTICE or due.at_once)


def _window(view: View, due: Due) -> datetime:
    """Messages go out from 09:00 on, at most one a local day; what is left over waits for the next 09:00."""
    if due.at_once:
        return due.at
    at = due.at
    if at < view.now:
        # What a doubt, a hold or an outage kept back leaves by day, and never at night.
        morning = view.morning(view.today)
        if view.now < morning:
            at = morning
        elif view.now >= morning + BY_DAY:
            at = view.morning(view.today + ONE_DAY)
    noticed_on = view.account.noticed_on
    if noticed_on is not None and at < view.calendar.end_of_day(noticed_on):
        at = view.morning(noticed_on + ONE_DAY)
    return at


def _fact(due: Due) -> Fact:
    fact = due.build()
    assert isinstance(fact, Fact), fact
    return fact


def _one_message(view: View, dues: Sequence[Due]) -> Noticed:
    return notice_of(view.today, [_part(due) for due in dues], all(due.at_once for due in dues))


def _part(due: Due) -> NoticePart:
    part = due.build()
    assert not isinstance(part, Fact), part
    return part
