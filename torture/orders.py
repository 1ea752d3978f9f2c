"""`python -m torture.orders`: services fail in every way; all of them obey in the end.

Accounts come into trouble, are stopped, pay late or never and are deleted, in a time that is made up. Their services
answer 500 for three days, hang, lose their answers, say 200 and nothing or 200 and a lie, take their time, come back
out of an old backup, move, and lose their secret; requests of before come again in any order. Workers are killed at
their failpoints, and the database as by a crash. Staff do what the tasks ask of them, a day late.

After each step every order that was created is acknowledged, pending or parked, and whoever paid and is off for longer
than the promise has a task. At calm every service is in the state that arrears wants it in.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from arrears.adapters.channels.folder import FolderChannel
from arrears.core import facts as f
from arrears.core.account import Mode
from arrears.core.delivery.signing import secret_text
from arrears.core.drift import WANTED
from arrears.core.errors import Refused
from arrears.core.ids import SUBSCRIPTION, format_id
from arrears.core.policy import default_policy
from arrears.engine import commands
from arrears.engine.booking import Payment
from arrears.engine.courier import Courier
from arrears.engine.drift import DriftWatch, repeat_order
from arrears.engine.failpoints import DELIVERY_POINTS, arm
from arrears.engine.orders import DeliveredServices, OrderAnswers, order_id
from arrears.engine.perform import perform_all
from arrears.engine.run import run
from arrears.engine.system import adopt_policy
from arrears.ports import DeliveryState, EndpointState, EndpointUse, NewAccount, NewEndpoint
from arrears.store import schema
from arrears.store.postgres.check import check_store
from arrears.store.postgres.queries import services_of_book
from arrears.store.postgres.store import PostgresStore
from arrears.store.server import EmbeddedServer
from arrears.wiring import RealClock
from torture.orders_town import DAY, Service, Wires, episodes
from torture.put_back import put_back, tell

SCHEMA: Final = "torture"
BEGAN: Final = datetime(2026, 1, 5, 10, tzinfo=UTC)
"""Once a day at this hour is enough: letters leave by day alone."""
NAMES: Final = ("cloud", "mail", "shop", "wiki")
LOOK: Final = timedelta(minutes=3)
QUIET_DAYS: Final = 25
"""So long nobody is stopped."""
TROUBLE_DAYS: Final = 135
"""A deletion is ordered on day 123 of a debt at the earliest: old backups come back after it too."""
CALM_DAYS: Final = 10
PROMISE: Final = timedelta(hours=24)
HEARD_AGAIN: Final = DAY
"""Longer than any pause between two tries."""
KILLED_SECONDS_MAX: Final = 60
POINTS: Final = (
    *DELIVERY_POINTS,
    *("claim.before_commit", "claim.after_commit", "order.before_call", "order.after_call"),
    *("results.before_commit", "results.after_commit", "batch.before_commit", "batch.after_commit"),
)


class MadeUpClock:
    """What time it is, as this run says."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """See ports.Clock."""
        return self.at


class OrdersSize(NamedTuple):
    """How large a world is, how often somebody looks at it (hours), and how many workers or databases are killed."""

    accounts: int
    hours: int
    kills: int


class OrdersWorld:
    """One run. `server` is killed now and then, where it is this run's own."""

    def __init__(self, url: str, folder: Path, seed: int, size: OrdersSize, server: EmbeddedServer | None) -> None:
        self.url, self.folder, self.rng, self.server = url, folder, random.Random(seed), server
        self.size = size
        self.clock = MadeUpClock(BEGAN)
        self.store = self._opened()
        trouble_ends = BEGAN + DAY * TROUBLE_DAYS
        self.services = [
            Service(folder, name, episodes(self.rng, BEGAN + DAY * 28, trouble_ends), self.clock) for name in NAMES
        ]
        self.wires = Wires(folder, self.services)
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._off_since: dict[tuple[int, int], datetime] = {}
        self._excused: dict[str, datetime] = {}
        self._handled: set[tuple[str, datetime]] = set()
        self.numbers = self._accounts(size.accounts)

    def _opened(self) -> PostgresStore:
        return PostgresStore(self.url, schema=SCHEMA, connections_max=4, clock_is_real=False)

    def _accounts(self, count: int) -> list[int]:
        adopt_policy(self.store, default_policy(), BEGAN, "staff:1")
        for service in self.services:
            url = f"https://example.org/{service.name}"
            self.store.add_endpoint(NewEndpoint(EndpointUse.SERVICE, service.name, url, service.secret), BEGAN)
        new = [
            (
                NewAccount(f"A{n}", f"Customer {n}", "NL", "UTC", "en", Mode.INVOICE, "default", f"a{n}@example.org"),
                tuple(self.rng.sample(NAMES, 2)),
            )
            for n in range(count)
        ]
        numbers = commands.open_accounts(self.store, new, BEGAN, "api:1")
        self.pays: dict[int, datetime] = {}
        for number in numbers:
            self._invoice(number)
            # Two in three pay, most of them after they were stopped; some of those come into trouble once more.
            if self.rng.random() < 0.67:
                self.pays[number] = BEGAN + DAY * self.rng.uniform(25, 110)
        return numbers

    def _invoice(self, number: int) -> None:
        self.counts["invoices"] += 1
        due, name = self.clock.now().date(), f"I{self.counts['invoices']}"
        invoice = commands.Invoice(number, name, "EUR", 12_000, due, due, (1, 2))
        commands.issue_invoices(self.store, [invoice], self.clock.now(), "api:1")

    # -- one step ----------------------------------------------------------------------------------------------------

    def play(self) -> OrdersWorld:
        """From the first day to calm."""
        end = BEGAN + DAY * (TROUBLE_DAYS + CALM_DAYS)
        quiet = [BEGAN + DAY * day for day in range(QUIET_DAYS)]
        every = timedelta(hours=self.size.hours)
        steps = (end - BEGAN - DAY * QUIET_DAYS) // every
        killed = set(self.rng.sample(range(steps - 20), min(self.size.kills, steps - 20)))
        for step, now in enumerate([*quiet, *(BEGAN + DAY * QUIET_DAYS + every * step for step in range(steps))]):
            self.clock.at = now
            self._customers()
            self._services()
            if kills := step - QUIET_DAYS in killed:
                self._killed_worker()
            self._work()
            self._staff()
            self._seen(killed=kills)
        return self

    def _customers(self) -> None:
        for number, at in sorted(self.pays.items()):
            if at <= self.clock.now():
                del self.pays[number]
                debts = self.store.snapshots([number])[number].debts
                owed = [(debt.no, debt.open_minor) for debt in debts if debt.open_minor]
                for debt, minor in owed:
                    payment = Payment(number, f"P{number}-{debt}", "EUR", minor, (debt,))
                    commands.record_payments(self.store, [payment], self.clock.now(), "api:1")
                    self.counts["paid"] += 1
                if self.clock.now() < BEGAN + DAY * 60 and self.rng.random() < 0.5:
                    self._invoice(number)
                    self.pays[number] = self.clock.now() + DAY * self.rng.uniform(33, 50)

    def _services(self) -> None:
        """What happens to the services by themselves."""
        for service in self.services:
            if self.rng.random() < 0.25:
                service.back_up()
            for one in service.plan:
                if one.mode == "backup" and one.begins <= self.clock.now() and self._first((service.name, one.begins)):
                    self.counts["backups put back"] += service.restore(self.rng)
            if service.mode() == "":
                for order, reply in service.finish():
                    self.counts["done later"] += 1
                    if self.rng.random() < 0.5:
                        self._called_back(service, order, reply.body)
        self.counts["came once more"] += self.wires.once_more(self.rng)

    def _called_back(self, service: Service, order: str, words: dict[str, Any]) -> None:
        one = self.store.service_called(service.name, self.clock.now())
        assert one is not None
        self.counts["callbacks"] += 1
        OrderAnswers(self.store).reported(self.store, one[:2], {"order": order, **words}, self.clock.now())

    def _first(self, what: tuple[str, datetime]) -> bool:
        new = what not in self._handled
        self._handled.add(what)
        return new

    def _work(self, store: PostgresStore | None = None) -> None:
        """What workers do: collect, perform, carry, and ask; minutes later once more."""
        store = store or self.store
        channel, services = FolderChannel(self.folder / "mail"), DeliveredServices(store)
        began = self.clock.at
        for later in (timedelta(), LOOK, LOOK * 2):
            self.clock.at = began + later
            if later and not store.drift():
                break
            run(store, self.clock.now())
            perform_all(store, channel, services, self.clock.now)
            answers = OrderAnswers(store)
            Courier(store, self.wires, self.clock, answers.heard, lambda: 0.5, signing=RealClock()).carry_all()
            try:
                DriftWatch(store, self.wires, self.clock, RealClock()).look()
            except Refused as refused:
                self.counts[f"looks in vain ({refused.code})"] += 1

    def _killed_worker(self) -> None:
        """A worker in a process of its own, that dies at a failpoint; or the database does, while it works."""
        point = f"{self.rng.choice(POINTS)}:{self.rng.randint(1, 3)}"
        kills_database = self.server is not None and self.rng.random() < 0.3
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            signal.alarm(KILLED_SECONDS_MAX)
            try:
                logging.disable(logging.CRITICAL)
                arm(None if kills_database else point)
                self._work(self._opened())
            finally:
                os._exit(0)
        if kills_database:
            assert self.server is not None
            self.store.close()
            os.sched_yield()
            self.server.kill_immediate()
            self.server.start()
            os.waitpid(child, 0)
            self.store = self._opened()
            self.counts["databases killed"] += 1
            return
        _, status = os.waitpid(child, 0)
        self.counts["workers killed" if os.WIFSIGNALED(status) else "workers that came to their end"] += 1

    def _staff(self) -> None:
        """What the tasks ask of people, a day after each trouble is over, or began where only they can end it."""
        now = self.clock.now()
        for service in self.services:
            [one] = [each for each in self.store.endpoints() if each.name == service.name]
            for trouble in service.plan:
                key = f"staff:{service.name}", trouble.begins
                if trouble.mode in ("moved", "secret") and now >= trouble.ends and self._first(key):
                    if trouble.mode == "moved":
                        self.store.change_endpoint(one.number, f"https://example.org/{service.name}-new", (), now)
                    else:
                        secret = secret_text(self.rng.randbytes(32))
                        self.store.rotate_secret(one.number, secret, now, now + DAY)
                        service.new_secret(secret)
            if service.mode() or self.rng.random() > 0.2:
                continue
            if one.state is EndpointState.OFF:
                self.store.switch_endpoint(one.number, EndpointState.ON, "", now, "staff:1")
            if one.counts[DeliveryState.PARKED]:
                self.counts["redriven"] += self.store.redrive(one.number, "", now)
            for known in self.store.drift():
                certain = known.service == service.name and known.certain and known.drift.wanted not in ("", "deleted")
                if certain and repeat_order(self.store, known.drift, now, "staff:1", "I have looked"):
                    self.counts["ordered anew by staff"] += 1

    # -- what must be so ---------------------------------------------------------------------------------------------

    def _say(self, what: str) -> None:
        self.wrong.append(f"day {(self.clock.now() - BEGAN) / DAY:.1f}: {what}")

    def _seen(self, *, killed: bool) -> None:
        perform_all(self.store, FolderChannel(self.folder / "mail"), DeliveredServices(self.store), self.clock.now)
        wanted = {
            order_id(account, sub.no, order.no) for account, sub, _ in self._subscriptions() for order in sub.orders
        }
        with self.store.transaction() as db:
            waiting = {
                message: (kind, service)
                for message, kind, service in db.execute(
                    "SELECT d.message, d.kind, e.name FROM delivery d JOIN endpoint e USING (endpoint_id)"
                    " WHERE d.state <> 'acknowledged'"
                )
            }
            rows = db.execute(
                "SELECT account_id, subscription, order_no FROM action"
                " WHERE kind = 'order' AND status IN ('recorded', 'claimed')"
            )
            not_given = {order_id(*row) for row in rows}
        for order in sorted(wanted - waiting.keys() - not_given):
            self._say(f"{order} is open, and neither pending nor parked")
        # What a service has forgotten of a deletion it is given once more.
        again = {name: service for name, (kind, service) in waiting.items() if kind != "order.delete"}
        self._over_and_waiting({name: again[name] for name in again.keys() - wanted}, killed=killed)
        self._off_without_task()

    def _over_and_waiting(self, over: dict[str, str], *, killed: bool) -> None:
        """Who dies between the answer's fact and the row of the queue hears the order again (decision 60): that has a
        day, from when its service is well and given orders."""
        now = self.clock.now()
        on = {one.name for one in self.store.endpoints() if one.state is EndpointState.ON}
        well = {one.name for one in self.services if one.name in on and not one.mode()}
        for order, service in sorted(over.items()):
            first = killed and order not in self._excused
            self.counts["to be heard again"] += first
            if first or (order in self._excused and service not in well):
                self._excused[order] = now
            elif order not in self._excused or now - self._excused[order] > HEARD_AGAIN:
                self._say(f"{order} is over, and pending or parked")
        self._excused = {order: at for order, at in self._excused.items() if order in over}

    def _off_without_task(self) -> None:
        with self.store.transaction() as db:
            tasks = {
                (account, cause)
                for account, cause in db.execute("SELECT account_id, cause FROM task WHERE closed_seq IS NULL")
            }
        asked = {account for account, _ in tasks}
        told = {cause.partition(":")[0] for account, cause in tasks if account == 0}
        for account, sub, state in self._subscriptions():
            key = account, sub.no
            off = WANTED[sub.state] == "active" and state in ("restricted", "disabled", "deleted")
            since = self._off_since.setdefault(key, self.clock.now()) if off else self._off_since.pop(key, None)
            late = off and since is not None and self.clock.now() - since > PROMISE
            if late and account not in asked and sub.service not in told:
                self._say(f"{format_id(SUBSCRIPTION, *key)} is off since {since}, is to run, and nobody has a task")

    def _subscriptions(self) -> list[tuple[int, Any, str]]:
        states = {service.name: service.states() for service in self.services}
        return [
            (number, sub, states[sub.service].get(format_id(SUBSCRIPTION, number, sub.no), "active"))
            for number, account in sorted(self.store.snapshots(self.numbers).items())
            for sub in account.subscriptions
        ]

    def judged(self) -> dict[str, Any]:
        """What is counted at calm; `wrong` says each thing that is not as it must be."""
        for account, sub, state in self._subscriptions():
            name = format_id(SUBSCRIPTION, account, sub.no)
            if WANTED[sub.state] != state:
                self._say(f"{name} is to be {WANTED[sub.state]}, and {sub.service} has it as {state}")
            if sub.orders:
                self._say(f"{name}: orders {[order.no for order in sub.orders]} are open at calm")
        for service in self.services:
            self._obeyed_as_ordered(service)
        self._acknowledged_when_done()
        for order in sorted(self._excused):
            self._say(f"{order} is over, and pending or parked at calm")
        report = check_store(self.store)
        self.wrong += [str(breach) for breach in report.breaches]
        orders = services_of_book(self.store).values()
        modes = Counter(one.mode for service in self.services for one in service.plan)
        return {
            "accounts": len(self.numbers),
            "orders": sum(one.given for one in orders),
            "acknowledged": sum(one.acknowledged for one in orders),
            "carried out": sum(1 for service in self.services for _ in service.obeyed()),
            "deletions": sum(1 for service in self.services for one in service.obeyed() if one[2] == "delete"),
            **{f"services that were: {mode}": count for mode, count in sorted(modes.items())},
            **dict(sorted(self.counts.items())),
            "wrong": self.wrong,
        }

    def _acknowledged_when_done(self) -> None:
        """What counts as carried out was, by then; but for what a service that lies said."""
        done: dict[str, datetime] = {}
        for service in self.services:
            for _, _, _, order, at, *_ in service.obeyed():
                done.setdefault(order, datetime.fromisoformat(at))
        lied = {one.name: [e for e in one.plan if e.mode == "lies"] for one in self.services}
        for number, account in self.store.snapshots(self.numbers).items():
            for recorded in self.store.history(number):
                fact = recorded.fact
                if isinstance(fact, f.OrderAcknowledged) and not fact.overtaken:
                    order = order_id(number, fact.subscription, fact.order_no)
                    lies = lied[account.subscription(fact.subscription).service]
                    if any(one.begins <= recorded.at <= one.ends for one in lies):
                        continue
                    if order not in done or done[order] > recorded.at:
                        self._say(f"{order} counts as carried out at {recorded.at}, and was at {done.get(order)}")

    def _obeyed_as_ordered(self, service: Service) -> None:
        """Each once, in their order, and nothing after a deletion; an old backup begins anew, and to it is new what
        comes once more."""
        newest: dict[tuple[str, int], tuple[int, str]] = {}
        for subscription, sequence, command, *_, came_again, restored in service.obeyed():
            key = subscription, restored
            before = newest.get(key, (0, ""))
            if sequence <= before[0]:
                self._say(f"{service.name} carried out {command} {sequence} of {subscription} after {before}")
            if (
                any(of == subscription and was[1] == "delete" for (of, _), was in newest.items())
                and command != "delete"
                and not came_again
            ):
                self._say(f"{service.name} carried out {command} of {subscription} after its deletion")
            newest[key] = sequence, command


