"""A policy may say never: nothing is disabled for debt, or no data is deleted. Then nothing threatens it either."""

from __future__ import annotations

from dataclasses import replace

from tests.stories.story import Story, policy_from, table

from arrears.cli.explain import explanation, sentences
from arrears.core import facts as f
from arrears.core.account import Action
from arrears.wiring import texts

NEVER_DISABLED = '[disable]\nafter_days = "never"'
NEVER_DELETED = '[delete]\nretention_days = "never"'


def mails(story: Story, until: int) -> list[str]:
    """Everything that is sent until a day, in the words of each language."""
    story.stage.context = replace(story.stage.context, writer=texts())
    return [" ".join(m.text.split()) for m in story.until(until).mail.taken]


def explained(story: Story) -> str:
    return "\n".join(sentences(explanation(story.store, 1, story.now)))


def test_what_is_never_disabled_is_reminded_of_and_nothing_more() -> None:
    story = Story(policy=NEVER_DISABLED).until(900)
    assert story.diary(only="reminder warning disabled deleted") == table("""
        day 0 09:00  reminder 0
        day 3 09:00  reminder 3
        day 7 09:00  reminder 7
        day 14 09:00  reminder 14
    """)
    assert story.sub().state == "past_due"
    assert "what follows: reminders alone: its policy never disables for debt" in explained(story)


def test_what_is_restricted_and_never_disabled_stays_restricted() -> None:
    restricted = f"[restrict]\nafter_days = 8\nwarning_days = [1]\n{NEVER_DISABLED}"
    story = Story(policy=restricted).until(900)
    assert story.diary(only="warning restricted disabled deleted") == table("""
        day 1 09:00  warning 1: restrict cloud on day 8
        day 9 00:00  restricted cloud on day 8
        day 9 09:00  told: cloud restricted on day 8
    """)
    assert story.announced(Action.DISABLE) is None
    assert "a person decides what follows" in explained(story)


def test_what_is_canceled_under_it_is_deleted_when_it_has_been_kept_and_past_due_for_its_whole_retention() -> None:
    story = Story(policy=NEVER_DISABLED).until(10).cancel().until(200)
    [(_, ordered)] = story.facts(f.DeletionScheduled)
    assert story.day(ordered.on) == 100


def test_what_is_never_deleted_is_disabled_and_kept_and_nobody_is_warned_of_its_deletion() -> None:
    story = Story(policy=NEVER_DELETED).until(900)
    assert story.diary(only="warning disabled deletion") == table("""
        day 21 09:00  warning 21: disable cloud on day 30
        day 28 09:00  warning 28: disable cloud on day 30
        day 31 00:00  disabled cloud on day 30
        day 31 09:00  told: cloud disabled on day 30
    """)
    assert not story.facts(f.DeletionScheduled)
    assert story.announced(Action.DELETE) is None
    assert "no deletion: its policy says that data is never deleted" in explained(story)


def test_what_is_canceled_under_it_is_kept_too() -> None:
    story = Story(policy=NEVER_DELETED).pay().cancel().until(900)
    assert not story.facts(f.DeletionScheduled)
    assert "never deleted" in explained(story)


def test_a_running_case_keeps_the_policy_under_which_nothing_stops() -> None:
    story = Story(policy=NEVER_DISABLED).until(5)
    story.store.adopt(policy_from(""), story.now, "staff:1")
    assert story.until(200).sub().state == "past_due"


def test_no_mail_threatens_what_never_happens() -> None:
    sent = mails(Story(policy=NEVER_DISABLED), 900)
    assert len(sent) == 4
    assert all("Dit heeft geen gevolgen voor uw diensten." in text for text in sent)
    assert not any("stopt, laten wij u weten" in text for text in sent)


def test_no_mail_about_a_stop_threatens_a_deletion_that_never_comes() -> None:
    sent = mails(Story(policy=NEVER_DELETED), 900)
    stops = [text for text in sent if "Gestopt betekent" in text]
    assert len(stops) == 3
    assert all("Ze worden hierdoor niet verwijderd." in text for text in stops)
    assert not any("verwijderd, laten wij u weten" in text for text in sent)
