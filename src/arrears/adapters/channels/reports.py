"""What a mail that came back says: the report's fields (RFC 3464, 5965, 6522, 6533), else the machine's own prose.

Everything here was written by strangers; it is read within bounds (`mail_parts.py`), and whoever acts on it checks
that the message was really sent to that address. Only a report of its own is one: a mail of a person, of their
absence, or one that passes a report on says nothing, whatever it contains.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from email.errors import MessageError
from email.header import decode_header
from email.message import Message as Mime
from email.utils import parseaddr
from enum import StrEnum
from typing import Final, NamedTuple

from arrears.adapters.channels.mail_parts import MailPart, MailParts, field, fields_of, take_apart
from arrears.adapters.channels.reasons import REFUSED, ReportReason, folded, reason_in, reason_of, status_in, words
from arrears.core.address import check_address
from arrears.core.errors import Refused

SAID_CHARS_MAX: Final = 300
PROSE_CHARS_MAX: Final = 16_000

_REPLY: Final = re.compile(r"(?:^|[\s:;>])(?P<said>[45]\d\d[ -:][^\S\n]*\S.{0,400})")
_PARAGRAPH: Final = re.compile(r"\n[ \t]*\r?\n|\n[ \t]*(?:<<<|>>>|\.\.\. while|giving up on)", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,250}[A-Za-z0-9]")
_NEXT: Final = re.compile(
    r"^[ \t]*[\"'<]*([^\s\"'<>@]{1,64}@[^\s\"'<>:]{1,250})[\"'>]*[ \t]*(?::.*)?\r?$", re.MULTILINE
)
_PASSED_ON: Final = re.compile(r"^(?:fwd?|wg|tr|rv|enc|pd|doorst|vs|vb|i)\s*:")
_ANSWER: Final = re.compile(
    r"^(?:(?:re|aw|antw|sv|ref|rif|res|odp)\s*:|automati[a-z]* (?:reply|response|answer)"
    r"|auto(?:matic|matische|[ -])?(?:reply|response|antwort|antwoord)|out of (?:the )?office|away|vacation|on holiday)"
)
_WARNING: Final = re.compile(
    r"warning message only|(?:will|to) (?:be )?(?:retr(?:y|ied)|keep trying|try again)(?! to send)|has been delayed|"
    r"is delayed|delivery status notification \(delay|not need to re-?send|still being retried|no action is required|"
    r"not yet been delivered|delivery attempts will continue|delayed \d+ hours"
)
_DELIVERED: Final = re.compile(
    r"(?:success(?:ful|fully)?|erfolgreich|avec succes|con exito|correctamente|met succes) (?:mail )?"
    r"(?:deliver|zugestellt|remis|distribue|entregad|afgeleverd|bezorgd)|(?:has been|was) delivered to"
)
_TAG: Final = re.compile(r"<(?:style|script)\b[^<]{0,5000}</(?:style|script)>|<[^@<>]{1,2000}>", re.IGNORECASE)
_STRANGE: Final = (
    AttributeError,
    AssertionError,
    LookupError,
    MessageError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What the standard library raises over mail that nobody would write."""


_MORE_EXACT: Final = ("full", "too_big", "loop")
"""What nobody says by chance of an address that does not exist, whatever code stands beside it."""


class Verdict(StrEnum):
    """What a returned mail means for the address. `not_the_address`: this message did not arrive, which says nothing
    about the address; `feedback`: a complaint or another report about mail that arrived; `unknown`: a machine wrote
    it, and nobody knows what it says."""

    DEAD = "dead"
    NOT_THE_ADDRESS = "not_the_address"
    NO_BOUNCE = "no_bounce"
    FEEDBACK = "feedback"
    UNKNOWN = "unknown"


class Report(NamedTuple):
    """What one mail says. `address`, `status` (RFC 3463) and `said` (the mail system's own words, in one short line)
    may be empty; `reason` is a word of `core/data/bounces.toml` or of this module. `final`: nothing is tried again."""

    verdict: Verdict
    address: str = ""
    status: str = ""
    reason: str = ""
    said: str = ""
    final: bool = True


def read_report(raw: bytes) -> tuple[Report, MailParts]:
    """What a mail says, and the mail in parts. Refuses `bad_bounce`: it is too long, or cannot be taken apart."""
    try:
        mail = take_apart(raw)
        return _read(mail), mail
    except _STRANGE as error:
        raise Refused("bad_bounce", f"a returned mail cannot be read ({type(error).__name__}); look at it") from error


