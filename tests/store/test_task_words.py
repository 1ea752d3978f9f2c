"""A task about a message that failed says what the mail server said, without saying to whom."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.store.contract import at, owing_book
from tests.store.test_mail_health import Answering
from tests.stories.story import Hands

from arrears.cli.tasks import lines
from arrears.core.address import without_addresses
from arrears.engine.messages.bounces import Returned, came_back
from arrears.engine.perform import perform
from arrears.engine.run import run
from arrears.ports import Delivery, Fate
from arrears.store.postgres.queries import REPLY_SHOWN_MAX, open_tasks
from arrears.store.postgres.store import PostgresStore

FULL = "552 5.2.2 mailbox full " + "x" * 900
POLICY = "550 5.7.1 <A1@example.org>: message refused by policy, see https://mail.example/why?r=12; user A1 knows"


def test_a_refusal_is_told_in_the_servers_own_words(make_postgres: Callable[[], PostgresStore]) -> None:
    store = make_postgres()
    owing_book(store, 1)
    run(store, at(2, 10))
    perform(
        store, Answering({"A1@example.org": Delivery(Fate.REFUSED, reply=POLICY, code="550 5.7.1")}), Hands(), at(2, 10)
    )
    [task] = open_tasks(store)
    assert (task.kind, task.what[-9:]) == ("notice_refused", "550 5.7.1")
    assert task.reply == (
        "550 5.7.1 <A•••@example.org>: message refused by policy, see https://mail.example/why?r=12; user A••• knows"
    )
    [line] = lines([task], each=True)
    assert line[-1] == f'{task.what}; the mail server: "{task.reply}"'


def test_so_is_what_came_back_and_a_page_of_words_is_cut(make_postgres: Callable[[], PostgresStore]) -> None:
    store = make_postgres()
    owing_book(store, 1)
    run(store, at(2, 10))
    perform(store, Answering({}), Hands(), at(2, 10))
    [mail] = store.mails_of(1)
    came_back(store, Returned(mail.id, mail.address, "soft", "5.2.2", FULL), at(2, 11))
    [task] = open_tasks(store)
    assert task.kind == "mail_came_back"
    assert task.reply.startswith("552 5.2.2 mailbox full xxx")
    assert len(task.reply) == REPLY_SHOWN_MAX


def test_what_no_mail_server_said_has_no_words(make_postgres: Callable[[], PostgresStore]) -> None:
    store = make_postgres()
    owing_book(store, 1)
    with store.accounts([1], at(2)) as batch:
        batch.mark_dead("A1@example.org", "5.1.1", at(2))
    run(store, at(2, 10))
    perform(store, Answering({}), Hands(), at(2, 10))
    [task] = open_tasks(store)
    assert (task.kind, task.reply) == ("nobody_reachable", "")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("550 <anna.b@x.example> and bob@y.example.", "550 <a•••@x.example> and b•••@y.example."),
        ("550 ärger@exämple.nl: no", "550 ä•••@exämple.nl: no"),
        ("550 Anna.B is full, annab is not", "550 a••• is full, annab is not"),
        ("421 4.7.0 try @ noon", "421 4.7.0 try @ noon"),
    ],
)
def test_words_name_nobody(words: str, shown: str) -> None:
    assert without_addresses(words, "anna.b@x.example") == shown
