"""What came back stays so on both stores, whatever is stored after it."""

from __future__ import annotations

from tests.store.contract import AnyStore, at, owing_book, play

from arrears.adapters.services.inprocess import InProcessServices
from arrears.core.states import State
from arrears.engine.messages.bounces import Returned, came_back
from arrears.ports import Delivery, Fate, MailMove, MailState, Message


class Bouncing:
    """A server that takes everything and reports, before its answer is stored, that it came back."""

    def __init__(self, store: AnyStore) -> None:
        self.store, self.recorded = store, 0

    def send(self, message: Message) -> Delivery:
        """See ports.Channel."""
        assert message.at is not None
        returned = Returned(message.id, message.to, "soft", "5.2.2", "552 mailbox full")
        self.recorded += came_back(self.store, returned, message.at)
        return Delivery(Fate.ACCEPTED, "250 queued")

    def look_up(self, message_id: str) -> Fate:
        """See ports.Channel."""
        return Fate.UNKNOWN


def test_an_acceptance_that_is_stored_after_the_report_undoes_nothing(store: AnyStore) -> None:
    [number] = owing_book(store)
    server = Bouncing(store)
    play(store, server, InProcessServices(), 1, 40)
    mails = store.mails_of(number)
    assert server.recorded == len(mails) > 2
    assert {mail.state for mail in mails} == {MailState.CAME_BACK}
    assert {mail.reply for mail in mails} == {"552 mailbox full"}
    [sub] = store.snapshots([number])[number].subscriptions
    assert (sub.state, sub.disable.accepted_at) == (State.PAST_DUE, None)


def test_a_message_that_came_back_is_handed_back_as_it_is(store: AnyStore) -> None:
    [number] = owing_book(store)
    play(store, Bouncing(store), InProcessServices(), 1, 3)
    [mail, *_] = store.mails_of(number)
    was = MailMove(number, mail.seq, mail.no, MailState.CAME_BACK, mail.reply, mail.code)
    with store.accounts([number], at(4)) as batch:
        assert batch.move_mails([was._replace(state=MailState.ACCEPTED, reply="250")], at(4)) == [was]
        assert batch.move_mails([was._replace(state=MailState.BOUNCED_HARD, reply="550")], at(4)) == []
    [mail, *_] = store.mails_of(number)
    assert (mail.state, mail.reply) == (MailState.BOUNCED_HARD, "550")
