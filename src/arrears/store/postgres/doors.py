"""What is tried at doors, as rows (see ports.people.DoorBook): a key, and the instant at which all its tries are back.

Each try moves that instant by one step; one that would move it too far is not counted and not let in. The row's own
lock makes that exact, however many processes try at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final, LiteralString

from arrears.core.people.doors import Use
from arrears.store.postgres.write import Db

COUNT: Final[LiteralString] = """
INSERT INTO door_use AS d (key, until) VALUES (%(key)s, %(now)s::timestamptz + %(step)s)
ON CONFLICT (key) DO UPDATE SET until =
    CASE WHEN d.until BETWEEN %(now)s AND %(now)s::timestamptz + %(within)s THEN d.until ELSE %(now)s END + %(step)s
WHERE d.until NOT BETWEEN %(now)s::timestamptz + %(within)s - %(step)s + interval '1 microsecond'
    AND %(now)s::timestamptz + %(within)s
RETURNING true
"""
"""What lies further ahead than any try could have moved it was counted by a clock that has been set back since."""

TAKE_BACK: Final[LiteralString] = "UPDATE door_use SET until = until - %s::interval WHERE key = %s"
# What another transaction holds is left to it.
FORGET: Final[LiteralString] = """
DELETE FROM door_use WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM door_use WHERE until <= %s LIMIT 10 FOR UPDATE SKIP LOCKED))
"""


class PostgresDoors:
    """See ports.people.DoorBook."""

    def reading(self) -> AbstractContextManager[Db]:
        """The transaction that this thread has open, else one of its own."""
        raise NotImplementedError

    def count_tries(self, uses: Sequence[Use], now: datetime) -> bool:
        """See ports.people.DoorBook."""
        taken: list[Use] = []
        with self.reading() as db:
            # Everybody takes rows in the same order: nobody waits for somebody who waits for them.
            for use in sorted(uses):
                values = {"key": use.key, "now": now, "step": use.limit.step, "within": use.limit.within}
                if db.execute(COUNT, values).fetchone() is None:
                    _take_back(db, taken)
                    return False
                taken.append(use)
            db.execute(FORGET, [now])
        return True

    def take_back(self, uses: Sequence[Use]) -> None:
        """See ports.people.DoorBook."""
        with self.reading() as db:
            _take_back(db, uses)


def _take_back(db: Db, uses: Sequence[Use]) -> None:
    for use in sorted(uses):
        db.execute(TAKE_BACK, [use.limit.step, use.key])
