"""A hold ends with its last local day, and takes the warnings with it whose date it moved (spec, section 3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial

from msgspec.structs import replace

from arrears.core.account import Account, Hold, HoldScope, Subscription
from arrears.core.deadlines import applying
from arrears.core.facts import HoldEnded, Voided
from arrears.core.promises import Promise
from arrears.core.rules.arrangement import over_at
from arrears.core.view import Due, Rank, View


def rule(view: View) -> Iterable[Due]:
    """Every open hold with an end date is ended at the end of that day."""
    return _ends(view) if view.account.holds else ()


def _ends(view: View) -> Iterator[Due]:
    for hold in view.account.holds:
        if hold.ended_at is None and hold.until is not None:
            at = view.calendar.end_of_day(hold.until)
            if hold.arrangement and _still_looked_at(view, hold):
                continue
            yield Due(at, Rank.HOLD, hold.no, "hold ends", partial(end_hold, view, hold, at))


def _still_looked_at(view: View, hold: Hold) -> bool:
    """Whether nobody can say yet what became of the promise to pay that placed this hold: it ends with that."""
    promised = next((one for one in view.account.arrangements if one.no == hold.arrangement), None)
    return promised is not None and over_at(view, promised) != view.calendar.end_of_day(promised.next.on)


def end_hold(view: View, hold: Hold, at: datetime) -> HoldEnded:
    """The end of a hold at `at`, with every warning that it voids."""
    return HoldEnded(hold=hold.no, at=at, voided=tuple(_voided(view, hold, at)))


def _voided(view: View, hold: Hold, at: datetime) -> Iterator[Voided]:
    """The warnings whose date has been moved: looked at in the last moment of the hold, against a world without
    holds, because of two that overlap neither moves anything by itself."""
    account, moment = replace(view.account, subscriptions=_as_warned(view.account)), at - timedelta(microseconds=1)
    free = View(view.policies, replace(account, holds=()), view.guards, moment)
    # Released early it has still moved what was promised: to where its last day would have put it.
    this = tuple(_until(h, at) if h.no == hold.no else h for h in account.holds)
    # Inside another one without an end there is no day at all; this one has moved it all the same.
    every = tuple(_until(h, at) for h in account.holds)
    found: set[Voided] = set()
    for holds in {this, every}:
        then = View(view.policies, replace(account, holds=holds), view.guards, moment)
        found |= set(_moved(then, free, hold))
    yield from sorted(found, key=lambda voided: (voided.subscription, voided.action))


def _until(hold: Hold, at: datetime) -> Hold:
    return replace(hold, ended_at=at) if hold.until is None and hold.ended_at is None else hold


def _as_warned(account: Account) -> tuple[Subscription, ...]:
    """The subscriptions with no other promise than that of the first warning that counts: what pages say since then
    may be the doing of the hold."""
    return tuple(
        replace(
            sub,
            restrict=_of_the_first(sub.restrict),
            disable=_of_the_first(sub.disable),
            end=None if sub.end is None else replace(sub.end, delete=_of_the_first(sub.end.delete)),
        )
        for sub in account.subscriptions
    )


def _of_the_first(promise: Promise) -> Promise:
    named = [warning.promised_on for warning in promise.counting if warning.seq == promise.accepted_seq]
    return replace(promise, promised_on=min(named, default=None))


def _moved(then: View, free: View, hold: Hold) -> Iterator[Voided]:
    """The actions that were warned of and that the holds put later than they would have been by now."""
    for sub in then.account.subscriptions:
        if hold.scope is HoldScope.SUBSCRIPTION and hold.target != sub.no:
            continue
        if hold.scope is HoldScope.DEBT and all(debt.no != hold.target for debt in then.debts_of(sub)):
            continue
        without = {one.action: one.deadline for one in applying(free, sub, whatever_is_owed=True)}
        for one in applying(then, sub, whatever_is_owed=True):
            freely = without.get(one.action)
            if one.stop in hold.stops and freely is not None and one.deadline is not None and one.deadline > freely:
                yield Voided(sub.no, one.action)
