"""The signature that names one message of ours to the world: whoever reports it has seen the message itself.

It stands after the message's id in its return address and in its Message-ID. Mail systems write addresses in the case
they like, so it is of letters and digits that have no case.
"""

from __future__ import annotations

import hmac
import re
from base64 import b32encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

SIGNATURE_CHARS: Final = 10
"""50 bits, each guess a mail."""

_SIGNED: Final = re.compile(rf"(.{{1,40}})\.([a-z2-7]{{{SIGNATURE_CHARS}}})", re.IGNORECASE)


def signed(message_id: str, key: bytes) -> str:
    """The id with its signature; the id alone where there is no key."""
    return f"{message_id}.{_signature(message_id.lower(), key)}" if key else message_id


def proven(name: str, keys: Sequence[bytes]) -> str:
    """The id of a name that one of these keys has signed, in lower case; else nothing."""
    match = _SIGNED.fullmatch(name)
    if match is None:
        return ""
    message_id, given = match[1].lower(), match[2].lower().encode()
    found = [hmac.compare_digest(_signature(message_id, key).encode(), given) for key in keys]
    return message_id if any(found) else ""


def unsigned(name: str) -> str:
    """The id of a name, whatever its signature says: for who is believed for another reason."""
    match = _SIGNED.fullmatch(name)
    return match[1] if match else name


def _signature(message_id: str, key: bytes) -> str:
    digest = hmac.digest(key, b"arrears return address\0" + message_id.encode(), sha256)
    return b32encode(digest)[:SIGNATURE_CHARS].decode().lower()
