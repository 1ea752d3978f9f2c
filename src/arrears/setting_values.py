"""What a setting is made of: what README says of it, its default, and the parser that refuses a wrong text in one line.

A parser takes the name of the variable and the text that was given, and never repeats a secret.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeVar, cast
from urllib.parse import SplitResult, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from arrears.core.address import (
    ADDRESS_BYTES_MAX,
    NAME_CHARS_MAX,
    check_address,
    check_mailbox,
    control_in,
    host_name,
    unseen_in,
)
from arrears.core.bank.bank_codes import grouped, iban_of
from arrears.core.delivery.targets import AllowedTargets, allowed_targets
from arrears.core.errors import Refused, quoted

T = TypeVar("T")
Parser = Callable[[str, str], T]
"""From a variable's name and what was given to the value; refuses `bad_setting` or a code of its own."""

ROW: Final = "row"
"""Where the field of a dataclass keeps its row."""

CERTIFICATE_DIGITS: Final = 64
"""Of a private key of Ed25519."""
SECRET_CHARACTERS_MIN: Final = 32
"""For a key that signs and encrypts: 128 bits at the least, however it was written down."""

_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_PATH: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")
"""RFC 3986, 3.3; everything else is written with % in it."""

_QUERY: Final = re.compile(rf"(?:{_PATH.pattern[:-1]}|\?)*")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_MAIL_SCHEMES: Final = ("smtp", "smtps", "smtp+starttls")
_DOTTED: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)

URL_CHARACTERS_MAX: Final = 500
"""A link of ours has up to 200 more behind it, and a line of a mail holds 998 (RFC 5322, 2.1.1)."""

_DATABASE_BYTES_MAX: Final = 63
"""NAMEDATALEN of PostgreSQL, less its end."""


class Secret(str):
    """A text that is used and never shown: its `repr` says that it is set. `shown` may say more, such as which server
    a URL names without the password in it."""

    shown: str

    def __new__(cls, text: str = "", shown: str = "set") -> Secret:
        """The text, and what may be shown of it."""
        made = super().__new__(cls, text)
        made.shown = shown if text else ""
        return made

    def __repr__(self) -> str:
        return f"<{self.shown}>"


class SettingRow(NamedTuple):
    """What the table says of a setting: what it is, and its default in words, both as README has them."""

    what: str
    parse: Parser[Any]
    default: Any
    """The value, or what makes it of the environment."""
    words: str
    for_tests: bool
    empty_is_default: bool


def setting(
    what: str,
    parse: Parser[T],
    default: T | Callable[[Mapping[str, str]], T],
    words: str = "",
    *,
    for_tests: bool = False,
    empty_is_default: bool = True,
) -> T:
    """A field of `Settings`. A default that can be called is given the environment; `words` say it where its value
    would not. An empty
    text is the default too, or where it is not (`empty_is_default`) the parser's to judge."""
    said = words or f"`{default}`"
    return cast(T, field(metadata={ROW: SettingRow(what, parse, default, said, for_tests, empty_is_default)}))


# -- parsers -------------------------------------------------------------------------------------------------------


def _wrong(variable: str, why: str, code: str = "bad_setting") -> Refused:
    return Refused(code, f"{variable} {why}")


def as_text(variable: str, given: str) -> str:
    if unseen := control_in(given):
        raise _wrong(variable, f"has {unseen} in it; leave that out")
    return given


def as_secret(variable: str, given: str) -> Secret:
    return Secret(as_text(variable, given))


def as_secrets(variable: str, given: str) -> tuple[Secret, ...]:
    return tuple(Secret(part.strip()) for part in as_text(variable, given).split(",") if part.strip())


def as_number(least: int) -> Parser[int]:
    def parsed(variable: str, given: str) -> int:
        text = given.strip()
        if not _NUMBER.fullmatch(text) or int(text) < least:
            raise _wrong(variable, f"is {quoted(given)}; give a whole number, {least} or more")
        return int(text)

    return parsed


def as_switch(variable: str, given: str) -> bool:
    if given.strip() not in ("0", "1"):
        raise _wrong(variable, f"is {quoted(given)}; give 1 or leave it out")
    return given.strip() == "1"


def as_words(most: int) -> Parser[str]:
    """A line that people read, of so many characters at most, with nothing in it that they cannot see."""

    def parsed(variable: str, given: str) -> str:
        text = given.strip()
        if unseen := unseen_in(given):
            raise _wrong(variable, f"has {unseen} in it; leave that out")
        if len(text) > most:
            raise _wrong(variable, f"has {len(text)} characters; give {most} at most")
        return text

    return parsed


