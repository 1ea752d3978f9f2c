"""Whether a mail at a return address is a return: what nobody is to answer came back, unless it proves otherwise."""

from __future__ import annotations

import pytest
from tests.adapters.test_bounces import COMPLAINT, notice, report

from arrears.adapters.channels.bounces import ReportKind, bounces_in

DAEMON = "MAILER-DAEMON@mx.example.net"
GATEWAY = "Mail Gateway <no-reply@gw.example>"
HARD, SOFT = ReportKind.HARD, ReportKind.SOFT


def kind_of(raw: bytes) -> ReportKind | None:
    """How a mail counts."""
    found = bounces_in(raw)
    return None if found is None else found.kind


def built(sender: str, subject: str = "Undeliverable", fields: str = "", **said: str) -> bytes:
    """A report in fields, from this sender."""
    raw = report(**said).replace(b"MAILER-DAEMON@mx.example.net (Mail Delivery System)", sender.encode())
    raw = raw.replace(b"Auto-Submitted: auto-replied", fields.encode() or b"X-Nothing: x")
    return raw.replace(b"Undelivered Mail Returned to Sender", subject.encode(), 1)


def prose(text: str, subject: str = "Undeliverable", sender: str = DAEMON, fields: str = "", path: str = "<>") -> bytes:
    """A mail in words alone."""
    head = f"Return-Path: {path}\nFrom: {sender}\nTo: bounce+a12-3@arrears.example\nSubject: {subject}\n{fields}"
    return f"{head}\n{text}\n".encode()


@pytest.mark.parametrize(
    ("sender", "subject", "fields", "kind"),
    [
        (GATEWAY, "Undeliverable: cloud will stop", "Auto-Submitted: auto-replied", HARD),
        (GATEWAY, "Undeliverable: cloud will stop", "Auto-Submitted: auto-notified", HARD),
        (GATEWAY, "Undeliverable: cloud will stop", "X-Autoreply: yes", HARD),
        (GATEWAY, "Re: cloud will stop", "", HARD),
        *((DAEMON, f"{word} cloud will stop", "", HARD) for word in ("Fwd:", "TR :", "VS:", "Automatic reply:")),
        ("jo@example.org", "Out of office", "Auto-Submitted: auto-replied", SOFT),
    ],
)
def test_what_is_built_as_a_report_is_one_whoever_sends_it(
    sender: str, subject: str, fields: str, kind: ReportKind
) -> None:
    """Of an address that writes itself, nothing says that it is dead."""
    assert kind_of(built(sender, subject, fields)) is kind


@pytest.mark.parametrize(
    ("action", "status", "said", "kind"),
    [
        ("failed", "2.0.0", "smtp; 550 5.1.1 user unknown", HARD),
        ("failed", "2.1.5", "smtp; 550 no", SOFT),
        ("delivery-failed", "5.0.0", "smtp; 550 no", SOFT),
        ("undelivered", "", "", SOFT),
        ("", "5.1.1", "smtp; 550 5.1.1 user unknown", HARD),
        ("delivered", "5.1.1", "smtp; 550 5.1.1 user unknown", SOFT),
        ("delivered", "", "smtp; 550 no", SOFT),
        ("delivered", "2.0.0", "smtp; 250 ok", None),
        ("delayed", "4.4.1", "smtp; 450 greylisted", None),
    ],
)
def test_only_an_action_that_says_so_proves_that_a_message_arrived(
    action: str, status: str, said: str, kind: ReportKind | None
) -> None:
    about = report if kind else notice
    assert kind_of(about(action=action, status=status, said=said)) is kind


@pytest.mark.parametrize(("action", "status"), [("delivered", "2.0.0"), ("delayed", "4.0.0")])
def test_of_several_statements_the_one_that_failed_counts_and_ours_must_be_among_them(action: str, status: str) -> None:
    al = "Final-Recipient: rfc822; al@example.org"
    other = f"{al}\r\nAction: {action}\r\nStatus: {status}\r\n\r\nFinal-Recipient"
    assert kind_of(report().replace(b"Final-Recipient", other.encode(), 1)) is HARD
    assert kind_of(report(action=action, status=status, said="", recipient=al)) is SOFT


