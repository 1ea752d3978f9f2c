"""What somebody can get wrong in a webhook, by the numbers of the list of bad input (31 to 42): 400, and nothing is
done, but for what is genuine and of no interest."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import pytest
from arrears_receiver import MemoryBook, Receiver
from standardwebhooks import Webhook
from tests.web.test_money_api import Shop, sandbox, shop

from arrears.core.delivery.signing import signed_headers

__all__ = ["sandbox", "shop"]  # fixtures of the same names

EVENT: Final = b'{"id": "evt_1", "object": "event", "type": "tax.changed", "livemode": false, "data": {"object": {}}}'
UNKNOWN: Final = EVENT.replace(b"tax.changed", b"payment_intent.succeeded").replace(
    b'"object": {}', b'"object": {"id": "pi_nobody", "object": "payment_intent"}'
)
LIVE: Final = EVENT.replace(b"false", b"true")


class Sent(NamedTuple):
    """A webhook of the provider: the row, how it is answered, its body, and its signature as the provider makes it
    for the body and the time (in seconds from now)."""

    row: int
    status: int
    body: bytes = EVENT
    signature: Callable[[str], str | None] = lambda right: right
    signed: bytes | None = None
    seconds: int = 0


def at(text: str) -> Callable[[str], str]:
    return lambda right: f"t={text},{right.partition(',')[2]}"


def listed(text: str) -> Callable[[str], str]:
    return lambda right: f"{right.partition(',')[0]},{text}"


def by_another_secret(right: str) -> str:
    stamp = right.partition(",")[0].removeprefix("t=")
    return f"t={stamp},v1=" + hmac.new(b"whsec_other", f"{stamp}.".encode() + EVENT, hashlib.sha256).hexdigest()


ROWS: Final = (
    Sent(31, 400, signature=lambda _: None),
    Sent(31, 400, signature=lambda _: ""),
    Sent(32, 400, signature=by_another_secret),
    *(Sent(33, 400, signature=at(text)) for text in ("hello", "", "nan", "1e9", "-1", "9214646400")),
    *(Sent(34, 400, seconds=seconds) for seconds in (-301, 301)),
    Sent(35, 400, body=EVENT.replace(b"evt_1", b"evt_2"), signed=EVENT),
    *(Sent(36, 400, signature=listed(text)) for text in ("v1", "v1,a,b", "v1,%%%", "v1=", "v1=%%%", "=,=", ",,,")),
    Sent(37, 400, body=b"\xff\xfe"),
    Sent(38, 200),
    Sent(39, 200, body=UNKNOWN),
    Sent(40, 400, body=LIVE),
    Sent(41, 413, body=b" " * (20 * 1024 * 1024)),
    Sent(42, 400, signature=lambda right: right + ",v1=00" * 100),
)


def test_the_provider_is_heard_by_its_signature_alone(shop: Shop) -> None:
    """One installation for all rows: nothing of them leaves a trace."""
    account = shop.account((12_000, "EUR"))
    before = shop.store.digest()
    for sent in ROWS:
        stamp = int((shop.clock.at + timedelta(seconds=sent.seconds)).timestamp())
        right = shop.sandbox.sandbox.signed(sent.body if sent.signed is None else sent.signed, stamp)
        signature = sent.signature(right)
        headers = {} if signature is None else {"Stripe-Signature": signature}
        answer = shop.client.post("/webhooks/stripe", sent.body, content_type="application/json", headers=headers)
        assert answer.status_code == sent.status, (sent.row, signature, answer.content)
        if sent.status != 200:
            assert answer.headers["Content-Type"] == "application/problem+json", sent.row
    assert shop.store.digest() == before
    assert shop.captures(account) == []


SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STAMPS: Final = ("hello", "", "nan", "1e9", "-1", "9214646400", "1e400")
ORDER: Final = json.dumps({"type": "order.disable"}).encode()


def test_the_vector_of_standard_webhooks_is_ours_too() -> None:
    said = signed_headers(
        [SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.fromtimestamp(1614265330, UTC), b'{"test": 2432232314}'
    )
    assert said["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("row", "changed", "body"),
    [
        (31, {"webhook-signature": None}, ORDER),
        (31, {"webhook-id": None}, ORDER),
        (32, {"secret": "whsec_" + base64.b64encode(b"another secret of 32 bytes......").decode()}, ORDER),
        *(
            (33, {"webhook-timestamp": text}, ORDER)
            for text in ("hello", "", "nan", "1e9", "-1", "9214646400", "1e400")
        ),
        (34, {"seconds": -301}, ORDER),
        (34, {"seconds": 301}, ORDER),
        (35, {}, ORDER + b" "),
        *((36, {"webhook-signature": text}, ORDER) for text in ("v1", "v1,a,b", "v1,%%%", "v1,\u00e9", ",", "v2,AAAA")),
        (37, {}, b"\xff\xfe"),
        (42, {"webhook-signature": " ".join(["v1,AAAA"] * 100)}, ORDER),
    ],
)
def test_a_service_hears_arrears_by_its_signature_alone(row: int, changed: dict[str, Any], body: bytes) -> None:
    """The receiver that services put in front of themselves, for the same rows; it answers 401, as its guide says."""

    def obey(_order: object) -> None:
        raise AssertionError(f"row {row} was obeyed")

    receiver = Receiver([SECRET], "notes", obey, MemoryBook())
    now = datetime.now(UTC) + timedelta(seconds=changed.get("seconds", 0))
    signature = Webhook(changed.get("secret", SECRET)).sign("msg_1", now, ORDER.decode())
    right = {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
    headers = {name: changed.get(name, value) for name, value in right.items()}
    answer = receiver.receive({name: value for name, value in headers.items() if value is not None}, body)
    assert answer.status == 401
