"""The account's default method pays for what is added later, in whatever order things arrive (spec, section 4.3)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import pytest
from tests.stories.ledger import Ledger
from tests.stories.paying import ADMIN
from tests.stories.story import API
from tests.stories.test_small_provider import Small

from arrears.core.payments.values import MethodDetails, MethodKind, Network
from arrears.core.states import State
from arrears.engine import commands
from arrears.engine.payments import methods, settling

END: Final = (True, {"cloud": 1, "mail": 1}, State.ACTIVE)


class Later(Small):
    """An account to which things are added later."""

    def __init__(self) -> None:
        super().__init__()
        self.pay()

    def subscribe(self) -> None:
        """Add the service mail."""
        commands.add_subscription(self.store, self.no, "mail", self.now, API)

    def store_card(self, name: str = "approve", *subscriptions: int, month: int = 0) -> int:
        """Add a card and make it pay, by default for all; `month`: it expires at the end of that one of next year."""
        day = self.date(0).replace(day=1, month=month or 12)
        expires = (day + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        details = MethodDetails(name, "customer", MethodKind.CARD, Network.UNKNOWN, name, name, expires_on=expires)
        number = methods.add(self.store, self.providers, self.no, "till", details, self.now, ADMIN)
        methods.activate(self.store, self.no, number, self.now, ADMIN, subscriptions)
        return number

    def end(self) -> tuple[bool, dict[str, int], State]:
        """Whether everything is paid, which method pays for what, and how the newest service is."""
        self.until(40)
        self.check()
        subs = self.account.subscriptions
        return not self.account.debts, {s.service: s.method for s in subs}, subs[-1].state


HAPPENINGS: Final[dict[str, Callable[[Later], object]]] = {
    "subscription": Later.subscribe,
    "method": lambda story: story.store_card("approve"),
    "invoice": lambda story: story.bill(10, subscriptions=(2,)),
}


@pytest.mark.parametrize("order", list(itertools.permutations(HAPPENINGS)), ids="-".join)
@pytest.mark.parametrize("apart", [0, 3, 5])
def test_any_order_of_subscription_method_and_invoice_gives_the_same_end(order: tuple[str, ...], apart: int) -> None:
    if order.index("invoice") < order.index("subscription"):
        return  # An invoice names its subscriptions.
    story = Later()
    for place, what in enumerate(order):
        story.until(apart * place)
        HAPPENINGS[what](story)
    assert story.end() == END


@pytest.mark.parametrize("overdue", [False, True])
@pytest.mark.parametrize("first", ["method", "book"])
def test_a_service_that_an_import_brings_is_paid_by_the_default_method(first: str, *, overdue: bool) -> None:
    story = Later()
    book = Ledger(story, "A1").invoice("NEW-1", -1 if overdue else 10, services=("mail",))
    if first == "method":
        story.store_card()
    book.comes()
    if first != "method":
        story.store_card()
    assert story.end() == END


def test_a_debt_of_a_later_service_that_is_past_due_already_is_charged_at_once() -> None:
    story = Later()
    story.store_card()
    story.until(5)
    story.subscribe()
    story.bill(2, subscriptions=(2,))
    story.run()
    assert (story.account.debts, [a.state for a in story.store.attempts(story.no)]) == ((), ["paid"])


def test_a_card_that_was_chosen_for_one_service_alone_is_not_taken_for_another_while_the_default_works() -> None:
    story = Later()
    story.subscribe()
    default = story.store_card("approve")
    other = story.store_card("other", 2)
    commands.add_subscription(story.store, story.no, "web", story.now, API)
    assert [s.method for s in story.account.subscriptions] == [default, other, default]
    assert story.account.default_method == default


@pytest.mark.parametrize("what", ["spent", "expired"])
def test_where_a_card_can_be_charged_no_more_the_default_pays_instead(what: str) -> None:
    story = Later()
    story.subscribe()
    default = story.store_card("approve")
    if what == "spent":
        story.store_card("single", 2)
        story.bill(3, subscriptions=(2,))
        story.until(4)
    else:
        story.store_card("old", 2, month=story.date(20).month)
    story.until(65)
    story.bill(70, subscriptions=(2,))
    story.until(75)
    assert (story.account.debts, story.sub(2).method, story.account.past_due) == ((), default, ())
    story.check()


def test_where_the_default_itself_can_be_charged_no_more_another_active_card_is_the_default() -> None:
    story = Later()
    story.subscribe()
    story.store_card("old", month=story.date(20).month)
    other = story.store_card("approve", 2)
    story.until(65)
    assert [s.method for s in story.account.subscriptions] == [other, other]
    assert story.account.default_method == other


def test_what_the_payer_tried_before_the_due_date_does_not_stand_in_for_our_charge() -> None:
    story = Later()
    story.store_card("empty")
    story.bill(10)
    quotes = settling.quote(story.store, story.no, story.now, (2,))
    shown = {q.currency: q.hash for q in quotes}
    settling.settle(story.store, story.providers, story.no, shown, 1, lambda: story.now, ADMIN, also=(2,))
    story.store_card("approve")
    story.until(10, "09:00")
    assert story.account.debts == ()


def test_a_charge_that_never_reached_the_provider_is_made_anew_a_day_later() -> None:
    story = Later()
    story.store_card("deaf")
    story.bill(0)
    story.until(0, "10:00")
    assert [a.state for a in story.account.attempts] == ["unknown"]
    story.until(1, "08:59")
    story.till.deaf = False
    story.until(1, "10:00")
    assert [a.state for a in story.store.attempts(story.no)] == ["canceled", "paid"]
