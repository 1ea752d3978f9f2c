"""Signatures of deliveries: Standard Webhooks, symmetric (`v1`), https://www.standardwebhooks.com."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from arrears.core.errors import Refused

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
_BYTES_MIN: Final = 24
_BYTES_MAX: Final = 64


def secret_text(octets: bytes) -> str:
    """A secret as receivers are given it: `whsec_` and base64. `octets`: 24 to 64 random bytes."""
    return PREFIX + base64.b64encode(octets).decode()


def secret_bytes(text: str) -> bytes:
    """The octets of a secret; refuses `bad_secret`."""
    try:
        octets = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        octets = b""
    if not text.startswith(PREFIX) or not _BYTES_MIN <= len(octets) <= _BYTES_MAX:
        raise Refused("bad_secret", f"a secret is {PREFIX} and {_BYTES_MIN} to {_BYTES_MAX} bytes in base64")
    return octets


def signed_headers(secrets: Sequence[str], message: str, at: datetime, body: bytes) -> Mapping[str, str]:
    """The headers of a delivery, signed by each secret that is good: during a rotation by the old one and the new."""
    text = body.decode()
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(one).sign(message, at.astimezone(UTC), text) for one in secrets),
    }


def is_signed(secrets: Sequence[str], headers: Mapping[str, str], body: bytes) -> bool:
    """Whether one of these secrets has signed a body, at most five minutes from now: what services ask of us, asked of
    a service that speaks to us."""
    for secret in secrets:
        try:
            Webhook(secret).verify(body, {name.lower(): value for name, value in headers.items()}, json_parse=False)
        except (WebhookVerificationError, ValueError):
            continue
        return True
    return False
