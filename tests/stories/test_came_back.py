"""A message that did not arrive warned nobody, whenever and for whatever final reason it came back (spec, 3 and 7)."""

from __future__ import annotations

from datetime import datetime

import pytest
from tests.stories.story import Story
from tests.stories.test_notices import ANNA, bounce, known, sent, states

from arrears.core import facts as f
from arrears.core.states import State
from arrears.engine.messages.bounces import Returned, came_back
from arrears.ports import Delivery, Fate, Message

ALONE = ANNA._replace(sign_in="anna@contact.example")


class Bouncing:
    """A server that takes everything, and whose report of what came back is there while it still answers."""

    def __init__(self, story: Story, how: str, about: str = "") -> None:
        self.story, self.how, self.about, self.taken, self.recorded = story, how, about, list[Message](), 0

    def send(self, message: Message) -> Delivery:
        """See ports.Channel."""
        self.taken.append(message)
        returned = Returned(message.id, self.about or message.to, self.how, "5.2.2", "552 mailbox full")
        self.recorded += came_back(self.story.store, returned, self.story.now)
        return Delivery(Fate.ACCEPTED, "250 queued")

    def look_up(self, message_id: str) -> Fate:
        """See ports.Channel."""
        return Fate.UNKNOWN


def everything_comes_back(story: Story, how: str, days: int, about: str = "") -> None:
    """Each noon, what the server took that morning is reported to have come back."""
    done = 0
    for day in range(days):
        story.until(day, "12:00")
        for message in story.mail.taken[done:]:
            returned = Returned(message.id, about or message.to, how, "5.2.2", "552 mailbox full")
            assert came_back(story.store, returned, story.now) == 1
        done = len(story.mail.taken)


@pytest.mark.parametrize("how", ["hard", "soft"])
def test_a_report_that_comes_before_the_batch_is_stored_is_not_lost(how: str) -> None:
    story = known(Story(), ALONE)
    server = Bouncing(story, how)
    story.stage.channel = server
    story.until(129, "10:00")
    assert server.recorded == len(server.taken) > 0
    assert story.sub().state is State.PAST_DUE
    assert set(states(story).values()) == {"bounced_hard" if how == "hard" else "came_back"}
    assert not story.facts(f.NoticeAccepted)
    story.check()


def test_a_reminder_whose_address_died_before_the_batch_was_stored_goes_to_the_next_one() -> None:
    story = known(Story(), ANNA)
    honest, server = story.stage.channel, Bouncing(story, "hard")
    story.stage.channel = server
    story.until(-1, "12:00")
    story.decline()
    assert [m.to for m in server.taken] == ["anna@contact.example", "anna@sign-in.example"]
    story.stage.channel = honest
    story.check()


@pytest.mark.parametrize("about", ["", "anna@forwarded.example"])
def test_nothing_is_stopped_or_deleted_while_every_mail_comes_back_and_staff_are_told_once(about: str) -> None:
    story = known(Story(), ALONE)
    everything_comes_back(story, "hard" if about else "soft", 130, about)
    assert story.sub().state is State.PAST_DUE
    assert set(states(story).values()) == {"came_back"}
    assert story.tasks().count("mail_came_back") == 1
    assert not story.store.contacts([story.no])[story.no].dead, "nobody said that the address does not exist"
    assert len(story.mail.taken) > 2, "the warning is sent again, with a later date"
    story.check()


def test_what_came_back_from_one_address_counts_on_by_the_other() -> None:
    story = known(Story(), ANNA).until(21)
    assert bounce(story, "anna@contact.example", "soft") == 1
    assert story.sub().disable.accepted_at is not None
    assert bounce(story, "anna@sign-in.example", "soft") == 1
    assert story.sub().disable.accepted_at is None
    story.check()


@pytest.mark.parametrize(
    ("reported", "again"),
    [((29, "23:54"), (30, "09:00")), ((30, "03:00"), (30, "09:00")), ((30, "10:00"), (31, "09:00"))],
)
def test_a_warning_that_came_back_is_sent_again_the_next_morning_and_never_at_night(
    reported: tuple[int, str], again: tuple[int, str]
) -> None:
    story = known(Story(), ALONE).until(*reported)
    number = len(warnings(story))
    for message in list(story.mail.taken):
        came_back(story.store, Returned(message.id, message.to, "soft", "5.2.2", "552 mailbox full"), story.now)
    assert story.sub().disable.accepted_at is None
    story.until(60)
    assert warnings(story)[number] == story.instant(*again)
    story.check()


@pytest.mark.parametrize(
    ("cleared", "told"),
    [((21, "14:00"), (21, "14:00")), ((21, "23:50"), (22, "09:00")), ((22, "03:00"), (22, "09:00"))],
)
def test_what_a_doubt_kept_back_leaves_by_day_and_never_at_night(
    cleared: tuple[int, str], told: tuple[int, str]
) -> None:
    story = known(Story(), ALONE).until(20).doubt().until(*cleared).clear().run()
    story.until(23)
    assert warnings(story) == [story.instant(*told)]
    story.check()


def warnings(story: Story) -> list[datetime]:
    return [r.at for r in story.history() if isinstance(r.fact, f.Noticed) and any(r.fact.each(f.Warning))]


