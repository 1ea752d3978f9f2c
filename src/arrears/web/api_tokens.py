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
from arrears.core.people.scopes import EVERYTHING, READS, TokenScope, scopes_of, scopes_text

NAME_CHARACTERS_MAX: Final = 60
USED_WITHIN: Final = timedelta(minutes=1)
"""The last use is known to the minute: a busy program would otherwise write with every request that only reads."""


OVERLAP: Final = timedelta(hours=24)
"""After a rotation the secret before is taken so long: a program on several hosts learns the new one host by host."""
SHORT: Final = {"read": READS, "write": EVERYTHING}
"""Names for sets of scopes."""


@dataclass(frozen=True, slots=True)
class Token:
    """The token of a request; `account` is the one that it is bound to, 0 where it is for all."""

    number: int
    name: str
    scopes: frozenset[TokenScope]
    account: int = 0
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ListedToken:
    """What is known of a token; `last_used_at` to the minute, None where it was never used. `before_until`: how long
    the secret before the last rotation is still taken. `made_by`: who made it, empty where that is not known."""

    number: int
    name: str
    scopes: frozenset[TokenScope]
    account: int
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    rotated_at: datetime | None
    before_until: datetime | None
    made_by: str

    def is_good(self, now: datetime) -> bool:
        """Whether a program that sends it is let in."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


def _rows(statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall()) if cursor.description else []


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _secret() -> str:
    return f"arr_{secrets.token_urlsafe(32)}"


def create_token(
    name: str,
    scopes: str | frozenset[TokenScope],
    now: datetime,
    expires_at: datetime | None = None,
    account: int = 0,
    made_by: str = "",
) -> str:
    """A new token for a program; shown now and never again. `scopes` may be `read`, or `write` for everything."""
    token = _secret()
    allowed = SHORT.get(scopes) or scopes_of(scopes.split()) if isinstance(scopes, str) else scopes
    _rows(
        "INSERT INTO api_token (name, digest, scope, created_at, expires_at, account_id, made_by)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [name, _digest(token), scopes_text(allowed), now, expires_at, account or None, made_by],
    )
    return token


def make_token(
    name: str,
    scopes: frozenset[TokenScope],
    now: datetime,
    expires_at: datetime | None = None,
    account: int = 0,
    *,
    made_by: str,
) -> tuple[ListedToken, str]:
    """A new token that a person asks for, and its secret, shown now and never again. Refuses `name_too_long`,
    `already_expired`, and `duplicate_token` where one that is good has this name: by it people tell them apart."""
    if not name or len(name) > NAME_CHARACTERS_MAX:
        raise Refused("name_too_long", f"a token has a name of at most {NAME_CHARACTERS_MAX} characters")
    if expires_at is not None and expires_at <= now:
        raise Refused("already_expired", f"{expires_at:%Y-%m-%d} has begun; give a later day on which it ends")
    if any(one.name == name and one.is_good(now) for one in listed_tokens()):
        raise Refused("duplicate_token", f"a token called {name!r} is in use; revoke that one, or choose another name")
    secret = create_token(name, scopes, now, expires_at, account, made_by)
    return listed_tokens()[-1], secret


def rotate_token(number: int, now: datetime, overlap: timedelta = OVERLAP) -> str:
    """Another secret for the same token, shown now and never again; the one that it had is taken for `overlap` longer,
    the one before that no more. Its number stays, and with it what it was answered by `Idempotency-Key`. Refuses
    `unknown_token`, and `token_ended` where it is no longer good."""
    token = _secret()
    found = _rows(
        "UPDATE api_token SET digest_before = digest, before_until = %s, digest = %s, rotated_at = %s"
        " WHERE token_id = %s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %s) RETURNING token_id",
        [now + overlap, _digest(token), now, number, now],
    )
    if not found:
        if all(one.number != number for one in listed_tokens()):
            raise _no_token(number)
        raise Refused("token_ended", f"token {number} is no longer good; `arrears token create` makes another")
    return token


def listed_tokens() -> list[ListedToken]:
    """Every token that there ever was, the oldest first."""
    every = (
        "token_id, name, scope, coalesce(account_id, 0), created_at, expires_at, revoked_at, last_used_at, rotated_at,"
        " before_until, made_by"
    )
    found = _rows(f"SELECT {every} FROM api_token ORDER BY token_id", [])
    return [ListedToken(no, name, scopes_of(scope.split()), *more) for no, name, scope, *more in found]


def revoke_token(number: int, now: datetime) -> None:
    """End a token at once; one that is revoked already stays so. Refuses `unknown_token`."""
    found = _rows(
        "UPDATE api_token SET revoked_at = coalesce(revoked_at, %s) WHERE token_id = %s RETURNING token_id",
        [now, number],
    )
    if not found:
        raise _no_token(number)


def _no_token(number: int) -> Refused:
    return Refused("unknown_token", f"there is no token {number}; `arrears token list` has their numbers")


def token_lives(number: int, now: datetime) -> bool:
    """Whether the token with this number is still good."""
    alive = (
        "SELECT 1 FROM api_token WHERE token_id = %s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %s)"
    )
    return bool(_rows(alive, [number, now]))


def token_of(text: str, now: datetime) -> Token | None:
    """The token that this text is, if it is one and still good; that it was used is noted."""
    digest = _digest(text)
    found = _rows(
        "SELECT token_id, name, scope, coalesce(account_id, 0), expires_at, last_used_at FROM api_token"
        " WHERE (digest = %s OR digest_before = %s AND before_until > %s)"
        " AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %s)",
        [digest, digest, now, now],
    )
    if not found:
        return None
    number, name, scope, account, expires_at, last_used_at = found[0]
    if last_used_at is None or now - last_used_at >= USED_WITHIN:
        _rows("UPDATE api_token SET last_used_at = %s WHERE token_id = %s", [now, number])
    return Token(int(number), str(name), scopes_of(scope.split()), int(account), expires_at)
