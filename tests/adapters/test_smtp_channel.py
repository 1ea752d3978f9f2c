"""The e-mail channel against a real mail server that misbehaves as it is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

import pytest
from tests.smtp_server import Act, SmtpServer, smtp_server

from arrears.adapters.channels.bounces import bounces_in
from arrears.adapters.channels.smtp import SmtpChannel
from arrears.core.errors import Refused
from arrears.ports import Delivery, DeliveryAbout, Fate, Message

SENDER = "Acmé Billing <billing@acme.example>"
MESSAGE = Message("a12-3", "jo@example.org", "Your invoice", "You owe € 12.\n", "<p>You owe € 12.</p>")


@pytest.fixture(autouse=True, scope="module")
def _django(site: str) -> None:
    """Django is set up: see tests/site.py."""


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with smtp_server() as running:
        yield running


@contextmanager
def channel_to(url: str, timeout_seconds: int = 5, **more: str) -> Iterator[SmtpChannel]:
    with closing(SmtpChannel(url, SENDER, timeout_seconds=timeout_seconds, **more)) as channel:
        yield channel


FATES = [
    (Act.ACCEPT, Fate.ACCEPTED, "250 2.0.0 queued as 1", 1),
    (Act.REFUSE_SENDER, Fate.NOT_SENT, "550 5.7.1 sender not allowed", 0),
    (Act.REFUSE_RECIPIENT, Fate.REFUSED, "550 5.1.1 no such user here", 0),
    (Act.REFUSE_DATA, Fate.REFUSED, "554 5.6.0 not this text", 0),
    (Act.DEFER_SENDER, Fate.NOT_SENT, "451 4.3.0 try again later", 0),
    (Act.DEFER_RECIPIENT, Fate.NOT_SENT, "451 4.7.1 greylisted", 0),
    (Act.DEFER_DATA, Fate.NOT_SENT, "452 4.3.1 disk is full", 0),
    (Act.GOODBYE, Fate.NOT_SENT, "421 4.3.2 shutting down", 0),
    (Act.DROP_AT_RECIPIENT, Fate.NOT_SENT, "no answer to RCPT", 0),
    (Act.DROP_UNREAD, Fate.UNKNOWN, "without an answer", 0),
    (Act.DROP_ACCEPTED, Fate.UNKNOWN, "without an answer", 1),
    (Act.BABBLE, Fate.UNKNOWN, "not SMTP", 1),
]


@pytest.mark.parametrize(("act", "fate", "reply", "kept"), FATES)
def test_what_became_of_a_message_is_told_in_the_servers_words(
    server: SmtpServer, act: Act, fate: Fate, reply: str, kept: int
) -> None:
    server.act = act
    with channel_to(server.url) as channel:
        delivery = channel.send(MESSAGE)
    assert delivery.fate is fate
    assert reply in delivery.reply
    assert delivery.code == (reply[:9] if reply[0].isdecimal() and act is not Act.GOODBYE else "")
    nothing_taken = act in (Act.GOODBYE, Act.DROP_AT_RECIPIENT)
    of_us = act in (Act.REFUSE_SENDER, Act.DEFER_SENDER)
    about = DeliveryAbout.SENDER if of_us else DeliveryAbout.ADDRESS
    assert delivery.about is (DeliveryAbout.SERVER if nothing_taken else about)
    assert delivery.dead is (act is Act.REFUSE_RECIPIENT)
    assert len(server.received) == kept


@pytest.mark.parametrize(("act", "fate", "reply", "kept"), FATES)
def test_after_any_end_of_a_message_the_next_one_is_accepted_with_its_own_reply(
    server: SmtpServer, act: Act, fate: Fate, reply: str, kept: int
) -> None:
    with channel_to(server.url) as channel:
        server.next_acts.append(act)
        channel.send(MESSAGE)
        before = len(server.received)
        assert channel.send(MESSAGE._replace(id="a12-4")) == Delivery(
            Fate.ACCEPTED, reply=f"250 2.0.0 queued as {before + 1}", code="250 2.0.0"
        )
    assert server.received[-1].mail["Message-ID"] == "<a12-4@acme.example>"


def test_an_answer_that_comes_too_late_leaves_the_fate_unknown(server: SmtpServer) -> None:
    server.next_acts.append(Act.SLOW)
    server.slow_seconds = 3.0
    with channel_to(server.url, timeout_seconds=1) as channel:
        late = channel.send(MESSAGE)
        assert late.fate is Fate.UNKNOWN
        assert "timed out" in late.reply
        assert channel.send(MESSAGE).fate is Fate.ACCEPTED
    assert server.connections == 2


def test_a_slow_answer_within_the_patience_is_waited_for(server: SmtpServer) -> None:
    server.act = Act.SLOW
    server.slow_seconds = 0.3
    with channel_to(server.url) as channel:
        assert channel.send(MESSAGE).fate is Fate.ACCEPTED


def test_no_server_means_not_sent_and_nothing_is_raised(server: SmtpServer) -> None:
    with channel_to(server.url) as channel:
        assert channel.send(MESSAGE).fate is Fate.ACCEPTED
        server.stop()
        away = channel.send(MESSAGE)
        assert away.fate is Fate.NOT_SENT
        assert f"cannot use the mail server 127.0.0.1:{server.port}" in away.reply
        server.start()
        assert channel.send(MESSAGE).fate is Fate.ACCEPTED


@pytest.mark.parametrize(
    "url", ["smtp://no-such-host.invalid", "smtps://127.0.0.1:{port}", "smtp+starttls://127.0.0.1:{port}"]
)
def test_a_server_that_cannot_be_used_as_told_gets_nothing(server: SmtpServer, url: str) -> None:
    with channel_to(url.format(port=server.port), timeout_seconds=2) as channel:
        assert channel.send(MESSAGE).fate is Fate.NOT_SENT
    assert [*server.received, *server.dialogues] == []


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize(
    ("credentials", "fate"),
    [("jo:p%40ss@", Fate.ACCEPTED), ("jo:wrong@", Fate.NOT_SENT), ("", Fate.NOT_SENT), ("jö:p%40ss@", Fate.NOT_SENT)],
)
def test_without_the_right_password_nothing_is_sent_and_nothing_refused(credentials: str, fate: Fate) -> None:
    with smtp_server(user=("jo", "p@ss")) as server:
        with channel_to(f"smtp://{credentials}127.0.0.1:{server.port}") as channel:
            assert channel.send(MESSAGE).fate is fate
        assert len(server.received) == (fate is Fate.ACCEPTED)


def test_fifty_messages_go_over_one_connection(server: SmtpServer) -> None:
    with channel_to(server.url) as channel:
        for number in range(1, 51):
            sent = channel.send(MESSAGE._replace(id=f"a12-{number}"))
            assert sent == Delivery(Fate.ACCEPTED, reply=f"250 2.0.0 queued as {number}", code="250 2.0.0")
    assert server.connections == 1
    assert len({one.mail["Message-ID"] for one in server.received}) == 50


def test_a_connection_that_died_between_two_messages_is_replaced(server: SmtpServer) -> None:
    with channel_to(server.url) as channel:
        for _ in range(3):
            assert channel.send(MESSAGE).fate is Fate.ACCEPTED
            server.hang_up()
    assert (server.connections, len(server.received)) == (3, 3)


def test_a_fresh_connection_that_dies_is_not_tried_again(server: SmtpServer) -> None:
    server.act = Act.DROP_AT_RECIPIENT
    with channel_to(server.url) as channel:
        assert channel.send(MESSAGE).fate is Fate.NOT_SENT
        assert server.connections == 1


def test_an_interrupted_dialogue_is_not_continued_with_another_message(server: SmtpServer) -> None:
    class Interrupted(BaseException):
        pass

    with channel_to(server.url) as channel:
        channel.send(MESSAGE)
        kept = channel._connection.connection  # type: ignore[union-attr]
        kept.getreply = raises(Interrupted)
        with pytest.raises(Interrupted):
            channel.send(MESSAGE)
        assert channel.send(MESSAGE).fate is Fate.ACCEPTED
    assert server.connections == 2


def raises(error: type[BaseException]) -> Callable[[], tuple[int, bytes]]:
    def reply() -> tuple[int, bytes]:
        raise error

    return reply


@contextmanager
def cut_off(octets: int) -> Iterator[str]:
    """A server that takes so many octets of the text and then resets the connection."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(10)

    def serve() -> None:
        talk, _ = listening.accept()
        with talk, talk.makefile("rwb", buffering=0) as lines:
            talk.settimeout(10)
            lines.write(b"220 hi\r\n")
            for answer in (b"250 hi", b"250 ok", b"250 ok", b"354 go"):
                lines.readline()
                lines.write(answer + b"\r\n")
            talk.recv(octets)
            talk.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"smtp://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        thread.join(15)
        listening.close()


