"""A sender that dies leaves to the next one what it had not begun, and no name is given twice (spec, section 7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from msgspec.structs import replace
from tests.stories.story import Story
from tests.stories.test_notices import ANNA, known

from arrears.core import facts as f
from arrears.engine.messages.bounces import Returned, came_back
from arrears.ports import Delivery, Fate, Mail, MailState, Message, PayLink


class Dying:
    """A server that takes everything; whoever hands over the message number `at` to it dies, before or after it is
    taken."""

    def __init__(self, story: Story, at: int, *, taken: bool) -> None:
        self.story, self.at, self.taken, self.asked = story, at, taken, list[str]()

    def send(self, message: Message) -> Delivery:
        """See ports.Channel."""
        self.asked.append(message.id)
        if len(self.asked) == self.at:
            if self.taken:
                self.story.mail.send(message)
            raise KeyboardInterrupt
        return self.story.mail.send(message)

    def look_up(self, message_id: str) -> Fate:
        """See ports.Channel."""
        return Fate.UNKNOWN


@pytest.mark.parametrize("at", [1, 4, 8])
@pytest.mark.parametrize("taken", [True, False])
def test_of_a_batch_whose_sender_dies_only_the_one_that_was_with_the_server_is_unknown(at: int, taken: bool) -> None:
    story = Story(accounts=8).until(21, "08:00")
    reminded = len(story.mail.taken)
    server = Dying(story, at, taken=taken)
    story.stage.channel = server
    with pytest.raises(KeyboardInterrupt):
        story.until(21, "12:00")
    story.until(22)
    states = Counter(mail.state for no in story.numbers for mail in story.store.mails_of(no) if "stop" in mail.kind)
    assert states == {MailState.ACCEPTED: 7, MailState.UNKNOWN: 1}
    assert len(set(server.asked)) == len(server.asked) == 8, "each is handed over once"
    assert len(story.mail.taken) - reminded == 7 + taken
    counted = [no for no in story.numbers if story.account_of(no).subscription(1).disable.accepted_at is not None]
    assert len(counted) == 7, "and what was answered counts"
    for number in story.numbers:
        story.check(number)
    story.until(60)
    assert all(story.facts(f.Disabled, number) for number in story.numbers)


def test_two_senders_of_the_same_claims_hand_each_message_over_once() -> None:
    story = Story().until(0)
    [mail] = story.store.mails_of(story.no)
    row = story.inner.mail_rows[(mail.account, mail.seq)]
    row[mail.no] = replace(mail, state=MailState.CLAIMED, handing="queued")
    assert story.store.begin_mail(mail, [])
    assert not story.store.begin_mail(mail, [])


@pytest.mark.parametrize("order", ["before", "after"])
def test_a_report_about_a_letter_of_before_the_backup_is_not_read_for_the_one_with_its_numbers(order: str) -> None:
    """The same account, fact and number; which of the two leaves first, and when the report comes, is the same."""
    lost = known(Story(), ANNA._replace(sign_in="")).until(21)
    restored = known(Story(), ANNA._replace(sign_in=""))
    first, second = (lost, restored.until(21)) if order == "before" else (restored.until(21), lost)
    one, other = first.mail.taken[-1], second.mail.taken[-1]
    assert one.id.split("-")[:3] == other.id.split("-")[:3]
    assert one.id != other.id, "nor does a mail system take the second for the first"
    for how in ("hard", "soft", "complaint"):
        returned = Returned(one.id, one.to, how, "5.1.1", "550 unknown")
        assert came_back(second.store, returned, second.now) == 0
        assert second.store.reports_of(one.id), "it is kept"
    assert second.sub().disable.accepted_at is not None
    assert came_back(second.store, Returned(other.id, other.to, "soft", "5.2.2", "full"), second.now) == 1


def test_a_message_that_a_slow_sender_stores_after_its_turn_leaves_on_the_same_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next sender has read that there is no row yet; the slow one stores its row, and is gone."""
    story = Story().until(21, "08:00")
    reminded, was, asked = len(story.mail.taken), story.inner.claim_mails, list[Sequence[Mail]]()

    def claim_mails(mails: Sequence[Mail], links: Sequence[PayLink]) -> Sequence[Mail]:
        asked.append(mails)
        if len(asked) == 1:
            raise KeyboardInterrupt
        if len(asked) == 2:
            was(asked[0], ())
        return was(mails, links)

    monkeypatch.setattr(story.store, "claim_mails", claim_mails)
    with pytest.raises(KeyboardInterrupt):
        story.until(21, "12:00")
    for clock in ("09:05", "09:30"):
        story.down_until(21, clock).stage.perform()
    assert (len(asked), len(story.mail.taken) - reminded) == (3, 1)
    assert [mail.state for mail in story.store.mails_of(story.no) if "stop" in mail.kind] == [MailState.ACCEPTED]
    story.check()
