"""Whose clock says what was read at the provider: clocks that differ, jump, or say nothing, told by day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.stories.paying import Paying
from tests.stories.story import PRICE, STAFF
from tests.stories.test_money_faults import gone

from arrears.core import facts as f
from arrears.core.payments.provider_time import ProviderTime
from arrears.core.payments.values import RefundState
from arrears.core.states import State
from arrears.engine.payments import refunds
from arrears.engine.payments.reconciliation import check
from arrears.engine.payments.sweep import sweep_if_due
from arrears.engine.run import run
from arrears.sandbox.run import Running

HOUR = 3600
ABSURD = ["Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 2100 23:59:59 GMT", "yesterday"]


def paid(sandbox: Running, seconds: int = 0, date: str | None = "own") -> Paying:
    """An account that has paid everything, at a provider whose clock is so far ahead of ours."""
    sandbox.control("clock", offset=seconds, date=date)
    story = Paying(sandbox)
    story.until(1)
    assert story.settle(story.add()) == ["paid"]
    return story.sweep()


def disputed(story: Paying) -> str:
    """The payer has the last payment taken back."""
    return str(story.control("dispute", intent=story.attempts()[-1].ref)["id"])


def books_agree(story: Paying) -> bool:
    """Whether our ledger has what the provider has."""
    since = story.instant(-40)
    return check(story.store, story.stripe, since, story.now + timedelta(days=40)).holds


@pytest.mark.sample(5)
@pytest.mark.parametrize("seconds", [-30 * 24 * HOUR, -2 * HOUR, -301, 0, 301, 2 * HOUR, 30 * 24 * HOUR])
@pytest.mark.parametrize("hours_between", [1, 5])
def test_a_chargeback_is_seen_whatever_our_clock_says(sandbox: Running, seconds: int, hours_between: int) -> None:
    story = paid(sandbox, seconds)
    story.until(2).sweep()
    disputed(story)
    for hour in range(12 + hours_between, 24, hours_between):
        story.until(2, f"{hour}:00").sweep()
    assert [d.open_minor for d in story.account.debts] == [PRICE], "it is owed again"
    assert books_agree(story)
    assert len(story.facts(f.Refunded)) + len(story.facts(f.DebtReopened)) <= 2, "and it left once"


@pytest.mark.parametrize("date", [None, *ABSURD])
def test_a_chargeback_is_seen_where_the_provider_does_not_say_the_time(sandbox: Running, date: str | None) -> None:
    story = paid(sandbox, -2 * HOUR, date)
    story.until(2).sweep()
    disputed(story)
    for hour in (13, 18, 23):
        story.until(2, f"{hour}:00").sweep()
    assert [d.open_minor for d in story.account.debts] == [PRICE]
    assert books_agree(story)


@pytest.mark.parametrize("jump", [-26, -2, 2, 25])
def test_our_clock_may_jump_between_two_sweeps(sandbox: Running, jump: int) -> None:
    story = paid(sandbox)
    story.until(3).sweep()
    sandbox.control("clock", offset=-jump * HOUR)
    story.stage.now += timedelta(hours=jump)
    story.sweep()
    disputed(story)
    story.stage.now += timedelta(minutes=2)
    sweep_if_due(story.store, story.providers, story.now)
    assert [d.open_minor for d in story.account.debts] == [PRICE]


def test_what_is_listed_late_under_an_earlier_time_is_seen(sandbox: Running) -> None:
    story = paid(sandbox, -2 * HOUR)
    story.control("clock", late=50 * 60)
    story.until(2).sweep()
    disputed(story)
    sandbox.control("lists", most=1)
    story.until(2, "12:30").sweep()
    for hour in (13, 14):
        story.until(2, f"{hour}:00").sweep()
    assert [d.open_minor for d in story.account.debts] == [PRICE]


@pytest.mark.parametrize("most", [1, 3])
def test_a_second_with_more_events_than_a_page_holds_is_read_whole(sandbox: Running, most: int) -> None:
    story = Paying(sandbox, accounts=4, bill=False)
    for number in story.numbers:
        story.bill(-1, account=number)
    story.until(1)
    for number in story.numbers:
        story.no = number
        assert story.settle(story.add()) == ["paid"]
    sandbox.control("lists", most=most)
    story.sweep().until(9).sweep()
    for number in story.numbers:
        story.no = number
        disputed(story)
    story.sweep()
    assert [len(story.account_of(number).past_due) for number in story.numbers] == [1] * 4


def test_the_first_sweep_of_an_old_account_reads_what_it_still_tells_of(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.until(1)
    story.settle(story.add())
    sandbox.control("clock", offset=-400 * 24 * HOUR)
    disputed(story)
    story.until(2).sweep()
    assert [d.open_minor for d in story.account.debts] == [PRICE]


@pytest.mark.parametrize("seconds", [-299, 299])
def test_clocks_that_differ_by_less_than_five_minutes_are_no_doubt(sandbox: Running, seconds: int) -> None:
    sandbox.control("clock", offset=seconds)
    story = Paying(sandbox)
    for day in range(31):
        story.until(day).sweep()
    story.until(32).sweep()
    assert (story.sub().state, story.tasks().count("clock_differs")) == (State.DISABLED, 0)


@pytest.mark.sample(2)
@pytest.mark.parametrize("seconds", [-2 * HOUR, -300, 300, 2 * HOUR])
def test_nobody_is_cut_off_by_a_clock_that_differs_and_it_ends_by_itself(sandbox: Running, seconds: int) -> None:
    story = Paying(sandbox)
    story.until(25).sweep()
    mails = len(story.mail.taken)
    sandbox.control("clock", offset=seconds)
    story.sweep()
    for day in range(26, 36):
        story.until(day).sweep()
    assert story.sub().state is State.PAST_DUE
    assert story.tasks().count("clock_differs") == 1
    [said] = [task.what for task in story.inner.tasks.values() if task.kind == "clock_differs"]
    assert ("behind" if seconds > 0 else "ahead of") in said
    assert "set it right" in said
    assert len(story.mail.taken) > mails, "warnings go out"
    sandbox.control("clock", offset=0)
    story.sweep()
    assert (story.store.system().clock_differs, story.tasks().count("clock_differs")) == (False, 0)
    story.until(36)
    assert story.sub().state is State.PAST_DUE, "the doubt voided its warnings"
    story.until(50)
    assert story.sub().state is State.DISABLED
    story.check()


def test_settling_goes_on_while_the_clocks_differ(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.until(40).sweep()
    assert story.sub().state is State.DISABLED
    sandbox.control("clock", offset=-2 * HOUR)
    story.sweep()
    assert story.store.system().clock_differs
    assert story.settle(story.add()) == ["paid"]
    assert story.sub().state is State.ACTIVE
    story.check()


def test_a_clock_that_jumps_over_a_deadline_cuts_nobody_off(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.until(30, "12:00").sweep()
    sandbox.control("clock", offset=-20 * HOUR)
    story.stage.now += timedelta(hours=20)
    sweep_if_due(story.store, story.providers, story.now)
    run(story.store, story.now)
    assert story.sub().state is State.PAST_DUE


def test_the_doubt_stands_while_the_provider_cannot_be_asked(sandbox: Running) -> None:
    story = paid(sandbox, 2 * HOUR)
    assert story.store.system().clock_differs
    working, story.providers = story.providers, gone(sandbox)
    story.until(2).sweep()
    assert story.store.system().clock_differs
    story.providers = working
    sandbox.control("clock", offset=0)
    story.sweep()
    assert not story.store.system().clock_differs


def test_each_sweep_reads_the_hour_before_its_cursor_again() -> None:
    at = datetime(2026, 1, 5, 12, tzinfo=UTC)
    assert ProviderTime(at, at).start(at - timedelta(hours=3), at) == at - timedelta(hours=4)


def test_a_refund_that_was_asked_for_while_our_clock_was_ahead_is_paid_out_once(sandbox: Running) -> None:
    story = paid(sandbox, -15 * HOUR)
    ref = f"stripe:{story.attempts()[-1].ref}"
    sandbox.control("faults", plan=[{"kind": "drop_after", "path": "refunds", "times": 1}])
    asked = refunds.refund(story.store, story.providers, ref, 5_000, story.now, STAFF, "kindness", "r1")
    assert asked.state is RefundState.UNKNOWN
    sandbox.control("clock", offset=0)
    story.stage.now += timedelta(hours=23)  # and the provider has forgotten the key
    asked = refunds.refund(story.store, story.providers, ref, 5_000, story.now, STAFF, "kindness", "r1")
    assert asked.state is RefundState.DONE
    assert [one.amount for one in sandbox.sandbox.book.refunds.values()] == [5_000]
