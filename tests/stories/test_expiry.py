"""A card that is about to expire is announced in time (spec, section 4, Payment methods)."""

from __future__ import annotations

from datetime import date

import pytest
from tests.stories.bank import Banked
from tests.stories.paying import ADMIN, Paying

from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.engine.payments import methods
from arrears.sandbox.run import Running


def announced(story: Paying) -> list[tuple[int, int]]:
    """On which day of the story which card was said to expire in so many days."""
    return [(story.day(told.on), card.days) for _, told in story.facts(f.Noticed) for card in told.each(f.Expiring)]


def test_an_expiring_card_is_announced_60_30_and_7_days_ahead_and_not_after_it_was_renewed(sandbox: Running) -> None:
    story = Paying(sandbox, bill=False)
    number = story.card()
    expires_on = story.account.method(number).expires_on
    assert expires_on is not None
    last = story.day(expires_on)
    story.until(last - 20)
    assert announced(story) == [(last - 60, 60), (last - 30, 30)]
    assert story.mail.taken[-1].subject == "card expires"
    assert f"valid until {expires_on}" in story.mail.taken[-1].text
    methods.renew(story.store, story.providers, story.no, number, 1, expires_on.year + 4, story.now, ADMIN)
    story.until(last + 5)
    assert announced(story) == [(last - 60, 60), (last - 30, 30)]


def test_after_an_outage_only_the_newest_announcement_of_an_expiry_is_made(sandbox: Running) -> None:
    story = Paying(sandbox, bill=False)
    number = story.card()
    expires_on = story.account.method(number).expires_on
    assert expires_on is not None
    last = story.day(expires_on)
    story.down_until(last - 10).run()
    story.until(last + 5)
    assert announced(story) == [(last - 10, 30), (last - 7, 7)]


def test_a_card_that_pays_for_nothing_is_not_announced(sandbox: Running) -> None:
    story = Paying(sandbox, bill=False)
    number = story.add()
    expires_on = story.account.method(number).expires_on
    assert expires_on is not None
    story.until(story.day(expires_on) + 1)
    assert announced(story) == []


@pytest.mark.parametrize("last", [(0, 2030), (13, 2030), (1, 0), (12, 10_000), (1, 1), (11, 2025)])
def test_what_is_no_month_or_is_over_is_no_expiry(last: tuple[int, int]) -> None:
    story = Banked(bill=False)
    number = story.card()
    with pytest.raises(Refused) as refused:
        methods.renew(story.store, story.providers, story.no, number, *last, story.now, ADMIN)
    assert refused.value.code == "bad_expiry"


@pytest.mark.parametrize("last", [(12, 2025), (1, 2030), (12, 9999)])
def test_a_card_can_be_used_until_the_end_of_its_month(last: tuple[int, int]) -> None:
    story = Banked(bill=False)
    number = story.card()
    story.bank.renewed_until = date(last[1], last[0], 28)
    methods.renew(story.store, story.providers, story.no, number, *last, story.now, ADMIN)
    assert story.account.method(number).expires_on == story.bank.renewed_until
