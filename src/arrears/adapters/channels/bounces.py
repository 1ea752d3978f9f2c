"""What comes back: delivery reports (RFC 3464), complaints (RFC 5965) and what a mail provider's webhooks tell.

A notice that came back did not warn anybody, so what returns is read: by its fields where it has them, by flufl.bounce
where a mail system wrote prose. Everything here was written by strangers; it is read within bounds, and whoever acts
on it checks that the message was really sent to that address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from email import message_from_bytes, message_from_string
from email.errors import MessageError
from email.message import Message as Mime
from email.utils import parseaddr
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from flufl.bounce import all_failures

from arrears.adapters.channels.headers import own_id
from arrears.core.address import check_address
from arrears.core.errors import Refused

if TYPE_CHECKING:
    from anymail.signals import AnymailTrackingEvent  # type: ignore[import-untyped]

BOUNCE_BYTES_MAX: Final = 256 * 1024

WHY_CHARS_MAX: Final = 300

_STATUS: Final = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\d|\.\d)")
_SOFT_FIVES: Final = ("5.2.2", "5.3.1", "5.4.5", "5.4.7")
"""RFC 3463: mailbox full, mail system full, congestion, time expired. They say 5, and they pass."""

_VERP: Final = re.compile(r"\+([A-Za-z0-9._-]{1,40})@", re.ASCII)
_MESSAGE_ID: Final = re.compile(r"<([^<>@\s]{1,64})@[^<>@\s]{1,255}>")
_NO_COMPLAINT: Final = ("not-spam", "auth-failure", "dmarc", "opt-out", "opt-out-list")
_STRANGE: Final = (
    AttributeError,
    AssertionError,
    LookupError,
    MessageError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What parsers of mail raise over mail that nobody would write."""


class ReportKind(StrEnum):
    """What a bounce means for the address: nothing arrives there, nothing arrived this time, mail is not welcome."""

    HARD = "hard"
    SOFT = "soft"
    COMPLAINT = "complaint"


class Bounce(NamedTuple):
    """One report. `message_id` is ports.Message.id where the report tells it, `status` is of RFC 3463 ("5.1.1");
    `message_id`, `address` and `status` may be empty, the first two not both."""

    message_id: str
    address: str
    kind: ReportKind
    status: str
    why: str


def bounces_in(raw: bytes) -> Bounce | None:
    """The bounce or complaint that a mail holds; None for any other mail. Refuses `bad_bounce`: more than
    BOUNCE_BYTES_MAX octets, or a mail that cannot be taken apart."""
    if len(raw) > BOUNCE_BYTES_MAX:
        raise Refused(
            "bad_bounce",
            f"a returned mail of {len(raw)} bytes is not read; {BOUNCE_BYTES_MAX} are the most, look at it",
        )
    try:
        found = _read(message_from_bytes(raw))
    except _STRANGE as error:
        raise Refused("bad_bounce", f"a returned mail cannot be read ({type(error).__name__}); look at it") from error
    return found if found and (found.address or found.message_id) else None


def bounce_of(event: AnymailTrackingEvent) -> Bounce | None:
    """What a provider's webhook says; None for everything that is neither a failure nor a complaint, and for a delay,
    which another event will end."""
    said = " ".join(str(part) for part in (event.mta_response, event.description) if part)
    status = _status_in(said)
    kind = _kind_of_event(str(event.event_type), str(event.reject_reason or ""), status)
    if kind is None:
        return None
    metadata = event.metadata if isinstance(event.metadata, dict) else {}
    ours = own_id(str(metadata.get("message_id", ""))) or _of_message_id(str(event.message_id or ""))
    address = _address(str(event.recipient or ""))
    why = _line(said or f"{event.event_type} {event.reject_reason or ''}")
    return Bounce(ours, address, kind, status, why) if ours or address else None


def _kind_of_event(event_type: str, reason: str, status: str) -> ReportKind | None:
    if event_type == "complained" or (event_type in ("bounced", "rejected") and reason == "spam"):
        return ReportKind.COMPLAINT
    if event_type not in ("bounced", "rejected", "failed"):
        return None
    if status:
        return _kind(status)
    return ReportKind.HARD if reason in ("invalid", "bounced", "unsubscribed") else ReportKind.SOFT


def _read(mail: Mime) -> Bounce | None:
    ours = _own_message(mail)
    if complaint := next(_parts(mail, "message/feedback-report"), None):
        return _complaint(complaint, mail, ours)
    reports = [*_parts(mail, "message/delivery-status"), *_parts(mail, "message/global-delivery-status")]
    if reports:
        found = _worst([_reported(block, ours) for report in reports for block in _blocks(report)])
        return found if found is None or found.address else found._replace(address=_address_by_flufl(mail))
    return None if _is_answer(mail) else _from_prose(mail, ours)


def _worst(bounces: Sequence[Bounce | None]) -> Bounce | None:
    found = [one for one in bounces if one is not None]
    return min(found, key=lambda one: one.kind is not ReportKind.HARD, default=None)


def _reported(block: Mime, ours: str) -> Bounce | None:
    """One recipient's fields (RFC 3464, 2.3). Delivered, relayed and expanded is what was wanted."""
    action = _field(block, "Action").lower()
    if not action.startswith(("failed", "error", "delayed")):
        return None
    said = _field(block, "Diagnostic-Code").partition(";")[2] or _field(block, "Diagnostic-Code")
    status = _status_in(_field(block, "Status")) or _status_in(said)
    delayed = action.startswith("delayed")
    address = _recipient(_field(block, "Original-Recipient")) or _recipient(_field(block, "Final-Recipient"))
    kind = ReportKind.SOFT if delayed else _kind(status)
    return Bounce(ours, address, kind, status, _line(said or f"{action} {status}"))


