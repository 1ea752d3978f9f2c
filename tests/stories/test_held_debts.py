"""A hold on a debt keeps back the warnings that follow it, and those whose date it moved count no more (spec, 3)."""

from __future__ import annotations

import pytest
from tests.stories.story import Story, table

from arrears.core import facts as f
from arrears.core.account import Action, DoubtKind, HoldScope, Stop
from arrears.core.states import State

LADDER = "warning ended disabled resumed scheduled ordered"


def on_debt(story: Story, last: int, debt: int = 1) -> Story:
    story.hold(last, scope=HoldScope.DEBT, target=debt)
    return story


def two_debts() -> Story:
    """The second one is past due a day after the first."""
    story = Story().until(0)
    story.bill(0)
    return story


@pytest.mark.parametrize(
    ("scope", "target"), [(HoldScope.DEBT, 1), (HoldScope.SUBSCRIPTION, 1), (HoldScope.ACCOUNT, 0)]
)
def test_whatever_a_hold_is_on_the_days_are_the_same(scope: HoldScope, target: int) -> None:
    story = Story().until(28)
    story.hold(40, scope=scope, target=target)
    assert story.until(50).diary(28, dates=True, only=LADDER + " promised:") == table("""
        day 28 09:00  warning 28: disable cloud on day 30
        day 28 12:00  promised: disable cloud on day 42
        day 41 00:00  hold 1 ended, void: disable cloud
        day 41 09:00  warning 28: disable cloud on day 48
        day 49 00:00  disabled cloud on day 48
        day 49 00:00  promised: delete cloud on day 138
        day 49 09:00  told: cloud disabled on day 48
    """)


def test_a_rung_inside_a_hold_on_the_debt_waits_for_its_end() -> None:
    story = on_debt(Story().until(21), 25)
    assert story.until(36).diary(21, only=LADDER) == table("""
        day 21 09:00  warning 21: disable cloud on day 30
        day 26 00:00  hold 1 ended, void: disable cloud
        day 26 09:00  warning 21: disable cloud on day 34
        day 32 09:00  warning 28: disable cloud on day 34
        day 35 00:00  disabled cloud on day 34
        day 35 09:00  told: cloud disabled on day 34
    """)


def test_a_hold_on_the_older_debt_lets_the_other_one_warn_and_still_gives_the_full_lead_after_it() -> None:
    story = on_debt(two_debts().until(26), 30)
    assert story.until(40).diary(26, only=LADDER) == table("""
        day 26 12:00  warning 21: disable cloud on day 31
        day 29 09:00  warning 28: disable cloud on day 31
        day 31 00:00  hold 1 ended, void: disable cloud
        day 31 09:00  warning 28: disable cloud on day 38
        day 39 00:00  disabled cloud on day 38
        day 39 09:00  told: cloud disabled on day 38
    """)


def test_a_newer_debt_does_not_hide_that_a_hold_moved_the_day_of_the_older_one() -> None:
    """The stage began when another reason was lifted, and the held days are no days of it either."""
    story = Story().until(-1).block().until(50).unblock().until(60)
    story.bill(63)
    story = on_debt(story, 66)
    assert story.until(90).diary(51, dates=True, only="warning promised: ended disabled") == table("""
        day 60 12:00 promised: disable cloud on day 86
        day 67 00:00 hold 1 ended, void: disable cloud
        day 67 09:00 warning 28: disable cloud on day 86
        day 87 00:00 disabled cloud on day 86
        day 87 00:00 promised: delete cloud on day 176
        day 87 09:00 told: cloud disabled on day 86
    """)


def test_a_hold_on_the_debt_before_its_deletion_gives_the_full_lead_after_it() -> None:
    story = on_debt(Story().until(119), 130)
    assert story.until(141).diary(119, only=LADDER) == table("""
        day 119 09:00  warning 89: delete cloud on day 120
        day 131 00:00  hold 1 ended, void: delete cloud
        day 131 09:00  warning 89: delete cloud on day 138
        day 139 00:00  deletion of cloud scheduled
        day 140 00:00  deletion of cloud ordered
        day 140 00:00  case ended_deleted
    """)


