"""Service ends: cancels, other reasons, retention, and deletion in two phases (spec, sections 2, 8 and 9)."""

from __future__ import annotations

import pytest
from tests.stories.story import STAFF, Story, table

from arrears.core import facts as f
from arrears.core.account import Mode
from arrears.core.errors import Refused
from arrears.core.rules.resume import runs
from arrears.core.states import Reason, State
from arrears.core.view import View
from arrears.engine import commands
from arrears.engine.run import Limits


def disabled_on(story: Story) -> int:
    """The day on which it was disabled for debt, which happened once."""
    [(_, fact)] = story.facts(f.Disabled)
    return story.day(fact.on)


# -- cancel and reactivate -----------------------------------------------------------------------------------------


def test_a_cancel_without_debt_ends_the_service_that_day_and_deletes_after_retention() -> None:
    story = Story(bill=False).until(10).cancel().until(110)
    assert story.diary(dates=True) == table("""
        day  10 12:00  canceled cloud
        day  10 12:00  promised: delete cloud on day 100
        day  10 12:00  cloud stopped; retention from day 10
        day  40 09:00  warning 30: delete cloud on day 100
        day  70 09:00  warning 60: delete cloud on day 100
        day  85 09:00  warning 75: delete cloud on day 100
        day  93 09:00  warning 83: delete cloud on day 100
        day  97 09:00  warning 87: delete cloud on day 100
        day  99 09:00  warning 89: delete cloud on day 100
        day 101 00:00  deletion of cloud scheduled
        day 102 00:00  deletion of cloud ordered
        day 102 00:00  cloud deleted
        day 102 09:00  told: cloud deleted on day 102
    """)


def test_a_cancel_stops_the_warnings_of_the_ladder_and_leaves_plain_reminders() -> None:
    story = Story().until(10).cancel().until(60)
    assert story.diary(10) == table("""
        day 10 12:00  canceled cloud
        day 10 12:00  cloud stopped; retention from day 10
        day 14 09:00  reminder 14
        day 40 09:00  warning 30: delete cloud on day 120
    """)


def test_what_is_canceled_and_owed_for_is_deleted_no_sooner_than_the_ladder_would() -> None:
    story = Story().until(10).cancel().until(130)
    assert story.diary(100, only="deletion") == table("""
        day 121 00:00  deletion of cloud scheduled
        day 122 00:00  deletion of cloud ordered
    """)


def test_paying_a_canceled_subscription_lifts_past_due_alone_and_the_date_stays() -> None:
    story = Story().until(10).cancel().until(50).pay()
    assert story.diary(50) == table("""
        day 50 12:00  paid 12000 EUR
        day 50 12:00  resumed cloud: disabled -> disabled
        day 50 12:00  case settled
    """)
    assert (story.sub().state, story.sub().reasons) == (State.DISABLED, (Reason.CANCELED,))
    assert [c for _, _, c in story.hands.commands] == ["disable"], "nothing is told to the service"
    assert story.until(125).diary(100, only="deletion") == table("""
        day 121 00:00  deletion of cloud scheduled
        day 122 00:00  deletion of cloud ordered
    """), "a promised date does not come earlier"


def test_a_cancel_is_taken_back_with_one_button_inside_retention() -> None:
    story = Story(bill=False).until(10).cancel().until(101).reactivate()
    assert story.diary(101) == table("""
        day 101 00:00  deletion of cloud scheduled
        day 101 12:00  reactivated cloud
        day 101 12:00  resumed cloud: disabled -> active
    """)
    assert story.until(300).sub().state is State.ACTIVE
    assert story.sub().generation == 2


def test_what_comes_back_with_debt_has_the_days_that_it_had_left() -> None:
    """Nine days of thirty were over, and of forty the thirty-nine whole ones without the service do not count."""
    story = Story().until(10).cancel().until(50).reactivate().until(71)
    assert story.diary(50, dates=True) == table("""
        day 50 12:00  reactivated cloud
        day 50 12:00  resumed cloud: disabled -> past_due
        day 50 12:00  promised: disable cloud on day 69
        day 50 12:00  warning 28: disable cloud on day 69
        day 70 00:00  disabled cloud on day 69
        day 70 00:00  cloud stopped; retention from day 69
        day 70 00:00  promised: delete cloud on day 159
        day 70 09:00  told: cloud disabled on day 69
    """)
    assert story.sub().generation == 2


