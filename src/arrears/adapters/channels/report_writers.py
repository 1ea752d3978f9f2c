"""Who wrote a mail that reached a return address: a mail system, or somebody who answers, is away or passes it on.

A return that is taken for an answer lets a message count that nobody got; an answer that is taken for a return delays,
and is a task. Nobody writes to a return address of their own accord, so whatever comes there is a return, unless it is
clearly somebody's absence, or an answer of the very mailbox that was written to.
"""

from __future__ import annotations

import re
from email.header import decode_header
from email.utils import parseaddr
from enum import StrEnum
from typing import Final

from arrears.adapters.channels.mail_parts import MailParts, field, fields_of
from arrears.adapters.channels.reasons import folded, reason_in, words

PROSE_CHARS_MAX: Final = 16_000

_PASSED_ON: Final = re.compile(r"^(?:fwd?|wg|tr|rv|enc|pd|doorst|vs|vb|i)\s*:")
_ANSWER: Final = re.compile(
    r"^(?:(?:re|aw|antw|sv|ref|rif|res|odp)\s*:|automati[a-z]* (?:reply|response|answer)"
    r"|auto(?:matic|matische?|matisch|[ -])?\s?(?:reply|response|antwort|antwoord)|out of (?:the )?office|away|vacation"
    r"|on holiday)"
)
_NO_PERSON: Final = re.compile(
    r"(?:mailer|mail)-?daemon|mail[._-]?(?:delivery[._-]?(?:system|subsystem)|system|delivery)|mdaemon|mmdf|bounces?"
    r"|(?:do[._-]?not|no|ne)[._-]?(?:reply|answer|pas[._-]?repondre)|(?:nicht|niet)[._-]?(?:antworten|beantwoorden)"
    r"|(?:e?mail|smtp|(?:anti)?spam|mx)?[._-]?(?:gateway|quarantine|filter|guard|security|server|relay|alerts?|notif\w{1,12})",
    re.IGNORECASE,
)
"""Names that no person writes under; under postmaster and root somebody may."""

_NULL_PATH: Final = re.compile(r"<\s?>|<?mailer-daemon(?:@[^<>]{1,255})?>?", re.IGNORECASE)
_QUOTED: Final = re.compile(r"^[ \t]*[>|].*$", re.MULTILINE)
_REFUSAL: Final = re.compile(
    r"(?:^|[\s:;>(])[45]\d\d[ -](?:#?[45]\.\d|"
    r"[^\n]{0,40}(?:user|mail|recipient|address|account|reject|denied|unknown|relay))",
    re.IGNORECASE,
)
"""A reply of a mail server, and not the number of a house."""

_NOBODY_READS: Final = ("full", "disabled", "loop")
_TAG: Final = re.compile(r"<(?:style|script)\b[^<]{0,5000}</(?:style|script)>|<[^@<>]{1,2000}>", re.IGNORECASE)


class WrittenBy(StrEnum):
    """`system`: by its name, build or words a mail system reports; `unknown`: it is neither an answer nor an absence,
    so the message came back, but it buries no address; `answer`: somebody answers, or their mailbox does, which
    reports nothing where it is the mailbox that was written to; `somebody`: it reports nothing."""

    SYSTEM = "system"
    UNKNOWN = "unknown"
    ANSWER = "answer"
    SOMEBODY = "somebody"


def written_by(mail: MailParts, human: str) -> WrittenBy:
    """Who wrote this mail, `human` being its prose."""
    head, subject = mail.head, subject_of(mail)
    if head.get_content_type() == "multipart/report":
        return WrittenBy.SOMEBODY if _receipt(mail) else WrittenBy.SYSTEM
    if head.get("X-Failed-Recipients"):
        return WrittenBy.SYSTEM
    sender = parseaddr(field(head, "From"))[1].partition("@")[0]
    if not sender and not field(head, "From") and not _to_nobody(mail):
        return WrittenBy.ANSWER  # of nobody: no mail at all, or one that a person cannot have sent
    no_person = bool(_NO_PERSON.fullmatch(sender)) or not sender
    daemon = bool(words().senders.fullmatch(sender)) or (not sender and "daemon" in field(head, "From").lower())
    answers = _answers(mail, subject, human, daemon=daemon, no_person=no_person)
    if answers is not None:
        return answers
    automatic = _absent_by_fields(mail) or bool(_ANSWER.match(subject))
    said = f"{subject} {folded(human[:500]) if _to_nobody(mail) else ''}"
    # Somebody's own mailbox, which says that it failed, knows nothing for good.
    person = not daemon and not no_person
    if daemon or (words().subjects.search(said) and not (person and automatic and not _to_nobody(mail))):
        return WrittenBy.SYSTEM
    return WrittenBy.UNKNOWN


def _answers(mail: MailParts, subject: str, human: str, *, daemon: bool, no_person: bool) -> WrittenBy | None:
    """Whether this is an answer or an absence (RFC 3834), which says of no failure, or a report that somebody passes
    on; None for neither. Under the name of a mail system it has to say so: its fields are also those of reports."""
    person, nobodys = not daemon and not no_person, _to_nobody(mail)
    if _PASSED_ON.match(subject) and not nobodys and not no_person:
        return WrittenBy.ANSWER
    own = _QUOTED.sub("", human)
    told = folded(own)
    if words().failed.search(told) or _REFUSAL.search(own):
        return None
    of_failure = bool(words().subjects.search(subject))
    answer = bool(_ANSWER.match(subject))
    reason = reason_in(own)
    gone = reason is not None and (reason.dead or reason.word in _NOBODY_READS)
    absent = words().absent.search(f"{subject} {told[:2_000]}")
    if absent and (person or not (gone or of_failure)):
        return WrittenBy.SOMEBODY
    if gone:
        return None
    if person:
        # Some mail servers write no path down (Exim's pipes): then nobody can say that it is none.
        plain = bool(field(mail.head, "Return-Path")) and not nobodys and not of_failure
        return WrittenBy.ANSWER if answer or plain or _absent_by_fields(mail) else None
    return WrittenBy.ANSWER if answer and not no_person and not of_failure else None


def _to_nobody(mail: MailParts) -> bool:
    """Whether it was sent with a null return path; some mail systems write their own name for it."""
    return bool(_NULL_PATH.fullmatch(field(mail.head, "Return-Path")))


def _absent_by_fields(mail: MailParts) -> bool:
    """Whether the fields of a mail say that it is an automatic answer."""
    return field(mail.head, "Auto-Submitted").lower().startswith("auto-replied") or any(
        mail.head.get(name) for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Reply")
    )


def _receipt(mail: MailParts) -> bool:
    """Whether a report says that its message was shown or taken (RFC 8098)."""
    blocks = (block for part in mail.of("message/disposition-notification") for block in fields_of(part.text))
    return any("failed" not in disposition.lower() for block in blocks if (disposition := field(block, "Disposition")))


def prose(mail: MailParts) -> str:
    """What the machine itself wrote, down to the mail that it returns."""
    texts = [part.text for part in mail.of("text/plain")] or [
        _TAG.sub(" ", p.text[:32_000]) for p in mail.of("text/html")
    ]
    text = "\n\n".join(texts[:3])[:PROSE_CHARS_MAX]
    copy = words().copy.search(text, 1)
    return text[: copy.start()] if copy else text


def subject_of(mail: MailParts) -> str:
    """The subject, folded (`reasons.folded`)."""
    raw = str(mail.head.get("Subject", ""))[:1_000]
    pieces = (t.decode(c or "ascii", "replace") if isinstance(t, bytes) else t for t, c in decode_header(raw))
    return folded(" ".join(pieces))
