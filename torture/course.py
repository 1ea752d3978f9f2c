"""The course of a disturbed run: time is let on, instant by instant, and at some of them somebody is killed.

Only processes that were started here are ever killed, by their own id.
"""

from __future__ import annotations

import random
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import psycopg

from arrears.engine.failpoints import POINTS
from arrears.engine.perform import LEASE_SECONDS
from arrears.store.postgres.store import PostgresStore
from arrears.store.server import EmbeddedServer
from torture.book import DRIFT_MAX, Plan, play_staff_day
from torture.calm import AFTER_STAFF, Calm
from torture.nursery import Nursery, Victim
from torture.outside import POLL_SECONDS, READY, ClockFile

SCHEMA: Final = "torture"
LEASE_OVER: Final = timedelta(seconds=LEASE_SECONDS + 30)
STUCK_SECONDS: Final = 0.3
"""Without progress for so long, somebody died with a claim: the clock is pushed on until the lease has ended."""

START_SECONDS_MAX: Final = 60.0
STOP_SECONDS_MAX: Final = 5.0
HANGING_SECONDS_MAX: Final = 0.6
"""One that hangs in the middle of a transaction holds its accounts; nobody can take those over before it wakes up."""
WORKERS_MAX: Final = 3
MORE_WORKERS_SHARE: Final = 0.05
"""Chance at each look that another worker joins; a failpoint sends them all home again."""


class Strike(NamedTuple):
    """What happens at one instant: `kill`, `pause`, `database`, or a failpoint the `nth` time it is reached."""

    what: str
    nth: int = 1


class Stopped(Exception):
    """The run did not get to its end."""


def open_store(url: str) -> PostgresStore:
    """The store of the staff."""
    return PostgresStore(url, schema=SCHEMA, connections_max=1, clock_is_real=False)


def strikes_for(
    plan: Plan, calm: Calm, rng: random.Random, kills: int, database_kills: int, pauses: int, rounds: int
) -> dict[int, list[Strike]]:
    """Who dies when: at instants where, by the undisturbed run, there is something to die in the middle of."""
    found: dict[int, list[Strike]] = defaultdict(list)
    busy = [i for i, looked in enumerate(calm.looked_at) if looked]
    weights = [min(calm.looked_at[i], 20) for i in busy]
    for i in rng.choices(busy, weights, k=kills):
        found[i].append(Strike("kill"))
    for i in rng.sample(busy, database_kills):
        found[i].append(Strike("database"))
    outside = [messages + orders for messages, orders in zip(calm.messages_at, calm.orders_at, strict=True)]
    for i in rng.choices(range(len(outside)), outside, k=pauses):
        found[i].append(Strike("pause"))
    work: dict[str, Sequence[int]] = {
        "suspicion": plan.gaps,
        "mail": [i for i, n in enumerate(calm.messages_at) if n],
        "send": [i for i, n in enumerate(calm.messages_at) if n],
        "look_up": [i for i, n in enumerate(calm.messages_at) if n],
        "order": [i for i, n in enumerate(calm.orders_at) if n],
        "results": [i for i, n in enumerate(calm.messages_at) if n],
        "command": [i for i, d in plan.staff_days.items() if d.invoices],
    }
    free = {i for i in range(1, len(plan.instants)) if i not in plan.gaps}
    gaps = list(plan.gaps)
    for point in POINTS * rounds:
        family = point.partition(".")[0]
        if family == "suspicion":
            i = gaps.pop()
        else:
            i = rng.choice([i for i in work.get(family, busy) if i in free])
            free.discard(i)
        most = {"send": calm.messages_at[i], "order": calm.orders_at[i]}.get(family, 1)
        found[i].insert(0, Strike(point, rng.randint(1, most)))
    return found


