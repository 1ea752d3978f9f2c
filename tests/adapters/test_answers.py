"""What a mail server's answer is about: this message, its address, the server, or who we are."""

from __future__ import annotations

import pytest

from arrears.adapters.channels.answers import answered
from arrears.ports import DeliveryAbout, Fate

ADDRESS, SENDER, SERVER = DeliveryAbout.ADDRESS, DeliveryAbout.SENDER, DeliveryAbout.SERVER
GONE, KEPT = True, False

ANSWERS = [
    # our own address or password, or our host
    ("MAIL", "553 5.7.1 Sender address rejected: not owned by user x", Fate.NOT_SENT, SENDER, KEPT),
    ("MAIL", "550 5.1.8 Sender domain does not exist", Fate.NOT_SENT, SENDER, KEPT),
    ("MAIL", "501 5.1.7 Bad sender address syntax", Fate.NOT_SENT, SENDER, KEPT),
    ("MAIL", "451 4.3.0 try again later", Fate.NOT_SENT, SENDER, KEPT),
    ("MAIL", "530 5.7.0 Must issue a STARTTLS command first", Fate.NOT_SENT, SERVER, KEPT),
    ("RCPT", "554 5.7.1 <a@b.example>: Relay access denied", Fate.NOT_SENT, SENDER, KEPT),
    ("RCPT", "554 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org", Fate.NOT_SENT, SENDER, KEPT),
    ("RCPT", "550 5.7.606 Access denied, banned sending IP [192.0.2.1]", Fate.NOT_SENT, SENDER, KEPT),
    ("RCPT", "550 5.7.25 The IP address sending this message does not have a PTR record", Fate.NOT_SENT, SENDER, KEPT),
    (
        "TEXT",
        "550 5.7.26 Unauthenticated email from a.example is not accepted due to DMARC",
        Fate.NOT_SENT,
        SENDER,
        KEPT,
    ),
    ("TEXT", "550 5.7.1 The user or domain that you are sending to has blocked your IP", Fate.NOT_SENT, SENDER, KEPT),
    # the message
    ("MAIL", "552 5.3.4 Message size exceeds fixed limit", Fate.REFUSED, ADDRESS, KEPT),
    ("MAIL", "555 5.5.4 Unsupported option: SMTPUTF8", Fate.REFUSED, ADDRESS, KEPT),
    ("TEXT", "550 5.7.1 This message looks like spam", Fate.REFUSED, ADDRESS, KEPT),
    ("TEXT", "554 5.6.0 not this text", Fate.REFUSED, ADDRESS, KEPT),
    ("RCPT", "552 5.2.2 Mailbox full", Fate.REFUSED, ADDRESS, KEPT),
    # the address
    ("RCPT", "450 4.2.1 greylisted, try again later", Fate.NOT_SENT, ADDRESS, KEPT),
    ("RCPT", "550 5.1.1 <a@b.example>: Recipient address rejected: User unknown", Fate.REFUSED, ADDRESS, GONE),
    ("RCPT", "550-5.1.1 The email account that you tried to reach does not exist.", Fate.REFUSED, ADDRESS, GONE),
    (
        "RCPT",
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found by SMTP lookup",
        Fate.REFUSED,
        ADDRESS,
        GONE,
    ),
    ("RCPT", "550 no such user here", Fate.REFUSED, ADDRESS, GONE),
    ("TEXT", "550 5.1.1 user unknown", Fate.REFUSED, ADDRESS, GONE),
    ("RCPT", "550 5.2.1 The email account that you tried to reach is disabled", Fate.REFUSED, ADDRESS, KEPT),
    ("RCPT", "550 no", Fate.REFUSED, ADDRESS, KEPT),
    # the server
    ("RCPT", "421 4.7.0 too many connections", Fate.NOT_SENT, SERVER, KEPT),
    ("TEXT", "250 2.0.0 queued", Fate.ACCEPTED, ADDRESS, KEPT),
]


