"""What is stopped here is billed at Stripe no more until it runs again, and what it billed all the same is not demanded
until a person has said that it is owed; whichever comes first, and whatever got lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.store.conftest import make_postgres, schemas
from tests.stories.billed import Business

from arrears.core import facts as f
from arrears.core.account import Account
from arrears.core.policy import default_policy
from arrears.core.states import Reason, State
from arrears.engine import commands
from arrears.engine.booking import Payment
from arrears.sandbox.billing_objects import SandboxSubscription
from arrears.store.postgres.store import PostgresStore

__all__ = ["make_postgres", "schemas"]

STOPPED_AFTER = default_policy().disable_after_days + 2


@pytest.fixture
def business(make_postgres: Callable[[], PostgresStore]) -> Business:
    return Business(make_postgres())


def stopped(business: Business, days: int = 45) -> tuple[str, SandboxSubscription]:
    """A customer who pays nothing and is stopped before the second period of so many days is billed."""
    customer, _ = business.subscribed("insufficient_funds", days=days)
    business.days(STOPPED_AFTER, hours=12)
    assert account_of(business, customer).subscriptions[0].state is State.DISABLED
    return customer, used(business, customer)


def account_of(business: Business, customer: str) -> Account:
    account = business.account(customer)
    assert account is not None
    return account


def used(business: Business, customer: str) -> SandboxSubscription:
    return [one for one in business.sandbox.book.billing.subscriptions.values() if one.customer == customer][-1]


def held(business: Business, customer: str) -> list[str]:
    """The numbers of the invoices that are held."""
    account = account_of(business, customer)
    numbers = {debt.no: debt.number for debt in account.debts}
    return [numbers[hold.target] for hold in account.holds if hold.ended_at is None and hold.target in numbers]


def pay(business: Business, customer: str) -> None:
    """The customer pays what is owed here, beside Stripe."""
    account = account_of(business, customer)
    owed = sum(debt.open_minor for debt in account.past_due if debt.number not in held(business, customer))
    payment = Payment(account.no, f"bank-{business.now:%m%d%H}", "EUR", owed)
    commands.record_payments(business.store, [payment], business.now, "person:1")


def test_what_is_stopped_for_debt_is_billed_no_more_until_it_is_paid(business: Business) -> None:
    customer, sub = stopped(business)
    assert (sub.status, sub.paused) == ("past_due", "void")
    business.days(20, hours=24)
    told = business.control("invoices", customer=customer)
    assert [one["status"] for one in told] == ["open", "void"]
    assert len(account_of(business, customer).debts) == 1
    assert business.drift().agrees
    assert business.tasks() == []
    pay(business, customer)
    business.step(1)
    assert account_of(business, customer).subscriptions[0].state is State.ACTIVE
    assert (sub.paused, sub.metadata) == ("", {})
    business.behave(customer, "approve")
    business.days(40, hours=24)
    told = business.control("invoices", customer=customer)
    assert [one["status"] for one in told] == ["paid", "void", "paid"]
    assert business.drift().agrees


def stopped_unheard(business: Business) -> tuple[str, SandboxSubscription]:
    """A customer who is stopped by a person while Stripe is away, until the second period has been billed."""
    customer, _ = business.subscribed("insufficient_funds", days=20)
    business.days(10, hours=24)
    business.net.away = True
    number = account_of(business, customer).no
    commands.set_reason(business.store, number, 1, Reason.SPENDING_LIMIT, business.now, "person:1", "limit")
    business.days(11, hours=24)
    business.net.away = False
    business.days(2, hours=12)
    return customer, used(business, customer)


def stopped_without_permission(business: Business) -> tuple[str, SandboxSubscription]:
    """A customer who is stopped, of which Stripe takes no word, until the second period has been billed."""
    business.control("key", denied=["POST subscriptions/"])
    found = stopped(business)
    business.days(15, hours=24)
    return found


UNHEARD = [stopped_unheard, stopped_without_permission]


@pytest.mark.parametrize("unheard", UNHEARD)
def test_what_was_billed_all_the_same_is_held_and_one_task_says_what_to_do(
    business: Business, unheard: Callable[[Business], tuple[str, SandboxSubscription]]
) -> None:
    customer, sub = unheard(business)
    first, second = business.control("invoices", customer=customer)
    assert (first["status"], second["status"], sub.paused == "void") == ("open", "open", unheard is stopped_unheard)
    business.days(10, hours=24)
    assert held(business, customer) == [second["number"]]
    [task] = [one for one in business.tasks() if second["number"] in one]
    assert "void or credit it there" in task
    assert [one for one in business.tasks() if "billed there still" in one] != [] or sub.paused
    account = account_of(business, customer)
    [asked] = [debt for debt in account.debts if debt.number == second["number"]]
    charged = {part.debt for one in business.facts(customer, f.AttemptCreated) for part in one.parts}
    assert asked.no not in charged
    assert asked.reminded == ()


def test_what_is_held_ends_with_the_invoice_or_with_a_persons_word(business: Business) -> None:
    customer, _ = stopped_unheard(business)
    _, second = business.control("invoices", customer=customer)
    v1: Any = business.billing.system._v1  # type: ignore[attr-defined]
    v1.invoices.void_invoice(second["id"])
    business.step(1)
    assert [debt.number for debt in account_of(business, customer).debts if debt.number == second["number"]] == []
    assert business.drift().differences == ()


def test_a_hold_that_a_person_ends_is_not_placed_again_and_the_invoice_is_asked_for(business: Business) -> None:
    customer, _ = stopped_unheard(business)
    _, second = business.control("invoices", customer=customer)
    [hold] = [one for one in account_of(business, customer).holds if one.ended_at is None]
    commands.release(business.store, account_of(business, customer).no, hold.no, business.now, "person:1", "it is owed")
    business.days(2, hours=12)
    assert held(business, customer) == []
    assert second["number"] in [debt.number for debt in account_of(business, customer).past_due]


def test_what_somebody_lets_go_on_there_is_not_paused_again(business: Business) -> None:
    _, sub = stopped(business)
    v1: Any = business.billing.system._v1  # type: ignore[attr-defined]
    v1.subscriptions.update(sub.id, {"pause_collection": ""})
    business.days(3, hours=24)
    assert (sub.paused, bool(sub.metadata)) == ("", True)
    assert [one for one in business.tasks() if "billed there still" in one] != []
    assert not business.drift().agrees


def test_a_pause_of_somebody_elses_is_left_alone(business: Business) -> None:
    customer, _ = business.subscribed("insufficient_funds", days=45)
    v1: Any = business.billing.system._v1  # type: ignore[attr-defined]
    v1.subscriptions.update(used(business, customer).id, {"pause_collection": {"behavior": "void"}})
    business.days(STOPPED_AFTER, hours=12)
    pay(business, customer)
    business.days(2, hours=12)
    assert (used(business, customer).paused, used(business, customer).metadata) == ("void", {})
    assert business.tasks() == []


@pytest.mark.parametrize("lost", ["the answer to the pause", "the answer to its end"])
def test_an_answer_that_is_lost_is_no_matter(business: Business, lost: str) -> None:
    customer, sub = stopped(business, 60)
    if lost == "the answer to the pause":
        sub.paused, sub.metadata = "", {}
        business.net.drops = True
        assert business.try_sweep() != ""
        business.net.drops = False
        business.sweep(everybody=True)
        assert sub.paused == "void"
        return
    business.net.drops = True
    pay(business, customer)
    business.step(1)
    business.net.drops = False
    business.step(1)
    assert (sub.paused, sub.metadata, account_of(business, customer).subscriptions[0].state) == ("", {}, State.ACTIVE)
