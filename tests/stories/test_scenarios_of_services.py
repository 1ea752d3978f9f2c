"""What the model, the reliability reference and the specification say of orders, retention and deletion, each by its
number; and where the others are shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

import pytest
from tests.sources import ROOT
from tests.stories.story import PRICE, STAFF, Story

from arrears.core import facts as f
from arrears.core.account import Action
from arrears.core.errors import Refused
from arrears.core.states import Reason, State
from arrears.engine import commands, system
from arrears.engine.run import Limits

SHOWN: Final = {
    "scenario 27": "tests/receiver/test_files_service.py",
    "scenario 28": "tests/receiver/test_files_service.py",
    "scenario 30": "tests/stories/test_scenarios_of_services.py",
    "scenario 32": "tests/stories/test_scenarios_of_services.py",
    "scenario 35": "tests/stories/test_scenarios_of_services.py",
    "scenario 36": "tests/stories/test_scenarios_of_services.py",
    "scenario 37": "tests/receiver/test_files_service.py",
    "scenario 40": "tests/stories/test_scenarios_of_services.py",
    "F5": "tests/stories/test_scenarios_of_services.py",
    "F22": "tests/stories/test_scenarios_of_services.py",
    "F34": "tests/stories/test_put_back.py",
    "F36": "tests/stories/test_scenarios_of_services.py",
    "F38": "tests/stories/test_scenarios_of_services.py",
    "F43": "tests/store/test_orders.py",
    "F44": "tests/store/test_orders.py",
    "F45": "tests/receiver/test_files_service.py",
    "F49": "tests/stories/test_scenarios_of_services.py",
    "F50": "tests/stories/test_scenarios_of_services.py",
    "F51": "tests/stories/test_scenarios_of_services.py",
    "I14": "tests/stories/test_scenarios_of_services.py",
    "I15": "tests/store/test_orders.py",
    "I16": "tests/store/test_orders.py",
    "I17": "tests/receiver/test_files_service.py",
    "I25": "tests/stories/test_scenarios_of_services.py",
}
"""Where a test says each of these numbers in its docstring."""


@pytest.mark.parametrize("number", SHOWN)
def test_each_number_is_said_by_a_test(number: str) -> None:
    text = (ROOT / SHOWN[number]).read_text(encoding="utf-8")
    said = re.findall(r'^def test_[^\n]*(?:\n[^\n]+)*?:\n    """(.*?)"""', text, re.MULTILINE | re.DOTALL)
    wanted = re.compile(rf"\b{number}\b", re.IGNORECASE)
    assert any(wanted.search(one.replace("Scenarios", "Scenario")) for one in said)


def orders(story: Story, command: str) -> list[int]:
    """The subscriptions that were told so, in order."""
    return [number for _, number, said in story.hands.commands if said == command]


def ordered_on(story: Story) -> list[int]:
    """The days of the story on which deletions were ordered."""
    return [story.day(story.calendar.local_day(at)) for at, _ in story.facts(f.DeletionOrdered)]


# -- scenarios ---------------------------------------------------------------------------------------------------------


def test_who_pays_in_retention_runs_again_and_a_later_stop_has_ninety_fresh_days() -> None:
    """Scenario 30, F5: the order to resume stands in the very transaction that settles."""
    story = Story().until(40)
    story.pay()
    [(paid_at, _)] = story.facts(f.PaymentBooked)
    assert [at for at, _ in story.facts(f.Resumed)] == [paid_at]
    assert (story.sub().state, story.sub().end, story.sub().generation) == (State.ACTIVE, None, 2)
    story.until(45)
    story.bill(49)
    story.until(300)
    [stop] = [fact for _, fact in story.facts(f.Disabled) if fact.generation == 2]
    assert ordered_on(story) == [story.day(stop.on) + 90 + 2]
    assert orders(story, "delete") == [1]


@pytest.mark.parametrize(
    ("zone", "due"),
    [
        ("Europe/Amsterdam", date(2025, 12, 9)),
        ("Europe/Amsterdam", date(2026, 7, 10)),
        ("Australia/Lord_Howe", date(2025, 12, 9)),
        ("Pacific/Kiritimati", date(2027, 12, 1)),
        ("Pacific/Niue", date(2027, 12, 1)),
    ],
)
def test_after_ninety_full_days_everything_is_deleted_and_not_an_instant_before(zone: str, due: date) -> None:
    """Scenario 32, across clock changes and a leap day, in zones at both ends of the day."""
    story = Story(zone=zone, due=due, services=("cloud", "mail")).just_before(122)
    assert {story.sub(n).state for n in (1, 2)} == {State.DISABLED}, "it can be read still"
    assert orders(story, "delete") == []
    [first, *_] = [at for at, _ in story.facts(f.DeletionScheduled)]
    assert first == story.instant(121), "retention day 90 is over"
    story.until(122)
    assert orders(story, "delete") == [1, 2]
    assert [at for at, _ in story.facts(f.DeletionOrdered)] == [first + timedelta(hours=24)] * 2


@pytest.mark.parametrize("too_much", [0, 500])
def test_money_after_a_deletion_settles_the_debt_and_brings_nothing_back(too_much: int) -> None:
    """Scenario 35, F50: what nobody owes is account credit, seen and given back; the customer is told."""
    story = Story().until(125)
    assert story.sub().state is State.DELETED
    story.pay(PRICE + too_much).until(200)
    assert story.sub().state is State.DELETED
    assert story.account.debts == ()
    assert story.account.credit == ({"EUR": too_much} if too_much else {})
    [(_, booked)] = story.facts(f.PaymentBooked)
    assert booked.tell == "after_deletion"
    assert not story.facts(f.Resumed)
    assert orders(story, "resume") == []


def test_a_final_invoice_after_the_end_is_asked_for_and_nothing_is_stopped_or_deleted_sooner_for_it() -> None:
    """Scenario 36: it comes on its usual date, gets plain reminders, and keeps the data for its own days."""
    story = Story(bill=False).until(5)
    story.cancel()
    story.bill(20)
    story.until(40)
    [debt] = story.account.debts
    assert debt.day_0 == story.date(21)
    warned = {part.action for _, notice in story.facts(f.Noticed) for part in notice.each(f.Warning)}
    assert warned <= {Action.DELETE}
    assert [part for _, notice in story.facts(f.Noticed) for part in notice.each(f.Reminder)]
    assert orders(story, "disable") == [1], "by the cancel, and never again"
    story.until(200)
    assert ordered_on(story) == [21 + 30 + 90 + 2]


def test_paying_lifts_past_due_alone() -> None:
    """Scenario 40."""
    story = Story().until(40).block()
    story.pay().until(50)
    assert (story.sub().state, story.sub().reasons) == (State.DISABLED, (Reason.POLICY_VIOLATION,))
    assert orders(story, "resume") == []
    story.unblock().until(51)
    assert story.sub().state is State.ACTIVE
    assert orders(story, "resume") == [1]


# -- faults ------------------------------------------------------------------------------------------------------------


def test_nothing_is_deleted_while_a_dispute_is_open_and_won_it_brings_everything_back() -> None:
    """F22: the dispute came in retention, and the customer is right."""
    story = Story().until(60)
    hold = story.dispute()
    assert story.until(300).sub().state is State.DISABLED
    story.write_off()
    story.release(hold).until(301)
    assert story.sub().state is State.ACTIVE
    assert orders(story, "delete") == []


@pytest.mark.parametrize("first", ["the payment", "the order"])
def test_a_payment_in_the_second_of_the_order(first: str) -> None:
    """F49, in both orders: the payment that comes first wins; after the order it settles, and nothing comes back."""
    story = Story().just_before(122)
    if first == "the payment":
        story.stage.now = story.instant(122)
        story.pay().run().until(200)
        assert story.sub().state is State.ACTIVE
        assert orders(story, "delete") == []
    else:
        story.until(122, "00:00").pay().until(200)
        assert story.sub().state is State.DELETED
        assert story.account.debts == ()


def stalled(story: Story, ahead: timedelta) -> None:
    story.stage.now += ahead
    story.run()


def confirmed(story: Story) -> None:
    system.confirm_clock(story.store, story.now, STAFF)
    story.run()


@pytest.mark.parametrize("confirms", [True, False])
@pytest.mark.parametrize("from_day", [31, 60, 112, 120, 121])
@pytest.mark.parametrize(
    "ahead", [timedelta(hours=27), timedelta(days=10), timedelta(days=91)], ids=["27 h", "10 days", "91 days"]
)
def test_a_clock_that_jumps_or_a_scheduler_that_stood_still_shortens_no_retention(
    from_day: int, ahead: timedelta, confirms: bool
) -> None:
    """F36, F38: until a person has confirmed the clock nothing is deleted; then whoever has no warning that counts is
    warned anew, a whole lead before. A restored backup is the same: what was done since it is not known to it."""
    story = Story().until(from_day)
    stalled(story, ahead)
    if not confirms:
        assert story.until(story.day(story.calendar.local_day(story.now)) + 100).sub().state is not State.DELETED
        assert orders(story, "delete") == []
        return
    confirmed(story)
    story.until(from_day + ahead.days + 240)
    [(at, order)] = story.facts(f.DeletionOrdered)
    assert at >= story.instant(122)
    got = order.evidence.warning_accepted_at
    assert got is not None
    assert story.calendar.local_day(got) + timedelta(days=7) < story.calendar.local_day(at)
    story.check()


@pytest.mark.parametrize("day", [10, 31, 60, 115, 121])
def test_a_policy_that_is_changed_shortens_no_retention_that_runs(day: int) -> None:
    """F51: the case and its service end keep the policy with which they began."""
    from tests.stories.story import policy_from

    story = Story().until(day)
    shorter = policy_from("[delete]\nretention_days = 30\nwarning_days = [10, 20]\n")
    system.adopt_policy(story.store, shorter, story.now, STAFF)
    story.until(150)
    assert ordered_on(story) == [122]


# -- invariants --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        lambda story: commands.release_deletion(story.store, story.no, 1, "A2", story.now, f"{STAFF}2", "ok"),
        lambda story: commands.release_deletion(story.store, story.no, 2, "A1", story.now, f"{STAFF}2", "ok"),
    ],
    ids=["another name", "another subscription"],
)
def test_a_deletion_is_addressed_exactly(wrong: Callable[[Story], object]) -> None:
    """I14: with the name of its account and its own number, or refused; the order names both (tests/core/test_ids.py:
    nor is the id of an account taken for one of a subscription)."""
    story = Story(limits=Limits(deletions_per_day=0)).until(123)
    with pytest.raises(Refused):
        wrong(story)
    assert story.until(130).sub().state is State.DISABLED


def test_the_days_cap_holds_and_what_waits_for_people_goes_on_when_they_have_looked() -> None:
    """I25: bounded, and then progress."""
    story = Story(accounts=5, limits=Limits(deletions_per_day=3)).until(130)
    waiting = [no for no in story.numbers if story.account_of(no).subscription(1).state is State.DISABLED]
    assert len(waiting) == 2
    for number in waiting:
        for by in ("anna", "ben"):
            name = f"A{number}"
            commands.release_deletion(story.store, number, 1, name, story.now, f"staff:{by}", "looked at")
    story.until(131)
    assert {story.account_of(no).subscription(1).state for no in story.numbers} == {State.DELETED}
    story.checker.whole_state()
    assert story.checker.breaches == []
