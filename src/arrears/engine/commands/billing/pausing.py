"""What is stopped here is not charged for (spec, section 2): a billing system is asked to bill it no more until it runs
again, and what it has billed for such a time all the same is held until a person has said whether it is owed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from arrears.core import facts as f
from arrears.core.account import ALL_STOPS, HoldScope, Subscription
from arrears.core.after_deletion import used_from
from arrears.core.errors import Refused
from arrears.core.ids import HOLD, format_id
from arrears.core.states import Reason, State
from arrears.core.unit import Unit
from arrears.engine.commands.billing.ending import CLOCKS_APART, Unlike
from arrears.engine.commands.billing.reporting import author_of
from arrears.engine.holding import place_hold
from arrears.ports.billing import AccountsAndBilling, BilledCustomer, BilledSubscription, BillingSystem

_STOPPED: Final = (State.RESTRICTED, State.DISABLED)
_STOPS: Final[tuple[type[f.Fact], ...]] = (f.Restricted, f.Disabled, f.Canceled, f.ReasonSet, f.Resumed)
REASON: Final = "billed for a time without service"

Stretches = Mapping[int, Sequence[tuple[datetime, datetime | None]]]
"""When each subscription was stopped, and ran again; None: it is stopped still."""


# -- billing pauses ----------------------------------------------------------------------------------------------------


def tell_pauses(
    store: AccountsAndBilling, system: BillingSystem, number: int, billed: Sequence[BilledSubscription]
) -> dict[str, str]:
    """Ask there that what is stopped here is billed no more until it runs again, each stop once, and that what runs
    again is billed again, where it was paused from here. The subscriptions of which that was asked, each with why it
    was refused. Refuses `provider_unreachable`."""
    asked: dict[str, str] = {}
    for one, its in _used(store, number, billed):
        try:
            if one.paused_by and not any(sub.state in _STOPPED for sub in its):
                asked[one.ref] = ""
                system.bill_again(one.ref)
            elif _is_to_pause(one, its):
                asked[one.ref] = ""
                system.pause(one.ref, _key(number, its))
        except Refused as refused:
            if refused.code == "provider_unreachable":
                raise
            asked[one.ref] = refused.message[:200]
    return asked


def unlike_pauses(store: AccountsAndBilling, number: int, billed: Sequence[BilledSubscription]) -> Iterator[Unlike]:
    """The subscriptions that are billed while they are stopped here, or run here and are not billed. Writes nothing."""
    for one, its in _used(store, number, billed):
        services = " ".join(sub.service for sub in its)
        if one.paused and one.paused_by and not any(sub.state in _STOPPED for sub in its):
            yield Unlike(one, services, "runs here again, and its billing is paused there; resume it there")
        elif not one.paused and all(_is_stopped(sub) for sub in its):
            way = "pause it there (its invoices void), or end it"
            yield Unlike(one, services, f"stopped here, and billed there still; {way}")


def _used(
    store: AccountsAndBilling, number: int, billed: Sequence[BilledSubscription]
) -> Iterator[tuple[BilledSubscription, list[Subscription]]]:
    """Each subscription there that goes on, with those here that it is for."""
    going = [one for one in billed if one.goes_on]
    if not going:
        return
    subscriptions = store.snapshots([number])[number].subscriptions
    for one in going:
        its = [sub for name in one.services for sub in used_from(subscriptions, name, one.begun_at + CLOCKS_APART)]
        if its and {sub.service for sub in its}.issuperset(one.services):
            yield one, its


def _is_to_pause(one: BilledSubscription, its: Sequence[Subscription]) -> bool:
    """Whether all that it is for is stopped, and nobody has decided about its billing there: what somebody lets go on
    after it was paused from here is not overruled."""
    return not one.paused and not one.ends and not one.paused_by and all(_is_stopped(sub) for sub in its)


def _is_stopped(sub: Subscription) -> bool:
    """Whether it is stopped and may run again. What was canceled ends there (`ending.py`)."""
    return sub.state in _STOPPED and Reason.CANCELED not in sub.reasons


def _key(number: int, its: Sequence[Subscription]) -> str:
    return f"{number}." + "-".join(f"{sub.no}.{sub.generation}" for sub in its)


# -- what was billed all the same --------------------------------------------------------------------------------------


def stretches_of(store: AccountsAndBilling, number: int, told: BilledCustomer) -> Stretches:
    """When the account's subscriptions were stopped; nothing where no open invoice is for the use of one."""
    if not any(one.used_from is not None and one.asks_minor for one in told.invoices):
        return {}
    found: dict[int, list[tuple[datetime, datetime | None]]] = {}
    for recorded in store.facts_of([number], _STOPS).get(number, ()):
        fact = recorded.fact
        assert isinstance(fact, f.Restricted | f.Disabled | f.Canceled | f.ReasonSet | f.Resumed)
        its = found.setdefault(fact.subscription, [])
        if isinstance(fact, f.Resumed):
            if fact.after not in _STOPPED and its and its[-1][1] is None:
                its[-1] = (its[-1][0], recorded.at)
        elif not its or its[-1][1] is not None:
            its.append((recorded.at, None))
    return found


def hold_unserved(
    store: AccountsAndBilling, system: BillingSystem, unit: Unit, told: BilledCustomer, stopped: Stretches
) -> dict[str, str]:
    """Hold each invoice, once, for a time that began while something that it is for was stopped: nobody is asked for
    it, charged or cut, until a person voids it there or ends the hold. By invoice what is to be done."""
    if not any(stopped.values()):
        return {}
    author = author_of(system)
    placed = store.facts_of([unit.no], (f.HoldPlaced,)).get(unit.no, ())
    held = {one.fact.hold.target for one in placed if isinstance(one.fact, f.HoldPlaced) and one.author == author}
    debts = {debt.number: debt for debt in unit.account.debts}
    tasks: dict[str, str] = {}
    for one in told.invoices:
        debt = debts.get(one.number)
        if debt is None or debt.no in held or not one.asks_minor or one.used_from is None:
            continue
        services = [
            unit.account.subscription(no).service
            for no in debt.subscriptions
            if any(
                since < one.used_from and (until is None or one.used_from < until)
                for since, until in stopped.get(no, ())
            )
        ]
        if services:
            hold = place_hold(unit, HoldScope.DEBT, debt.no, ALL_STOPS, REASON, None, author)
            why = f"invoice {one.number} is for a time that began when {' and '.join(services)} was stopped here"
            way = "void or credit it there; if it is owed all the same, end the hold"
            tasks[one.ref] = f"{why}: nobody is asked for it ({format_id(HOLD, unit.no, hold)}); {way}"
    return tasks
