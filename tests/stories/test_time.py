"""Policies and zones that change, clocks that jump, days that are odd, and accounts (F36-F38, F51, F56, F57)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec.structs import replace
from tests.stories.story import API, STAFF, Story, policy_from, table

from arrears.core import facts as f
from arrears.core.account import Action
from arrears.core.states import State
from arrears.core.system import System
from arrears.engine import commands, system
from arrears.engine.run import run, tick
from arrears.store.memory.store import MemoryStore

QUICK = "[remind]\ndays = [0, 2]\n[disable]\nafter_days = 12\nwarning_days = [3, 5]\nlead_days = 7"


# -- a running case keeps its terms (F51) --------------------------------------------------------------------------


def test_a_running_case_keeps_the_policy_it_started_with() -> None:
    story = Story().until(5)
    system.adopt_policy(story.store, policy_from(QUICK), story.now, STAFF)
    assert story.until(31).diary(5) == table("""
        day  7 09:00  reminder 7
        day 14 09:00  reminder 14
        day 21 09:00  warning 21: disable cloud on day 30
        day 28 09:00  warning 28: disable cloud on day 30
        day 31 00:00  disabled cloud on day 30
        day 31 00:00  cloud stopped; retention from day 30
        day 31 09:00  told: cloud disabled on day 30
    """)


def test_the_next_case_has_the_new_policy() -> None:
    story = Story().until(5)
    system.adopt_policy(story.store, policy_from(QUICK), story.now, STAFF)
    story.pay().bill(9)
    assert story.until(23).diary(6) == table("""
        day 10 00:00  past due I2 from day 10
        day 10 09:00  reminder 0
        day 12 09:00  reminder 2
        day 13 09:00  warning 3: disable cloud on day 22
        day 15 09:00  warning 5: disable cloud on day 22
        day 23 00:00  disabled cloud on day 22
        day 23 00:00  cloud stopped; retention from day 22
        day 23 09:00  told: cloud disabled on day 22
    """)


def test_retention_keeps_the_policy_its_service_end_started_with() -> None:
    story = Story().until(40)
    shorter = policy_from("[delete]\nretention_days = 30\nwarning_days = [10]")
    system.adopt_policy(story.store, shorter, story.now, STAFF)
    assert story.until(125).diary(100, only="deletion") == table("""
        day 121 00:00  deletion of cloud scheduled
        day 122 00:00  deletion of cloud ordered
    """)


def test_a_running_case_keeps_the_zone_it_started_with() -> None:
    story = Story(zone="Pacific/Niue").until(5)
    story.move("Pacific/Kiritimati")
    assert story.until(31).diary(21) == table("""
        day 21 09:00  warning 21: disable cloud on day 30
        day 28 09:00  warning 28: disable cloud on day 30
        day 31 00:00  disabled cloud on day 30
        day 31 00:00  cloud stopped; retention from day 30
        day 31 09:00  told: cloud disabled on day 30
    """)


@pytest.mark.parametrize(
    ("zone", "other"), [("Pacific/Kiritimati", "Pacific/Niue"), ("Pacific/Niue", "Pacific/Kiritimati")]
)
def test_a_service_end_keeps_its_zone_and_all_its_warnings(zone: str, other: str) -> None:
    story = Story(zone=zone, bill=False).until(0).cancel().move(other)
    assert story.until(93).diary(1, only="warning deletion") == table("""
        day 30 09:00  warning 30: delete cloud on day 90
        day 60 09:00  warning 60: delete cloud on day 90
        day 75 09:00  warning 75: delete cloud on day 90
        day 83 09:00  warning 83: delete cloud on day 90
        day 87 09:00  warning 87: delete cloud on day 90
        day 89 09:00  warning 89: delete cloud on day 90
        day 91 00:00  deletion of cloud scheduled
        day 92 00:00  deletion of cloud ordered
    """)


# -- odd days (F37) ------------------------------------------------------------------------------------------------

ODD_DAYS = [
    # zone, due date, the first instant after day 30, why
    ("Europe/Amsterdam", "2026-02-26", "2026-03-29T22:00", "the clocks go forward on day 30"),
    ("Europe/Amsterdam", "2026-09-24", "2026-10-25T23:00", "and back"),
    ("America/New_York", "2026-02-05", "2026-03-09T04:00", "forward on day 30"),
    ("America/New_York", "2026-10-01", "2026-11-02T05:00", "and back"),
    ("Australia/Lord_Howe", "2026-03-05", "2026-04-05T13:30", "half an hour back"),
    ("Australia/Lord_Howe", "2026-09-03", "2026-10-04T13:00", "half an hour forward"),
    ("Pacific/Kiritimati", "2026-01-01", "2026-02-01T10:00", "the first zone to see a day"),
    ("Pacific/Niue", "2026-01-01", "2026-02-02T11:00", "and the last"),
    ("Pacific/Apia", "2026-01-01", "2026-02-01T11:00", "across the date line"),
    ("UTC", "2024-01-29", "2024-03-01T00:00", "day 30 is a leap day"),
    ("UTC", "2028-02-29", "2028-04-01T00:00", "due on a leap day"),
    ("UTC", "2025-01-29", "2025-03-02T00:00", "a February without one"),
    ("Europe/Amsterdam", "2025-11-30", "2025-12-31T23:00", "the last day of the year"),
    ("Pacific/Apia", "2025-11-30", "2025-12-31T11:00", "the same on the other side"),
]


@pytest.mark.parametrize(("zone", "due", "end", "why"), ODD_DAYS)
def test_the_service_stops_at_the_end_of_the_thirtieth_day(zone: str, due: str, end: str, why: str) -> None:
    story = Story(zone=zone, due=date.fromisoformat(due)).until(31)
    [(at, cut)] = story.facts(f.Disabled)
    assert at == datetime.fromisoformat(end).replace(tzinfo=UTC), why
    assert cut.on == story.date(30)
    assert [line for line in story.diary(21) if "warning" in line or "told" in line] == table("""
        day 21 09:00  warning 21: disable cloud on day 30
        day 28 09:00  warning 28: disable cloud on day 30
        day 31 09:00  told: cloud disabled on day 30
    """)


@pytest.mark.sample(10)
@pytest.mark.parametrize(
    "zone", ["Australia/Lord_Howe", "Pacific/Kiritimati", "Pacific/Apia", "America/New_York", "Europe/Amsterdam"]
)
@pytest.mark.parametrize("due", ["2023-12-01", "2024-02-01", "2025-03-15", "2026-09-20", "2027-10-10"])
def test_the_whole_ladder_has_the_same_days_in_every_zone(zone: str, due: str) -> None:
    plain = Story(due=date(2026, 1, 1)).until(125).diary()
    assert Story(zone=zone, due=date.fromisoformat(due)).until(125).diary() == plain


# -- clocks that jump (F36) ----------------------------------------------------------------------------------------


def test_a_clock_that_goes_back_does_nothing_twice() -> None:
    story = Story().until(31)
    before = len(story.history())
    run(story.store, story.now - timedelta(hours=2))
    run(story.store, story.now - timedelta(days=20))
    assert len(story.history()) == before
    assert not story.store.system().clock_suspect


@pytest.mark.parametrize("ahead", [timedelta(hours=27), timedelta(days=400)])
def test_a_clock_that_jumps_ahead_cuts_nothing_until_a_person_confirms(ahead: timedelta) -> None:
    story = Story().until(30, "10:00")
    story.stage.now += ahead
    story.run()
    for _ in range(3):
        story.stage.now += timedelta(hours=20)
        story.run()
    assert story.sub().state is State.PAST_DUE
    assert any(isinstance(fact, f.ClockSuspected) for fact in story.inner.system_facts)
    system.confirm_clock(story.store, story.now, STAFF)
    story.run()
    assert story.sub().state is State.PAST_DUE, "the warnings are void, a new one has its lead"
    story.stage.until(story.now + timedelta(days=9))
    assert story.sub().state is State.DISABLED


@pytest.mark.parametrize(("hours", "suspect"), [(26, False), (26.01, True)])
def test_the_last_tick_may_be_26_hours_old(hours: float, suspect: bool) -> None:
    story = Story().until(5)
    story.run()
    story.stage.now += timedelta(hours=hours)
    tick(story.store, story.now)
    assert story.store.system().clock_suspect is suspect


def test_notices_and_settling_go_on_while_the_clock_is_suspect() -> None:
    story = Story().until(2).down_until(20).run().until(25)
    assert story.store.system().clock_suspect
    assert story.diary(20) == table("""
        day 20 12:00  reminder 14 (skipped 3, 7)
        day 21 09:00  warning 21: disable cloud on day 30
    """)
    assert story.pay().sub().state is State.ACTIVE


class SkewedStore(MemoryStore):
    """A database whose clock differs from the application's by so many seconds."""

    skew_seconds = 0.0

    def tick(self, now: datetime) -> tuple[System, float]:
        """See ports.InstallationControl."""
        return super().tick(now)[0], self.skew_seconds


