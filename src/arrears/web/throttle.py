"""Tries are counted at every place of the pages and the API (`core/people/throttles.py`), and nobody is locked out by
somebody else's: what is used is in the database, common to all processes.

A browser that has signed in to a name before carries a signed cookie, and is counted by that alone.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, Final, TypeVar

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from arrears.core.people.links import LASTS, Capability
from arrears.core.people.throttles import LIMITS, CountedBy, CountedTry, Throttled, TriesLeft, counted_try
from arrears.web.client_address import net_of
from arrears.web.errors import too_often
from arrears.wiring import installed

KNOWN_FOR: Final = LASTS[Capability.KNOWN_BROWSER]
KNOWN_MAX: Final = 5
"""So many names one browser is known for; the oldest is forgotten."""

_SALT: Final = "arrears.known"

ThrottledView = Callable[..., HttpResponse]
AnyView = TypeVar("AnyView", bound=Callable[..., HttpResponseBase])


class TooManyTries(Exception):
    """One waits a quarter of an hour; or comes from a known browser, with a passkey, or by a link."""


@contextmanager
def one_try(request: HttpRequest, throttled: Throttled, **who: str) -> Iterator[None]:
    """Count a try before it is made, so that many at once are counted too; take it back if the block goes well.
    Raises TooManyTries."""
    taken = take(request, throttled, **who)
    yield
    installed().store.take_back(taken)


def take(request: HttpRequest, throttled: Throttled, *, name: str = "", **who: str) -> Sequence[CountedTry]:
    """Count one try; what was counted, to be taken back. `who` says what is counted besides the name and the net, by
    the names of `CountedBy`. Raises TooManyTries, and counts nothing."""
    live = installed()
    for tries in _ways(request, throttled, name, who):
        if live.store.count_tries(tries, live.clock.now()):
            return tries
    raise TooManyTries


def take_of_token(token: int) -> TriesLeft:
    """Count one request of a program's token; whether it is let in, and what is left."""
    live = installed()
    return live.store.count_try(counted_try(Throttled.API, CountedBy.TOKEN, str(token)), live.clock.now())


def may_be_wrong(request: HttpRequest, throttled: Throttled) -> bool:
    """Count something wrong that nobody could have guessed; False where too much of it came from this net."""
    net, live = net_of(request), installed()
    return not net or live.store.count_tries([counted_try(throttled, CountedBy.NET, net)], live.clock.now())


def counts_wrong(throttled: Throttled, *statuses: int) -> Callable[[ThrottledView], ThrottledView]:
    """Around a view that answers with one of these statuses what nobody could have guessed: too many of them from one
    net are answered that it was too often, while whoever has the right one comes in."""

    def around(view: ThrottledView) -> ThrottledView:
        @wraps(view)
        def answered(request: HttpRequest, *args: Any, **more: Any) -> HttpResponse:
            answer = view(request, *args, **more)
            if answer.status_code in statuses and not may_be_wrong(request, throttled):
                return too_often(request)
            return answer

        return throttled_as(throttled)(answered)

    return around


def throttled_as(throttled: Throttled) -> Callable[[AnyView], AnyView]:
    """Say of a view that it is this place; a test asks each of them for its table."""

    def around(view: AnyView) -> AnyView:
        view.throttled = throttled  # type: ignore[attr-defined]
        return view

    return around


def _ways(request: HttpRequest, throttled: Throttled, name: str, who: Mapping[str, str]) -> Iterator[list[CountedTry]]:
    """In what ways a try may be counted, the first that has room."""
    limits, name = LIMITS[throttled], name.strip().lower()
    nonce = _known(request).get(_digest(throttled, name)) if name else None
    if nonce is not None and CountedBy.BROWSER in limits:
        yield [counted_try(throttled, CountedBy.BROWSER, nonce)]
        return
    net = net_of(request)
    here = {CountedBy.NET: net, CountedBy.NAME_HERE: f"{name} {net}"} if net else {}
    values = {**here, **({CountedBy.NAME: name} if name else {}), **{CountedBy(by): value for by, value in who.items()}}
    found = {by: counted_try(throttled, by, value) for by, value in values.items() if by in limits}
    yield list(found.values())
    if net and CountedBy.NAME_ELSEWHERE in limits:
        found.pop(CountedBy.NAME, None)
        yield [*found.values(), counted_try(throttled, CountedBy.NAME_ELSEWHERE, f"{name} {net}")]


def remember(request: HttpRequest, response: HttpResponse, throttled: Throttled, name: str) -> None:
    """Somebody has signed in to this name here."""
    digest = _digest(throttled, name.strip().lower())
    known = {key: nonce for key, nonce in _known(request).items() if key != digest}
    kept = dict([*known.items()][-(KNOWN_MAX - 1) :])
    response.set_cookie(
        settings.KNOWN_COOKIE_NAME,
        signing.dumps({**kept, digest: secrets.token_urlsafe(12)}, salt=_SALT),
        max_age=KNOWN_FOR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _known(request: HttpRequest) -> dict[str, str]:
    try:
        found = signing.loads(request.COOKIES.get(settings.KNOWN_COOKIE_NAME, ""), salt=_SALT, max_age=KNOWN_FOR)
    except signing.BadSignature:
        return {}
    return found if isinstance(found, dict) else {}


_KNOWN_AS: Final = {Throttled.SIGN_IN: "", Throttled.SECOND_STEP: "", Throttled.STAFF: "staff:"}
"""A customer's browser is known at both of their steps, and is no browser of staff."""


def _digest(throttled: Throttled, name: str) -> str:
    """The cookie does not say to whom a shared computer belongs."""
    return hashlib.sha256(f"{_KNOWN_AS.get(throttled, '-')}{name}".encode()).hexdigest()[:16]
