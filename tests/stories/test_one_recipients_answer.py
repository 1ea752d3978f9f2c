"""What a mail server says of itself, or of us, once it knows the recipient may be about that one alone: the mail of
everybody else leaves, in the queue of notices and in that of the help letters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.smtp_server import SmtpServer, smtp_server
from tests.stories.story import Story
from tests.stories.test_letters_put_off import asked
from tests.stories.test_operators_hour import DOMAINS, Hour, everybody_got_it, hour

from arrears.adapters.channels.smtp import SmtpChannel
from arrears.core import facts as f
from arrears.engine.handing_over import BROKE_MAX
from arrears.engine.message_context import PLAIN_CONTEXT, MailLimits
from arrears.engine.people import visitors
from arrears.ports import MailState

ANSWERS = [
    ("RCPT", "421 4.7.0 this mailbox is busy"),
    ("DATA", "421 4.3.2 try again later"),
    ("TEXT", "421 4.7.0 go away"),
    ("RCPT", "530 5.7.0 Must issue a STARTTLS command first"),
    ("RCPT", "535 5.7.8 authentication required for this recipient"),
]
WITH_EACH_PLACE = [(*ANSWERS[0], 1), (*ANSWERS[0], 12), *((*answer, 5) for answer in ANSWERS)]


def address_of(number: int) -> str:
    return f"a{number}@{DOMAINS[number % 3]}"


@pytest.mark.parametrize(("stage", "answer", "number"), WITH_EACH_PLACE)
def test_everybody_elses_reminder_leaves(stage: str, answer: str, number: int, site: str) -> None:
    with hour() as play:
        play.server.refusing, play.server.refused_domains = {stage: answer}, (address_of(number),)
        play.play(20)
        taken = {one.envelope_to for one in play.server.received}
        assert taken == {address_of(n) for n in play.story.numbers if n != number}
        assert (play.story.tasks(), play.log) == ([], []), "mail leaves, and nobody is told otherwise"
        assert not play.story.facts(f.NoticeFailed)
        play.server.refusing = {}
        play.play(16)
        assert everybody_got_it(play)


@pytest.mark.parametrize(("stage", "answer"), ANSWERS)
def test_a_server_that_says_so_to_everybody_is_one_task_and_uses_up_nothing(stage: str, answer: str, site: str) -> None:
    with hour() as play:
        play.server.refusing, play.server.refused_domains = {stage: answer}, DOMAINS
        play.play(20)
        assert play.tasks == {"mail_server": 0}
        [line] = play.log
        assert line.startswith(f"mail_server: no mail leaves: {answer} (12 messages waiting")
        play.server.refusing = {}
        play.play(18)
        assert (play.story.tasks(), play.log[1:]) == ([], ["mail_server: over"])
        assert everybody_got_it(play)


def test_one_address_of_many_accounts_is_one_recipient(site: str) -> None:
    with hour() as play:
        for number in (1, 2, 3, 4):
            one = play.story.inner.reached[number]
            play.story.inner.reached[number] = one._replace(contact=f"{'Own' if number % 2 else 'own'}@a.example")
        play.server.refusing = {"RCPT": ANSWERS[0][1]}
        play.server.refused_domains = ("Own@a.example", "own@a.example")
        play.play(5)
        assert len(play.server.received) == 8
        assert play.log == []


@contextmanager
def letters_server() -> Iterator[tuple[SmtpServer, SmtpChannel]]:
    with smtp_server() as server, closing(SmtpChannel(server.url, "help@example.org", timeout_seconds=5)) as channel:
        yield server, channel


@pytest.mark.parametrize(("stage", "answer", "number"), WITH_EACH_PLACE)
def test_everybody_elses_help_letter_leaves(stage: str, answer: str, number: int, site: str) -> None:
    story = Story()
    asked(story, *map(address_of, range(1, 13)))
    with letters_server() as (server, channel):
        server.refusing, server.refused_domains = {stage: answer}, (address_of(number),)
        for minute in range(20):
            visitors.attend(story.store, channel, PLAIN_CONTEXT, story.now + timedelta(minutes=minute))
        taken = [one.envelope_to for one in server.received]
        assert sorted(taken) == sorted(address_of(n) for n in range(1, 13) if n != number)
        server.refusing = {}
        visitors.attend(story.store, channel, PLAIN_CONTEXT, story.now + timedelta(minutes=40))
        assert len(server.received) == 12


def test_a_server_that_says_so_of_every_help_letter_is_asked_three_times_a_look(site: str) -> None:
    story = Story()
    asked(story, *map(address_of, range(1, 13)))
    with letters_server() as (server, channel):
        server.refusing, server.refused_domains = {"RCPT": ANSWERS[3][1]}, DOMAINS
        visitors.attend(story.store, channel, PLAIN_CONTEXT, story.now)
        assert (len(server.dialogues), len(server.received)) == (3, 0)


@pytest.mark.parametrize(("stage", "answer"), ANSWERS)
def test_one_lone_recipient_of_a_quiet_day_is_not_the_server(stage: str, answer: str, site: str) -> None:
    with hour(accounts=1) as play:
        play.server.refusing, play.server.refused_domains = {stage: answer}, DOMAINS
        play.play(61)
        assert (play.tasks, play.log) == ({}, [])
        [mail] = play.story.store.mails_of(1)
        assert (mail.state, mail.reply) == (MailState.WAITING, answer)


def test_one_domain_that_takes_nothing_keeps_nobody_elses_mail_back_and_is_asked_three_times_a_look(site: str) -> None:
    with hour(accounts=60) as play:
        others = [n for n in play.story.numbers if DOMAINS[n % 3] != "b.example"]
        play.server.refusing, play.server.refused_domains = {"RCPT": ANSWERS[0][1]}, ("b.example",)
        play.play(2)
        assert {one.envelope_to for one in play.server.received} == set(map(address_of, others))
        refused = [line for line in play.server.dialogues if line.startswith("421")]
        assert len(refused) <= BROKE_MAX
        assert (play.story.tasks(), play.log) == ([], [])
        play.server.refusing = {}
        play.play(20)
        assert everybody_got_it(play)


def test_a_day_on_which_nothing_leaves_for_several_addresses_of_the_only_domain_is_said(site: str) -> None:
    with hour(accounts=3) as play:
        for number in play.story.numbers:
            one = play.story.inner.reached[number]
            play.story.inner.reached[number] = one._replace(contact=f"a{number}@b.example")
        play.server.refusing, play.server.refused_domains = {"RCPT": ANSWERS[0][1]}, ("b.example",)
        play.play(20)
        assert play.tasks == {"mail_server": 0}
        [line] = play.log
        assert line.startswith(f"mail_server: no mail leaves: {ANSWERS[0][1]} (3 messages waiting: b.example)")


def test_two_unrelated_recipients_for_whom_nothing_is_taken_are_the_server(site: str) -> None:
    with hour(accounts=2) as play:
        play.server.refusing, play.server.refused_domains = {"RCPT": ANSWERS[0][1]}, DOMAINS
        play.play(2)
        assert play.tasks == {"mail_server": 0}


@pytest.mark.parametrize("kind", ["a wrong password", "no server", "who we are"])
def test_what_only_letters_to_people_who_do_not_sign_in_see_is_the_same_task(kind: str, site: str) -> None:
    """Confirmations of questions have a queue of their own; the operator hears of them what is heard of notices."""
    story = Story(bill=False)
    story.stage.context = replace(PLAIN_CONTEXT, limits=MailLimits())
    with smtp_server(user=("billing", "right")) as server, letters_server() as (open_server, channel):
        play = Hour(story, server, channel, story.now)
        asked(play.story, "anna@good.example")
        urls = {
            "a wrong password": play.server.url.replace("//", "//billing:wrong@"),
            "no server": "smtp://no-such-host.invalid:25",
            "who we are": open_server.url,
        }
        open_server.refusing, open_server.refused_domains = (
            {"MAIL": "553 5.7.1 Sender address rejected"},
            ("good.example",),
        )
        task = "mail_blocked" if kind == "who we are" else "mail_server"
        with closing(SmtpChannel(urls[kind], "help@example.org", timeout_seconds=5)) as play.channel:
            play.play(3)
        assert play.tasks.keys() == {task}
        assert play.log[0].startswith(f"{task}: ")
        assert "good.example" in play.log[0]
        right = play.server.url.replace("//", "//billing:right@")
        with closing(SmtpChannel(right, "help@example.org", timeout_seconds=5)) as play.channel:
            play.play(17)
        assert (play.story.tasks(), play.log[1:]) == ([], [f"{task}: over"])
        assert [one.envelope_to for one in play.server.received] == ["anna@good.example"]
