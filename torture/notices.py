"""`python -m torture.notices`: a year of a receivables book, told by real mail; what every mail says must be true.

The book is played on PostgreSQL. Real worker processes collect and send with the real texts over real SMTP; they die
by SIGKILL at random moments and at the failpoints around a message, and so does the mail server, which also has days
on which it takes nothing, refuses, or dies after it has taken a text. Every mail that it took is read as a reader
would, and compared with the ledger and the stored dates of that instant.

With `--mixes` years in which mail goes wrong in every way (`torture.mail_year`), with `--faults` what these would find.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
from msgspec.structs import replace

from arrears.adapters.books import load_map, read_book
from arrears.core.errors import Refused
from arrears.core.escalation import DELETIONS_PER_DAY
from arrears.core.policy import default_policy
from arrears.core.receivables import ReceivablesBook
from arrears.core.view import IMMEDIATELY
from arrears.engine.perform import LEASE_SECONDS
from arrears.engine.system import adopt_policy
from arrears.sim.replay import AUTHOR, Replay, ReplaySettings
from arrears.store import schema
from arrears.store.postgres.store import PostgresStore
from arrears.store.server import EmbeddedServer
from arrears.wiring import set_up_django
from torture.notices_verdict import FAULTS, Verdict
from torture.nursery import ROOT, Nursery, Victim
from torture.outside import READY, ClockFile, own_port
from torture.post_office import PostOffice

SCHEMA: Final = "notices"
POINTS: Final = (
    "mail.before_commit",
    "mail.after_commit",
    "send.before_call",
    "look_up.before_call",
    "send.after_call",
    "look_up.after_call",
    "results.before_commit",
    "results.after_commit",
    "claim.before_commit",
    "claim.after_commit",
)
"""Around a message. A message is looked up only after its sender died, so those come right after."""

LEASE_OVER: Final = timedelta(seconds=LEASE_SECONDS + 30)
STUCK_SECONDS: Final = 0.4
POLL_SECONDS: Final = 0.004
STEP_MAX: Final = timedelta(hours=20)
DRIFT_MAX: Final = timedelta(hours=12)
ZONES: Final = ("UTC", "Europe/Amsterdam", "America/Lima", "Pacific/Auckland")
BOOKS: Final = (ROOT.parent / "shared/data/accounts-receivable.csv", ROOT / "examples/receivables.csv")
"""The book of a hundred customers where it lies beside the project, and a small one that is always here."""

BAD_DAYS: Final = ("defer", "refuse", "drop_kept", "drop_lost", "gone")


class Stuck(Exception):
    """Something is never finished, or the time is over."""


class Course:
    """One pass over the book."""

    def __init__(self, folder: Path, url: str, seed: str, strikes: float, stop_at: float) -> None:
        self.folder, self.url, self.stop_at = folder, url, stop_at
        self.rng = random.Random(seed)
        self.store = PostgresStore(url, schema=SCHEMA, connections_max=2, clock_is_real=False)
        self.clock = ClockFile(folder)
        self.post = PostOffice(folder, own_port())
        self.nursery = Nursery(folder / "said.log")
        self.nursery.warm()
        self.workers: list[Victim] = []
        self._armed: Victim | None = None
        self.verdict = Verdict(self.store)
        self.kills = self.points = self.bad_days = self.spawned = 0
        self._points = list(POINTS) * 3
        self._strikes = strikes
        self._eyes = psycopg.connect(url, autocommit=True)
        self.now = IMMEDIATELY

    def play(self, replay: Replay) -> None:
        """The whole book: what happens at an instant is told before the next one begins."""
        plan = replay.plan()
        instants = sorted(plan)
        self.now = instants[0]
        self.clock.set(self.now)
        self.post.start()
        adopt_policy(self.store, replay.settings.policy, self.now, AUTHOR)
        replay.open_accounts(self.now)
        _people(self.url, self.store)
        for at in instants:
            self.until(at)
            replay.happen(self.now, plan[at])
            self.wait_until_done()
        self.until(instants[-1] + timedelta(days=(replay.settings.days_beyond or 0) + 1))

    def until(self, instant: datetime) -> None:
        """Visit every instant at which something is due, and a few more."""
        while True:
            due = self.store.next_due()
            at = min(instant, self.now + STEP_MAX) if due is None else min(due, instant, self.now + STEP_MAX)
            self.visit(max(at, self.now))
            if self.now >= instant:
                return

    def visit(self, at: datetime) -> None:
        """Let everything of an instant happen, with whatever goes wrong."""
        if self._armed is None and self._points and self.rng.random() < self._strikes:
            self._arm()
        bad = self.rng.random() < self._strikes
        if bad:
            self._bad_day()
        self.now = at
        self.clock.set(at)
        self._refill()
        if self._armed is None and self.rng.random() < self._strikes:
            time.sleep(self.rng.uniform(0, 0.06))
            self._kill_one()
        if bad:
            time.sleep(self.rng.uniform(0.02, 0.2))
            self._mend_post()
        self.wait_until_done()

    def wait_until_done(self) -> None:
        """Wait until nothing is due and nothing waits to leave; then judge what has come."""
        began, was, moved_at = self.now, (-1, -1), time.monotonic()
        while (left := self._left()) != (0, 0):
            if self._armed is not None and self._armed.poll() is not None:
                self._died()
            if left != was:
                was, moved_at = left, time.monotonic()
            elif time.monotonic() - moved_at > STUCK_SECONDS:
                self._refill()
                self.now += LEASE_OVER
                self.clock.set(self.now)
                moved_at = time.monotonic()
            if self.now - began > DRIFT_MAX or time.monotonic() > self.stop_at:
                raise Stuck(f"at {self.now}, left {left}")
            time.sleep(POLL_SECONDS)
        self.verdict.judge(self.post.news(), self.now)

    def _left(self) -> tuple[int, int]:
        """Accounts that are due, workers that have not looked, and actions that wait for nothing but a worker."""
        late = sum(1 for w in self.workers if w.poll() is None and self.clock.seen_by(w.name) != self.now.isoformat())
        row = self._eyes.execute(
            f"SELECT (SELECT count(*) FROM {SCHEMA}.account_state WHERE next_at <= %s),"
            f" (SELECT count(*) FROM {SCHEMA}.action WHERE status = 'recorded'"
            f" OR (status = 'claimed' AND lease_until <= %s))".encode(),
            [self.now, self.now + LEASE_OVER],
        ).fetchone()
        assert row is not None
        return row[0] + late, row[1]

    # -- what goes wrong -----------------------------------------------------------------------------------------

    def _arm(self) -> None:
        """One worker alone, which works until it dies at the next point of the list."""
        for worker in self.workers:
            worker.end(signal.SIGKILL)
        self._armed = self._spawn(f"{self._points.pop(0)}:1")
        self.workers = [self._armed]

    def _died(self) -> None:
        """An armed worker has reached its point. Who looks messages up comes right after the sender that died."""
        self.points += 1
        self._armed = None
        if self._points and self._points[0].startswith("look_up."):
            self._arm()

    def _kill_one(self) -> None:
        living = [w for w in self.workers if w.poll() is None]
        if living:
            self.rng.choice(living).end(signal.SIGKILL)
            self.kills += 1

    def _bad_day(self) -> None:
        self.bad_days += 1
        mode = self.rng.choice(BAD_DAYS)
        if mode == "gone":
            self.post.kill()
        else:
            self.post.set(mode)

    def _mend_post(self) -> None:
        self.post.set("accept")
        self.post.kill()
        self.post.start()

    def _refill(self) -> None:
        self.workers = [w for w in self.workers if w.poll() is None]
        if self._armed is not None and self.workers:
            return
        while len(self.workers) < 2 and not (len(self.workers) == 1 and self.rng.random() < 0.7):
            self.workers.append(self._spawn(""))

    def _spawn(self, armed: str) -> Victim:
        born = self.nursery.spawn("postman", str(self.folder), self.url, SCHEMA, self.post.url, armed=armed)
        self.spawned += 1
        deadline = time.monotonic() + 30
        while not self.clock.seen_by(born.name) and born.poll() is None:
            if time.monotonic() > deadline:
                raise Stuck("a worker did not start")
            time.sleep(POLL_SECONDS)
        assert READY, "it has said so, or has done its work already"
        return born

    def end(self) -> None:
        """Nobody of ours is left."""
        self.clock.stop()
        for worker in self.workers:
            if worker.poll() is None:
                worker.end(signal.SIGKILL)
        self.nursery.close()
        self.post.kill()
        self._eyes.close()


def _people(url: str, store: PostgresStore) -> None:
    """A third of the accounts has an administrator with a contact address of its own, a reader, and somebody else who
    is warned; the others have what the book knows."""
    with psycopg.connect(url, options=f"-c search_path={SCHEMA}") as db:
        accounts = db.execute("SELECT account_id, locale FROM account ORDER BY account_id").fetchall()
        for number, locale in accounts[::3]:
            for role, contact in (("administrator", f"mail{number}@example.org"), ("billing_reader", None)):
                row = db.execute(
                    "INSERT INTO person (sign_in_email, contact_email, display_name, locale, created_at)"
                    " VALUES (%s, %s, %s, %s, now()) RETURNING person_id",
                    [f"{role}{number}@example.org", contact, f"{role.title()} {number}", locale],
                ).fetchone()
                assert row is not None
                db.execute("INSERT INTO account_role VALUES (%s, %s, %s)", [number, row[0], role])
            db.execute(
                "INSERT INTO extra_recipient VALUES (%s, %s, 'Ops', %s)", [number, f"ops{number}@x.test", locale]
            )


def the_book(path: Path, accounts: int, days: int) -> ReceivablesBook:
    """A receivables book, half of it in Dutch, in four zones; only the first so many customers, and what was
    invoiced to them in the first so many days."""
    found = read_book(path, load_map(ROOT / "examples/maps/accounts-receivable.toml"))
    last = min(i.issued_on for i in found.invoices) + timedelta(days=days)
    invoiced = {i.account_ref for i in found.invoices if i.issued_on < last}
    chosen = set([a.ref for a in found.accounts if a.ref in invoiced][:accounts])
    spoken = tuple(
        replace(a, locale=("nl-NL", "en-GB")[i % 2], zone=ZONES[i % len(ZONES)])
        for i, a in enumerate(found.accounts)
        if a.ref in chosen
    )
    invoices = tuple(i for i in found.invoices if i.account_ref in chosen and i.issued_on < last)
    numbers = {i.number for i in invoices}
    payments = tuple(p for p in found.payments if p.invoice_number in numbers)
    return replace(found, accounts=spoken, invoices=invoices, payments=payments)


def torture(
    settings: ReplaySettings, book: ReceivablesBook, seed: str, *, strikes: float, seconds_max: float
) -> dict[str, Any]:
    """The figures of one pass; `strikes` is the chance of each kind of blow at each instant."""
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="arrears-notices-"))
    folder.chmod(0o711)
    server = EmbeddedServer(folder / "db", durable=False)
    stopped = ""
    try:
        url = server.start()
        schema.create_scratch(url, SCHEMA)
        course = Course(folder, url, seed, strikes, began + seconds_max)
        try:
            course.play(Replay(course.store, book, settings))
        except Stuck as error:
            stopped = str(error)
            sys.stderr.write((folder / "said.log").read_text(errors="replace")[-3000:])
        finally:
            course.end()
        figures = course.verdict.close(range(1, len(book.accounts) + 1))
        course.store.close()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    zeros = ("tokens_in_database", "breaches", "actions_open", "book_claimed", *FAULTS)
    return {
        **figures,
        "kills": course.kills,
        "failpoint_kills": course.points,
        "bad_days": course.bad_days,
        "server_restarts": course.post.restarts,
        "workers_started": course.spawned,
        "seed": seed,
        "seconds": round(time.monotonic() - began, 1),
        **({"stopped": stopped} if stopped else {}),
        "holds": not stopped and figures["messages"] > 0 and not any(figures[zero] for zero in zeros),
    }


PASSES: Final = {
    "first": {},
    "second": {"hold_disputes": False, "never_pay_every": 4, "days_beyond": 150},
}


def _mixes(seed: int, count: int, *, faults: bool) -> int:
    """So many worlds of `torture.mail_year`; or each fault of `torture.mail_faults`, looked for by so many."""
    set_up_django("postgresql://nobody@127.0.0.1/none")  # its settings are needed to write mail, and no database
    from torture import mail_faults, mail_year

    seeds = range(seed, seed + count)
    if faults:
        return 0 if mail_faults.tell(seeds, accounts=10, days=60) else 1
    # As many as may be deleted on one day: more would wait for people, whatever mail does.
    found = {"seed": seed, **mail_year.figures(seeds, accounts=DELETIONS_PER_DAY, days=365)}
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    return 0 if found["holds"] else 1


def main() -> int:
    """One JSON object with both passes; exit code 1 unless everything holds, 2 without a book to play."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the JSON object, on one line")
    parser.add_argument("--pass", dest="which", choices=(*PASSES, "both"), default="both")
    parser.add_argument("--book", type=Path, default=next(path for path in BOOKS if path.exists()), help="a CSV file")
    parser.add_argument("--count", type=int, default=100, help="only the first so many customers")
    parser.add_argument("--days", type=int, default=1000, help="only what was invoiced in the first so many days")
    parser.add_argument("--strikes", type=float, default=0.03, help="the chance of each blow at each instant")
    parser.add_argument("--seconds", type=float, default=1500.0, help="the most that one pass may take")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument(
        "--mixes", type=int, default=0, help="instead: so many years in which mail goes wrong every way"
    )
    parser.add_argument("--faults", action="store_true", help="instead: put each known fault back; which seed finds it")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**9)
    if options.mixes or options.faults:
        return _mixes(seed, options.mixes or 40, faults=options.faults)
    try:
        book = the_book(options.book, options.count, options.days)
    except Refused as refused:
        sys.stderr.write(f"{refused.message}\n")
        return 2
    found: dict[str, Any] = {}
    for name, how in PASSES.items():
        if options.which in (name, "both"):
            settings = ReplaySettings(default_policy(), **how)  # type: ignore[arg-type]
            seconds = options.seconds
            found[name] = torture(settings, book, f"{seed}/{name}", strikes=options.strikes, seconds_max=seconds)
    holds = all(one["holds"] for one in found.values())
    figures = {"seed": seed, **found, "holds": holds}
    sys.stdout.write(json.dumps(figures, indent=None if options.json else 2) + "\n")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
