"""What is canceled or deleted here is billed at Stripe no more: told there once, in either order, whatever got lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from tests.store.conftest import make_postgres, schemas
from tests.stories.billed import Business, Owed

from arrears.core.errors import Refused
from arrears.core.states import Reason, State
from arrears.engine import commands
from arrears.engine.commands.billing.ending import tell_ends
from arrears.ports.billing import BilledSubscription
from arrears.sandbox.billing_objects import SandboxSubscription
from arrears.store.postgres.store import PostgresStore

__all__ = ["make_postgres", "schemas"]


@pytest.fixture
def business(make_postgres: Callable[[], PostgresStore]) -> Business:
    return Business(make_postgres())


def used(business: Business, customer: str) -> SandboxSubscription:
    """The customer's newest subscription at Stripe."""
    return [one for one in business.sandbox.book.billing.subscriptions.values() if one.customer == customer][-1]


def number_of(business: Business, customer: str) -> int:
    return business.store.account_numbers([customer])[customer]


def cancel(business: Business, customer: str) -> None:
    commands.cancel(business.store, number_of(business, customer), 1, business.now, "person:1")


def take_back(business: Business, customer: str) -> None:
    commands.reactivate(business.store, number_of(business, customer), 1, business.now, "person:1")


def is_canceled(business: Business, customer: str) -> bool:
    account = business.account(customer)
    assert account is not None
    return Reason.CANCELED in account.subscriptions[0].reasons


def billed(business: Business, customer: str) -> int:
    """How many invoices the customer has at Stripe."""
    return len(business.control("invoices", customer=customer))


def test_what_is_canceled_here_is_billed_no_more_there(business: Business) -> None:
    customer, _ = business.subscribed()
    cancel(business, customer)
    business.step(1)
    sub = used(business, customer)
    assert (sub.at_period_end, sub.status) == (True, "active"), "what was paid for is not touched"
    business.days(65, hours=312)
    assert (sub.status, billed(business, customer), business.tasks()) == ("canceled", 1, [])
    assert is_canceled(business, customer)
    assert business.drift().agrees


@pytest.mark.sample(2)
@pytest.mark.parametrize("at_period_end", [True, False])
@pytest.mark.parametrize("first", ["here", "there"])
@pytest.mark.parametrize("heard", [True, False])
def test_both_ends_in_either_order_are_one_end(
    business: Business, first: str, at_period_end: bool, heard: bool
) -> None:
    customer, _ = business.subscribed()
    acts: list[Callable[[], object]] = [
        lambda: cancel(business, customer),
        lambda: business.control(
            "cancel_subscription", subscription=used(business, customer).id, at_period_end=at_period_end
        ),
    ]
    for act in acts if first == "here" else reversed(acts):
        act()
        if heard:
            business.step(1)
    business.days(35, hours=168)
    assert (used(business, customer).status, billed(business, customer), business.tasks()) == ("canceled", 1, [])
    assert is_canceled(business, customer)
    assert business.drift().agrees


@pytest.mark.turn(2)
@pytest.mark.parametrize("how", ["nobody is there", "the answer is lost"])
def test_an_end_that_did_not_arrive_or_was_not_answered_is_told_again(business: Business, how: str) -> None:
    customer, _ = business.subscribed()
    cancel(business, customer)
    business.net.away, business.net.drops = how == "nobody is there", how == "the answer is lost"
    business.step(1).step(1)
    assert used(business, customer).at_period_end is (how == "the answer is lost")
    business.net.away = business.net.drops = False
    business.days(33, hours=198)
    assert (used(business, customer).status, billed(business, customer), business.tasks()) == ("canceled", 1, [])
    assert business.drift().agrees


def test_what_ended_there_at_that_very_moment_is_no_task(business: Business) -> None:
    customer, _ = business.subscribed()
    cancel(business, customer)
    end = business.billing.system.end

    def too_late(subscription: str, key: str) -> None:
        business.control("cancel_subscription", subscription=subscription)
        end(subscription, key)

    business.billing.system.end = too_late  # type: ignore[method-assign]
    business.step(1).days(3, hours=36)
    assert (used(business, customer).status, business.tasks()) == ("canceled", [])
    assert business.drift().agrees


