"""Who is told what, and what becomes of a message (spec, sections 3 and 7). The scenarios are in test_reported.py."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs
from tests.sizes import few
from tests.stories.story import API, Story

from arrears.core import facts as f
from arrears.core.account import Mode
from arrears.core.messages.content import Role
from arrears.core.messages.recipients import ContactPerson, Extra
from arrears.core.states import State
from arrears.engine import commands
from arrears.engine.message_context import PLAIN_CONTEXT, MailLimits
from arrears.engine.messages.bounces import Returned, came_back
from arrears.engine.people import profile
from arrears.ports import Delivery, Fate, MailState, Message
from arrears.wiring import texts

ANNA = ContactPerson(1, Role.ADMINISTRATOR, "Anna", "anna@sign-in.example", "anna@contact.example", "nl", "")
SAM = ContactPerson(2, Role.READER, "Sam", "sam@sign-in.example", "", "en", "America/New_York")
OPS = Extra("ops@technical.example", "", "")


def known(story: Story, *people: ContactPerson, extras: tuple[Extra, ...] = ()) -> Story:
    """People who can be reached on the story's account."""
    was = story.inner.reached[story.no]
    story.inner.reached[story.no] = was._replace(people=people or (ANNA, SAM), extras=extras)
    return story


def sent(story: Story) -> list[tuple[str, str]]:
    """What was taken, in order: kind and address."""
    return [(message.subject, message.to) for message in story.mail.taken]


def states(story: Story) -> dict[str, str]:
    """How far each message is, by address; of several the last."""
    return {mail.address: mail.state.value for mail in story.store.mails_of(story.no)}


def bounce(story: Story, address: str, how: str = "hard", message: str = "") -> int:
    """The server reports that mail to this address came back."""
    named = message or next(m.id for m in reversed(story.mail.taken) if m.to == address)
    return came_back(story.store, Returned(named, address, how, "5.1.1", f"550 5.1.1 <{address}> unknown"), story.now)


# -- who -------------------------------------------------------------------------------------------------------------


def test_a_declined_charge_is_told_at_once_to_the_administrator_alone() -> None:
    story = known(Story().until(-1, "10:00")).decline()
    assert sent(story) == [("declined", "anna@contact.example")]
    assert "Invoice I1-1, due 2026-01-01: €120.00 open." in story.mail.taken[0].text
    story.decline().decline().until(0).decline()
    assert len(story.mail.taken) == 1, "told once, however often it is reported"
    story.check()


def test_an_unpaid_bill_of_an_account_that_pays_by_transfer_is_told_the_same_way() -> None:
    story = known(Story(mode=Mode.INVOICE)).until(0, "09:00")
    assert sent(story) == [("reminder", "anna@contact.example")]


def test_who_pays_by_transfer_is_told_how_and_hears_nothing_of_cards() -> None:
    for mode, transfer in ((Mode.INVOICE, True), (Mode.CARD, False)):
        story = known(Story(mode=mode))
        story.stage.context = replace(story.stage.context, writer=texts())
        story.until(28)
        told = [" ".join(m.text.split()) for m in story.mail.taken if m.to.startswith("anna")]
        assert told
        for text in told:
            assert ("Maak het bedrag over zoals op de factuur staat en vermeld I1-1." in text) is transfer, text
            about_cards = ("een andere kaart", "geen betaalmethode ingesteld")
            assert any(words in text for words in about_cards) is not transfer


def test_a_debt_of_which_a_part_is_paid_or_whose_money_left_again_is_never_called_not_paid() -> None:
    for paid, said in ((2_000, "maar voor een deel betaald"), (12_000, "de betaling is teruggeboekt")):
        story = known(Story().until(1))
        story.stage.context = replace(story.stage.context, writer=texts())
        story.pay(paid)
        if paid == 12_000:
            story.reopen()
        story.until(8)
        text = " ".join(story.mail.taken[-1].text.split())
        assert said in text
        assert "niet op tijd betaald" not in text


def test_warnings_go_to_everybody_at_once_and_reminders_to_one() -> None:
    story = known(Story(), ANNA, SAM, extras=(OPS,)).until(40)
    everybody = ["anna@contact.example", "anna@sign-in.example", "sam@sign-in.example", "ops@technical.example"]
    assert [to for kind, to in sent(story) if kind == "reminder"] == ["anna@contact.example"] * 4
    assert [to for kind, to in sent(story) if kind == "stop warning"] == everybody * 2
    assert [to for kind, to in sent(story) if kind == "stopped"] == everybody
    story.check()


