"""One contract, two stores: support requests, what holds once, links and letters."""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg
import pytest
from tests.store.contract import API, NO, AnyStore, at, owing_book, play

from arrears.adapters.channels.memory import MemoryChannel
from arrears.core.account import Stop
from arrears.core.messages.kinds import MessageKind
from arrears.core.people.support import About, Via
from arrears.engine import commands
from arrears.engine.booking import Payment
from arrears.engine.message_context import PLAIN_CONTEXT
from arrears.engine.people import support, visitors
from arrears.ports import Obeyed, Order
from arrears.ports.support import ConversationEntry, Request


class Busy:
    """A service that takes orders and never carries them out."""

    def order(self, order: Order, now: object) -> None:
        """See ports.Services."""


class Quick:
    """A service that stops at once, and never starts again."""

    def order(self, order: Order, now: datetime) -> Obeyed | None:
        """See ports.Services."""
        return Obeyed(now) if order.command == "disable" else None


def asked(account: int = 1, case: int = 1, slot: str = "cannot_pay", via: Via = Via.ADMINISTRATOR) -> Request:
    return Request(
        *(0, account, 0, About.CANNOT_PAY, via, "open", case, slot, (1, 2) if slot else (), 7),
        *("Anna", "", "Bakery", "I-1", "nl", at(3)),
    )


def test_a_request_reads_back_as_it_was_written(store: AnyStore) -> None:
    first = store.add_request(asked(), "Please help\nsoon")
    second = store.add_request(asked(slot="")._replace(address="A@example.org"), "Again")
    found = store.support_request(first)
    assert found == asked()._replace(number=first)
    assert store.support_request(second + 1) is None
    assert [r.number for r in store.requests_of(1)] == [second, first]
    assert store.requests_of(2) == []
    store.add_entry(ConversationEntry(first, 0, "staff:1", "We will", 5, at(4)))
    store.add_entry(ConversationEntry(first, 0, "", "Thanks", 6, at(5)))
    said = [(e.no, e.author, e.body, e.seq, e.at) for e in store.support_entries(first)]
    assert said == [
        (1, "", "Please help\nsoon", 0, at(3)),
        (2, "staff:1", "We will", 5, at(4)),
        (3, "", "Thanks", 6, at(5)),
    ]
    store.move_request(first, "answered")
    store.add_hold(first, 9)
    assert store.support_request(first) == found._replace(state="answered", holds=(1, 2, 9))
    assert [r.number for r in store.waiting_requests(9, every=False)] == [second]
    assert [r.number for r in store.waiting_requests(9, every=True)] == [second, first]
    assert store.slots_held(1, 1) == {"cannot_pay"}
    assert store.requests_since(at(2), 1, Via.ADMINISTRATOR) == 2
    assert store.requests_since(at(3), 1, Via.ADMINISTRATOR) == store.requests_since(at(2), 1, Via.READER) == 0


def test_what_holds_holds_once_in_a_case(store: AnyStore) -> None:
    store.add_request(asked(), "one")
    with pytest.raises((*NO, psycopg.IntegrityError)):
        store.add_request(asked(), "two")
    for another in (asked(slot="other"), asked(case=2), asked(account=2), asked(slot=""), asked(slot="")):
        assert store.add_request(another, "more")
    last = store.support_request(store.add_request(asked(0, 0, "", Via.ANONYMOUS), "more"))
    assert last is not None
    with pytest.raises((*NO, psycopg.IntegrityError)):
        store.place_request(last._replace(account=1, case=1, slot="cannot_pay", holds=(3,)))
    assert store.support_request(last.number) == last
    assert store.place_request(last._replace(account=1, seq=7))
    assert not store.place_request(last._replace(account=2, seq=7))
    found = store.support_request(last.number)
    assert found is not None
    assert (found.account, found.seq) == (1, 7)


def test_a_stranger_is_confirmed_once_and_then_waits_for_its_place(store: AnyStore) -> None:
    unknown = asked(0, 0, "", Via.ANONYMOUS)._replace(state="unconfirmed", person=0)
    number = store.add_request(unknown, "help")
    assert store.waiting_requests(9, every=True) == []
    assert store.requests_of(0) == []
    assert store.confirm_request(number)
    assert not store.confirm_request(number)
    assert [r.number for r in store.requests_to_place(9)] == [number]
    assert [r.number for r in store.waiting_requests(9, every=False)] == [number]


def test_links_open_what_they_were_made_for_while_they_last(store: AnyStore) -> None:
    number = store.add_request(asked(), "help")
    store.add_support_link(b"c" * 32, number, "confirm", at(3))
    store.add_support_link(b"r" * 32, number, "conversation", at(4))
    found = store.request_by_link(b"c" * 32, "confirm", at(2))
    assert found is not None
    assert found.number == number
    assert store.request_by_link(b"c" * 32, "conversation", at(2)) is None
    assert store.request_by_link(b"c" * 32, "confirm", at(3)) is None
    assert store.request_by_link(b"x" * 32, "confirm", at(2)) is None
    assert store.request_by_link(b"r" * 32, "conversation", at(3)) is not None


