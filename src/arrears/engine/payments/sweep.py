"""The sweep: what webhooks lost is found by asking, and what is unknown is looked up until it is known.

It asks from where it last stood by the provider's own clock, with an overlap, so that what a provider shows late is
still seen; recording the same change again changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from arrears.core.account import Account
from arrears.core.errors import Refused
from arrears.core.facts import ARREARS
from arrears.core.payments.limits import strictest
from arrears.core.payments.provider_time import ProviderTime
from arrears.core.payments.values import AttemptState
from arrears.engine.payments.attempts import pursue
from arrears.engine.payments.canceling import cancel
from arrears.engine.payments.providers import Providers
from arrears.engine.payments.recording import Recording, record_change
from arrears.engine.payments.setups import finish_stuck
from arrears.engine.payments.wanted import waits_for_nothing
from arrears.engine.run import STALE_AFTER
from arrears.engine.system import set_breaker, set_clock_differs, set_feed, set_limits
from arrears.ports import AccountReader, InstallationControl, Processor, Store

LOOK_UPS_MAX: Final = 5_000
"""In one sweep. Most are only looked at here; the provider is asked about the unknown ones."""

LOOK_UP_AFTER: Final = timedelta(minutes=2)
"""An attempt that has not moved for so long has lost whoever was driving it."""

SWEEP_EVERY: Final = timedelta(minutes=1)
"""Webhooks tell at once; the sweep finds what they lost, and a minute is soon enough for that."""

STORM_WINDOW: Final = timedelta(hours=1)
STORM_ATTEMPTS_MIN: Final = 20
STORM_SHARE: Final = 0.5
"""More than this share of an hour's finished attempts declined: more likely our or the provider's fault than the
customers'. Escalation freezes and staff are told (spec, section 3, Doubt)."""


def sweep(store: Store, providers: Providers, now: datetime, since: datetime | None = None) -> int:
    """Read what changed at every provider since the last sweep (or `since`, if that is earlier), then look up what is
    open; how many changes. What goes wrong with one provider, attempt or change holds up no other."""
    note_limits(store, providers, now)
    # All clocks are read first: reading what changed may take long, and `now` would be old by then.
    told = {name: _time_of(provider, now) for name, provider in providers.by_name.items()}
    _note_clocks(store, told, now)
    read = [_read(store, providers, name, time, now, since) for name, time in told.items()]
    _note_unread(store, read, now)
    look_up_open(store, providers, now)
    finish_stuck(store, providers, lambda: now)
    watch_for_storm(store, now)
    return sum(one.changes for one in read)


def look_up_open(store: Store, providers: Providers, now: datetime) -> None:
    """Drive on what has lost its driver, and ask again what is unknown. What waits for its payer, or for the bank, is
    told by the provider when it ends; only where it is not owed any more it is ended by us, at once."""
    if not providers.by_name:
        return
    open_ones = store.open_attempts(now, LOOK_UPS_MAX)
    accounts = _readable(store, sorted({account for account, _ in open_ones}))
    left = {*store.open_attempts(now - LOOK_UP_AFTER, LOOK_UPS_MAX)}
    for account, number in open_ones:
        attempt = accounts[account].attempt(number) if account in accounts else None
        if attempt is None:
            continue
        waits = not attempt.on_page and attempt.state in (AttemptState.NEEDS_CUSTOMER, AttemptState.SUBMITTED)
        with suppress(Refused):  # no proof yet: it stays open, and is tried again
            if (account, number) in left and not waits:
                pursue(store, providers, account, number, now)
            elif waits_for_nothing(accounts[account], attempt):
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
    # One that lies ahead was noted before our clock went back.
    if any(until is None or not timedelta() <= now - until < SWEEP_EVERY for until in swept):
        sweep(store, providers, now)


def note_limits(store: InstallationControl, providers: Providers, now: datetime) -> None:
    """Record what the providers take in one charge, where that is not what is recorded: decisions look at it."""
    limits = strictest(one.limits() for one in providers.by_name.values())
    if limits != store.system().limits:
        set_limits(store, limits, now)


