"""What returns from the world's mail servers is read for what it means, and never trips anything."""

from __future__ import annotations

import re

import pytest
from anymail.signals import AnymailTrackingEvent
from hypothesis import given, settings
from hypothesis import strategies as st

from arrears.adapters.channels.bounces import Bounce, ReportKind, bounce_of, bounces_in
from arrears.adapters.channels.mail_parts import MAIL_BYTES_MAX
from arrears.core.errors import Refused


def report(
    action: str = "failed",
    status: str = "5.1.1",
    said: str = "smtp; 550 5.1.1 <jo@example.org>: no such user",
    recipient: str = "Final-Recipient: rfc822; jo@example.org",
    to: str = "bounce+a12-3@arrears.example",
    returned: str = "Message-ID: <a12-3@arrears.example>\nTo: jo@example.org\nSubject: Your invoice",
) -> bytes:
    """A delivery report as mail systems write it."""
    return f"""\
Return-Path: <>
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
To: {to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=_b"

This is a MIME-encapsulated message.

--=_b
Content-Type: text/plain; charset=us-ascii

Your message could not be delivered.

--=_b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
Arrival-Date: Mon, 5 Jan 2026 09:00:00 +0000

{recipient}
Action: {action}
Status: {status}
Diagnostic-Code: {said}

--=_b
Content-Type: text/rfc822-headers

{returned}

--=_b--
""".replace("\n", "\r\n").encode()


def notice(**said: str) -> bytes:
    """The same of a message that arrived, or is tried again."""
    raw = report(**said).replace(b"Undelivered Mail Returned to Sender", b"Delivery Status Notification")
    return raw.replace(b"Your message could not be delivered.", b"This is about your message.")


JO = "rfc822; jo@example.org"
GONE = (ReportKind.HARD, "5.1.1", "no such user")

COMPLAINT = b"""\
From: <abusedesk@isp.example>
To: <bounce@arrears.example>
Subject: FW: Your invoice
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="=_c"

--=_c
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report.

--=_c
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1
Original-Rcpt-To: <Jo@Example.org>

--=_c
Content-Type: message/rfc822

From: <billing@arrears.example>
To: <jo@example.org>
Subject: Your invoice
Message-ID: <a12-3@arrears.example>

text

--=_c--
"""

VACATION = b"""\
Return-Path: <>
From: Jo <jo@example.org>
To: bounce+a12-3@arrears.example
Subject: Out of office: Your invoice
Auto-Submitted: auto-replied
In-Reply-To: <a12-3@arrears.example>
Content-Type: text/plain; charset=utf-8

I am away until 5.1.1. User unknown: for all I know. jo@example.org
"""

POSTFIX_PROSE = b"""\
Return-Path: <>
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
To: bounce+a12-3@arrears.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="=_p"

--=_p
Content-Description: Notification
Content-Type: text/plain

This is the mail system at host mx.example.net.

                                The Postfix program

<jo@example.org>: host mx.example.net said: 552 5.2.2 Mailbox full

--=_p
Content-Type: message/rfc822

Message-ID: <a12-3@arrears.example>

--=_p--
"""

EXIM_PROSE = b"""\
Return-Path: <>
X-Failed-Recipients: jo@example.org
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mx.example.net>
To: bounce+a12-3@arrears.example
Subject: Mail delivery failed: returning message to sender

A message that you sent could not be delivered.

  jo@example.org
    Unrouteable address
"""

PERSON = b"From: Jo <jo@example.org>\nTo: bounce+a12-3@arrears.example\nSubject: Re: x\n\n> 550 5.1.1 User unknown\n"