@pytest.mark.parametrize(("stage", "reply", "fate", "about", "dead"), ANSWERS)
def test_an_answer_is_about(stage: str, reply: str, fate: Fate, about: DeliveryAbout, dead: bool) -> None:
    found = answered(stage, int(reply[:3]), reply[4:].encode())
    assert (found.fate, found.about, found.dead) == (fate, about, dead)


@pytest.mark.parametrize(
    ("reply", "fate", "about", "dead"),
    [
        ("550 5.1.1 <jo@example.org>: User unknown", Fate.REFUSED, ADDRESS, GONE),
        ("550 5.1.1 <JO@EXAMPLE.ORG>: User unknown; ask postmaster@example.org", Fate.REFUSED, ADDRESS, GONE),
        ("550 5.1.1 <passed.on@other.example>: User unknown", Fate.REFUSED, ADDRESS, KEPT),
        ("550 No such user as b+a1-2-3@arrears.example", Fate.NOT_SENT, SENDER, KEPT),
        ("550 5.1.0 Address rejected b+a1-2-3@arrears.example", Fate.NOT_SENT, SENDER, KEPT),
        ("550 Envelope sender <b@arrears.example> unknown user", Fate.NOT_SENT, SENDER, KEPT),
        ("550 Callback setup failed while verifying <b@arrears.example> 550 User unknown", Fate.NOT_SENT, SENDER, KEPT),
        ("550 Unrouteable address: lowest numbered MX record points to local host", Fate.REFUSED, ADDRESS, KEPT),
        ("550 5.1.1 greylisted, try later", Fate.REFUSED, ADDRESS, KEPT),
        ("554 5.7.1 rejected: Subject 'No such user'", Fate.REFUSED, ADDRESS, KEPT),
        ("550 5.7.10 Encryption needed; recipient not found over plaintext", Fate.REFUSED, ADDRESS, KEPT),
    ],
)
def test_a_refusal_that_names_another_address_buries_nobody(
    reply: str, fate: Fate, about: DeliveryAbout, dead: bool
) -> None:
    found = answered("RCPT", int(reply[:3]), reply[4:].encode(), "jo@example.org", "b+a1-2-3@arrears.example")
    assert (found.fate, found.about, found.dead) == (fate, about, dead)


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ("RCPT", "550 acme.example: no such domain"),
        ("RCPT", "550 Domain acme.example does not exist"),
        ("RCPT", "550 5.1.1 <bounces@acme.example> does not exist"),
        ("RCPT", "550 unknown user bounces@acme.example"),
        ("TEXT", "550 5.1.0 Return-Path address does not exist"),
        ("TEXT", "550 5.6.0 header From: domain not found"),
        ("TEXT", "554 Message-ID host unknown"),
        ("RCPT", "553 5.1.0 bounces acme.example does not exist"),
    ],
)
def test_what_a_server_says_of_our_own_names_is_about_us_and_buries_nobody(stage: str, said: str) -> None:
    code, _, text = said.partition(" ")
    found = answered(stage, int(code), text.encode(), "jo@example.org", "bounces+a1@acme.example")
    assert (found.fate, found.about, found.dead) == (Fate.NOT_SENT, DeliveryAbout.SENDER, False), found


@pytest.mark.parametrize(
    "said",
    [
        "550 Destinatario desconocido o mailbox lleno",
        "550 5.7.2 You are not a known user of this list; posting denied",
        "550 5.1.1 Unknown error",
        "550 5.1.1 User unknown (directory server unreachable)",
        "550 5.1.2 DNS lookup failed: server failure for host, not found",
        "550 This account does not exist yet: complete your registration",
        "550 5.4.4 Malformed or unexpected name server reply",
    ],
)
def test_what_may_be_something_else_at_delivery_buries_nobody(said: str) -> None:
    code, _, text = said.partition(" ")
    assert not answered("RCPT", int(code), text.encode(), "jo@example.org", "bounces@acme.example").dead