TAKEN_BACK = {"canceled": Story.cancel, "blocked": Story.block}
GIVEN_BACK = {"canceled": Story.reactivate, "blocked": Story.unblock}


@pytest.mark.parametrize("how", TAKEN_BACK)
def test_a_stop_taken_back_before_its_day_is_over_goes_on_with_the_clock_it_had(how: str) -> None:
    """Whoever cancels and comes back every day gains nothing, and every day that was told stays (decision 65)."""
    story = Story()
    for day in (5, 6, 7, 14, 21, 22, 27, 28, 29, 30):
        GIVEN_BACK[how](TAKEN_BACK[how](story.until(day, "12:00")))
    story.until(32)
    days = story.diary(0, dates=True, only="promised warning disabled")
    assert [line for line in days if "disable" in line and "resumed" not in line] == table("""
        day  0 00:00  promised: disable cloud on day 30
        day 21 09:00  warning 21: disable cloud on day 30
        day 28 09:00  warning 28: disable cloud on day 30
        day 31 00:00  disabled cloud on day 30
        day 31 09:00  told: cloud disabled on day 30
    """)
    assert story.sub().generation == 1
    story.check()
    assert len(story.until(125).facts(f.DeletionOrdered)) == 1, "the look before its order reads it so too"


def test_what_was_canceled_over_the_morning_of_its_warning_is_warned_when_it_comes_back() -> None:
    story = Story().until(21, "08:00").cancel().until(21, "12:00").reactivate().until(31, "00:00")
    assert story.diary(21, dates=True, only="resumed warning disabled") == table("""
        day 21 12:00  resumed cloud: disabled -> past_due
        day 21 12:00  warning 21: disable cloud on day 30
        day 28 09:00  warning 28: disable cloud on day 30
        day 31 00:00  disabled cloud on day 30
    """)


@pytest.mark.parametrize(
    ("back", "stops"), [((29, "23:59"), (30, 1)), ((30, "00:00"), (30, 2)), ((32, "00:00"), (32, 2))]
)
def test_the_day_of_the_cancel_decides_whether_the_service_had_ended(
    back: tuple[int, str], stops: tuple[int, int]
) -> None:
    story = Story(zone="America/New_York").until(29, "22:00").cancel().until(*back).reactivate()
    assert (disabled_on(story.until(40)), story.sub().generation) == stops


@pytest.mark.parametrize("how", TAKEN_BACK)
def test_a_night_without_the_service_buys_no_day_of_it(how: str) -> None:
    """Whoever cancels in the evening and comes back in the morning gains nothing; who does without it for a whole day
    gains that day (decision 74). What was told stays told, and what it runs in all is thirty days."""
    story = Story()
    for day in range(1, 30, 4):
        GIVEN_BACK[how](TAKEN_BACK[how](story.until(day, "23:00")).until(day + 1, "08:00"))
    assert disabled_on(story.until(32)) == 30
    story = Story()
    for day in range(5, 60, 5):
        GIVEN_BACK[how](TAKEN_BACK[how](story.until(day, "23:00")).until(day + 3, "08:00"))
        if story.sub().cut:
            break
    warned = story.diary(0, dates=True, only="warning disabled")
    assert [line for line in warned if "resumed" not in line] == table("""
        day 23 09:00  warning 21: disable cloud on day 38
        day 28 09:00  warning 28: disable cloud on day 40
        day 49 00:00  disabled cloud on day 48
        day 49 09:00  told: cloud disabled on day 48
    """)
    story.check()