def test_mail_goes_to_the_new_address_from_the_moment_it_is_changed() -> None:
    story = known(Story()).until(1)
    known(story, ANNA._replace(contact="anna@new.example")).until(4)
    assert sent(story) == [("reminder", "anna@contact.example"), ("reminder", "anna@new.example")]


def test_what_waited_for_the_old_address_never_goes_there() -> None:
    story = known(Story())
    story.mail.works, story.mail.down = False, True
    story.until(1)
    assert states(story) == {"anna@contact.example": "waiting"}
    known(story, ANNA._replace(contact="anna@new.example"))
    story.mail.works = True
    story.until(2)
    assert sent(story) == [("reminder", "anna@new.example")]
    assert states(story) == {"anna@contact.example": "dropped", "anna@new.example": "accepted"}
    story.check()


def test_an_authorisation_that_was_declined_is_told_before_anything_is_owed() -> None:
    story = known(Story(bill=False))
    commands.report_authorisation_declined(story.store, story.no, "EUR", 25_000, "", story.now, API)
    assert sent(story.run()) == [("authorisation declined", "anna@contact.example")]
    assert (story.sub().state, story.account.case) == (State.ACTIVE, None)
    story.check()


def test_a_payment_and_the_service_that_is_back_are_told_at_once_in_one_message_each() -> None:
    story = known(Story(services=("cloud", "mail")), ANNA).until(41)
    before = len(story.mail.taken)
    story.hands.busy = True
    story.pay().until(42, "11:00")
    assert sent(story)[before:] == [("settled", "anna@contact.example")]
    assert "About: cloud, mail." in story.mail.taken[-1].text
    story.hands.busy = False
    story.run().until(43)
    assert sent(story)[before + 1 :] == [("resumed", "anna@contact.example")]
    assert "About: cloud, mail." in story.mail.taken[-1].text
    story.check()


# -- once ------------------------------------------------------------------------------------------------------------


def test_one_day_has_one_message_of_a_kind_that_lists_every_debt_and_date() -> None:
    story = known(Story(services=("cloud", "mail"), bill=False), ANNA)
    story.bill(-1, subscriptions=(1,))
    story.bill(-1, 4_000, subscriptions=(2,))
    story.until(21)
    warned = [m for m in story.mail.taken if m.subject == "stop warning"]
    assert [m.to for m in warned] == ["anna@contact.example", "anna@sign-in.example"]
    for line in ("cloud: the service stops on 2026-02-01", "mail: the service stops on 2026-02-01", "€160.00"):
        assert line in warned[0].text


def test_an_address_that_has_had_its_message_of_the_day_gets_the_next_tomorrow() -> None:
    story = known(Story(), ANNA).until(0)
    [(account, seq)] = [(r.account, r.seq) for r in story.history() if isinstance(r.fact, f.Noticed)]
    was = story.inner.mail_rows[account, seq][1]
    again = structs.replace(was, seq=seq + 1, state=MailState.CLAIMED)
    assert story.store.claim_mails([again], []) == []
    assert story.store.claim_mails([structs.replace(again, on_day=was.on_day + timedelta(1))], []) != []


@pytest.mark.parametrize(("per_hour", "taken"), [(0, 0), (2, 2), (100, 5)])
def test_no_more_than_the_limit_leaves_in_an_hour_and_nothing_is_lost(per_hour: int, taken: int) -> None:
    story = Story(accounts=5)
    story.stage.context = replace(PLAIN_CONTEXT, limits=MailLimits(per_hour=per_hour))
    for _ in range(5):
        story.until(0, "09:00")
    story.stage.perform()
    assert len(story.mail.taken) in (taken, 5 if per_hour else 0)
    story.stage.context = PLAIN_CONTEXT
    story.until(0, "15:00").run()
    assert len(story.mail.taken) == 5


