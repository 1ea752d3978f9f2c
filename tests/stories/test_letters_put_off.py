"""A help letter that a mail server puts off waits by itself; those of everybody else leave."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from tests.stories.story import Story

from arrears.core.people.support import About
from arrears.engine.message_context import PLAIN_CONTEXT
from arrears.engine.people import visitors
from arrears.ports import Delivery, DeliveryAbout, Fate, Message


class Relay:
    """Puts off one domain for ever."""

    def __init__(self, about: DeliveryAbout = DeliveryAbout.ADDRESS) -> None:
        self.about = about
        self.works = False
        self.tried: Counter[str] = Counter()

    def send(self, message: Message) -> Delivery:
        """See ports.Channel."""
        self.tried[message.to] += 1
        if not self.works and (message.to.endswith("no-such.example") or self.about is DeliveryAbout.SERVER):
            return Delivery(Fate.NOT_SENT, self.about, "450 4.1.2 Domain not found")
        return Delivery(Fate.ACCEPTED)

    def look_up(self, message_id: str) -> Fate:
        """See ports.Channel."""
        return Fate.UNKNOWN


def asked(story: Story, *addresses: str) -> None:
    for address in addresses:
        who = visitors.Visitor("A", address, "", "acc_1", "en")
        visitors.ask(story.store, who, About.OTHER, "help, our administrator left", story.now)


def test_one_stranger_who_is_put_off_stops_nobody_else_and_is_given_up_with_the_link() -> None:
    story, relay = Story(), Relay()
    asked(story, "x@no-such.example", "anna@good.example", "bob@good.example")
    visitors.attend(story.store, relay, PLAIN_CONTEXT, story.now)
    assert relay.tried == {"x@no-such.example": 1, "anna@good.example": 1, "bob@good.example": 1}
    for hour in range(1, 24 * 30):
        visitors.attend(story.store, relay, PLAIN_CONTEXT, story.now + timedelta(hours=hour))
    assert relay.tried["x@no-such.example"] == 1 + 24 * 7
    assert relay.tried["anna@good.example"] == 1


def test_one_that_is_put_off_is_tried_again_after_a_quarter_of_an_hour() -> None:
    story, relay = Story(), Relay()
    asked(story, "x@no-such.example")
    for minute in range(20):
        relay.works = minute > 3
        visitors.attend(story.store, relay, PLAIN_CONTEXT, story.now + timedelta(minutes=minute))
    assert relay.tried == {"x@no-such.example": 2}


def test_where_the_server_takes_nothing_all_wait_and_the_next_look_tries_again() -> None:
    story, relay = Story(), Relay(DeliveryAbout.SERVER)
    asked(story, "anna@good.example", "bob@good.example")
    visitors.attend(story.store, relay, PLAIN_CONTEXT, story.now)
    assert sum(relay.tried.values()) == 1
    relay.works = True
    visitors.attend(story.store, relay, PLAIN_CONTEXT, story.now + timedelta(seconds=5))
    assert relay.tried.keys() == {"anna@good.example", "bob@good.example"}
