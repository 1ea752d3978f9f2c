"""What ends at Stripe and what leaves again here: subscriptions, their own methods, refunds and chargebacks of ours."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.store.conftest import make_postgres, schemas
from tests.stories.billed import Business, Owed

from arrears.core import facts as f
from arrears.core.states import Reason
from arrears.engine import commands
from arrears.engine.payments import refunds
from arrears.store.postgres.store import PostgresStore

__all__ = ["make_postgres", "schemas"]


@pytest.fixture
def business(make_postgres: Callable[[], PostgresStore]) -> Business:
    return Business(make_postgres())


def used(business: Business, customer: str) -> str:
    """The customer's newest subscription at Stripe."""
    every = business.sandbox.book.billing.subscriptions.values()
    return [one.id for one in every if one.customer == customer][-1]


def is_canceled(business: Business, customer: str) -> bool:
    account = business.account(customer)
    assert account is not None
    [sub] = account.subscriptions
    return Reason.CANCELED in sub.reasons


# -- subscriptions ---------------------------------------------------------------------------------------------------


def test_a_subscription_that_ends_with_its_period_ends_here_that_day(business: Business) -> None:
    customer, _ = business.subscribed()
    business.control("cancel_subscription", subscription=used(business, customer), at_period_end=True)
    business.days(28, hours=24)
    assert not is_canceled(business, customer)
    business.days(2, hours=24)
    assert is_canceled(business, customer)
    [ended] = business.facts(customer, f.Canceled)
    assert isinstance(ended, f.Canceled)
    assert business.days(5, hours=24).facts(customer, f.Canceled) == [ended]
    assert business.drift().agrees


@pytest.mark.parametrize("told", ["by webhook", "by the sweep", "by nobody"])
def test_what_was_paid_for_is_served_to_its_end_whoever_tells_of_the_end(business: Business, told: str) -> None:
    customer, _ = business.subscribed()
    business.subscribed(days=1)  # somebody else of whom there is news each day
    business.control("cancel_subscription", subscription=used(business, customer))
    match told:
        case "by webhook":
            business.hear("customer.subscription.deleted", customer)
        case "by the sweep":
            business.sweep()
        case _:
            # Its event is older than what Stripe tells of, and nothing else has happened since.
            business.sandbox.book.events.clear()
    business.days(28, hours=24)
    assert not is_canceled(business, customer)
    assert business.drift().agrees
    business.days(2, hours=24)
    assert is_canceled(business, customer)


def test_who_was_gone_before_it_was_connected_is_canceled_when_it_is(
    make_postgres: Callable[[], PostgresStore],
) -> None:
    business = Business(make_postgres())
    customer = business.customer()
    business.control("subscribe", customer=customer, amount=1000)
    business.step(1, look=False)
    business.control("cancel_subscription", subscription=used(business, customer), at_period_end=True)
    for _ in range(32):
        business.step(24, look=False)
    assert business.account(customer) is None
    business.sweep(everybody=True)
    assert is_canceled(business, customer)


def test_what_a_failed_payment_has_ended_there_goes_on_here_and_is_named(business: Business) -> None:
    business.control("dunning", then="canceled", retry_days=[])
    customer, invoice = business.subscribed("insufficient_funds")
    business.days(2)
    assert business.sandbox.book.billing.subscriptions[used(business, customer)].ended_because == "payment_failed"
    business.days(29, hours=24)
    assert business.facts(customer, f.Canceled) == []
    assert business.owed(invoice) == Owed(1000, 1000)
    assert any("without anybody asking for it" in task for task in business.tasks())
    assert len(business.drift().subscriptions) == 1


def test_one_of_two_to_a_service_ends_and_the_service_goes_on(business: Business) -> None:
    customer, _ = business.subscribed()
    first = used(business, customer)
    business.control("subscribe", customer=customer, amount=500, product="prod_more")
    business.control("cancel_subscription", subscription=first)
    business.days(33, hours=24)
    assert not is_canceled(business, customer)


def test_who_comes_back_there_is_served_again_here(business: Business) -> None:
    customer, _ = business.subscribed()
    business.control("cancel_subscription", subscription=used(business, customer), at_period_end=True)
    business.days(31, hours=24)
    assert is_canceled(business, customer)
    business.control("subscribe", customer=customer, amount=1000)
    business.step(2)
    assert not is_canceled(business, customer)
    assert business.drift().agrees
    # And ends once more: another end, and taken as such.
    business.control("cancel_subscription", subscription=used(business, customer), at_period_end=True)
    business.days(31, hours=24)
    assert is_canceled(business, customer)
    assert len(business.facts(customer, f.Canceled)) == 2


