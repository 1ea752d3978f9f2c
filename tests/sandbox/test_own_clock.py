"""The sandbox's clock is its own, as unkind as a real provider's may be."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import pytest
from tests.sandbox.conftest import Shop


def said(shop: Shop) -> str:
    return str(shop.v1.events.list({"limit": 1}).last_response.headers.get("Date", ""))


@pytest.mark.parametrize("offset", [-7200, 0, 90_000])
def test_its_answers_say_its_own_time(shop: Shop, offset: int) -> None:
    now = int(shop.control("clock", offset=offset)["now"])
    assert abs(parsedate_to_datetime(said(shop)).timestamp() - now) <= 60


@pytest.mark.parametrize(("date", "header"), [(None, ""), ("yesterday", "yesterday")])
def test_its_answers_may_say_another_time_or_none(shop: Shop, date: str | None, header: str) -> None:
    shop.control("clock", date=date)
    assert said(shop) == header


def test_what_comes_late_is_listed_under_the_time_at_which_it_came_about(shop: Shop) -> None:
    shop.control("clock", now=shop.now, late=600)
    began = shop.now
    shop.charge(shop.method())
    assert not shop.v1.events.list({}).data
    shop.move(601)
    assert {event.created for event in shop.v1.events.list({}).data} == {began}


def test_a_page_may_hold_less_than_was_asked_for(shop: Shop) -> None:
    for _ in range(3):
        shop.pay_page()
    shop.control("lists", most=1)
    found = shop.v1.checkout.sessions.list({"limit": 100})
    assert (len(found.data), len(list(found.auto_paging_iter()))) == (1, 3)
