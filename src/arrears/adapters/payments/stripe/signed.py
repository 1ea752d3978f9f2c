"""What Stripe sends by itself is taken only with its signature: a webhook's raw body."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from arrears.adapters.payments.stripe.codes import Thing
from arrears.core import strict_json
from arrears.core.errors import Refused

TOLERANCE: Final = timedelta(seconds=300)
"""How old a signed event may be: long enough for a slow network, too short to replay what somebody recorded."""
SIGNATURES_MAX: Final = 16
"""Stripe sends one for each secret; whoever sends more wants us to compare."""


def verified(body: bytes, signature: str, secrets: Sequence[str], now: datetime) -> Thing:
    """The event in a webhook's raw body. Refuses `bad_signature` and `old_event`.

    Stripe signs "t.body" with HMAC-SHA256 for each live secret (two during a rotation). The SDK's own check reads
    the wall clock, which would make it depend on when a test runs; so it is done here, on the bytes as received.
    """
    pairs = [part.strip().partition("=") for part in signature.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    given = [value.encode() for name, _, value in pairs if name == "v1"]
    readable = len(times) == 1 and times[0].isascii() and times[0].isdecimal() and len(times[0]) <= 12
    if not readable or len(given) > SIGNATURES_MAX:
        raise Refused("bad_signature", "the webhook carries no usable Stripe-Signature")
    signed = times[0].encode() + b"." + body
    wanted = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode() for secret in secrets if secret]
    if not any(hmac.compare_digest(one, other) for one in wanted for other in given):
        raise Refused("bad_signature", "the webhook was not signed with any of our secrets")
    if abs(int(now.timestamp()) - int(times[0])) > TOLERANCE.total_seconds():
        raise Refused("old_event", "the webhook was signed too long ago, or its clock and ours differ")
    try:
        event = strict_json.parse(body)
    except strict_json.NotStrict:
        raise Refused("bad_signature", "the webhook is signed but is no JSON") from None
    if not isinstance(event, dict) or event.get("object") != "event":
        raise Refused("bad_signature", "the webhook is signed but is no event")
    return event
