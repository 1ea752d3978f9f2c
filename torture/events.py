"""`python -m torture.events`: receivers, couriers and the database fail while facts come; each event arrives in order.

Real couriers (processes, killed at random and at each of their failpoints) carry the events of a book on an embedded
server of its own to real receivers: a process that is killed at any moment, whose endpoints hang up, hang, are slow,
answer garbage, keep an event and say that they did not, or are away for three days of a clock that is moved. Facts come
meanwhile from several threads, some of whose transactions stay open long after others that began later. Endpoints are
added, rotated, switched, replayed and removed. A reader goes through the feed all the time, and dies before it has
stored how far it is.

In the end every endpoint has every event that it wanted, first seen in the order of its account; the reader has every
event once and in order; every fact that is an event has one number; and what was created is acknowledged, pending or
parked.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from arrears.adapters.services.over_http import HttpTransport
from arrears.core import facts as f
from arrears.core.account import Mode
from arrears.core.delivery.signing import secret_text
from arrears.core.delivery.targets import allowed_targets
from arrears.core.errors import Refused
from arrears.core.policy import default_policy
from arrears.engine import commands
from arrears.engine.failpoints import DELIVERY_POINTS
from arrears.engine.system import adopt_policy
from arrears.ports import DeliveryState, EndpointState, EndpointUse, NewAccount, NewEndpoint
from arrears.store import schema
from arrears.store.server import EmbeddedServer
from torture.couriers import AWAY, SCHEMA, OffsetClock, store_at
from torture.events_verdict import judged
from torture.receivers import MODES, Receiver, behave

ROOT: Final = Path(__file__).parents[1]
AWAY_SECONDS: Final = 3 * 24 * 3600
CALM_SECONDS_MAX: Final = 240.0
"""So long nothing may move once everybody is well."""
TRANSACTIONS_PER_ROUND: Final = 25
FAILPOINT_SECONDS_MAX: Final = 15.0
SEALING: Final = HttpTransport(allowed_targets("127.0.0.0/8"))


class Torture:
    """One run."""

    def __init__(self, folder: Path, seed: int, rounds: int, accounts: int) -> None:
        self.folder, self.rng, self.rounds, self.accounts = folder, random.Random(seed), rounds, accounts
        self.clock = OffsetClock(folder)
        self.server = EmbeddedServer(folder / "db")
        self.url = self.server.start()
        schema.create_scratch(self.url, SCHEMA)
        self.store = store_at(self.url)
        # This process holds the socket: while the receivers are dead it takes connections, and nobody answers.
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.receivers: dict[str, Receiver] = {}
        behave(self.folder, self.receivers.values())
        self.town = self.open_town()
        self.counts: Counter[str] = Counter()
        self.over = threading.Event()
        self.couriers: list[subprocess.Popen[bytes]] = []
        self.armed: set[int] = set()
        self.round_no = 0
        self.feed: list[int] = []
        self.removed: set[str] = set()

    def again_while_away(self, act: Any) -> Any:
        """What `act` gives, once the database is there."""
        while True:
            try:
                return act()
            except AWAY:
                time.sleep(0.1)

    def add(self, name: str, kinds: tuple[str, ...] = ()) -> None:
        """One more endpoint, which begins with the first event."""
        secret = secret_text(self.rng.randbytes(32))
        self.receivers[name] = Receiver(name, kinds, [secret])
        behave(self.folder, self.receivers.values())
        url = f"http://127.0.0.1:{self.listening.getsockname()[1]}/{name}"
        new = NewEndpoint(EndpointUse.EVENTS, name, url, SEALING.sealed(secret), kinds, after=0)
        with suppress(Refused):  # the answer of the first try may have been lost
            self.again_while_away(lambda: self.store.add_endpoint(new, self.clock.now()))

    def open_town(self) -> subprocess.Popen[bytes]:
        """The receivers' process."""
        number = self.listening.fileno()
        words = [sys.executable, "-m", "torture.receivers", str(self.folder), str(number)]
        return subprocess.Popen(words, cwd=ROOT, pass_fds=[number])

    def kill_town(self) -> None:
        """The receivers die as they are, and are there again."""
        self.town.kill()
        self.town.wait()
        self.counts["receivers_killed"] += 1
        self.town = self.open_town()

    def write_facts(self, seed: int) -> None:
        """Facts, again and again; some transactions are left open for a while."""
        rng, store = random.Random(seed), store_at(self.url, 2)
        while not self.over.is_set():
            if self.counts["transactions"] > TRANSACTIONS_PER_ROUND * (self.round_no + 1):
                time.sleep(0.05)  # however long a round takes on this machine, there is an end to what is delivered
                continue
            number = rng.randint(1, self.accounts)
            try:
                with store.accounts([number], self.clock.now()) as batch:
                    for _ in range(rng.randint(1, 3)):
                        batch.units[0].record(f.Parked(why="torture"), "staff:1")
                    time.sleep(rng.choice([0, 0, 0, 0.02, 0.4]))
                self.counts["transactions"] += 1
            except AWAY:
                time.sleep(0.1)
        store.close()

    def read_feed(self) -> None:
        """Go through the feed as a program does, from cursor to cursor."""
        store, cursor, rng = store_at(self.url, 1), 0, random.Random(self.accounts)
        while True:
            last = self.over.is_set()
            try:
                found, looked = store.events_after(cursor, 50)
            except AWAY:
                time.sleep(0.1)
                continue
            if found and rng.random() < 0.1:
                self.counts["reader_died"] += 1
                continue
            self.feed += [one.no for one in found]
            if last and looked == cursor:
                break
            cursor = looked
            time.sleep(0.01)
        store.close()

    def bear(self, armed: str = "") -> None:
        """One more courier."""
        words = [sys.executable, "-m", "torture.couriers", str(self.folder), self.url, armed]
        self.couriers.append(subprocess.Popen(words, cwd=ROOT))
        if armed:
            self.armed.add(self.couriers[-1].pid)

    def strike(self, round_no: int) -> None:
        """What happens in one round."""
        self.choose_modes(round_no)
        # One that waits for its failpoint is left alone as long as there is another.
        free = [one for one in self.couriers if one.pid not in self.armed] or self.couriers
        victim = self.rng.choice(free)
        self.couriers.remove(victim)
        time.sleep(self.rng.uniform(0.3, 1.5))
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        self.counts["courier_killed"] += 1
        point = DELIVERY_POINTS[round_no % len(DELIVERY_POINTS)]
        self.bear(f"{point}:{self.rng.randint(1, 5)}" if round_no % 2 else "")
        if round_no % 2:
            self.wait_for_failpoint(self.couriers[-1])
        if round_no % 3 == 2:
            self.kill_town()
        if round_no % 4 == 3:
            self.server.kill_immediate()
            self.server.start()
            self.counts["database_killed"] += 1
        self.handle_endpoints(round_no)
        self.clock.pass_by(self.rng.randint(60, 8 * 3600))
        for dead in [one for one in self.couriers if one.poll() is not None]:
            self.couriers.remove(dead)
            self.counts["failpoint_reached"] += 1
            self.bear()

    def wait_for_failpoint(self, one: subprocess.Popen[bytes]) -> None:
        """A courier that has just been born dies where it shall, unless others leave it nothing to do."""
        with suppress(subprocess.TimeoutExpired):
            one.wait(FAILPOINT_SECONDS_MAX)

    def choose_modes(self, round_no: int) -> None:
        """How each receiver behaves in this round. One in eight rounds somebody leaves, for three days."""
        here = [one for one in self.receivers.values() if one.away_until <= self.clock.passed()]
        for one in here:
            one.mode = self.rng.choice(MODES)
        if round_no % 8 == 2 and here:
            gone = self.rng.choice(here)
            gone.mode, gone.away_until = "hangs_up", self.clock.passed() + AWAY_SECONDS
            self.counts["away_three_days"] += 1
        behave(self.folder, self.receivers.values())

    def handle_endpoints(self, round_no: int) -> None:
        """What people do with endpoints meanwhile."""
        store, now = self.store, self.clock.now()
        if round_no % 5 == 1:
            self.add(f"late{round_no}")
        if round_no % 5 == 4:
            name = f"late{round_no - 3}"
            number = self.again_while_away(lambda: store.endpoint_named(name)).number
            switched = (number, EndpointState.REMOVED, "", now, "x")
            self.again_while_away(lambda: store.switch_endpoint(*switched))
            self.removed.add(name)
        one = self.again_while_away(lambda: store.endpoint_named("all"))
        match round_no % 3:
            case 0:
                secret = secret_text(self.rng.randbytes(32))
                self.receivers["all"].secrets.append(secret)
                behave(self.folder, self.receivers.values())
                kept, until = SEALING.sealed(secret), now + timedelta(hours=24)
                self.again_while_away(lambda: store.rotate_secret(one.number, kept, now, until))
            case 1:
                after = self.rng.randint(0, max(one.event_no, 1))
                self.again_while_away(lambda: store.replay_events(one.number, after, now))
                self.counts["replayed"] += 1
            case _:
                for state in (EndpointState.OFF, EndpointState.ON):
                    switched = (one.number, state, "", now, "x")
                    self.again_while_away(lambda switched=switched: store.switch_endpoint(*switched))

    def play(self) -> dict[str, Any]:
        """Open the book, strike, wait for calm, judge."""
        adopt_policy(self.store, default_policy(), self.clock.now(), "x")
        people = [
            (
                NewAccount(f"A{no}", "Somebody", "NL", "UTC", "nl", Mode.CARD, "default", f"a{no}@example.org"),
                ("cloud",),
            )
            for no in range(1, self.accounts + 1)
        ]
        commands.open_accounts(self.store, people, self.clock.now(), "x")
        self.add("all")
        self.add("accounts", ("account.*",))
        self.add("opened", ("account.opened", "subscription.*"))
        for _ in range(2):
            self.bear()
        writers = [threading.Thread(target=self.write_facts, args=(self.rng.random(),)) for _ in range(3)]
        reader = threading.Thread(target=self.read_feed)
        for thread in (*writers, reader):
            thread.start()
        for round_no in range(self.rounds):
            self.round_no = round_no
            self.strike(round_no)
        self.over.set()
        for thread in writers:
            thread.join()
        calm = self.wait_for_calm()
        # What was numbered last may have come after the reader's last look.
        reader.join()
        found, _ = self.store.events_after(self.feed[-1] if self.feed else 0, 100_000)
        self.feed += [one.no for one in found]
        there = [one for one in self.receivers.values() if one.name not in self.removed]
        zeros, figures = judged(self.store, self.folder, self.receivers.values(), there, self.feed)
        return {**zeros, **figures, **self.counts, "calm": calm, "holds": calm and not any(zeros.values())}

    def wait_for_calm(self) -> bool:
        """Everybody is well from now on, and time passes until nothing is pending; whether that came."""
        for receiver in self.receivers.values():
            receiver.mode = "ok"
        behave(self.folder, self.receivers.values())
        deadline, least = time.monotonic() + CALM_SECONDS_MAX, sys.maxsize
        while time.monotonic() < deadline:
            for dead in [one for one in self.couriers if one.poll() is not None]:
                self.couriers.remove(dead)
                self.bear()
            time.sleep(1)
            for one in self.store.endpoints():
                if one.state is EndpointState.OFF:
                    self.counts["switched_off"] += 1
                    self.store.switch_endpoint(one.number, EndpointState.ON, "", self.clock.now(), "x")
                self.store.redrive(one.number, "", self.clock.now())
            with self.store.reading() as db:
                row = db.execute(
                    "SELECT (SELECT count(*) FROM unnumbered), (SELECT coalesce(max(no), 0) FROM event)"
                ).fetchone()
            assert row is not None
            behind = [o for o in self.store.endpoints() if o.counts[DeliveryState.PENDING] or o.event_no < row[1]]
            left = row[0] + sum(one.counts[DeliveryState.PENDING] + row[1] - one.event_no for one in behind)
            if left < least:
                deadline, least = time.monotonic() + CALM_SECONDS_MAX, left
            else:
                self.clock.pass_by(3600)  # while something moves no time passes: it would end each lease
            if not behind and not row[0]:
                return True
        return False

    def end(self) -> None:
        """Leave nothing behind."""
        self.over.set()
        for one in self.couriers:
            one.kill()
            one.wait()
        self.town.kill()
        self.town.wait()
        self.listening.close()
        self.store.close()
        self.server.stop()


def torture(rounds: int, seed: int, accounts: int = 30) -> dict[str, Any]:
    """The figures of one run."""
    folder = Path(tempfile.mkdtemp(prefix="arrears-torture-"))
    folder.chmod(0o711)
    began = time.monotonic()
    run = Torture(folder, seed, rounds, accounts)
    try:
        figures = run.play()
    finally:
        run.end()
        shutil.rmtree(folder, ignore_errors=True)
    return {"seed": seed, "rounds": rounds, "seconds": round(time.monotonic() - began), **figures}


def main() -> int:
    """One JSON object; exit code 1 if anything was lost or is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60, help="how many rounds of failures")
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    logging.getLogger("psycopg.pool").addHandler(logging.NullHandler())  # the database is killed here again and again
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**9)
    figures = torture(options.count, seed)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    return 0 if figures["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
