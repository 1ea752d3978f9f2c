"""Where the policy says so, an open invoice is announced some days before its due date: once, and while it is so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.stories.paying import Paying
from tests.stories.story import STAFF, Story, table

from arrears.cli.explain import explanation
from arrears.core import facts as f
from arrears.core.account import DoubtKind, HoldScope, Mode, Stop
from arrears.engine.commands import corrections
from arrears.engine.run import run
from arrears.sandbox.run import Running
from arrears.wiring import texts

THREE_DAYS = "[remind]\nbefore_due_days = 3"


def billed(due: int = 20, *, mode: Mode = Mode.INVOICE) -> Story:
    story = Story(policy=THREE_DAYS, bill=False, mode=mode)
    story.bill(due)
    return story


def messages_of(story: Story) -> Iterator[tuple[int, str]]:
    """On which day of the story which message said so."""
    return ((story.day(m.at.date()), m.text) for m in story.mail.taken if m.subject == "due soon")


def test_an_invoice_is_announced_once_three_days_before_it_is_due_and_reminded_of_after() -> None:
    story = billed().until(22)
    assert story.diary(only="soon reminder") == table("""
        day 17 09:00  due soon: I1 on day 20
        day 21 09:00  reminder 0
    """)
    [(day, text)] = messages_of(story)
    assert day == 17
    assert "I1-1" in text
    assert [len(notice.each(f.Announcement)) for _, notice in story.facts(f.Noticed)] == [1, 0]


def test_what_is_paid_before_is_not_announced() -> None:
    story = billed().until(16).pay()
    assert story.until(25).diary(only="soon") == []


def test_what_is_paid_before_the_message_is_written_is_left_out_of_it() -> None:
    story = billed()
    story.bill(20, 1_000)
    story.until(16)
    story.stage.now = story.instant(17, "09:00")
    run(story.store, story.now)
    story.pay()
    [(_, text)] = messages_of(story)
    assert "I1-2" in text
    assert "I1-1" not in text


def test_two_invoices_of_one_day_are_one_message_and_another_day_has_its_own() -> None:
    story = billed()
    story.bill(20, 1_000)
    story.bill(21, 1_000)
    assert story.until(20).diary(only="soon") == table("""
        day 17 09:00  due soon: I1 on day 20; due soon: I2 on day 20
        day 18 09:00  due soon: I3 on day 21
    """)
    assert [day for day, _ in messages_of(story)] == [17, 18]


def test_an_invoice_whose_due_date_has_moved_is_announced_for_its_new_one() -> None:
    story = billed().until(18)
    corrections.move_due(story.store, "I1-1", story.date(30), story.now, STAFF, "asked")
    assert story.until(35).diary(only="soon") == table("""
        day 17 09:00  due soon: I1 on day 20
        day 27 09:00  due soon: I1 on day 30
    """)
    story = billed().until(18)
    corrections.move_due(story.store, "I1-1", story.date(21), story.now, STAFF, "asked")
    assert story.until(21).diary(only="soon")[1:] == ["day 18 12:00 due soon: I1 on day 21"]


def test_one_that_is_issued_later_or_a_morning_without_a_run_is_made_up_for_while_the_date_is_ahead() -> None:
    story = Story(policy=THREE_DAYS, bill=False, mode=Mode.INVOICE).until(18)
    story.bill(20)
    story.bill(18)
    assert story.run().diary(only="soon") == ["day 18 12:00 due soon: I1 on day 20"]
    story = billed().until(16).down_until(18).run()
    assert story.diary(only="soon") == ["day 18 12:00 due soon: I1 on day 20"]
    story = billed().until(16).down_until(20).run()
    assert story.diary(only="soon") == []


def test_a_hold_on_reminding_moves_it_and_one_up_to_the_due_date_drops_it() -> None:
    story = billed().until(15)
    story.hold(17, stops=[Stop.REMIND])
    assert story.until(20).diary(only="soon") == ["day 18 09:00 due soon: I1 on day 20"]
    story = billed().until(15)
    story.hold(19, scope=HoldScope.SUBSCRIPTION, target=1)
    assert story.until(20).diary(only="soon") == []
    story = billed().until(15)
    story.dispute()
    assert story.until(25).diary(only="soon") == []


def test_nothing_is_announced_while_a_payment_is_in_doubt() -> None:
    story = billed().until(16)
    story.doubt(DoubtKind.BANK_CREDIT)
    assert story.until(17).diary(only="soon") == []
    story.clear(DoubtKind.BANK_CREDIT)
    assert story.run().diary(only="soon") == ["day 17 12:00 due soon: I1 on day 20"]


def announced_with(story: Story) -> str:
    """The one announcement, in the words that are sent in English."""
    story.stage.context = replace(story.stage.context, writer=texts())
    [text] = [m.text for m in story.until(17).mail.taken]
    return " ".join(text.split())


def test_who_pays_by_transfer_is_told_how_and_to_whom_it_is_collected_from_that_nothing_is_to_do(
    sandbox: Running,
) -> None:
    assert "Maak het bedrag over" in announced_with(billed())
    by_card = billed(mode=Mode.CARD)
    assert "geen betaalmethode ingesteld" in announced_with(by_card)
    story = Paying(sandbox, policy=THREE_DAYS, bill=False)
    story.card()
    story.bill(20)
    text = announced_with(story)
    assert "schrijven we € 120,00 af van card 1. U hoeft niets te doen." in text


def test_staff_see_ahead_of_time_which_invoice_will_be_announced() -> None:
    story = billed().until(10)
    first = explanation(story.store, story.no, story.now)["next"][0]
    assert (first["local"], first["words"]) == ("2026-01-19 09:00", "message, due soon: invoice I1-1, 22 January 2026")


def test_nothing_is_announced_unless_the_policy_says_so() -> None:
    story = Story(bill=False)
    story.bill(20)
    assert story.until(25).diary(only="soon") == []
