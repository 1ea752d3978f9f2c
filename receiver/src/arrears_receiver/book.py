"""What a receiver must not forget: the newest order of each subscription, and how far it was carried out."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, Protocol


@dataclass(slots=True)
class Record:
    """One subscription. `progress` of its newest order is `begun` (whoever began it may have died), `accepted` or
    `done`; `state` is what the orders that are done have made of it."""

    subscription: str
    account_name: str = ""
    generation: int = 0
    sequence: int = 0
    order: str = ""
    command: str = ""
    progress: str = "done"
    state: str = ""
    deleted: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)


class Book(Protocol):
    """Keeps records. One subscription is open to one caller at a time."""

    def open(self, subscription: str) -> AbstractContextManager[Record]:
        """The record of this subscription, alone; what it was changed to is kept when the block is left, also by an
        exception. A subscription nobody knows begins with an empty one."""

    def known(self, subscription: str) -> Record | None:
        """The record as it was last kept, without waiting; None where there is none."""

    def page(self, after: str, limit: int) -> list[Record]:
        """Up to so many records, by the ids that follow this one as texts."""

    def by_order(self, order: str) -> str | None:
        """The subscription whose newest order has this id."""


class MemoryBook:
    """A book that lasts as long as its process: for tests."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._locks: dict[str, threading.RLock] = {}
        self._lock = threading.Lock()

    @contextmanager
    def open(self, subscription: str) -> Iterator[Record]:
        """See Book."""
        with self._lock:
            lock = self._locks.setdefault(subscription, threading.RLock())
        with lock:
            record = self.known(subscription) or Record(subscription)
            try:
                yield record
            finally:
                if record.sequence:
                    self._records[subscription] = record

    def known(self, subscription: str) -> Record | None:
        """See Book."""
        found = self._records.get(subscription)
        return None if found is None else Record(**asdict(found))

    def page(self, after: str, limit: int) -> list[Record]:
        """See Book."""
        return [Record(**asdict(self._records[key])) for key in sorted(k for k in self._records if k > after)[:limit]]

    def by_order(self, order: str) -> str | None:
        """See Book."""
        return next((key for key, record in self._records.items() if record.order == order), None)


_TABLE: Final = """
CREATE TABLE IF NOT EXISTS subscription (
    id TEXT PRIMARY KEY, newest_order TEXT NOT NULL, record TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS subscription_order ON subscription (newest_order);
"""
BUSY_SECONDS: Final = 30.0


class SqliteBook:
    """A book in one SQLite file, for any number of processes of one machine. What was kept survives a power cut.

    Writing takes the file's one lock for as long as an order is being carried out; a service that takes long answers
    `accepted` at once and says `done` later."""

    def __init__(self, file: Path | str) -> None:
        self._file = str(file)
        with self._connected() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(_TABLE)

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self._file, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            db.execute("PRAGMA synchronous = FULL")
            yield db
        finally:
            db.close()

    @contextmanager
    def open(self, subscription: str) -> Iterator[Record]:
        """See Book."""
        with self._connected() as db:
            db.execute("BEGIN IMMEDIATE")
            record = _read(db, subscription) or Record(subscription)
            try:
                yield record
            finally:
                if record.sequence:
                    db.execute(
                        "INSERT INTO subscription VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE"
                        " SET newest_order = excluded.newest_order, record = excluded.record",
                        [subscription, record.order, json.dumps(asdict(record))],
                    )
                db.execute("COMMIT")

    def known(self, subscription: str) -> Record | None:
        """See Book."""
        with self._connected() as db:
            return _read(db, subscription)

    def page(self, after: str, limit: int) -> list[Record]:
        """See Book."""
        with self._connected() as db:
            rows = db.execute("SELECT record FROM subscription WHERE id > ? ORDER BY id LIMIT ?", [after, limit])
            return [Record(**json.loads(text)) for (text,) in rows]

    def by_order(self, order: str) -> str | None:
        """See Book."""
        with self._connected() as db:
            row = db.execute("SELECT id FROM subscription WHERE newest_order = ?", [order]).fetchone()
            return None if row is None else str(row[0])


def _read(db: sqlite3.Connection, subscription: str) -> Record | None:
    row = db.execute("SELECT record FROM subscription WHERE id = ?", [subscription]).fetchone()
    return None if row is None else Record(**json.loads(row[0]))
