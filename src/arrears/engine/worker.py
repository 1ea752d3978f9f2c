"""The worker's loop: collect what is due, perform what was asked, wait. Any number of processes run it at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol

from arrears.engine.message_context import PLAIN_CONTEXT, MessageContext
from arrears.engine.messages.health import watch_mail
from arrears.engine.payments.named import add_named
from arrears.engine.payments.providers import NO_PROVIDERS, Providers
from arrears.engine.payments.sweep import sweep_if_due
from arrears.engine.people.visitors import attend
from arrears.engine.perform import perform
from arrears.engine.run import Limits, RunReport, run
from arrears.ports import Channel, Clock, Services, Store


class MailNews:
    """Says once that something is wrong with mail as a whole, and once that it is over."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._known: set[str] = set()

    def tell(self, troubles: Mapping[str, str]) -> None:
        """What is wrong now."""
        for kind, what in troubles.items():
            if kind not in self._known:
                self._say(f"{kind}: {what}; see `arrears tasks`")
        for kind in sorted(self._known - troubles.keys()):
            self._say(f"{kind}: over")
        self._known = set(troubles)


class Watcher(Protocol):
    """Who follows a worker's looks."""

    outages: tuple[type[Exception], ...]
    """What a store raises while its database cannot be reached or only be read. A look that ends so is made again:
    what it had recorded stands, what it had not is rolled back, and a claim is another's when its lease is over."""

    def looked(self, report: RunReport, performed: int) -> None:
        """A look came to its end."""

    def lost(self, error: Exception) -> None:
        """A look ended in one of `outages`; it may be the next of many."""


class NobodyWatches:
    """A watcher that follows nothing, and knows of no outage."""

    outages: tuple[type[Exception], ...] = ()

    def looked(self, report: RunReport, performed: int) -> None:
        """See Watcher."""

    def lost(self, error: Exception) -> None:
        """See Watcher."""


_NOBODY: Final = NobodyWatches()


ANSWERED_WITHIN: Final = timedelta(minutes=1)
READS_MAX: Final = 3
RETRY_SECONDS: Final = 1
"""Between two looks while the database is away: it is back for us a second after it is there."""


def work_once(
    store: Store,
    channel: Channel,
    services: Services,
    clock: Clock,
    limits: Limits,
    providers: Providers = NO_PROVIDERS,
    context: MessageContext = PLAIN_CONTEXT,
    *,
    stopping: Callable[[], bool] = lambda: False,
    tell: Callable[[Mapping[str, str]], object] = lambda _troubles: None,
) -> tuple[RunReport, int]:
    """What the providers know, then one collections run, then everything there is to perform; the run's report and
    how much was performed. `stopping` is asked after each batch; what is left then, the next worker finds. `tell` gets
    what is wrong with mail as a whole (see `watch_mail`), each time."""
    sweep_if_due(store, providers, clock.now())
    if providers.billing is not None:
        providers.billing.sweep(clock.now())
    add_named(store, providers, clock.now())
    # Before the run: a request that holds a deletion is there before anything is deleted.
    attend(store, channel, context, clock.now())
    report = run(store, _read_before(providers, clock), limits=limits, stopping=stopping)
    performed = 0
    while not stopping() and (count := perform(store, channel, services, clock.now(), providers, context)):
        performed += count
    tell(watch_mail(store, context, clock.now()))
    return report, performed


def _read_before(providers: Providers, clock: Clock) -> datetime:
    """The instant of a run: who is due then was read at the billing system after it. One that takes more than a minute
    to answer, again and again, is not waited for: the database would take such an instant for a clock that is wrong."""
    for _ in range(READS_MAX):
        now = clock.now()
        if providers.billing is None:
            return now
        providers.billing.sweep(now)
        if clock.now() - now < ANSWERED_WITHIN:
            return now
    return clock.now()


def work(
    store: Store,
    channel: Channel,
    services: Services,
    clock: Clock,
    limits: Limits,
    providers: Providers = NO_PROVIDERS,
    context: MessageContext = PLAIN_CONTEXT,
    *,
    poll_seconds: int,
    wait: Callable[[int], bool],
    hourly: Callable[[datetime], object] = lambda _now: None,
    each_time: Callable[[datetime], object] = lambda _now: None,
    say: Callable[[str], object] = lambda _line: None,
    watcher: Watcher = _NOBODY,
) -> None:
    """Work until `wait(seconds)` says to stop (True). It is asked between batches only, so that a batch in hand is
    always finished; a worker that is killed instead loses nothing either. `hourly` is called when this begins and
    once an hour, by every worker, `each_time` whenever it looks for work. `say` gets a line when something is wrong
    with mail as a whole, and when it is over.
    It outlives every outage that `watcher` names.
    """
    due: datetime | None = None
    news = MailNews(say)
    while True:
        try:
            now = clock.now()
            if due is None or now >= due:
                hourly(now)
                due = now + timedelta(hours=1)
            each_time(now)
            report, performed = work_once(
                store, channel, services, clock, limits, providers, context, stopping=lambda: wait(0), tell=news.tell
            )
        except watcher.outages as error:
            watcher.lost(error)
            pause = RETRY_SECONDS
        else:
            watcher.looked(report, performed)
            pause = 0 if report.accounts or performed else poll_seconds
        if wait(pause):
            return
