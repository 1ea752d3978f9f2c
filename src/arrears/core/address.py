"""E-mail addresses: what can be delivered to, in the one form in which it is stored, compared and written to servers.

An address that no server can take is refused where a person enters it: when the notice goes out, nobody is left who
could correct it.
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from typing import Final

from arrears.core.errors import Refused, quoted

LOCAL_BYTES_MAX: Final = 64
"""RFC 5321, 4.5.3.1.1."""

ADDRESS_BYTES_MAX: Final = 254
"""RFC 5321, 4.5.3.1.3: a path has 256 octets with its two angle brackets."""

HOST_CHARS_MAX: Final = 253
"""RFC 1035, 2.3.4, without the length octets of the first label and of the root."""

NAME_CHARS_MAX: Final = 100
"""Readers cut a display name much earlier; one without a space could not be folded into lines of 998 octets."""

_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+"
_DOT_ATOM: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_PLAIN: Final = re.compile(
    r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
)
"""How nearly all are written: in their one form, if they are short."""
_QUOTED: Final = re.compile(r'"((?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*)"')
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_A_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""How the last label of an address in numbers looks, which browsers do not take for a name (WHATWG URL, 3.5)."""

_TWO_READINGS: Final = re.compile("[\u00df\u03c2\u200c\u200d]")
"""What the two generations of the standard for domain names write differently (RFC 5894, 7.2): with one of them the
mail would go to somebody else's domain."""

_ADDRESS_IN_TEXT: Final = re.compile(r"[^\s<>\"'():;,=@]+@[^\s<>\"'():;,=@]+[^\s<>\"'():;,=@.]")

_UNSEEN: Final = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs")


def check_address(text: str) -> str:
    """The address in its one form: the local part unquoted where that says the same, the domain in lower case and
    in ASCII (`xn--`). Refuses `bad_address`: what is longer than RFC 5321 allows, no address, or not one alone."""
    if len(text) <= LOCAL_BYTES_MAX and _PLAIN.fullmatch(text):
        return text
    return _in_one_form(text)


def _in_one_form(text: str) -> str:
    address = unicodedata.normalize("NFC", text.strip())
    if len(address) > 4 * ADDRESS_BYTES_MAX:
        raise _refused(text, f"is too long; an address has at most {ADDRESS_BYTES_MAX} characters")
    local, at, domain = address.rpartition("@")
    if not at:
        raise _refused(text, "has no @; write it like name@example.org")
    # A domain may be written with the dot of the root (RFC 1034, 3.1), which no address has (RFC 5321, 2.3.5).
    local, domain = _local(text, local), _domain(text, domain.removesuffix("."))
    if len(local.encode()) > LOCAL_BYTES_MAX:
        raise _refused(text, f"has more than {LOCAL_BYTES_MAX} characters before the @; no mail server takes that")
    if len(f"{local}@{domain}".encode()) > ADDRESS_BYTES_MAX:
        raise _refused(text, f"is too long; an address has at most {ADDRESS_BYTES_MAX} characters")
    return f"{local}@{domain}"


def check_mailbox(text: str) -> tuple[str, str]:
    """The display name and the address of `Name <address>`, or of an address alone (no name). A long name is cut.
    Refuses `bad_address`, also for a name with a line break or another control character."""
    named = re.fullmatch(r"(.*)<([^<>]*)>\s*", text, re.DOTALL)
    if named is None:
        return "", check_address(text)
    name = named[1].strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    if unseen := control_in(name):
        raise _refused(text, f"has {unseen} in its name; leave that out")
    if len(name) > NAME_CHARS_MAX:
        name = name[: NAME_CHARS_MAX - 1].rstrip() + "…"
    return name, check_address(named[2])


def control_in(text: str) -> str:
    """What of `text` may not stand in a line of a mail's head, said in words; empty when everything may."""
    return _first_of(text, ("Cc", "Cs"), "the control character")