def _read(mail: MailParts) -> Report:
    if complaint := next(mail.of("message/feedback-report"), None):
        return _complaint(mail, complaint)
    if notification := _notification(mail):
        return notification
    if not _by_machine(mail):
        return Report(Verdict.NO_BOUNCE, reason="mail")
    human = _prose(mail)
    found = [
        one
        for part in mail.of("message/delivery-status", "message/global-delivery-status")
        for block in fields_of(part.text)
        if (one := _reported(block, human)) is not None
    ]
    if not found:
        return _from_prose(mail, human)
    first = next((one for one in found if one.final and one.verdict is not Verdict.NO_BOUNCE), found[0])
    return first if first.address else first._replace(address=_named(mail, human))


def _reported(block: Mime, human: str) -> Report | None:
    """One recipient's fields (RFC 3464, 2.3); None for a block about the whole message."""
    action = field(block, "Action").lower()
    if not action:
        return None
    address = recipient(field(block, "Original-Recipient")) or recipient(field(block, "Final-Recipient"))
    given = status_in(field(block, "Status"))
    if action.startswith(("deliver", "relayed", "expanded")) or given.startswith("2"):
        return Report(Verdict.NO_BOUNCE, address, given, action.split()[0])
    diagnostic = field(block, "Diagnostic-Code")
    said = diagnostic.partition(";")[2].strip() or diagnostic
    return _judged(address, said, given, _section(human, address), final=not action.startswith("delayed"))


def _judged(address: str, said: str, given: str, human: str, *, final: bool) -> Report:
    """The words of the server that refused it count first, its code next, then the words around them, and last the
    code that the report was given: whoever passes a refusal on makes up the rest."""
    reply = _REPLY.search(human)
    answer = _PARAGRAPH.split(human[reply.start("said") :], maxsplit=1)[0] if reply else ""
    code = status_in(said) or status_in(answer)
    found = (
        reason_in(said)
        or reason_in(answer)
        or (reason_of(code) if code else None)
        or reason_in(human)
        or reason_of(given)
        or REFUSED
    )
    around = reason_in(human) if found.dead else None
    if around is not None and around.word in _MORE_EXACT:
        found = around
    if found.dead and (not final or _may_pass(said, code or given)):
        found = ReportReason("deferred", dead=False)
    verdict = Verdict.DEAD if found.dead else Verdict.NOT_THE_ADDRESS
    return Report(verdict, address, code or given, found.word, one_line(said or answer or human), final)


def _may_pass(said: str, code: str) -> bool:
    """Whether a server said it for now, by its reply or by a code (RFC 3463) about the address or of what expired: then
    it does not know it for good. 4.0.0 says nothing: relays give it to what they found out themselves."""
    quoted = _REPLY.search(said)
    return code.startswith(("4.1", "4.4.7")) or (quoted is not None and quoted["said"].startswith("4"))


def _from_prose(mail: MailParts, human: str) -> Report:
    subject = _subject(mail)
    failed = bool(words().subjects.search(subject)) or bool(field(mail.head, "X-Failed-Recipients"))
    final = not _WARNING.search(folded(f"{subject} {human[:2_000]}"))
    address = _named(mail, human)
    found = _judged(address, "", "", f"{_section(human, address)}\n\n{subject}", final=final)
    if found.reason == REFUSED.word and _DELIVERED.search(folded(f"{subject} {human[:2_000]}")):
        return Report(Verdict.NO_BOUNCE, address, found.status, "delivered")
    if found.reason == REFUSED.word and not failed and _REPLY.search(human) is None:
        return Report(Verdict.UNKNOWN, address, found.status, "unknown", found.said)
    return found


def _by_machine(mail: MailParts) -> bool:
    """Whether a mail system wrote this of its own accord: no person, no absence (RFC 3834), nobody who passes on."""
    head, subject = mail.head, _subject(mail)
    if head.get("X-Failed-Recipients"):
        return True
    sender = parseaddr(field(head, "From"))[1].partition("@")[0]
    daemon = bool(words().senders.fullmatch(sender)) or (not sender and "daemon" in field(head, "From").lower())
    automatic = field(head, "Auto-Submitted").lower()
    absent = automatic.startswith(("auto-replied", "auto-notified")) or any(
        head.get(name) for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Reply")
    )
    if _PASSED_ON.match(subject) or ((absent or _ANSWER.match(subject)) and not daemon):
        return False
    report = head.get_content_type() == "multipart/report" and any(mail.of("message/delivery-status"))
    nobodys = field(head, "Return-Path") == "<>"
    said = f"{subject} {folded(_prose(mail)[:500]) if nobodys else ''}"
    return daemon or report or bool(words().subjects.search(said))


