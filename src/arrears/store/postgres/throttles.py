"""What is tried where that is throttled, as rows (see ports.people.ThrottleBook): a key, and the instant at which all
its tries are back.

Each try moves that instant by one step; one that would move it too far is not counted and not let in. The row's own
lock makes that exact, however many processes try at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final, LiteralString

from arrears.core.people.throttles import CountedTry, TriesLeft
from arrears.store.postgres.write import Db, utc

COUNT: Final[LiteralString] = """
INSERT INTO throttle AS d (key, until) VALUES (%(key)s, %(now)s::timestamptz + %(step)s)
ON CONFLICT (key) DO UPDATE SET until =
    CASE WHEN d.until BETWEEN %(now)s AND %(now)s::timestamptz + %(within)s THEN d.until ELSE %(now)s END + %(step)s
WHERE d.until NOT BETWEEN %(now)s::timestamptz + %(within)s - %(step)s + interval '1 microsecond'
    AND %(now)s::timestamptz + %(within)s
RETURNING until
"""
"""What lies further ahead than any try could have moved it was counted by a clock that has been set back since."""

TAKE_BACK: Final[LiteralString] = "UPDATE throttle SET until = until - %s::interval WHERE key = %s"
# What another transaction holds is left to it.
FORGET: Final[LiteralString] = """
DELETE FROM throttle WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM throttle WHERE until <= %s LIMIT 10 FOR UPDATE SKIP LOCKED))
"""


class PostgresThrottles:
    """See ports.people.ThrottleBook."""

    def reading(self) -> AbstractContextManager[Db]:
        """The transaction that this thread has open, else one of its own."""
        raise NotImplementedError

    def count_try(self, one: CountedTry, now: datetime) -> TriesLeft:
        """See ports.people.ThrottleBook."""
        with self.reading() as db:
            row = db.execute(COUNT, _values(one, now)).fetchone()
            db.execute(FORGET, [now])
            if row is not None:
                return TriesLeft(True, utc(row[0]))
            row = db.execute("SELECT until FROM throttle WHERE key = %s", [one.key]).fetchone()
            return TriesLeft(False, now if row is None else utc(row[0]))

    def count_tries(self, tries: Sequence[CountedTry], now: datetime) -> bool:
        """See ports.people.ThrottleBook."""
        taken: list[CountedTry] = []
        with self.reading() as db:
            # Everybody takes rows in the same order: nobody waits for somebody who waits for them.
            for one in sorted(tries):
                if db.execute(COUNT, _values(one, now)).fetchone() is None:
                    _take_back(db, taken)
                    return False
                taken.append(one)
            db.execute(FORGET, [now])
        return True

    def take_back(self, tries: Sequence[CountedTry]) -> None:
        """See ports.people.ThrottleBook."""
        with self.reading() as db:
            _take_back(db, tries)


def _values(one: CountedTry, now: datetime) -> dict[str, object]:
    return {"key": one.key, "now": now, "step": one.limit.step, "within": one.limit.within}


def _take_back(db: Db, tries: Sequence[CountedTry]) -> None:
    for one in sorted(tries):
        db.execute(TAKE_BACK, [one.limit.step, one.key])