@pytest.mark.parametrize(
    "text",
    [
        "Your message to <jo@example.org> could not be successfully delivered.",
        "We were unable to successfully deliver your message to jo@example.org.",
        "Ihre Nachricht an jo@example.org konnte nicht erfolgreich zugestellt werden.",
        "Uw bericht aan jo@example.org is niet met succes bezorgd.",
        "The message was delivered to nobody.",
        "Your message was successfully delivered to 0 recipients.",
        "Erfolgreich zugestellt an al@example.org; jo@example.org fehlgeschlagen.",
        "It was successfully delivered to al@example.org, but could not be delivered to jo@example.org.",
        "The message was delivered to our gateway, which rejected it for jo@example.org.",
        "jo@example.org: 550 5.1.1 User unknown\nYou may want to try again with another address.",
        "jo@example.org: 550 5.1.1 User unknown\nNo need to try again.",
        "jo@example.org: 550 5.1.1 User unknown\nNo action is required.",
        "We were able to retry for 5 days but all attempts failed: jo@example.org.",
        "Your message to jo@example.org has been delayed too long and was returned.",
        "Resources temporarily unavailable. /I'm not going to try again; it has been in the queue too long.",
        "A levelet nem tudtuk eljuttatni a jo@example.org cimre.",
    ],
)
def test_words_that_something_failed_outweigh_those_of_arrival_and_delay(text: str) -> None:
    assert kind_of(prose(text)) in (HARD, SOFT)
    assert kind_of(prose(text, "Re: cloud will stop", GATEWAY, "Auto-Submitted: auto-replied\n")) in (HARD, SOFT)


@pytest.mark.parametrize(
    "text",
    [
        "Your message was successfully delivered to jo@example.org.",
        "Your message has not yet been delivered. No action is required. Delivery attempts will continue; eventually"
        " the mail system will give up, and the message will be returned to you.",
        "THIS IS A WARNING MESSAGE ONLY. Will keep trying until message is 5 days old.",
        "Delivery to jo@example.org has been delayed. The server will keep trying.",
    ],
)
def test_a_machine_that_says_only_that_it_arrived_or_is_tried_returns_nothing(text: str) -> None:
    assert kind_of(prose(text, "Mail delivery")) is None


AUTOMATIC = "Auto-Submitted: auto-replied\n"


@pytest.mark.parametrize(
    ("text", "subject", "sender", "fields", "path"),
    [
        (
            "Ik ben op vakantie tot 3 mei.",
            "Automatisch antwoord: cloud stopt",
            "postmaster@example.org",
            AUTOMATIC,
            "<>",
        ),
        ("Ik ben op vakantie tot 3 mei.", "Automatisch antwoord: cloud stopt", "mailer-daemon@example.org", "", "<>"),
        ("I am out of the office until Monday.", "cloud will stop", "root@example.org", AUTOMATIC, "<>"),
        ("I paid yesterday. Please check.", "Re: cloud will stop", "root@example.org", "", "<root@example.org>"),
        ("I paid yesterday. Please check.", "Re: cloud will stop", "root@example.org", "", "<>"),
        ("I am away. My colleague handles mail delivery problems.", "cloud will stop", "jo@example.org", "", "<>"),
        ("Sam handles mail delivery problems.", "cloud will stop", "jo@example.org", AUTOMATIC, "<>"),
        ("We have your ticket.", "Ticket 33", "support@example.org", AUTOMATIC, "<>"),
        ("I am away.\\n\\nJo\\n500 Main Street", "cloud will stop", "jo@example.org", AUTOMATIC, "<>"),
    ],
)
def test_an_absence_or_an_answer_changes_nothing_whatever_the_name_it_is_sent_under(
    text: str, subject: str, sender: str, fields: str, path: str
) -> None:
    assert kind_of(prose(text, subject, sender, fields, path)) in (None, ReportKind.ANSWER)


@pytest.mark.parametrize(
    ("text", "sender", "fields"),
    [
        ("We have your mail.", "jo@example.org", ""),
        ("We have your mail.", GATEWAY, AUTOMATIC),
        ("Your message is held.", "mail-quarantine@example.org", AUTOMATIC),
        ("We have your mail.", "jo@example.org", "Auto-Submitted: auto-notified\n"),
        ("This address is no longer in use.", "jo@example.org", AUTOMATIC),
        ("My mailbox is full.", "jo@example.org", AUTOMATIC),
        ("The mailbox is full. Its owner is on vacation.", DAEMON, ""),
        ("jo@example.org is on holiday, and your message could not be delivered.", "jo@example.org", AUTOMATIC),
        ("Mailbox of jo@example.org: 550 5.1.1 user unknown", "jo@example.org", AUTOMATIC),
    ],
)
def test_what_cannot_be_told_came_back_and_buries_nobody(text: str, sender: str, fields: str) -> None:
    assert kind_of(prose(text, "cloud will stop", sender, fields)) is SOFT


PERSON = "jo@example.org"
ADMIN = "<admin@other.example>"