def test_letters_are_claimed_in_order_and_by_one_at_a_time(store: AnyStore) -> None:
    number = store.add_request(asked(), "help")
    for kind in (MessageKind.SUPPORT_CONFIRM, MessageKind.SUPPORT_RECEIVED):
        store.add_letter(number, kind, at(3))
    [first] = store.claim_letters(at(4), at(3), 1)
    assert (first.request, first.kind, first.claimed_at) == (number, MessageKind.SUPPORT_CONFIRM, None)
    [second] = store.claim_letters(at(4), at(3), 5)
    assert second.kind is MessageKind.SUPPORT_RECEIVED
    assert store.claim_letters(at(4), at(3), 5) == []
    store.end_letter(first.no, "waiting", at(4))
    store.end_letter(second.no, "accepted", at(4))
    [again] = store.claim_letters(at(5), at(4), 5)
    assert (again.no, again.claimed_at) == (first.no, None)
    [stuck] = store.claim_letters(at(7), at(6), 5)
    assert (stuck.no, stuck.claimed_at) == (first.no, at(5))


@pytest.mark.sample(10)
@pytest.mark.parametrize(
    ("known_by", "company", "found"),
    [
        ("A1", "", [1]), ("acc_2", "", [2]), ("I2", "", [2]), ("", "somebody", [1, 2]), ("", " SOMEBODY ", [1, 2]),
        ("2", "", []), ("acc_", "", []), ("acc_99999999999999999999", "", []), ("acc_²", "", []), ("", "", []),
        ("acc_-1", "", []), ("I9", "Somebody else", []), ("' OR 1=1 --", "%", []),
    ],
)  # fmt: skip
def test_accounts_are_found_by_what_people_have(store: AnyStore, known_by: str, company: str, found: list[int]) -> None:
    owing_book(store, 2)
    assert list(store.accounts_known_by(known_by, company)) == found


def test_a_request_its_holds_and_its_tasks_are_one_transaction(store: AnyStore) -> None:
    owing_book(store, 1)
    play(store, MemoryChannel(), Quick(), 1, 40)
    opened = support.open_request(store, 1, Via.ADMINISTRATOR, About.OTHER, "help", at(40, 12), "person:1")
    assert store.support_request(opened.number) == opened
    assert store.tasks_open(1, [opened.seq, 1]) == [opened.seq]
    support.answer(store, opened.number, "yes", at(40, 13), "staff:1")
    assert store.tasks_open(1, [opened.seq]) == []
    support.grant_hold(store, opened.number, (Stop.DELETE,), 30, "more time", at(40, 14), "staff:1")
    found = store.support_request(opened.number)
    assert found is not None
    assert (found.state, found.holds) == ("answered", (1, 2, 3))
    assert [h.no for h in store.snapshots([1])[1].holds] == [1, 2, 3]
    before = store.digest(), store.requests_of(1)
    with pytest.raises(NO):
        support.say(store, opened.number, " ", at(41), "person:1")
    assert (store.digest(), store.requests_of(1)) == before


def test_what_is_late_opens_its_request_in_both(store: AnyStore) -> None:
    owing_book(store, 1)
    play(store, MemoryChannel(), Quick(), 1, 40)
    commands.record_payments(store, [Payment(1, "P-late", "EUR", 12_000, (1,))], at(40, 12), API)
    play(store, MemoryChannel(), Busy(), 41, 43)
    [late] = store.requests_of(1)
    order = store.snapshots([1])[1].subscription(1).orders[0]
    assert (late.via, late.state, late.seq) == (Via.ARREARS, "open", order.late_seq)
    assert store.payment_of_fact(1, order.given_seq) == "P-late"
    assert store.payment_of_fact(1, 1) == ""
    assert store.support_entries(late.number) == []


def test_two_workers_place_a_request_once(store: AnyStore) -> None:
    owing_book(store, 1)
    play(store, MemoryChannel(), Quick(), 1, 40)
    number = visitors.ask(
        store, visitors.Visitor("P", "p@mail.example", "", "A1", "nl"), About.OTHER, "help", at(40, 12)
    )
    channel = MemoryChannel()
    visitors.attend(store, channel, PLAIN_CONTEXT, at(40, 12))
    assert store.confirm_request(number)
    waiting = store.requests_to_place(9)
    assert visitors.place_confirmed(store, at(40, 13)) == 1
    for one in waiting:
        with pytest.raises(NO):
            support.place(store, one.number, 1, at(40, 13), "arrears")
    assert len(store.snapshots([1])[1].holds) == 1
    assert store.claim_letters(at(40, 14), at(40, 14) - timedelta(hours=1), 9) == []