@pytest.mark.parametrize(("seconds", "suspect"), [(299.0, False), (300.0, True), (-300.0, True), (86_400.0, True)])
def test_clocks_that_differ_by_five_minutes_are_suspect(seconds: float, suspect: bool) -> None:
    store = SkewedStore()
    store.skew_seconds = seconds
    tick(store, datetime(2026, 1, 1, tzinfo=UTC))
    assert store.system().clock_suspect is suspect


# -- outages (F38) -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("down_from", range(-1, 35, 3))
def test_a_worker_that_was_down_for_ten_days_skips_and_shortens_nothing(down_from: int) -> None:
    story = Story().until(down_from).down_until(down_from + 10).run()
    system.confirm_clock(story.store, story.now, STAFF)
    story.until(80)
    [(at, cut)] = story.facts(f.Disabled)
    notices = story.facts(f.Noticed)
    first = min(sent for sent, notice in notices if notice.each(f.Warning) and sent < at)
    assert cut.on >= story.date(30)
    assert story.calendar.local_day(first) + timedelta(days=7) <= cut.on
    assert cut.on <= story.date(max(30, down_from + 10 + 30)), "and nothing waits longer than it must"
    days = [notice.on for _, notice in notices]
    assert len(days) == len(set(days)), "notices do not come in bursts"
    story.check()