def test_a_text_that_was_cut_before_its_last_line_was_not_sent() -> None:
    with cut_off(1_000) as url, channel_to(url) as channel:
        delivery = channel.send(MESSAGE._replace(text="a line of the text\n" * 800_000, html=""))
    assert delivery.fate is Fate.NOT_SENT
    assert "broken off" in delivery.reply


def test_the_mail_is_complete_and_tells_machines_to_be_quiet(server: SmtpServer) -> None:
    message = MESSAGE._replace(headers=(("Content-Language", "nl"),), thread="c7")
    with channel_to(server.url, reply_to="help@acme.example") as channel:
        assert channel.send(message).fate is Fate.ACCEPTED
    got = server.received[0]
    heads = {name: str(value) for name, value in got.mail.items()}
    assert parsedate_to_datetime(heads.pop("Date")).year > 2000
    assert heads.pop("Content-Type").startswith("multipart/alternative")
    assert heads == {
        "MIME-Version": "1.0",
        "Subject": "Your invoice",
        "From": "Acmé Billing <billing@acme.example>",
        "To": "jo@example.org",
        "Reply-To": "help@acme.example",
        "Message-ID": "<a12-3@acme.example>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "DR, RN, NRN, OOF, AutoReply",
        "Content-Language": "nl",
        "References": "<thread.c7@acme.example>",
        "In-Reply-To": "<thread.c7@acme.example>",
    }
    assert (got.envelope_from, got.envelope_to) == ("billing@acme.example", "jo@example.org")


