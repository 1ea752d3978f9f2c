"""How many requests a token has left, said with every answer (draft-ietf-httpapi-ratelimit-headers-10)."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Final

from django.http import HttpRequest, HttpResponse

from arrears.core.people.throttles import LIMITS, CountedBy, Throttled, TriesLeft
from arrears.wiring import installed

NAME: Final = '"token"'
"""What is limited: each token, whatever it asks."""


def limits_said(answer: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: where a token was counted, say its limit, what is left of it at once, and in how many seconds there
    is one more; `Retry-After` where nothing was left."""

    def answered(request: HttpRequest) -> HttpResponse:
        response = answer(request)
        counted: TriesLeft | None = getattr(request, "api_tries", None)
        if counted is None:
            return response
        # By the clock that it was counted with: in a demo that is not the wall's.
        limit, now = LIMITS[Throttled.API][CountedBy.TOKEN], installed().clock.now()
        left = counted.left(limit, now) if counted.let_in else 0
        seconds = ceil(counted.next_in(limit, now).total_seconds())
        response.headers["RateLimit-Policy"] = f"{NAME};q={limit.most};w={ceil(limit.within.total_seconds())}"
        response.headers["RateLimit"] = f"{NAME};r={left};t={seconds}"
        if not counted.let_in:
            response.headers["Retry-After"] = str(max(1, seconds))
        return response

    return answered