# -- odd accounts (F56, F57) ---------------------------------------------------------------------------------------


def test_a_poisoned_account_is_parked_with_a_task_and_the_others_go_on() -> None:
    story = Story(accounts=5).until(20)
    slot = story.inner.slots[3]
    assert slot.state is not None
    assert slot.state.case is not None
    broken = replace(slot.state.case, terms=replace(slot.state.case.terms, policy="lost"))
    slot.state = replace(slot.state, case=broken)
    story.until(40)
    states = [story.account_of(n).subscription(1).state for n in (1, 2, 4, 5)]
    assert states == [State.DISABLED] * 4
    assert story.account_of(3).parked.startswith("cannot be decided upon: KeyError")
    assert story.tasks().count("parked") == 1
    assert slot.next_at is None


def test_what_is_paid_on_a_parked_account_is_booked_and_lifted_when_a_person_has_looked() -> None:
    story = Story(accounts=2).until(40)
    slot = story.inner.slots[1]
    assert slot.state is not None
    whole = slot.state
    slot.state = replace(
        whole, case=None if whole.case is None else replace(whole.case, terms=replace(whole.case.terms, policy="lost"))
    )
    story.until(61)
    assert story.account.parked
    story.pay()
    assert story.account.debts == ()
    slot.state = replace(story.account, case=whole.case)
    commands.unpark(story.store, 1, story.now, STAFF, "repaired")
    assert story.sub().state is State.ACTIVE


def test_two_thousand_invoices_on_one_account_are_one_case_and_a_few_facts() -> None:
    story = Story(bill=False)
    invoices = [
        commands.Invoice(1, f"J{n}", "EUR", 100, story.date(-1), story.date(n // 2 - 1), (1,)) for n in range(2_000)
    ]
    commands.issue_invoices(story.store, invoices, story.now, API)
    story.down_until(1_000).run()
    assert story.account.parked == ""
    assert len(story.account.past_due) == 2_000
    assert len(story.history()) < 2_000 + 20
    assert story.diary(1_000)[1:] == [
        "day 1000 12:00 reminder 14 (skipped 0, 3, 7); warning 28: disable cloud on day 1030"
    ]
    story.pay(200_000, ())
    assert (story.sub().state, story.account.debts) == (State.ACTIVE, ())


def test_many_debts_that_become_past_due_in_turn_stay_one_case() -> None:
    story = Story(bill=False)
    for due in range(-1, 25):
        story.bill(due, 1_000)
    story.until(31)
    assert story.account.case_count == 1
    assert story.sub().promise(Action.DISABLE).promised_on == story.date(30)
    assert story.sub().state is State.DISABLED
    story.check()
