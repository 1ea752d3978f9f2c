"""Where the policy says so, the deletion of data is announced once more some days ahead: once, and while it is so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.stories.story import Story, table

from arrears.cli.explain import explanation
from arrears.core import facts as f
from arrears.core.account import HoldScope, Mode, Stop
from arrears.core.errors import Refused
from arrears.core.policy import load_policy
from arrears.engine.run import run
from arrears.wiring import texts

TWO_DAYS = "[remind]\nbefore_delete_days = 2"


def owing(**how: object) -> Story:
    """An invoice that nobody pays: its service stops on day 30, and its data is deleted on day 120."""
    return Story(policy=TWO_DAYS, mode=Mode.INVOICE, **how)  # type: ignore[arg-type]


def messages_of(story: Story) -> Iterator[tuple[int, str]]:
    """On which day of the story which message said so."""
    return ((story.day(m.at.date()), m.text) for m in story.mail.taken if m.subject == "last call" and m.at is not None)


def test_the_deletion_is_announced_once_two_days_ahead_beside_its_warnings_and_not_again() -> None:
    story = owing().until(125)
    assert story.diary(112, only="call warning deleted") == table("""
        day 113 09:00  warning 83: delete cloud on day 120
        day 117 09:00  warning 87: delete cloud on day 120
        day 118 09:00  last call: cloud on day 120
        day 119 09:00  warning 89: delete cloud on day 120
        day 122 00:00  cloud deleted
        day 122 00:00  case ended_deleted
        day 122 09:00  told: cloud deleted on day 122
    """)
    assert [(day, "I1-1" in text) for day, text in messages_of(story)] == [(118, True)]
    assert sum(len(notice.each(f.Announcement)) for _, notice in story.facts(f.Noticed)) == 1


def test_what_is_paid_before_is_not_announced() -> None:
    assert owing().until(117).pay().until(125).diary(only="call") == []


def test_what_is_paid_before_the_message_is_written_is_left_out_of_it() -> None:
    story = owing().until(117)
    story.stage.now = story.instant(118, "09:00")
    run(story.store, story.now)
    story.pay()
    assert list(messages_of(story)) == []


def test_a_date_that_has_moved_is_announced_anew() -> None:
    story = owing().until(118)
    story.hold(122, stops=[Stop.DELETE])
    assert story.until(140).diary(117, only="call") == table("""
        day 118 09:00  last call: cloud on day 120
        day 128 09:00  last call: cloud on day 130
    """)
    assert [day for day, _ in messages_of(story)] == [118, 128]


def test_a_message_that_leaves_on_its_day_or_later_says_nothing() -> None:
    story = owing().until(117)
    story.stage.now = story.instant(118, "09:00")
    run(story.store, story.now)
    story.stage.now = story.instant(120, "09:00")
    story.run()
    assert list(messages_of(story)) == []


def test_a_held_invoice_is_not_asked_for() -> None:
    story = owing().until(110)
    story.hold(130, stops=[Stop.REMIND], scope=HoldScope.DEBT, target=1)
    assert story.until(125).diary(only="call") == []


def test_what_is_deleted_whatever_is_paid_is_not_announced() -> None:
    story = owing().until(5)
    story.cancel()
    assert story.until(125).diary(95, only="call warning deletion") == table("""
        day 121 00:00  deletion of cloud scheduled
        day 122 00:00  deletion of cloud ordered
    """)


def test_a_policy_announces_no_deletion_that_never_comes_and_none_on_the_morning_of_a_warning() -> None:
    for line, why in (("retention_days = 90", "that is day 89"), ('retention_days = "never"', "never comes")):
        with pytest.raises(Refused, match=f"remind.before_delete_days: is 1.*{why}"):
            load_policy(f'name = "mine"\n[remind]\nbefore_delete_days = 1\n[delete]\n{line}\n', where="mine.toml")


def test_a_customer_reads_in_how_many_days_and_what_is_to_be_paid() -> None:
    story = owing()
    story.until(117).stage.context = replace(story.stage.context, writer=texts())
    taken = len(story.mail.taken)
    [text] = [" ".join(m.text.split()) for m in story.until(118).mail.taken[taken:]]
    assert "worden over 2 dagen, op 2 mei 2026, of later verwijderd, tenzij € 120,00 vóór die dag betaald is." in text


def test_staff_see_ahead_of_time_what_will_be_announced() -> None:
    story = owing().until(117)
    assert any(
        one["words"].startswith("message, last call: cloud, ")
        for one in explanation(story.store, story.no, story.now)["next"]
    )


def test_nothing_is_announced_unless_the_policy_says_so() -> None:
    assert Story().until(125).diary(only="call") == []
