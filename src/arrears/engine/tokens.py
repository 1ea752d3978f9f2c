"""Capabilities in links: made at random, kept only as digests."""

from __future__ import annotations

import hashlib
import secrets


def new_token() -> str:
    """A capability that nobody can guess: 256 random bits."""
    return secrets.token_urlsafe(32)


def digest_of(token: str) -> bytes:
    """What is kept of a token (SHA-256). It is random, so a slow hash would add nothing."""
    return hashlib.sha256(token.encode()).digest()
