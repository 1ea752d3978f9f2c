"""What an SMTP server's answer means: about the message, about its address, about the server, or about who we are.

What is about us says nothing about the message: it waits, and staff are told, instead of a reminder being used up.
"""

from __future__ import annotations

import re
from typing import Final

from arrears.adapters.channels.reasons import ReportReason, folded, names_another, reason_in, reason_of, status_in
from arrears.core.address import domain_of
from arrears.ports import Delivery, DeliveryAbout, Fate

REPLY_CHARS_MAX: Final = 500

NOT_SIGNED_IN: Final = (530, 534, 535, 538)
"""RFC 4954, 6: about us and our password, not about the message."""

_OF_THE_MESSAGE: Final = (552, 555)
"""At MAIL too: it is too big, or its address needs what this server cannot (RFC 1870, 6.1; RFC 5321, 4.1.1.11)."""

_ABOUT_US: Final = frozenset({"sender", "authentication", "reverse_dns", "relaying", "too_many", "blocked"})
"""The reasons of `core/data/bounces.toml` that would be said to every message of ours."""

_OF_OUR_ACCOUNT: Final = re.compile(
    r"\bcredits?\b|payment required|\b(?:balance|billing|trial|upgrade)\b|pending (?:approval|review)|sender signature|"
    r"(?:your|the|this) (?:account|server|domain|plan|sender|workspace|api key|token)\b.{0,80}(?:\bnot\b|nt\b|un\w+ed|"
    r"suspend|disabl|block|limit|expired|inactive|revoked|paus)|"
    r"(?:sender|from)(?: e?-?mail)?(?: address| domain)?\b.{0,80}(?:\bnot\b|nt\b|unverified|invalid|verif|confirm)|"
    r"(?:not (?:allowed|permitted|authori[sz]ed) to|may not) send|domain\b.{0,20}not verified|"
    r"(?:daily|monthly|hourly|sending|account) (?:limit|quota)|"
    r"rate limit|too many requests|[\"']?errorcode[\"']?: ?(?:10|100|400|401|402|405|410|412|413)\b"
)
"""What a mail provider's API says of the operator's own account, sender or plan; the codes are Postmark's."""

_CODE: Final = re.compile(r"\d{3}(?:[ -]\d\.\d{1,3}\.\d{1,3})?")
"""What of a reply names nobody: its code, and that of RFC 3463 where there is one."""


def answered(stage: str, code: int, text: bytes, to: str = "", sender: str = "") -> Delivery:
    """What a reply at a stage (MAIL, RCPT, DATA or TEXT) means (RFC 5321, 4.2). 4xx (greylisting, a full mailbox) is
    about the one address, at MAIL about us; 421 says that the server takes nothing, and what is about our password is
    about every message; once the recipient is named, either may be about this one alone (`broke`). Before the text
    nothing is accepted. `to` and `sender` are the addresses of the envelope: a refusal that names others than `to`
    buries nobody, and one that names only our sender is about us."""
    reply = reply_of(code, text)
    found = _CODE.match(reply)
    short = found[0] if found is not None else ""
    if code == 421 or code in NOT_SIGNED_IN:
        return Delivery(Fate.NOT_SENT, DeliveryAbout.SERVER, reply, short, broke=stage != "MAIL")
    if 200 <= code < 300:
        return Delivery(Fate.ACCEPTED, reply=reply, code=short)
    if stage == "MAIL" and 400 <= code < 600 and code not in _OF_THE_MESSAGE:
        return Delivery(Fate.NOT_SENT, DeliveryAbout.SENDER, reply, short)
    if 400 <= code < 500:
        return Delivery(Fate.NOT_SENT, reply=reply, code=short)
    if not 500 <= code < 600:
        return Delivery(Fate.UNKNOWN, reply=reply, code=short)
    reason = _reason(reply)
    ours = _names_ours(reply, to, sender)
    another = ours or (bool(to) and names_another(reply, to))
    if (ours and (reason is None or reason.dead)) or (reason is not None and reason.word in _ABOUT_US):
        return Delivery(Fate.NOT_SENT, DeliveryAbout.SENDER, reply, short)
    return Delivery(Fate.REFUSED, reply=reply, code=short, dead=reason is not None and reason.dead and not another)


def says_us(said: str) -> bool:
    """Whether a mail provider refuses for who we are, as it would every message of ours."""
    return bool(_OF_OUR_ACCOUNT.search(folded(said[:4_000])))


def _names_ours(reply: str, to: str, sender: str) -> bool:
    """Whether a refusal names our sender or its domain, and not the recipient's."""
    ours, theirs = domain_of(sender), domain_of(to)
    said = reply.lower()
    return bool(ours) and ours != theirs and ours in said and not (theirs and theirs in said)


def _reason(reply: str) -> ReportReason | None:
    return reason_in(reply) or reason_of(status_in(reply))


def reply_of(code: int, text: bytes) -> str:
    """A reply in one line."""
    return line_of(f"{code} {text.decode('utf-8', 'replace')}" if code > 0 else "an answer that is not SMTP")


def words_of(error: BaseException) -> str:
    """What went wrong, in the server's words where it said some."""
    if len(error.args) > 1 and isinstance(error.args[0], int) and isinstance(error.args[1], bytes):
        return reply_of(error.args[0], error.args[1])
    return str(error) or type(error).__name__


def line_of(text: str) -> str:
    """Foreign words in one line of at most REPLY_CHARS_MAX characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:REPLY_CHARS_MAX]
