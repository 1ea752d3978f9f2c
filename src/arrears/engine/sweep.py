"""The sweep: what webhooks lost is found by asking, and what is unknown is looked up until it is known.

It asks from where it last stood, with an overlap, so that what a provider shows late is still seen; recording the
same change again changes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from arrears.core.facts import ARREARS
from arrears.engine.attempts import Providers, pursue
from arrears.engine.changes import apply
from arrears.engine.system import set_breaker
from arrears.ports import Store

OVERLAP: Final = timedelta(hours=1)
"""A delayed commit shows up under the time at which it was asked for (reliability.md, F7: minutes)."""

FIRST: Final = timedelta(days=35)
"""How far the first sweep of an installation looks back: longer than a provider keeps its events."""

LOOK_UP_AFTER: Final = timedelta(minutes=2)
"""An attempt that has not moved for so long has lost whoever was driving it."""

STORM_WINDOW: Final = timedelta(hours=1)
STORM_ATTEMPTS_MIN: Final = 20
STORM_SHARE: Final = 0.5
"""More than this share of an hour's finished attempts declined: more likely our or the provider's fault than the
customers'. Escalation freezes and staff are told (spec, section 3, Doubt)."""


def sweep(store: Store, providers: Providers, now: datetime) -> int:
    """Read what changed at every provider since the last sweep, then look up what is open; how many changes."""
    count = 0
    for name, processor in providers.by_name.items():
        since = store.swept_until(name) or now - FIRST
        for change in processor.changes_since(since - OVERLAP):
            apply(store, name, change, now)
            count += 1
        store.set_swept(name, now)
    if providers.by_name:
        for account, attempt in store.open_attempts(now - LOOK_UP_AFTER, 500):
            pursue(store, providers, account, attempt, now)
    watch_for_storm(store, now)
    return count


def watch_for_storm(store: Store, now: datetime) -> None:
    """Open the breaker in a storm of declines; a person closes it, when it is known what it was."""
    declined, finished = store.finished_since(now - STORM_WINDOW)
    if finished >= STORM_ATTEMPTS_MIN and declined > finished * STORM_SHARE and not store.system().breaker_open:
        why = f"{declined} of the last hour's {finished} attempts were declined"
        set_breaker(store, is_open=True, now=now, author=ARREARS, why=why)
