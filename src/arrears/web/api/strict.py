"""Reading a body strictly: what is not plain, unambiguous JSON of bounded size never reaches a route."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

from arrears.core.strict_json import NotStrict, parse
from arrears.web.errors import problem
from arrears.web.gate import LARGE

BODY_BYTES_MAX: Final = 1024 * 1024
LENGTH_DIGITS_MAX: Final = 18
_WITH_BODY: Final = ("POST", "PUT", "PATCH", "DELETE")
"""Other methods have nothing to be read; those that are not ours are 405."""


def plain_address(answer: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: no address of ours has a NUL in it, and no database takes one (400). A length that is no number is
    no request either, whatever server let it through: Django itself would stumble over it."""

    def answered(request: HttpRequest) -> HttpResponse:
        length = str(request.META.get("CONTENT_LENGTH") or "0")
        if not (length.isascii() and length.isdecimal() and len(length) <= LENGTH_DIGITS_MAX):
            return problem(400, "bad_length", "The request cannot be read", "its Content-Length is no number")
        query = request.META.get("QUERY_STRING", "")
        if "\0" in request.path or "%00" in query or "\0" in query:
            return problem(400, "bad_address", "The address cannot be read", "it contains a NUL")
        response = answer(request)
        if response.status_code == 405 and request.path.startswith("/v1/"):
            allowed = response.headers.get("Allow", "")
            response = problem(405, "wrong_method", "Wrong method", f"this address takes {allowed}")
            response.headers["Allow"] = allowed
        return response

    return answered


def strict_body(answer: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware for /v1: refuse a body that is too large (413), not JSON by its type (415) or not strict (400)."""

    def answered(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/v1/") or request.method not in _WITH_BODY:
            return answer(request)
        if request.path in LARGE:
            # It reads its body itself, and says itself what is wrong with it, or that it takes no such method.
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