def test_what_comes_back_when_its_days_are_over_stays_stopped_for_what_is_owed() -> None:
    story = Story().until(30, "23:50").cancel().until(31, "00:10").reactivate().until(31, "10:00")
    assert (story.sub().state, story.sub().reasons) == (State.DISABLED, (Reason.PAST_DUE,))
    assert story.diary(30, dates=True) == table("""
        day 30 23:50  canceled cloud
        day 30 23:50  promised: delete cloud on day 120
        day 30 23:50  cloud stopped; retention from day 30
        day 31 00:10  reactivated cloud
        day 31 00:10  resumed cloud: disabled -> past_due
        day 31 00:10  disabled cloud on day 30
        day 31 00:10  cloud stopped; retention from day 30
        day 31 00:10  promised: delete cloud on day 120
        day 31 09:00  told: cloud disabled on day 30
    """)
    assert story.pay().sub().state is State.ACTIVE


def test_a_hold_that_ends_while_a_service_is_canceled_lets_no_ladder_go_on() -> None:
    """It has moved days, and what was warned of before it does not count any more."""
    story = Story().until(10)
    hold = story.hold(40)
    story.until(25).cancel().release(hold).reactivate()
    assert disabled_on(story.until(70)) == 55
    story.check()


def test_what_becomes_past_due_while_it_is_canceled_starts_its_stage_when_it_comes_back() -> None:
    story = Story().until(-1, "23:00").cancel().until(0, "12:00").reactivate()
    assert disabled_on(story.until(40)) == 30
    paid = Story().until(10, "09:00").cancel().pay().reopen(1, 12_000).reactivate()
    assert disabled_on(paid.until(50)) == 40


def test_canceling_what_is_disabled_counts_retention_from_the_day_of_the_cancel() -> None:
    story = Story().until(100).cancel().until(193)
    assert story.diary(100, dates=True, only="promised cancel deletion") == table("""
        day 100 12:00  canceled cloud
        day 100 12:00  promised: delete cloud on day 190
        day 191 00:00  deletion of cloud scheduled
        day 192 00:00  deletion of cloud ordered
    """)


def test_canceling_what_is_stopped_leaves_the_day_on_which_it_stopped() -> None:
    for story in (Story().until(100), Story(bill=False).until(90).block().until(100)):
        before = story.sub().end
        after = story.cancel().sub().end
        assert before is not None
        assert after is not None
        assert (after.stopped_on, after.ended_on) == (before.stopped_on, story.date(100))


def test_what_is_canceled_while_disabled_does_not_come_back_by_paying_alone_nor_by_the_button_alone() -> None:
    paid_first = Story().until(40).cancel().pay()
    assert (paid_first.sub().state, paid_first.sub().reasons) == (State.DISABLED, (Reason.CANCELED,))
    assert paid_first.reactivate().sub().state is State.ACTIVE
    button_first = Story().until(40).cancel().reactivate()
    assert (button_first.sub().state, button_first.sub().reasons) == (State.DISABLED, (Reason.PAST_DUE,))
    assert button_first.pay().sub().state is State.ACTIVE
    for story in (paid_first, button_first):
        assert [c for _, _, c in story.hands.commands] == ["disable", "resume"]
        story.check()


@pytest.mark.parametrize(("canceled_on", "it_runs"), [(10, True), (40, False)])
def test_who_brings_it_back_is_told_whether_it_runs(canceled_on: int, it_runs: bool) -> None:
    story = Story().until(canceled_on).cancel().until(50)
    commands.reactivate(story.store, story.no, 1, story.now, "staff:1")
    view = View(
        story.store.policies(), story.store.snapshots([story.no])[story.no], story.store.system().guards, story.now
    )
    assert runs(view, view.account.subscription(1)) is it_runs
    story.stage.perform()
    assert (story.sub().state is not State.DISABLED) is it_runs


def test_a_cancel_is_refused_twice_and_after_the_deletion_was_ordered() -> None:
    story = Story().until(10).cancel()
    with pytest.raises(Refused, match="is canceled already"):
        story.cancel()
    with pytest.raises(Refused, match="its deletion has been ordered"):
        story.until(130).reactivate()


# -- other reasons -------------------------------------------------------------------------------------------------


