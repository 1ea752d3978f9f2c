"""When our own charge is made, and when it is not."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from tests.stories.bank import Banked
from tests.stories.story import PRICE

from arrears.core import facts as f
from arrears.core.account import DoubtKind, Method
from arrears.core.errors import Refused
from arrears.core.payments.settlement import usable
from arrears.core.payments.values import AttemptState, HostedPage, MethodKind, Network
from arrears.core.rules.charge import charged_with
from arrears.core.rules.paying import history_of
from arrears.engine.acting import acting_on
from arrears.engine.payments import settling
from arrears.engine.payments.attempts import pursue


@pytest.mark.parametrize("kind", [DoubtKind.BANK_CREDIT, DoubtKind.FEED, DoubtKind.ATTEMPT])
def test_nothing_is_charged_while_something_about_the_account_is_in_doubt(kind: DoubtKind) -> None:
    story = Banked()
    story.card()
    story.doubt(kind).until(3)
    assert story.bank.taken == {}
    story.clear(kind).run()
    assert [one.minor for one in story.bank.taken.values()] == [PRICE]


@pytest.mark.parametrize("over", [f.MethodSpent, f.MethodRemoved])
def test_a_card_that_is_over_is_promised_to_pay_nothing_and_is_never_asked(
    over: type[f.MethodSpent | f.MethodRemoved],
) -> None:
    story = Banked(bill=False)
    number = story.card()
    story.bill(5)
    [debt] = story.account.debts
    assert charged_with(story.account, debt) is not None
    with acting_on(story.store, story.no, story.now) as unit:
        unit.record(over(method=number), "provider:bank")
    assert charged_with(story.account, debt) is None
    story.until(20)
    assert (story.bank.taken, story.facts(f.AttemptCreated)) == ({}, [])


def test_what_is_under_way_counts_among_what_was_tried_on_a_card_but_not_for_itself() -> None:
    story = Banked()
    story.until(1)
    number = story.card()
    story.bank.silent = True
    assert story.settle(number) == ["unknown"]
    account = story.account
    [attempt] = account.attempts
    assert [t.state for t in history_of(account, account.method(number))] == [AttemptState.UNKNOWN]
    assert history_of(account, account.method(number), besides=attempt.no) == []


def test_what_is_owed_again_is_tried_again_as_a_retry_and_not_at_once() -> None:
    story = Banked()
    story.card()
    story.pay()
    story.until(5)
    story.reopen()
    story.run()
    assert story.bank.taken == {}
    story.until(15)
    assert [one.minor for one in story.bank.taken.values()] == [PRICE]


def test_what_is_settled_separately_is_never_charged_by_ourselves() -> None:
    story = Banked()
    story.card()
    story.bill_separately(-1, 7000, 1)
    story.until(10)
    assert [one.minor for one in story.bank.taken.values()] == [PRICE]


def test_what_is_added_to_a_settlement_is_added_once_and_never_what_is_held() -> None:
    story = Banked()
    story.until(1)
    story.bill(20, 5000)
    story.bill(20, 6000)
    story.dispute(3)
    [shown] = settling.quote(story.store, story.no, story.now, also=(1, 2, 3))
    assert [(part.debt, part.minor) for part in shown.parts] == [(1, PRICE), (2, 5000)]


@pytest.mark.parametrize(("day", "can"), [(30, True), (31, True), (32, False)])
def test_a_card_can_be_charged_on_the_last_day_of_its_month(day: int, can: bool) -> None:
    end = date(2026, 1, 31)
    card = Method(no=1, kind=MethodKind.CARD, network=Network.VISA, credential=1, expires_on=end)
    assert usable(card, end + timedelta(days=day - 31)) is can


def test_a_page_whose_opening_was_lost_a_day_ago_is_over_and_is_not_opened_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    story = Banked()
    story.until(1)

    def unreachable(*_: object) -> HostedPage:
        raise Refused("provider_unreachable", "no answer", exit_code=4)

    with monkeypatch.context() as lost:
        lost.setattr(story.bank, "open_payment", unreachable)
        with pytest.raises(Refused, match="no answer"):
            story.open_page()
    story.down_until(2, "13:00")
    pursue(story.store, story.providers, story.no, 1, story.now)
    assert (story.account.attempts, story.bank.pages) == ((), {})


def test_a_page_for_more_than_is_owed_now_is_ended_by_a_settlement_of_what_is() -> None:
    story = Banked()
    story.bill(-1, 5000)
    story.until(1)
    story.open_page()
    story.dispute(2)
    assert story.settle(story.card()) == ["paid"]
    assert [one.minor for one in story.bank.taken.values()] == [PRICE]
