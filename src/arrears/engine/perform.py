"""Performing what was recorded: hand messages over, give orders, record what the world answered.

A message is handed over at most once: the claim is committed first, and a claim whose holder died is looked up,
never repeated blindly. An order is given until it is acknowledged; receivers drop what they have seen.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from arrears.core import facts as f
from arrears.core.account import Account, Guards
from arrears.core.actions import CHARGE, NOTICE, ORDER
from arrears.core.decide import Policies
from arrears.core.errors import Refused
from arrears.core.payment import AttemptState
from arrears.core.unit import Unit
from arrears.core.view import View, service_ended_on
from arrears.engine.attempts import NO_PROVIDERS, Providers, pursue
from arrears.engine.failpoints import reached
from arrears.engine.messages import render, still_true
from arrears.engine.run import settle
from arrears.ports import Channel, Claim, Fate, Order, Services, Store

LEASE_SECONDS: Final = 120
"""Longer than any one message or order takes; a performer that dies is taken over after this."""

CLAIM_MAX: Final = 100

SEND_SECONDS_MAX: Final = 50
"""So long messages are handed over under one claim; the longest single one (three times 20 seconds) still fits in the
lease."""

Result = tuple[Claim, Fate, str, datetime | None]


def perform(
    store: Store, channel: Channel, services: Services, now: datetime, providers: Providers = NO_PROVIDERS
) -> int:
    """Perform up to CLAIM_MAX actions; how many were claimed."""
    reached("claim.before_commit")
    claims = store.claim(now, CLAIM_MAX, LEASE_SECONDS)
    reached("claim.after_commit")
    if not claims:
        return 0
    notices = [c for c in claims if c.kind == NOTICE]
    orders = [c for c in claims if c.kind == ORDER]
    charges = [c for c in claims if c.kind == CHARGE]
    results = _send(store, channel, notices) + _order(store, services, orders, now)
    results += _charge(store, providers, charges, now)
    record_results(store, results, now)
    return len(claims)


def perform_all(
    store: Store,
    channel: Channel,
    services: Services,
    now: Callable[[], datetime],
    providers: Providers = NO_PROVIDERS,
) -> int:
    """Perform until nothing is left; how many were claimed."""
    total = 0
    while count := perform(store, channel, services, now(), providers):
        total += count
    return total


def _send(store: Store, channel: Channel, claims: Sequence[Claim]) -> list[Result]:
    if not claims:
        return []
    numbers = sorted({c.account for c in claims})
    accounts, contacts = store.snapshots(numbers), store.contacts(numbers)
    about = store.messages(claims)
    began = time.monotonic()
    results: list[Result] = []
    back: list[Claim] = []
    for claim in claims:
        # Where one message cannot leave, or leaves slowly, the others wait: a claim that outlives its lease would be
        # taken for one whose sender died, and never be sent.
        if back or time.monotonic() - began > SEND_SECONDS_MAX:
            back.append(claim)
            continue
        fate, why = _send_one(channel, claim, accounts[claim.account], about, contacts)
        if fate is Fate.NOT_SENT:
            back.append(claim)
        else:
            results.append((claim, fate, why, None))
    if back:
        store.give_back(back)
    return results


def _send_one(
    channel: Channel,
    claim: Claim,
    account: Account,
    about: Mapping[tuple[int, int], f.Noticed | f.Resumed],
    contacts: Mapping[int, str],
) -> tuple[Fate, str]:
    message_id = f"a{claim.account}-{claim.seq}"
    if claim.tries > 1:
        reached("look_up.before_call")
        fate = channel.look_up(message_id)
        reached("look_up.after_call")
        if fate is Fate.ACCEPTED:
            return fate, ""
        if fate is not Fate.NOT_SENT:
            return Fate.UNKNOWN, "unknown: its sender died while handing it over"
    fact = about[(claim.account, claim.seq)]
    if not still_true(account, fact, claim.seq):
        return Fate.REFUSED, "dropped: what it says is no longer true"
    to = contacts.get(claim.account)
    if to is None:
        return Fate.REFUSED, "refused: the account has no address to write to"
    message = render(message_id, to, account, fact)
    reached("send.before_call")
    delivery = channel.send(message)
    reached("send.after_call")
    return delivery.fate, "" if delivery.fate is Fate.ACCEPTED else f"{delivery.fate}: by the channel"


def _order(store: Store, services: Services, claims: Sequence[Claim], now: datetime) -> list[Result]:
    if not claims:
        return []
    accounts = store.snapshots(sorted({c.account for c in claims}))
    results: list[Result] = []
    for claim in claims:
        sub = accounts[claim.account].subscription(claim.subscription)
        order = Order(
            id=f"o{claim.account}-{claim.subscription}-{claim.order_no}",
            service=sub.service,
            account=claim.account,
            subscription=claim.subscription,
            generation=sub.generation,
            number=claim.order_no,
            command=claim.order,
        )
        reached("order.before_call")
        done_at = services.order(order, now)
        reached("order.after_call")
        if done_at is not None:
            results.append((claim, Fate.ACCEPTED, "", done_at))
    return results


def _charge(store: Store, providers: Providers, claims: Sequence[Claim], now: datetime) -> list[Result]:
    """Bring each attempt as far as it can be brought. What waits for the payer is nobody's work here any more; what
    is unknown keeps its claim, and is looked up when the lease is over."""
    results: list[Result] = []
    for claim in claims:
        left = pursue(store, providers, claim.account, claim.order_no, now)
        if left is None or left.on_page or left.state in (AttemptState.NEEDS_CUSTOMER, AttemptState.SUBMITTED):
            results.append((claim, Fate.ACCEPTED, "", None))
    return results


def record_results(store: Store, results: Sequence[Result], now: datetime) -> None:
    """Record what the world answered, for the claims that are still held by this performer."""
    if not results:
        return
    policies, guards = store.policies(), store.system().guards
    with store.accounts(sorted({c.account for c, *_ in results}), now) as batch:
        units = {unit.no: unit for unit in batch.units}
        kept = set(batch.finish([(c, fate is Fate.ACCEPTED) for c, fate, _, _ in results]))
        for claim, fate, why, done_at in results:
            if claim not in kept:
                continue
            unit = units[claim.account]
            if claim.kind == CHARGE:
                continue
            if claim.kind == ORDER:
                assert done_at is not None
                acknowledge(unit, policies, claim, done_at)
            elif fate is Fate.ACCEPTED:
                unit.record(f.NoticeAccepted(notice=claim.seq))
            else:
                unit.record(f.NoticeFailed(notice=claim.seq, why=why))
        for unit in units.values():
            if unit.stored:
                settle(unit, policies, guards, only_consequences=True)
        reached("results.before_commit")
    reached("results.after_commit")


def acknowledge(unit: Unit, policies: Policies, claim: Claim, done_at: datetime) -> None:
    """Record a service's word that an order was carried out. Of an unknown order it is refused."""
    sub = unit.account.subscription(claim.subscription)
    if not any(o.no == claim.order_no for o in sub.orders):
        raise Refused("unknown_order", f"order {claim.order_no} of subscription {claim.subscription} is not open")
    author = f"service:{sub.service}"
    ended_on = None
    if claim.order == "disable" and sub.end is not None and sub.end.order_no == claim.order_no:
        end = sub.end
        ended_on = end.ended_on
        if ended_on is None:
            ended_on = service_ended_on(end.stopped_on, end.recorded_at, done_at, end.terms.zone)
    view = View(policies, unit.account, Guards(), unit.now)
    deleted = claim.order == "delete"
    unit.record(
        f.OrderAcknowledged(
            subscription=claim.subscription,
            order_no=claim.order_no,
            order=claim.order,
            generation=sub.generation,
            ended_on=ended_on,
            tell_at=view.next_morning(unit.now) if deleted else None,
            on=view.today if deleted else None,
        ),
        author,
    )
