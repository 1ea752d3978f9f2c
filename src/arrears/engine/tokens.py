"""Capabilities in links: made at random, kept only as digests."""

from __future__ import annotations

import hashlib
import secrets
from base64 import b32encode


def new_token() -> str:
    """A capability that nobody can guess: 256 random bits."""
    return secrets.token_urlsafe(32)


def new_mark() -> str:
    """What tells a name from one that was given before a database was restored: 40 random bits, no secret."""
    return b32encode(secrets.token_bytes(5)).decode().lower()


def digest_of(token: str) -> bytes:
    """What is kept of a token (SHA-256). It is random, so a slow hash would add nothing."""
    return hashlib.sha256(token.encode()).digest()
