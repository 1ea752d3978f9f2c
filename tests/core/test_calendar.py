"""Local days never end early, whatever the clocks of the zone do."""

from __future__ import annotations

import timeit
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from arrears.core.calendar import Calendar, calendar_of
from arrears.core.errors import Refused

ONE_DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)

ZONES = [
    "Pacific/Pago_Pago",
    "Pacific/Honolulu",
    "America/Los_Angeles",
    "America/St_Johns",
    "America/Goose_Bay",
    "America/Sao_Paulo",
    "America/Asuncion",
    "America/Santiago",
    "America/Havana",
    "America/Scoresbysund",
    "America/Caracas",
    "Atlantic/Azores",
    "UTC",
    "Europe/London",
    "Europe/Amsterdam",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Beirut",
    "Asia/Amman",
    "Asia/Gaza",
    "Asia/Tehran",
    "Asia/Kathmandu",
    "Asia/Pyongyang",
    "Australia/Lord_Howe",
    "Antarctica/Casey",
    "Antarctica/Troll",
    "Pacific/Norfolk",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Tongatapu",
    "Pacific/Apia",
    "Pacific/Fakaofo",
    "Pacific/Kiritimati",
    "Etc/GMT+12",
    "Etc/GMT-14",
]
zones = st.sampled_from(ZONES)
days = st.dates(date(2005, 1, 1), date(2040, 12, 31))
offsets = st.timedeltas(timedelta(0), timedelta(days=3))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def jump_days(zone: str) -> list[date]:
    """The days on which the clocks of the zone change, and their neighbours."""
    info, found = ZoneInfo(zone), set[date]()
    at, before = datetime(2005, 1, 1, tzinfo=UTC), None
    while at.year < 2041:
        offset = at.astimezone(info).utcoffset()
        if before is not None and offset != before:
            found.update(at.date() + k * ONE_DAY for k in range(-3, 3))
        at, before = at + ONE_DAY, offset
    return sorted(found)


def first_instant_after(zone: str, day: date) -> datetime:
    """By brute force, to the quarter minute: the first instant from which only later days are shown."""
    info, step = ZoneInfo(zone), timedelta(seconds=15)
    at = datetime.combine(day + 3 * ONE_DAY, time(), UTC)
    while (at - step).astimezone(info).date() > day:
        at -= step
    return at


@pytest.mark.parametrize(
    ("zone", "day", "end"),
    [
        ("UTC", "2026-01-31", "2026-02-01T00:00"),
        ("Europe/Amsterdam", "2024-02-28", "2024-02-28T23:00"),
        ("Europe/Amsterdam", "2024-02-29", "2024-02-29T23:00"),
        ("Europe/Amsterdam", "2026-03-29", "2026-03-29T22:00"),
        ("Europe/Amsterdam", "2026-10-25", "2026-10-25T23:00"),
        ("Asia/Kathmandu", "2026-05-05", "2026-05-05T18:15"),
        ("Pacific/Kiritimati", "2026-05-05", "2026-05-05T10:00"),
        ("Etc/GMT+12", "2026-05-05", "2026-05-06T12:00"),
    ],
)
def test_a_day_ends_where_the_next_one_begins(zone: str, day: str, end: str) -> None:
    assert calendar_of(zone).end_of_day(date.fromisoformat(day)) == utc(end)


@pytest.mark.parametrize(
    ("zone", "day", "end", "why"),
    [
        ("America/St_Johns", "2010-11-06", "2010-11-07T03:30", "00:01 fell back to 23:01"),
        ("America/Havana", "2026-10-31", "2026-11-01T05:00", "01:00 falls back to 00:00"),
        ("Atlantic/Azores", "2026-10-24", "2026-10-25T01:00", "01:00 falls back to 00:00"),
        ("Asia/Tehran", "2021-09-21", "2021-09-21T20:30", "00:00 of the 22nd fell back to 23:00"),
        ("America/Sao_Paulo", "2018-02-17", "2018-02-18T03:00", "00:00 of the 18th fell back to 23:00"),
    ],
)
def test_where_midnight_comes_twice_a_day_ends_at_the_later(zone: str, day: str, end: str, why: str) -> None:
    assert calendar_of(zone).end_of_day(date.fromisoformat(day)) == utc(end), why


