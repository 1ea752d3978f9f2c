"""From a message to a mail: addresses, subject and the head lines that tell machines to leave the sender in peace.

Everything that comes from outside is checked here, before a server is spoken to.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from email.generator import BytesGenerator
from email.header import Header
from email.message import Message as Mime
from email.policy import Compat32
from email.utils import formataddr
from hashlib import sha256
from io import BytesIO
from typing import Final, NamedTuple

from django.core.mail import EmailMultiAlternatives
from django.core.mail.message import utf8_charset

from arrears.adapters.channels.signing import signed
from arrears.core.address import LOCAL_BYTES_MAX, check_address, check_mailbox, control_in
from arrears.core.errors import Refused
from arrears.ports import Message

BOUNCE_LOCAL_MAX: Final = 23
"""64 octets before an @ (RFC 5321, 4.5.3.1.1), less a plus sign and a signed id of 40."""

_ID: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,38}[A-Za-z0-9])?", re.ASCII)
_HEADER: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}", re.ASCII)
_OURS: Final = re.compile(
    r"from|to|cc|bcc|sender|reply-to|subject|date|message-id|references|in-reply-to|return-path|received|mime-version"
    r"|auto-submitted|x-auto-response-suppress|content-(?!language$).*|resent-.*|list-.*|dkim-.*|arc-.*",
    re.IGNORECASE,
)
_WORD_CHARS_MAX: Final = 500
"""A line of a head has 998 octets (RFC 5322, 2.1.1) and is folded at spaces alone."""


_LINE_OCTETS_MAX: Final = 998
_WORD_OCTETS_MAX: Final = 45
"""In base64 and with its frame, 72 characters."""

_FIRST_WORD_OCTETS_MAX: Final = 36
"""60 characters: beside "Subject: " on a line of 78, since otherwise the head's first line would be empty."""

_FOLD_CHARS: Final = 76
"""With a colon and a space, the 78 that RFC 5322, 2.1.1 recommends."""


class Origin(NamedTuple):
    """Who writes: display name and address, where answers go, and where bounces go (either may be empty). With `key`
    the names of messages are signed."""

    name: str
    address: str
    reply_to: str
    bounce_to: str
    key: bytes = b""

    @property
    def domain(self) -> str:
        """The sender's domain, which makes our ids unique in the world."""
        return self.address.rpartition("@")[2]


class _ShortHeads(Compat32):
    """The standard policy, which takes half of a mail's time to fold heads that need no folding."""

    def fold_binary(self, name: str, value: str) -> bytes:
        """See Compat32."""
        if len(name) + len(value) < _FOLD_CHARS and value.isascii() and value.isprintable():
            return f"{name}: {value}{self.linesep}".encode("ascii")
        return super().fold_binary(name, value)


_HEADS: Final = _ShortHeads()


class _WholeParts(BytesGenerator):
    """The standard generator, which writes a part line by line, half of the time that a mail takes."""

    _NL: str

    def _write_lines(self, lines: str) -> None:
        if lines:
            self.write(lines.replace("\r\n", "\n").replace("\r", "\n").replace("\n", self._NL))


class ComposedMail(EmailMultiAlternatives):
    """Django's message with its envelope. `envelope_to` may hold UTF-8 before its @; nothing else of it may."""

    envelope_id = ""
    envelope_from = ""
    envelope_to = ""
    metadata: Mapping[str, str] = {}
    """What a provider's API sends back with whatever it reports about this mail."""

    def octets(self) -> bytes:
        """The mail as it is sent: every line ends with CR LF, the last one too."""
        # The standard library looks for the best place to break each encoded word, letter by letter.
        self.subject = encoded_words(str(self.subject))
        if self.encoding is None and _lines_fit(str(self.body), *(str(content) for content, _ in self.alternatives)):
            self.encoding = utf8_charset
        mail: Mime = self.message()
        # -0000 says that nobody knows the clock's zone (RFC 5322, 3.3); ours is UTC.
        mail.replace_header("Date", str(mail["Date"]).replace("-0000", "+0000"))
        if not self.envelope_to.isascii():
            # Django would write UTF-8 before an @ as an encoded word, which is another address.
            del mail["To"]
            Mime.__setitem__(mail, "To", self.to[0].encode().decode("ascii", "surrogateescape"))
        if mail.is_multipart():
            # Without one, the generator searches the whole text for each boundary that it thinks of.
            parts = (str(self.body), *(str(content) for content, _ in self.alternatives))
            mail.set_boundary(f"=_{sha256(''.join(parts).encode()).hexdigest()[:32]}")
        written = BytesIO()
        _WholeParts(written, mangle_from_=False, policy=_HEADS).flatten(mail, linesep="\r\n")
        content = written.getvalue()
        return content if content.endswith(b"\r\n") else content + b"\r\n"


