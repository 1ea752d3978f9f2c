"""The operator's hour: what goes wrong with mail as a whole, what staff and the worker's log say, and after how long.

A real mail server on the loopback, and a worker that looks every minute from 09:00 of day 0 on, with twelve reminders
to send to three domains. The clock is an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from tests.smtp_server import Act, SmtpServer, smtp_server
from tests.stories.story import Story

from arrears.adapters.channels.smtp import SmtpChannel
from arrears.core import facts as f
from arrears.engine.message_context import PLAIN_CONTEXT, MailLimits
from arrears.engine.messages.bounces import Returned, came_back
from arrears.engine.run import DEFAULT_LIMITS
from arrears.engine.worker import MailNews, work_once
from arrears.ports import MailHealth, MailState

DOMAINS = ("a.example", "b.example", "c.example")
IP_BLOCKED = "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"
NO_SENDER = "553 5.7.1 Sender address rejected: not owned by user billing"


class AtNow:
    """A clock that shows what the story says."""

    def __init__(self, story: Story) -> None:
        self.story = story

    def now(self) -> datetime:
        """See ports.Clock."""
        return self.story.now


@dataclass
class Hour:
    """What was seen: the first minute of each kind of task, and the worker's lines."""

    story: Story
    server: SmtpServer
    channel: SmtpChannel
    began: datetime
    tasks: dict[str, int] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    after_each: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.news = MailNews(self.log.append)

    def play(self, minutes: int) -> None:
        """A worker that looks every minute."""
        for _ in range(minutes):
            work_once(
                self.story.store, self.channel, self.story.hands, AtNow(self.story), DEFAULT_LIMITS,
                context=self.story.stage.context, tell=self.news.tell,
            )  # fmt: skip
            self.after_each()
            for kind in self.story.tasks():
                self.tasks.setdefault(kind, int((self.story.now - self.began).total_seconds()) // 60)
            self.story.stage.now += timedelta(minutes=1)

    def health(self) -> MailHealth:
        """What `arrears status` reads."""
        return self.story.store.mail_health(self.story.now)


@contextmanager
def hour(url: str = "", accounts: int = 12, **options: object) -> Iterator[Hour]:
    story = Story(accounts=accounts)
    story.stage.context = replace(PLAIN_CONTEXT, limits=MailLimits(bounces_min=10))
    story.until(-1)
    for number in story.numbers:
        one = story.inner.reached[number]
        story.inner.reached[number] = one._replace(contact=f"a{number}@{DOMAINS[number % 3]}")
    story.stage.until(story.instant(0, "08:59"))
    with smtp_server(**options) as server:
        channel = SmtpChannel(url or server.url, "Billing <billing@example.org>", timeout_seconds=5)
        try:
            yield Hour(story, server, channel, story.now + timedelta(minutes=1))
        finally:
            channel.close()


def everybody_got_it(play: Hour) -> bool:
    """Once it is mended: nobody's reminder was used up, and each has it once."""
    taken = [one.envelope_to for one in play.server.received]
    return len(taken) == len(set(taken)) == len(play.story.numbers) and not play.story.facts(f.NoticeFailed)


def test_a_wrong_password_is_said_in_the_first_minute_and_once(site: str) -> None:
    with hour(user=("billing", "right")) as play:
        wrong = SmtpChannel(
            play.server.url.replace("//", "//billing:wrong@"), "Billing <billing@example.org>", timeout_seconds=5
        )
        play.channel, right = (
            wrong,
            SmtpChannel(
                play.server.url.replace("//", "//billing:right@"), "Billing <billing@example.org>", timeout_seconds=5
            ),
        )
        play.play(61)
        assert play.tasks == {"mail_server": 0}
        [line] = play.log
        assert line.startswith("mail_server: no mail leaves: cannot use the mail server 127.0.0.1")
        assert "535" in line
        assert play.health().server.reply.count("535") == 1
        assert play.health().accepted_at is None
        [task] = play.story.inner.tasks.values()
        assert task.times == 1
        play.channel = right
        play.play(5)
        assert (play.story.tasks(), play.log[1:]) == ([], ["mail_server: over"])
        assert everybody_got_it(play)
        wrong.close()
        right.close()


def test_a_mail_server_whose_name_is_gone_is_said_in_the_first_minute(site: str) -> None:
    with hour("smtp://no-such-host.invalid:25") as play:
        play.play(4)
        assert play.tasks == {"mail_server": 0}
        assert "no-such-host.invalid" in play.log[0]
        assert play.health().server.messages >= 1


@dataclass(frozen=True)
class Refusing:
    """A server's answer, to whom, and what is to be seen."""

    answers: Mapping[str, str]
    domains: tuple[str, ...]
    named: str
    stuck: int


REFUSING = {
    "our address is refused": Refusing({"MAIL": NO_SENDER}, DOMAINS, "553 5.7.1", 12),
    "our host is on a block list": Refusing({"RCPT": IP_BLOCKED}, DOMAINS, "554 5.7.1", 12),
    "one provider blocks us": Refusing({"RCPT": IP_BLOCKED}, ("b.example",), "b.example", 4),
    "relaying is denied": Refusing({"RCPT": "554 5.7.1 Relay access denied"}, DOMAINS, "Relay access", 12),
    "the text is refused for who we are": Refusing({"TEXT": IP_BLOCKED}, DOMAINS, "554 5.7.1", 12),
}


@pytest.mark.parametrize("name", REFUSING)
def test_what_is_refused_for_who_we_are_waits_and_is_one_task_within_a_minute(name: str, site: str) -> None:
    case = REFUSING[name]
    with hour() as play:
        play.server.refusing = dict(case.answers)
        play.server.refused_domains = case.domains
        play.play(61)
        assert play.tasks == {"mail_blocked": 0}
        [line] = play.log
        assert line.startswith("mail_blocked: mail of ours is refused for who we are: ")
        assert case.named in line
        assert play.health().sender.messages == case.stuck
        assert len(play.server.received) == 12 - case.stuck, "the others have theirs"
        assert not play.story.facts(f.NoticeFailed)
        play.server.refusing = {}
        play.play(20)
        assert play.story.tasks() == []
        assert play.log[1:] == ["mail_blocked: over"]
        assert everybody_got_it(play)


def test_everything_that_comes_back_is_one_task_within_a_minute(site: str) -> None:
    with hour() as play:
        told: set[str] = set()

        def bounce() -> None:
            mails = [m for number in play.story.numbers for m in play.story.store.mails_of(number)]
            for mail in mails:
                if mail.state is MailState.ACCEPTED and mail.id not in told:
                    told.add(mail.id)
                    came_back(
                        play.story.store, Returned(mail.id, mail.address, "soft", "5.7.1", "blocked"), play.story.now
                    )

        play.after_each = bounce
        play.play(3)
        assert play.tasks["mail_returned"] <= 1
        assert play.tasks["mail_came_back"] == 0, "and each account has a task of its own"
        assert "mail_returned: 12 of 12 messages of the last hour came back" in play.log[0]
        assert play.health().back == 12
        play.play(70)
        assert "mail_returned" not in play.story.tasks(), "an hour without any is over"


def reporting(play: Hour, numbers: Iterable[int], how: str) -> Callable[[], None]:
    """What reports, after each look, that whatever these accounts' addresses took came back."""

    def report() -> None:
        for number in numbers:
            for mail in play.story.store.mails_of(number):
                if mail.state is MailState.ACCEPTED:
                    came_back(play.story.store, Returned(mail.id, mail.address, how, "5.1.1", ""), play.story.now)

    return report


@pytest.mark.parametrize("how", ["hard", "soft"])
def test_one_dead_address_that_many_accounts_share_stops_nobody_elses_mail(how: str, site: str) -> None:
    with hour(accounts=30) as play:
        for number in range(1, 26):
            one = play.story.inner.reached[number]
            play.story.inner.reached[number] = one._replace(contact=("Own" if number % 2 else "own") + "@a.example")
        play.server.refusing = {"RCPT": "451 4.7.1 greylisted"}
        play.server.refused_domains = tuple(f"a{number}@{DOMAINS[number % 3]}" for number in range(26, 31))
        play.after_each = reporting(play, range(1, 26), how)
        play.play(5)
        assert play.health().back == 25
        play.server.refusing = {}
        play.play(20)
        assert set(play.server.refused_domains) <= {one.envelope_to for one in play.server.received}
        assert play.log == []
        assert "mail_paused" not in play.tasks


def test_a_fifth_of_the_addresses_of_the_hour_that_is_dead_stops_mail_and_says_how_many(site: str) -> None:
    with hour() as play:
        play.server.refusing, play.server.refused_domains = {"RCPT": "451 4.7.1 greylisted"}, ("a2@c.example",)
        play.after_each = reporting(play, play.story.numbers, "hard")
        play.play(20)
        [task] = [t for t in play.story.inner.tasks.values() if t.kind == "mail_paused"]
        assert task.what == "11 of 11 addresses of the last hour do not exist; mail waits"
        play.server.refusing, play.after_each = {}, lambda: None
        play.play(65)
        assert "mail_paused" not in play.story.tasks(), "an hour without it is over"
        assert "a2@c.example" in {one.envelope_to for one in play.server.received}


def test_one_mailbox_that_does_not_exist_is_that_accounts_own_matter(site: str) -> None:
    with hour(accounts=2) as play:
        play.server.next_acts.append(Act.REFUSE_RECIPIENT)
        play.play(3)
        assert play.tasks == {"nobody_reachable": 0}
        assert play.log == []
        assert len(play.server.received) == 1
