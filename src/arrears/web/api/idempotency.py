"""`Idempotency-Key` on each POST that changes something (draft-ietf-httpapi-idempotency-key-header-07): one key, one
answer.

A key belongs to its token. The same request with it gets the answer of the first, waiting for it a while; another
request with it is refused.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from inspect import signature
from typing import Any, Concatenate, Final, ParamSpec, get_type_hints

from django.db import connection
from django.http import HttpRequest, HttpResponse

from arrears.web.errors import problem
from arrears.wiring import RealClock

KEY_CHARACTERS_MAX: Final = 255
WAIT_SECONDS_MAX: Final = 25.0
"""How long the same request waits for the answer of the first, before it is told that that is still running."""

TICK_SECONDS: Final = 0.05
ABANDONED_AFTER: Final = timedelta(minutes=5)
"""A request that has no answer after so long died with its process; the same one may run again. What it calls is
safe against that by itself."""

SAID_ONCE: Final = "secret"
"""The field of an answer that only who asked first gets."""

P = ParamSpec("P")
Route = Callable[Concatenate[HttpRequest, P], HttpResponse]


def once_per_key(route: Route[P]) -> Route[P]:
    """Run the route once for each key of a token; the route answers with an HttpResponse. What is refused by raising is
    not kept: nothing was done, and the same request may be right later. A secret in an answer (`SAID_ONCE`) is not
    kept: the same request later gets the answer without it."""

    @wraps(route)
    def answered(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return problem(400, "idempotency_key_required", "Idempotency-Key is missing", "send one with every try")
        if len(key) > KEY_CHARACTERS_MAX or not key.isascii() or not key.isprintable():
            return problem(400, "bad_idempotency_key", "Idempotency-Key is not right", "at most 255 ASCII characters")
        digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode() + request.body).digest()
        token: int = request.auth.number  # type: ignore[attr-defined]
        stored = _claim(token, key, digest)
        if stored is not None:
            return stored
        response: HttpResponse | None = None
        try:
            response = route(request, *args, **kwargs)
        finally:
            if response is None or response.status_code >= 500:
                _forget(token, key)
        if response.status_code < 500:
            _keep(token, key, response)
        return response

    # The framework reads what a route takes where that is defined, and the names in it mean something there alone.
    hints = get_type_hints(route)
    plain = signature(route)
    taken = [one.replace(annotation=hints.get(name, one.annotation)) for name, one in plain.parameters.items()]
    answered.__signature__ = plain.replace(parameters=taken)  # type: ignore[attr-defined]
    return answered


def _execute(statement: str, values: list[Any]) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone() if cursor.description else None
        return None if row is None else tuple(row)


def _claim(token: int, key: str, digest: bytes) -> HttpResponse | None:
    """None if this request is the first with its key; else the answer to give instead."""
    now = RealClock().now()
    mine = _execute(
        "INSERT INTO idempotency_key (token_id, key, request_digest, created_at) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (token_id, key) DO UPDATE SET created_at = excluded.created_at"
        " WHERE idempotency_key.status IS NULL AND idempotency_key.request_digest = excluded.request_digest"
        " AND idempotency_key.created_at < %s RETURNING key",
        [token, key, digest, now, now - ABANDONED_AFTER],
    )
    if mine is not None:
        return None
    row = _answer_of_the_first(token, key)
    if row is not None and bytes(row[0]) != digest:
        return problem(422, "idempotency_key_reused", "The key was used before", "for another request; make a new one")
    if row is None or row[1] is None:
        return problem(409, "still_running", "Still running", "the first request with this key has not finished")
    kind = "application/json" if row[1] < 400 else "application/problem+json"
    return HttpResponse(row[2], status=row[1], content_type=kind)


def _answer_of_the_first(token: int, key: str) -> tuple[Any, ...] | None:
    """The stored row once the first request has its answer, waited for; as it is when that takes too long, or when
    the first failed and left nothing."""
    tick = threading.Event()
    for _ in range(int(WAIT_SECONDS_MAX / TICK_SECONDS)):
        row = _execute(
            "SELECT request_digest, status, response FROM idempotency_key WHERE token_id = %s AND key = %s",
            [token, key],
        )
        if row is None or row[1] is not None:
            return row
        tick.wait(TICK_SECONDS)
    return row


def _keep(token: int, key: str, response: HttpResponse) -> None:
    _execute(
        "UPDATE idempotency_key SET status = %s, response = %s WHERE token_id = %s AND key = %s",
        [response.status_code, _without_secret(response.content.decode()), token, key],
    )


def _without_secret(content: str) -> str:
    if f'"{SAID_ONCE}"' not in content:
        return content
    return json.dumps({name: value for name, value in json.loads(content).items() if name != SAID_ONCE})


def _forget(token: int, key: str) -> None:
    _execute("DELETE FROM idempotency_key WHERE token_id = %s AND key = %s AND status IS NULL", [token, key])
