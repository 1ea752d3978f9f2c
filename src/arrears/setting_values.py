"""What a setting is made of: what README says of it, its default, and the parser that refuses a wrong text in one line.

A parser takes the name of the variable and the text that was given, and never repeats a secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeVar, cast
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from arrears.core.address import check_address, check_mailbox, control_in
from arrears.core.errors import Refused

T = TypeVar("T")
Parser = Callable[[str, str], T]
"""From a variable's name and what was given to the value; refuses `bad_setting` or a code of its own."""

ROW: Final = "row"
"""Where the field of a dataclass keeps its row."""

SECRET_CHARACTERS_MIN: Final = 32
"""For a key that signs and encrypts: 128 bits at the least, however it was written down."""

_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_URL: Final = re.compile(r"https?://[^\s/]+(/\S*)?")
_ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
_MAIL_SCHEMES: Final = ("smtp", "smtps", "smtp+starttls")
_DOTTED: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")


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
            raise _wrong(variable, f"is {given[:40]!r}; give a whole number, {least} or more")
        return int(text)

    return parsed


def as_switch(variable: str, given: str) -> bool:
    if given.strip() not in ("0", "1"):
        raise _wrong(variable, f"is {given[:40]!r}; give 1 or leave it out")
    return given.strip() == "1"


def as_url(variable: str, given: str) -> str:
    """An address of pages, without a slash at its end: links are put behind it."""
    text = given.strip()
    if not _URL.fullmatch(text):
        raise _wrong(variable, f"is {given[:80]!r}; write it like https://billing.example.org")
    return text.rstrip("/")


def as_folder(variable: str, given: str) -> Path:
    return Path(as_text(variable, given))


def as_home(variable: str, given: str) -> Path:
    try:
        return as_folder(variable, given).expanduser().absolute()
    except RuntimeError:
        raise _wrong(variable, f"is {given[:80]!r}, which is nobody's home; give a folder") from None


def own_home(environ: Mapping[str, str]) -> Path:
    """Where what belongs to this machine is kept when nothing else is said (XDG Base Directory Specification)."""
    if os.geteuid() == 0:
        return Path("/var/lib/arrears")
    base = Path(environ.get("XDG_DATA_HOME", ""))
    try:
        return (base if base.is_absolute() else Path.home() / ".local" / "share") / "arrears"
    except RuntimeError:
        raise _wrong("ARREARS_HOME", "is missing, and whoever runs this has no home; give a folder") from None


def as_database_url(variable: str, given: str) -> Secret:
    try:
        parts = conninfo_to_dict(given)
    except psycopg.ProgrammingError:
        # What libpq says quotes the URL, which holds a password.
        why = "is not like postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
        raise _wrong(variable, why, "database_url_invalid") from None
    said = (f"{name}={parts[name]}" for name in ("host", "port", "user", "dbname") if name in parts)
    return Secret(given, " ".join(said) or "set")


def as_mode(variable: str, given: str) -> Literal["test", "live"]:
    if given == "test":
        return "test"
    if given == "live":
        return "live"
    raise _wrong(variable, f"is {given[:40]!r}; it is test or live", "bad_mode")


def as_mail_url(variable: str, given: str) -> Secret:
    try:
        parts = urlsplit(given)
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
    try:
        check_mailbox(given)
    except Refused as refused:
        raise _wrong(variable, f"is no address: {refused.message}") from None
    return given


def as_mail_backend(variable: str, given: str) -> str:
    if not _DOTTED.fullmatch(given):
        raise _wrong(variable, f"is {given[:80]!r}; give one of anymail's, like anymail.backends.postmark.EmailBackend")
    return given


def as_user_and_password(variable: str, given: str) -> Secret:
    user, _, password = given.partition(":")
    if not user or not password:
        raise _wrong(variable, "has no colon; write it like user:password")
    return as_secret(variable, given)


def as_secret_key(variable: str, given: str) -> Secret:
    if len(given) < SECRET_CHARACTERS_MIN:
        raise _wrong(variable, f"is short; give {SECRET_CHARACTERS_MIN} random characters or more")
    return Secret(given)


def as_secret_keys(variable: str, given: str) -> tuple[Secret, ...]:
    return tuple(as_secret_key(variable, part.strip()) for part in given.split(",") if part.strip())


def as_hosts(variable: str, given: str) -> tuple[str, ...]:
    found = tuple(host.strip() for host in as_text(variable, given).split(",") if host.strip())
    if not found:
        raise _wrong(variable, "names no host; write them with commas between, or leave it out")
    return found


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine to itself."""
    name = host.strip("[]").rstrip(".").lower()
    if name in ("localhost", "::1", "0.0.0.0", "::") or name.endswith(".localhost"):
        return True
    return re.fullmatch(r"127(\.\d{1,3}){1,3}|::ffff:127(\.\d{1,3}){3}", name) is not None


def as_origins(variable: str, given: str) -> frozenset[str]:
    found = [text.strip() for text in given.split(",") if text.strip()]
    for text in found:
        if not _ORIGIN.fullmatch(text):
            why = f"{text[:80]!r} is not an origin; write it like https://portal.example.org"
            raise Refused("bad_origin", f"{variable}: {why}")
    return frozenset(found)
