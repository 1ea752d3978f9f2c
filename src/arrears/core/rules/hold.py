"""A hold ends with its last local day, and takes the warnings with it whose date it moved (spec, section 3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from msgspec.structs import replace

from arrears.core.account import Account, Hold, HoldScope, Subscription
from arrears.core.deadlines import applying
from arrears.core.facts import HoldEnded, Voided
from arrears.core.promises import Promise
from arrears.core.rules.arrangement import over_at
from arrears.core.view import Due, Rank, View

_MOMENT: Final = timedelta(microseconds=1)


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
    # One that was placed and released in one instant stood in it, as one of a second does.
    at = max(at, hold.from_at + _MOMENT)
    account, moment = replace(view.account, subscriptions=_as_warned(view.account)), at - _MOMENT
    free = View(view.policies, replace(account, holds=()), view.guards, moment)
    # Released early it has still moved what was promised: to where its last day would have put it.
    this = tuple(_until(h, at) if h.no == hold.no else h for h in account.holds)
    # Inside another one without an end there is no day at all; this one has moved it all the same.
    every = tuple(_until(h, at) for h in account.holds)
    found: set[Voided] = set()
    for holds in {this, every}:
        then = View(view.policies, replace(account, holds=holds), view.guards, moment)
        found |= set(_moved(then, free, hold))
    if hold.scope is HoldScope.DEBT:
        # While it stood its debt was no clock of the others; that matters where their day came meanwhile.
        standing = View(view.policies, account, view.guards, moment)
        found |= set(_moved(standing, free, hold, come=True))
    found |= set(_moved_when_placed(view, hold, at))
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
    return replace(promise, promised_on=promise.first_named)


def _moved(then: View, free: View, hold: Hold, *, come: bool = False) -> Iterator[Voided]:
    """The actions that were warned of and that the holds put later than they would have been by now; where `come` only
    those whose day was over without them."""
    for sub in then.account.subscriptions:
        if hold.scope is HoldScope.SUBSCRIPTION and hold.target != sub.no:
            continue
        if hold.scope is HoldScope.DEBT and all(debt.no != hold.target for debt in then.debts_of(sub)):
            continue
        without = {one.action: one.deadline for one in applying(free, sub, whatever_is_owed=True)}
        for one in applying(then, sub, whatever_is_owed=True):
            freely = without.get(one.action)
            if come and freely is not None and one.calendar.end_of_day(freely) > then.now:
                continue
            if one.stop in hold.stops and freely is not None and one.deadline is not None and one.deadline > freely:
                yield Voided(sub.no, one.action)


def _moved_when_placed(view: View, hold: Hold, at: datetime) -> Iterator[Voided]:
    """The actions whose day it moved when it was placed and that come later still than was warned of: also where by now
    something else is the reason, which has not made the warnings from before it true again."""
    holds = tuple(replace(h, ended_at=at) if h.no == hold.no else h for h in view.account.holds)
    for moved in hold.moved:
        sub = next(s for s in view.account.subscriptions if s.no == moved.subscription)
        # The stage before waits for its doubt, and is warned of anew: what is told of it is a whole lead away.
        restrict = replace(sub.restrict, accepted_at=None) if sub.restrict.doubted else sub.restrict
        subs = tuple(replace(s, restrict=restrict) if s.no == sub.no else s for s in view.account.subscriptions)
        account = replace(view.account, holds=holds, subscriptions=subs)
        then = View(view.policies, account, view.guards, max(view.now, at))
        if hold.scope is HoldScope.DEBT and all(debt.no != hold.target for debt in then.debts_of(sub)):
            continue
        for one in applying(then, account.subscription(sub.no), whatever_is_owed=True):
            first, day = one.promise.first_named, one.by_the_clocks()
            if one.stop is not moved.stop or first is None or day is None:
                continue
            before = one.promise.accepted_seq < moved.seq and first < moved.on
            if before and day > first and all(w.promised_on != day for w in one.promise.counting):
                yield Voided(sub.no, one.action)
