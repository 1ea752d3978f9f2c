"""The sweep: what webhooks lost is found by asking, and what is unknown is looked up until it is known.

It asks from where it last stood, with an overlap, so that what a provider shows late is still seen; recording the
same change again changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from arrears.core.account import Account
from arrears.core.errors import Refused
from arrears.core.facts import ARREARS
from arrears.core.payments.values import AttemptState
from arrears.engine.payments.attempts import pursue, still_owed
from arrears.engine.payments.providers import Providers
from arrears.engine.payments.settling import cancel
from arrears.engine.payments.setups import finish_stuck, follow
from arrears.engine.system import set_breaker, set_feed
from arrears.ports import AccountReader, Store

OVERLAP: Final = timedelta(hours=1)
"""A delayed commit shows up under the time at which it was asked for (reliability.md, F7: minutes)."""

FIRST: Final = timedelta(days=35)
"""How far the first sweep of an installation looks back: longer than a provider keeps its events."""

LOOK_UPS_MAX: Final = 5_000
"""In one sweep. Most are only looked at here; the provider is asked about the unknown ones."""

LOOK_UP_AFTER: Final = timedelta(minutes=2)
"""An attempt that has not moved for so long has lost whoever was driving it."""

SWEEP_EVERY: Final = timedelta(minutes=1)
"""Webhooks tell at once; the sweep finds what they lost, and a minute is soon enough for that."""

STALE_AFTER: Final = timedelta(hours=6)
"""A provider that could not be read for so long may have taken money that we do not know of: nobody is cut off until
it has been read (reliability.md, F10, F34). Longer than its known outages, far shorter than any lead of a warning."""

STORM_WINDOW: Final = timedelta(hours=1)
STORM_ATTEMPTS_MIN: Final = 20
STORM_SHARE: Final = 0.5
"""More than this share of an hour's finished attempts declined: more likely our or the provider's fault than the
customers'. Escalation freezes and staff are told (spec, section 3, Doubt)."""


def sweep(store: Store, providers: Providers, now: datetime) -> int:
    """Read what changed at every provider since the last sweep, then look up what is open; how many changes."""
    count = 0
    for name in providers.by_name:
        count += _read(store, providers, name, now)
    look_up_open(store, providers, now)
    finish_stuck(store, providers, lambda: now)
    watch_for_storm(store, now)
    return count


def look_up_open(store: Store, providers: Providers, now: datetime) -> None:
    """Drive on what has lost its driver, and ask again what is unknown. What waits for its payer, or for the bank, is
    told by the provider when it ends; only where it is not owed any more it is ended by us."""
    if not providers.by_name:
        return
    open_ones = store.open_attempts(now - LOOK_UP_AFTER, LOOK_UPS_MAX)
    accounts = _readable(store, sorted({account for account, _ in open_ones}))
    for account, number in open_ones:
        attempt = accounts[account].attempt(number) if account in accounts else None
        if attempt is None:
            continue
        if attempt.on_page or attempt.state not in (AttemptState.NEEDS_CUSTOMER, AttemptState.SUBMITTED):
            pursue(store, providers, account, number, now)
        elif attempt.state is AttemptState.NEEDS_CUSTOMER and not still_owed(accounts[account], attempt):
            with suppress(Refused):  # no proof yet: it stays open, and is tried again
                cancel(store, providers, account, attempt, now)


def _readable(store: AccountReader, numbers: Sequence[int]) -> Mapping[int, Account]:
    """The accounts; without those that cannot be read, of which the collections run tells staff."""
    try:
        return store.snapshots(numbers)
    except Refused:
        found: dict[int, Account] = {}
        for number in numbers:
            with suppress(Refused):
                found.update(store.snapshots([number]))
        return found


def sweep_if_due(store: Store, providers: Providers, now: datetime) -> None:
    """Sweep unless somebody just did."""
    swept = [store.swept_until(name) for name in providers.by_name]
    if any(until is None or now - until >= SWEEP_EVERY for until in swept):
        sweep(store, providers, now)


def _read(store: Store, providers: Providers, name: str, now: datetime) -> int:
    """Read one provider from where it last stood. While it cannot be read, and that is long ago, every cut waits."""
    until = store.swept_until(name)
    stale = until is not None and now - until >= STALE_AFTER
    count = 0
    refusals = []
    try:
        for change in providers.of(name).changes_since((until or now - FIRST) - OVERLAP):
            try:
                follow(store, providers, name, change, lambda: now)
                count += 1
            except Refused as refused:
                refusals.append(refused)  # one that cannot be recorded holds up no other, and is read again
    except Refused as refused:
        if refused.code != "provider_unreachable":
            raise
        refusals.append(refused)
    if refusals:
        if stale and not store.system().feed_stale:
            why = f"{name} cannot be read since {until:%Y-%m-%d %H:%M} UTC: {refusals[0].message}"
            set_feed(store, stale=True, now=now, author=ARREARS, why=why[:500])
        return count
    store.set_swept(name, now)
    if stale and store.system().feed_stale:
        set_feed(store, stale=False, now=now, author=ARREARS, why=f"{name} has been read again")
    return count


def watch_for_storm(store: Store, now: datetime) -> None:
    """Open the breaker in a storm of declines; a person closes it, when it is known what it was."""
    declined, finished = store.attempts_finished_since(now - STORM_WINDOW)
    if finished >= STORM_ATTEMPTS_MIN and declined > finished * STORM_SHARE and not store.system().breaker_open:
        why = f"{declined} of the last hour's {finished} attempts were declined"
        set_breaker(store, is_open=True, now=now, author=ARREARS, why=why)