def as_database_name(variable: str, given: str) -> str:
    """PostgreSQL cuts a longer name, and would open another database than the one that was meant."""
    text = as_words(_DATABASE_BYTES_MAX)(variable, given)
    if len(text.encode()) > _DATABASE_BYTES_MAX:
        raise _wrong(variable, f"has more than {_DATABASE_BYTES_MAX} bytes, which no database's name has")
    return text


def as_base_url(variable: str, given: str) -> str:
    """The address that links are put behind: without a slash at its end, and without a query, which would swallow
    them."""
    parts, host = _url(variable, given)
    if parts.query or "?" in given or "#" in given:
        raise _wrong(variable, f"is {quoted(given)}; links are put behind it, so leave out what begins with ? or #")
    return f"{parts.scheme}://{host}{parts.path}".rstrip("/")


def as_url(variable: str, given: str) -> str:
    """The address of one page; a query and a fragment may belong to it."""
    parts, host = _url(variable, given)
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{host}{parts.path}" + query + (f"#{parts.fragment}" if parts.fragment else "")


def _url(variable: str, given: str) -> tuple[SplitResult, str]:
    """The parts of an address, and its host and port as browsers write them. No name and password: they would stand in
    every mail."""
    text = given.strip()
    wrong = _wrong(variable, f"is {quoted(text)}; write it like https://billing.example.org")
    if len(text) > URL_CHARACTERS_MAX:
        raise _wrong(variable, f"has {len(text)} characters; give {URL_CHARACTERS_MAX} at most")
    if unseen_in(text):  # the standard library would leave some of it out without a word
        raise wrong
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise wrong from None
    if "@" in parts.netloc:
        raise _wrong(variable, "has an @ in it; write it without a name and password, like https://billing.example.org")
    name, _, digits = parts.netloc.rpartition(":") if re.search(r":[0-9]*$", parts.netloc) else (parts.netloc, "", "0")
    host = as_host(name)
    written = _PATH.fullmatch(parts.path) and _QUERY.fullmatch(parts.query) and _QUERY.fullmatch(parts.fragment)
    if parts.scheme not in _DEFAULT_PORTS or host is None or not written or not digits or port == 0:
        raise wrong
    return parts, host if port in (None, _DEFAULT_PORTS[parts.scheme]) else f"{host}:{port}"


def as_host(text: str) -> str | None:
    """A host as browsers write it: a name in lower case and in ASCII, an address in numbers, one of IPv6 in its
    brackets; None for what is none of these, a name with a star in it too."""
    try:
        if text[:1] == "[" and text[-1:] == "]":
            return f"[{ipaddress.IPv6Address(text[1:-1]).compressed}]" if "%" not in text else None
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        return host_name(text)


def as_iban(variable: str, given: str) -> str:
    """An IBAN in groups of four, as people write it: money is sent there."""
    try:
        return grouped(iban_of(given))
    except ValueError as error:
        raise _wrong(variable, f"is {quoted(given)}, {error}") from None


def as_invoice_url(variable: str, given: str) -> str:
    """An address with one place for an invoice's number."""
    if given.count("{number}") != 1:
        raise _wrong(variable, f"is {quoted(given)}; say once where the number belongs, as {{number}}")
    as_url(variable, given.replace("{number}", "1"))
    return given


def as_folder(variable: str, given: str) -> Path:
    return Path(as_text(variable, given))


def as_home(variable: str, given: str) -> Path:
    try:
        return as_folder(variable, given).expanduser().absolute()
    except RuntimeError:
        raise _wrong(variable, f"is {quoted(given)}, which is nobody's home; give a folder") from None


def own_home(environ: Mapping[str, str]) -> Path:
    """Where what belongs to this machine is kept when nothing else is said (XDG Base Directory Specification)."""
    if os.geteuid() == 0:
        return Path("/var/lib/arrears")
    base = Path(environ.get("XDG_DATA_HOME", ""))
    try:
        return (base if base.is_absolute() else Path.home() / ".local" / "share") / "arrears"
    except RuntimeError:
        raise _wrong("ARREARS_HOME", "is missing, and whoever runs this has no home; give a folder") from None


DATABASE_LINE: Final = {
    "target_session_attrs": "primary",
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "12000",
}
"""What a database's address is taken to say where it does not (the names are libpq's): of several hosts the one that
writes is meant, as nothing is ever decided from a copy that follows it; a host that does not answer is passed over
after five seconds, where another may be asked after two; and a connection whose other end has gone without a word, as
a machine that loses its power or its network does, is known to be dead within fifteen. By the kernel's own times that
would be after two hours."""


