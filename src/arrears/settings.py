"""Settings of an installation, read from the environment and refused in one line where they are wrong.

What would only show later, as a dead link in a thousand mails or behind a proxy, is looked at before anything begins.
"""

from __future__ import annotations

import os
import re
from typing import Final

from arrears.core.address import check_address
from arrears.core.errors import Refused

SECRET_CHARACTERS_MIN: Final = 32
"""For a key that signs and encrypts: 128 bits at the least, however it was written down."""

_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_URL: Final = re.compile(r"https?://[^\s/]+(/\S*)?")


def number(name: str, default: int, least: int = 0) -> int:
    """A whole number, `least` or more."""
    given = os.environ.get(name, "").strip()
    if not given:
        return default
    if not _NUMBER.fullmatch(given) or int(given) < least:
        raise _refused(name, f"is {given[:40]!r}; give a whole number, {least} or more")
    return int(given)


def switch(name: str) -> bool:
    """1 is on; 0 or nothing is off."""
    given = os.environ.get(name, "").strip()
    if given not in ("", "0", "1"):
        raise _refused(name, f"is {given[:40]!r}; give 1 or leave it out")
    return given == "1"


def url(name: str, default: str = "") -> str:
    """An address of pages, without a slash at its end; `default` where nothing is given."""
    given = os.environ.get(name, "").strip() or default
    if given and not _URL.fullmatch(given):
        raise _refused(name, f"is {given[:80]!r}; write it like https://billing.example.org")
    return given.rstrip("/")


def check() -> None:
    """Refuses the first setting that whatever runs now would only stumble over later."""
    for name in ("ARREARS_BASE_URL", "ARREARS_SUPPORT_URL", "ARREARS_STRIPE_API"):
        url(name)
    for name, least in (("DELETIONS_PER_DAY", 0), ("MAIL_PER_HOUR", 1), ("MAIL_PER_RECIPIENT", 1), ("PROXIES", 0)):
        number(f"ARREARS_{name}", least, least)
    switch("ARREARS_HTTPS")
    support = os.environ.get("ARREARS_SUPPORT_EMAIL", "")
    if support:
        try:
            check_address(support)
        except Refused as refused:
            raise _refused("ARREARS_SUPPORT_EMAIL", f"is no address: {refused.message}") from None
    if 0 < len(os.environ.get("ARREARS_SECRET_KEY", "")) < SECRET_CHARACTERS_MIN:
        raise _refused("ARREARS_SECRET_KEY", f"is short; give {SECRET_CHARACTERS_MIN} random characters or more")
    user, _, password = os.environ.get("ARREARS_MAIL_WEBHOOK_SECRET", "").partition(":")
    if bool(user) != bool(password):
        raise _refused("ARREARS_MAIL_WEBHOOK_SECRET", "has no colon; write it like user:password")
    if "ARREARS_HOSTS" in os.environ and not hosts():
        raise _refused("ARREARS_HOSTS", "names no host; write them with commas between, or leave it out")


def hosts() -> list[str]:
    """The names that pages answer to; this machine's own where none are given."""
    given = os.environ.get("ARREARS_HOSTS", "localhost,127.0.0.1,[::1]")
    return [host.strip() for host in given.split(",") if host.strip()]


def _refused(name: str, why: str) -> Refused:
    return Refused("bad_setting", f"{name} {why}")
