"""The default ladder to the day, and what changes it: stages, scopes, sums (spec, section 3)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.stories.story import Story, table

from arrears.core import facts as f
from arrears.core.states import Reason, State, allows, remedy

RESTRICTING = """
[remind]
days = [0, 3]
[restrict]
after_days = 14
warning_days = [6, 10]
lead_days = 5
[disable]
after_days = 28
warning_days = [18, 24]
lead_days = 7
"""


def test_the_default_ladder_to_the_day() -> None:
    story = Story(services=("cloud-1",)).until(125)
    assert story.diary() == table("""
        day   0 00:00  past due I1
        day   0 09:00  reminder 0
        day   3 09:00  reminder 3
        day   7 09:00  reminder 7
        day  14 09:00  reminder 14
        day  21 09:00  warning 21: disable cloud-1 on day 30
        day  28 09:00  warning 28: disable cloud-1 on day 30
        day  31 00:00  disabled cloud-1 on day 30
        day  31 00:00  cloud-1 stopped; retention from day 30
        day  31 09:00  told: cloud-1 disabled on day 30
        day  60 09:00  warning 30: delete cloud-1 on day 120
        day  90 09:00  warning 60: delete cloud-1 on day 120
        day 105 09:00  warning 75: delete cloud-1 on day 120
        day 113 09:00  warning 83: delete cloud-1 on day 120
        day 117 09:00  warning 87: delete cloud-1 on day 120
        day 119 09:00  warning 89: delete cloud-1 on day 120
        day 121 00:00  deletion of cloud-1 scheduled
        day 122 00:00  deletion of cloud-1 ordered
        day 122 00:00  cloud-1 deleted
        day 122 00:00  case ended_deleted
        day 122 09:00  told: cloud-1 deleted on day 122
    """)


def test_every_date_is_promised_from_the_first_day_and_kept() -> None:
    story = Story().until(121)
    assert story.diary(dates=True, only="promised") == table("""
        day  0 00:00  promised: disable cloud on day 30
        day 31 00:00  promised: delete cloud on day 120
    """)


@pytest.mark.parametrize(("days_after_due", "disabled"), [(31, False), (32, True)])
def test_no_decline_and_paid_at_noon(days_after_due: int, disabled: bool) -> None:
    """The example of the specification: on due date + 31 not disabled, on due date + 32 it was."""
    story = Story().until(days_after_due - 1).pay()
    assert any(isinstance(r.fact, f.Disabled) for r in story.history()) is disabled
    assert story.sub().state is State.ACTIVE
    story.check()


@pytest.mark.parametrize(("days_after_due", "disabled"), [(30, False), (31, True)])
def test_after_a_decline_on_the_due_date_every_day_is_one_earlier(days_after_due: int, disabled: bool) -> None:
    story = Story().until(-1, "09:00").decline().until(days_after_due - 1).pay()
    assert any(isinstance(r.fact, f.Disabled) for r in story.history()) is disabled
    assert story.sub().state is State.ACTIVE
    story.check()


def test_the_ladder_after_a_decline_begins_at_once() -> None:
    story = Story().until(-1, "10:30").decline().until(31)
    assert story.diary() == table("""
        day -1 10:30  declined I1
        day -1 10:30  past due I1 from day -1
        day -1 10:30  reminder 0
        day  2 09:00  reminder 3
        day  6 09:00  reminder 7
        day 13 09:00  reminder 14
        day 20 09:00  warning 21: disable cloud on day 29
        day 27 09:00  warning 28: disable cloud on day 29
        day 30 00:00  disabled cloud on day 29
        day 30 00:00  cloud stopped; retention from day 29
        day 30 09:00  told: cloud disabled on day 29
    """)


def test_a_reminder_that_is_held_does_not_go_out_at_once_after_a_decline() -> None:
    story = Story().until(-1, "08:00")
    story.hold(5)
    story.decline().until(6)
    assert story.diary(only="reminder ended") == table("""
        day 6 00:00  hold 1 ended
        day 6 09:00  reminder 0
    """)


def test_paid_on_the_due_date_to_its_last_moment_is_in_time() -> None:
    story = Story().just_before(0).pay().until(40)
    assert story.diary() == ["day -1 23:59 paid 12000 EUR"]


def test_an_unknown_outcome_makes_nothing_past_due_before_its_day() -> None:
    story = Story().until(-1).doubt().just_before(0)
    assert story.account.case is None
    assert story.until(0).diary(only="past") == table("day 0 00:00 past due I1")


# -- states (scenario 3) -------------------------------------------------------------------------------------------


def test_while_past_due_every_operation_succeeds() -> None:
    """Scenario 3: creating, changing, starting and deleting a resource; and the use is charged."""
    story = Story().until(20)
    assert story.sub().state is State.PAST_DUE
    allowed = allows(story.sub().state)
    assert (allowed.read, allowed.delete_own, allowed.change, allowed.charged) == (True, True, True, True)
    assert allowed == allows(State.ACTIVE)
    assert story.hands.commands == [], "a service is not even told"


def test_each_stage_allows_what_the_table_says_on_its_day() -> None:
    story = Story(policy=RESTRICTING)
    seen = []
    for day in (0, 14, 15, 28, 29, 118, 120):
        state = story.until(day).sub().state
        seen.append((day, state.value, allows(state).read, allows(state).change))
    assert seen == [
        (0, "past_due", True, True),
        (14, "past_due", True, True),
        (15, "restricted", True, False),
        (28, "restricted", True, False),
        (29, "disabled", True, False),
        (118, "disabled", True, False),
        (120, "deleted", False, False),
    ]
    assert remedy(Reason.PAST_DUE) == "settle_past_due"


# -- restriction ---------------------------------------------------------------------------------------------------


def test_a_policy_with_restriction_has_one_stage_more() -> None:
    story = Story(policy=RESTRICTING).until(30)
    assert story.diary() == table("""
        day  0 00:00  past due I1
        day  0 09:00  reminder 0
        day  3 09:00  reminder 3
        day  6 09:00  warning 6: restrict cloud on day 14
        day 10 09:00  warning 10: restrict cloud on day 14
        day 15 00:00  restricted cloud on day 14
        day 15 09:00  told: cloud restricted on day 14
        day 18 09:00  warning 18: disable cloud on day 28
        day 24 09:00  warning 24: disable cloud on day 28
        day 29 00:00  disabled cloud on day 28
        day 29 00:00  cloud stopped; retention from day 28
        day 29 09:00  told: cloud disabled on day 28
    """)
    assert [c for _, _, c in story.hands.commands] == ["restrict", "disable"]


def test_a_late_restriction_does_not_shorten_its_stage() -> None:
    story = Story(policy=RESTRICTING).until(13)
    story.doubt().until(16).clear().until(60)
    assert story.diary(13, only="restrict disable doubt") == table("""
        day 13 12:00  doubt attempt
        day 15 00:00  restrict cloud waits: attempt
        day 16 12:00  no doubt attempt
        day 16 12:00  restrict cloud waits no longer
        day 17 09:00  warning 10: restrict cloud on day 22
        day 18 09:00  warning 18: disable cloud on day 36
        day 23 00:00  restricted cloud on day 22
        day 23 09:00  told: cloud restricted on day 22
        day 24 09:00  warning 24: disable cloud on day 36
        day 37 00:00  disabled cloud on day 36
        day 37 09:00  told: cloud disabled on day 36
    """)


def test_what_was_restricted_late_is_restricted_for_as_many_days() -> None:
    story = Story(policy=RESTRICTING).until(14)
    for day in (15, 16, 17, 18):
        story.down_until(day)
        story.store.tick(story.now)
    assert story.run().until(34).diary(14, only="restrict disable") == table("""
        day 18 12:00  restricted cloud on day 14
        day 18 12:00  warning 18: disable cloud on day 32; told: cloud restricted on day 14
        day 24 09:00  warning 24: disable cloud on day 32
        day 33 00:00  disabled cloud on day 32
        day 33 09:00  told: cloud disabled on day 32
    """)


def test_paying_while_restricted_resumes() -> None:
    story = Story(policy=RESTRICTING).until(20).pay()
    assert story.diary(20) == table("""
        day 20 12:00  paid 12000 EUR
        day 20 12:00  resumed cloud: restricted -> active
        day 20 12:00  case settled
    """)
    assert [c for _, _, c in story.hands.commands] == ["restrict", "resume"]
    assert story.sub().generation == 1, "its service had not ended"


# -- whose clock ---------------------------------------------------------------------------------------------------


def two_services(policy: str | None = None) -> Story:
    story = Story(services=("cloud", "mail"), policy=policy, bill=False)
    story.bill(-1, subscriptions=(1,))
    return story


def test_only_the_subscription_that_is_owed_for_is_touched() -> None:
    story = two_services().until(125)
    assert story.sub(1).state is State.DELETED
    assert (story.sub(2).state, story.sub(2).reasons) == (State.ACTIVE, ())
    assert not story.diary(only="mail")


def test_each_subscription_follows_its_own_oldest_debt() -> None:
    story = two_services()
    story.bill(9, subscriptions=(2,))
    story.until(42)
    assert story.diary(only="past warning disabled") == table("""
        day  0 00:00  past due I1
        day 10 00:00  past due I2 from day 10
        day 21 09:00  warning 21: disable cloud on day 30
        day 28 09:00  warning 28: disable cloud on day 30
        day 31 00:00  disabled cloud on day 30
        day 31 09:00  warning 21: disable mail on day 40; told: cloud disabled on day 30
        day 38 09:00  warning 28: disable mail on day 40
        day 41 00:00  disabled mail on day 40
        day 41 09:00  told: mail disabled on day 40
    """)


def test_account_wide_policies_stop_every_subscription() -> None:
    story = two_services('scope = "account"').until(31)
    assert story.diary(28, only="warning disabled") == table("""
        day 28 09:00  warning 28: disable cloud on day 30; warning 28: disable mail on day 30
        day 31 00:00  disabled cloud on day 30
        day 31 00:00  disabled mail on day 30
        day 31 09:00  told: cloud disabled on day 30; told: mail disabled on day 30
    """)
    story.until(35).pay()
    assert [s.state for s in story.account.subscriptions] == [State.ACTIVE, State.ACTIVE]


def test_an_invoice_for_two_subscriptions_stops_both_until_it_is_paid() -> None:
    story = Story(services=("cloud", "mail")).until(40)
    assert [s.state for s in story.account.subscriptions] == [State.DISABLED, State.DISABLED]
    assert story.pay().diary(40) == table("""
        day 40 12:00  paid 12000 EUR
        day 40 12:00  resumed cloud: disabled -> active
        day 40 12:00  resumed mail: disabled -> active
        day 40 12:00  case settled
    """)


def test_every_debt_has_a_first_reminder_and_the_later_ones_follow_the_oldest() -> None:
    story = two_services()
    story.bill(4, subscriptions=(2,))
    story.until(20)
    assert story.diary(only="reminder past") == table("""
        day  0 00:00  past due I1
        day  0 09:00  reminder 0
        day  3 09:00  reminder 3
        day  5 00:00  past due I2 from day 5
        day  5 09:00  reminder 0
        day  7 09:00  reminder 7
        day 14 09:00  reminder 14
    """)


def test_several_debts_make_one_reminder_that_lists_them() -> None:
    story = Story()
    story.bill(-1, 3_000)
    story.until(0)
    assert story.diary() == table("""
        day 0 00:00  past due I1, I2
        day 0 09:00  reminder 0
    """)
    [message] = story.mail.taken
    assert [line for line in message.text.splitlines() if "Invoice" in line or "total" in line] == [
        "Invoice I1-1, due 2026-01-01: €120.00 open.",
        "Invoice I1-2, due 2026-01-01: €30.00 open.",
        "In total: €150.00.",
    ]


def test_there_is_one_message_an_account_and_day() -> None:
    story = Story(services=("cloud", "mail", "archive"), bill=False)
    for number, due in enumerate((-1, 6, 13), 1):
        story.bill(due, subscriptions=(number,))
    story.until(60)
    days = [r.fact.on for r in story.history() if isinstance(r.fact, f.Noticed)]
    assert len(days) == len(set(days))
    assert story.diary(28, only="warning")[0] == (
        "day 28 09:00 warning 28: disable cloud on day 30; warning 21: disable mail on day 37"
    )
    story.check()


def test_what_becomes_due_after_the_message_of_the_day_goes_out_next_morning() -> None:
    story = Story(services=("cloud", "mail")).until(10).cancel(2).until(28).reactivate(2)
    assert story.until(30).diary(28, only="warning") == table("""
        day 28 09:00  warning 28: disable cloud on day 30
        day 29 09:00  warning 28: disable mail on day 47
    """)


# -- sums ----------------------------------------------------------------------------------------------------------


def test_below_the_minimum_there_are_reminders_and_nothing_else() -> None:
    story = Story(policy="[minimum]\nEUR = 20000").until(60)
    assert [line.split(" ", 3)[3] for line in story.diary()] == [
        "past due I1",
        "reminder 0",
        "reminder 3",
        "reminder 7",
        "reminder 14",
    ]
    assert story.sub().state is State.PAST_DUE


def test_the_minimum_counts_the_past_due_sum_of_the_subscription() -> None:
    story = Story(policy="[minimum]\nEUR = 20000").until(40)
    story.bill(49, 8_000)
    story.until(60)
    assert story.diary(40, only="past warning disabled") == table("""
        day 50 00:00  past due I2 from day 50
        day 50 09:00  reminder 0; warning 28: disable cloud on day 57
        day 58 00:00  disabled cloud on day 57
        day 58 09:00  told: cloud disabled on day 57
    """)


def test_who_came_below_the_minimum_is_warned_anew_before_a_service_stops() -> None:
    story = Story(policy="[minimum]\nEUR = 20000").until(1)
    story.bill(1, 9_000)
    story.until(25).pay(9_000).until(100)
    story.bill(100, 15_000)
    story.until(110)
    assert story.diary(20, only="warning lapse disabled") == table("""
        day 21 09:00  warning 21: disable cloud on day 30
        day 25 12:00  warnings of disable cloud lapse
        day 101 09:00  reminder 0; warning 28: disable cloud on day 108
        day 109 00:00  disabled cloud on day 108
        day 109 09:00  told: cloud disabled on day 108
    """)


def test_who_came_below_the_minimum_is_warned_anew_before_data_is_deleted() -> None:
    story = Story(policy="[minimum]\nEUR = 20000").until(1)
    story.bill(1, 9_000)
    story.until(95).pay(9_000).until(130)
    story.bill(130, 15_000)
    story.until(141)
    assert story.diary(80, only="warning lapse deletion") == table("""
        day 90 09:00  warning 60: delete cloud on day 120
        day 95 12:00  warnings of delete cloud lapse
        day 131 09:00  reminder 0; warning 89: delete cloud on day 138
        day 139 00:00  deletion of cloud scheduled
        day 140 00:00  deletion of cloud ordered
    """)


def test_a_rest_within_the_tolerance_is_not_past_due_and_joins_the_next_settlement() -> None:
    story = Story(policy="[tolerance]\nEUR = 100").until(5).pay(11_950)
    assert story.diary(5) == table("""
        day 5 12:00  paid 11950 EUR
        day 5 12:00  within tolerance I1
        day 5 12:00  resumed cloud: past_due -> active
        day 5 12:00  case settled
    """)
    assert [d.open_minor for d in story.until(60).account.debts] == [50]
    story.bill(69)
    story.until(80).pay(12_050, (2, 1))
    assert story.account.debts == ()
    assert story.account.credit == {}


@pytest.mark.parametrize(("paid", "state"), [(11_900, State.ACTIVE), (11_899, State.PAST_DUE)])
def test_the_tolerance_itself_is_within_it_and_one_cent_more_is_past_due(paid: int, state: State) -> None:
    story = Story(policy="[tolerance]\nEUR = 100").until(5).pay(paid)
    assert story.sub().state is state


def test_without_a_tolerance_one_cent_is_past_due() -> None:
    story = Story(bill=False)
    story.bill(-1, 1)
    assert story.until(0, "00:00").diary() == ["day 0 00:00 past due I1"]


def test_sums_are_counted_per_currency() -> None:
    story = Story(policy="[minimum]\nEUR = 20000\nUSD = 20000").until(-1)
    story.bill(-1, 19_000, currency="USD")
    story.until(60)
    assert story.sub().state is State.PAST_DUE, "nothing is added up over currencies"
    assert story.day_0 + timedelta(days=60) == story.date(60)
    assert not story.diary(only="warning")