@pytest.mark.parametrize(
    ("zone", "day", "end"),
    [
        ("America/Sao_Paulo", "2018-11-03", "2018-11-04T03:00"),
        ("America/Havana", "2026-03-07", "2026-03-08T05:00"),
        ("Asia/Tehran", "2021-03-21", "2021-03-21T20:30"),
        ("America/Scoresbysund", "2024-03-30", "2024-03-31T01:00"),
        ("America/Goose_Bay", "2010-03-13", "2010-03-14T04:00"),
    ],
)
def test_a_gap_at_midnight_never_ends_a_day_early(zone: str, day: str, end: str) -> None:
    assert calendar_of(zone).end_of_day(date.fromisoformat(day)) == utc(end)


def test_a_day_that_a_zone_left_out_ends_with_the_day_before_it() -> None:
    apia = calendar_of("Pacific/Apia")
    jump = utc("2011-12-30T10:00")
    assert apia.end_of_day(date(2011, 12, 29)) == jump
    assert apia.end_of_day(date(2011, 12, 30)) == jump
    assert apia.start_of_day(date(2011, 12, 30)) == jump
    assert apia.at(date(2011, 12, 30)) == jump
    assert apia.at(date(2011, 12, 31)) == utc("2011-12-30T19:00")
    assert apia.local_day(jump - TICK) == date(2011, 12, 29)
    assert apia.local_day(jump) == date(2011, 12, 31)


@pytest.mark.parametrize(
    ("zone", "day", "wall", "instant", "why"),
    [
        ("Europe/Amsterdam", "2026-01-10", time(9), "2026-01-10T08:00", "plain"),
        ("Europe/Amsterdam", "2026-03-29", time(2, 30), "2026-03-29T01:00", "in the gap: the jump"),
        ("Europe/Amsterdam", "2026-10-25", time(2, 30), "2026-10-25T00:30", "twice: the first"),
        ("Australia/Lord_Howe", "2026-10-04", time(2, 15), "2026-10-03T15:30", "a gap of half an hour"),
        ("America/Sao_Paulo", "2018-11-04", time(0), "2018-11-04T03:00", "no midnight: the jump"),
        ("America/St_Johns", "2010-11-07", time(0), "2010-11-07T03:30", "not before the day has started"),
        ("America/St_Johns", "2010-11-06", time(23, 30), "2010-11-07T02:00", "twice: the first"),
    ],
)
def test_a_local_time_is_one_instant(zone: str, day: str, wall: time, instant: str, why: str) -> None:
    assert calendar_of(zone).at(date.fromisoformat(day), wall) == utc(instant), why


def test_people_are_written_to_at_nine() -> None:
    amsterdam = calendar_of("Europe/Amsterdam")
    assert amsterdam.at(date(2026, 7, 1)) == amsterdam.at(date(2026, 7, 1), time(9)) == utc("2026-07-01T07:00")


@given(zones, days, offsets)
@example("Pacific/Apia", date(2011, 12, 29), timedelta(0))
@example("America/St_Johns", date(2010, 11, 6), timedelta(0))
@example("America/Havana", date(2026, 10, 31), timedelta(hours=1))
@example("Pacific/Kiritimati", date(2024, 2, 29), timedelta(0))
def test_nothing_at_or_after_the_end_of_a_day_is_still_that_day(zone: str, day: date, later: timedelta) -> None:
    calendar = calendar_of(zone)
    assert calendar.local_day(calendar.end_of_day(day) + later) > day


