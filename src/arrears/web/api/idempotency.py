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
from contextlib import suppress
from datetime import datetime, timedelta
from functools import wraps
from inspect import signature
from typing import Any, Concatenate, Final, LiteralString, ParamSpec, get_type_hints

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse

from arrears.web.errors import problem
from arrears.web.logs import LOG
from arrears.wiring import RealClock

KEY_CHARACTERS_MAX: Final = 255
WAIT_SECONDS_MAX: Final = 25.0
"""How long the same request waits for the answer of the first, before it is told that that is still running."""

TICK_SECONDS: Final = 0.05
ABANDONED_AFTER: Final = timedelta(minutes=1)
"""A request that has no answer after so long died with its process; the same one may run again. What it calls is
safe against that by itself."""
AGAIN_AFTER_SECONDS: Final = 0.5
"""So often what became of a key is written down anew while the database is away."""

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
        claim = _Claim(token, key, RealClock().now())
        response: HttpResponse | None = None
        try:
            stored = claim.answered(digest)
            if stored is not None:
                return stored
            response = route(request, *args, **kwargs)
        finally:
            if claim.stands and (response is None or response.status_code >= 500):
                claim.forget()
        if response.status_code < 500:
            claim.keep(response)
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


class _Claim:
    """One request's right to be the one that runs for its key. `at` tells it from that of a later request: what is
    written down late, as the database was away, is about this one alone."""

    def __init__(self, token: int, key: str, at: datetime) -> None:
        self._of, self._at = [token, key], at
        self.stands = True
        """Whether it may be this one's: it is also where the answer to its claim was lost."""

    def answered(self, digest: bytes) -> HttpResponse | None:
        """None if this request is the first with its key; else the answer to give instead."""
        mine = _execute(
            "INSERT INTO idempotency_key (token_id, key, request_digest, created_at) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (token_id, key) DO UPDATE SET created_at = excluded.created_at"
            " WHERE idempotency_key.status IS NULL AND idempotency_key.request_digest = excluded.request_digest"
            " AND idempotency_key.created_at < %s RETURNING key",
            [*self._of, digest, self._at, self._at - ABANDONED_AFTER],
        )
        if mine is not None:
            return None
        self.stands = False
        row = self._answer_of_the_first()
        if row is not None and bytes(row[0]) != digest:
            return problem(
                422, "idempotency_key_reused", "The key was used before", "for another request; make a new one"
            )
        if row is None or row[1] is None:
            return problem(409, "still_running", "Still running", "the first request with this key has not finished")
        kind = "application/json" if row[1] < 400 else "application/problem+json"
        return HttpResponse(row[2], status=row[1], content_type=kind)

    def _answer_of_the_first(self) -> tuple[Any, ...] | None:
        """The stored row once the first request has its answer, waited for; as it is when that takes too long, or when
        the first failed and left nothing."""
        tick = threading.Event()
        for _ in range(int(WAIT_SECONDS_MAX / TICK_SECONDS)):
            row = _execute(
                "SELECT request_digest, status, response FROM idempotency_key WHERE token_id = %s AND key = %s",
                self._of,
            )
            if row is None or row[1] is not None:
                return row
            tick.wait(TICK_SECONDS)
        return row

    def keep(self, response: HttpResponse) -> None:
        """The answer is this one from now on."""
        said = [response.status_code, _without_secret(response.content.decode())]
        self._surely("UPDATE idempotency_key SET status = %s, response = %s", said)

    def forget(self) -> None:
        """Nothing was done: the same request may be right later."""
        self._surely("DELETE FROM idempotency_key", [])

    def _surely(self, what: LiteralString, values: list[Any]) -> None:
        """Write that down, now or when the database is there again: until then whoever sends the request again would
        be told that it still runs."""
        statement = what + " WHERE token_id = %s AND key = %s AND created_at = %s AND status IS NULL"
        values = [*values, *self._of, self._at]
        try:
            _execute(statement, values)
        except Error as error:
            said = "what became of the key is written down as soon as the database is back"
            LOG.error("key_not_kept", said=said, mistake=type(error).__name__)
            threading.Thread(target=_when_back, args=(statement, values), daemon=True).start()


def _when_back(statement: str, values: list[Any]) -> None:
    """Execute it once it can be, within the time after which it means nothing any more."""
    tick = threading.Event()
    try:
        for _ in range(int(ABANDONED_AFTER.total_seconds() / AGAIN_AFTER_SECONDS)):
            tick.wait(AGAIN_AFTER_SECONDS)
            with suppress(Error):
                _execute(statement, values)
                return
    finally:
        connection.close()


def _without_secret(content: str) -> str:
    if f'"{SAID_ONCE}"' not in content:
        return content
    return json.dumps({name: value for name, value in json.loads(content).items() if name != SAID_ONCE})
