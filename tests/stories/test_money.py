"""Paying, in whole, in part, too much and back again, and what it lifts (spec, sections 3, 4 and 9)."""

from __future__ import annotations

import pytest
from tests.stories.story import Story, table

from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.core.states import Reason, State


def test_paying_brings_the_service_back_in_the_same_transaction() -> None:
    story = Story().until(41).pay()
    assert story.diary(41) == table("""
        day 41 12:00  paid 12000 EUR
        day 41 12:00  resumed cloud: disabled -> active
        day 41 12:00  case settled
    """)
    assert [c for _, _, c in story.hands.commands] == ["disable", "resume"]
    assert [message.subject for message in story.mail.taken[-3:]] == ["stopped", "settled", "resumed"]
    assert story.sub().end is None


def test_a_later_disablement_is_a_new_generation_with_a_fresh_retention() -> None:
    story = Story().until(100).pay()
    story.bill(109)
    story.until(150)
    assert story.diary(109, dates=True, only="promised disabled stopped") == table("""
        day 110 00:00  promised: disable cloud on day 140
        day 141 00:00  disabled cloud on day 140
        day 141 00:00  cloud stopped; retention from day 140
        day 141 00:00  promised: delete cloud on day 230
        day 141 09:00  told: cloud disabled on day 140
    """)
    assert story.sub().generation == 2


def test_a_part_payment_reduces_the_debt_and_the_case_ends_at_none() -> None:
    story = Story().until(10).pay(5_000).until(25).pay(5_000)
    assert story.account.debts[0].open_minor == 2_000
    assert story.until(31).diary(31, only="disabled") == table("""
        day 31 00:00  disabled cloud on day 30
        day 31 09:00  told: cloud disabled on day 30
    """)
    assert story.until(32).pay(2_000).diary(32) == table("""
        day 32 12:00  paid 2000 EUR
        day 32 12:00  resumed cloud: disabled -> active
        day 32 12:00  case settled
    """)


def test_paying_the_oldest_debt_leaves_the_clock_of_the_next() -> None:
    story = Story()
    story.bill(9)
    story.until(25).pay().until(42)
    assert story.diary(25, dates=True) == table("""
        day 25 12:00  paid 12000 EUR
        day 25 12:00  promised: disable cloud on day 40
        day 31 09:00  warning 21: disable cloud on day 40
        day 38 09:00  warning 28: disable cloud on day 40
        day 41 00:00  disabled cloud on day 40
        day 41 00:00  cloud stopped; retention from day 40
        day 41 00:00  promised: delete cloud on day 130
        day 41 09:00  told: cloud disabled on day 40
    """)


def test_credit_of_the_account_covers_an_invoice_when_it_is_issued() -> None:
    story = Story(bill=False).pay(10_000, ())
    story.bill(-1)
    story.until(-1).pay(2_000).until(60)
    assert story.diary() == table("""
        day -1 12:00  paid 2000 EUR
    """)
    assert story.diary(since=-2) == table("""
        day -2 00:00  paid 10000 EUR (10000 credit)
        day -2 00:00  credit on I1
        day -1 12:00  paid 2000 EUR
    """)


def test_money_that_names_nothing_goes_to_the_oldest_due_date_first() -> None:
    story = Story(bill=False)
    story.bill(20, 5_000)
    story.bill(-1, 5_000)
    story.until(5).pay(7_000, ())
    assert [(d.no, d.open_minor) for d in story.account.debts] == [(1, 3_000)]
    assert story.diary(5) == table("""
        day 5 12:00  paid 7000 EUR (7000 credit)
        day 5 12:00  credit on I2, I1
        day 5 12:00  resumed cloud: past_due -> active
        day 5 12:00  case settled
    """)


def test_a_payment_that_names_an_invoice_is_booked_on_it_first() -> None:
    story = Story(bill=False)
    story.bill(-1, 5_000)
    story.bill(20, 5_000)
    story.until(5).pay(6_000, (2,))
    assert [(d.no, d.open_minor) for d in story.account.debts] == [(1, 4_000)]
    assert story.sub().state is State.PAST_DUE


def test_what_is_paid_too_much_becomes_credit_of_its_currency() -> None:
    story = Story().until(5).pay(15_000)
    assert story.account.credit == {"EUR": 3_000}
    story.bill(20, 2_000, currency="USD")
    assert story.account.credit == {"EUR": 3_000}
    story.bill(20, 2_500)
    assert story.account.credit == {"EUR": 500}
    assert [d.currency for d in story.account.debts] == ["USD"]
    story.check()


def test_a_debt_that_reopens_covered_by_credit_is_never_past_due() -> None:
    story = Story().until(-1).pay().pay(12_000, ()).until(5).reopen().until(60)
    assert story.diary(5) == table("""
        day 5 12:00  reopened I1
        day 5 12:00  credit on I1
    """)


def test_a_debt_that_reopens_starts_its_own_ladder_on_that_day() -> None:
    story = Story().until(5).pay().until(40).reopen().until(72)
    assert story.diary(40, dates=True, only="reopened past promised reminder disabled") == table("""
        day 40 12:00  reopened I1
        day 40 12:00  past due I1 from day 40
        day 40 12:00  promised: disable cloud on day 70
        day 40 12:00  reminder 0
        day 43 09:00  reminder 3
        day 47 09:00  reminder 7
        day 54 09:00  reminder 14
        day 71 00:00  disabled cloud on day 70
        day 71 00:00  promised: delete cloud on day 160
        day 71 09:00  told: cloud disabled on day 70
    """)
    assert story.account.case_count == 2


def test_a_debt_that_reopens_joins_the_open_case() -> None:
    story = Story()
    story.bill(-1)
    story.until(5).pay().until(10).reopen().until(12)
    assert story.account.case_count == 1
    assert sorted(d.day_0 for d in story.account.debts if d.day_0) == [story.date(0), story.date(10)]


