"""Whose clock says what has been read at a payment provider: the provider's own, never ours.

What is read by time is asked for from an instant on. Taken from our clock that instant would be wrong by as much as
our clock is, and what came about in between would never be read again, or only after it had been forgotten there.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

OVERLAP: Final = timedelta(hours=1)
"""A delayed commit shows up under the time at which it was asked for (reliability.md, F7: minutes)."""

FIRST: Final = timedelta(days=35)
"""How far the first sweep of an installation looks back: longer than a provider keeps its events."""

KEPT: Final = timedelta(days=29)
"""For so long a provider surely tells what has changed: a day less than the shortest that is known, 30 days."""

LASTING: Final = timedelta(days=180)
"""Longer than a debit, a refund or a dispute takes from its beginning to its end at the banks."""

SKEW_MAX: Final = timedelta(minutes=5)
"""Spec, section 3, Clock guard: clocks that differ by so much are a doubt, whichever of them is wrong."""


class ProviderTime(NamedTuple):
    """A provider's own time, aware and in UTC: `now`, as its answer says, and `newest`, when the newest thing that it
    tells of came about. None where it does not say."""

    now: datetime | None = None
    newest: datetime | None = None

    def ours_ahead(self, ours: datetime) -> timedelta:
        """By how much our clock is ahead of the provider's (negative: behind); nothing where it does not say."""
        return timedelta() if self.now is None else ours - self.now

    def differs(self, ours: datetime) -> bool:
        """Whether the two clocks are so far apart that nobody may be cut off by ours."""
        return abs(self.ours_ahead(ours)) >= SKEW_MAX

    def start(self, cursor: datetime | None, ours: datetime, *, unread: bool = False) -> datetime:
        """From when on to read, after everything up to `cursor` was. What is told under an earlier time than it has, as
        by a clock that went back, is behind that too. Our own clock counts only where the provider says nothing.

        `unread` says that nobody has read for long, while we had something there. Then what has changed may not be told
        any more: what began so long before that it may have ended meanwhile is read itself.
        """
        said = self._said()
        start = min(said, default=ours) - FIRST if cursor is None else min([cursor, *said])
        # Where clocks say different things the latest counts: it is no harm to read too much.
        forgotten = unread and (cursor is None or start < max([ours, *said]) - KEPT)
        return start - OVERLAP - (LASTING if forgotten else timedelta())

    def cursor(self, before: datetime | None) -> datetime | None:
        """Up to when everything has been read once all that there is from `start` on was. Not `now`: that may be any
        proxy's, and of what came about since `newest` nothing is known yet."""
        return before if self.newest is None else min(self._said())

    def _said(self) -> list[datetime]:
        """What it says that can be so: no answer is given before what it tells of came about."""
        now, newest = self.now, self.newest
        believed = now is not None and (newest is None or now > newest - FIRST)
        return [at for at in (now if believed else None, newest) if at is not None]
