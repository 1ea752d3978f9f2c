"""`python -m torture.money`: settlements on the provider's bad days, by processes that are killed at every step.

Every account owes for some of its services. Payers settle them all while a share of the provider's answers is lost,
late or wrong, and while they die by SIGKILL at each failpoint between quote and resume. In the end the provider's book
and the ledger must be equal to the cent, nobody charged twice, and every account running.

With `--worlds` made-up worlds in which everything happens to money in any order (`torture.money_worlds`), with
`--faults` what these would find.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from arrears.adapters.services.inprocess import InProcessServices
from arrears.core.account import Mode
from arrears.core.errors import Refused
from arrears.core.policy import default_policy
from arrears.core.states import State
from arrears.engine import commands
from arrears.engine.failpoints import MONEY_POINTS
from arrears.engine.payments import methods
from arrears.engine.payments.attempts import pursue
from arrears.engine.payments.reconciliation import check
from arrears.engine.payments.sweep import sweep
from arrears.engine.perform import perform_all
from arrears.engine.run import run
from arrears.engine.system import adopt_policy
from arrears.ports import Delivery, Fate, Message, NewAccount
from arrears.sandbox.run import Running, SandboxAt, running
from arrears.store.postgres.check import check_store
from arrears.store.postgres.store import PostgresStore
from arrears.wiring import fresh_database
from torture.payer import now, pay, providers_at

POINTS: Final = (*MONEY_POINTS, "command.before_commit", "command.after_commit")
BAD_DAYS: Final = {"drop_after": 2, "drop_before": 1, "error_after": 1, "late": 1}
"""In how many of a hundred charges the answer is lost (done or not), is a stored 500, or the charge comes late."""

ACCOUNTS_PER_CUSTOMER: Final = 20
AGE_DAYS: Final = 33
"""Disabled at the end of day 30, which is 31 days after the due date."""
SERVICES: Final = ("cloud", "mail", "storage")


class Silence:
    """A channel that takes every message: this torture is about money."""

    def send(self, message: Message) -> Delivery:
        """See ports.Channel."""
        return Delivery(Fate.ACCEPTED)

    def look_up(self, message_id: str) -> Fate:
        """See ports.Channel."""
        return Fate.ACCEPTED


def open_book(store: PostgresStore, sandbox: SandboxAt, count: int, seed: int) -> None:
    """Accounts that owe on one to three services since so long that these are disabled, each with a new card that
    nobody has charged yet."""
    dice = random.Random(seed)
    at = now() - timedelta(days=AGE_DAYS)
    adopt_policy(store, default_policy(), at, "staff:1")
    new = [
        (NewAccount(f"T{i}", f"T{i}", "NL", "UTC", "nl", Mode.CARD, "default", f"t{i}@example.org"), SERVICES)
        for i in range(count)
    ]
    numbers = commands.open_accounts(store, new, at, "api:1")
    due = at.date()
    invoices = [
        commands.Invoice(n, f"T{n}-{k}", "EUR", dice.randrange(100, 90_000), due, due, (k,))
        for n in numbers
        for k in range(1, dice.randint(1, 3) + 1)
    ]
    for start in range(0, len(invoices), 1000):
        commands.issue_invoices(store, invoices[start : start + 1000], at, "api:1")
    _grow_old(store, at)
    providers = providers_at(sandbox.url, sandbox.secret_key, sandbox.webhook_secret)
    stripe = providers.of("stripe")
    details = None
    for place, number in enumerate(numbers):
        if place % ACCOUNTS_PER_CUSTOMER == 0:
            page = stripe.open_setup(f"setup-{seed}-{number}", number, "", "en", "http://127.0.0.1:9/")
            sandbox.control("card", session=page.ref, card="approve", own=True)
            outcome = stripe.setup_outcome(page.ref)
            details = getattr(outcome, "method", None)
        assert details is not None, "a card was set up"
        methods.add(store, providers, number, "stripe", details, now(), "person:1")


def _grow_old(store: PostgresStore, since: datetime) -> None:
    """The whole ladder, on time: reminders, warnings, disablement."""
    midnight = since.replace(hour=0, minute=0, second=0, microsecond=0)
    for half in range(1, 2 * AGE_DAYS + 1):
        instant = midnight + timedelta(hours=12 * half - (3 if half % 2 else 0))
        if since < instant <= now():
            run(store, instant)
            perform_all(store, Silence(), InProcessServices(), partial(_same, instant))
    run(store, now())


def _same(instant: datetime) -> datetime:
    return instant


class Payers:
    """So many processes at once, each with its share of the accounts; the dead are replaced until all are through."""

    def __init__(self, url: str, sandbox: Running, count: int, seed: int, rounds: int) -> None:
        self.url, self.sandbox = url, sandbox
        self.dice = random.Random(f"{seed}/kills")
        half = count // 2
        self.shares = [(1, half), (half + 1, count)]
        self.kills = [point for point in POINTS for _ in range(rounds)]
        self.dice.shuffle(self.kills)
        # Popped from the end. Looking up is rare, so it never begins: a payer that waits for it would pay its whole
        # share of a small run before anybody has died.
        self.kills.sort(key=lambda point: "look_up" not in point and rounds == 1)
        self.apart = max(1, count // len(self.kills) // 2)
        self.died: Counter[str] = Counter()
        self.crashes = 0

    def run(self, seconds_max: float) -> None:
        """Until every share is through and every failpoint has been died at as often as planned."""
        deadline = time.monotonic() + seconds_max
        alive = {share: self._bear(share) for share in self.shares}
        while alive:
            if time.monotonic() > deadline:
                for process, _ in alive.values():
                    process.kill()
                raise Refused("too_slow", f"not through after {seconds_max:.0f} seconds")
            for share, (process, point) in list(alive.items()):
                if process.poll() is None:
                    continue
                if process.returncode == -9:
                    self.died[point] += 1
                elif process.returncode:
                    self.crashes += 1
                if process.returncode or point != "-":
                    alive[share] = self._bear(share)
                else:
                    del alive[share]
            self.sandbox.control("release")
            time.sleep(0.05)

    def _bear(self, share: tuple[int, int]) -> tuple[subprocess.Popen[bytes], str]:
        point = self.kills.pop() if self.kills else "-"
        # Looking up is rare: only what was unknown is looked up.
        apart = max(1, self.apart // 20) if "look_up" in point else self.apart
        armed = point if point == "-" else f"{point}:{self.dice.randint(1, apart)}"
        arguments = [self.url, self.sandbox.url, self.sandbox.secret_key, self.sandbox.webhook_secret]
        command = [sys.executable, "-m", "torture.payer", *arguments, str(share[0]), str(share[1]), armed]
        return subprocess.Popen(command), point


def finish_all(store: PostgresStore, sandbox: Running, count: int) -> None:
    """The bad days are over: what is open is brought to its end, and what follows from it is performed."""
    sandbox.control("faults", plan=[])
    sandbox.control("release")
    providers = providers_at(sandbox.url, sandbox.secret_key, sandbox.webhook_secret)
    sweep(store, providers, now())
    for account, attempt in store.open_attempts(now(), count * 3):
        pursue(store, providers, account, attempt, now())
    for number, left in store.snapshots(range(1, count + 1)).items():
        if left.past_due:
            pay(store, providers, number)
    perform_all(store, Silence(), InProcessServices(), now, providers)


def torture(count: int, seed: int, *, rounds: int = 10, seconds_max: float = 1500) -> dict[str, Any]:
    """The figures of one run of `count` settlements."""
    began = time.monotonic()
    started_at = now() - timedelta(minutes=1)
    url = fresh_database("arrears_torture_money")
    with running() as sandbox:
        young = PostgresStore(url, clock_is_real=False)
        open_book(young, sandbox, count, seed)
        young.close()
        store = PostgresStore(url)
        disabled = _stopped(store, count)
        opened_seconds = time.monotonic() - began
        plan = [{"kind": k, "path": "payment_intents", "share": share / 100} for k, share in BAD_DAYS.items()]
        sandbox.control("faults", plan=plan, seed=seed)
        payers = Payers(url, sandbox, count, seed, rounds)
        payers.run(seconds_max)
        faults = sandbox.control("faults")
        finish_all(store, sandbox, count)
        providers = providers_at(sandbox.url, sandbox.secret_key, sandbox.webhook_secret)
        compared = check(store, providers.of("stripe"), started_at, now() + timedelta(minutes=5))
        figures = _judge(store, sandbox, count)
        breaches = check_store(store).breaches
        store.close()
    zeros = ("charged_twice", "not_running", "still_owing", "attempts_open", "orders_open")
    return {
        "settlements": count,
        "disabled_subscriptions_before": disabled,
        "unknown_outcomes": sum(faults.values()),
        "faults": faults,
        "kills": sum(payers.died.values()),
        "failpoints_hit": sum(1 for point in POINTS if payers.died[point]),
        "failpoints": len(POINTS),
        "crashes": payers.crashes,
        "payments_compared": compared.compared,
        "ledger_minor": compared.ours,
        "provider_minor": compared.theirs,
        "differences": len(compared.differences),
        **figures,
        "breaches": len(breaches),
        "seed": seed,
        "seconds": round(time.monotonic() - began, 1),
        "seconds_to_open": round(opened_seconds, 1),
        "holds": compared.holds
        and not breaches
        and not payers.crashes
        and all(payers.died[point] for point in POINTS)
        and not any(figures[zero] for zero in zeros),
    }


def _stopped(store: PostgresStore, count: int) -> int:
    accounts = store.snapshots(range(1, count + 1)).values()
    return sum(s.state is State.DISABLED for a in accounts for s in a.subscriptions)


def _judge(store: PostgresStore, sandbox: Running, count: int) -> dict[str, int]:
    owed: Counter[int] = Counter()
    with store.transaction() as db:
        for account, total in db.execute("SELECT account_id, sum(total_minor)::bigint FROM invoice GROUP BY 1"):
            owed[account] = total
    taken: Counter[int] = Counter()
    for line in sandbox.control("book"):
        taken[int(line["attempt"].split("_")[1])] += line["taken"]
    accounts = store.snapshots(range(1, count + 1)).values()
    return {
        "charged_twice": sum(1 for account in owed if taken[account] > owed[account]),
        "not_running": sum(1 for a in accounts if any(s.state is not State.ACTIVE for s in a.subscriptions)),
        "still_owing": sum(1 for a in accounts if a.debts),
        "attempts_open": sum(len(a.attempts) for a in accounts),
        "orders_open": sum(len(s.orders) for a in accounts for s in a.subscriptions),
    }


def worlds(seeds: range, settlements: int) -> dict[str, Any]:
    """The figures of made-up worlds, until so many settlements were asked for or the seeds are used up."""
    from torture.money_worlds import play  # it has the tests' stories with it

    began, figures, wrong, last = time.monotonic(), Counter[str](), [], seeds.start
    for seed in seeds:
        if figures["settlements"] >= settlements:
            break
        found, last = play(seed), seed
        figures += found.figures
        wrong += [f"seed {seed}: {what}" for what in found.wrong]
    seconds = round(time.monotonic() - began, 1)
    return {**figures, "seeds": [seeds.start, last], "wrong": wrong, "seconds": seconds, "holds": not wrong}


def main() -> int:
    """One JSON object; exit code 1 if the books differ, somebody was charged twice, or does not run again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the JSON object, on one line")
    parser.add_argument("--count", type=int, default=10_000, help="how many accounts settle")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--rounds", type=int, default=10, help="how often a payer dies at each failpoint")
    parser.add_argument("--worlds", type=int, default=0, help="instead: made-up worlds, at most so many")
    parser.add_argument(
        "--settlements", type=int, default=10_000, help="of made-up worlds: enough when so many are made"
    )
    parser.add_argument("--faults", action="store_true", help="instead: put each known fault back; which seed finds it")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**9)
    if options.faults:
        from torture import money_faults  # it has the tests' stories with it

        return 0 if money_faults.tell(range(seed, seed + (options.worlds or 20))) else 1
    if options.worlds:
        found = worlds(range(seed, seed + options.worlds), options.settlements)
        sys.stdout.write(json.dumps(found, indent=None if options.json else 2) + "\n")
        return 0 if found["holds"] else 1
    figures = torture(options.count, seed, rounds=options.rounds)
    sys.stdout.write(json.dumps(figures, indent=None if options.json else 2) + "\n")
    return 0 if figures["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
