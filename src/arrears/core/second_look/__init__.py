"""A second look at the order to delete, before it is given: does the journal alone allow it (spec, sections 3, 8)?

It stands between the rules and the order and shares nothing with them: not the folded account, not its promises, not
its deadlines. Whatever it misses in the journal keeps the order back, and a person looks. It is a bound and no second
decision: it never says that something must be deleted. What no single account can tell it (the day's cap) the run
compares itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from arrears.core import facts as f
from arrears.core.account import RELEASES, Mode
from arrears.core.calendar import calendar_of
from arrears.core.guards import Guards
from arrears.core.policy import Policies, Policy
from arrears.core.second_look.days import by_clocks, counting
from arrears.core.second_look.reading import ReadDebt, ReadEnd, ReadJournal, ReadOwing, ReadSubscription

RETENTION_FLOOR_DAYS: Final = 30
COOL_OFF_MIN: Final = timedelta(hours=24)


def objection(history: Sequence[f.Recorded], fresh: Sequence[f.Recorded], policies: Policies, guards: Guards) -> str:
    """Why one of the deletions that these fresh facts order may not be ordered; empty where all of them may.

    `history` is the account's journal before them, from its first fact on.
    """
    journal = ReadJournal(history)
    for recorded in fresh:
        if isinstance(recorded.fact, f.DeletionOrdered):
            for why in _objections(journal, recorded.fact, recorded.at, policies, guards):
                return f"subscription {recorded.fact.subscription} may not be deleted: {why}"
        journal.take(recorded)
    return ""


def _objections(
    journal: ReadJournal, order: f.DeletionOrdered, at: datetime, policies: Policies, guards: Guards
) -> Iterator[str]:
    sub = journal.subs.get(order.subscription)
    end = None if sub is None else sub.end
    if sub is None or end is None or end.ordered:
        yield "it has not been stopped, or its deletion was ordered before"
        return
    yield from _addressed(sub, order)
    yield from _two_phases(end, order, at)
    yield from _in_doubt(journal, guards)
    yield from _held(journal, order.subscription, at)
    policy = policies[end.terms.policy]
    if policy.retention_days is None or policy.retention_days < RETENTION_FLOOR_DAYS:
        yield f"its policy keeps it for {policy.retention_days} days"
        return
    yield from _owed(journal, sub, order, policy)
    yield from _never_asked(journal, order.subscription, calendar_of(end.terms.zone).local_day(at))
    yield from _too_early(journal, end, order, at, policy)


def _addressed(sub: ReadSubscription, order: f.DeletionOrdered) -> Iterator[str]:
    """The right service, time without service and place in the sequence of orders."""
    if order.service != sub.service:
        yield f"it is of {sub.service}, and the order goes to {order.service}"
    if order.generation != sub.generation:
        yield f"it is in generation {sub.generation}, and the order names {order.generation}"
    if order.order_no != sub.orders + 1:
        yield f"it has had {sub.orders} orders, and this one has number {order.order_no}"


def _two_phases(end: ReadEnd, order: f.DeletionOrdered, at: datetime) -> Iterator[str]:
    """Scheduled and not taken back; what waited for people was released by two of them."""
    if end.scheduled is None or end.scheduled_at is None:
        yield "it is not scheduled"
    elif end.scheduled.generation != order.generation or _said(end.scheduled.evidence) != end.owed:
        yield "it was scheduled for another time without service, or on other evidence"
    if (end.capped or order.released) and len(end.released_by) < RELEASES:
        yield f"it waits for two members of staff, and {len(end.released_by)} have released it"
    if end.capped and not order.released:
        yield "it waits for its release"


def _in_doubt(journal: ReadJournal, guards: Guards) -> Iterator[str]:
    """Nothing is unknown: of its money, of the installation, or of a page on which somebody may be paying."""
    kinds = [kind.value for kind, _ in journal.doubts] + [kind.value for kind in guards.doubts_of(journal.mode)]
    if kinds:
        yield f"something is in doubt ({', '.join(sorted(set(kinds)))})"
    if journal.pages or any(state is not None for state in journal.attempts.values()):
        yield "somebody may be paying"


def _held(journal: ReadJournal, number: int, at: datetime) -> Iterator[str]:
    for hold in journal.holds.values():
        ends = journal.hold_ends(hold)
        if journal.stops_deletion(hold, number) and hold.from_at <= at and (ends is None or at < ends):
            yield f"hold {hold.no} stops it"


def _owed(journal: ReadJournal, sub: ReadSubscription, order: f.DeletionOrdered, policy: Policy) -> Iterator[str]:
    """What was stopped for debt is owed for still, enough of it, and named by what is not objected to; and the evidence
    of the order says just that."""
    number = order.subscription
    owed = journal.owed_for(number)
    naming = [debt for debt in owed if number in debt.subscriptions]
    leading = naming or ([] if sub.cut else owed)
    if (sub.cut or leading) and all(journal.debt_held(debt.no) for debt in leading):
        yield "nothing that is past due and free of holds names it"
    if sub.cut and not _enough(journal, owed, policy):
        yield "too little is owed for it"
    if any(journal.credit[debt.currency] > 0 for debt in leading if not journal.debt_held(debt.no)):
        yield "the account has credit that is not used"
    if _said(order.evidence) != journal.owed(number):
        yield "what its evidence says is owed is not what is"
    if order.evidence.policy != policy.version:
        yield "its evidence names another policy"


def _never_asked(journal: ReadJournal, number: int, today: date) -> Iterator[str]:
    """No method lies there that could have been charged for it and that nobody has asked."""
    others = [no for no, sub in journal.subs.items() if no != number and (sub.end is None or not sub.end.ordered)]
    method = journal.methods.passed_over(number, others, today) if journal.mode is Mode.CARD else 0
    if method:
        yield f"nothing pays for it, and method {method} of the account could"


def _said(evidence: f.Evidence) -> tuple[ReadOwing, ...]:
    return tuple((one.debt, one.currency, one.open_minor, one.day_0) for one in evidence.owing)


def _enough(journal: ReadJournal, owed: Iterable[ReadDebt], policy: Policy) -> bool:
    sums: dict[str, int] = {}
    for debt in owed:
        sums[debt.currency] = sums.get(debt.currency, 0) + journal.open[debt.no]
    return any(minor >= max(1, policy.minimum_minor.get(code, 0)) for code, minor in sums.items())


def _too_early(
    journal: ReadJournal, end: ReadEnd, order: f.DeletionOrdered, at: datetime, policy: Policy
) -> Iterator[str]:
    """Retention, the debt's own days, the date that was told and a warning's lead are over, then the day itself, and
    then the cool-off."""
    if end.ended_on is None:
        yield "its service has not confirmed that it stopped"
        return
    if end.said_on is not None and end.said_on < end.ended_on:
        yield f"retention is said to count from {end.said_on}, and its service ended on {end.ended_on}"
    kept = by_clocks(journal, order.subscription, policy)
    told = counting(journal, order.subscription, policy)
    if kept is None:
        return  # what is owed has said so
    if not told:
        yield "nobody has got a warning that counts"
        return
    if order.evidence.warning_accepted_at not in {warning.accepted_at for warning, _ in told}:
        yield "its evidence names no warning that somebody has got"
    calendar = calendar_of(end.terms.zone)
    earliest = max(kept, min(day for _, day in told), end.told or kept)
    cool_off = max(COOL_OFF_MIN, timedelta(hours=policy.delete_cool_off_hours))
    if end.scheduled is None or end.scheduled_at is None:
        return  # the phases have said so
    if end.scheduled.on < earliest or end.scheduled_at < calendar.end_of_day(earliest):
        yield f"it was scheduled at {end.scheduled_at:%Y-%m-%d %H:%M} UTC, and {earliest} had to be over"
    if at < end.scheduled_at + cool_off:
        yield "it has not cooled off"
