"""Paying by transfer: asked for and allowed, refused while something is open, limited; and a transfer that the customer
says is on its way is waited for, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from tests.stories.story import STAFF, Story, table

from arrears.core import facts as f
from arrears.core.account import DoubtKind, Mode
from arrears.core.errors import Refused
from arrears.core.people.support import About
from arrears.core.states import State
from arrears.engine.people import by_transfer

ADMIN = "person:1"


def today(story: Story) -> date:
    return story.date(story.day(story.now.date()))


def asks(story: Story) -> int:
    return by_transfer.ask_to_switch(
        story.store, story.no, "We are a company", story.now, ADMIN, person=1, locale="en"
    ).number


def allows(story: Story, answer: str = "From now on.", **limits: int) -> None:
    by_transfer.allow_invoices(story.store, story.no, limits, answer, story.now, STAFF, "checked at the register")


def refused(code: str, act: Callable[[], object]) -> None:
    with pytest.raises(Refused) as caught:
        act()
    assert caught.value.code == code


def test_scenario_26_switching_is_refused_while_debt_is_open() -> None:
    story = Story().until(5)
    refused("debt_is_open", lambda: asks(story))
    refused("debt_is_open", lambda: allows(story, EUR=500_000))
    assert story.account.mode is Mode.CARD
    story.check()


def test_staff_allow_what_the_administrator_asked_for_and_answer_it() -> None:
    story = Story(bill=False).until(1)
    number = asks(story)
    assert asks(story) == number, "it is asked once"
    assert [task.kind for task in story.inner.tasks.values()] == ["support_request"]
    refused("empty_text", lambda: allows(story, "  ", EUR=500_000))
    assert story.account.mode is Mode.CARD
    allows(story, EUR=500_000)
    assert (story.account.mode, story.account.credit_limits) == (Mode.INVOICE, {"EUR": 500_000})
    [request] = story.store.requests_of(story.no)
    assert (request.about, request.state) == (About.INVOICE_MODE, "answered")
    assert story.tasks() == []
    refused("in_invoice_mode", lambda: asks(story))
    story.check()


def test_scenario_2_an_invoice_in_invoice_mode_is_past_due_when_it_was_not_transferred() -> None:
    story = Story(mode=Mode.INVOICE).until(31, "08:00")
    assert story.diary() == table("""
        day 0 00:00 past due I1
        day 0 09:00 reminder 0
        day 3 09:00 reminder 3
        day 7 09:00 reminder 7
        day 14 09:00 reminder 14
        day 21 09:00 warning 21: disable cloud on day 30
        day 28 09:00 warning 28: disable cloud on day 30
        day 31 00:00 disabled cloud on day 30
        day 31 00:00 cloud stopped; retention from day 30
    """)


def test_more_than_the_limit_is_a_task_until_enough_is_paid_and_stops_nothing() -> None:
    story = Story(bill=False).until(0)
    allows(story, EUR=20_000)
    story.bill(30)
    assert not story.tasks().count("over_credit_limit")
    story.bill(30)
    over = [fact.over_limit_minor for _, fact in story.facts(f.InvoiceIssued)]
    assert (over, story.tasks().count("over_credit_limit")) == ([0, 4_000], 1)
    story.pay(5_000)
    assert story.tasks().count("over_credit_limit") == 0
    assert story.sub().state is State.ACTIVE
    story.check()


def test_a_transfer_on_its_way_is_waited_for_three_bank_days() -> None:
    """Said on a Friday, two days before the service stops: it waits until Wednesday is over."""
    story = Story(mode=Mode.INVOICE).until(28)
    until = by_transfer.say_sent(story.store, story.no, today(story), story.now, ADMIN)
    last = story.day(until)
    assert (today(story).weekday(), last) == (4, 33)
    story.until(last, "12:00")
    assert [doubt.kind for doubt in story.account.doubts] == [DoubtKind.TRANSFER]
    story.until(last + 1, "10:00")
    assert story.account.doubts == ()
    assert story.sub().state is State.PAST_DUE, "a new warning with its full lead comes first"
    story.until(last + 12)
    assert story.sub().state is State.DISABLED
    asked = [line for line in story.diary() if "notice" in line or "warn" in line or "remind" in line]
    assert not [line for line in asked if 28 < int(line.split()[1]) <= 33]
    story.check()


def test_it_is_waited_for_once_in_a_case_and_again_in_another() -> None:
    story = Story(mode=Mode.INVOICE).until(2, "12:00")
    say = lambda days=0: by_transfer.say_sent(  # noqa: E731
        story.store, story.no, today(story) - timedelta(days=days), story.now, ADMIN
    )
    refused("bad_transfer_day", lambda: say(-1))
    refused("bad_transfer_day", lambda: say(61))
    say(1)
    refused("said_before", say)
    story.until(12)
    refused("said_before", say)
    story.pay()
    refused("nothing_past_due", say)
    story.bill(20)
    story.until(25)
    say()
    story.check()


def test_money_that_comes_ends_the_wait_and_the_case() -> None:
    story = Story(mode=Mode.INVOICE).until(2, "12:00")
    by_transfer.say_sent(story.store, story.no, today(story), story.now, ADMIN)
    story.pay()
    assert (story.account.doubts, story.account.case) == ((), None)
    story.check()


def test_who_pays_by_card_has_no_transfer_on_its_way() -> None:
    story = Story().until(2)
    refused("not_by_transfer", lambda: by_transfer.say_sent(story.store, story.no, today(story), story.now, ADMIN))