@pytest.mark.parametrize(
    "subject", ["Überfällig: " + "é" * 300, "Ж" * 60, "Nog te betalen: € 120,00 voor cloud, mail en web"]
)
def test_a_subject_begins_on_its_own_line_and_the_date_says_its_zone(server: SmtpServer, subject: str) -> None:
    with channel_to(server.url) as channel:
        assert channel.send(MESSAGE._replace(subject=subject)).fate is Fate.ACCEPTED
    head = server.received[0].content.split(b"\r\n\r\n")[0].split(b"\r\n")
    assert any(line.startswith(b"Subject: =?utf-8?b?") for line in head)
    assert all(line.strip() and len(line) <= 78 for line in head)
    assert any(line.startswith(b"Date: ") and line.endswith(b" +0000") for line in head)
    assert str(server.received[0].mail["Subject"]) == subject


def written(part: EmailMessage) -> str:
    """A part's text with the line ends of the message that was given, less the one that only parts the parts."""
    return str(part.get_content()).replace("\r\n", "\n")


def test_text_and_html_are_both_there_in_their_charset(server: SmtpServer) -> None:
    text, html = ".\n..\nFrom € ш 🙂\n" + "x" * 3_000 + "\n", "<p>שלום</p>" + "<td>é</td>" * 2_000
    with channel_to(server.url) as channel:
        channel.send(MESSAGE._replace(text=text, html=html))
        channel.send(MESSAGE._replace(html=""))
    both, alone = (one.mail for one in server.received)
    parts = list(both.iter_parts())
    assert [(part.get_content_type(), part.get_content_charset()) for part in parts] == [
        ("text/plain", "utf-8"),
        ("text/html", "utf-8"),
    ]
    assert written(parts[0]) == text
    assert written(parts[1]) == html
    assert alone.get_content_type() == "text/plain"
    assert max(map(len, server.received[0].content.split(b"\r\n"))) <= 998


