"""Reading a billing system again and again: what its webhooks lost is found by asking, and what arrears has booked
since is reported to it.

How far it was read is noted by its own clock (decision 25). Where it tells of nothing that is so old, every customer is
read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from arrears.core.errors import Refused
from arrears.core.facts import ARREARS
from arrears.core.payments.provider_time import KEPT, ProviderTime
from arrears.engine.commands.billing.reporting import AWAY
from arrears.engine.commands.billing.syncing import RecordTries, Synced, sync_customer
from arrears.engine.system import set_book_refused, set_book_taken, set_change_aside
from arrears.ports.billing import AccountsAndBilling, BillingConnection, BillingSystem

SWEEP_EVERY: Final = timedelta(minutes=1)

REPORTED: Final = (
    *("payment.settled", "credit.allocated"),
    *("invoice.reopened", "payment.refunded", "chargeback.closed"),
    *("invoice.credited", "invoice.written_off"),
    *("subscription.canceled", "subscription.reactivated", "subscription.deletion_ordered"),
    *("subscription.restricted", "subscription.disabled", "subscription.reason_set", "subscription.resumed"),
)
"""The events that make what is paid, asked or served here other than the billing system knows."""

EVENTS_MAX: Final = 1_000


class Swept(NamedTuple):
    """What a sweep came to: how many customers were read, and what came of each that was not left as it was."""

    customers: int = 0
    synced: tuple[Synced, ...] = ()


def sweep_billing_if_due(
    store: AccountsAndBilling, system: BillingSystem, now: datetime, keep_tries: RecordTries
) -> Swept:
    """Sweep unless it is not connected, or somebody did in this minute of the clock and no account is due: whoever is
    stopped, or whose deletion is ordered, was read just before, as they may have paid there a few seconds ago; and days
    end with a minute, so what is cut at the end of one is cut after a reading that began after it."""
    connection = store.billing(system.name)
    if connection is None:
        return Swept()
    due = store.next_due()
    if connection.read_at is not None and _minute(connection.read_at) == _minute(now) and (due is None or due > now):
        return Swept()
    try:
        return sweep_billing(store, system, now, keep_tries)
    except Refused:
        return Swept()  # it is noted, and said where it lasts


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // int(SWEEP_EVERY.total_seconds())


def sweep_billing(
    store: AccountsAndBilling,
    system: BillingSystem,
    now: datetime,
    keep_tries: RecordTries,
    *,
    everybody: bool = False,
) -> Swept:
    """Read whoever changed there, and of whom there is news here, since the last time; `everybody` reads every
    customer. One that cannot be taken holds up no other. Refuses what the billing system does, after noting that it
    was not read."""
    connection = store.billing(system.name)
    if connection is None:
        raise Refused("not_connected", f"{system.name} is not connected; `arrears connect {system.name}` does that")
    try:
        time = system.time(now)
        news, event_no = _news_here(store, system, connection)
        changes = _changes(system, connection, time, now, everybody=everybody)
        for customer in news:
            changes.setdefault(customer, frozenset())
        synced = tuple(_each(store, system, connection, changes, now, keep_tries))
    except Refused as refused:
        _note_unread(store, system, connection, refused, now)
        raise
    store.note_billing_informed(system.name, event_no)
    store.note_billing(system.name, now, time.cursor(connection.cursor))
    set_book_taken(store, system.name, now, ARREARS, f"{system.name} was read")
    return Swept(len(changes), synced)


def _changes(
    system: BillingSystem, connection: BillingConnection, time: ProviderTime, now: datetime, *, everybody: bool
) -> dict[str, Set[str]]:
    since = time.start(connection.cursor, now)
    until = max(filter(None, (now, time.now, time.newest)))
    told_of = until - KEPT
    if everybody or connection.cursor is None or since < told_of:
        found: dict[str, Set[str]] = {customer: frozenset() for customer in system.customers()}
        return found | dict(system.changed_since(told_of, until))
    return dict(system.changed_since(since, until))


def _news_here(store: AccountsAndBilling, system: BillingSystem, connection: BillingConnection) -> tuple[set[str], int]:
    """The customers of whom something was paid or ended here since the last time, and up to which event that was
    looked at."""
    store.number_events(EVENTS_MAX)
    after, numbers = connection.event_no, set[int]()
    while True:
        events, looked = store.events_after(after, EVENTS_MAX, REPORTED)
        numbers |= {event.account for event in events}
        if looked <= after:
            break
        after = looked
    refs = (one.ref for one in store.described(sorted(numbers)).values())
    return {ref for ref in refs if system.owns(ref)}, after


def _each(
    store: AccountsAndBilling,
    system: BillingSystem,
    connection: BillingConnection,
    changes: Mapping[str, Set[str]],
    now: datetime,
    keep_tries: RecordTries,
) -> Iterator[Synced]:
    for customer, also in sorted(changes.items()):
        try:
            yield sync_customer(store, system, connection, customer, also, now, keep_tries)
        except Refused as refused:
            if refused.code in AWAY:
                raise
            why = f"customer {customer} is not taken: {refused.message[:300]}; put that right, and it is read again"
            set_change_aside(store, f"{system.name}:{customer}", now, f"billing:{system.name}", why)


def _note_unread(
    store: AccountsAndBilling, system: BillingSystem, connection: BillingConnection, refused: Refused, now: datetime
) -> None:
    """While it cannot be read, every cut waits: it may have been paid there a minute ago, on a page of which nothing
    here knows. (A page of ours is in doubt by itself, and so payment providers may be away for longer.)"""
    since = connection.read_at or connection.connected_at
    if system.name not in store.system().books_refused:
        set_book_refused(
            store,
            system.name,
            now,
            f"{system.name} cannot be read since {since:%Y-%m-%d %H:%M} UTC: {refused.message}"[:500],
        )


def changed(
    store: AccountsAndBilling,
    system: BillingSystem,
    changes: Mapping[str, Set[str]],
    now: datetime,
    keep_tries: RecordTries,
) -> list[Synced]:
    """Read those of whom a webhook tells. What cannot be read now the next sweep reads."""
    connection = store.billing(system.name)
    merged: defaultdict[str, Set[str]] = defaultdict(frozenset, changes)
    return [] if connection is None else list(_each(store, system, connection, merged, now, keep_tries))