@pytest.mark.parametrize("policy", ["", "[minimum]\nEUR = 3000\n"])
def test_held_debt_counts_towards_the_minimum(policy: str) -> None:
    story = Story(policy=policy).until(11, "09:00")
    hold = story.hold(31, scope=HoldScope.DEBT, target=1)
    assert story.announced(Action.DISABLE) == 50
    story.until(21, "23:00").release(hold)
    assert story.until(52).diary(20, only=LADDER) == table("""
        day 21 23:00  hold 1 ended
        day 30 09:00  warning 21: disable cloud on day 50
        day 37 09:00  warning 28: disable cloud on day 50
        day 51 00:00  disabled cloud on day 50
        day 51 09:00  told: cloud disabled on day 50
    """)


def test_the_sum_of_a_held_and_a_free_debt_decides_and_the_free_one_gives_the_day() -> None:
    story = Story(policy="[minimum]\nEUR = 15000\n").until(0)
    story.bill(0, 5_000)
    story.until(10).dispute()
    assert story.until(33).diary(10, only="warning disabled") == table("""
        day 22 09:00  warning 21: disable cloud on day 31
        day 29 09:00  warning 28: disable cloud on day 31
        day 32 00:00  disabled cloud on day 31
        day 32 09:00  told: cloud disabled on day 31
    """)


# -- what nobody got -----------------------------------------------------------------------------------------------

CLOSE = """
[disable]
after_days = 30
warning_days = [27, 29]
lead_days = 1
"""


def test_a_day_that_a_refused_warning_named_is_free_for_the_next_rung() -> None:
    story = Story(policy=CLOSE).until(26)
    story.mail.works = False
    story.until(28).mail.works = True
    assert story.until(31).diary(26, only=LADDER + " failed") == table("""
        day 27 09:00  warning 27: disable cloud on day 30
        day 27 09:00  message failed
        day 29 09:00  warning 29: disable cloud on day 30
        day 31 00:00  disabled cloud on day 30
        day 31 09:00  told: cloud disabled on day 30
    """)


def test_a_refused_warning_moves_nothing_that_was_promised() -> None:
    story = Story().until(20)
    story.mail.works = False
    story.until(25)
    assert story.sub().disable.promised_on == story.date(30), "nobody was told day 32"
    assert story.announced(Action.DISABLE) == 32, "and no warning of day 30 can have its lead any more"


def test_what_waits_under_doubt_is_never_told_for_a_day_that_leaves_no_lead() -> None:
    story = Story().until(5)
    story.doubt(DoubtKind.BANK_CREDIT)
    told = [story.until(day).announced(Action.DISABLE) for day in (20, 23, 24, 31, 40)]
    assert told == [30, 30, 31, 38, 47]
    story.until(40, "13:00").clear(DoubtKind.BANK_CREDIT)
    assert story.until(50).diary(40, only=LADDER) == table("""
        day 40 13:00  reminder 14 (skipped 7); warning 28: disable cloud on day 47
        day 48 00:00  disabled cloud on day 47
        day 48 09:00  told: cloud disabled on day 47
    """)


def test_a_doubt_at_the_deadline_is_told_with_its_lead_too() -> None:
    story = Story().until(29)
    story.doubt(DoubtKind.FEED)
    assert [story.until(day).announced(Action.DISABLE) for day in (30, 31, 40)] == [30, 38, 47]


# -- back again ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["pay", "dispute"])
def test_paying_one_debt_and_disputing_the_other_resumes_whichever_comes_first(first: str) -> None:
    story = two_debts().until(39)
    for what in (first, "dispute" if first == "pay" else "pay"):
        if what == "pay":
            story.pay(12_000, (2,))
        else:
            story.dispute(1)
        story.until(41)
    assert story.sub().state is State.PAST_DUE
    assert story.diary(39, only="resumed") == ["day 41 12:00 resumed cloud: disabled -> past_due"] or first == "dispute"
    story.check()


def test_a_dispute_alone_brings_nothing_back() -> None:
    story = two_debts().until(39)
    story.dispute(1)
    story.dispute(2)
    assert story.until(60).sub().state is State.DISABLED