def test_a_server_without_eight_bits_gets_seven() -> None:
    with smtp_server(eightbit=False) as server, channel_to(server.url) as channel:
        assert channel.send(MESSAGE).fate is Fate.ACCEPTED
        got = server.received[0]
    assert got.content.isascii()
    assert written(next(got.mail.iter_parts())) == MESSAGE.text


def test_a_message_keeps_its_id_however_often_it_is_tried(server: SmtpServer) -> None:
    with channel_to(server.url) as one, channel_to(server.url) as other:
        one.send(MESSAGE)
        other.send(MESSAGE._replace(to="al@example.org", subject="again"))
    assert {mail.mail["Message-ID"] for mail in server.received} == {"<a12-3@acme.example>"}


def test_a_bounce_comes_back_with_the_messages_id(server: SmtpServer) -> None:
    with channel_to(server.url, bounce_to="bounce@acme.example") as channel:
        channel.send(MESSAGE)
    back = server.received[0].envelope_from
    assert back == "bounce+a12-3@acme.example"
    found = bounces_in(
        f"From: mailer-daemon@x.example\nTo: {back}\nX-Failed-Recipients: jo@example.org\n\nunknown user".encode()
    )
    assert found is not None
    assert (found.message_id, found.address) == ("a12-3", "jo@example.org")


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (MESSAGE._replace(subject="Hi\nBcc: x@y.org"), "subject has a line break"),
        (MESSAGE._replace(subject="Hi\r\n\r\ntext"), "subject has a line break"),
        (MESSAGE._replace(subject="Hi\x0bBcc: x@y.org"), "control character U+000B"),
        (MESSAGE._replace(subject="Hi\u2028Bcc: x@y.org"), "line break"),
        (MESSAGE._replace(to="jo@example.org\nBcc: x@y.org"), "address"),
        (MESSAGE._replace(to="jo@example.org>\r\nRCPT TO:<x@y.org"), "address"),
        (MESSAGE._replace(to="Jo\nBcc: x@y.org <jo@example.org>"), "line break in its name"),
        (MESSAGE._replace(to="jo@example.org, x@y.org"), "one address alone"),
        (MESSAGE._replace(to="nobody"), "no @"),
        (MESSAGE._replace(headers=(("X-A", "b\nBcc: x@y.org"),)), "header X-A has a line break"),
        (MESSAGE._replace(headers=(("X-A: b\nBcc", "x@y.org"),)), "not the message's to set"),
        *((MESSAGE._replace(headers=((n, "x"),)), "not the message's to set") for n in ("Bcc", "list-unsubscribe", "")),
        *((MESSAGE._replace(headers=((n, "x"),)), "not the message's to set") for n in ("From", "Content-Type")),
        (MESSAGE._replace(id="a>b"), "cannot name a message"),
        (MESSAGE._replace(thread="a b"), "cannot name a message"),
        (MESSAGE._replace(text="\ud800"), "surrogate"),
    ],
)
def test_what_cannot_be_written_as_a_mail_is_refused_before_the_server_hears_of_it(
    server: SmtpServer, message: Message, why: str
) -> None:
    with channel_to(server.url) as channel:
        delivery = channel.send(message)
    assert delivery.fate is Fate.REFUSED
    assert why in delivery.reply
    assert delivery.reply.isprintable()
    assert server.connections == 0


