"""Both stores say the same of how mail as a whole is doing."""

from __future__ import annotations

from datetime import timedelta

from tests.store.contract import AnyStore, at, owing_book
from tests.stories.story import Hands

from arrears.core import facts as f
from arrears.engine.perform import perform
from arrears.engine.run import run
from arrears.ports import Delivery, DeliveryAbout, Fate, MailMove, MailState, Message


class Answering:
    """A channel that answers each address as it is told."""

    def __init__(self, answers: dict[str, Delivery]) -> None:
        self.answers = answers

    def send(self, message: Message) -> Delivery:
        """See ports.Channel."""
        return self.answers.get(message.to, Delivery(Fate.ACCEPTED, reply="250 ok"))

    def look_up(self, message_id: str) -> Fate:
        """See ports.Channel."""
        return Fate.NOT_SENT


REFUSED = Delivery(Fate.NOT_SENT, DeliveryAbout.SENDER, "554 5.7.1 blocked", "554 5.7.1")
DOWN = Delivery(Fate.NOT_SENT, DeliveryAbout.SERVER, "no connection")
GONE = Delivery(Fate.REFUSED, reply="550 5.1.1 no such user", code="550 5.1.1", dead=True)


def test_what_waits_what_left_and_what_came_back(store: AnyStore) -> None:
    owing_book(store, 4)
    now = at(2, 10)
    run(store, now)
    channel = Answering({"A1@example.org": REFUSED, "A2@example.org": REFUSED, "A3@example.org": GONE})
    perform(store, channel, Hands(), now)
    health = store.mail_health(now)
    assert health.sender == (2, 1, ("example.org",), "554 5.7.1 blocked")
    assert health.server.messages == 0
    assert (health.accepted_at, health.handed, health.back) == (now, 2, 1)
    assert (health.addresses, health.addresses_back) == (2, 1)
    assert store.mail_counts(now, ())[:3] == (2, 2, 1)
    assert store.contacts([3])[3].dead == {"A3@example.org"}
    channel.answers = {"A1@example.org": DOWN}
    later = now + timedelta(minutes=16)
    perform(store, channel, Hands(), later)
    health = store.mail_health(later)
    assert (health.server.messages, health.server.reply) == (2, "no connection"), (
        "the second one was not even tried, and waits too"
    )
    assert health.sender.messages == 0
    channel.answers = {}
    perform(store, channel, Hands(), later + timedelta(minutes=3))
    health = store.mail_health(later + timedelta(minutes=3))
    assert (health.server.messages, health.sender.messages) == (0, 0)
    assert {m.state for number in (1, 2, 4) for m in store.mails_of(number)} == {MailState.ACCEPTED}


def test_the_limits_count_mailboxes_and_only_those_of_the_hour(store: AnyStore) -> None:
    owing_book(store, 3)
    now = at(2, 10)
    run(store, now)
    perform(store, Answering({}), Hands(), now)
    assert store.mail_counts(now, ())[:3] == (3, 3, 0)
    later = now + timedelta(minutes=50)
    for number in (1, 2):
        [mail] = store.mails_of(number)
        with store.accounts([number], later) as batch:
            batch.move_mails([MailMove(number, mail.seq, mail.no, MailState.BOUNCED_HARD, "", "5.1.1")], later)
    assert store.mail_counts(later, ())[:3] == (3, 3, 2)
    assert store.mail_counts(now + timedelta(minutes=61), ())[:3] == (0, 0, 0), "handed over before"


def test_the_open_tasks_about_mail_are_part_of_it(store: AnyStore) -> None:
    owing_book(store, 1)
    store.record_system(f.MailTrouble(what=f.MailTroubleKind.KEY), at(1), "arrears", "another key")
    store.record_system(f.BreakerSet(open=True), at(1), "staff:1", "a storm")
    assert dict(store.mail_health(at(1)).open) == {"mail_key": "another key"}
    store.record_system(f.MailTrouble(what=f.MailTroubleKind.KEY, over=True), at(2), "arrears", "")
    assert dict(store.mail_health(at(2)).open) == {}


def test_an_address_is_dead_however_it_is_spelt(store: AnyStore) -> None:
    owing_book(store, 1)
    with store.accounts([1], at(2)) as batch:
        batch.mark_dead("a1@EXAMPLE.org", "5.1.1", at(2))
    assert store.contacts([1])[1].dead == {"A1@example.org"}


def test_a_server_that_takes_others_mail_is_not_down(store: AnyStore) -> None:
    owing_book(store, 4)
    now = at(2, 10)
    run(store, now)
    broke = DOWN._replace(reply="421 4.7.0 busy", broke=True)
    channel = Answering({f"A{number}@example.org": broke for number in (1, 2, 3, 4)})
    perform(store, channel, Hands(), now)
    health = store.mail_health(now)
    assert (health.server.messages, health.server.reply) == (4, "421 4.7.0 busy"), "nobody's was taken"
    channel.answers = {"A1@example.org": broke}
    later = now + timedelta(minutes=16)
    perform(store, channel, Hands(), later)
    health = store.mail_health(later)
    assert (health.server.messages, health.accepted_at) == (0, later)
    assert [mail.reply for mail in store.mails_of(1)] == ["421 4.7.0 busy"]
    next_day = later + timedelta(hours=25)
    assert store.mail_health(next_day).server.messages == 0, "one recipient's trouble is never the server's"