def test_paying_lifts_past_due_alone() -> None:
    story = Story().until(20).block().until(25).pay()
    assert (story.sub().state, story.sub().reasons) == (State.DISABLED, (Reason.POLICY_VIOLATION,))
    assert story.unblock().sub().state is State.ACTIVE
    assert story.diary(20) == table("""
        day 20 12:00  policy_violation set on cloud
        day 20 12:00  cloud stopped; retention from day 20
        day 25 12:00  paid 12000 EUR
        day 25 12:00  resumed cloud: disabled -> disabled
        day 25 12:00  case settled
        day 25 12:00  policy_violation lifted from cloud
        day 25 12:00  resumed cloud: disabled -> active
    """)


def test_another_reason_that_goes_leaves_what_is_owed() -> None:
    story = Story().until(40).block().until(45).unblock()
    assert (story.sub().state, story.sub().reasons) == (State.DISABLED, (Reason.PAST_DUE,))
    assert story.pay().sub().state is State.ACTIVE
    assert [c for _, _, c in story.hands.commands] == ["disable", "resume"]


def test_another_reason_that_stopped_a_past_due_service_and_goes_lets_it_run_past_due() -> None:
    story = Story().until(20).block().until(25).unblock()
    assert (story.sub().state, story.sub().reasons) == (State.PAST_DUE, (Reason.PAST_DUE,))
    assert story.until(36).diary(25, only="disabled promised", dates=True) == table("""
        day 25 12:00  resumed cloud: disabled -> past_due
        day 25 12:00  promised: disable cloud on day 34
        day 35 00:00  disabled cloud on day 34
        day 35 00:00  promised: delete cloud on day 124
        day 35 09:00  told: cloud disabled on day 34
    """)


# -- retention -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("done", "from_day"),
    [((31, "00:05"), 30), ((31, "23:00"), 30), ((32, "00:05"), 32), ((33, "10:00"), 33)],
)
def test_a_late_acknowledgement_moves_the_end_of_the_service(done: tuple[int, str], from_day: int) -> None:
    """Stored day 30 if done before the end of day 31, else the local day on which it was done (section 8)."""
    story = Story().until(30)
    story.hands.busy = True
    story.until(*done)
    story.hands.busy = False
    story.stage.perform()
    end = story.sub().end
    assert end is not None
    assert end.ended_on == story.date(from_day)
    assert end.delete.promised_on == story.date(from_day + 90)
    story.check()


def test_a_stop_that_is_never_acknowledged_is_never_followed_by_a_deletion() -> None:
    story = Story().until(30)
    story.hands.busy = True
    story.until(500)
    assert story.sub().state is State.DISABLED
    assert not story.diary(32, only="delet")


def test_a_late_recording_moves_the_end_of_the_service() -> None:
    story = Story().until(30)
    for day in (31, 32, 33):
        story.down_until(day)
        story.store.tick(story.now)
    story.run()
    assert story.diary(30) == table("""
        day 33 12:00  disabled cloud on day 30
        day 33 12:00  told: cloud disabled on day 30
        day 33 12:00  cloud stopped; retention from day 33
    """)


# -- deletion ------------------------------------------------------------------------------------------------------


def test_a_payment_between_the_two_phases_undoes_the_deletion() -> None:
    story = Story().until(121).pay()
    assert story.diary(121) == table("""
        day 121 00:00  deletion of cloud scheduled
        day 121 12:00  paid 12000 EUR
        day 121 12:00  resumed cloud: disabled -> active
        day 121 12:00  case settled
    """)
    assert not any(isinstance(r.fact, f.DeletionOrdered) for r in story.until(400).history())


def test_a_hold_between_the_two_phases_undoes_the_deletion_until_a_new_warning() -> None:
    story = Story().until(121)
    story.hold(130)
    assert story.until(145).diary(121, dates=True) == table("""
        day 121 00:00  deletion of cloud scheduled
        day 121 12:00  hold 1 placed
        day 121 12:00  promised: delete cloud on day 130
        day 121 12:00  deletion of cloud unscheduled
        day 131 00:00  hold 1 ended, void: delete cloud
        day 131 09:00  warning 89: delete cloud on day 138
        day 139 00:00  deletion of cloud scheduled
        day 140 00:00  deletion of cloud ordered
        day 140 00:00  cloud deleted
        day 140 00:00  case ended_deleted
        day 140 09:00  told: cloud deleted on day 140
    """)


