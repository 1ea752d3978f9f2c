"""A store whose statements are counted in libpq's own trace of what went over the wire."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from arrears.store.postgres.store import PostgresStore
from arrears.store.postgres.write import Db

STATEMENT: Final = re.compile(r"\tF\t\d+\t(?:Execute|Query)\b")


class TracedStore(PostgresStore):
    """A store with one connection, whose traffic goes to a file."""

    def __init__(self, url: str, schema: str, trace: Path) -> None:
        super().__init__(url, schema=schema, connections_max=1, durable=False, clock_is_real=False)
        self._handle = os.open(trace, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        self._trace = trace
        self._db: Db | None = None

    @contextmanager
    def transaction(self) -> Iterator[Db]:
        with super().transaction() as db:
            self._watch(db)
            yield db

    @contextmanager
    def each_alone(self) -> Iterator[Db]:
        with super().each_alone() as db:
            self._watch(db)
            yield db

    def _watch(self, db: Db) -> None:
        if self._db is None:
            self._db = db
            db.pgconn.trace(self._handle)

    def statements(self) -> int:
        """How many statements were sent since the last time this was asked, COMMIT and BEGIN included."""
        if self._db is not None:
            self._db.pgconn.untrace()
            self._db = None
        found = len(STATEMENT.findall(self._trace.read_text(errors="replace")))
        os.truncate(self._trace, 0)
        os.lseek(self._handle, 0, os.SEEK_SET)
        return found


def counted(store: TracedStore, deed: Callable[[], object]) -> int:
    store.policies()
    store.statements()
    deed()
    return store.statements()
