"""A mail that strangers wrote, taken apart within bounds.

The standard library's parser follows a mail however deep it goes, and gives up over one whose boundaries are damaged.
This one reads so many octets, levels and parts and leaves the rest, opens no mail that is inside the mail (what was
returned, or forwarded, says nothing itself), and finds the parts of a mail whose boundary was mangled on its way.
"""

from __future__ import annotations

import binascii
import quopri
import re
from collections.abc import Iterator
from contextlib import suppress
from email.message import Message as Mime
from email.parser import HeaderParser
from typing import Final, NamedTuple

from arrears.core.errors import Refused

MAIL_BYTES_MAX: Final = 256 * 1024
HEAD_CHARS_MAX: Final = 64 * 1024
HEAD_LINES_MAX: Final = 500
LEVELS_MAX: Final = 5
PARTS_MAX: Final = 40

_BLANK: Final = re.compile(r"\r?\n[ \t]*\r?\n")
_BOUNDARY_LINE: Final = re.compile(r"^--(\S.{0,99}?)[ \t]*\r?\n(?=content-[a-z-]{1,30}:)", re.MULTILINE | re.IGNORECASE)
_CHARSETS: Final = ("utf-8", "iso-8859-1")
_SLOW: Final = frozenset({"punycode", "idna", "utf-7", "utf_7", "unicode_escape", "unicode-escape"})
"""What Python takes for charsets as well, in quadratic time or with a meaning of its own."""


class MailPart(NamedTuple):
    """One part: its content type in lower case, its fields, and its text, decoded."""

    kind: str
    head: Mime
    text: str


class MailParts(NamedTuple):
    """A mail: its fields and its parts that are no containers, in order."""

    head: Mime
    leaves: tuple[MailPart, ...]

    def of(self, *kinds: str) -> Iterator[MailPart]:
        """The parts of these content types."""
        return (part for part in self.leaves if part.kind in kinds)


def take_apart(raw: bytes) -> MailParts:
    """The mail's parts. Refuses `bad_bounce`: more than MAIL_BYTES_MAX octets."""
    if len(raw) > MAIL_BYTES_MAX:
        raise Refused(
            "bad_bounce",
            f"a returned mail of {len(raw)} bytes is not read; {MAIL_BYTES_MAX} are the most, look at it",
        )
    # Latin-1 keeps every octet until the part says what it is written in.
    text = raw.decode("latin-1").removeprefix("\n").replace("\x00", "")
    if text.startswith("From "):
        text = text.partition("\n")[2]
    head, body = _split(text)
    leaves: list[MailPart] = []
    waiting = [(head, body, 0)]
    while waiting and len(leaves) < PARTS_MAX:
        fields, content, level = waiting.pop()
        inner = _inner(fields, content) if level < LEVELS_MAX else []
        waiting += [(*_split(one), level + 1) for one in reversed(inner[: PARTS_MAX - len(leaves)])]
        if not inner:
            kind = _content_type(fields)
            leaves.append(MailPart(kind, fields, "" if kind.startswith("multipart/") else _decoded(fields, content)))
    return MailParts(head, tuple(leaves))


def fields_of(text: str) -> Iterator[Mime]:
    """The groups of fields of a report, or the head of a mail."""
    for group in _BLANK.split(text.strip())[:PARTS_MAX]:
        yield _parsed(group)


def field(head: Mime, name: str) -> str:
    """One field in one line; empty where there is none."""
    return " ".join(str(head.get(name, "")).split())


def _split(text: str) -> tuple[Mime, str]:
    if match := _BLANK.match("\n" + text[:8]):
        return Mime(), text[match.end() - 1 :]
    match = _BLANK.search(text, 0, HEAD_CHARS_MAX)
    if match is None:
        return _parsed(text[:HEAD_CHARS_MAX]), text[HEAD_CHARS_MAX:]
    return _parsed(text[: match.start()]), text[match.end() :]


def _parsed(head: str) -> Mime:
    return HeaderParser().parsestr("\n".join(head.splitlines()[:HEAD_LINES_MAX]), headersonly=True)


def _content_type(head: Mime) -> str:
    return str(head.get_content_type())


def _inner(head: Mime, body: str) -> list[str]:
    """The parts of a container; none where it holds none that can be told apart."""
    if not _content_type(head).startswith("multipart/"):
        return []
    boundary = head.get_boundary("")
    pieces = _between(boundary, body) if boundary else []
    if not pieces and (found := _BOUNDARY_LINE.search(body)):
        pieces = _between(found[1], body)
    return pieces


def _between(boundary: str, body: str) -> list[str]:
    line = re.compile(rf"^--{re.escape(boundary)}(?:--)?[ \t]*\r?$", re.MULTILINE)
    pieces = line.split(body, PARTS_MAX + 1)
    return [piece.removeprefix("\r").removeprefix("\n") for piece in pieces[1 : PARTS_MAX + 1] if piece.strip("\r\n -")]


def _decoded(head: Mime, body: str) -> str:
    octets = body.encode("latin-1", "replace")
    encoding = field(head, "Content-Transfer-Encoding").lower()
    with suppress(ValueError):
        if encoding == "base64":
            octets = binascii.a2b_base64(octets)
        elif encoding == "quoted-printable":
            octets = quopri.decodestring(octets)
    for charset in (str(head.get_content_charset("") or ""), *_CHARSETS):
        with suppress(LookupError, ValueError):
            if charset not in _SLOW:
                return octets.decode(charset)
    return octets.decode("ascii", "replace")
