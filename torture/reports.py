"""Reports of mail that came back, as recipients' systems write them, and as others forge them."""

from __future__ import annotations

import re
from typing import Final

Report = bytes

_SAYS: Final = {
    "BACK_DEAD": ("5.1.1", "550 5.1.1 <{to}>: Recipient address rejected: User unknown"),
    "BACK_FULL": ("5.2.2", "552 5.2.2 <{to}>: mailbox full, over quota"),
    "BACK_BLOCKED": ("5.7.1", "554 5.7.1 Service unavailable; client host blocked using a block list"),
    "BACK_FORWARD": ("5.1.1", "550 5.1.1 <{to}>: Recipient address rejected: User unknown"),
    "BACK_EXCHANGE": ("5.2.2", "552 5.2.2 <{to}>: mailbox full, over quota"),
}


def report_of(way: str, sender: str, to: str, content: bytes) -> Report:
    """What comes back to `sender`, the return address of a mail, of which `content` is the text."""
    heads = content.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    kept = "\r\n".join(re.findall(r"(?im)^(?:message-id|subject|to|from):.*$", heads))
    if way == "BACK_UNCLEAR":
        return _mail(sender, "text/plain", f"QZ-17: see below.\r\n\r\n{kept}\r\n", "Concerning your mail")
    if way == "BACK_GATEWAY":
        return _gateway(sender, kept)
    if way == "BACK_GIVEN_UP":
        late = delivery_report(sender, to, "5.4.7", "given up after 5 days", kept)
        return late.replace(b"Action: failed", b"Action: delayed").replace(b"I could not deliver", b"About")
    about = f"somebody.else@{to.partition('@')[2]}" if way == "BACK_FORWARD" else to
    status, said = _SAYS[way]
    return delivery_report(sender, about, status, said.format(to=about), kept)


def _gateway(sender: str, heads: str) -> Report:
    """Somebody's own words, from a name that is no mail system's and with a path that is not null."""
    return (
        "Return-Path: <info@recipients.example>\r\nFrom: Info <info@recipients.example>\r\n"
        f"To: {sender}\r\nSubject: Az On levele\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        f"Az On levelet felretettuk, es nem adjuk tovabb.\r\n\r\n{heads}\r\n"
    ).encode()


def delivery_report(sender: str, about: str, status: str, said: str, heads: str) -> Report:
    """A report as RFC 3464 has it: final, about one address."""
    parts = (
        ("text/plain", f"I could not deliver your message to <{about}>.\r\n{said}\r\n"),
        (
            "message/delivery-status",
            "Reporting-MTA: dns; recipients.example\r\n\r\n"
            f"Final-Recipient: rfc822; {about}\r\nAction: failed\r\nStatus: {status}\r\n"
            f"Diagnostic-Code: smtp; {said}\r\n",
        ),
        ("text/rfc822-headers", f"{heads}\r\n"),
    )
    body = "".join(f"--part\r\nContent-Type: {kind}\r\n\r\n{text}\r\n" for kind, text in parts)
    return _mail(sender, 'multipart/report; report-type=delivery-status; boundary="part"', f"{body}--part--\r\n")


def _mail(to: str, kind: str, body: str, subject: str = "Undelivered Mail Returned to Sender") -> Report:
    return (
        "From: Mail Delivery System <MAILER-DAEMON@recipients.example>\r\n"
        f"To: {to}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
        f"Auto-Submitted: auto-replied\r\nContent-Type: {kind}\r\n\r\n{body}"
    ).encode()
