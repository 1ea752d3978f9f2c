"""What comes back: delivery reports (RFC 3464), complaints (RFC 5965) and what a mail provider's webhooks tell.

A notice that came back did not warn anybody, so what returns is read (`reports.py`) and named by the message that it
is about. Whoever acts on it checks that the message was really sent to that address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from email.utils import parseaddr
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from arrears.adapters.channels.headers import own_id
from arrears.adapters.channels.mail_parts import HEAD_CHARS_MAX, MailParts, field, fields_of, take_apart
from arrears.adapters.channels.reasons import reason_in, reason_of, status_in
from arrears.adapters.channels.report_writers import WrittenBy, written_by
from arrears.adapters.channels.reports import ANSWER, STRANGE, Verdict, one_line, read_report, recipient, returned_heads
from arrears.adapters.channels.signing import proven, unsigned
from arrears.core.closed import closed
from arrears.core.errors import Refused

if TYPE_CHECKING:
    from anymail.signals import AnymailTrackingEvent  # type: ignore[import-untyped]

_VERP: Final = re.compile(r"\+([A-Za-z0-9._-]{1,60})@", re.ASCII)
_MESSAGE_ID: Final = re.compile(r"<([^<>@\s]{1,64})@[^<>@\s]{1,255}>")
_NO_COMPLAINT: Final = ("not-spam", "auth-failure", "dmarc", "opt-out", "opt-out-list")


class ReportKind(StrEnum):
    """What a report means: the address does not exist, this message did not arrive, mail is not welcome; or somebody
    answers at this address, which is nothing where the message went there, and else it did not arrive."""

    HARD = "hard"
    SOFT = "soft"
    COMPLAINT = "complaint"
    ANSWER = "answer"


class Bounce(NamedTuple):
    """One report. `message_id` is ports.Message.id where the report proves it, `status` is of RFC 3463 ("5.1.1");
    `message_id`, `address` and `status` may be empty. `claimed` is the id that it names with a signature of another
    key: a forged one, or made by a host with another secret key."""

    message_id: str
    address: str
    kind: ReportKind
    status: str
    why: str
    claimed: str = ""


def bounces_in(raw: bytes, keys: Sequence[bytes] | None = None) -> Bounce | None:
    """The bounce or complaint that a mail holds; None for any other mail, and for a delay, which a report that is
    final will end. `message_id` is one that these keys have signed; without keys, whatever the mail names: for a mail
    that a person has looked at. Refuses `bad_bounce`: the mail is too long to be read, or cannot be taken apart, and
    its head proves no return of a message."""
    try:
        report, mail = read_report(raw)
    except Refused as refused:
        unread = None if keys is None else _unread(raw, keys, refused.message)
        if unread is None:
            raise
        return unread
    kind = ReportKind.ANSWER if report.reason == ANSWER else _KIND[report.verdict]
    if kind is None or not report.final or report.reason in _NO_COMPLAINT:
        return None
    ours = _own_message(mail, keys)
    claimed = "" if ours or keys is None else _claimed(mail)
    if kind is ReportKind.ANSWER and not ours:
        return None
    return Bounce(ours, report.address, kind, report.status, report.said or report.reason, claimed)


def _unread(raw: bytes, keys: Sequence[bytes], why: str) -> Bounce | None:
    """A mail that cannot be read, by its head alone: a return that proves its message came back all the same."""
    head = _HEAD_ENDS.split(raw[:HEAD_CHARS_MAX], maxsplit=1)[0]
    try:
        mail = take_apart(head + b"\n\n")
        by = written_by(mail, "")
    except STRANGE:
        return None
    ours = _own_message(mail, keys)
    if not ours or by is WrittenBy.SOMEBODY:
        return None
    if by is WrittenBy.ANSWER:
        return Bounce(ours, recipient(parseaddr(field(mail.head, "From"))[1]), ReportKind.ANSWER, "", why)
    return Bounce(ours, "", ReportKind.SOFT, "", why)


_HEAD_ENDS: Final = re.compile(rb"\r?\n[ \t]*\r?\n")
_KIND: Final = closed(
    "kinds of return",
    Verdict,
    {
        Verdict.DEAD: ReportKind.HARD,
        Verdict.NOT_THE_ADDRESS: ReportKind.SOFT,
        Verdict.UNKNOWN: ReportKind.SOFT,
        Verdict.FEEDBACK: ReportKind.COMPLAINT,
        Verdict.NO_BOUNCE: None,
    },
)
"""What nobody understands came back too: who sends it would not have written had the message arrived."""


_FAILED: Final = ("bounced", "rejected", "failed")
_NO_FAILURE: Final = ("queued", "sent", "delivered", "autoresponded", "opened", "clicked", "subscribed", "unsubscribed")
"""The types of anymail's events that prove that the message is on its way or arrived."""


def bounce_of(event: AnymailTrackingEvent) -> Bounce | None:
    """What a provider's webhook says; None for what says that the message is on its way or arrived, and for a delay,
    which another event will end. What nobody understands came back: it is kept, and staff are told."""
    said = " ".join(str(part) for part in (event.mta_response, event.description) if part)
    status = status_in(said)
    kind = _kind_of_event(str(event.event_type), str(event.reject_reason or ""), said, status)
    if kind is None:
        return None
    metadata = event.metadata if isinstance(event.metadata, dict) else {}
    ours = own_id(str(metadata.get("message_id", ""))) or _of_message_id(str(event.message_id or ""))
    address = recipient(str(event.recipient or ""))
    why = one_line(said or f"{event.event_type} {event.reject_reason or ''}")
    return Bounce(ours, address, kind, status, why) if ours or address else None


def _kind_of_event(event_type: str, reject: str, said: str, status: str) -> ReportKind | None:
    """Of the words for a rejection that anymail has, one says that the address does not exist: `invalid`. An event of
    a type that nobody knows came back, and buries nobody."""
    if event_type == "complained":
        return ReportKind.COMPLAINT
    if event_type in _NO_FAILURE or (event_type == "deferred" and not status.startswith("5")):
        return None
    reason = reason_in(said) or reason_of(status)
    dead = (reason.dead if reason else reject == "invalid") and event_type in _FAILED
    return ReportKind.HARD if dead else ReportKind.SOFT


def _own_message(mail: MailParts, keys: Sequence[bytes] | None) -> str:
    """Our message's id: from the address that it came back to, from the envelope's id, or from the returned head."""
    for name in _names(mail):
        if ours := own_id(unsigned(name) if keys is None else proven(name, keys)):
            return ours
    return ""


def _claimed(mail: MailParts) -> str:
    """The id of ours that a name with any signature stands for."""
    return next((ours for name in _names(mail) if unsigned(name) != name and (ours := own_id(unsigned(name)))), "")


def _names(mail: MailParts) -> Iterator[str]:
    for header in ("X-Original-To", "Delivered-To", "Envelope-To", "To"):
        for value in mail.head.get_all(header, []):
            if match := _VERP.search(str(value)):
                yield match[1]
    for report in mail.of("message/delivery-status", "message/global-delivery-status"):
        for block in fields_of(report.text):
            yield field(block, "Original-Envelope-Id")
    for head in returned_heads(mail):
        if match := _MESSAGE_ID.search(field(head, "Message-ID")):
            yield match[1]


def _of_message_id(text: str) -> str:
    match = _MESSAGE_ID.search(text)
    return own_id(unsigned(match[1])) if match else ""