def test_what_a_person_takes_back_here_is_not_canceled_again(business: Business) -> None:
    customer, _ = business.subscribed()
    business.control("cancel_subscription", subscription=used(business, customer), at_period_end=True)
    business.days(31, hours=24)
    number = business.store.account_numbers([customer])[customer]
    commands.reactivate(business.store, number, 1, business.now, "person:1")
    business.days(2, hours=24)
    assert not is_canceled(business, customer)
    assert any("bill it there again" in task for task in business.tasks())


# -- methods ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("usual", ["none", "another"])
def test_a_subscription_with_a_method_of_its_own_is_paid_with_it_here_too(business: Business, usual: str) -> None:
    customer, invoice = business.subscribed("insufficient_funds")
    own = business.method(customer, "approve")
    business.control("subscription_method", subscription=used(business, customer), method=own)
    if usual == "none":
        business.control("default_method", customer=customer)
    business.step(1)
    business.days(9)
    assert business.owed(invoice) == Owed(0, 0)
    taken = [one for one in business.sandbox.book.intents.values() if one.customer == customer and one.taken]
    assert [one.method for one in taken] == [own]


def test_where_two_are_paid_with_different_ones_the_customers_own_pays(business: Business) -> None:
    customer, _ = business.subscribed()
    usual = business.sandbox.book.billing.defaults[customer]
    business.control("subscribe", customer=customer, amount=500)
    other = business.method(customer)
    business.control("subscription_method", subscription=used(business, customer), method=other)
    business.step(1)
    number = business.store.account_numbers([customer])[customer]
    named = business.store.described([number])[number].method
    assert named is not None
    assert named.ref == usual


# -- what leaves again -----------------------------------------------------------------------------------------------


def collected(business: Business, amount: int = 1000) -> tuple[str, str]:
    """A customer whose invoice arrears has collected, and its attempt's payment intent."""
    customer, invoice = business.subscribed("insufficient_funds", amount)
    business.days(1)
    business.behave(customer, "approve")
    business.days(9)
    assert business.owed(invoice) == Owed(0, 0)
    return customer, invoice


def refunded(business: Business) -> list[int]:
    """What each payment record says was refunded."""
    return [one.refunded for one in business.sandbox.book.billing.records.values()]


def intent_of(business: Business, customer: str) -> str:
    [found] = [i for i in business.sandbox.book.intents.values() if i.customer == customer and i.taken]
    return found.id


def test_a_chargeback_of_ours_is_told_to_the_record_once_it_is_lost(business: Business) -> None:
    customer, invoice = collected(business)
    dispute = business.control("dispute", intent=intent_of(business, customer))
    business.days(1)
    assert refunded(business) == [0], "the network has not ruled"
    business.control("close", dispute=dispute["id"], won=False)
    business.days(2)
    assert refunded(business) == [1000]
    assert business.owed(invoice) == Owed(1000, 0)
    [one] = business.drift().differences
    assert "stays paid" in one.why
    assert "write-off" in one.why


def test_a_chargeback_that_is_won_is_never_told(business: Business) -> None:
    customer, invoice = collected(business)
    dispute = business.control("dispute", intent=intent_of(business, customer))
    business.days(1)
    business.control("close", dispute=dispute["id"], won=True)
    business.days(2)
    assert refunded(business) == [0]
    assert business.owed(invoice) == Owed(0, 0)
    assert business.drift().agrees


def test_a_refund_after_which_it_is_owed_again_is_told_in_its_parts(business: Business) -> None:
    customer, invoice = collected(business)
    payment = f"stripe:{intent_of(business, customer)}"
    for minor, told in ((300, 300), (700, 1000)):
        how = (business.now, "staff:1", "kindness", f"r{minor}")
        refunds.refund(business.store, business.providers, payment, minor, *how, reopens=True)
        business.step(1).step(1)
        assert refunded(business) == [told]
        assert business.owed(invoice) == Owed(told, 0)
    assert business.days(1).invoice(invoice)["status"] == "paid"


def test_a_refund_that_is_owed_by_nobody_changes_neither_book(business: Business) -> None:
    customer, invoice = collected(business)
    payment = f"stripe:{intent_of(business, customer)}"
    refunds.refund(business.store, business.providers, payment, 300, business.now, "staff:1", "kindness", "r1")
    business.days(1)
    assert refunded(business) == [0]
    assert business.owed(invoice) == Owed(0, 0)
    assert business.drift().agrees
