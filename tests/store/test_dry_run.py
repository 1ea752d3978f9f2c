"""A dry run of a policy on a PostgreSQL book, and what becomes of two copies of it that live through it day by day: one
without the new policy, one that has adopted it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from tests.stories.test_dry_run import slower

from arrears.adapters.books.processes import several_processes
from arrears.adapters.channels.memory import MemoryChannel
from arrears.adapters.services.inprocess import InProcessServices
from arrears.core import facts as f
from arrears.core.account import Action, HoldScope, Mode, Stop
from arrears.core.dry_run import AccountCourse, DryRunWork, course_of, dry_run
from arrears.core.forecast import Step
from arrears.core.guards import Guards
from arrears.core.parallel import nothing
from arrears.core.policy import default_policy
from arrears.engine import commands
from arrears.engine.booking import Payment
from arrears.engine.run import Limits
from arrears.engine.system import adopt_policy
from arrears.ports import NewAccount
from arrears.sim.stage import Stage
from arrears.store.postgres.dry_run import due_count, due_parts
from arrears.store.postgres.store import PostgresStore

START: Final = datetime(2026, 2, 1, tzinfo=UTC)
DAYS: Final = 75
ZONES: Final = ("Europe/Amsterdam", "Pacific/Kiritimati", "America/St_Johns", "UTC")
ANSWERS: Final = (f.NoticeAccepted, f.NoticeFailed, f.OrderAcknowledged)
STAFF: Final = "staff:1"


def lived_until(store: PostgresStore, days: int) -> Stage:
    """Six accounts in as many states, so many days after the first."""
    stage = Stage(store, MemoryChannel(), InProcessServices(), START, limits=Limits(1000))
    adopt_policy(store, default_policy(), START, STAFF)
    new = [
        NewAccount(
            f"A{n}", f"A{n}", "NL", ZONES[n % 4], "en", Mode.INVOICE, "default", None if n == 4 else f"a{n}@x.nl"
        )
        for n in range(6)
    ]
    numbers = commands.open_accounts(store, [(one, ["cloud", "mail"]) for one in new], START, STAFF)
    today = START.date()
    for n, number in enumerate(numbers):
        due_on = today + timedelta(days=2 + 12 * n)
        for place, subscriptions in enumerate(((1,), (1, 2))):
            asked = commands.Invoice(
                number, f"I{n}-{place}", "EUR", 5_000 + n, today, due_on + timedelta(days=20 * place), subscriptions
            )
            commands.issue_invoices(store, [asked], START, STAFF)
    stage.until(START + timedelta(days=20))
    commands.record_payments(store, [Payment(numbers[1], "P1", "EUR", 5_001, (1,))], stage.now, STAFF)
    stops = (Stop.REMIND, Stop.DISABLE)
    until = today + timedelta(days=days + 6)
    commands.hold(
        *(store, numbers[2]),
        scope=HoldScope.ACCOUNT,
        stops=stops,
        reason="time",
        until=until,
        now=stage.now,
        author=STAFF,
    )
    commands.dispute(store, numbers[3], 1, stage.now, STAFF)
    stage.until(START + timedelta(days=days))
    return stage


def recorded(store: PostgresStore, number: int, seq: int) -> AccountCourse:
    """What arrears itself has recorded of an account since."""
    news = [r for r in store.history(number) if r.seq > seq and r.author == f.ARREARS]
    return course_of(Step(r.at, r.fact) for r in news if not isinstance(r.fact, ANSWERS))


@pytest.mark.turn(8)
def test_what_a_dry_run_says_is_what_two_copies_come_to_day_by_day(
    make_postgres: Callable[[], PostgresStore],
) -> None:
    copies = [make_postgres(), make_postgres()]
    stages = [lived_until(store, 40) for store in copies]
    now, new = stages[0].now, slower("default")
    until = now + timedelta(days=DAYS)
    heads = copies[0].digest()
    work = DryRunWork(dict(copies[0].policies()), new, Guards(), now, until)
    said = {one.account: one for part in due_parts(copies[0], until) for one in work(part, nothing)}
    with several_processes(("arrears.core.dry_run",), 2) as ordered_map:
        found = dry_run(work, due_parts(copies[0], until), ordered_map)
    assert found.digests == dry_run(work, due_parts(copies[0], until)).digests
    assert copies[0].digest() == heads, "nothing was written"
    assert found.accounts == len(said) == due_count(copies[0], until) > 3
    later = found.counts[Action.DISABLE].later
    assert later > 0
    since = {number: len(copies[0].history(number)) for number in range(1, 7)}
    adopt_policy(copies[1], new, now, STAFF)
    courses: list[list[AccountCourse]] = []
    for store, stage in zip(copies, stages, strict=True):
        for day in range(1, DAYS + 1):
            stage.until(now + timedelta(days=day))
        courses.append([recorded(store, number, seq) for number, seq in since.items()])
    nothing_due = course_of([])
    for number, before, after in zip(since, *courses, strict=True):
        told = said.get(number)
        assert before == (nothing_due if told is None else told.before), number
        assert after == (nothing_due if told is None else told.after), number
    assert sum(one.before != one.after for one in said.values()) == found.changed > 0
