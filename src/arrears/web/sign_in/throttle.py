"""Wrong tries are counted, and nobody is locked out by somebody else's.

A try counts against the name and the address in the net that it comes from. A browser that has signed in to a name
before carries a signed cookie: its tries count against that cookie alone, so it comes in however many strangers guess.
Passkeys and links from mail are not counted: there is nothing to guess. The counts are rows, common to all processes.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core import signing
from django.db import connection
from django.http import HttpRequest, HttpResponse

TRIES_MAX: Final = 10
TRIES_WITHIN: Final = timedelta(minutes=15)
KNOWN_FOR: Final = timedelta(days=365)
KNOWN_MAX: Final = 5
"""So many names one browser is known for; the oldest is forgotten."""

FORGOTTEN_AFTER: Final = timedelta(days=1)
_SALT: Final = "arrears.known"


class TooManyTries(Exception):
    """One waits a quarter of an hour; or comes from a known browser, with a passkey, or by a link."""


@contextmanager
def one_try(keys: Sequence[str], now: datetime) -> Iterator[None]:
    """Count a try before it is made, so that many at once are counted too; take it back if the block goes well.
    Raises TooManyTries."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM sign_in_attempt WHERE at < %s", [now - FORGOTTEN_AFTER])
        cursor.execute("INSERT INTO sign_in_attempt (key, at) SELECT unnest(%s::text[]), %s", [list(keys), now])
        cursor.execute(
            "SELECT count(*) FROM sign_in_attempt WHERE key = ANY(%s) AND at > %s GROUP BY key HAVING count(*) > %s",
            [list(keys), now - TRIES_WITHIN, TRIES_MAX],
        )
        too_many = cursor.fetchone() is not None
    if too_many:
        _take_back(keys, now)
        raise TooManyTries
    yield
    _take_back(keys, now)


def _take_back(keys: Sequence[str], now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM sign_in_attempt WHERE key = ANY(%s) AND at = %s", [list(keys), now])


def keys(request: HttpRequest, what: str, name: str) -> list[str]:
    """What a try of this kind, to sign in to a name, counts against."""
    nonce = _known(request).get(_digest(name))
    if nonce is not None:
        return [f"{what}:known:{nonce}"]
    return [f"{what}:{name.lower()}", net(request)]


def net(request: HttpRequest) -> str:
    """The address in the net; of IPv6 the part that one customer of a provider has."""
    found = ipaddress.ip_address(get_adapter().get_client_ip(request))
    return f"net:{ipaddress.ip_network((found, 64), strict=False) if found.version == 6 else found}"


def remember(request: HttpRequest, response: HttpResponse, name: str) -> None:
    """Somebody has signed in to this name here."""
    known = {key: nonce for key, nonce in _known(request).items() if key != _digest(name)}
    kept = dict([*known.items()][-(KNOWN_MAX - 1) :])
    response.set_cookie(
        settings.KNOWN_COOKIE_NAME,
        signing.dumps({**kept, _digest(name): secrets.token_urlsafe(12)}, salt=_SALT),
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


def _digest(name: str) -> str:
    """The cookie does not say to whom a shared computer belongs."""
    return hashlib.sha256(name.lower().encode()).hexdigest()[:16]