def test_an_address_gets_no_more_than_its_limit_in_a_day() -> None:
    story = Story(accounts=40)
    for number in story.numbers:
        story.inner.reached[number] = story.inner.reached[number]._replace(contact="all@example.org")
    story.stage.context = replace(PLAIN_CONTEXT, limits=MailLimits(per_recipient_a_day=30))
    story.until(0, "23:00")
    assert len(story.mail.taken) == 30
    story.until(1, "12:00")
    assert len(story.mail.taken) == 40
    story.check()


# -- what comes back ---------------------------------------------------------------------------------------------


def test_after_a_hard_bounce_the_sign_in_address_gets_it_and_everything_after_it() -> None:
    story = known(Story(), ANNA).until(0)
    assert bounce(story, "anna@contact.example") == 1
    story.until(3)
    addresses = ["anna@contact.example", "anna@sign-in.example", "anna@sign-in.example"]
    assert sent(story) == [("reminder", address) for address in addresses]
    assert states(story)["anna@contact.example"] == "bounced_hard"
    assert story.tasks() == [], "somebody can be reached"
    story.check()


def test_a_warning_that_only_a_dead_address_took_is_no_warning_and_the_date_moves() -> None:
    story = known(Story(), ANNA._replace(contact="")).until(28)
    bounce(story, "anna@sign-in.example")
    assert story.sub().disable.accepted_at is None
    story.until(60)
    assert story.sub().state is State.PAST_DUE
    assert "nobody_reachable" in story.tasks()
    story.check()


def test_a_warning_that_somebody_else_got_as_early_counts_on() -> None:
    story = known(Story(), ANNA, SAM).until(21)
    accepted_at = story.sub().disable.accepted_at
    assert bounce(story, "anna@contact.example") + bounce(story, "anna@sign-in.example") == 2
    assert story.sub().disable.accepted_at == accepted_at
    assert story.until(31).sub().state is State.DISABLED
    story.check()


def test_nothing_is_deleted_while_nobody_can_be_reached() -> None:
    story = known(Story(), ANNA).until(40)
    for person in (ANNA.contact, ANNA.sign_in):
        bounce(story, person)
    story.until(400)
    assert story.sub().state is State.DISABLED
    assert "nobody_reachable" in story.tasks()
    known(story, ANNA._replace(contact="anna@new.example")).until(420)
    assert story.sub().state is State.DELETED, "announced again, with its whole lead"
    story.check()


def test_a_complaint_is_noted_and_its_warning_counts_on_though_the_other_came_back() -> None:
    story = known(Story(), ANNA).until(21)
    accepted_at = story.sub().disable.accepted_at
    assert bounce(story, "anna@contact.example", "soft") + bounce(story, "anna@sign-in.example", "complaint") == 2
    assert story.sub().disable.accepted_at == accepted_at
    assert states(story) == {"anna@contact.example": "came_back", "anna@sign-in.example": "complained"}
    story.check()


@pytest.mark.parametrize(
    ("message", "address"),
    [
        ("a1-999-1", "anna@contact.example"),
        ("a77-1-1", "anna@contact.example"),
        ("a1-6-9", "anna@contact.example"),
        ("a1-6-1", "anna@contact.example"),
        ("a1-6-1-abcdefgh", "anna@contact.example"),
        ("x", "anna@contact.example"),
        ("", "nobody@example.org"),
        ("", ""),
    ],
)
def test_a_report_about_something_that_was_never_sent_there_changes_nothing(message: str, address: str) -> None:
    story = known(Story(), ANNA).until(0)
    facts = len(story.history())
    assert came_back(story.store, Returned(message, address, "hard", "5.1.1", ""), story.now) == 0
    assert len(story.history()) == facts


def test_the_same_report_a_hundred_times_is_one_bounce() -> None:
    story = known(Story(), ANNA).until(0)
    name = story.mail.taken[0].id
    assert sum(bounce(story, "anna@contact.example", message=name) for _ in range(100)) == 1
    assert len(story.facts(f.NoticeBounced)) == 1


def test_a_providers_report_without_our_id_is_about_the_last_message_to_its_address() -> None:
    story = known(Story(), ANNA).until(7)
    returned = Returned("", "anna@contact.example", "hard", "5.1.1", "", by_provider=True)
    assert came_back(story.store, returned, story.now) == 1
    assert [fact.message for _, fact in story.facts(f.NoticeBounced)] == [1]
    assert [m.to for m in story.run().mail.taken][-1] == "anna@sign-in.example"