@given(zones, days)
def test_the_instant_before_the_end_is_not_yet_a_later_day_unless_midnight_comes_twice(zone: str, day: date) -> None:
    calendar = calendar_of(zone)
    end = calendar.end_of_day(day)
    if calendar.local_day(end - TICK) > day:
        wall = end.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        assert wall.time() == time(0)
        assert end.astimezone(ZoneInfo(zone)).fold == 1
    else:
        assert calendar.local_day(end - TICK) <= day


@given(zones, days)
def test_days_follow_each_other(zone: str, day: date) -> None:
    calendar = calendar_of(zone)
    end = calendar.end_of_day(day)
    assert end.tzinfo is UTC
    assert calendar.end_of_day(day - ONE_DAY) <= end <= calendar.end_of_day(day + ONE_DAY)
    assert calendar.start_of_day(day + ONE_DAY) == end
    midnight = datetime.combine(day + ONE_DAY, time(), UTC)
    assert abs(end - midnight) <= timedelta(hours=24)


@given(zones, days, st.times())
def test_a_local_time_is_never_outside_its_day_unless_the_day_lacks_it(zone: str, day: date, wall: time) -> None:
    calendar = calendar_of(zone)
    at = calendar.at(day, wall)
    assert calendar.start_of_day(day) <= at <= calendar.end_of_day(day)
    shown = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if shown != datetime.combine(day, wall):
        assert at == calendar.start_of_day(day) or shown > datetime.combine(day, wall)


@pytest.mark.turn(2)
@given(zones, st.datetimes(datetime(2005, 1, 1), datetime(2040, 12, 31), timezones=st.just(UTC)))
def test_every_instant_lies_before_the_end_of_its_own_day(zone: str, instant: datetime) -> None:
    calendar = calendar_of(zone)
    assert instant < calendar.end_of_day(calendar.local_day(instant))


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "zone", ["America/St_Johns", "America/Havana", "Pacific/Apia", "Australia/Lord_Howe", "Asia/Gaza"]
)
def test_on_every_day_the_clocks_change_the_end_is_never_earlier_than_brute_force_finds(zone: str) -> None:
    calendar = calendar_of(zone)
    days_checked = jump_days(zone)[:48]
    for day in days_checked:
        end, found = calendar.end_of_day(day), first_instant_after(zone, day)
        assert found <= end, day
        assert end == found or end.astimezone(ZoneInfo(zone)).fold == 1, day
    assert days_checked


@pytest.mark.parametrize(
    "zone",
    [
        "CET+1",
        "",
        "europe/amsterdam",
        "Europe/Atlantis",
        "Factory",
        "localtime",
        "posixrules",
        "right/Europe/Amsterdam",
        "posix/UTC",
        "../../etc/passwd",
        "/etc/localtime",
        "Europe/Amsterdam\n",
        "Europe/Amster\x00dam",
        "Europe",
        "+02:00",
        "zone.tab",
        "x" * 10_000,
    ],
)
def test_what_is_not_a_zone_is_refused_in_one_line(zone: str) -> None:
    with pytest.raises(Refused) as refusal:
        calendar_of(zone)
    assert refusal.value.code == "unknown_zone"
    assert len(refusal.value.message.splitlines()) == 1
    assert len(refusal.value.message) < 160


def test_a_zone_has_one_calendar() -> None:
    assert calendar_of("Europe/Amsterdam") is calendar_of("Europe/Amsterdam")
    assert calendar_of("Europe/Amsterdam").zone == "Europe/Amsterdam"


def test_a_naive_instant_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError):
        calendar_of("UTC").local_day(datetime(2026, 1, 1))


def test_answers_that_were_given_before_cost_next_to_nothing() -> None:
    calendar: Calendar = calendar_of("America/St_Johns")
    day = date(2026, 5, 5)
    calendar.at(day), calendar.end_of_day(day), calendar.start_of_day(day)
    for ask in (calendar.end_of_day, calendar.start_of_day, calendar.at):
        fastest = min(timeit.repeat(lambda ask=ask: ask(day), number=2_000, repeat=5)) / 2_000  # type: ignore[misc]
        assert fastest < 10e-6, f"{fastest * 1e6:.2f} us"