def as_database_url(variable: str, given: str) -> Secret:
    try:
        parts = conninfo_to_dict(as_text(variable, given))
    except psycopg.ProgrammingError:
        # What libpq says quotes the URL, which holds a password.
        why = "is not like postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
        raise _wrong(variable, why, "database_url_invalid") from None
    said = (f"{name}={parts[name]}" for name in ("host", "port", "user", "dbname") if name in parts)
    line = DATABASE_LINE | ({"connect_timeout": "2"} if "," in str(parts.get("host", "")) else {})
    missing = {key: value for key, value in line.items() if key not in parts}
    return Secret(make_conninfo(given, **missing), " ".join(said) or "set")


def as_mode(variable: str, given: str) -> Literal["test", "live"]:
    if given == "test":
        return "test"
    if given == "live":
        return "live"
    raise _wrong(variable, f"is {quoted(given)}; it is test or live", "bad_mode")


def as_log_form(variable: str, given: str) -> Literal["text", "json"]:
    if given == "text":
        return "text"
    if given == "json":
        return "json"
    raise _wrong(variable, f"is {quoted(given)}; it is text or json")


def as_mail_url(variable: str, given: str) -> Secret:
    try:
        parts = urlsplit(as_text(variable, given))
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in _MAIL_SCHEMES:
        raise _wrong(variable, "names no mail server; write it like smtp+starttls://user:password@host:587")
    return Secret(given, f"{parts.scheme}://{host}" + (f":{port}" if port else ""))


def as_address(variable: str, given: str) -> str:
    try:
        check_address(given)
    except Refused as refused:
        raise _wrong(variable, f"is no address: {refused.message}") from None
    return given


def as_mailbox(variable: str, given: str) -> str:
    as_words(NAME_CHARS_MAX + ADDRESS_BYTES_MAX)(variable, given)
    try:
        check_mailbox(given)
    except Refused as refused:
        raise _wrong(variable, f"is no address: {refused.message}") from None
    return given


def as_mail_backend(variable: str, given: str) -> str:
    if not _DOTTED.fullmatch(given):
        raise _wrong(
            variable, f"is {quoted(given)}; give one of anymail's, like anymail.backends.postmark.EmailBackend"
        )
    return given


def as_user_and_password(variable: str, given: str) -> Secret:
    user, _, password = given.partition(":")
    if not user or not password:
        raise _wrong(variable, "has no colon; write it like user:password")
    return as_secret(variable, given)


def as_secret_key(variable: str, given: str) -> Secret:
    if len(given) < SECRET_CHARACTERS_MIN:
        raise _wrong(variable, f"is short; give {SECRET_CHARACTERS_MIN} random characters or more")
    return as_secret(variable, given)


def as_certificate_key(variable: str, given: str) -> Secret:
    """The private key of certificates (core.certificate), in hexadecimal digits."""
    if len(given) != CERTIFICATE_DIGITS or set(given) - set("0123456789abcdef"):
        raise _wrong(variable, f"is no key; give {CERTIFICATE_DIGITS} hexadecimal digits, as the file has them")
    return as_secret(variable, given)


def as_secret_keys(variable: str, given: str) -> tuple[Secret, ...]:
    return tuple(as_secret_key(variable, part.strip()) for part in given.split(",") if part.strip())


def as_hosts(variable: str, given: str) -> tuple[str, ...]:
    """Each name written out: a star would let a page answer to whatever name somebody asks it by, and put that into
    links."""
    texts = [host.strip() for host in as_text(variable, given).split(",") if host.strip()]
    if not texts:
        raise _wrong(variable, "names no host; write them with commas between, or leave it out")
    found = {text: as_host(text) for text in texts}
    for text, host in found.items():
        if host is None:
            raise _wrong(variable, f"has {quoted(text)} in it, which is no host; write it like billing.example.org")
    return tuple(host for host in found.values() if host)


def as_targets(variable: str, given: str) -> AllowedTargets:
    """Where deliveries may go."""
    try:
        return allowed_targets(as_text(variable, given))
    except Refused as refused:
        raise Refused("bad_setting", f"{variable}: {refused.message}") from None


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine to itself."""
    name = host.strip("[]").rstrip(".").lower()
    if name in ("localhost", "::1", "0.0.0.0", "::") or name.endswith(".localhost"):
        return True
    return re.fullmatch(r"127(\.\d{1,3}){1,3}|::ffff:127(\.\d{1,3}){3}", name) is not None


def as_origins(variable: str, given: str) -> frozenset[str]:
    found = {text.strip(): "" for text in given.split(",") if text.strip()}
    for text in found:
        try:
            parts, host = _url(variable, text)
        except Refused:
            parts, host = None, ""
        if parts is None or parts.path or parts.query or parts.fragment or text[-1] in "?#":
            why = f"{quoted(text)} is not an origin; write it like https://portal.example.org"
            raise Refused("bad_origin", f"{variable}: {why}")
        found[text] = f"{parts.scheme}://{host}"
    return frozenset(found.values())