def test_what_people_ask_for_themselves_leaves_in_a_storm_and_letters_to_others_wait() -> None:
    story = Story(accounts=30)
    story.stage.context = replace(PLAIN_CONTEXT, limits=MailLimits())
    known(story, ANNA._replace(sign_in=ANNA.contact)).until(21, "09:00")
    for message in [m for m in story.mail.taken if m.subject == "stop warning" and m.to != ANNA.contact]:
        came_back(story.store, Returned(message.id, message.to, "hard", "5.1.1", ""), story.now)
    before = len(story.mail.taken)
    profile.send_test(story.store, story.no, ANNA.no, story.now, "person:1")
    story.run()
    assert story.tasks().count("mail_paused") == 1
    assert sent(story)[before:] == [("test", ANNA.contact)]


@pytest.mark.turn(2)
def test_a_storm_of_bounces_stops_the_mail_and_makes_one_task() -> None:
    story = Story(accounts=few(120, 1000))
    story.stage.context = replace(PLAIN_CONTEXT, limits=MailLimits())
    story.until(21, "09:00")
    before = len(story.mail.taken)
    lucky, others = story.numbers[:10], story.numbers[10:]
    for number in lucky:
        story.inner.reached[number] = story.inner.reached[number]._replace(contact=f"new{number}@example.org")
    for message in [m for m in story.mail.taken if m.subject == "stop warning"]:
        came_back(story.store, Returned(message.id, message.to, "hard", "5.1.1", ""), story.now)
    story.run()
    assert len(story.mail.taken) == before, "mail waits, also what could go to a new address"
    assert story.tasks().count("mail_paused") == 1
    story.until(29)
    assert "mail_paused" not in story.tasks(), "it is over, and nobody had to do anything"
    assert {message.to for message in story.mail.taken[before:]} == {f"new{number}@example.org" for number in lucky}
    story.until(45)
    accounts = story.store.snapshots(story.numbers)
    assert {accounts[number].subscriptions[0].state for number in others} == {State.PAST_DUE}
    assert {accounts[number].subscriptions[0].state for number in lucky} == {State.DISABLED}
    story.check()


# -- servers in a bad mood -----------------------------------------------------------------------------------------


class Greylisting:
    """A server that takes nothing for some addresses for a day, and everything else at once."""

    def __init__(self, story: Story, *addresses: str) -> None:
        self.story, self.addresses, self.taken = story, addresses, list[Message]()

    def send(self, message: Message) -> Delivery:
        """See ports.Channel."""
        if message.to in self.addresses and self.story.now < self.story.instant(22):
            return Delivery(Fate.NOT_SENT, reply="451 4.7.1 try again later", code="451 4.7.1")
        self.taken.append(message)
        return Delivery(Fate.ACCEPTED, reply="250 2.0.0 queued")

    def look_up(self, message_id: str) -> Fate:
        """See ports.Channel."""
        return Fate.UNKNOWN


def test_an_address_that_is_greylisted_holds_nobody_else_up_and_gets_it_in_the_end() -> None:
    story = known(Story(), ANNA, SAM)
    story.stage.channel = channel = Greylisting(story, "anna@contact.example")
    story.until(21, "10:00")
    assert [m.to for m in channel.taken if m.subject == "stop warning"] == [
        "anna@sign-in.example",
        "sam@sign-in.example",
    ]
    assert story.sub().disable.accepted_at == story.instant(21, "09:00"), "somebody has it"
    story.until(22, "10:00").run()
    assert "anna@contact.example" in [m.to for m in channel.taken]
    assert states(story)["sam@sign-in.example"] == "accepted"
    story.check()


def test_the_servers_words_are_kept_with_the_message_and_not_in_the_facts() -> None:
    story = known(Story(), ANNA)
    story.stage.channel = channel = Greylisting(story)
    story.until(0)
    [mail] = story.store.mails_of(story.no)
    assert (mail.reply, mail.state, mail.text) == ("250 2.0.0 queued", MailState.ACCEPTED, channel.taken[0].text)
    [(_, accepted)] = story.facts(f.NoticeAccepted)
    assert accepted.digest == mail.digest
    assert not any("example" in str(recorded.fact) for recorded in story.history())
