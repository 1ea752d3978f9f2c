"""Local days as instants: where a day of an account's zone really starts and ends.

A promise is made in local days and kept in instants. A day that ended early would disable or delete somebody who
still had time, so in every doubt (a midnight that comes twice, a midnight or a day that does not exist) the
later instant is the end.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from importlib import resources
from typing import Final, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from arrears.core.errors import Refused

NOTICE_TIME: Final = time(9)
"""When people are written to, local time (spec, section 3)."""

_ONE_DAY: Final = timedelta(days=1)
_ONE_SECOND: Final = timedelta(seconds=1)
_MIDNIGHT: Final = time(0)

# About eleven years of days a zone: every day that a running book can ask for.
_CACHED_DAYS_MAX: Final = 4096
# One instant is asked about again and again while an account is decided on and its messages are written.
_CACHED_INSTANTS_MAX: Final = 1024


class _At(Protocol):
    def __call__(self, day: date, wall: time = ..., /) -> datetime: ...


class Calendar:
    """The days of one IANA zone. Instants go in aware and come out in UTC; get one from `calendar_of`.

    `end_of_day(day)` is the first instant of `day` + 1 (spec, section 3): its midnight. Where that comes twice it
    is the later, where it does not exist the first instant after the gap. So from it on no local clock shows
    `day` or an earlier day again.

    `at(day, wall)` is the instant of a local time of `day` (09:00 where none is given), never before the start of
    `day`. A time that does not exist becomes the first instant after the gap; of one that comes twice, the first.
    """

    __slots__ = ("_day", "_zone", "at", "end_of_day", "zone")

    end_of_day: Callable[[date], datetime]
    at: _At

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self.zone: Final = zone.key
        self.end_of_day = lru_cache(maxsize=_CACHED_DAYS_MAX)(self._find_end_of_day)
        self.at = lru_cache(maxsize=_CACHED_DAYS_MAX)(self._find_at)
        self._day = lru_cache(maxsize=_CACHED_INSTANTS_MAX)(self._find_day)

    def __repr__(self) -> str:
        return f"Calendar({self.zone!r})"

    def local_day(self, instant: datetime) -> date:
        """The day that a local calendar on the wall shows at `instant`, which must be aware."""
        # In other zones an hour comes twice, and both look the same to a cache.
        return self._day(instant) if instant.tzinfo is UTC else self._find_day(instant)

    def _find_day(self, instant: datetime) -> date:
        assert instant.tzinfo is not None, "an instant is aware"
        return instant.astimezone(self._zone).date()

    def start_of_day(self, day: date) -> datetime:
        """The end of the day before: the first instant from which no earlier day is shown again."""
        return self.end_of_day(day - _ONE_DAY)

    def _find_end_of_day(self, day: date) -> datetime:
        end = self._instant(datetime.combine(day + _ONE_DAY, _MIDNIGHT), fold=1)
        assert self.local_day(end) > day, (self.zone, day)
        return end

    def _find_at(self, day: date, wall: time = NOTICE_TIME) -> datetime:
        assert wall.tzinfo is None, "a local time has no zone of its own"
        return max(self._instant(datetime.combine(day, wall), fold=0), self.start_of_day(day))

    def _instant(self, wall: datetime, *, fold: int) -> datetime:
        """The first (`fold` 0) or second (`fold` 1) instant with this wall time, or the end of its gap."""
        instant = wall.replace(tzinfo=self._zone, fold=fold).astimezone(UTC)
        if instant.astimezone(self._zone).replace(tzinfo=None) == wall:
            return instant
        return self._end_of_gap(wall)

    def _end_of_gap(self, wall: datetime) -> datetime:
        """The instant at which the clocks jumped over `wall`.

        A wall time inside a gap, read with the offset from before the gap, lies at or after the jump, and read
        with the offset from after it, before the jump (PEP 495); between the two the offset changes once.
        """
        after = wall.replace(tzinfo=self._zone, fold=0).astimezone(UTC)
        before = wall.replace(tzinfo=self._zone, fold=1).astimezone(UTC)
        offset_before = before.astimezone(self._zone).utcoffset()
        while after - before > _ONE_SECOND:
            middle = before + (after - before) // _ONE_SECOND // 2 * _ONE_SECOND
            if middle.astimezone(self._zone).utcoffset() == offset_before:
                before = middle
            else:
                after = middle
        return after.replace(microsecond=0)


@lru_cache(maxsize=1024)
def calendar_of(zone: str) -> Calendar:
    """The calendar of an IANA zone, one object per zone. Refuses `unknown_zone`.

    Only names of the time zone database count, in its spelling: what a machine happens to keep beside them
    (`localtime`, `right/...` with leap seconds, `posixrules`) would mean other instants elsewhere.
    """
    if zone in _zone_names():
        try:
            return Calendar(ZoneInfo(zone))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    shown = ascii(zone if len(zone) <= 40 else zone[:40] + "...")
    raise Refused("unknown_zone", f"{shown} is not a time zone; give an IANA name like Europe/Amsterdam")


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    names = (resources.files("tzdata") / "zones").read_text(encoding="utf-8").split()
    return frozenset(names) - {"Factory"}
