"""An address that does not exist: said at delivery, shared by accounts, and how often it is written to."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.stories.story import Story
from tests.stories.test_notices import ANNA, known

from arrears.core import facts as f
from arrears.core.messages.content import Role
from arrears.core.states import State
from arrears.engine.messages.bounces import Returned, came_back
from arrears.ports import Delivery, Fate, Message

NO_SUCH_USER = "550 5.1.1 <ann@example.org>: Recipient address rejected: User unknown in virtual mailbox table"


class Refusing:
    """A mail server that says of some addresses that they do not exist, as this program's own adapter reads it."""

    def __init__(self, *gone: str) -> None:
        self.gone = {address.lower() for address in gone}
        self.tried: list[str] = []
        self.taken: list[Message] = []

    def send(self, message: Message) -> Delivery:
        """See ports.Channel."""
        self.tried.append(message.to)
        if message.to.lower() in self.gone:
            return Delivery(Fate.REFUSED, reply=NO_SUCH_USER, code="550 5.1.1", dead=True)
        self.taken.append(message)
        return Delivery(Fate.ACCEPTED)

    def look_up(self, message_id: str) -> Fate:
        """See ports.Channel."""
        return Fate.NOT_SENT


def test_a_mailbox_that_the_server_does_not_know_is_tried_once_and_not_132_times() -> None:
    story = Story()
    story.stage.channel = server = Refusing("a1@example.org")
    story.until(150)
    assert Counter(server.tried) == {"a1@example.org": 1}
    assert story.sub().state is State.PAST_DUE
    assert Counter(story.tasks()) == {"nobody_reachable": 1, "warning_not_accepted": 1}


def test_when_it_dies_at_delivery_what_it_took_before_counts_no_longer() -> None:
    """Between the two warnings the mailbox is closed: the first was accepted, and warned nobody that is there."""
    story = Story().until(24)
    story.stage.channel = Refusing("a1@example.org")
    story.until(45)
    assert story.sub().state is State.PAST_DUE
    [bounced] = [fact for _, fact in story.facts(f.NoticeBounced)]
    assert (bounced.how, bounced.reachable, len(bounced.lost)) == ("hard", False, 1)


@pytest.mark.parametrize("spelt", ["shared@example.org", "Shared@Example.org"])
def test_an_address_of_two_accounts_that_dies_for_one_is_dead_for_both(spelt: str) -> None:
    story = Story(accounts=2)
    for number, address in zip(story.numbers, ("shared@example.org", spelt), strict=True):
        story.inner.reached[number] = story.inner.reached[number]._replace(contact=address)
    story.until(28)
    [first] = [m for m in story.mail.taken if m.id.startswith("a1-")][-1:]
    came_back(story.store, Returned(first.id, "shared@example.org", "hard", "5.1.1", "no such user"), story.now)
    bounced = {
        number: [r.fact for r in story.store.history(number) if isinstance(r.fact, f.NoticeBounced)]
        for number in story.numbers
    }
    assert {number: len(facts) for number, facts in bounced.items()} == {1: 1, 2: 1}
    assert all(facts[0].lost and not facts[0].reachable for facts in bounced.values())
    story.until(45)
    accounts = story.store.snapshots(story.numbers)
    assert {accounts[number].subscriptions[0].state for number in story.numbers} == {State.PAST_DUE}
    assert story.tasks().count("nobody_reachable") == 2
    story.check()


def test_an_address_that_dies_at_delivery_is_dead_for_the_other_account_too() -> None:
    story = Story(accounts=2)
    for number in story.numbers:
        story.inner.reached[number] = story.inner.reached[number]._replace(contact="shared@example.org")
    story.until(24)
    story.stage.channel = server = Refusing("shared@example.org")
    story.until(45)
    assert len(server.tried) <= 2, "of the same batch"
    accounts = story.store.snapshots(story.numbers)
    assert {accounts[number].subscriptions[0].state for number in story.numbers} == {State.PAST_DUE}


def test_who_has_another_address_is_written_to_there_and_at_the_dead_one_never_again() -> None:
    from tests.stories.test_notices import ANNA, known

    story = known(Story(), ANNA)
    story.stage.channel = server = Refusing("anna@contact.example")
    story.until(45)
    assert server.tried.count("anna@contact.example") == 1
    assert story.sub().state is State.DISABLED, "it was announced to the address of her sign-in"
    assert {message.to for message in server.taken} == {"anna@sign-in.example"}


@pytest.mark.parametrize(("day", "last", "state"), [(24, 45, State.PAST_DUE), (62, 140, State.DISABLED)])
def test_a_mailbox_that_dies_under_another_spelling_heard_nothing_under_the_old_one(
    day: int, last: int, state: State
) -> None:
    """The warning was accepted for Anna@; the spelling is corrected, and anna@ turns out not to exist."""
    person = ANNA._replace(sign_in="Anna@x.example", contact="")
    story = known(Story(), person).until(day)
    known(story, person._replace(sign_in="anna@x.example"))
    story.stage.channel = server = Refusing("anna@x.example")
    story.until(last)
    assert server.tried == ["anna@x.example"]
    assert story.sub().state is state
    assert "nobody_reachable" in story.tasks()
    story.check()


def test_who_died_and_was_taken_off_the_account_has_no_warning_that_the_other_gave_back() -> None:
    """Both warnings went to both; the reader's mailbox returns the second, the administrator's is full."""
    reader = ANNA._replace(no=2, role=Role.READER, sign_in="rob@x.example", contact="")
    story = known(Story(), ANNA, reader).until(28)
    gone = {m.to: m for m in story.mail.taken}["rob@x.example"]
    came_back(story.store, Returned(gone.id, gone.to, "hard", "5.1.1", "no such user"), story.now)
    known(story, ANNA)
    for full in [m for m in story.mail.taken if m.to in ANNA.addresses]:
        came_back(story.store, Returned(full.id, full.to, "soft", "5.2.2", "full"), story.now)
    story.mail.works = False
    assert story.until(45).sub().state is State.PAST_DUE
    story.check()
