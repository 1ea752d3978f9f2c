"""The worker's loop: collect what is due, perform what was asked, wait. Any number of processes run it at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from arrears.engine.attempts import NO_PROVIDERS, Providers
from arrears.engine.perform import perform
from arrears.engine.run import Limits, RunReport, run
from arrears.engine.sweep import sweep
from arrears.ports import Channel, Clock, Services, Store

SWEEP_EVERY: Final = timedelta(minutes=1)
"""Webhooks tell at once; the sweep finds what they lost, and a minute is soon enough for that."""


def work_once(
    store: Store,
    channel: Channel,
    services: Services,
    clock: Clock,
    limits: Limits,
    providers: Providers = NO_PROVIDERS,
    *,
    stopping: Callable[[], bool] = lambda: False,
) -> tuple[RunReport, int]:
    """One collections run, then everything there is to perform; the run's report and how much was performed.
    `stopping` is asked after each batch; what is left then, the next worker finds."""
    report = run(store, clock.now(), limits=limits, stopping=stopping)
    performed = 0
    while not stopping() and (count := perform(store, channel, services, clock.now(), providers)):
        performed += count
    return report, performed


def work(
    store: Store,
    channel: Channel,
    services: Services,
    clock: Clock,
    limits: Limits,
    providers: Providers = NO_PROVIDERS,
    *,
    poll_seconds: int,
    wait: Callable[[int], bool],
) -> None:
    """Work until `wait(seconds)` says to stop (True). It is asked between batches only, so that a batch in hand is
    always finished; a worker that is killed instead loses nothing either."""
    swept_at: datetime | None = None
    while True:
        if providers.by_name and (swept_at is None or clock.now() - swept_at >= SWEEP_EVERY):
            swept_at = clock.now()
            sweep(store, providers, swept_at)
        report, performed = work_once(store, channel, services, clock, limits, providers, stopping=lambda: wait(0))
        if wait(0 if report.accounts or performed else poll_seconds):
            return
