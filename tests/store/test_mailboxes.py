"""Both stores compare addresses by one function of ours, whatever the database's locale makes of letters."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.store.contract import AnyStore, at, new_account, open_book
from tests.store.test_mail_health import Answering
from tests.stories.story import Hands

from arrears.core.address import domain_of, mailbox_of
from arrears.engine import commands
from arrears.engine.message_context import PLAIN_CONTEXT, MailLimits
from arrears.engine.perform import perform
from arrears.engine.run import run
from arrears.ports import MailState

ONE_MAILBOX = [
    ("Anna@Example.org", "anna@example.org"),
    ("ÄRGER@exämple.nl", "ärger@xn--exmple-cua.nl"),
    ("ÄRGER@EXÄMPLE.NL", "ärger@exämple.nl"),
    ("A\u0308RGER@example.org", "ärger@example.org"),
    ("İSA@example.org", "i\u0307sa@example.org"),
    ("STRAẞE@example.org", "straße@example.org"),
    ("ΆΝΝΑ@example.org", "άννα@example.org"),
]
TWO_MAILBOXES = [
    ("ISA@example.org", "ısa@example.org"),
    ("straße@example.org", "strasse@example.org"),
    ("ärger@example.org", "arger@example.org"),
]


@pytest.mark.parametrize(
    ("one", "other", "same"), [*((*p, True) for p in ONE_MAILBOX), *((*p, False) for p in TWO_MAILBOXES)]
)
def test_two_spellings_are_one_mailbox_or_two(one: str, other: str, same: bool) -> None:
    assert (mailbox_of(one) == mailbox_of(other)) is same
    assert mailbox_of(mailbox_of(one)) == mailbox_of(one), "what is stored stays"


def test_a_domain_that_servers_read_in_two_ways_is_neither_of_both() -> None:
    assert mailbox_of("anna@straße.example") != mailbox_of("anna@strasse.example")


def test_the_domain_of_an_address_is_its_last_part() -> None:
    assert domain_of('"a@b"@Exämple.NL') == "xn--exmple-cua.nl"
    assert domain_of("+31612345678") == "+31612345678"


def owing(store: AnyStore, *addresses: str) -> list[int]:
    """An account for each address, all past due."""
    open_book(store, 0)
    new = [(new_account(f"B{n}")._replace(contact=to), ["cloud"]) for n, to in enumerate(addresses)]
    numbers = commands.open_accounts(store, new, at(1), "api:1")
    issued = [commands.Invoice(n, f"B{n}", "EUR", 12_000, at(1).date(), at(1).date(), (1,)) for n in numbers]
    commands.issue_invoices(store, issued, at(1), "api:1")
    return numbers


@pytest.mark.sample(6)
@pytest.mark.parametrize(("one", "other"), ONE_MAILBOX)
def test_a_mailbox_that_died_under_one_spelling_is_dead_under_another(one: str, other: str, store: AnyStore) -> None:
    first, second = owing(store, one, other)
    run(store, at(2, 10))
    perform(store, Answering({}), Hands(), at(2, 10))
    assert (
        {m.account for m in store.mails_to(one, at(1))}
        == {first, second}
        == {m.account for m in store.mails_to(other, at(1))}
    )
    assert store.mail_counts(at(2, 10), {mailbox_of(one)}).to == {(mailbox_of(other), "reminder"): 2}
    assert store.mail_health(at(2, 10)).addresses == 1
    with store.accounts([first], at(3)) as batch:
        batch.mark_dead(one, "5.1.1", at(3))
    assert store.contacts([second])[second].is_dead(other)


@pytest.mark.parametrize(("one", "other"), TWO_MAILBOXES)
def test_another_letter_is_another_mailbox(one: str, other: str, store: AnyStore) -> None:
    first, second = owing(store, one, other)
    with store.accounts([first], at(3)) as batch:
        batch.mark_dead(one, "5.1.1", at(3))
    assert not store.contacts([second])[second].dead
    assert store.contacts([first])[first].is_dead(one)


def test_the_most_of_a_day_counts_spellings_together_and_what_is_held_back_says_so(store: AnyStore) -> None:
    numbers = owing(store, "ÄRGER@xn--exmple-cua.nl", "ärger@xn--exmple-cua.nl", "Ärger@xn--exmple-cua.nl")
    context = replace(PLAIN_CONTEXT, limits=MailLimits(per_recipient_a_day=2))
    run(store, at(2, 10))
    for hour in (10, 11):
        perform(store, Answering({}), Hands(), at(2, hour), context=context)
        mails = [m for number in numbers for m in store.mails_of(number)]
        assert [m.state for m in mails] == [MailState.ACCEPTED, MailState.ACCEPTED, MailState.WAITING]
        assert mails[2].reply.startswith("not tried: its address has had 2 messages of this kind in 24 hours")
        health = store.mail_health(at(2, hour))
        assert (health.limit.messages, health.limit.named) == (1, ("xn--exmple-cua.nl",))
    for day in (3, 4):
        perform(store, Answering({}), Hands(), at(day, 9) + timedelta(hours=1), context=context)
    assert {m.state for number in numbers for m in store.mails_of(number)} == {MailState.ACCEPTED}
    assert store.mail_health(at(4, 10)).limit.messages == 0
