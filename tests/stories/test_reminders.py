"""Every debt is heard of on its day 0; the later reminders follow the oldest that is not held (spec, section 3)."""

from __future__ import annotations

from tests.stories.story import STAFF, Story, table

from arrears.core import facts as f
from arrears.core.facts import decode_fact, encode_fact
from arrears.engine.commands import corrections

ONLY = "reminder"


def test_a_debt_that_goes_past_due_in_an_open_case_gets_its_own_first_reminder() -> None:
    story = Story(services=("cloud", "mail"), bill=False)
    story.bill(-1, 10_000)
    story.bill(15, 7_000, subscriptions=(2,))
    assert story.until(50).diary(only=ONLY) == table("""
        day  0 09:00  reminder 0
        day  3 09:00  reminder 3
        day  7 09:00  reminder 7
        day 14 09:00  reminder 14
        day 16 09:00  reminder 0
    """)
    mail = [m for m in story.mail.taken if story.day(m.at.date()) == 16]
    assert len(mail) == 1
    assert "I1-2" in mail[0].text


def test_while_the_oldest_is_disputed_the_next_one_is_reminded_of_by_its_own_day_0() -> None:
    story = Story().until(16)
    story.dispute(1)
    story.bill(39, 5_000)
    assert story.until(75).diary(17, only=ONLY) == table("""
        day 40 09:00  reminder 0
        day 43 09:00  reminder 3
        day 47 09:00  reminder 7
        day 54 09:00  reminder 14
    """)


def test_several_debts_on_one_day_are_one_message_that_says_what_it_is_for() -> None:
    story = Story()
    story.bill(2, 5_000)
    story.bill(2, 6_000)
    story.until(4)
    assert story.diary(3, only=ONLY) == ["day 3 09:00 reminder 3"]
    [noticed] = story.facts(f.Noticed)[-1][1].each(f.Reminder)
    assert [(part.debt, part.step) for part in noticed.debts] == [(1, 3), (2, 0), (3, 0)]
    assert len([m for m in story.mail.taken if story.day(m.at.date()) == 3]) == 1


def test_a_decline_in_an_open_case_is_told_at_once_and_once() -> None:
    story = Story().until(5)
    story.bill(9)
    story.until(8, "15:00").decline(2)
    assert story.until(10).diary(8, only=ONLY) == ["day 8 15:00 reminder 0"]
    assert len([m for m in story.mail.taken if story.day(m.at.date()) in (8, 9)]) == 1


def test_when_the_oldest_is_paid_the_next_one_goes_on_where_its_own_days_are() -> None:
    story = Story()
    story.bill(9)
    story.until(11).pay(12_000, (1,))
    assert story.until(40).diary(10, only=ONLY) == table("""
        day 10 09:00  reminder 0
        day 13 09:00  reminder 3
        day 17 09:00  reminder 7
        day 24 09:00  reminder 14
    """)


def test_a_debt_whose_money_went_back_is_reminded_of_anew_in_the_same_case() -> None:
    story = Story()
    story.bill(9)
    story.until(11).pay(12_000, (1,)).until(12)
    story.reopen()
    story.until(30)
    reminders = [r for _, fact in story.facts(f.Noticed) for r in fact.each(f.Reminder)]
    reminded = [part for reminder in reminders for part in reminder.debts if part.debt == 1]
    assert [(p.step, bool(p.reopened)) for p in reminded][-1:] == [(0, True)]
    story.check()


def test_a_journal_that_names_no_debts_is_read_as_reminders_of_all_that_was_past_due() -> None:
    story = Story().until(4)
    told = [r for r in story.history() if isinstance(r.fact, f.Noticed)]
    old = f.Noticed(on=story.date(3), parts=(f.Reminder(1, 3),))
    assert decode_fact('{"kind":"noticed","on":"2026-01-05","reminder":{"case":1,"step":3}}') == old
    assert decode_fact(encode_fact(told[-1].fact)) == told[-1].fact
    assert [d.reminded for d in story.account.debts] == [(0, 3)]


def test_a_debt_whose_due_date_moved_is_reminded_of_anew_while_another_keeps_the_case_open() -> None:
    story = Story()
    story.bill(2)
    story.until(5)
    corrections.move_due(story.store, "I1-1", story.date(9), story.now, STAFF, "agreed")
    story.until(14)
    reminders = [r for _, fact in story.facts(f.Noticed) for r in fact.each(f.Reminder)]
    reminded = [part for reminder in reminders for part in reminder.debts if part.debt == 1]
    assert [(part.step, bool(part.reopened)) for part in reminded] == [(0, False), (3, False), (0, True)]
    story.check()