def _complaint(mail: MailParts, report: MailPart) -> Report:
    fields = next(fields_of(report.text), Mime())
    returned = next(returned_heads(mail), None)
    to = field(fields, "Original-Rcpt-To") or (field(returned, "To") if returned is not None else "")
    said = f"{field(fields, 'Feedback-Type')} {field(fields, 'User-Agent')}"
    reason = folded(field(fields, "Feedback-Type"))[:40] or "abuse"
    return Report(Verdict.FEEDBACK, _address(parseaddr(to)[1]), "", reason, one_line(said))


def _notification(mail: MailParts) -> Report | None:
    """What Amazon SES tells by mail through SNS, in JSON."""
    text = mail.leaves[0].text.lstrip() if mail.leaves else ""
    if not text.startswith('{"') or '"notificationType"' not in text[:200]:
        return None
    told, _ = json.JSONDecoder(strict=False).raw_decode(re.sub(r"\r?\n ?", "", text[:20_000]))
    kind = str(told.get("notificationType", "")).lower()
    if kind == "bounce":
        one = (told["bounce"].get("bouncedRecipients") or [{}])[0]
        given = "5.0.0" if told["bounce"].get("bounceType") == "Permanent" else "4.0.0"
        said = str(one.get("diagnosticCode", "")).partition(";")[2].strip()
        return _judged(_address(str(one.get("emailAddress", ""))), said, str(one.get("status", given)), "", final=True)
    if kind == "complaint":
        one = (told["complaint"].get("complainedRecipients") or [{}])[0]
        return Report(Verdict.FEEDBACK, _address(str(one.get("emailAddress", ""))), "", "abuse", "complaint")
    return Report(Verdict.NO_BOUNCE, reason=kind[:40])


def returned_heads(mail: MailParts) -> Iterator[Mime]:
    """The heads of what was returned: the whole mail or its head alone."""
    for part in mail.of(
        "message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers", "message/rfc822-headers"
    ):
        yield from list(fields_of(part.text))[:1]


def _prose(mail: MailParts) -> str:
    """What the machine itself wrote, down to the mail that it returns."""
    texts = [part.text for part in mail.of("text/plain")] or [
        _TAG.sub(" ", p.text[:32_000]) for p in mail.of("text/html")
    ]
    text = "\n\n".join(texts[:3])[:PROSE_CHARS_MAX]
    copy = words().copy.search(text, 1)
    return text[: copy.start()] if copy else text


def _named(mail: MailParts, human: str) -> str:
    """The address that a machine's prose is about: the first, but nobody's who is asked for help there."""
    for text in (field(mail.head, "X-Failed-Recipients"), human):
        for match in _ADDRESS.finditer(text[:4_000]):
            if not words().senders.fullmatch(match[0].partition("@")[0]) and (found := _address(match[0])):
                return found
    return next((found for head in returned_heads(mail) if (found := _address(parseaddr(field(head, "To"))[1]))), "")


def _section(human: str, address: str) -> str:
    """What is said about this address, where prose is about several."""
    for match in _NEXT.finditer(human):
        if (
            address
            and match[1].lower() != address.lower()
            and human[: match.start()].lower().find(address.lower()) >= 0
        ):
            return human[: match.start()]
    return human


def _subject(mail: MailParts) -> str:
    raw = str(mail.head.get("Subject", ""))[:1_000]
    pieces = (t.decode(c or "ascii", "replace") if isinstance(t, bytes) else t for t, c in decode_header(raw))
    return folded(" ".join(pieces))


def recipient(text: str) -> str:
    """The address of `rfc822; a@b` or `utf-8; a@b` (RFC 6533 writes what is not ASCII as `\\x{E9}`)."""
    kind, semicolon, address = text.partition(";")
    if not semicolon:
        kind, address = "", text
    if kind.strip().lower() == "utf-8":
        address = re.sub(r"\\x\{([0-9A-Fa-f]{2,6})\}", lambda m: _char(int(m[1], 16)), address)
    return _address(address.strip().removeprefix("<").removesuffix(">"))


def one_line(text: str) -> str:
    """What the world says, in one short line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[:4_000]).split())[:SAID_CHARS_MAX]


def _char(point: int) -> str:
    return chr(point) if point < 0x110000 else "�"


def _address(text: str) -> str:
    try:
        return check_address(text)
    except Refused:
        return ""
