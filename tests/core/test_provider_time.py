"""Whose clock says what has been read at a provider."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from arrears.core.payments.provider_time import FIRST, KEPT, LASTING, OVERLAP, SKEW_MAX, ProviderTime

NOON: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
OURS: Final = NOON + timedelta(days=3)
"""Our own clock, which is days ahead of what the provider says."""
HOUR: Final = timedelta(hours=1)
SECOND: Final = timedelta(seconds=1)
LONG_AGO: Final = NOON - FIRST


@pytest.mark.parametrize(
    ("now", "newest", "cursor", "read_from", "read_up_to"),
    [
        (None, None, None, OURS - FIRST, None),
        (NOON, None, None, NOON - FIRST, None),
        (NOON, NOON - HOUR, None, NOON - HOUR - FIRST, NOON - HOUR),
        (None, NOON, None, NOON - FIRST, NOON),
        (None, None, NOON, NOON, NOON),
        (NOON, None, NOON - HOUR, NOON - HOUR, NOON - HOUR),
        (NOON, NOON - HOUR, NOON - 2 * HOUR, NOON - 2 * HOUR, NOON - HOUR),
        (NOON, NOON - 3 * HOUR, NOON - 2 * HOUR, NOON - 3 * HOUR, NOON - 3 * HOUR),
        (NOON - HOUR, NOON, NOON, NOON - HOUR, NOON - HOUR),
        # No answer is given so long before what it tells of.
        (LONG_AGO, NOON, NOON + HOUR, NOON, NOON),
        (LONG_AGO + SECOND, NOON, NOON + HOUR, LONG_AGO + SECOND, LONG_AGO + SECOND),
    ],
)
def test_what_is_read_is_read_by_the_providers_own_time(
    now: datetime | None,
    newest: datetime | None,
    cursor: datetime | None,
    read_from: datetime,
    read_up_to: datetime | None,
) -> None:
    time = ProviderTime(now, newest)
    assert time.start(cursor, OURS) == read_from - OVERLAP
    assert time.cursor(cursor) == read_up_to


LATE: Final = NOON - KEPT - SECOND


@pytest.mark.parametrize(
    ("now", "newest", "cursor", "read_from", "forgotten"),
    [
        (OURS, OURS, OURS - KEPT, OURS - KEPT, False),
        (OURS, OURS, OURS - KEPT - SECOND, OURS - KEPT - SECOND, True),
        (NOON + FIRST, NOON, OURS - KEPT, OURS - KEPT, True),
        # What happened last may be long ago: the latest of all clocks says how long nobody has read.
        (NOON, NOON - KEPT, LATE, LATE, True),
        (None, NOON - KEPT, LATE, LATE, True),
        (None, None, OURS - KEPT, OURS - KEPT, False),
        (None, None, NOON - KEPT, NOON - KEPT, True),
        (None, None, None, OURS - FIRST, True),
        (NOON, NOON, None, NOON - FIRST, True),
    ],
)
def test_what_is_not_told_any_more_is_read_itself_where_nobody_has_read_for_long(
    now: datetime | None, newest: datetime | None, cursor: datetime | None, read_from: datetime, *, forgotten: bool
) -> None:
    time = ProviderTime(now, newest)
    assert time.start(cursor, OURS) == read_from - OVERLAP
    assert time.start(cursor, OURS, unread=True) == read_from - OVERLAP - forgotten * LASTING


@pytest.mark.parametrize(
    ("ours", "ahead", "differs"),
    [
        (NOON, timedelta(), False),
        (NOON + SKEW_MAX - SECOND, SKEW_MAX - SECOND, False),
        (NOON + SKEW_MAX, SKEW_MAX, True),
        (NOON - SKEW_MAX, -SKEW_MAX, True),
    ],
)
def test_clocks_differ_by_five_minutes_or_more_whichever_is_ahead(
    ours: datetime, ahead: timedelta, *, differs: bool
) -> None:
    time = ProviderTime(NOON)
    assert (time.ours_ahead(ours), time.differs(ours)) == (ahead, differs)


def test_a_provider_that_says_no_time_differs_from_none() -> None:
    assert (ProviderTime().ours_ahead(OURS), ProviderTime().differs(OURS)) == (timedelta(), False)
