"""On which day a strategy prefers to try again: days written out by hand, in a zone whose days are not UTC's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from arrears.core.calendar import calendar_of
from arrears.core.payments.networks import load_rules
from arrears.core.payments.planner import Refusal, Tried, Wanted
from arrears.core.payments.strategies import plan
from arrears.core.payments.strategies.fixed_days import FixedDays
from arrears.core.payments.strategies.paydays import Paydays, days_tried, is_payday
from arrears.core.payments.values import REQUEST_REFUSED, AttemptState, Codes, Initiator, MethodKind, Network

ZONE = "Europe/Amsterdam"
DAY_0 = date(2026, 11, 2)  # a Monday


def day(number: int) -> date:
    return DAY_0 + timedelta(days=number)


def tried(number: int, **more: object) -> Tried:
    """An attempt of ours at 07:30 UTC of a day, declined."""
    at = datetime.combine(day(number), datetime.min.time(), UTC).replace(hour=7, minute=30)
    given = {"by": Initiator.MERCHANT, "amount_minor": 1, "currency": "EUR", "state": AttemptState.DECLINED, **more}
    return Tried(no=number + 1, at=at, codes=given.pop("codes", Codes("generic", "05")), **given)  # type: ignore[arg-type]


def preferred(strategy: FixedDays | Paydays, earliest: int, *book: Tried) -> int | None:
    """The day that is preferred when it may be this one at the earliest."""
    at = strategy.preferred(day(earliest), ZONE, book, DAY_0)
    if at is None:
        return None
    assert (at.tzinfo, at.hour) == (UTC, 7), "08:00 in winter"
    return (at.date() - DAY_0).days


@pytest.mark.parametrize(
    ("earliest", "book", "wanted"),
    [
        (0, (), 3),
        (3, (), 3),
        (4, (), 7),
        (3, (3,), 7),
        (7, (3,), 7),
        (8, (3,), 14),
        (14, (3, 7), None),
        (15, (), None),
    ],
)
def test_fixed_days_are_tried_once_each_and_never_made_up_for(
    earliest: int, book: tuple[int, ...], wanted: int | None
) -> None:
    assert preferred(FixedDays((3, 7, 14), 2), earliest, *map(tried, book)) == wanted


@pytest.mark.parametrize(
    ("earliest", "book", "wanted"),
    [
        (0, (), 1),
        (2, (), 2),
        (1, (1,), 3),
        (4, (1,), 4),
        (3, (2,), 4),  # an outage: the distance stays
        (4, (1, 3), 13),  # the 15th, a Sunday, is a payday
        (13, (1, 3), 13),
        (14, (1, 3), 14),
        (15, (1, 3), 23),  # the 25th
        (13, (1, 9), 14),  # five days after the 11th
        (29, (1, 3), 29),  # the 1st of December
        (13, (1, 3, 13), 23),
        (24, (1, 3, 13, 23), None),
    ],
)
def test_paydays_come_after_two_early_days(earliest: int, book: tuple[int, ...], wanted: int | None) -> None:
    assert preferred(Paydays(), earliest, *map(tried, book)) == wanted


def test_days_that_were_tried_are_ours_alone_and_none_that_no_network_saw() -> None:
    book = (
        tried(0),
        tried(2),
        tried(1),
        tried(3, by=Initiator.CUSTOMER),
        tried(4, state=AttemptState.CANCELED, reached_network=False, codes=Codes()),
        tried(5, state=AttemptState.CANCELED, reached_network=False, codes=Codes(REQUEST_REFUSED)),
        tried(6, state=AttemptState.CANCELED, reached_network=False, codes=Codes("not_asked")),
        tried(7, state=AttemptState.CANCELED),
        tried(8, state=AttemptState.DECLINED, reached_network=False, codes=Codes()),
        tried(9, state=AttemptState.CANCELED, codes=Codes()),
    )
    assert days_tried(calendar_of(ZONE), book, DAY_0) == [day(number) for number in (1, 2, 6, 7, 8, 9)]


@pytest.mark.parametrize(
    ("on", "wanted"),
    [
        (date(2026, 11, 1), True),
        (date(2026, 11, 3), False),
        (date(2026, 11, 30), True),  # the last Monday-to-Friday day, a Monday
        (date(2026, 10, 30), True),  # a Friday before the last day, a Saturday
        (date(2026, 10, 31), False),
        (date(2026, 7, 31), True),  # a Friday that is the last day
        (date(2026, 7, 30), False),
        (date(2026, 5, 29), True),  # a Friday, and a Sunday is the last day
        (date(2026, 5, 31), False),
        (date(2026, 11, 20), False),
    ],
)
def test_the_last_working_day_of_a_month_is_a_payday(on: date, wanted: bool) -> None:
    assert is_payday(on) is wanted


WANTED = Wanted(MethodKind.CARD, Network.VISA, "NL", None, True, 1, "EUR", Initiator.MERCHANT)


def planned(
    now: datetime, *book: Tried, account: int = 1, wanted: Wanted = WANTED, own: Sequence[Tried] | None = None
) -> datetime | Refusal:
    rules = load_rules()
    return plan(rules, Paydays(), wanted, book, zone=ZONE, day_0=DAY_0, now=now, account_no=account, own=own)


def test_an_attempt_is_planned_within_two_hours_of_the_morning_and_where_those_are_over_on_the_next() -> None:
    at = planned(datetime(2026, 11, 2, 23, tzinfo=UTC))
    assert isinstance(at, datetime)
    assert datetime(2026, 11, 3, 7, tzinfo=UTC) <= at < datetime(2026, 11, 3, 9, tzinfo=UTC)
    assert planned(at) == at, "at that instant it still is"
    late = planned(at + timedelta(seconds=1))
    assert late == at + timedelta(days=1)
    assert len({planned(datetime(2026, 11, 3, tzinfo=UTC), account=number) for number in range(50)}) > 40


def test_only_what_the_strategy_counts_uses_up_its_attempts() -> None:
    now = datetime(2026, 12, 24, tzinfo=UTC)
    book = tuple(tried(number) for number in (1, 3, 13, 23))
    used_up = planned(now, *book)
    assert isinstance(used_up, Refusal)
    assert used_up.rule == "strategy"
    assert isinstance(planned(now, *book, own=book[1:]), datetime)


def test_a_card_that_expires_before_its_day_is_not_planned() -> None:
    expired = planned(datetime(2026, 11, 3, tzinfo=UTC), wanted=WANTED._replace(expires_on=date(2026, 11, 2)))
    assert isinstance(expired, Refusal)
    book = (tried(1), tried(3))
    then = datetime(2026, 11, 6, tzinfo=UTC)
    assert isinstance(planned(then, *book, wanted=WANTED._replace(expires_on=date(2026, 11, 14))), Refusal)
    assert isinstance(planned(then, *book, wanted=WANTED._replace(expires_on=date(2026, 11, 15))), datetime)


def by(strategy: FixedDays | Paydays, now: date, *book: Tried) -> datetime | Refusal:
    """What is planned from midnight of this day on."""
    at = datetime.combine(now, datetime.min.time(), UTC)
    return plan(load_rules(), strategy, WANTED, book, zone=ZONE, day_0=DAY_0, now=at, account_no=1)


@pytest.mark.parametrize("strategy", [FixedDays((1, 3, 5, 7), 4), Paydays()], ids=["fixed days", "paydays"])
@pytest.mark.parametrize("payer", list(Initiator))
def test_what_is_left_when_a_method_has_paid_is_asked_for_on_the_next_morning(
    strategy: FixedDays | Paydays, payer: Initiator
) -> None:
    declined = tuple(tried(number) for number in (1, 3, 5, 7))
    assert isinstance(by(strategy, day(8), *declined), Refusal), "the case has had all its attempts"
    paid = tried(8, state=AttemptState.PAID, codes=Codes(), currency="USD", by=payer)
    found = by(strategy, day(9), *declined, paid)
    assert isinstance(found, datetime)
    assert found.date() == day(9)
    # It counts as the first of new attempts, no more than that.
    again = by(strategy, day(10), *declined, paid, tried(9))
    assert isinstance(again, datetime) == isinstance(strategy, Paydays), "the fixed days are over, paydays are not"


def test_what_was_paid_before_the_debt_was_late_prefers_no_day() -> None:
    paid = tried(-5, state=AttemptState.PAID, codes=Codes())
    assert by(FixedDays((3,), 4), day(0), paid) == by(FixedDays((3,), 4), day(0))