@pytest.mark.parametrize(
    ("sender", "arrived"),
    [
        ("anna@contact.example", True),
        ("Anna+billing@CONTACT.example", False),
        ("quarantine@gateway.example", False),
        ("", False),
    ],
)
def test_an_answer_of_somebody_else_than_its_reader_proves_that_nothing_arrived(sender: str, arrived: bool) -> None:
    story = known(Story(), ALONE).until(28)
    for message in list(story.mail.taken):
        came_back(story.store, Returned(message.id, sender, "answer", "", "We have your mail."), story.now)
    assert (story.sub().disable.accepted_at is not None) is arrived
    assert story.tasks().count("mail_came_back") == (not arrived)
    assert not is_dead(story)
    assert bool(story.store.reports_of(story.mail.taken[-1].id)) is not arrived, "what is no answer is kept"
    story.check()


def test_that_the_address_does_not_exist_may_follow_and_nothing_undoes_it() -> None:
    story = known(Story(), ANNA).until(0)
    assert bounce(story, "anna@contact.example", "soft") == 1
    assert bounce(story, "anna@contact.example", "hard") == 1
    assert bounce(story, "anna@contact.example", "soft") + bounce(story, "anna@contact.example", "complaint") == 0
    assert states(story) == {"anna@contact.example": "bounced_hard"}
    assert story.until(3).mail.taken[-1].to == "anna@sign-in.example"
    story.check()


def test_who_knows_an_address_alone_buries_nobody_and_stops_no_mail() -> None:
    story = known(Story(), ANNA).until(7)
    facts = len(story.history())
    for _ in range(20):
        returned = Returned("", "anna@contact.example", "hard", "5.1.1", "forged")
        assert came_back(story.store, returned, story.now) == 0
    assert len(story.history()) == facts
    assert [report.why for report in story.store.reports_of("")] == ["forged"] * 20, "kept"
    assert sent(story.until(14))[-1] == ("reminder", "anna@contact.example")


# -- old reports -----------------------------------------------------------------------------------------------------


def report(story: Story, message: Message, about: str = "") -> int:
    """Its server says that the mailbox does not exist."""
    return came_back(story.store, Returned(message.id, about or message.to, "hard", "5.1.1", "550 unknown"), story.now)


def is_dead(story: Story) -> bool:
    return bool(story.store.contacts([story.no])[story.no].dead)


def test_a_report_about_a_message_of_before_the_address_was_confirmed_makes_nothing_dead() -> None:
    story = known(Story(), ALONE).until(0, "12:00")
    first = story.mail.taken[-1]
    story.until(3, "12:00")
    assert (report(story, story.mail.taken[-1]), is_dead(story)) == (1, True)
    story.until(4, "12:00")
    story.inner.dead.clear()
    known(story, ALONE._replace(confirmed_at=story.now)).until(21, "12:00")
    accepted_at = story.sub().disable.accepted_at
    assert accepted_at is not None
    assert [report(story, first) for _ in range(2)] == [1, 0]
    assert not is_dead(story)
    assert {m.state.value for m in story.store.mails_of(story.no) if m.id == first.id} == {"came_back"}
    assert story.sub().disable.accepted_at == accepted_at
    assert story.until(31).sub().state is State.DISABLED
    story.check()


def test_a_report_about_a_message_of_after_the_address_was_confirmed_counts() -> None:
    story = known(Story(), ALONE._replace(confirmed_at=Story().now)).until(21, "12:00")
    assert (report(story, story.mail.taken[-1]), is_dead(story)) == (1, True)
    assert story.sub().disable.accepted_at is None


@pytest.mark.parametrize(("day", "dead"), [(2, True), (9, True), (11, False), (20, False)])
def test_a_report_is_old_once_a_later_message_was_taken_and_a_week_went_by_without_a_word(day: int, dead: bool) -> None:
    story = known(Story(), ALONE).until(3, "12:00" if day > 2 else "08:00")
    first, *later = story.mail.taken
    assert len(later) == (1 if day > 2 else 0)
    story.until(max(day, 3), "12:00" if day > 2 else "08:30")
    assert (report(story, first), is_dead(story)) == (1, dead)
    story.check()


@pytest.mark.parametrize("order", [1, -1])
def test_a_pile_of_reports_read_late_makes_the_address_dead_in_whatever_order(order: int) -> None:
    story = known(Story(), ALONE).until(20, "12:00")
    taken = list(story.mail.taken)
    assert len(taken) > 2
    assert [report(story, message) for message in taken[::order]] == [1] * len(taken)
    assert is_dead(story)


def test_a_server_that_cuts_off_what_follows_a_plus_means_the_mailbox_that_was_written_to() -> None:
    plus = ANNA._replace(contact="anna+billing@contact.example")
    story = known(Story(), plus).until(0)
    assert report(story, story.mail.taken[-1], "Anna@contact.example") == 1
    assert states(story)["anna+billing@contact.example"] == "bounced_hard"
    assert story.until(3).mail.taken[-1].to == "anna@sign-in.example"
    story.check()


@pytest.mark.parametrize("about", ["anna+x@contact.example", "bob@contact.example", "anna@other.example", ""])
def test_a_report_about_any_other_mailbox_makes_nothing_dead(about: str) -> None:
    story = known(Story(), ANNA._replace(contact="anna+billing@contact.example")).until(0)
    returned = Returned(story.mail.taken[-1].id, about, "hard", "5.1.1", "550 unknown")
    assert (came_back(story.store, returned, story.now), is_dead(story)) == (1, False)