class _Read(NamedTuple):
    """What became of reading one provider: `why` it could not be read; `stale`, whether that would be too long ago."""

    provider: str
    changes: int
    stale: bool
    why: str = ""


def _time_of(provider: Processor, now: datetime) -> ProviderTime | Refused:
    try:
        return provider.time(now)
    except Refused as refused:
        return refused


def _note_clocks(store: Store, told: Mapping[str, ProviderTime | Refused], now: datetime) -> None:
    """While our clock and a provider's differ, every cut waits; it ends when each has been asked and none does."""
    differing = {name: time for name, time in told.items() if isinstance(time, ProviderTime) and time.differs(now)}
    marked = store.system().clock_differs
    for name, time in list(differing.items())[: not marked]:
        ahead = int(time.ours_ahead(now).total_seconds())
        apart, side = f"{timedelta(seconds=abs(ahead))} hours", "ahead of" if ahead > 0 else "behind"
        way = "set it right; restricting, disabling and deleting wait, and go on by themselves once both agree"
        set_clock_differs(store, name, ahead, now, f"this machine's clock is {apart} {side} {name}'s: {way}")
    if marked and not differing and not any(isinstance(time, Refused) for time in told.values()):
        names = ", ".join(told)
        set_clock_differs(store, names, 0, now, f"our clock and that of {names} agree again", over=True)


def _read(
    store: Store,
    providers: Providers,
    name: str,
    time: ProviderTime | Refused,
    now: datetime,
    since: datetime | None,
) -> _Read:
    """Read one provider from where it last stood. What was never read is as stale as what was read long ago, or at a
    time that our clock has not come to: nobody knows what it has taken."""
    until, cursor = store.swept_until(name), store.swept_cursor(name)
    stale = until is None or abs(now - until) >= STALE_AFTER
    met: Counter[Recording] = Counter()
    try:
        if isinstance(time, Refused):
            raise time
        unread = stale and (until is not None or _has_been_used(store, name, now))
        start = min(filter(None, (time.start(cursor, now, unread=unread), since)))
        for change in providers.of(name).changes_since(start):
            met[record_change(store, providers, name, change, now)] += 1
    except Refused as refused:
        when = "was never read" if until is None else f"cannot be read since {until:%Y-%m-%d %H:%M} UTC"
        stale = stale or refused.code == "provider_denied"  # that does not pass by itself
        return _Read(name, met[Recording.RECORDED], stale, f"{name} {when}: {refused.message}")
    # What could not be recorded is read again for some hours: most of it was a moment's trouble.
    if not met[Recording.NEWLY_ASIDE] and (stale or not met[Recording.ASIDE]):
        store.set_swept(name, now, time.cursor(cursor))
    return _Read(name, met[Recording.RECORDED], stale)


def _has_been_used(store: Store, name: str, now: datetime) -> bool:
    """Whether anything of ours may be at a provider that was never read."""
    return bool(store.open_attempts(now, 1) or store.provider_payments(name, datetime.min.replace(tzinfo=UTC)))


def _note_unread(store: Store, read: Sequence[_Read], now: datetime) -> None:
    """While a provider could not be read for long, every cut waits: it may have taken what we do not know of."""
    unread = [one for one in read if one.why and one.stale]
    marked = store.system().feed_stale
    if unread and not marked:
        set_feed(store, stale=True, now=now, author=ARREARS, why=unread[0].why[:500])
    elif marked and not unread and any(one.stale for one in read):
        names = ", ".join(one.provider for one in read)
        set_feed(store, stale=False, now=now, author=ARREARS, why=f"{names} has been read again")


def watch_for_storm(store: Store, now: datetime) -> None:
    """Open the breaker in a storm of declines; a person closes it, when it is known what it was."""
    declined, finished = store.attempts_finished_since(now - STORM_WINDOW)
    if finished >= STORM_ATTEMPTS_MIN and declined > finished * STORM_SHARE and not store.system().breaker_open:
        why = f"{declined} of the last hour's {finished} attempts were declined"
        set_breaker(store, is_open=True, now=now, author=ARREARS, why=why)
