"""What a settlement pays, in whole and in part, and what can be paid with at all. The accounts come out of stories."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pytest
from msgspec.structs import replace
from tests.stories.story import PRICE, Story

from arrears.core.account import Account, Attempt, DebtPart, Method
from arrears.core.guards import Guards
from arrears.core.payments.limits import AmountLimits
from arrears.core.payments.planner import Tried
from arrears.core.payments.settlement import (
    PART_MINIMUM_MINOR,
    PartRange,
    in_part,
    less,
    moves_with,
    nothing_because,
    ordinal_of,
    part_range,
    quote_for,
    quotes,
    settles_first,
    unconfirmed,
    usable,
    waits_for_an_outcome,
)
from arrears.core.payments.values import REQUEST_REFUSED, AttemptState, Codes, Initiator, MethodKind, Network
from arrears.core.view import View

PARTS: Final = (DebtPart(1, 100), DebtPart(2, 50))
TODAY: Final = date(2026, 6, 1)
NOW: Final = datetime(2026, 6, 1, tzinfo=UTC)
CARD: Final = Method(1, MethodKind.CARD, Network.VISA, 1, expires_on=TODAY)


def view(story: Story, **limits: AmountLimits) -> View:
    """What a rule sees of the story's account, where a provider takes so much of each currency."""
    return View(story.store.policies(), story.account, Guards(limits=limits), story.now)


@pytest.fixture
def account() -> Account:
    return Story().account


@pytest.mark.parametrize(
    ("minor", "paid", "left"),
    [
        (0, [], [(1, 100), (2, 50)]),
        (40, [(1, 40)], [(1, 60), (2, 50)]),
        (100, [(1, 100)], [(2, 50)]),
        (120, [(1, 100), (2, 20)], [(2, 30)]),
        (150, [(1, 100), (2, 50)], []),
    ],
)
def test_a_part_pays_the_oldest_first_and_leaves_the_rest(
    account: Account, minor: int, paid: list[tuple[int, int]], left: list[tuple[int, int]]
) -> None:
    whole = quote_for(account, "EUR", PARTS)
    part = in_part(whole, account, minor)
    assert ([(p.debt, p.minor) for p in part.parts], part.amount_minor) == (paid, minor)
    assert [(p.debt, p.minor) for p in less(PARTS, minor)] == left
    assert (part.hash == whole.hash) == (minor == 150)


@pytest.mark.parametrize(
    ("otherwise", "can"),
    [
        ({}, True),
        ({"expires_on": TODAY - timedelta(days=1)}, False),
        ({"expires_on": None}, True),
        ({"durable": False}, False),
        ({"removed": True}, False),
        ({"kind": MethodKind.SEPA, "expires_on": TODAY - timedelta(days=1)}, True),
    ],
)
def test_a_card_can_be_charged_until_the_end_of_its_last_day(otherwise: dict[str, Any], *, can: bool) -> None:
    assert usable(replace(CARD, **otherwise), TODAY) is can


def test_what_is_not_due_is_offered_and_never_added_and_what_is_held_is_neither() -> None:
    story = Story()
    story.bill(10, 5_000)
    story.bill(11, 6_000)
    story.until(3)
    assert [q.numbers for q in quotes(view(story))] == [("I1-1",)]
    assert [q.numbers for q in quotes(view(story), also=[2])] == [("I1-1", "I1-2")]
    assert [q.numbers for q in quotes(view(story), also=[1, 2])] == [("I1-1", "I1-2")], "each once"
    story.dispute(2)
    assert [q.numbers for q in quotes(view(story), also=[2, 3])] == [("I1-1", "I1-3")]


def test_a_small_rest_is_paid_along_once_its_day_has_passed() -> None:
    story = Story(policy="[tolerance]\nEUR = 200\n")
    story.bill(2, 150)
    for day, numbers in ((1, ("I1-1",)), (4, ("I1-1", "I1-2"))):
        story.until(day)
        assert [q.numbers for q in quotes(view(story))] == [numbers], day