@pytest.mark.turn(2)
def test_what_is_taken_back_here_is_billed_there_again(business: Business) -> None:
    customer, _ = business.subscribed()
    cancel(business, customer)
    business.days(3, hours=36)
    take_back(business, customer)
    business.step(1)
    sub = used(business, customer)
    assert (sub.at_period_end, sub.metadata) == (False, {})
    business.days(33, hours=198)
    assert (sub.status, billed(business, customer), business.tasks()) == ("active", 2, [])
    assert business.drift().agrees
    # And whatever ends then, ends as the first time did.
    cancel(business, customer)
    business.days(35, hours=168)
    assert (sub.status, billed(business, customer)) == ("canceled", 2)


@pytest.mark.turn(2)
def test_what_is_taken_back_before_it_was_told_changes_nothing_there(business: Business) -> None:
    customer, _ = business.subscribed()
    cancel(business, customer)
    take_back(business, customer)
    business.days(33, hours=198)
    assert (used(business, customer).status, billed(business, customer), business.tasks()) == ("active", 2, [])


@pytest.mark.turn(2)
def test_an_end_that_the_customer_asked_for_there_is_not_taken_back_from_here(business: Business) -> None:
    customer, _ = business.subscribed()
    business.control("cancel_subscription", subscription=used(business, customer).id, at_period_end=True)
    cancel(business, customer)
    business.step(1)
    take_back(business, customer)
    business.step(1)
    assert used(business, customer).at_period_end
    business.days(33, hours=198)
    assert is_canceled(business, customer), "it has ended there, as somebody asked"


def test_what_is_taken_back_after_it_ended_there_stays_so_and_is_named(business: Business) -> None:
    customer, _ = business.subscribed()
    cancel(business, customer)
    business.days(33, hours=198)
    take_back(business, customer)
    business.days(3, hours=36)
    assert not is_canceled(business, customer)
    assert any("bill it there again" in task for task in business.tasks())
    assert len(business.drift().subscriptions) == 1


@pytest.mark.turn(2)
def test_who_lets_it_go_on_there_is_not_overruled(business: Business) -> None:
    customer, _ = business.subscribed()
    cancel(business, customer)
    business.step(1)
    sub = used(business, customer)
    business.sandbox.book.billing.end(sub, at_period_end=False)
    business.days(3, hours=36)
    assert not sub.at_period_end
    assert is_canceled(business, customer)
    assert any("end it there" in task for task in business.tasks())
    # Taken back here, both go on; an end that is asked for there later is a new one.
    take_back(business, customer)
    business.step(1)
    assert business.drift().agrees
    business.control("cancel_subscription", subscription=sub.id, at_period_end=True)
    business.days(33, hours=198)
    assert is_canceled(business, customer)


def test_who_comes_back_there_after_the_end_here_is_not_ended_again(business: Business) -> None:
    customer, _ = business.subscribed()
    business.step(2)
    cancel(business, customer)
    business.control("subscribe", customer=customer, amount=1000)
    business.days(3, hours=36)
    first, second = [s for s in business.sandbox.book.billing.subscriptions.values() if s.customer == customer]
    assert (first.at_period_end, second.at_period_end) == (True, False)
    assert any("end it there" in task for task in business.tasks())


def test_a_key_that_may_not_end_it_leaves_a_task_and_stops_nothing_else(business: Business) -> None:
    customer, _ = business.subscribed()
    other, invoice = business.subscribed("insufficient_funds")
    business.sandbox.denied = ("POST subscriptions",)
    cancel(business, customer)
    business.days(1)
    [task] = business.tasks()
    assert "end it there" in task
    assert "not permitted" in task
    assert business.store.system().books_refused == ()
    assert business.owed(invoice) == Owed(1000, 1000)
    assert business.account(other) is not None
    business.sandbox.denied = ()
    business.step(1).sweep(everybody=True)
    assert used(business, customer).at_period_end


