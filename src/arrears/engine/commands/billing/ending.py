"""Subscriptions that end at a billing system or here, or go on: what of that is so at the other, too.

An end there is a cancellation here, once what was billed is over: until then somebody has paid. It is one only where
somebody asked for it. What a failed payment has ended there goes on here as it was announced. What a person decides
here stays: each end there is taken once, and only what it ended here is taken back when the service is billed again.

An end here is told there, so that nobody is billed for what has ended: once for each, and taken back there when it is
here. Whoever decides otherwise there afterwards is not overruled: then staff have a task.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from arrears.core import facts as f
from arrears.core.account import Subscription
from arrears.core.after_deletion import used_from
from arrears.core.errors import Refused
from arrears.core.states import Reason, State
from arrears.engine.commands.billing.reporting import author_of
from arrears.engine.commands.subscriptions import cancel, reactivate
from arrears.engine.system import set_change_aside
from arrears.ports.billing import AccountsAndBilling, BilledSubscription, BillingSystem

CLOCKS_APART: Final = timedelta(hours=1)
"""What began there so shortly before the end here may be somebody who came back: the two clocks differ."""


class Unlike(NamedTuple):
    """A subscription that goes on here and not there, or there and not here, of which a person must say which is
    right."""

    billed: BilledSubscription
    service: str
    why: str


class _Ended(NamedTuple):
    """The ends there that were taken here, and whether the last cancellation here was one of them."""

    refs: frozenset[str]
    by_it: bool


def follow_subscriptions(
    store: AccountsAndBilling,
    system: BillingSystem,
    number: int,
    billed: Sequence[BilledSubscription],
    now: datetime,
    refused: Mapping[str, str],
    also: Sequence[Unlike] = (),
) -> None:
    """End here what has ended there, take back what goes on there again, and raise a task for what nobody can tell.
    `refused` is why what was asked about a subscription there was not done, `also` what differs beside ends."""
    for sub, newest, ended in _pairs(store, system, number, billed):
        if sub.state is State.DELETED:
            continue
        if Reason.CANCELED in sub.reasons:
            if newest.goes_on and ended.by_it:
                with suppress(Refused):  # its deletion was ordered, or taken back by somebody else
                    reactivate(store, number, sub.no, now, author_of(system), f"billed again there: {newest.ref}")
        elif not newest.goes_on and newest.asked and newest.over_at <= now and not _is_taken(newest, ended):
            with suppress(Refused):  # somebody else has just canceled it
                cancel(store, number, sub.no, now, author_of(system), newest.ref)
    for one in (*unlike(store, system, number, billed, now), *also):
        what = " - ".join(filter(None, (f"{one.billed.ref} ({one.service}): {one.why}", refused.get(one.billed.ref))))
        set_change_aside(store, f"{system.name}:{one.billed.ref}", now, author_of(system), what)


def unlike(
    store: AccountsAndBilling,
    system: BillingSystem,
    number: int,
    billed: Sequence[BilledSubscription],
    now: datetime,
) -> Iterator[Unlike]:
    """The subscriptions that go on at one of the two alone. Writes nothing."""
    for sub, newest, ended in _pairs(store, system, number, billed):
        canceled, deleted = Reason.CANCELED in sub.reasons, sub.state is State.DELETED
        if (canceled or deleted) and newest.goes_on and newest.ends:
            continue
        if deleted:
            if not newest.goes_on:
                continue
            why = "deleted here, and billed there still; end it there"
        elif canceled and newest.goes_on:
            why = "canceled here, and billed there still; end it there, or take the cancellation back here"
        elif newest.goes_on and newest.ends and newest.told:
            why = "taken back here, and ends there with its period; let it go on there, or cancel it here"
        elif canceled or newest.goes_on or newest.over_at > now:
            continue
        elif _is_taken(newest, ended):
            why = "taken back here after it had ended there; bill it there again, or cancel it here"
        elif newest.asked:
            why = "has ended there; the next look cancels it here"
        else:
            why = "has ended there without anybody asking for it, and goes on here; cancel it here if it shall end"
        yield Unlike(newest, sub.service, why)


def _is_taken(newest: BilledSubscription, ended: _Ended) -> bool:
    """Whether this end there says nothing new here: it was taken before, or told there from here."""
    return newest.ref in ended.refs or bool(newest.told)


def tell_ends(
    store: AccountsAndBilling,
    system: BillingSystem,
    number: int,
    billed: Sequence[BilledSubscription],
    now: datetime,
) -> dict[str, str]:
    """Ask there that what has ended here is billed no more, and that what was taken back here is billed again. The
    subscriptions of which that was asked, each with why it was refused. Refuses `provider_unreachable`."""
    if not any(one.goes_on for one in billed):
        return {}
    asked: dict[str, str] = {}
    ends = _ends_here(store, number)
    subscriptions = store.snapshots([number])[number].subscriptions
    for one in billed:
        of_it = [sub for service in one.services for sub in used_from(subscriptions, service, _begun(one))]
        its = [ends.get(sub.no) for sub in of_it]
        over = [end for end in its if end is not None and not _is_of(system, end)]
        if not one.goes_on or not its:
            continue
        try:
            if one.told and None in its:
                asked[one.ref] = ""
                system.go_on(one.ref)
            elif len(over) == len(its) and {sub.service for sub in of_it}.issuperset(one.services):
                last = max(over, key=lambda end: end.seq)
                key = f"{number}.{last.seq}"
                if one.ends or one.told == key or one.begun_at + CLOCKS_APART > last.at:
                    continue
                asked[one.ref] = ""
                system.end(one.ref, key)
                if one.billed_from > last.at:
                    what = f"{one.ref} was billed for a time that began after its end here, on {last.at:%Y-%m-%d}"
                    way = "void or credit that invoice there, then close this task"
                    set_change_aside(store, f"{system.name}:{one.ref}", now, author_of(system), f"{what}; {way}")
        except Refused as refused:
            if refused.code == "provider_unreachable":
                raise
            asked[one.ref] = refused.message[:200]
    return asked


def _ends_here(store: AccountsAndBilling, number: int) -> dict[int, f.Recorded]:
    """Of each subscription here that is canceled, or whose deletion was ordered, what made it so last."""
    found: dict[int, f.Recorded] = {}
    for recorded in store.facts_of([number], (f.Canceled, f.Reactivated, f.DeletionOrdered)).get(number, ()):
        match recorded.fact:
            case f.Canceled(subscription=no) | f.DeletionOrdered(subscription=no):
                found[no] = recorded
            case f.Reactivated(subscription=no):
                found.pop(no, None)
            case _:
                continue
    return found


def _begun(one: BilledSubscription) -> datetime:
    """When it began there, as late as the two clocks leave it open: what was deleted here before is not it."""
    return one.begun_at + CLOCKS_APART


def _is_of(system: BillingSystem, end: f.Recorded) -> bool:
    """Whether the billing system's own end made this one."""
    return isinstance(end.fact, f.Canceled) and end.author == author_of(system)


def _pairs(
    store: AccountsAndBilling, system: BillingSystem, number: int, billed: Sequence[BilledSubscription]
) -> Iterator[tuple[Subscription, BilledSubscription, _Ended]]:
    """Each subscription here that is billed there, with the one there that tells of it (one that goes on before any
    that has ended, else the one that was paid for the longest), and what was canceled here because of it."""
    if not billed:
        return
    canceled = store.facts_of([number], (f.Canceled,)).get(number, ())
    subscriptions = store.snapshots([number])[number].subscriptions
    for sub in subscriptions:
        of_it = [
            one
            for one in billed
            if sub.service in one.services and sub in used_from(subscriptions, sub.service, _begun(one))
        ]
        if not of_it:
            continue
        of_sub = [one for one in canceled if isinstance(one.fact, f.Canceled) and one.fact.subscription == sub.no]
        by_it = [one.author == author_of(system) for one in of_sub]
        ended = _Ended(frozenset(one.why for one, its in zip(of_sub, by_it, strict=True) if its), any(by_it[-1:]))
        yield sub, max(of_it, key=lambda one: (one.goes_on, not one.ends, one.over_at)), ended