@pytest.mark.parametrize(
    ("text", "subject", "sender"),
    [
        ("Votre message n'a pas pu etre delivre a jo@example.org", "RE: cloud : non remis", "dsi@other.example"),
        ("--- Non-Delivery Report ---\nThe email below could not be delivered to jo", "Non-Delivery: cloud", ADMIN),
        ("No se pudo entregar su mensaje. El buzon esta lleno.", "Aviso", ADMIN),
        ("Сообщение не удалось доставить.", "Письмо не доставлено", ADMIN),
        ("Message you sent blocked by our bulk email filter: it has NOT BEEN DELIVERED.", "Blocked", "spam@x.example"),
        ("MailMarshal has stopped the following email message, which was deleted.", "cloud will stop", ADMIN),
        ("Your message to jo has been quarantined. It will be deleted.", "cloud will stop", "q@x.example"),
        ("Your mail to 'billing' awaits moderator approval.", "Your message to billing", "billing-bounces@x.example"),
        ("It could not be processed. Your message has been discarded.", "cloud will stop", "noreply@x.example"),
        ("This mailbox has been closed. Your message was not delivered and will not be read.", "Auto reply", PERSON),
        ("Bu posta kutusu artik yok.", "cloud will stop", "mailserver@x.example"),
        ("Your message was discarded.", "Automatic reply: cloud", PERSON),
        ("Ihre Nachricht wurde nicht angenommen.", "Re: cloud", PERSON),
        ("Письмо не было доставлено.", "Re: cloud", PERSON),
        ("您的邮件无法投递。", "Automatic reply: cloud", PERSON),
    ],
)
@pytest.mark.parametrize("path", ["<>", ADMIN, ""])
@pytest.mark.parametrize("fields", ["", AUTOMATIC])
def test_whatever_reaches_a_return_address_came_back_unless_it_is_an_answer_of_its_reader(
    text: str, subject: str, sender: str, path: str, fields: str
) -> None:
    """Under whatever name, in whatever language: what is read as an answer counts only from the mailbox itself."""
    kind = kind_of(prose(text, subject, sender, fields, path))
    assert kind in (SOFT, HARD) if sender == PERSON else kind in (SOFT, HARD, ReportKind.ANSWER)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"action": "delayed", "status": "5.4.7", "said": ""}, "About your message."),
        ({"action": "delayed", "status": "4.4.7", "said": ""}, "Delivery failed permanently. We have given up."),
        ({"action": "delivered", "status": "2.0.0", "said": "smtp; 250 quarantined, not delivered"}, "About it."),
        ({"action": "delivered", "status": "2.0.0", "said": "smtp; 250 ok"}, "It was not delivered to jo@example.org."),
        ({"action": "delayed", "status": "5.1.1", "said": "smtp; 550 5.1.1 user unknown"}, "About your message."),
    ],
)
def test_a_report_that_says_two_things_is_believed_for_the_worse_and_buries_nobody(
    fields: dict[str, str], text: str
) -> None:
    assert kind_of(notice(**fields).replace(b"This is about your message.", text.encode())) is SOFT


def test_that_a_message_was_shown_is_no_return() -> None:
    raw = report().replace(b"message/delivery-status", b"message/disposition-notification")
    shown = b"Disposition: manual-action/MDN-sent-manually; displayed"
    assert kind_of(raw.replace(b"Action: failed", shown)) is None
    assert kind_of(raw) is SOFT


@pytest.mark.parametrize(
    ("recipient", "said"),
    [
        (
            "Final-Recipient: rfc822; to@other.example\nOriginal-Recipient: rfc822; jo@example.org",
            "smtp; 550 User unknown",
        ),
        (
            "Final-Recipient: rfc822; to@other.example\nOriginal-Recipient: rfc822;jo@example.org",
            "smtp; 550 5.1.1 <to@other.example>: User unknown",
        ),
        ("Final-Recipient: rfc822; jo@example.org", "smtp; 550 5.1.1 <to@other.example>: User unknown"),
    ],
)
def test_a_dead_address_that_mail_was_passed_on_to_is_not_the_recipients(recipient: str, said: str) -> None:
    assert kind_of(report(recipient=recipient, said=said)) is SOFT
    human = b"<to@other.example> (expanded from\r\n    <jo@example.org>): host mx.other.example said: 550 User unknown"
    expanded = report(said="smtp; 550 User unknown").replace(b"Your message could not be delivered.", human)
    assert kind_of(expanded) is SOFT


def test_a_report_of_failed_authentication_says_whether_the_message_was_refused_for_it() -> None:
    raw = COMPLAINT.replace(b"Feedback-Type: abuse", b"Feedback-Type: auth-failure\nDelivery-Result: delivered")
    assert kind_of(raw) is None
    assert kind_of(raw.replace(b"Result: delivered", b"Result: reject")) is SOFT