@pytest.mark.turn(2)
def test_what_was_billed_after_the_end_here_is_a_task(business: Business) -> None:
    customer, _ = business.subscribed(days=7)
    business.days(5, hours=24)
    cancel(business, customer)
    business.net.away = True
    for _ in range(4):
        business.step(24, look=False)
    business.net.away = False
    business.days(2, hours=24)
    assert used(business, customer).at_period_end
    assert any("void or credit that invoice there" in task for task in business.tasks())
    business.days(9, hours=24)
    assert billed(business, customer) == 2


@pytest.mark.turn(5)
def test_what_is_deleted_here_for_debt_is_billed_no_more_there(business: Business) -> None:
    customer, _ = business.subscribed("insufficient_funds")
    for _ in range(140):
        account = business.step(24).account(customer)
        assert account is not None
        if account.subscriptions[0].state is State.DELETED:
            break
        assert not used(business, customer).at_period_end
    else:
        pytest.fail("nothing was deleted")
    assert business.step(1).tasks() == []
    ended = used(business, customer)
    assert ended.at_period_end
    business.days(2, hours=24)
    business.behave(customer, "approve")
    business.control("subscribe", customer=customer, amount=1000)
    business.days(3, hours=24)
    account = business.account(customer)
    assert account is not None
    assert [sub.state for sub in account.subscriptions] == [State.DELETED, State.ACTIVE], "comes back"
    assert not used(business, customer).at_period_end
    assert ended.at_period_end
    assert business.tasks() == []


# -- one subscription there for several services -------------------------------------------------------------------


class Asked:
    """A billing system that notes what it is asked about ends."""

    name = "stripe-billing"

    def __init__(self, code: str = "") -> None:
        self.said: list[tuple[str, str]] = []
        self.code = code

    def end(self, subscription: str, key: str) -> None:
        if self.code:
            raise Refused(self.code, "no")
        self.said.append(("end", key))

    def go_on(self, subscription: str) -> None:
        self.said.append(("go on", ""))


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("canceled", "services", "known", "wanted"),
    [
        ([1], ("cloud", "mail"), {}, []),
        ([1, 2], ("cloud", "mail"), {}, ["end"]),
        ([1, 2], ("cloud", "mail", "unknown"), {}, []),
        ([1], ("cloud",), {}, ["end"]),
        ([2], ("cloud",), {}, []),
        ([1], ("unknown",), {}, []),
        ([1], ("cloud", "mail"), {"told": "earlier", "ends": True}, ["go on"]),
        ([1, 2], ("cloud", "mail"), {"told": "earlier", "ends": True}, []),
        ([], ("unknown",), {"told": "earlier", "ends": True}, []),
        ([1], ("cloud",), {"goes_on": False}, []),
        ([1], ("cloud",), {"ends": True}, []),
    ],
)
def test_it_is_ended_where_every_service_of_it_has_ended(
    business: Business, canceled: Sequence[int], services: Sequence[str], known: dict[str, Any], wanted: Sequence[str]
) -> None:
    customer, _ = business.subscribed()
    number = number_of(business, customer)
    commands.add_subscription(business.store, number, "mail", business.now, "person:1")
    for sub in canceled:
        commands.cancel(business.store, number, sub, business.now, "person:1")
    there = BilledSubscription("sub_x", services, True, business.now + timedelta(days=9))._replace(**known)
    system: Any = Asked()
    tell_ends(business.store, system, number, [there], business.now)
    assert [what for what, _ in system.said] == wanted


def test_where_nobody_is_there_everything_is_asked_again_later(business: Business) -> None:
    customer, _ = business.subscribed()
    cancel(business, customer)
    there = [BilledSubscription("sub_x", ("cloud",), True, business.now)]
    number, away, refuses = number_of(business, customer), Asked("provider_unreachable"), Asked("provider_denied")
    with pytest.raises(Refused, match="no"):
        tell_ends(business.store, away, number, there, business.now)  # type: ignore[arg-type]
    asked = tell_ends(business.store, refuses, number, there, business.now)  # type: ignore[arg-type]
    assert asked == {"sub_x": "no"}
