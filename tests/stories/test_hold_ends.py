"""Where the policy says so, the last day of a hold is announced some days ahead: once, and while it is so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.stories.story import STAFF, Story, table

from arrears.cli.explain import explanation
from arrears.core import facts as f
from arrears.core.account import HoldScope, Mode, Stop
from arrears.engine import commands
from arrears.engine.run import run
from arrears.wiring import texts

TWO_DAYS = "[remind]\nbefore_hold_ends_days = 2"


def held(last: int = 10, **how: object) -> Story:
    """An invoice that is past due since day 0, and from day 5 on hold until and including another day."""
    story = Story(policy=TWO_DAYS, mode=Mode.INVOICE).until(5)
    story.hold(last, **how)  # type: ignore[arg-type]
    return story


def messages_of(story: Story) -> Iterator[tuple[int, str]]:
    """On which day of the story which message said so."""
    return ((story.day(m.at.date()), m.text) for m in story.mail.taken if m.subject == "hold ends" and m.at is not None)


def test_the_end_of_a_hold_is_announced_once_two_days_ahead_and_reminders_go_on_after_it() -> None:
    story = held().until(15)
    assert story.diary(only="ends reminder")[2:] == table("""
        day  8 09:00  hold ends: hold 1 on day 10
        day 12 09:00  reminder 7
    """)
    [(day, text)] = messages_of(story)
    assert (day, "I1-1" in text) == (8, True)
    assert sum(len(notice.each(f.Announcement)) for _, notice in story.facts(f.Noticed)) == 1


def test_what_is_paid_or_released_before_is_not_announced() -> None:
    assert held().until(7).pay().until(15).diary(only="ends:") == []
    story = held().until(7)
    commands.release(story.store, story.no, 1, story.now, STAFF)
    assert story.until(15).diary(only="ends:") == []


def test_what_is_paid_before_the_message_is_written_is_left_out_of_it() -> None:
    story = held()
    story.until(7)
    story.stage.now = story.instant(8, "09:00")
    run(story.store, story.now)
    story.pay()
    assert list(messages_of(story)) == []


def test_two_holds_that_end_on_one_day_are_one_message() -> None:
    story = held(stops=[Stop.DELETE])
    story.hold(10, stops=[Stop.DISABLE])
    assert [day for day, _ in messages_of(story.until(10))] == [8]


def test_nothing_is_announced_of_a_hold_after_which_another_holds_the_same_for_longer() -> None:
    story = held()
    story.hold(20)
    assert [day for day, _ in messages_of(story.until(25))] == [18]
    story = held()
    story.dispute()
    assert story.until(25).diary(only="ends:") == []


def test_a_hold_on_reminding_keeps_the_announcement_of_another_back() -> None:
    """Its own end is said on day 6; that of the other, due on day 8, when it is over."""
    story = held(stops=[Stop.DELETE])
    story.hold(8, stops=[Stop.REMIND])
    assert [day for day, _ in messages_of(story.until(12))] == [6, 9]


def test_a_hold_that_keeps_nothing_back_is_not_announced() -> None:
    story = Story(policy=TWO_DAYS, bill=False, mode=Mode.INVOICE)
    story.bill(20)
    story.hold(10)
    assert story.until(12).diary(only="ends:") == []
    assert held(scope=HoldScope.SUBSCRIPTION, target=1).until(9).diary(only="ends:") != []


def test_a_customer_reads_until_when_it_is_on_hold_and_from_when_it_goes_on() -> None:
    story = held()
    story.stage.context = replace(story.stage.context, writer=texts())
    [text] = [" ".join(m.text.split()) for m in story.until(8).mail.taken if "uitgesteld" in m.text]
    assert "heeft uitstel tot en met" in text
    assert "Vanaf de dag erna gaat verder wat was uitgesteld." in text


def test_staff_see_ahead_of_time_which_hold_will_be_announced() -> None:
    story = held().until(6)
    assert any(
        one["words"].startswith("message, hold ends: hold 1, ")
        for one in explanation(story.store, story.no, story.now)["next"]
    )


def test_nothing_is_announced_unless_the_policy_says_so() -> None:
    story = Story(mode=Mode.INVOICE).until(5)
    story.hold(10)
    assert story.until(15).diary(only="ends:") == []
