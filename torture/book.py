"""A made-up book and everything its operator does to it in a year: the same for the disturbed and the calm run.

Time jumps from instant to instant, two a day, and nowhere near a midnight or a 09:00 of the zones in use: a clock that
was pushed on by some minutes to let a lease end still shows the same local day everywhere. What staff do may be
repeated after a crash: what was done already is refused and stays done once.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from arrears.core.account import Mode
from arrears.core.errors import Refused
from arrears.core.policy import load_policy
from arrears.engine import commands
from arrears.engine.booking import Payment
from arrears.engine.system import adopt_policy, confirm_clock
from arrears.ports import NewAccount, Store

START: Final = datetime(2026, 1, 1, 2, tzinfo=UTC)
HOURS: Final = (0, 13)
"""After START's 02:00 UTC. In these zones that is never within an hour of midnight or 09:00."""

ZONES: Final = ("UTC", "Europe/Amsterdam", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
DRIFT_MAX: Final = timedelta(minutes=55)
STAFF_EVERY_DAYS: Final = 7
AUTHOR: Final = "api:1"

# The cool-off is no multiple of the time between instants, so that a pushed clock orders a deletion on the same day.
POLICIES: Final = (
    'name = "default"\n[delete]\nretention_days = 90\ncool_off_hours = 30\n',
    'name = "brisk"\n[remind]\ndays = [0, 2]\n[restrict]\nafter_days = 9\nwarning_days = [1]\nlead_days = 7\n'
    "[disable]\nafter_days = 14\nwarning_days = [3, 5]\nlead_days = 8\n"
    "[delete]\nretention_days = 30\nwarning_days = [1, 20]\nlead_days = 10\ncool_off_hours = 30\n",
)
_DONE_ALREADY: Final = frozenset({"duplicate_invoice", "duplicate_payment", "already_canceled", "unknown_hold"})
_TOO_LATE: Final = frozenset({"deleted", "unknown_invoice"})


@dataclass(slots=True)
class StaffDay:
    """What the operator does at one instant: whole sets first, then single acts."""

    invoices: list[commands.Invoice] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    cancels: list[int] = field(default_factory=list)
    disputes: list[int] = field(default_factory=list)
    releases: list[int] = field(default_factory=list)
    confirms: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The course of a whole run. `gaps` are the instants before which the engine stood still for two days."""

    accounts: int
    days: int
    seed: int
    instants: Sequence[datetime]
    gaps: Sequence[int]
    staff_days: Mapping[int, StaffDay]


def make_plan(accounts: int, days: int, seed: int, gap_count: int) -> Plan:
    """The same plan for the same arguments, in any process."""
    rng = random.Random(f"{seed}/book")
    gap_days = {round((k + 1) * days / (gap_count + 1)) for k in range(gap_count)}
    skipped = {day + more for day in gap_days for more in (0, 1)}
    slots = [(d, h) for d in range(days) if d not in skipped for h in HOURS]
    instants = [START + timedelta(days=d, hours=h) for d, h in slots]
    gaps = [i for i, (d, h) in enumerate(slots) if h == HOURS[0] and d - 2 in gap_days]
    staff_days: dict[int, StaffDay] = defaultdict(StaffDay)
    for i in gaps:
        staff_days[i + 1].confirms = True
    staff_instants = [i for i, (d, h) in enumerate(slots) if h == HOURS[1] and d % STAFF_EVERY_DAYS == 0]
    for number in range(1, accounts + 1):
        _live(number, rng, instants, staff_instants, staff_days)
    return Plan(accounts, days, seed, instants, gaps, dict(staff_days))


def _live(
    number: int, rng: random.Random, instants: Sequence[datetime], at: Sequence[int], staff_days: dict[int, StaffDay]
) -> None:
    """One account's bills and what becomes of them. Desks are weeks; terms are 7 days."""
    character = rng.choices(("punctual", "late", "never", "cancels", "disputes", "in_parts"), (30, 30, 25, 5, 5, 5))[0]
    week = rng.randrange(max(1, min(8, len(at))))
    for debt in range(1, 2 if character == "never" else 4):
        if week >= len(at):
            return
        issued_on = instants[at[week]].date()
        total = rng.randrange(500, 50_000)
        subscriptions = tuple(range(1, services_of(number) + 1)) if rng.random() < 0.5 else (1,)
        ref, due_on = f"I{number}-{debt}", issued_on + timedelta(days=7)
        staff_days[at[week]].invoices.append(
            commands.Invoice(number, ref, "EUR", total, issued_on, due_on, subscriptions)
        )
        later = {k: staff_days[at[week + k]] for k in range(1, 30) if week + k < len(at)}
        weeks = 1 if character == "punctual" else rng.randrange(2, 12)
        if character in ("punctual", "late", "disputes") and weeks in later:
            later[weeks].payments.append(Payment(number, f"P{number}-{debt}", "EUR", total, (debt,)))
        if character == "in_parts":
            for part, k in ((1, 2), (2, weeks + 1)):
                if k in later:
                    minor = total // 3 if part == 1 else total - total // 3
                    later[k].payments.append(Payment(number, f"P{number}-{debt}.{part}", "EUR", minor, (debt,)))
        if character == "cancels" and debt == 1 and 3 in later:
            later[3].cancels.append(number)
        if character == "disputes" and debt == 1 and weeks > 3 and weeks in later:
            later[2].disputes.append(number)
            later[3].releases.append(number)
        week += weeks + rng.randrange(2, 8)


def services_of(number: int) -> int:
    """How many subscriptions an account has."""
    return 1 + number % 3 % 2


def open_book(store: Store, plan: Plan) -> None:
    """Policies and accounts, at the first instant."""
    now = plan.instants[0]
    for text in POLICIES:
        adopt_policy(store, load_policy(text, where="torture"), now, AUTHOR)
    new = [
        (
            NewAccount(f"A{n}", f"Account {n}", "NL", ZONES[n % 5], "en", Mode.INVOICE, policy, f"a{n}@example.org"),
            ("cloud", "mail")[: services_of(n)],
        )
        for n in range(1, plan.accounts + 1)
        for policy in [("default", "brisk")[n % 4 == 0]]
    ]
    numbers = commands.open_accounts(store, new, now, AUTHOR)
    assert numbers == list(range(1, plan.accounts + 1)), "the store was not empty"


def play_staff_day(store: Store, staff_day: StaffDay, now: datetime) -> None:
    """Everything the operator does at this instant, however often it has been begun before."""
    if staff_day.confirms:
        confirm_clock(store, now, AUTHOR)
    if staff_day.invoices:
        _once(lambda: commands.issue_invoices(store, staff_day.invoices, now, AUTHOR))
    if staff_day.payments:
        _once(lambda: commands.record_payments(store, staff_day.payments, now, AUTHOR))
    for number in staff_day.cancels:
        _once(lambda number=number: commands.cancel(store, number, 1, now, AUTHOR))  # type: ignore[misc]
    for number in staff_day.disputes:
        if not store.snapshots([number])[number].hold_count:
            _once(lambda number=number: commands.dispute(store, number, 1, now, AUTHOR))  # type: ignore[misc]
    for number in staff_day.releases:
        _once(lambda number=number: commands.release(store, number, 1, now, AUTHOR, "looked at"))  # type: ignore[misc]


def _once(act: Callable[[], object]) -> None:
    try:
        act()
    except Refused as refused:
        if refused.code not in _DONE_ALREADY | _TOO_LATE:
            raise
