"""Subscriptions of a billing system that end there, or go on: what of that is so here too.

An end there is a cancellation here, once what was billed is over: until then somebody has paid. It is one only where
somebody asked for it. What a failed payment has ended there goes on here as it was announced. What a person decides
here stays: each end there is taken once, and only what it ended here is taken back when the service is billed again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from arrears.core import facts as f
from arrears.core.account import Subscription
from arrears.core.errors import Refused
from arrears.core.states import Reason, State
from arrears.engine.commands.billing.reporting import author_of
from arrears.engine.commands.subscriptions import cancel, reactivate
from arrears.engine.system import set_change_aside
from arrears.ports.billing import AccountsAndBilling, BilledSubscription, BillingSystem


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
) -> None:
    """End here what has ended there, take back what goes on there again, and raise a task for what nobody can tell."""
    for sub, newest, ended in _pairs(store, system, number, billed):
        if Reason.CANCELED in sub.reasons:
            if newest.goes_on and ended.by_it:
                with suppress(Refused):  # deleted meanwhile, or taken back by somebody else
                    reactivate(store, number, sub.no, now, author_of(system), f"billed again there: {newest.ref}")
        elif not newest.goes_on and newest.asked and newest.over_at <= now and newest.ref not in ended.refs:
            with suppress(Refused):  # somebody else has just canceled it
                cancel(store, number, sub.no, now, author_of(system), newest.ref)
    for one in unlike(store, system, number, billed, now):
        what = f"{one.billed.ref} ({one.service}): {one.why}"
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
        canceled = Reason.CANCELED in sub.reasons
        if canceled and newest.goes_on:
            why = "canceled here, and billed there still; end it there, or take the cancellation back here"
        elif canceled or newest.goes_on or newest.over_at > now:
            continue
        elif newest.ref in ended.refs:
            why = "taken back here after it had ended there; bill it there again, or cancel it here"
        elif newest.asked:
            why = "has ended there; the next look cancels it here"
        else:
            why = "has ended there without anybody asking for it, and goes on here; cancel it here if it shall end"
        yield Unlike(newest, sub.service, why)


def _pairs(
    store: AccountsAndBilling, system: BillingSystem, number: int, billed: Sequence[BilledSubscription]
) -> Iterator[tuple[Subscription, BilledSubscription, _Ended]]:
    """Each subscription here that is billed there, with the one there that tells of it (one that goes on before any
    that has ended, else the one that was paid for the longest), and what was canceled here because of it."""
    if not billed:
        return
    canceled = store.facts_of([number], (f.Canceled,)).get(number, ())
    for sub in store.snapshots([number])[number].subscriptions:
        of_it = [one for one in billed if sub.service in one.services]
        if sub.state is State.DELETED or not of_it:
            continue
        of_sub = [one for one in canceled if isinstance(one.fact, f.Canceled) and one.fact.subscription == sub.no]
        by_it = [one.author == author_of(system) for one in of_sub]
        ended = _Ended(frozenset(one.why for one, its in zip(of_sub, by_it, strict=True) if its), any(by_it[-1:]))
        yield sub, max(of_it, key=lambda one: (one.goes_on, one.over_at)), ended