def _complaint(report: Mime, mail: Mime, ours: str) -> Bounce | None:
    fields = next(iter(_blocks(report)), report)
    if _field(fields, "Feedback-Type").lower() in _NO_COMPLAINT:
        return None
    returned = next(_returned(mail), None)
    to = _field(fields, "Original-Rcpt-To") or (_field(returned, "To") if returned is not None else "")
    said = f"{_field(fields, 'Feedback-Type')} {_field(fields, 'User-Agent')}"
    return Bounce(ours, _address(parseaddr(to)[1]), ReportKind.COMPLAINT, "", _line(said))


def _from_prose(mail: Mime, ours: str) -> Bounce | None:
    temporary, permanent = all_failures(mail)
    if not permanent and not temporary:
        return None
    text = " ".join(_texts(mail))
    status = _status_in(text)
    kind = _kind(status) if permanent else ReportKind.SOFT
    return Bounce(ours, _address_by_flufl(mail), kind, status, _line(text))


def _address_by_flufl(mail: Mime) -> str:
    temporary, permanent = all_failures(mail)
    return next((_address(one.decode("ascii", "replace")) for one in sorted(permanent or temporary)), "")


def _is_answer(mail: Mime) -> bool:
    """Whether a person or their absence wrote this (RFC 3834). Exim calls its bounces answers, and marks them."""
    if mail.get("X-Failed-Recipients"):
        return False
    automatic = _field(mail, "Auto-Submitted").lower()
    if automatic.startswith(("auto-replied", "auto-notified")) or mail.get("X-Autoreply") or mail.get("X-Autorespond"):
        return True
    sender = parseaddr(_field(mail, "From"))[1].partition("@")[0].lower()
    by_machine = _field(mail, "Return-Path") == "<>" or sender in ("mailer-daemon", "postmaster", "maildelivery")
    return not by_machine


def _kind(status: str) -> ReportKind:
    """A failure without a status is one for good: to wait for more mail at that address would be to hope."""
    return ReportKind.SOFT if status.startswith("4") or status in _SOFT_FIVES else ReportKind.HARD


def _own_message(mail: Mime) -> str:
    """Our message's id: from the address that it came back to, from the envelope's id, or from the returned head."""
    for name in ("X-Original-To", "Delivered-To", "Envelope-To", "To"):
        for value in mail.get_all(name, []):
            if (match := _VERP.search(str(value))) and own_id(match[1]):
                return match[1]
    for report in _parts(mail, "message/delivery-status"):
        for block in _blocks(report):
            if ours := own_id(_field(block, "Original-Envelope-Id")):
                return ours
    for head in _returned(mail):
        if ours := _of_message_id(_field(head, "Message-ID")):
            return ours
    return ""


def _of_message_id(text: str) -> str:
    match = _MESSAGE_ID.search(text)
    return own_id(match[1]) if match else ""


def _returned(mail: Mime) -> Iterator[Mime]:
    """The heads of what was returned: the whole mail or its head alone."""
    for part in (*_parts(mail, "message/rfc822"), *_parts(mail, "message/global")):
        payload = part.get_payload()
        if isinstance(payload, list):
            yield from (one for one in payload[:1] if isinstance(one, Mime))
    for kind in ("text/rfc822-headers", "message/global-headers", "message/rfc822-headers"):
        for part in _parts(mail, kind):
            yield from _blocks(part)


def _parts(mail: Mime, content_type: str) -> Iterator[Mime]:
    return (part for part in mail.walk() if part.get_content_type() == content_type)


def _blocks(part: Mime) -> Iterator[Mime]:
    """The groups of fields of a part, which the parser leaves as text or takes apart, as its type is known to it."""
    payload = part.get_payload()
    if isinstance(payload, list) and part.get_content_type() == "message/delivery-status":
        yield from (one for one in payload if isinstance(one, Mime))
        return
    if isinstance(payload, list):
        text = "\n".join(str(one) for one in payload)
    else:
        decoded = part.get_payload(decode=True)
        text = decoded.decode("utf-8", "replace") if isinstance(decoded, bytes) else ""
    for group in re.split(r"\r?\n[ \t]*\r?\n", text.strip()):
        yield message_from_string(group)


def _texts(mail: Mime) -> Iterator[str]:
    for part in _parts(mail, "text/plain"):
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            yield content[: 16 * 1024].decode("utf-8", "replace")


def _field(block: Mime, name: str) -> str:
    return " ".join(str(block.get(name, "")).split())


def _status_in(text: str) -> str:
    match = _STATUS.search(text)
    return match[1] if match else ""


def _recipient(text: str) -> str:
    """The address of `rfc822; a@b` or `utf-8; a@b` (RFC 6533 writes what is not ASCII as `\\x{E9}`)."""
    kind, semicolon, address = text.partition(";")
    if not semicolon:
        kind, address = "", text
    if kind.strip().lower() == "utf-8":
        address = re.sub(r"\\x\{([0-9A-Fa-f]{2,6})\}", lambda m: _char(int(m[1], 16)), address)
    return _address(address.strip().removeprefix("<").removesuffix(">"))


def _char(point: int) -> str:
    return chr(point) if point < 0x110000 else "�"


def _address(text: str) -> str:
    try:
        return check_address(text)
    except Refused:
        return ""


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:WHY_CHARS_MAX]