def test_paying_the_oldest_of_two_debts_between_the_two_phases_moves_the_deletion() -> None:
    story = Story()
    story.bill(20)
    story.until(121).pay()
    assert story.until(145).diary(121, dates=True, only="delet") == table("""
        day 121 00:00  deletion of cloud scheduled
        day 121 12:00  promised: delete cloud on day 141
        day 121 12:00  deletion of cloud unscheduled
        day 142 00:00  deletion of cloud scheduled
        day 143 00:00  deletion of cloud ordered
        day 143 00:00  cloud deleted
        day 143 00:00  case ended_deleted
        day 143 09:00  told: cloud deleted on day 143
    """)


def test_ten_deletions_a_day_are_ordered_and_the_eleventh_waits_for_people_however_long() -> None:
    story = Story(accounts=12).until(200)
    states = [story.account_of(number).subscription(1) for number in story.numbers]
    assert [s.state for s in states].count(State.DELETED) == 10
    waiting = [s for s in states if s.state is not State.DELETED]
    assert [s.end is not None and s.end.awaiting_release for s in waiting] == [True, True]
    assert story.tasks().count("deletion_release") == 2
    number = next(n for n in story.numbers if story.account_of(n).subscription(1).state is not State.DELETED)
    assert story.diary(121, account=number) == table("""
        day 121 00:00  deletion of cloud scheduled
        day 122 00:00  deletion of cloud awaits release
    """)


def test_who_waits_for_release_can_still_pay() -> None:
    story = Story(accounts=3, limits=Limits(deletions_per_day=2)).until(130)
    [number] = [n for n in story.numbers if story.account_of(n).subscription(1).state is not State.DELETED]
    story.pay(account=number)
    assert story.account_of(number).subscription(1).state is State.ACTIVE


def test_the_cap_counts_days_in_utc() -> None:
    story = Story(zone="Pacific/Kiritimati", accounts=3, limits=Limits(deletions_per_day=2)).until(125)
    days = {r.at.date() for n in story.numbers for r in story.history(n) if isinstance(r.fact, f.DeletionOrdered)}
    assert days == {story.instant(122).date()}
    assert story.instant(122).date() < story.date(122), "it is still yesterday in UTC"


def test_the_cap_is_of_the_utc_day_whatever_the_zone_of_the_account() -> None:
    story = Story(accounts=3, bill=False, limits=Limits(deletions_per_day=1))
    for number, zone in zip(story.numbers, ("UTC", "Pacific/Niue", "Pacific/Kiritimati"), strict=True):
        commands.change_terms(story.store, number, story.now, STAFF, policy="default", zone=zone, mode=Mode.CARD)
        story.bill(-1, account=number)
    story.until(125)
    ordered = {n: [at for at, _ in story.facts(f.DeletionOrdered, n)] for n in story.numbers}
    assert ordered == {1: [story.instant(122)], 2: [], 3: [story.instant(121, "10:00")]}
    assert story.account_of(2).subscription(1).state is State.DISABLED, "it was the second of 24 hours in UTC"


def test_a_deletion_ends_the_case_only_when_everything_it_was_for_is_gone() -> None:
    story = Story(services=("cloud", "mail"), bill=False)
    story.bill(-1, subscriptions=(1,))
    story.bill(9, subscriptions=(2,))
    story.until(140)
    assert story.diary(121, only="deleted case") == table("""
        day 122 00:00  cloud deleted
        day 122 09:00  told: cloud deleted on day 122
        day 132 00:00  mail deleted
        day 132 00:00  case ended_deleted
        day 132 09:00  told: mail deleted on day 132
    """)


def test_what_falls_due_after_its_service_was_deleted_stays_owed_and_is_no_longer_pursued() -> None:
    story = Story().until(130)
    story.bill(134)
    story.bill(139)
    story.until(150)
    assert story.diary(123) == table("""
        day 135 00:00  past due I2 from day 135
        day 135 00:00  case ended_deleted
        day 140 00:00  past due I3 from day 140
        day 140 00:00  case ended_deleted
    """)
    assert story.pay(36_000, ()).account.debts == ()
    assert story.sub().state is State.DELETED
