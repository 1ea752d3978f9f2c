"""Why a payment was refused, whether by a card on file or on the provider's page: the real reason, each time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import NamedTuple

import pytest
from tests.stories.paying import ADMIN, Paying

from arrears.core.errors import Refused
from arrears.core.payments.planner import Tried
from arrears.core.payments.values import AttemptState, Codes, Initiator
from arrears.engine.payments import methods, pages, settling
from arrears.engine.payments.permitted import must_be_permitted
from arrears.engine.payments.providers import Providers
from arrears.engine.payments.settling import StaleQuote
from arrears.sandbox.run import Running

Shown = Mapping[str, str]


def seen(story: Paying) -> Shown:
    return {q.currency: q.hash for q in story.owed()}


def owing(story: Paying) -> Shown:
    story.until(2)
    return seen(story)


def owes_nothing(story: Paying) -> Shown:
    return {}


def paid(story: Paying) -> Shown:
    story.until(2)
    story.pay()
    return {}


def disputed(story: Paying) -> Shown:
    story.until(2)
    story.dispute()
    return {}


def elsewhere(story: Paying) -> Shown:
    story.bill_separately(-1, 700, 1)
    story.until(2)
    story.pay()
    return {}


def too_small(story: Paying) -> Shown:
    story.bill(-1, 30)
    story.until(2)
    story.pay()
    return {}


def shown_nothing(story: Paying) -> Shown:
    story.until(2)
    return {}


def paid_meanwhile(story: Paying) -> Shown:
    shown = owing(story)
    story.pay()
    return shown


def disputed_meanwhile(story: Paying) -> Shown:
    shown = owing(story)
    story.dispute()
    return shown


def more_meanwhile(story: Paying) -> Shown:
    shown = owing(story)
    story.bill(1, 500)
    story.until(3)
    return shown


NOTHING, STALE = "nothing_owed", "stale_quote"


class Row(NamedTuple):
    """What has happened, with what the payer was shown; the refusal's code, and what its sentence says."""

    situation: Callable[[Paying], Shown]
    code: str
    says: str


ROWS = (
    Row(owes_nothing, NOTHING, "nothing is owed, so nothing was charged"),
    Row(paid, NOTHING, "nothing is owed, so nothing was charged"),
    Row(disputed, NOTHING, "what is owed is held or disputed"),
    Row(elsewhere, NOTHING, "what is owed is settled separately"),
    Row(too_small, NOTHING, "less than a payment can take, and is carried to the next invoice"),
    Row(shown_nothing, STALE, "it is now €120.00"),
    Row(paid_meanwhile, STALE, "it is now nothing"),
    Row(disputed_meanwhile, STALE, "it is now nothing"),
    Row(more_meanwhile, STALE, "it is now €125.00"),
)


def with_a_card(story: Paying, shown: Shown) -> None:
    settling.settle(story.store, story.providers, story.no, shown, story.add(), lambda: story.now, ADMIN)


def on_a_page(story: Paying, shown: Shown) -> None:
    pages.open_page(story.store, story.providers, story.no, shown, story.now, ADMIN)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.situation.__name__)
@pytest.mark.parametrize("pay", [with_a_card, on_a_page], ids=lambda pay: pay.__name__)
def test_a_payment_that_cannot_be_made_says_why(
    sandbox: Running, row: Row, pay: Callable[[Paying, Shown], None]
) -> None:
    story = Paying(sandbox)
    shown = row.situation(story)
    with pytest.raises(Refused) as caught:
        pay(story, shown)
    assert caught.value.code == row.code
    assert row.says in caught.value.message
    assert isinstance(caught.value, StaleQuote) == (row.code == STALE)
    assert story.captures() == 0


def test_what_is_owed_is_said_before_what_the_provider_cannot_do(sandbox: Running) -> None:
    story = Paying(sandbox)
    with pytest.raises(Refused) as caught:
        pages.open_page(story.store, Providers({}, ""), story.no, {}, story.now, ADMIN)
    assert caught.value.code == NOTHING


def test_a_page_takes_one_currency(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.bill(-1, 900, currency="USD")
    with pytest.raises(Refused) as caught:
        pages.open_page(story.store, story.providers, story.no, owing(story), story.now, ADMIN)
    assert caught.value.code == "one_currency_a_page"


def unknown(story: Paying) -> int:
    return 99


def removed(story: Paying) -> int:
    number = story.add()
    methods.remove(story.store, story.providers, story.no, number, story.now, ADMIN)
    return number


def expired(story: Paying) -> int:
    return story.add("expired")


def declined(card: str) -> Callable[[Paying], int]:
    def tried(story: Paying) -> int:
        number = story.add(card)
        assert story.settle(number) == ["declined"]
        return number

    tried.__name__ = card
    return tried


def worked_once(story: Paying) -> int:
    number = story.add("single_use")
    assert story.settle(number) == ["paid"]
    story.bill(3, 900)
    story.until(5)
    return number


class CardRow(NamedTuple):
    """What was done with a card; the refusal's code, and what its sentence says."""

    method: Callable[[Paying], int]
    code: str
    says: str


CARD_ROWS = (
    CardRow(unknown, "unknown_method", "there is no payment method 99"),
    CardRow(removed, "unknown_method", "there is no payment method 1"),
    CardRow(expired, "method_expired", "its new expiry is needed"),
    CardRow(worked_once, "method_not_usable", "work only once"),
    CardRow(declined("lost"), "never_retry", "must never be tried again"),
    CardRow(declined("do_not_honor"), "never_retry", "must never be tried again"),
    CardRow(declined("wait_a_day"), "retry_later", "It can be tried again from 2026-"),
)


@pytest.mark.parametrize("row", CARD_ROWS, ids=lambda row: row.method.__name__)
def test_a_card_that_cannot_pay_is_refused_for_what_is_the_matter_with_it(sandbox: Running, row: CardRow) -> None:
    story = Paying(sandbox)
    story.until(2)
    method = row.method(story)
    asked = len(story.attempts())
    with pytest.raises(Refused) as caught:
        story.settle(method)
    assert caught.value.code == row.code
    assert row.says in caught.value.message
    assert len(story.attempts()) == asked


def test_what_is_forbidden_for_some_days_is_not_called_forbidden_for_ever(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.until(2)
    card = story.add("approve_mastercard")
    refused = Tried(1, story.now, Initiator.CUSTOMER, 900, "EUR", AttemptState.DECLINED, Codes("", "05", "03"))
    elsewhere = [refused]
    with pytest.raises(Refused) as caught:
        must_be_permitted(story.account, card, 900, "EUR", elsewhere, story.now)
    day = story.now + timedelta(days=30)
    assert caught.value.code == "retry_later"
    assert caught.value.message.endswith(f"It can be tried again from {day:%Y-%m-%d %H:%M} UTC.")
    must_be_permitted(story.account, card, 900, "EUR", elsewhere, day)
