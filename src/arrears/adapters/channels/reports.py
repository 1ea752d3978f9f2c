"""What a mail that came back says: the report's fields (RFC 3464, 5965, 6522, 6533), else the machine's own prose.

Everything here was written by strangers; it is read within bounds (`mail_parts.py`), and whoever acts on it checks
that the message was really sent to that address. What is no mail of a person (`report_writers.py`) came back, unless it
proves that the message arrived or is still being tried.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from email.errors import MessageError
from email.message import Message as Mime
from email.utils import parseaddr
from enum import StrEnum
from typing import Final, NamedTuple

from arrears.adapters.channels.mail_parts import MailPart, MailParts, field, fields_of, take_apart
from arrears.adapters.channels.reasons import (
    REFUSED,
    ReportReason,
    folded,
    names_another,
    reason_in,
    reason_of,
    status_in,
    words,
)
from arrears.adapters.channels.report_writers import WrittenBy, prose, subject_of, written_by
from arrears.core.address import check_address, mailbox_of
from arrears.core.errors import Refused

SAID_CHARS_MAX: Final = 300

_REPLY: Final = re.compile(r"(?:^|[\s:;>])(?P<said>[45]\d\d[ -:][^\S\n]*\S.{0,400})")
_PARAGRAPH: Final = re.compile(r"\n[ \t]*\r?\n|\n[ \t]*(?:<<<|>>>|\.\.\. while|giving up on)", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,250}[A-Za-z0-9]")
_NEXT: Final = re.compile(
    r"^[ \t]*[\"'<]*([^\s\"'<>@]{1,64}@[^\s\"'<>:]{1,250})[\"'>]*[ \t]*(?::.*)?\r?$", re.MULTILINE
)
_DELAYED: Final = re.compile(
    r"warning message only|will (?:be )?(?:retr(?:y|ied)|keep (?:on )?trying|try again)(?! to send)|"
    r"attempts (?:to deliver .{0,40})?will continue|will continue (?:to )?(?:try|attempt|retry)|still being retried|"
    r"delivery status notification \(delay|not need to re-?send|not yet been delivered|delayed \d+ hours"
)
_MAYBE_DELAYED: Final = re.compile(r"(?:has been|is) delayed|no action is required")
_OVER: Final = re.compile(
    r"attempts (?:have |had )?(?:all )?failed|(?:has|have) (?:now )?(?:been returned|given up)|was returned|gave up|"
    r"no further attempt|given up|permanent(?:ly)? (?:fail|error)|fail(?:ed)? permanently|"
    r"(?:not|nt|no longer|never) (?:be )?retr"
)
_MAYBE_OVER: Final = re.compile(
    r"\breturned\b|giving up|too long|permanent|expired|fatal|final|undeliver|unknown|reject|refus|dropped|deleted|"
    r"(?:not|nt|no longer) (?:be )?(?:tr(?:y|ied)|deliver|exist|found)"
)
_FAILED_CODE: Final = re.compile(
    r"(?<![\d.,])(?:5\d\d[ -](?!years|days|hours|bytes|octets|k)\S|5\.\d{1,3}\.\d{1,3}(?![\d.]))"
)
_DELIVERED: Final = re.compile(
    r"(?:success(?:ful|fully)?|erfolgreich|avec succes|con exito|correctamente|met succes) (?:mail )?"
    r"(?:deliver|zugestellt|remis|distribue|entregad|afgeleverd|bezorgd)|(?:has been|was) delivered to"
)
_SET_ASIDE: Final = re.compile(
    r"quarant|moderator|discard|"
    r"(?:has been|was|is|being|were) (?:held|stopped|blocked|deleted|dropped|intercepted|removed)"
)
_NEGATED: Final = re.compile(
    r"n[o']?t\b|\bno(?:body|ne|where)?\b|never|cannot|unable|unsuccess|fail|reject|refus|undeliver|return(?:ed|ing)|"
    r"\bbut\b|\b(?:nicht|kein\w*|niet|geen|pas|aucun\w*|non|nessun\w*|nao|nie|niemand\w*)\b|(?<![\d.])[45]\d\d[ -]|"
    r"\b[45]\.\d{1,3}\.\d|\b(?:0|zero) (?:of|recipient|address)|fehl(?:er|ge)|ab(?:gelehnt|gewiesen)|misluk|geweigerd|"
    r"echec|echou|refuse|falli|fallo|falha|rechaz|rifiut|rejei|recus|quarant|"
    r"\bheld\b|stopped|deleted|blocked|moderat|discard|dropped|spam"
)
"""Beside it "delivered" proves nothing: to nobody, to one and not to another, not successfully."""

STRANGE: Final = (
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


_WORD: Final = re.compile(r"[a-z][a-z-]*")
_ARRIVED: Final = ("delivered", "deliverable", "relayed", "expanded")
"""The actions (RFC 3464, 2.3.3, and Postfix' word for a probe) that prove that a message arrived; `delayed` proves that
it is tried again. Any other word is a failure."""
_UNDECIDED: Final = (*_ARRIVED, "delayed")
"""Whatever else such a report says, nobody is buried by it."""

_EXPANDED: Final = re.compile(r"(?:expanded|generated) from:?\s{0,20}<?([^\s<>()]{1,320})>?", re.IGNORECASE)
"""Postfix and Exim: the address that failed is not the one that the message was sent to."""

ELSEWHERE: Final = ReportReason("another_address", dead=False)
"""It failed for an address that the message was passed on to, or for our own as its sender."""


ANSWER: Final = "answer"
"""The reason of what reports nothing only where it comes from the mailbox that the message went to."""


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
    except STRANGE as error:
        raise Refused("bad_bounce", f"a returned mail cannot be read ({type(error).__name__}); look at it") from error


def _read(mail: MailParts) -> Report:
    if complaint := next(mail.of("message/feedback-report"), None):
        return _complaint(mail, complaint)
    if notification := _notification(mail):
        return notification
    human = prose(mail)
    by = written_by(mail, human)
    if by is WrittenBy.SOMEBODY:
        return Report(Verdict.NO_BOUNCE, reason="mail")
    if by is WrittenBy.ANSWER:
        return Report(Verdict.NO_BOUNCE, _address(parseaddr(field(mail.head, "From"))[1]), reason=ANSWER)
    report = _of_fields(mail, human)
    itself = _same(report.address, parseaddr(field(mail.head, "From"))[1])
    if report.verdict is Verdict.DEAD and (by is WrittenBy.UNKNOWN or itself):
        return _spared(report, REFUSED)
    return report


def _of_fields(mail: MailParts, human: str) -> Report:
    found = [
        one
        for part in mail.of("message/delivery-status", "message/global-delivery-status")
        for block in fields_of(part.text)
        if (one := _reported(block, human)) is not None
    ]
    if not found:
        return _from_prose(mail, human)
    failed = next((one for one in found if one.final and one.verdict is not Verdict.NO_BOUNCE), None)
    first = failed or next((one for one in found if not one.final), found[0])
    if failed is None and first.verdict is Verdict.NO_BOUNCE and _says_failed(f"{subject_of(mail)} {human[:4_000]}"):
        # One of the two is wrong: what is told twice is believed for the worse.
        return _spared(first._replace(final=True), REFUSED)
    to = next((a for head in returned_heads(mail) if (a := _address(parseaddr(field(head, "To"))[1]))), "")
    if failed is None and to and not any(_same(to, one.address) for one in found):
        return Report(Verdict.UNKNOWN, to, "", "unknown", first.said)
    return first if first.address else first._replace(address=_named(mail, human))


def _says_failed(text: str) -> bool:
    told = folded(text)
    return bool(words().failed.search(told) or _SET_ASIDE.search(told))


def _reported(block: Mime, human: str) -> Report | None:
    """One recipient's fields (RFC 3464, 2.3); None for a block about the whole message."""
    word = _WORD.match(field(block, "Action").lower())
    action = word[0] if word else ""
    original, last = recipient(field(block, "Original-Recipient")), recipient(field(block, "Final-Recipient"))
    if not action and not original and not last:
        return None
    address = original or last
    given = status_in(field(block, "Status"))
    diagnostic = field(block, "Diagnostic-Code")
    said = diagnostic.partition(";")[2].strip() or diagnostic
    failed = bool(_says_failed(said) or _FAILED_CODE.search(said) or given.startswith("5"))
    if action in _ARRIVED and not failed:
        return Report(Verdict.NO_BOUNCE, address, given, action)
    given = "" if given.startswith("2") else given
    section = _section(human, address)
    final = action != "delayed" or failed or bool(_OVER.search(folded(f"{said} {section[:4_000]}")))
    found = _judged(address, said, given, section, final=final)
    if found.verdict is Verdict.DEAD and not _same(last or address, address) and address.lower() not in said.lower():
        return _spared(found, ELSEWHERE)
    return _spared(found, REFUSED) if found.verdict is Verdict.DEAD and action in _UNDECIDED else found


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
    if found.dead and address and (names_another(said, address) or names_another(answer, address)):
        found = ELSEWHERE
    if found.dead and any(_same(match[1], address) for match in _EXPANDED.finditer(f"{said} {human}")):
        found = ELSEWHERE
    verdict = Verdict.DEAD if found.dead else Verdict.NOT_THE_ADDRESS
    return Report(verdict, address, code or given, found.word, one_line(said or answer or human), final)


def _may_pass(said: str, code: str) -> bool:
    """Whether a server said it for now, by its reply or by a code (RFC 3463) about the address or of what expired: then
    it does not know it for good. 4.0.0 says nothing: relays give it to what they found out themselves."""
    quoted = _REPLY.search(said)
    return code.startswith(("4.1", "4.4.7")) or (quoted is not None and quoted["said"].startswith("4"))


def _spared(report: Report, reason: ReportReason) -> Report:
    """The message came back; nothing is proven about its address."""
    return report._replace(verdict=Verdict.NOT_THE_ADDRESS, reason=reason.word)


def _same(one: str, other: str) -> bool:
    return bool(one) and mailbox_of(one) == mailbox_of(other)


def _from_prose(mail: MailParts, human: str) -> Report:
    subject = subject_of(mail)
    failed = bool(words().subjects.search(subject)) or bool(field(mail.head, "X-Failed-Recipients"))
    told = folded(f"{subject} {human[:2_000]}")
    address = _named(mail, human)
    found = _judged(address, "", "", f"{_section(human, address)}\n\n{subject}", final=not _delayed(told))
    if found.reason == REFUSED.word and _DELIVERED.search(told) and not _NEGATED.search(told):
        return Report(Verdict.NO_BOUNCE, address, found.status, "delivered")
    if found.reason == REFUSED.word and not failed and _REPLY.search(human) is None:
        return Report(Verdict.UNKNOWN, address, found.status, "unknown", found.said)
    return found


def _delayed(told: str) -> bool:
    """Whether a machine says that it goes on trying, and not that it is over: a code of 5 is."""
    if _FAILED_CODE.search(told) or _OVER.search(told):
        return False
    return bool(_DELAYED.search(told) or (_MAYBE_DELAYED.search(told) and not _MAYBE_OVER.search(told)))


def _complaint(mail: MailParts, report: MailPart) -> Report:
    fields = next(fields_of(report.text), Mime())
    returned = next(returned_heads(mail), None)
    to = field(fields, "Original-Rcpt-To") or (field(returned, "To") if returned is not None else "")
    said = f"{field(fields, 'Feedback-Type')} {field(fields, 'User-Agent')}"
    reason = folded(field(fields, "Feedback-Type"))[:40] or "abuse"
    if field(fields, "Delivery-Result").lower().startswith("reject"):
        # RFC 6591, 3.2.2: whoever tells that authentication failed tells that the message was refused for it.
        return Report(Verdict.NOT_THE_ADDRESS, _address(parseaddr(to)[1]), "", "authentication", one_line(said))
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
    return Report(Verdict.NO_BOUNCE if kind == "delivery" else Verdict.UNKNOWN, reason=kind[:40])


def returned_heads(mail: MailParts) -> Iterator[Mime]:
    """The heads of what was returned: the whole mail or its head alone."""
    for part in mail.of(
        "message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers", "message/rfc822-headers"
    ):
        yield from list(fields_of(part.text))[:1]


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