@pytest.mark.parametrize(
    ("raw", "kind", "status", "why"),
    [
        (report(), ReportKind.HARD, "5.1.1", "no such user"),
        (report(status="5.0.0", said="smtp; 550 unknown"), ReportKind.SOFT, "5.0.0", "550 unknown"),
        (report(status="", said="smtp; 550 5.1.10 null MX"), ReportKind.HARD, "5.1.10", "null MX"),
        (report(status="nonsense", said="gone"), ReportKind.SOFT, "", "gone"),
        (report(status="4.2.2", said="smtp; 452 4.2.2 over quota"), ReportKind.SOFT, "4.2.2", "over quota"),
        (report(status="5.2.2", said="smtp; 552 5.2.2 mailbox full"), ReportKind.SOFT, "5.2.2", "mailbox full"),
        (report(status="5.4.7 (expired)", said=""), ReportKind.SOFT, "5.4.7", "could not be delivered"),
        (report(recipient=f"Original-Recipient: {JO}\nFinal-Recipient: rfc822; 17@box.internal"), *GONE),
        (report(recipient=f"Final-Recipient: {JO}\nOriginal-Recipient: rfc822;"), *GONE),
        (report(recipient="Final-Recipient: rfc822; <jo@EXAMPLE.org>"), *GONE),
        (report(recipient="Final-Recipient: jo@example.org"), *GONE),
        (COMPLAINT.replace(b"Jo@", b"jo@"), ReportKind.COMPLAINT, "", "abuse"),
        (POSTFIX_PROSE, ReportKind.SOFT, "5.2.2", "Mailbox full"),
        (EXIM_PROSE, ReportKind.HARD, "", "Unrouteable address"),
    ],
)
def test_a_returned_mail_says_whose_address_failed_and_how(raw: bytes, kind: ReportKind, status: str, why: str) -> None:
    found = bounces_in(raw)
    assert found is not None
    assert found[:4] == ("a12-3", "jo@example.org", kind, status)
    assert why in found.why


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"\n\n", b"\x00" * 500, b"hello", b"\xff\xfe\xfd" * 100, VACATION, PERSON),
        *(notice(action=one, status="2.1.5", said="smtp; 250 ok") for one in ("delivered", "relayed", "Expanded (x)")),
        report(action="delayed", status="4.2.2", said="smtp; 452 full"),
        report(action="delayed", status="", said=""),
        COMPLAINT.replace(b"Feedback-Type: abuse", b"Feedback-Type: not-spam"),
    ],
)
def test_a_mail_that_reports_no_failure_is_no_bounce(raw: bytes) -> None:
    found = bounces_in(raw)
    assert found is None or found.kind is ReportKind.ANSWER


@pytest.mark.parametrize(
    ("to", "returned", "message_id"),
    [
        ("bounce+a12-3@arrears.example", "Message-ID: <a99-9@arrears.example>", "a12-3"),
        ("Bounces <bounce+a12-3@arrears.example>", "Subject: x", "a12-3"),
        ("bounce@arrears.example", "Message-Id:\n <a99-9@arrears.example>", "a99-9"),
        ("bounce@arrears.example", "Subject: x", ""),
        ("bounce+..%2f@arrears.example", "Message-ID: <not ours>", ""),
    ],
)
def test_our_message_is_known_by_the_address_it_came_back_to_or_by_its_returned_head(
    to: str, returned: str, message_id: str
) -> None:
    found = bounces_in(report(to=to, returned=returned))
    assert found is not None
    assert found.message_id == message_id


def test_the_id_given_with_the_envelope_is_known_again() -> None:
    raw = report(to="bounce@arrears.example", returned="Subject: x")
    found = bounces_in(raw.replace(b"Reporting-MTA", b"Original-Envelope-Id: a7-1\r\nReporting-MTA"))
    assert found is not None
    assert found.message_id == "a7-1"


def test_a_report_in_utf8_is_read() -> None:
    raw = report(recipient=r"Final-Recipient: utf-8; j\x{F6}rg@example.org", said="smtp; 550 5.1.1 no such user")
    found = bounces_in(raw.replace(b"message/delivery-status", b"message/global-delivery-status"))
    assert found == Bounce("a12-3", "jörg@example.org", ReportKind.HARD, "5.1.1", "550 5.1.1 no such user")


def test_of_two_recipients_the_one_that_failed_for_good_counts() -> None:
    late = b"Final-Recipient: rfc822; al@example.org\r\nAction: delayed\r\nStatus: 4.4.1\r\n\r\nFinal-Recipient"
    found = bounces_in(report().replace(b"Final-Recipient", late, 1))
    assert found is not None
    assert (found.address, found.kind) == ("jo@example.org", ReportKind.HARD)


def test_what_the_world_says_is_one_short_line() -> None:
    found = bounces_in(report(said="smtp; 550 \x1b[31m" + "x" * 5_000))
    assert found is not None
    assert len(found.why) == 300
    assert found.why.isprintable()


def test_a_huge_mail_is_refused_unread() -> None:
    with pytest.raises(Refused, match=re.escape(str(MAIL_BYTES_MAX))) as refused:
        bounces_in(report() + b"x" * MAIL_BYTES_MAX)
    assert refused.value.code == "bad_bounce"


def read_or_refused(raw: bytes) -> str:
    try:
        found = bounces_in(raw)
    except Refused as refused:
        return refused.code
    return "no bounce" if found is None else "bounce"


def nested(depth: int) -> bytes:
    head = b"Content-Type: multipart/report; boundary=b%d\n\n--b%d\n"
    return b"From: mailer-daemon@x.example\n" + b"".join(head % (n, n) for n in range(depth))