def test_what_is_settled_separately_is_in_no_other_settlement() -> None:
    story = Story()
    story.bill(10, 5_000)
    story.until(3)
    apart = [replace(debt, settled_separately=debt.no == 2) for debt in story.account.debts]
    account = replace(story.account, debts=tuple(apart))
    seen = View(story.store.policies(), account, Guards(), story.now)
    assert [q.numbers for q in quotes(seen, also=[2])] == [("I1-1",)]


def test_each_currency_is_a_quote_of_its_own_unless_nothing_of_it_can_be_taken() -> None:
    story = Story()
    story.bill(-1, 700, currency="USD")
    story.until(3)
    assert [(q.currency, q.amount_minor) for q in quotes(view(story))] == [("EUR", PRICE), ("USD", 700)]
    dear = AmountLimits(minimum_minor=701, maximum_minor=10_000)
    assert [q.currency for q in quotes(view(story, USD=dear))] == ["EUR"]


@pytest.mark.parametrize(
    ("maximum", "minimum", "failed", "tries", "wanted"),
    [
        (None, 0, False, 0, None),
        (PRICE, 50, False, 0, None),
        (PRICE - 1, 50, False, 0, PartRange(PART_MINIMUM_MINOR, PRICE)),
        (PRICE, 50, True, 0, PartRange(PART_MINIMUM_MINOR, PRICE)),
        (PRICE, 50, False, 1, PartRange(PART_MINIMUM_MINOR, PRICE)),
        (None, 0, False, 1, PartRange(PART_MINIMUM_MINOR, PRICE)),
        (PRICE, PRICE, True, 0, PartRange(PRICE, PRICE)),
        (PRICE, PRICE + 1, True, 0, None),
    ],
)
def test_a_part_may_be_paid_once_the_whole_has_failed_or_is_more_than_one_charge_takes(
    maximum: int | None, minimum: int, tries: int, wanted: PartRange | None, *, failed: bool
) -> None:
    story = Story().until(3)
    limits = {} if maximum is None else {"EUR": AmountLimits(minimum_minor=minimum, maximum_minor=maximum)}
    asked = view(story, **limits)
    account = replace(
        story.account,
        methods=(replace(CARD, failed=failed),),
        debts=tuple(replace(debt, tries=tries) for debt in story.account.debts),
    )
    quote = quote_for(account, "EUR", (DebtPart(1, PRICE),))
    assert part_range(View(asked.policies, account, asked.guards, story.now), quote) == wanted
    assert ordinal_of(account, quote.parts) == tries


def test_a_part_may_be_paid_once_one_of_its_debts_was_tried_in_vain() -> None:
    story = Story()
    story.bill(-1)
    story.until(3)
    asked = view(story)
    for tries, may in (((0, 0), False), ((1, 0), True), ((0, 1), True)):
        debts = tuple(replace(debt, tries=n) for debt, n in zip(story.account.debts, tries, strict=True))
        account = replace(story.account, debts=debts)
        [quote] = quotes(view(story))
        found = part_range(View(asked.policies, account, asked.guards, story.now), quote)
        assert found == (PartRange(PART_MINIMUM_MINOR, 2 * PRICE) if may else None)


def test_why_nothing_can_be_paid_is_said_of_what_is_past_due() -> None:
    story = Story(bill=False)
    assert nothing_because(view(story)) == "nothing is owed"
    story.bill(-1)
    story.bill(-1)
    story.until(3)
    assert (
        nothing_because(view(story))
        == "what is owed is less than a payment can take, and is carried to the next invoice"
    )
    story.dispute(1)
    asked = view(story)
    debts = tuple(replace(debt, settled_separately=debt.no == 2) for debt in story.account.debts)
    apart = View(asked.policies, replace(story.account, debts=debts), asked.guards, story.now)
    assert nothing_because(apart) == "what is owed is settled separately", "the other one is not held"
    story.dispute(2)
    assert nothing_because(view(story)) == "what is owed is held or disputed"


