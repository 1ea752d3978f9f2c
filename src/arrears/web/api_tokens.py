"""The tokens of programs: made, listed, ended, and proved. Shown once, kept as a digest (SHA-256: they are 256 random
bits, so a slow hash would add nothing)."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from arrears.core.errors import Refused

USED_WITHIN: Final = timedelta(minutes=1)
"""The last use is known to the minute: a busy program would otherwise write with every request that only reads."""


@dataclass(frozen=True, slots=True)
class Token:
    """The token of a request."""

    number: int
    name: str
    scope: str


@dataclass(frozen=True, slots=True)
class ListedToken:
    """What is known of a token; `last_used_at` to the minute, None where it was never used."""

    number: int
    name: str
    scope: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    def is_good(self, now: datetime) -> bool:
        """Whether a program that sends it is let in."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


def _rows(statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall()) if cursor.description else []


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def create_token(name: str, scope: str, now: datetime, expires_at: datetime | None = None) -> str:
    """A new token for a program; shown now and never again."""
    token = f"arr_{secrets.token_urlsafe(32)}"
    _rows(
        "INSERT INTO api_token (name, digest, scope, created_at, expires_at) VALUES (%s, %s, %s, %s, %s)",
        [name, _digest(token), scope, now, expires_at],
    )
    return token


def listed_tokens() -> list[ListedToken]:
    """Every token that there ever was, the oldest first."""
    every = "token_id, name, scope, created_at, expires_at, revoked_at, last_used_at"
    return [ListedToken(*row) for row in _rows(f"SELECT {every} FROM api_token ORDER BY token_id", [])]


def revoke_token(number: int, now: datetime) -> None:
    """End a token at once; one that is revoked already stays so. Refuses `unknown_token`."""
    found = _rows(
        "UPDATE api_token SET revoked_at = coalesce(revoked_at, %s) WHERE token_id = %s RETURNING token_id",
        [now, number],
    )
    if not found:
        raise Refused("unknown_token", f"there is no token {number}; `arrears token list` has their numbers")


def token_lives(number: int, now: datetime) -> bool:
    """Whether the token with this number is still good."""
    alive = (
        "SELECT 1 FROM api_token WHERE token_id = %s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %s)"
    )
    return bool(_rows(alive, [number, now]))


def token_of(text: str, now: datetime) -> Token | None:
    """The token that this text is, if it is one and still good; that it was used is noted."""
    found = _rows(
        "SELECT token_id, name, scope, last_used_at FROM api_token WHERE digest = %s AND revoked_at IS NULL"
        " AND (expires_at IS NULL OR expires_at > %s)",
        [_digest(text), now],
    )
    if not found:
        return None
    number, name, scope, last_used_at = found[0]
    if last_used_at is None or now - last_used_at >= USED_WITHIN:
        _rows("UPDATE api_token SET last_used_at = %s WHERE token_id = %s", [now, number])
    return Token(int(number), str(name), str(scope))
