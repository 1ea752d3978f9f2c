"""JSON that came from outside, read strictly: what is not plain, unambiguous and of bounded depth and size is refused.

Every body is read here, whoever signed it, so that no shape of one can be more than a refusal.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Final

DEPTH_MAX: Final = 100
DIGITS_MAX: Final = 18
"""Every number with so many digits fits what a database keeps (64 bits), and none of ours is longer."""


class NotStrict(ValueError):
    """The body is not what it must be; the message says what is wrong."""


def parse(body: bytes) -> Any:
    """The JSON value of a body; NotStrict for duplicate keys, depth, NUL, NaN, lone surrogates, bad UTF-8 and
    numbers that fit nothing."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotStrict(f"byte {error.start} is not UTF-8") from None
    # Nothing is deeper than it has brackets: what has few need not be walked, a character at a time.
    if text.count("[") + text.count("{") > DEPTH_MAX and _depth(text) > DEPTH_MAX:
        raise NotStrict(f"it is nested more than {DEPTH_MAX} deep")
    try:
        value = _STRICT.decode(text)
    except NotStrict:
        raise
    except (ValueError, RecursionError):
        raise NotStrict("it is not JSON") from None
    # A NUL as it is, is no JSON, and UTF-8 has no half a character: either comes by an escape alone.
    if "\\u" in text:
        _refuse_characters(value)
    return value


def _depth(text: str) -> int:
    depth = 0
    return max((depth := depth + (c in "[{") - (c in "]}") for c in text), default=0)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotStrict("a key stands twice in one object")
    return found


def _refuse_constant(name: str) -> None:
    raise NotStrict(f"{name} is not a JSON number")


def _whole(digits: str) -> int:
    if len(digits.lstrip("-")) > DIGITS_MAX:
        raise NotStrict(f"a number has more than {DIGITS_MAX} digits")
    return int(digits)


def _fraction(digits: str) -> Decimal:
    number = Decimal(digits)
    if abs(number.adjusted()) > DIGITS_MAX:
        raise NotStrict("a number is too large, or too small")
    return number


_STRICT: Final = json.JSONDecoder(
    object_pairs_hook=_once, parse_constant=_refuse_constant, parse_int=_whole, parse_float=_fraction
)


def _refuse_characters(value: Any) -> None:
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            left += one
        elif isinstance(one, str) and ("\0" in one or any("\ud800" <= c <= "\udfff" for c in one)):
            raise NotStrict("a text contains a NUL or half a character")