@pytest.mark.parametrize(
    ("otherwise", "waits"),
    [
        ({}, True),
        ({"state": AttemptState.SUBMITTED}, True),
        ({"state": AttemptState.NEEDS_CUSTOMER}, False),
        ({"on_page": True, "state": AttemptState.NEEDS_CUSTOMER}, False),
        ({"on_page": True, "state": AttemptState.SUBMITTED}, False),
        ({"parts": (DebtPart(7, 1),)}, False),
    ],
)
def test_only_what_its_payer_cannot_end_is_waited_for(otherwise: dict[str, Any], *, waits: bool) -> None:
    story = Story().until(3)
    attempt = Attempt(1, "key", 1, Initiator.CUSTOMER, "EUR", PRICE, (DebtPart(1, PRICE),), story.now)
    account = replace(story.account, attempts=(replace(attempt, **otherwise),))
    [quote] = quotes(view(story))
    assert waits_for_an_outcome(account, quote) is waits
    assert not waits_for_an_outcome(story.account, quote)


def test_only_what_is_past_due_and_can_be_settled_is_settled_before_a_method_becomes_active() -> None:
    story = Story(policy="[tolerance]\nEUR = 200\n", bill=False)
    story.bill(2, 150)
    assert not settles_first(view(story))
    story.until(4)
    assert quotes(view(story)), "a small rest is offered"
    assert not settles_first(view(story)), "and keeps nobody from another card"
    story.bill(4)
    story.until(7)
    assert settles_first(view(story))
    assert not settles_first(view(story, EUR=AmountLimits(minimum_minor=PRICE * 2, maximum_minor=PRICE * 3)))
    story.dispute(2)
    assert not settles_first(view(story))


def test_a_settlement_moves_every_service_whose_method_works_no_more_or_that_has_none() -> None:
    story = Story(services=("a", "b", "c", "d", "e", "f"))
    methods = tuple(
        replace(CARD, no=number, **otherwise)
        for number, otherwise in enumerate([{}, {"failed": True}, {"removed": True}, {"durable": False}, {}], 1)
    )
    paid_with = (0, 1, 2, 3, 4, 5)
    subs = tuple(replace(sub, method=m) for sub, m in zip(story.account.subscriptions, paid_with, strict=True))
    account = replace(story.account, methods=methods, subscriptions=subs)
    assert moves_with(account, 5) == (1, 3, 4, 5)
    assert moves_with(account, 2) == (1, 4, 5), "its own stays its own"


def tried(number: int, state: AttemptState, decline: str = "") -> Tried:
    return Tried(number, NOW, Initiator.MERCHANT, 1, "EUR", state, Codes(decline))


UNANSWERED: Final = tried(3, AttemptState.DECLINED, "authentication_required")
LEFT: Final = tried(3, AttemptState.CANCELED)
NO_MONEY: Final = tried(3, AttemptState.DECLINED, "insufficient_funds")


@pytest.mark.parametrize(
    ("book", "failed", "unanswered"),
    [
        ((UNANSWERED,), True, True),
        ((UNANSWERED,), False, False),
        ((LEFT,), True, True),
        ((NO_MONEY,), True, False),
        ((), True, False),
        ((NO_MONEY, replace(UNANSWERED, no=4)), True, True),
        ((replace(UNANSWERED, no=4), NO_MONEY), True, True),
        ((replace(NO_MONEY, no=4), UNANSWERED), True, False),
        ((UNANSWERED, tried(5, AttemptState.CANCELED, REQUEST_REFUSED)), True, True),
        ((NO_MONEY, tried(5, AttemptState.CANCELED, REQUEST_REFUSED)), True, False),
    ],
)
def test_the_last_word_of_a_bank_says_whether_it_was_its_payer_who_did_not_answer(
    account: Account, book: tuple[Tried, ...], *, failed: bool, unanswered: bool
) -> None:
    assert unconfirmed(account, replace(CARD, tried=book, failed=failed)) is unanswered


def test_while_a_bank_asks_the_payer_of_this_very_card_nothing_is_confirmed(account: Account) -> None:
    asks = Attempt(1, "key", 1, Initiator.CUSTOMER, "EUR", 1, (), NOW, AttemptState.NEEDS_CUSTOMER)
    for attempt, waits in (
        (asks, True),
        (replace(asks, method=2), False),
        (replace(asks, state=AttemptState.SUBMITTED), False),
    ):
        assert unconfirmed(replace(account, attempts=(attempt,)), CARD) is waits
