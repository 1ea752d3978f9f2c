"""`arrears explain` names the day that everything else names, or says why there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.stories.story import Story

from arrears.cli.explain import explanation, sentences
from arrears.core.account import DoubtKind
from arrears.core.states import Reason, State
from arrears.engine.message_context import PLAIN_CONTEXT, MailLimits
from arrears.engine.system import set_breaker
from arrears.sim.story_words import because


@pytest.mark.parametrize(
    ("policy", "what", "said"),
    [
        (
            "[minimum]\nEUR = 20000\n",
            "",
            "  what follows: reminders alone: what is past due is below the minimum of €200.00",
        ),
        ("", "dispute", "  what follows: nothing, as long as every invoice that is past due is held"),
    ],
)
def test_explain_says_why_nothing_follows_and_names_no_day(policy: str, what: str, said: str) -> None:
    story = Story(policy=policy).until(5)
    if what:
        story.dispute()
    found = explanation(story.store, story.no, story.now)
    lines = list(sentences(found))
    assert said in [line.removeprefix("  ") for line in lines]
    assert not [line for line in lines if "it stops" in line]
    assert not what or not [line for line in lines if "it is charged" in line]
    assert "reminder" not in " ".join(lines).partition("what comes next")[2] or not what


def test_explain_names_no_day_that_has_passed() -> None:
    story = Story().until(5)
    story.doubt(DoubtKind.BANK_CREDIT)
    story.until(40)
    [sub] = explanation(story.store, story.no, story.now)["subscriptions"]
    assert sub["stops_on"] == story.date(47)


@pytest.mark.parametrize("day", [33, 40])
def test_what_was_due_and_waits_for_a_doubt_is_what_comes_next(day: int) -> None:
    """Whoever asks reads what it waits for, that a new warning comes first, and the day that is announced."""
    story = Story().until(28)
    story.doubt(DoubtKind.ATTEMPT)
    story.until(day)
    lines = list(sentences(explanation(story.store, story.no, story.now)))
    at = lines.index("  what comes next") + 1
    assert lines[at] == "    for now  disable of cloud, but it waits for the answer to a charge, and is warned of anew"
    story.clear(DoubtKind.ATTEMPT)
    lines = list(sentences(explanation(story.store, story.no, story.now)))
    assert "for now" not in " ".join(lines)


def test_explain_says_that_nobody_can_be_reached_since_when_and_what_to_do() -> None:
    story = Story().until(3)
    assert explanation(story.store, story.no, story.now)["unreachable"] is None
    with story.store.accounts([story.no], story.now) as batch:
        batch.mark_dead("a1@example.org", "5.1.1", story.now)
    story.until(40)
    found = explanation(story.store, story.no, story.now)
    [line] = [line.strip() for line in sentences(found) if "nobody can be reached" in line]
    dead = "nobody can be reached: every address of the account is dead, since 9 January 2026"
    assert line.startswith(f"{dead}; until a warning counts these wait, and their dates move: disable cloud; tell them")
    assert line.endswith("record it with `arrears told`, or get an address that works")
    one = story.inner.reached[story.no]
    story.inner.reached[story.no] = one._replace(contact="new@example.org")
    assert explanation(story.store, story.no, story.now)["unreachable"] is None
    story.inner.reached[story.no] = one._replace(contact="")
    assert explanation(story.store, story.no, story.now)["unreachable"]["code"] == "no_address"
    assert "the account has no address" in "".join(sentences(explanation(story.store, story.no, story.now)))


def test_explain_shows_each_letter_that_is_held_back_and_why() -> None:
    story = Story(accounts=2)
    for number in story.numbers:
        story.inner.reached[number] = story.inner.reached[number]._replace(contact="all@example.org")
    story.stage.context = replace(PLAIN_CONTEXT, limits=MailLimits(per_recipient_a_day=1))
    story.until(0, "23:00")
    held = [explanation(story.store, number, story.now)["held_back"] for number in story.numbers]
    assert sorted(len(letters) for letters in held) == [0, 1]
    [letter] = [letter["words"] for letters in held for letter in letters]
    assert letter.startswith("reminder to all@example.org: waits to be sent, not tried: its address has had 1 messages")
    late = next(number for number, letters in zip(story.numbers, held, strict=True) if letters)
    assert f"  {letter}" in list(sentences(explanation(story.store, late, story.now)))
    story.until(1, "12:00")
    assert explanation(story.store, late, story.now)["held_back"] == []


def test_what_makes_an_account_wait_is_said_in_words_and_with_the_command_that_ends_it() -> None:
    story = Story().until(5)
    set_breaker(story.store, is_open=True, now=story.now, author="system", why="61 of 64 charges were declined")
    lines = [line.strip() for line in sentences(explanation(story.store, story.no, story.now))]
    looked = "a person who has looked at a storm of declined charges (`arrears money breaker`)"
    assert f"restricting, disabling and deleting wait for {looked}" in lines
    assert "cloud is past due" in lines


@pytest.mark.parametrize(
    ("state", "reasons", "said"),
    [
        (State.PAST_DUE, [Reason.PAST_DUE], ""),
        (State.DISABLED, [Reason.PAST_DUE], ", because an invoice of it is past due"),
        (
            State.DISABLED,
            [Reason.PAST_DUE, Reason.CANCELED],
            ", because an invoice of it is past due and it was canceled",
        ),
        (State.ACTIVE, [], ""),
    ],
)
def test_a_state_is_not_given_as_its_own_reason(state: State, reasons: list[Reason], said: str) -> None:
    assert because(state, reasons) == said
