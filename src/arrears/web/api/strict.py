"""Reading a body strictly: what is not plain, unambiguous JSON of bounded size never reaches a route."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from arrears.web.errors import problem

BODY_BYTES_MAX: Final = 1024 * 1024
DEPTH_MAX: Final = 100


class NotStrict(ValueError):
    """The body is not what it must be; the message says what is wrong."""


def parse(body: bytes) -> Any:
    """The JSON value of a body; NotStrict for duplicate keys, depth, NUL, NaN, lone surrogates, bad UTF-8."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotStrict(f"byte {error.start} is not UTF-8") from None
    depth = 0
    deepest = max((depth := depth + (c in "[{") - (c in "]}") for c in text), default=0)
    if deepest > DEPTH_MAX:
        raise NotStrict(f"it is nested more than {DEPTH_MAX} deep")
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse_constant)
    except NotStrict:
        raise
    except (ValueError, RecursionError):
        raise NotStrict("it is not JSON") from None
    _refuse_characters(value)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotStrict("a key stands twice in one object")
    return found


def _refuse_constant(name: str) -> None:
    raise NotStrict(f"{name} is not a JSON number")


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


def strict_body(answer: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware for /v1: refuse a body that is too large (413), not JSON by its type (415) or not strict (400)."""

    def answered(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/v1/") or request.method in ("GET", "HEAD", "OPTIONS"):
            return answer(request)
        if int(request.META.get("CONTENT_LENGTH") or 0) > BODY_BYTES_MAX:
            return problem(413, "too_large", "Too large", f"a body has at most {BODY_BYTES_MAX} bytes")
        if request.content_type != "application/json" and request.META.get("CONTENT_LENGTH") not in (None, "", "0"):
            return problem(415, "wrong_type", "Wrong content type", "send application/json")
        try:
            if request.body:
                parse(request.body)
        except NotStrict as error:
            return problem(400, "bad_json", "The body cannot be read", f"{error}")
        return answer(request)

    return answered