class Course:
    """One disturbed run. `counts` has the strikes that were carried out, by name."""

    def __init__(
        self,
        plan: Plan,
        calm: Calm,
        strikes: Mapping[int, Sequence[Strike]],
        folder: Path,
        server: EmbeddedServer,
        store: PostgresStore,
        seed: int,
        stop_at: float,
    ) -> None:
        self.plan, self.calm, self.strikes, self.folder = plan, calm, strikes, folder
        self.server, self.store, self.stop_at = server, store, stop_at
        self.url = server.start()
        self.rng = random.Random(f"{seed}/course")
        self.clock = ClockFile(folder)
        self.counts: Counter[str] = Counter()
        self.workers: list[Victim] = []
        self.said = folder / "said.log"
        self.nursery = Nursery(self.said)
        self.base = self.now = plan.instants[0]
        self._eyes: psycopg.Connection[tuple[int, int]] | None = None

    # -- time ----------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """From the first instant to the last, then until nothing is left to do."""
        self.clock.set(self.now - timedelta(seconds=1))
        for i, instant in enumerate(self.plan.instants):
            strikes = self.strikes.get(i, ())
            points = [s for s in strikes if s.what in POINTS]
            armed = [self._arm(s) for s in points if not s.what.startswith("command.")]
            self.base = instant
            self._set_clock(instant)
            for victim, strike in armed:
                self._await_death(victim, strike)
            self._refill()
            span = 0.01 + 0.003 * (self.calm.looked_at[i] + self.calm.messages_at[i] + self.calm.orders_at[i])
            for strike in strikes:
                if strike.what == "kill":
                    time.sleep(self.rng.uniform(0, span))
                    self._kill_one()
                elif strike.what == "pause":
                    self._pause_one(span)
                elif strike.what == "database":
                    time.sleep(self.rng.uniform(0, span))
                    self._kill_database()
            self._wait_until_done()
            if i in self.plan.staff_days:
                self._sit(i, [s for s in points if s.what.startswith("command.")])

    def _set_clock(self, now: datetime) -> None:
        if now - self.base > DRIFT_MAX:
            raise Stopped(f"something is never finished at {self.base}, left: {self._left()}")
        self.now = now
        self.clock.set(now)

    def _wait_until_done(self) -> None:
        """Wait until nothing is due and nothing is to be performed; if nothing moves, let leases end."""
        was, moved_at = (-1, -1, -1), time.monotonic()
        while (left := self._left()) != (0, 0, 0):
            if left != was:
                was, moved_at = left, time.monotonic()
            elif time.monotonic() - moved_at > STUCK_SECONDS:
                self._refill()
                self._set_clock(self.now + LEASE_OVER)
                moved_at = time.monotonic()
            self._check_time()
            time.sleep(POLL_SECONDS)
        self._refill()

    def _left(self) -> tuple[int, int, int]:
        """How many workers have not looked at this instant, accounts are due, and actions are not finished.

        Time waits for every worker: one that is a day late would tick for yesterday, and alarm the clock guard.
        """
        seen = self.now.isoformat()
        late = sum(1 for w in self.workers if w.poll() is None and self.clock.seen_by(w.name) != seen)
        statement = (
            f"SELECT (SELECT count(*) FROM {SCHEMA}.account_state WHERE next_at <= %s),"
            f" (SELECT count(*) FROM {SCHEMA}.action WHERE status IN ('recorded', 'claimed'))"
        )
        while True:
            try:
                if self._eyes is None:
                    self._eyes = psycopg.connect(self.url, autocommit=True)
                row = self._eyes.execute(statement.encode(), [self.now]).fetchone()
            except psycopg.OperationalError:
                self._eyes = None
                self._check_time()
                continue
            assert row is not None
            return late, *row

    def _check_time(self) -> None:
        if time.monotonic() > self.stop_at:
            raise Stopped(f"out of time at {self.now}")

    # -- the staff -------------------------------------------------------------------------------------------------

    def _sit(self, index: int, points: Sequence[Strike]) -> None:
        plan = self.plan
        numbers = (index, plan.accounts, plan.days, int(plan.seed), len(plan.gaps))
        for strike in points:
            victim = self._spawn("staff", *map(str, numbers), armed=strike)
            self._await_death(victim, strike)
        while True:
            try:
                play_staff_day(self.store, plan.staff_days[index], self.now)
                break
            except psycopg.OperationalError:
                self._check_time()
        self._set_clock(self.now + AFTER_STAFF)
        self._wait_until_done()

    # -- who dies ----------------------------------------------------------------------------------------------------

    def _arm(self, strike: Strike) -> tuple[Victim, Strike]:
        """One worker alone, which will die at this point as soon as the clock moves. A message is looked up only
        after its sender died, so there it is the sender."""
        self._retire()
        if strike.what.startswith("look_up."):
            sender = Strike(self.rng.choice(("send.before_call", "send.after_call")))
            return self._spawn("worker", armed=sender), strike
        return self._spawn("worker", armed=strike), strike

    def _await_death(self, victim: Victim, strike: Strike) -> None:
        """Wait until an armed worker has reached its point."""
        if strike.what.startswith("look_up."):
            sender = victim
            self._wait_for(lambda: sender.poll() is not None, "the sender")
            victim = self._spawn("worker", armed=strike)
            self._set_clock(self.now + LEASE_OVER)
        self._wait_for(lambda: victim.poll() is not None, strike.what)
        if victim.poll() == -signal.SIGKILL:
            self.counts[strike.what] += 1
        else:
            self.counts["crash"] += 1

    def _kill_one(self) -> None:
        living = [w for w in self.workers if w.poll() is None]
        victim = self.rng.choice(living)
        victim.end(signal.SIGKILL)
        self.counts["kill"] += 1
        self.workers = [w for w in self.workers if w is not victim]
        self.workers.append(self._spawn("worker"))

    def _pause_one(self, span: float) -> None:
        """A worker hangs with what it holds until its lease has ended and another one has taken over; then it wakes
        up and finishes, without knowing."""
        while len(self.workers) < 2:
            self.workers.append(self._spawn("worker"))
        time.sleep(self.rng.uniform(0, span))
        hung = self.rng.choice(self.workers)
        hung.pause()
        self._set_clock(self.now + LEASE_OVER)
        deadline = time.monotonic() + HANGING_SECONDS_MAX
        while self._left()[1:] != (0, 0) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        hung.go_on()
        self.counts["pause"] += 1

    def _kill_database(self) -> None:
        self.server.kill_immediate()
        self.server.start()
        self.counts["database"] += 1

    # -- processes -------------------------------------------------------------------------------------------------

    def _spawn(self, what: str, *arguments: str, armed: Strike | None = None) -> Victim:
        point = "" if armed is None else f"{armed.what}:{armed.nth}"
        born = self.nursery.spawn(what, str(self.folder), self.url, SCHEMA, *arguments, armed=point)
        self.counts["spawned"] += 1
        if armed is not None and what == "worker":
            self._wait_for(lambda: self.clock.seen_by(born.name) == READY, f"the start of a worker armed with {point}")
        return born

    def _refill(self) -> None:
        """Between one and three workers live; one that ended by itself is a crash of its own."""
        for worker in self.workers:
            if worker.poll() is not None:
                self.counts["crash"] += 1
        self.workers = [w for w in self.workers if w.poll() is None]
        wanted = max(1, len(self.workers))
        if self.rng.random() < MORE_WORKERS_SHARE:
            wanted = min(WORKERS_MAX, wanted + 1)
        while len(self.workers) < wanted:
            self.workers.append(self._spawn("worker"))

    def _retire(self) -> None:
        """Send home all workers; nobody is in the middle of anything."""
        for worker in self.workers:
            worker.end(signal.SIGTERM)
        self.workers = []

    def _wait_for(self, true: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while not true():
            if time.monotonic() > deadline:
                raise Stopped(f"{what} was never reached at {self.now}, left: {self._left()}")
            time.sleep(POLL_SECONDS)

    def end(self) -> None:
        """Let the workers end by themselves, and kill who does not."""
        self.clock.stop()
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while any(w.poll() is None for w in self.workers) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        self.nursery.close()
        if self.counts["crash"]:
            sys.stderr.write(self.said.read_text(errors="replace")[-4000:])
        if self._eyes is not None:
            self._eyes.close()