def test_what_was_paid_before_the_stop_brings_nothing_back() -> None:
    story = two_debts().until(20)
    story.pay(12_000, (1,))
    story.until(39).dispute(2)
    assert story.until(60).sub().state is State.DISABLED


def test_a_part_payment_brings_nothing_back() -> None:
    story = two_debts().until(39)
    story.pay(5_000, (2,))
    story.dispute(1)
    story.dispute(2)
    assert story.until(60).sub().state is State.DISABLED


# -- the account's clock -------------------------------------------------------------------------------------------

ACCOUNT = 'scope = "account"\n'


def services_with_one_debt_more() -> Story:
    """An invoice for both, and a day later one for `a` alone."""
    story = Story(services=("a", "b"), policy=ACCOUNT).until(0)
    story.bill(0, subscriptions=(1,))
    return story


def test_by_the_clock_of_the_account_what_is_paid_for_is_not_deleted() -> None:
    story = services_with_one_debt_more().until(33).pay(12_000, (1,))
    story.until(500)
    assert [s.state for s in story.account.subscriptions] == [State.DELETED, State.DISABLED]
    assert story.announced(Action.DELETE, 2) is None
    assert story.diary(31, only="b") == table("""
        day 31 00:00  disabled a on day 30
        day 31 00:00  disabled b on day 30
        day 31 00:00  b stopped; retention from day 30
        day 31 09:00  told: a disabled on day 30; told: b disabled on day 30
    """)


def test_by_the_clock_of_the_account_all_are_back_when_the_last_debt_is_paid() -> None:
    story = services_with_one_debt_more().until(33).pay(12_000, (1,)).until(110).pay(12_000, (2,))
    assert [s.state for s in story.account.subscriptions] == [State.ACTIVE, State.ACTIVE]
    story.check()


def test_by_the_clock_of_the_account_what_only_disputed_debt_names_is_not_deleted() -> None:
    story = services_with_one_debt_more().until(40)
    dispute = story.dispute(1)
    story.until(300)
    assert [s.state for s in story.account.subscriptions] == [State.DELETED, State.DISABLED]
    assert "b" not in " ".join(story.diary(40, only="warning"))
    story.release(dispute).until(420)
    assert story.diary(300, only="warning scheduled ordered") == table("""
        day 319 09:00  warning 30: delete b on day 379
        day 349 09:00  warning 60: delete b on day 379
        day 364 09:00  warning 75: delete b on day 379
        day 372 09:00  warning 83: delete b on day 379
        day 376 09:00  warning 87: delete b on day 379
        day 378 09:00  warning 89: delete b on day 379
        day 380 00:00  deletion of b scheduled
        day 381 00:00  deletion of b ordered
    """)
    story.check()


def test_a_debt_that_names_it_again_gives_a_new_warning_of_deletion() -> None:
    story = services_with_one_debt_more().until(70).pay(12_000, (1,))
    assert story.diary(70, only="lapse") == ["day 70 12:00 warnings of delete b lapse"]
    story.until(200)
    story.bill(200, subscriptions=(2,))
    story.until(340)
    warned = story.diary(200, only="warning")
    assert warned
    assert all("delete b" in line for line in warned)
    assert story.diary(200, only="ordered")
    story.check()


def test_a_hold_stops_what_it_names_of_a_debt_whose_warnings_it_keeps_back() -> None:
    story = Story().until(20)
    story.hold(40, stops=(Stop.DELETE,), scope=HoldScope.ACCOUNT)
    assert story.until(32).diary(20, only="warning disabled")[0] == "day 21 09:00 warning 21: disable cloud on day 30"


def test_a_newer_debt_counts_no_day_of_retention_on_which_the_older_one_was_held() -> None:
    """Canceled after it was stopped, it is kept until day 160; on ten days its debt was held, on nine everything."""
    story = on_debt(Story().until(70).cancel().until(80), 90)
    story.until(95).bill(100)
    story.until(110).hold(119)
    assert story.until(181).diary(170, dates=True, only="scheduled") == ["day 180 00:00 deletion of cloud scheduled"]
    assert len(story.until(183).facts(f.DeletionOrdered)) == 1
    story.check()