@pytest.mark.parametrize(
    ("to", "envelope", "head"),
    [
        ('"jo anna"@example.org', '"jo anna"@example.org', '"jo anna"@example.org'),
        (r'"a\"b@c"@example.org', r'"a\"b@c"@example.org', r'"a\"b@c"@example.org'),
        ("jo@bücher.example", "jo@xn--bcher-kva.example", "jo@xn--bcher-kva.example"),
        ("jörg@bücher.example", "jörg@xn--bcher-kva.example", "jörg@xn--bcher-kva.example"),
        ("Jörg <jörg@example.org>", "jörg@example.org", "Jörg <jörg@example.org>"),
        ("<script> Jo <jo@example.org>", "jo@example.org", '"<script> Jo" <jo@example.org>'),
        ("שלום <jo@example.org>", "jo@example.org", "שלום <jo@example.org>"),
    ],
)
def test_an_unusual_address_arrives(server: SmtpServer, to: str, envelope: str, head: str) -> None:
    with channel_to(server.url) as channel:
        assert channel.send(MESSAGE._replace(to=to)).fate is Fate.ACCEPTED
    got = server.received[0]
    assert got.envelope_to == envelope
    assert str(got.mail["To"]) == head
    assert ("SMTPUTF8" in got.options) is (not envelope.isascii())


def test_an_address_beyond_ascii_is_refused_where_the_server_cannot_take_it() -> None:
    with smtp_server(smtputf8=False) as server, channel_to(server.url) as channel:
        delivery = channel.send(MESSAGE._replace(to="jörg@example.org"))
        assert delivery == Delivery(
            Fate.REFUSED, reply="the mail server takes only ASCII before the @ of an address, not jörg@example.org"
        )
        assert channel.send(MESSAGE._replace(to="jo@bücher.example")).fate is Fate.ACCEPTED


@pytest.mark.parametrize("name", ["x" * 10_000, "é" * 10_000, "Jo " * 3_333, "🙂" * 10_000])
def test_a_name_of_ten_thousand_characters_arrives_in_lines_that_servers_take(server: SmtpServer, name: str) -> None:
    with channel_to(server.url) as channel:
        assert (
            channel.send(MESSAGE._replace(to=f"{name} <jo@example.org>", subject=f"For {name}")).fate is Fate.ACCEPTED
        )
    got = server.received[0]
    assert max(map(len, got.content.split(b"\r\n"))) <= 998
    assert str(got.mail["Subject"]).split() == f"For {name}".split()
    to = message_from_bytes(got.content)["To"]
    assert str(make_header(decode_header(to))).startswith(name[:90])


def test_nobody_can_be_asked_afterwards(server: SmtpServer) -> None:
    with channel_to(server.url) as channel:
        channel.send(MESSAGE)
        assert channel.look_up(MESSAGE.id) is Fate.UNKNOWN


@pytest.mark.parametrize(
    "url",
    [
        *("", "mail.example.org", "http://mail.example.org", "smtp://", "smtp://host:notaport", "smtp://host:99999"),
        *("smtp://jo:secret@host/path", "smtp://jo:secret@host?x=1", "smtp://jo@host", "smtp://:secret@host"),
        *("smtp://[::1", "smtp://" + "a" * 64 + ".org"),
    ],
)
def test_a_wrong_url_is_refused_without_repeating_its_password(url: str) -> None:
    with pytest.raises(Refused, match="mail server's URL") as refused:
        SmtpChannel(url, SENDER)
    assert refused.value.code == "bad_mail_url"
    assert "secret" not in refused.value.message


@pytest.mark.parametrize(
    "addresses",
    [
        {"sender": "nobody"},
        {"sender": "jörg@acme.example"},
        {"sender": "Acme\nBcc: x@y.org <billing@acme.example>"},
        {"sender": SENDER, "reply_to": "nobody"},
        {"sender": SENDER, "bounce_to": "b" * 24 + "@acme.example"},
    ],
)
def test_a_sender_that_cannot_be_answered_is_refused(addresses: dict[str, str]) -> None:
    with pytest.raises(Refused) as refused:
        SmtpChannel("smtp://127.0.0.1", **addresses)
    assert refused.value.code == "bad_address"