def unseen_in(text: str) -> str:
    """What of `text` nobody sees, or turns other characters round, said in words; empty when there is none. Of what a
    person typed some of it may be meant (a joiner in a Persian name); in a line that we print for everybody it is not.
    """
    return control_in(text) or _first_of(text, ("Cf", "Co"), "the invisible character")


def _first_of(text: str, categories: tuple[str, ...], called: str) -> str:
    for char in text:
        if char in "\r\n\u0085\u2028\u2029":
            return "a line break"
        if unicodedata.category(char) in categories:
            return f"{called} U+{ord(char):04X}"
    return ""


def _local(text: str, local: str) -> str:
    quoted = _QUOTED.fullmatch(local)
    inside = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else local
    alone = "is not one address alone; write it like name@example.org, without name or brackets"
    if not quoted and re.search(r"[,;<>]", inside):
        raise _refused(text, alone)
    for char in inside:
        if unicodedata.category(char) in _UNSEEN and not (quoted and char == " "):
            raise _refused(text, f"has a space or an invisible character (U+{ord(char):04X}) before the @; remove it")
    if _DOT_ATOM.fullmatch(inside):
        return inside
    if quoted and inside:
        return '"' + re.sub(r'(["\\])', r"\\\1", inside) + '"'
    raise _refused(text, alone)


def host_name(text: str) -> str | None:
    """A name of the domain name system in lower case and in ASCII (`xn--`); None for what is none: longer than it may
    be, with a character or label that no name has, read in two ways, or a number."""
    if _TWO_READINGS.search(text) or len(text) > HOST_CHARS_MAX:
        return None
    try:
        name = text.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    labels = name.split(".")
    if len(name) > HOST_CHARS_MAX or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    return None if _A_NUMBER.fullmatch(labels[-1]) else name


def _domain(text: str, domain: str) -> str:
    if _TWO_READINGS.search(domain):
        raise _refused(text, "has a domain that servers read in two ways; write the domain in its form with xn--")
    if len(domain) > HOST_CHARS_MAX:
        raise _refused(text, f"is too long; an address has at most {ADDRESS_BYTES_MAX} characters")
    name = host_name(domain)
    if name is None or "." not in name:
        raise _refused(text, "has no domain that can exist after the @; write it like name@example.org")
    return name


def _refused(text: str, why: str) -> Refused:
    return Refused("bad_address", f"the address {quoted(text)} {why}")


def mailbox_of(address: str) -> str:
    """What two spellings of one mailbox have in common, to compare, count and store addresses by: in practice no server
    tells apart the letter cases of a local part, and a domain is the same in letters, as xn-- and with a dot behind it.
    Of two letters that are not each other's capital (i and the dotless one, ß and ss) each is a mailbox of its own. It
    is never written to a server."""
    if address.isascii():
        return (address.removesuffix(".") if "@" in address else address).lower()
    local, at, domain = unicodedata.normalize("NFC", address).rpartition("@")
    domain = domain.lower().removesuffix(".") if at else domain.lower()
    if at and not _TWO_READINGS.search(domain):
        with suppress(UnicodeError):
            domain = domain.encode("idna").decode("ascii")
    return f"{unicodedata.normalize('NFC', local.lower())}{at}{domain}"


def domain_of(address: str) -> str:
    """The domain whose servers take mail for an address, as `mailbox_of` writes it; of what has no @ the whole."""
    return mailbox_of(address).rpartition("@")[2]


def without_addresses(text: str, own: str = "") -> str:
    """Foreign words in which each address is `masked`, and what `own`, whom they are about, has before the @ too: for a
    list that more people read than the account's timeline."""
    text = _ADDRESS_IN_TEXT.sub(lambda found: masked(found[0]), text)
    local = own.rpartition("@")[0]
    return re.sub(rf"(?<![\w•]){re.escape(local)}(?!\w)", f"{local[:1]}•••", text, flags=re.I) if local else text


def masked(address: str) -> str:
    """An address that its owner recognises and nobody else learns: a•••@example.org, •••78 for one without an @."""
    local, at, domain = address.rpartition("@")
    if not at:
        return f"•••{address[-2:]}"
    return f"{local[:1]}•••@{domain}"
