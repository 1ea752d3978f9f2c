"""Names and addresses as the world has them: delivered correctly over real SMTP, or refused when they are entered."""

from __future__ import annotations

import re
from dataclasses import replace
from email.message import EmailMessage

import pytest
from tests.smtp_server import Received, smtp_server
from tests.stories.story import Story

from arrears.adapters.channels.smtp import SmtpChannel
from arrears.core.account import Mode
from arrears.core.errors import Refused
from arrears.core.messages.content import Role
from arrears.core.messages.recipients import ContactPerson
from arrears.engine import commands
from arrears.ports import NewAccount
from arrears.wiring import texts

HEADS = {"from", "to", "subject", "date", "message-id", "mime-version", "content-type", "auto-submitted"} | {
    "x-auto-response-suppress", "references", "in-reply-to",
}  # fmt: skip


def mail_to(name: str, address: str = "anna@example.org", person: str = "Anna") -> Received:
    """The first reminder of an account with this name, as the mail server received it."""
    story = Story()
    who = ContactPerson(1, Role.ADMINISTRATOR, person, address, "", "nl", "")
    story.inner.reached[story.no] = story.inner.reached[story.no]._replace(name=name, people=(who,))
    story.stage.context = replace(story.stage.context, writer=texts())
    with smtp_server() as server:
        channel = SmtpChannel(server.url, "Example Billing <billing@example.org>", timeout_seconds=5)
        story.stage.channel = channel
        story.until(0)
        channel.close()
        [received] = server.received
    return received


def parts(mail: EmailMessage) -> tuple[str, str]:
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    return str(text.get_content()), str(html.get_content())


@pytest.mark.parametrize(
    "name",
    [
        "Acme\r\nBcc: victim@example.com",
        "Acme\nSubject: You have won",
        "Acme\r\n\r\n<b>a body of its own</b>",
        "Acme\x00\x0b\x0cLtd",
        "Acme\u2028Bcc: victim@example.com",
    ],
)
def test_a_name_with_line_ends_makes_no_head_of_its_own(site: str, name: str) -> None:
    for received in (mail_to(name), mail_to("Acme", person=name)):
        assert received.envelope_to == "anna@example.org"
        assert {head.lower() for head in received.mail} <= HEADS
        assert received.mail["Subject"].startswith("Nog te betalen")
        text, html = parts(received.mail)
        assert "<b>a body" not in html
        assert not re.search(r"^(Bcc|Subject):", text, re.MULTILINE)


def test_markup_in_a_name_is_letters(site: str) -> None:
    text, html = parts(mail_to("<script>alert(1)</script> & Zonen").mail)
    assert "<script>alert(1)</script> & Zonen" in " ".join(text.split())
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Zonen" in html


def test_a_name_of_ten_thousand_letters_is_cut_and_the_sum_stays_in_sight(site: str) -> None:
    received = mail_to("n" * 10_000)
    text, html = parts(received.mail)
    assert "n" * 79 + "…" in "".join(text.split())
    assert len(html) < 30_000
    assert max(map(len, received.content.split(b"\r\n"))) <= 998
    assert "€ 120,00" in received.mail["Subject"].replace("\u00a0", " ")


def test_a_name_from_right_to_left_turns_nothing_but_itself(site: str) -> None:
    text, html = parts(mail_to("\u202eשלום עולם").mail)
    assert "<bdi>שלום עולם</bdi>" in html
    assert "\u2068שלום עולם\u2069" in text
    assert "\u202e" not in text + html


@pytest.mark.parametrize(
    ("address", "envelope", "head"),
    [
        ('"anna de vries"@example.org', '"anna de vries"@example.org', '"anna de vries"@example.org'),
        ("anna@bücher.example", "anna@xn--bcher-kva.example", "anna@xn--bcher-kva.example"),
        ("o'brien+bills@example.org", "o'brien+bills@example.org", "o'brien+bills@example.org"),
    ],
)
def test_unusual_addresses_arrive(site: str, address: str, envelope: str, head: str) -> None:
    received = mail_to("Acme", address)
    assert received.envelope_to == envelope
    assert head in str(received.mail["To"])


@pytest.mark.parametrize(
    "address",
    ["anna@example.org\r\nBcc: x@example.com", "anna", "a@b", "anna@example.org, bert@example.org", "@x.example"],
)
def test_what_is_no_address_is_refused_when_it_is_entered(address: str) -> None:
    story = Story(bill=False)
    new = NewAccount("B", "B", "NL", "UTC", "nl", Mode.CARD, contact=address)
    with pytest.raises(Refused) as caught:
        commands.open_accounts(story.store, [(new, ("cloud",))], story.now, "api:1")
    assert caught.value.code == "bad_address"
    assert "\n" not in caught.value.message
    assert story.store.account_numbers(["B"]) == {}
