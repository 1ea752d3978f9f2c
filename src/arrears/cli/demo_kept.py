"""What a demo that ends leaves for the next one, beside its database, its mail and its clock: with it, the same world
goes on."""

from __future__ import annotations

import pickle
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

import psycopg

from arrears.cli.demo_service import ServiceMemory
from arrears.sandbox.server import SandboxMemory
from arrears.store import schema

_UNREADABLE: Final = (pickle.PickleError, AttributeError, ImportError, TypeError, ValueError, EOFError, IndexError)
"""What reading raises where another version kept it."""


class KeptWorld(NamedTuple):
    """`url` is the database that belongs to it, `account` whose story was told, `moved_from` where the clock stood
    before it was last moved."""

    url: str
    account: int
    moved_from: datetime
    provider: SandboxMemory
    service: ServiceMemory


def keep(file: Path, kept: KeptWorld) -> None:
    """Leave this world for the next demo."""
    file.touch(mode=0o600)
    file.write_bytes(pickle.dumps(kept))


def taken(file: Path, url: str) -> KeptWorld | None:
    """What the last demo has left, once: one that is killed leaves nothing that could go on. None where there is
    nothing, or it is another database's or another version's."""
    try:
        octets = file.read_bytes()
    except FileNotFoundError:
        return None
    file.unlink()
    try:
        kept = pickle.loads(octets)
    except _UNREADABLE:
        return None
    return kept if isinstance(kept, KeptWorld) and kept.url == url and _is_there(url) else None


def _is_there(url: str) -> bool:
    """Whether the database is there, as this version has it."""
    try:
        with psycopg.connect(url, connect_timeout=10) as db:
            return schema.version_of(db) == max(schema.versions())
    except psycopg.OperationalError:
        return False
