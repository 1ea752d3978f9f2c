"""Playing time: the engine runs at every instant at which something is due, and never in between.

Used by stories, replay, simulation and demo. The clock is the argument of each step; nothing here reads one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from arrears.core.facts import Recorded
from arrears.engine.message_context import PLAIN_CONTEXT, MessageContext
from arrears.engine.payments.providers import NO_PROVIDERS, Providers
from arrears.engine.perform import perform_all
from arrears.engine.run import DEFAULT_LIMITS, Limits, run
from arrears.ports import Channel, Journal, Services, Store

TICK_EVERY: Final = timedelta(hours=24)
"""A made-up clock ticks at least this often, so that the clock guard has nothing to suspect."""


class Stage:
    """A store, a channel and services on a made-up clock. `now` only moves forward."""

    def __init__(
        self,
        store: Store,
        channel: Channel,
        services: Services,
        now: datetime,
        *,
        limits: Limits = DEFAULT_LIMITS,
        late: timedelta = timedelta(),
        after_step: Callable[[datetime], object] | None = None,
        providers: Providers = NO_PROVIDERS,
        context: MessageContext = PLAIN_CONTEXT,
    ) -> None:
        self.store = store
        self.channel = channel
        self.services = services
        self.now = now
        self.limits = limits
        self.late = late
        """How long after its instant everything happens: no worker is there to the microsecond."""
        self.providers = providers
        self.context = context
        self._after_step = after_step
        self._ticked_at: datetime | None = None

    def until(self, instant: datetime) -> None:
        """Let time pass up to and including an instant; everything that falls due on the way happens on time."""
        while True:
            at = self.store.next_due()
            tick_at = instant if self._ticked_at is None else self._ticked_at + TICK_EVERY
            at = tick_at if at is None else min(at + self.late, tick_at)
            if at > instant:
                break
            self.now = max(self.now, at)
            self.step()
        self.now = max(self.now, instant)

    def step(self) -> None:
        """One collections run and everything it asked for, at this instant."""
        run(self.store, self.now, limits=self.limits)
        self.perform()
        self._ticked_at = self.now

    def perform(self) -> None:
        """Perform what was recorded outside the run, too: a resume goes out at once."""
        perform_all(self.store, self.channel, self.services, lambda: self.now, self.providers, self.context)
        if self._after_step is not None:
            self._after_step(self.now)


def facts_of(store: Journal, account: int) -> list[Recorded]:
    """All facts of one account, for stories and explanations."""
    return list(store.history(account))
