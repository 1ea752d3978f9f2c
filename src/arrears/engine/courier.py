"""The courier: looks which endpoints have something due, and works each off in a lane of its own.

A lane claims, posts at once what it has claimed, records what came back, and ends when nothing of its endpoint is due.
An endpoint that hangs holds up its own lane and nobody else's. Every claim has a lease that outlasts a post, so that a
courier who dies loses nothing, and any number of them work at once.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final, Protocol

from arrears.core.delivery.schedule import pause_after
from arrears.core.delivery.signing import signed_headers
from arrears.engine.failpoints import reached
from arrears.ports import (
    Clock,
    DeliveryAnswer,
    DeliveryBook,
    DeliveryClaim,
    DeliveryFate,
    DeliveryOutcome,
    EventBook,
    Transport,
)
from arrears.ports.delivery import fate_of

LEASE: Final = timedelta(seconds=60)
"""Four times as long as a transport may take; a courier that dies is taken over after this."""
AT_ONCE: Final = 16
"""So many parcels of different keys are on their way to one endpoint."""
LANES: Final = 32
"""So many endpoints are worked off at once by one courier. Each is a thread that mostly waits."""
RETRY_SECONDS: Final = 1.0
"""After something went wrong, as while the database is away."""
POLL_SECONDS: Final = 0.25
"""Between two looks while there is nothing to be delivered."""
BATCHES: Final = 200
"""So many transactions' facts are numbered as events at once."""
EVENTS: Final = 500
"""So many events are put for an endpoint at once."""


class OutgoingBook(DeliveryBook, EventBook, Protocol):
    """What a courier needs of the store: the queue, and the events that are put into it."""


DeliveryFates = Mapping[str, tuple[DeliveryFate, str]]
"""What becomes of parcels, by name, and why in a few words; of one that is not named its status says it."""

Heard = Callable[[Sequence[tuple[DeliveryClaim, DeliveryAnswer]], datetime], DeliveryFates]
"""Who is told what an endpoint answered, before that is recorded: an order's answer may say that it is carried out, or
that it is not yet. Told twice where a courier dies between the two."""


def NOBODY_HEARS(  # noqa: N802 - a constant
    _answered: Sequence[tuple[DeliveryClaim, DeliveryAnswer]], _now: datetime
) -> DeliveryFates:
    """Nobody waits for the answers."""
    return {}


def put_what_is_new(store: OutgoingBook, now: datetime) -> int:
    """Give numbers to the events that have none, and put them for every endpoint that wants them; how many of both."""
    total = 0
    while found := store.number_events(BATCHES):
        total += found
    while found := store.put_events(EVENTS, now):
        total += found
    return total


Before = Callable[[datetime], int]
"""What is done before each look, which may put parcels; how much it did."""


def NOTHING_BEFORE(_now: datetime) -> int:  # noqa: N802 - a constant
    """Nothing."""
    return 0


class CourierWatcher(Protocol):
    """Who follows a courier."""

    def carried(self, parcels: int) -> None:
        """A lane came to its end, after so many parcels."""

    def lost(self, error: Exception) -> None:
        """A look or a lane ended in an error; it may be the next of many. It is made again: what it had recorded
        stands, and what it had claimed is delivered again when the lease is over."""


class Courier:
    """Carries parcels from a store. `chance` moves pauses (see `pause_after`); receivers look at when something was
    signed, so that is by `signing`, the real clock, where `clock` is a made-up one."""

    def __init__(
        self,
        store: OutgoingBook,
        transport: Transport,
        clock: Clock,
        heard: Heard = NOBODY_HEARS,
        chance: Callable[[], float] = random.random,
        before: Before = NOTHING_BEFORE,
        signing: Clock | None = None,
    ) -> None:
        self._store, self._transport, self._clock = store, transport, clock
        self._heard, self._chance, self._before = heard, chance, before
        self._signing = signing or clock
        self._stop = threading.Event()
        self._lanes: dict[int, Future[int]] = {}

    def carry_all(self) -> int:
        """Carry everything that is due, one endpoint after the other, until nothing is; how many parcels were carried.
        For commands, tests and the simulation of a day."""
        total = 0
        while True:
            moved = self._put()
            found = sum(self.lane(one) for one in self._store.due_endpoints(self._clock.now()))
            total += found
            if not found and not moved:
                return total

    def work(self, poll_seconds: float, watcher: CourierWatcher) -> None:
        """Work until `end`, and outlive whatever goes wrong meanwhile."""
        with ThreadPoolExecutor(LANES, thread_name_prefix="delivery") as pool:
            while not self._stop.is_set():
                moved = 0
                try:
                    moved = self._put()
                    self._begin_lanes(pool)
                except Exception as error:
                    watcher.lost(error)
                    self._stop.wait(RETRY_SECONDS)
                self._end_lanes(watcher)
                self._stop.wait(0 if moved else poll_seconds)

    def end(self) -> None:
        """Make `work` end: what is on its way is answered and recorded first."""
        self._stop.set()

    @contextmanager
    def working_beside(self, poll_seconds: float, watcher: CourierWatcher) -> Iterator[None]:
        """Work in a thread until the end of the block."""
        thread = threading.Thread(target=self.work, args=(poll_seconds, watcher), name="courier")
        thread.start()
        try:
            yield
        finally:
            self.end()
            thread.join()

    def _put(self) -> int:
        return self._before(self._clock.now()) + put_what_is_new(self._store, self._clock.now())

    def _begin_lanes(self, pool: ThreadPoolExecutor) -> None:
        for endpoint in self._store.due_endpoints(self._clock.now()):
            if endpoint not in self._lanes and len(self._lanes) < LANES:
                self._lanes[endpoint] = pool.submit(self.lane, endpoint)

    def _end_lanes(self, watcher: CourierWatcher) -> None:
        for endpoint in [endpoint for endpoint, lane in self._lanes.items() if lane.done()]:
            lane = self._lanes.pop(endpoint)
            error = lane.exception()
            if isinstance(error, Exception):
                watcher.lost(error)
            else:
                watcher.carried(lane.result())

    def lane(self, endpoint: int) -> int:
        """Work one endpoint off; how many parcels were carried there, taken or not."""
        total = 0
        while not self._stop.is_set():
            found = self._store.claim_deliveries(endpoint, self._clock.now(), AT_ONCE, LEASE)
            if found is None:
                return total
            reached("delivery.after_claim")
            now = self._signing.now()
            secrets = [self._transport.opened(one) for one in found.secrets]
            requests = []
            for claim in found.claims:
                body = claim.body.encode()
                signed = signed_headers(secrets, claim.message, now, body)
                requests.append(({"Content-Type": "application/json", **signed}, body))
            answers = self._transport.post(found.url, requests)
            reached("delivery.after_post")
            self._store.record_deliveries(self._outcomes(found.claims, answers), self._clock.now())
            reached("delivery.after_record")
            total += len(found.claims)
        return total

    def _outcomes(
        self, claims: Sequence[DeliveryClaim], answers: Sequence[DeliveryAnswer]
    ) -> Sequence[DeliveryOutcome]:
        pairs = list(zip(claims, answers, strict=True))
        fates, outcomes = self._heard(pairs, self._clock.now()), []
        for claim, answer in pairs:
            fate, why = fates.get(claim.message, (fate_of(answer), ""))
            said = answer._replace(said=why) if why else answer
            outcomes.append(DeliveryOutcome(claim, said, pause_after(claim.tries, self._chance()), fate))
        return outcomes