def tortured(seed: int, size: OrdersSize) -> dict[str, Any]:
    """The figures of one world on a database server of its own."""
    folder = Path(tempfile.mkdtemp(prefix="arrears-orders-"))
    folder.chmod(0o711)
    server = EmbeddedServer(folder / "db", durable=False)  # of a killed server all that was committed is kept
    try:
        url = server.start()
        schema.create_scratch(url, SCHEMA)
        world = OrdersWorld(url, folder, seed, size, server).play()
        try:
            return {"seed": seed, **world.judged()}
        finally:
            world.store.close()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _found(size: OrdersSize) -> Callable[[Any, Sequence[int]], tuple[int, str] | None]:
    @cache
    def right(seed: int) -> bool:
        return not tortured(seed, size)["wrong"]

    def find(fault: Any, seeds: Sequence[int]) -> tuple[int, str] | None:
        for seed in seeds:
            if not right(seed):
                continue
            with put_back(fault):
                try:
                    wrong = tortured(seed, size)["wrong"]
                except Exception as error:
                    wrong = [f"it ends with {type(error).__name__}: {error}"]
            if wrong:
                return seed, wrong[0][:200]
        return None

    return find


def main() -> int:
    """A JSON object for each seed; exit code 1 where something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="each JSON object on one line")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1, help="so many worlds, from this seed on")
    parser.add_argument("--accounts", type=int, default=24)
    parser.add_argument("--hours", type=int, default=8, help="between two times that workers look")
    parser.add_argument("--kills", type=int, default=40, help="so many workers or databases are killed in each")
    parser.add_argument("--faults", action="store_true", help="put known faults back, each into a world without kills")
    options = parser.parse_args()
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)  # that it is away is what this is about
    size = OrdersSize(options.accounts, options.hours, options.kills)
    if options.faults:
        from torture.orders_faults import FAULTS

        return 0 if tell(FAULTS, range(1, options.count + 1), _found(size._replace(kills=0))) else 1
    right = True
    for seed in range(options.seed, options.seed + options.count):
        figures = tortured(seed, size)
        right = right and not figures["wrong"]
        sys.stdout.write(json.dumps(figures, indent=None if options.json else 2) + "\n")
        sys.stdout.flush()
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
