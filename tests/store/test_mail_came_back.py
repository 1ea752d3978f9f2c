"""What came back stays so on both stores, whatever is stored after it."""

from __future__ import annotations

from msgspec.structs import replace
from tests.store.contract import AnyStore, at, owing_book, play

from arrears.adapters.services.inprocess import InProcessServices
from arrears.core.states import State
from arrears.engine.messages.bounces import Returned, came_back
from arrears.ports import QUEUED, Delivery, Fate, MailMove, MailState, Message


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


def test_a_message_has_its_turn_once_and_what_was_answered_before_is_kept_with_it(store: AnyStore) -> None:
    numbers = owing_book(store, 3)
    play(store, Bouncing(store), InProcessServices(), 1, 3)
    first, second, third = (mail for number in numbers for mail in store.mails_of(number)[:1])
    again = [
        replace(mail, kind="test", seq=mail.seq + 90, state=MailState.CLAIMED, handing=QUEUED, mark=f"m{mail.account}")
        for mail in (first, second, third)
    ]
    assert store.claim_mails(again, []) == again
    another = replace(again[0], mark="other")
    assert store.claim_mails([another], []) == [], "who has not read the row does not take it from who has"
    assert [store.begin_mail(again[0], []), store.begin_mail(again[0], [])] == [True, False]
    answered = MailMove(again[0].account, again[0].seq, again[0].no, MailState.ACCEPTED, "250 queued", "250")
    assert store.begin_mail(again[1], [answered])
    with store.accounts([again[2].account], at(4)) as batch:
        batch.move_mails([answered._replace(account=again[2].account, state=MailState.CAME_BACK, reply="552")], at(4))
    assert not store.begin_mail(again[2], [answered._replace(account=again[2].account)]), "it has come back meanwhile"
    rows = {mail.account: mail for mail in store.mails_of_notices([(mail.account, mail.seq) for mail in again])}
    found = [(rows[n].state, rows[n].handing, rows[n].reply, rows[n].id) for n in numbers]
    one, two, three = (mail.id for mail in again)
    assert found[0] == (MailState.CLAIMED, "accepted", "250 queued", one)
    assert found[1] == (MailState.CLAIMED, "", again[1].reply, two)
    assert (found[2][0], found[2][2], found[2][3]) == (MailState.CAME_BACK, "552", three)
