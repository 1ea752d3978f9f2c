"""A text message beside mail: who has an address of each is warned by each, and each has a fate of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.stories.story import Mail, Story
from tests.stories.test_notices import known

from arrears.core import facts as f
from arrears.core.messages.content import Role
from arrears.core.messages.recipients import EMAIL, ChannelName, ContactPerson, Extra
from arrears.core.states import State
from arrears.ports import Fate, Message

SMS = ChannelName("sms")
PHONE = "+31612345678"
MAIL = "jo@example.org"
JO = ContactPerson(1, Role.ADMINISTRATOR, "Jo", MAIL, "", "nl", "")
ON_CALL = Extra(PHONE, "On call", "", SMS)


class Texts(Mail):
    """A service for text messages that knows what became of each; `dies` ends whoever hands one over, once."""

    dies = False

    def send(self, message: Message) -> object:  # type: ignore[override]
        """See ports.Channel."""
        answer = super().send(message)
        if self.dies:
            self.dies = False
            raise KeyboardInterrupt
        return answer

    def look_up(self, message_id: str) -> Fate:
        """See ports.Channel."""
        return Fate.ACCEPTED if message_id in [m.id for m in self.taken] else Fate.NOT_SENT


class Both(Story):
    """An administrator with mail, and a telephone that is warned."""

    def __init__(self) -> None:
        super().__init__()
        known(self, JO, extras=(ON_CALL,))
        self.texts = Texts()
        self.stage.context = replace(self.stage.context, channels={SMS: self.texts})

    def fates(self, kind: str = "stop_warning") -> list[tuple[str, str, str]]:
        """Channel, address and state of each message of a kind, in order."""
        mails = self.store.mails_of(self.no)
        return [(m.channel, m.address, m.state.value) for m in mails if m.kind == kind]


@pytest.fixture
def both() -> Both:
    return Both()


def accepted(story: Both) -> object:
    """When the warning before the service stops began to count."""
    return story.sub().disable.accepted_at


def test_a_warning_goes_by_mail_and_by_text_and_a_reminder_by_mail_alone(both: Both) -> None:
    both.until(21, "10:00")
    assert both.fates() == [(EMAIL, MAIL, "accepted"), (SMS, PHONE, "accepted")]
    assert [m.to for m in both.texts.taken] == [PHONE]
    assert PHONE not in [m.to for m in both.mail.taken]
    assert [m.to for m in both.mail.taken if m.subject == "reminder"] == [MAIL] * 4
    both.until(40)
    assert both.sub().state is State.DISABLED
    both.check()


def mail_down(story: Both) -> None:
    story.mail.works, story.mail.down = False, True


def mail_refuses(story: Both) -> None:
    story.mail.works = False


def texts_down(story: Both) -> None:
    story.texts.works, story.texts.down = False, True


def texts_refuse(story: Both) -> None:
    story.texts.works = False


@pytest.mark.parametrize(
    ("happens", "by_mail", "by_text"),
    [
        (mail_down, "waiting", "accepted"),
        (mail_refuses, "refused", "accepted"),
        (texts_down, "accepted", "waiting"),
        (texts_refuse, "accepted", "refused"),
    ],
)
def test_what_one_channel_does_not_take_holds_up_nothing_of_the_other(
    both: Both, happens: Callable[[Both], None], by_mail: str, by_text: str
) -> None:
    both.until(20)
    happens(both)
    both.until(21, "09:00")
    assert [state for _, _, state in both.fates()] == [
        by_mail,
        by_text,
    ]
    assert accepted(both) == both.instant(21, "09:00"), "somebody has it"
    both.mail.works = both.texts.works = True
    both.until(22, "10:00").run()
    again = {"waiting": "accepted"}
    assert [state for _, _, state in both.fates()][:2] == [
        again.get(by_mail, by_mail),
        again.get(by_text, by_text),
    ]
    both.check()


def test_an_address_of_a_channel_that_is_not_set_up_is_not_written_to(both: Both) -> None:
    both.stage.context = replace(both.stage.context, channels={})
    both.until(21, "10:00")
    assert both.fates() == [(EMAIL, MAIL, "accepted")]
    assert both.texts.taken == []
    both.check()


def test_a_text_whose_sender_died_is_looked_up_at_its_own_channel_and_not_sent_twice(both: Both) -> None:
    both.until(21, "08:59")
    both.texts.dies = True
    with pytest.raises(KeyboardInterrupt):
        both.until(21, "09:00")
    assert both.fates() == [(EMAIL, MAIL, "claimed"), (SMS, PHONE, "claimed")]
    both.stage.now += timedelta(minutes=30)
    both.run()
    assert (SMS, PHONE, "accepted") in both.fates()
    assert len(both.texts.taken) == 1
    assert accepted(both) is not None
    both.check()


def test_the_same_address_may_stand_at_two_channels_and_gets_a_message_by_each(both: Both) -> None:
    other = ChannelName("messenger")
    known(both, JO, extras=(ON_CALL, ON_CALL._replace(channel=other)))
    messenger = Texts()
    both.stage.context = replace(both.stage.context, channels={SMS: both.texts, other: messenger})
    both.until(21, "10:00")
    assert both.fates()[1:] == [(SMS, PHONE, "accepted"), (other, PHONE, "accepted")]
    assert (len(both.texts.taken), len(messenger.taken)) == (1, 1)
    assert not any(PHONE in str(recorded.fact) for recorded in both.history())
    assert len(both.facts(f.NoticeAccepted)) == 5
    both.check()