@pytest.mark.parametrize(
    "raw",
    [
        nested(3_000),
        b"Content-Type: message/rfc822\n\n" * 8_000,
        report(status="(" * 50_000),
        b"From: mailer-daemon@x.example\nSubject: " + b"a@b.example " * 20_000,
        b"From: mailer-daemon@x.example\n\n" + b"<jo@example.org>:\n" * 14_000,
        b"From: mailer-daemon@x.example\nContent-Type: text/plain; charset=no-such\n\n550 " + b"<" * 200_000,
        report().replace(b"us-ascii", b"\xff\xfe"),
        b"From: mailer-daemon@x.example\nContent-Type: text/html\n\n" + b"<script" * 36_000,
    ],
)
def test_a_mail_built_to_hurt_is_read_or_refused(raw: bytes) -> None:
    assert read_or_refused(raw) in ("bounce", "no bounce", "bad_bounce")


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([report(), COMPLAINT, VACATION, POSTFIX_PROSE, EXIM_PROSE]),
    st.lists(st.tuples(st.integers(0, 1_500), st.integers(0, 12), st.binary(max_size=12)), max_size=8),
)
def test_a_damaged_mail_is_read_or_refused(raw: bytes, damage: list[tuple[int, int, bytes]]) -> None:
    for at, cut, put in damage:
        raw = raw[:at] + put + raw[at + cut :]
    assert read_or_refused(raw) in ("bounce", "no bounce", "bad_bounce")


@pytest.mark.parametrize(
    ("event_type", "reason", "said", "kind"),
    [
        ("bounced", "bounced", None, ReportKind.SOFT),
        ("bounced", "invalid", None, ReportKind.HARD),
        ("bounced", "bounced", "smtp; 550 5.1.1 unknown", ReportKind.HARD),
        ("bounced", "bounced", "smtp; 552 5.2.2 full", ReportKind.SOFT),
        ("bounced", "bounced", "452 4.2.2 full", ReportKind.SOFT),
        ("bounced", "timed_out", None, ReportKind.SOFT),
        ("bounced", "blocked", None, ReportKind.SOFT),
        ("bounced", "other", None, ReportKind.SOFT),
        ("bounced", "spam", None, ReportKind.SOFT),
        ("complained", "spam", None, ReportKind.COMPLAINT),
        ("complained", None, "5.1.1", ReportKind.COMPLAINT),
        ("rejected", "bounced", None, ReportKind.SOFT),
        ("rejected", "unsubscribed", None, ReportKind.SOFT),
        ("rejected", "spam", None, ReportKind.SOFT),
        ("rejected", "blocked", None, ReportKind.SOFT),
        ("failed", None, None, ReportKind.SOFT),
        ("unknown", None, None, ReportKind.SOFT),
        ("of next year", None, "550 5.1.1 user unknown", ReportKind.SOFT),
        ("deferred", None, "550 5.1.1 user unknown", ReportKind.SOFT),
        ("deferred", None, "452 4.2.2 full", None),
        *(
            (one, None, None, None)
            for one in ("delivered", "sent", "queued", "deferred", "opened", "clicked", "unsubscribed")
        ),
    ],
)
def test_a_providers_event_is_translated(
    event_type: str, reason: str | None, said: str | None, kind: ReportKind | None
) -> None:
    event = AnymailTrackingEvent(
        event_type=event_type,
        reject_reason=reason,
        mta_response=said,
        recipient="Jo@Example.org",
        metadata={"message_id": "a12-3"},
    )
    found = bounce_of(event)
    assert (found and found[:3]) == (kind and ("a12-3", "Jo@example.org", kind))


@pytest.mark.parametrize(
    ("message_id", "metadata", "ours"),
    [
        ("<a12-3@arrears.example>", {}, "a12-3"),
        ("0102018f-opaque", {}, ""),
        ("<x@y>", {"message_id": "a12-3"}, "a12-3"),
        (None, {"message_id": "../../etc"}, ""),
        (None, None, ""),
        (None, ["odd"], ""),
    ],
)
def test_an_event_names_our_message_by_its_metadata_or_by_its_own_id(
    message_id: str | None, metadata: object, ours: str
) -> None:
    event = AnymailTrackingEvent(
        event_type="bounced", recipient="jo@example.org", message_id=message_id, metadata=metadata
    )
    found = bounce_of(event)
    assert found is not None
    assert found.message_id == ours


def test_an_event_about_nobody_is_nothing() -> None:
    assert bounce_of(AnymailTrackingEvent(event_type="bounced", recipient="nobody at all")) is None