def test_more_than_an_invoice_asked_cannot_reopen() -> None:
    with pytest.raises(Refused, match="more would be open"):
        Story().until(5).pay().reopen(minor=12_001)


def test_a_decline_in_a_running_case_counts_in_its_own_zone() -> None:
    story = Story(zone="Pacific/Kiritimati")
    story.bill(20)
    story.until(3).move("Pacific/Niue").decline(2)
    assert story.diary(3, only="past") == table("day 3 12:00 past due I2 from day 3")


# -- writing off ---------------------------------------------------------------------------------------------------


def test_a_write_off_ends_the_case_written_off_and_lifts_the_cause() -> None:
    story = Story().until(40).write_off()
    assert story.diary(40) == table("""
        day 40 12:00  written off I1
        day 40 12:00  resumed cloud: disabled -> active
        day 40 12:00  case written_off
    """)


def test_a_case_that_is_paid_after_a_write_off_ends_settled() -> None:
    story = Story()
    story.bill(-1)
    story.until(10).write_off(1).until(12).pay(12_000, (2,))
    assert story.diary(12)[-1] == "day 12 12:00 case settled"


# -- disputes ------------------------------------------------------------------------------------------------------


def test_paying_the_rest_brings_the_service_back_although_a_disputed_debt_stays() -> None:
    story = Story()
    story.bill(-1)
    story.until(40)
    hold = story.dispute(1)
    assert story.sub().state is State.DISABLED, "a dispute alone brings nothing back"
    story.pay(12_000, (2,))
    assert story.diary(40) == table("""
        day 40 12:00  hold 1 placed
        day 40 12:00  paid 12000 EUR
        day 40 12:00  resumed cloud: disabled -> past_due
    """)
    assert (story.sub().reasons, story.account.case is not None) == ((Reason.PAST_DUE,), True)
    story.until(300)
    assert story.diary(41) == [], "nothing is demanded, nothing is cut"
    story.release(hold).until(345)
    assert story.diary(300, only="hold warning disabled") == table("""
        day 300 12:00  hold 1 ended
        day 300 12:00  warning 28: disable cloud on day 329
        day 330 00:00  disabled cloud on day 329
        day 330 09:00  told: cloud disabled on day 329
    """)


def test_a_disputed_debt_is_out_of_what_is_demanded_and_takes_no_credit() -> None:
    story = Story()
    story.bill(-1)
    story.until(-1)
    story.dispute(1)
    story.until(5).pay(3_000, ())
    assert [(d.no, d.open_minor) for d in story.account.debts] == [(1, 12_000), (2, 9_000)]
    message = story.mail.taken[-1].text
    assert "I1-1" not in message
    assert "I1-2" in message


def test_a_payment_that_names_a_disputed_debt_is_booked_on_it() -> None:
    story = Story().until(5)
    story.dispute(1)
    assert story.pay().diary(5) == table("""
        day 5 12:00  hold 1 placed
        day 5 12:00  paid 12000 EUR
        day 5 12:00  resumed cloud: past_due -> active
        day 5 12:00  case settled
    """)


def test_a_dispute_won_for_the_operator_goes_on_where_it_stopped() -> None:
    story = Story().until(10)
    hold = story.dispute()
    story.until(20).release(hold).until(41)
    assert story.diary(10, dates=True) == table("""
        day 10 12:00  hold 1 placed
        day 20 12:00  hold 1 ended
        day 20 12:00  promised: disable cloud on day 39
        day 23 09:00  reminder 14
        day 30 09:00  warning 21: disable cloud on day 39
        day 37 09:00  warning 28: disable cloud on day 39
        day 40 00:00  disabled cloud on day 39
        day 40 00:00  cloud stopped; retention from day 39
        day 40 00:00  promised: delete cloud on day 129
        day 40 09:00  told: cloud disabled on day 39
    """)


def test_one_disputed_debt_does_not_shield_another() -> None:
    story = Story()
    story.bill(-1)
    story.until(10)
    story.dispute(1)
    assert story.until(31).diary(28) == table("""
        day 28 09:00  warning 28: disable cloud on day 30
        day 31 00:00  disabled cloud on day 30
        day 31 00:00  cloud stopped; retention from day 30
        day 31 09:00  told: cloud disabled on day 30
    """)


# -- too late ------------------------------------------------------------------------------------------------------


def test_money_after_the_deletion_settles_the_debt_and_nothing_comes_back() -> None:
    story = Story().until(130).pay()
    assert story.account.debts == ()
    assert story.sub().state is State.DELETED
    assert story.diary(123) == ["day 130 12:00 paid 12000 EUR"]
    assert [c for _, _, c in story.hands.commands] == ["disable", "delete"]
    assert story.until(500).diary(131) == []


def test_money_after_the_order_and_before_its_confirmation_brings_nothing_back() -> None:
    story = Story().until(121)
    story.hands.busy = True
    story.until(123).pay()
    story.hands.busy = False
    story.until(126)
    assert story.diary(122) == table("""
        day 122 00:00  deletion of cloud ordered
        day 123 12:00  paid 12000 EUR
        day 123 12:00  case settled
        day 124 00:00  cloud deleted
        day 124 09:00  told: cloud deleted on day 124
    """)
    assert story.sub().state is State.DELETED


def test_what_was_deleted_is_no_longer_pursued_but_stays_owed() -> None:
    story = Story().until(200)
    [debt] = story.account.debts
    assert (debt.open_minor, debt.ended) == (12_000, True)
    assert story.account.case is None
    assert [r.fact.outcome.value for r in story.history() if isinstance(r.fact, f.CaseEnded)] == ["ended_deleted"]
