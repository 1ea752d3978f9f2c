"""A message about half a remedy says the other half: what is still owed, or what no payment brings back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.stories.paying import Paying
from tests.stories.story import Story

from arrears.core.account import Action
from arrears.core.decide import outlook
from arrears.core.messages.content import Role
from arrears.core.messages.recipients import ContactPerson
from arrears.core.view import View
from arrears.engine import commands
from arrears.notices.values import day, formats_of
from arrears.ports import Message
from arrears.sandbox.run import Running
from arrears.wiring import texts


def _mailed(story: Story, language: str) -> Story:
    """The story with the mails that people get, to an administrator who reads this language."""
    anna = ContactPerson(1, Role.ADMINISTRATOR, "Anna", "anna@sign-in.example", "anna@contact.example", language, "")
    story.inner.reached[story.no] = story.inner.reached[story.no]._replace(people=(anna,))
    story.stage.context = replace(story.stage.context, writer=texts(), pay_links=True)
    return story


def _last(story: Story) -> tuple[Message, str]:
    """The last mail, and its text on one line."""
    message = story.mail.taken[-1]
    return message, " ".join(message.text.split())


def _day(story: Story, on: int, language: str) -> str:
    return day(story.date(on), formats_of(language)).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("language", "stays", "gone", "button"),
    [
        (
            "en",
            "Paying does not bring cloud and mail back",
            "The data of cloud and mail will be deleted on or after",
            "See what",
        ),
        (
            "nl",
            "Met betalen alleen gaan cloud en mail niet weer aan",
            "De gegevens van cloud en mail worden op of na",
            "Bekijk hoe",
        ),
    ],
)
def test_paying_what_was_cancelled_is_told_to_bring_nothing_back(
    language: str, stays: str, gone: str, button: str
) -> None:
    story = _mailed(Story(services=("cloud", "mail")), language).until(10).cancel(1).cancel(2).pay()
    deleted = story.announced(Action.DELETE)
    assert deleted is not None
    message, text = _last(story)
    assert stays in text
    assert f"{gone} {_day(story, deleted, language)}" in text
    assert button in text
    assert "/subscriptions" in text
    assert gone in " ".join((message.html or "").replace("\u00a0", " ").split())


def test_what_was_cancelled_and_brought_back_is_not_said_to_stay_off() -> None:
    story = _mailed(Story(), "en").until(10).cancel().reactivate().pay()
    assert "does not bring" not in _last(story)[1]


@pytest.mark.parametrize("language", ["en", "nl"])
def test_the_receipt_of_a_part_says_what_comes_and_pays_the_rest(language: str) -> None:
    story = _mailed(Story(), language).until(10)
    stops = story.announced(Action.DISABLE)
    assert stops is not None
    message, text = _last(story.pay(2_000))
    assert f"{_day(story, stops, language)}" in text
    assert "/pay/" in text
    assert "/pay/" in (message.html or "")
    story.run()
    everything = _last(story.pay(10_000))[1]
    assert "/pay/" not in everything
    assert _day(story, stops, language) not in everything


@pytest.mark.parametrize("language", ["en", "nl"])
def test_running_again_while_something_is_owed_says_what_and_until_when(language: str) -> None:
    story = _mailed(Story(), language).until(10).cancel().until(12).reactivate().run()
    stops = story.announced(Action.DISABLE)
    assert stops is not None
    text = _last(story)[1]
    assert {"en": "cloud is running again", "nl": "cloud staat weer aan"}[language] in text
    assert {"en": "€120.00 is still open", "nl": "staat nog € 120,00 open"}[language] in text.replace("\u202f", " ")
    assert _day(story, stops, language) in text
    assert "/pay/" in text


@pytest.mark.parametrize("language", ["en", "nl"])
def test_the_receipt_of_a_part_says_when_we_collect_the_rest(language: str, sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card("insufficient_funds")
    _mailed(story, language).until(2).pay(2_000)
    view = View(story.store.policies(), story.account, story.store.system().guards, story.now)
    coming = [(at, due) for at, due in outlook(view) if due.label.startswith("charge")]
    on = _day(story, story.day(coming[0][0].date()), language)
    said = {"en": "If it is not paid before, we collect €100.00", "nl": "schrijven wij € 100,00 op " + on + " zelf af"}
    [text] = [
        " ".join(message.text.split()) for message in story.mail.taken if message.subject.startswith(("Rec", "Ontv"))
    ]
    assert said[language] in text
    assert on in text


def _subjects(story: Story) -> list[str]:
    return [message.subject for message in story.mail.taken]


@pytest.mark.parametrize(
    ("language", "canceled", "owed", "kept", "back", "running"),
    [
        (
            "en",
            "Cancelled since {}: cloud",
            "€120.00 for A1 is past due and stays to be paid.",
            "The data of cloud will be deleted on or after {}. Until then it can be read and copied",
            "one button takes the cancellation back",
            "Running again since {}: cloud",
        ),
        (
            "nl",
            "Opgezegd per {}: cloud",
            "Voor A1 staat nog € 120,00 open na de vervaldatum. Dat moet nog worden betaald.",
            "De gegevens van cloud worden op of na {} verwijderd. Tot die tijd kunt u de gegevens bekijken",
            "trekt u de opzegging met één knop in",
            "Sinds {} weer aan: cloud",
        ),
    ],
)
def test_a_cancellation_is_confirmed_with_what_stays_owed_and_the_way_back(
    language: str, canceled: str, owed: str, kept: str, back: str, running: str
) -> None:
    story = _mailed(Story(), language).until(10).cancel()
    message, words = _last(story)
    assert message.subject == canceled.format(_day(story, 10, language))
    for said in (owed, kept.format(_day(story, 120, language)), back):
        assert said in words
    before = len(story.mail.taken)
    story.reactivate()
    assert _subjects(story)[before:] == [running.format(_day(story, 10, language))]
    assert _day(story, 30, language) in _last(story)[1]


@pytest.mark.parametrize(
    ("language", "subject", "owed"),
    [
        ("en", "Cancellation taken back: cloud", "It stays stopped until €120.00 is paid"),
        ("nl", "Opzegging ingetrokken: cloud", "De dienst blijft uit tot € 120,00 betaald is"),
    ],
)
def test_a_cancellation_that_is_taken_back_while_more_keeps_it_stopped_says_what(
    language: str, subject: str, owed: str
) -> None:
    story = _mailed(Story(), language).until(40).cancel().until(50).reactivate()
    message, words = _last(story)
    assert (message.subject, owed in words) == (subject, True)
    assert _day(story, 130, language) in words
    story.block().unblock().cancel()
    assert len([one for one in _subjects(story) if one == subject]) == 1


def test_what_is_brought_back_before_its_mail_could_leave_is_not_called_cancelled() -> None:
    story = _mailed(Story(bill=False), "en").until(10)
    commands.cancel(story.store, story.no, 1, story.now, "staff:1")
    commands.reactivate(story.store, story.no, 1, story.now, "staff:1")
    story.stage.perform()
    assert not any("ancel" in subject for subject in _subjects(story))


def test_a_message_that_waited_over_midnight_names_the_day_on_which_it_came_to_be_so() -> None:
    story = _mailed(Story(bill=False), "en").until(10, "23:50").cancel()
    story.until(11, "23:58")
    story.mail.works, story.mail.down = False, True
    story.reactivate()
    story.until(12, "00:05").mail.works = True
    story.until(12, "12:00")
    assert _subjects(story)[-1] == f"Running again since {_day(story, 11, 'en')}: cloud"