def _lines_fit(*parts: str) -> bool:
    """Whether every line may stand in a mail as it is, so that no part has to be encoded; quickly, for most are."""
    if all(max(map(len, part.split("\n"))) < _LINE_OCTETS_MAX // 4 for part in parts):
        return True
    return all(len(line.encode()) <= _LINE_OCTETS_MAX for part in parts for line in part.split("\n"))


def encoded_words(text: str) -> str:
    """A subject that is not ASCII, as RFC 2047 writes it: words of at most 75 characters, none with half a letter."""
    if text.isascii():
        return text
    words: list[bytes] = []
    part = b""
    for char in text:
        octets = char.encode()
        if len(part) + len(octets) > (_WORD_OCTETS_MAX if words else _FIRST_WORD_OCTETS_MAX):
            words.append(part)
            part = b""
        part += octets
    return " ".join(f"=?utf-8?b?{b64encode(word).decode()}?=" for word in (*words, part))


def origin(sender: str, reply_to: str, bounce_to: str, key: bytes = b"") -> Origin:
    """Check the addresses of a configuration: `sender` may be `Name <address>`. Refuses `bad_address`."""
    name, address = check_mailbox(sender)
    answers = check_address(reply_to) if reply_to else ""
    bounces = check_address(bounce_to) if bounce_to else ""
    for one in (address, answers, bounces):
        if not one.isascii():
            raise Refused("bad_address", f"the address {one!r} is not ASCII before its @; not every reader can answer")
    if len(bounces.rpartition("@")[0]) > BOUNCE_LOCAL_MAX:
        raise Refused("bad_address", f"the address {bounces!r} has no room for ids before its @; take a shorter one")
    if bounces.startswith('"'):
        raise Refused("bad_address", f"the address {bounces!r} has quotes; take one without for bounces")
    return Origin(name, address, answers, bounces, key)


def compose(message: Message, who: Origin) -> ComposedMail:
    """The mail of a message. Refuses `bad_address`, `bad_header`, `bad_text` and `bad_message_id`."""
    to_name, to = check_mailbox(message.to)
    headers = {
        "Message-ID": f"<{signed(_checked_id(message.id), who.key)}@{who.domain}>",
        "Auto-Submitted": "auto-generated",
        # Not All, which asks Exchange to keep back its reports of what could not be delivered.
        "X-Auto-Response-Suppress": "DR, RN, NRN, OOF, AutoReply",
        **_extra(message),
    }
    if message.thread:
        headers["References"] = headers["In-Reply-To"] = f"<thread.{_checked_id(message.thread)}@{who.domain}>"
    for part in (message.text, message.html):
        if not _writable(part):
            raise Refused("bad_text", "the text has half of a character (a lone surrogate); render it again")
    letter = ComposedMail(
        subject=_line("subject", message.subject),
        body=message.text,
        from_email=_mailbox(who.name, who.address),
        to=[_mailbox(to_name, to)],
        reply_to=[who.reply_to] if who.reply_to else None,
        headers=headers,
        alternatives=[(message.html, "text/html")] if message.html else None,
    )
    for one in message.attachments:
        letter.attach(one.name, one.body, "application/pdf")
    letter.envelope_id, letter.envelope_to = message.id, to
    letter.envelope_from = bounce_address(who, message.id)
    return letter


def bounce_address(who: Origin, message_id: str) -> str:
    """Where the bounce of one message goes: the message's signed id after a plus sign, so that it is known whatever of
    the message the bounce returns. The sender itself when no address for bounces is configured. Refuses
    `bad_message_id`: it leaves no room for its signature."""
    if not who.bounce_to:
        return who.address
    local, _, domain = who.bounce_to.rpartition("@")
    name = signed(message_id, who.key)
    if len(f"{local}+{name}") > LOCAL_BYTES_MAX:
        raise Refused("bad_message_id", f"{message_id!r} is too long to be signed in a return address")
    return f"{local}+{name}@{domain}"


def own_id(text: str) -> str:
    """`text` if it has the shape of a message's id, else nothing."""
    return text if _ID.fullmatch(text) else ""


def _checked_id(text: str) -> str:
    if not own_id(text):
        raise Refused("bad_message_id", f"{text[:60]!r} cannot name a message; use up to 40 of A-Z a-z 0-9 . _ -")
    return text


def _extra(message: Message) -> dict[str, str]:
    extra: dict[str, str] = {}
    for name, value in message.headers:
        if not _HEADER.fullmatch(name) or _OURS.fullmatch(name):
            raise Refused("bad_header", f"the header {name[:60]!r} is not the message's to set; leave it out")
        extra[name] = _line(f"header {name}", value)
    return extra


def _line(what: str, text: str) -> str:
    """A text in one line of the head. One that cannot be folded is encoded, which may be folded anywhere."""
    if found := control_in(text):
        raise Refused("bad_header", f"the {what} has {found} in it; a line of a mail's head cannot")
    if text.isascii() and max(map(len, text.split(" "))) > _WORD_CHARS_MAX:
        return _encoded(text)
    return text


def _mailbox(name: str, address: str) -> str:
    if not name:
        return address
    return formataddr((name, address)) if name.isascii() and address.isascii() else f"{_encoded(name)} <{address}>"


def _encoded(text: str) -> str:
    return Header(text, "utf-8").encode(linesep="")


def _writable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
