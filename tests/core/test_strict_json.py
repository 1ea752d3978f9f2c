"""Whatever shape a body from outside has, reading it is a value or one refusal."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime

import pytest

from arrears.adapters.payments.stripe.signed import verified
from arrears.core.errors import Refused
from arrears.core.money import MINOR_MAX, bounded
from arrears.core.strict_json import NotStrict, parse

WRONG = {
    "deep": b"[" * 200_000,
    "deep objects": b'{"a":' * 200_000 + b"1",
    "4,301 digits": b'{"amount": ' + b"9" * 4301 + b"}",
    "2^63": b'{"amount": 9223372036854775808}',
    "a negative of 19 digits": b"[-1000000000000000000]",
    "endless": b'{"amount": 1e999}',
    "NaN": b"[NaN]",
    "twice": b'{"a": 1, "a": 2}',
    "NUL": b'["\\u0000"]',
    "half a character": b'["\\ud800"]',
    "not UTF-8": b'["\xff"]',
    "cut off": b'{"a": ',
    "empty": b"",
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_what_is_not_strict_is_refused(body: bytes) -> None:
    with pytest.raises(NotStrict):
        parse(body)


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_a_signature_makes_no_body_more_than_a_refusal(body: bytes) -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    at = str(int(now.timestamp()))
    digest = hmac.new(b"whsec_x", at.encode() + b"." + body, hashlib.sha256).hexdigest()
    with pytest.raises(Refused) as refusal:
        verified(body, f"t={at},v1={digest}", ["whsec_x"], now)
    assert refusal.value.code == "bad_signature"


def test_what_is_plain_is_read_as_it_is() -> None:
    assert parse(b'{"a": [1, -2.5, "x", null, true], "b": 999999999999999999}') == {
        "a": [1, -2.5, "x", None, True],
        "b": MINOR_MAX,
    }


@pytest.mark.parametrize(
    "minor", [0, -1, MINOR_MAX + 1, 2**63, 10**4301], ids=["zero", "less", "more", "2^63", "digits"]
)
def test_an_amount_that_cannot_be_is_refused_in_one_short_line(minor: int) -> None:
    with pytest.raises(Refused) as refusal:
        bounded(minor, "payment 'P1'")
    assert refusal.value.code == "bad_amount"
    assert len(refusal.value.message) < 100
