"""Somebody whose data was deleted uses the service again: what is billed from then on is another subscription's, and
what was billed before it stays the deleted one's, whichever comes first."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import pytest
from tests.store.conftest import make_postgres, schemas
from tests.stories.ledger import Ledger, imported
from tests.stories.story import API, Story

from arrears.core import facts as f
from arrears.core.account import CaseOutcome
from arrears.core.after_deletion import is_going
from arrears.core.errors import Refused
from arrears.core.states import State
from arrears.engine import commands
from arrears.engine.commands.subscriptions import call_subscription
from arrears.engine.finding import find_subscription
from arrears.store.postgres.store import PostgresStore

__all__ = ["make_postgres", "schemas"]

DELETED = 122
"""The day on which the deletion is ordered and done."""


def deleted() -> tuple[Story, Ledger]:
    story, ledger = imported(due=-1)
    assert story.until(DELETED).sub().state is State.DELETED
    return story.until(DELETED + 10), ledger


def of_subscription(story: Story) -> dict[str, tuple[int, ...]]:
    return {fact.debt.number: fact.debt.subscriptions for _, fact in story.facts(f.InvoiceIssued)}


def test_a_new_invoice_is_another_subscriptions_with_its_whole_ladder() -> None:
    story, ledger = deleted()
    day = DELETED + 20
    ledger.invoice("I2", day, issued_on=story.date(DELETED + 9)).comes()
    assert [sub.state for sub in story.account.subscriptions] == [State.DELETED, State.ACTIVE]
    assert of_subscription(story)["I2"] == (2,)
    story.until(day + 20)
    assert story.sub(2).state is State.PAST_DUE, "pursued, and still running"
    story.until(day + 40)
    assert (story.sub(1).state, story.sub(2).state) == (State.DELETED, State.DISABLED)
    ledger.pay("I2").comes()
    assert (story.sub(1).state, story.sub(2).state) == (State.DELETED, State.ACTIVE)
    assert story.account.debt(1) is not None, "what was owed for the deleted one stays owed"
    story.check()


def test_a_late_invoice_of_the_deleted_one_stays_its_own_and_is_not_pursued() -> None:
    story, ledger = deleted()
    ledger.invoice("I2", DELETED + 12, issued_on=story.date(DELETED)).comes()
    assert of_subscription(story)["I2"] == (1,)
    story.until(DELETED + 60)
    assert len(story.account.subscriptions) == 1
    assert [debt.ended for debt in story.account.debts] == [True, True]
    assert {fact.outcome for _, fact in story.facts(f.CaseEnded)} == {CaseOutcome.ENDED_DELETED}
    ledger.pay("I2").comes()
    assert [debt.number for debt in story.account.debts] == ["I1"], "money that comes settles it"


@pytest.mark.parametrize("order", list(permutations(["late", "new", "newer"])))
def test_in_any_order_each_invoice_is_the_same_subscriptions(order: tuple[str, ...]) -> None:
    story, ledger = deleted()
    issued = {"late": DELETED - 60, "new": DELETED + 1, "newer": DELETED + 8}
    for number in order:
        ledger.invoice(number, DELETED + 40, issued_on=story.date(issued[number])).comes()
        ledger.comes()
    assert of_subscription(story) == {"I1": (1,), "late": (1,), "new": (2,), "newer": (2,)}
    assert [sub.state for sub in story.account.subscriptions] == [State.DELETED, State.ACTIVE]
    story.until(DELETED + 40 + 60)
    assert (story.sub(1).state, story.sub(2).state) == (State.DELETED, State.DISABLED)
    story.check()


def test_an_invoice_that_came_before_the_deletion_was_ordered_is_the_stopped_ones() -> None:
    story, ledger = imported(due=-1)
    story.until(60)
    ledger.invoice("I2", 80, issued_on=story.date(59)).comes()
    assert len(story.account.subscriptions) == 1
    assert story.until(300).sub().state is State.DELETED


def test_between_the_order_to_delete_and_its_end_a_new_invoice_is_another_ones() -> None:
    story, ledger = imported(due=-1)
    story.until(DELETED - 2)
    story.hands.busy = True
    story.until(DELETED + 3)
    assert is_going(story.sub())
    assert story.sub().state is State.DISABLED
    ledger.invoice("I2", DELETED + 30, issued_on=story.date(DELETED + 3)).comes()
    assert of_subscription(story)["I2"] == (2,)
    story.hands.busy = False
    story.until(DELETED + 20)
    assert [sub.state for sub in story.account.subscriptions] == [State.DELETED, State.ACTIVE]


@pytest.mark.turn(3)
def test_a_service_that_is_used_again_is_called_by_a_new_reference(make_postgres: Callable[[], PostgresStore]) -> None:
    store = make_postgres()
    story, ledger = imported(due=-1, inner=store)
    assert call_subscription(store, story.no, "S-1", "cloud", story.now, API) == 1
    story.until(DELETED + 10)
    assert call_subscription(store, story.no, "S-1", "cloud", story.now, API) == 1, "said again"
    assert len(story.account.subscriptions) == 1
    assert find_subscription(story.account, "cloud") == 1
    for _ in range(2):
        assert call_subscription(store, story.no, "S-2", "cloud", story.now, API) == 2
    with pytest.raises(Refused, match="another subscription is called that"):
        call_subscription(store, story.no, "S-3", "cloud", story.now, API)
    assert find_subscription(story.account, "cloud") == 2, "what runs is meant, not what was deleted"
    ledger.invoice("I2", DELETED + 30, issued_on=story.date(DELETED + 10)).comes()
    assert of_subscription(story)["I2"] == (2,)
    commands.cancel(store, story.no, find_subscription(story.account, "cloud"), story.now, API)
    assert (story.sub(1).state, story.sub(2).state) == (State.DELETED, State.DISABLED)
