"""What is taken, told by day: never more than is owed now, and what cannot be taken stops nothing else."""

from __future__ import annotations

import pytest
from tests.stories.paying import Paying
from tests.stories.story import PRICE

from arrears.core.errors import Refused
from arrears.core.states import State
from arrears.engine.payments import settling
from arrears.sandbox.run import Running

SMALL = "[tolerance]\nEUR = 200\n"


def test_a_small_invoice_is_in_no_settlement_before_its_day_has_come(sandbox: Running) -> None:
    story = Paying(sandbox, policy=SMALL, bill=False)
    story.bill(20, 150)
    story.until(0)
    assert story.owed() == [], "nothing is owed yet"
    story.bill(0)
    story.until(2)
    assert [q.amount_minor for q in story.owed()] == [PRICE]
    assert [q.amount_minor for q in story.owed(also=(1,))] == [PRICE + 150], "it may be chosen"
    assert story.settle(story.add()) == ["paid"]
    assert story.taken() == {"EUR": PRICE}
    story.until(20, "23:59")
    assert story.taken() == {"EUR": PRICE + 150}, "its own charge, at nine of its day"
    story.check()


def test_a_rest_within_the_tolerance_joins_the_next_settlement_once_its_day_has_passed(sandbox: Running) -> None:
    story = Paying(sandbox, policy=SMALL, bill=False)
    story.bill(-1, 150)
    story.until(-1, "23:59")
    assert story.owed() == []
    story.until(0, "00:00")
    assert [q.amount_minor for q in story.owed()] == [150]
    assert story.sub().state is State.ACTIVE
    story.check()


def test_what_is_not_due_yet_neither_joins_nor_puts_off_the_retry_of_what_is(sandbox: Running) -> None:
    story = Paying(sandbox)
    card = story.card("insufficient_funds")
    story.until(-1, "10:00")
    story.bill(20, 500)
    story.bank_says(card, "approve")
    story.until(3)
    assert [(a.state, a.amount_minor) for a in story.attempts()] == [("declined", PRICE), ("paid", PRICE)]
    story.check()


@pytest.mark.parametrize("part", [{"eur": 500}, {"EUR ": 500}, {"USD": 500}, {"EUR": 500, "USD": 1}, {"EUR": 0}])
def test_a_part_of_what_was_not_quoted_is_refused_and_nothing_is_charged(
    sandbox: Running, part: dict[str, int]
) -> None:
    story = Paying(sandbox)
    story.until(1)
    assert story.settle(story.add("insufficient_funds")) == ["declined"]
    with pytest.raises(Refused, match="part_minor") as refused:
        story.settle(story.add(), part_minor=part)
    assert refused.value.code == "bad_part"
    assert (len(story.attempts()), story.taken()) == (1, {})


@pytest.mark.parametrize(("refused", "paid"), [("BHD", "USD"), ("KWD", "EUR")], ids=["first", "last"])
def test_a_currency_that_is_refused_keeps_no_other_from_being_paid(sandbox: Running, refused: str, paid: str) -> None:
    story = Paying(sandbox, bill=False)
    story.bill(-1, 700, currency=paid)
    story.bill(-1, 12_000, currency=refused)
    story.until(1)
    shown = {q.currency: q.hash for q in story.owed()}
    shown[refused] = "something else"
    found = settling.settle(story.store, story.providers, story.no, shown, story.add(), lambda: story.now, "person:1")
    assert [(r.attempt.currency, r.attempt.state) for r in found] == [(paid, "paid")]
    assert {currency: why.code for currency, why in found.refused.items()} == {refused: "stale_quote"}
    assert story.taken() == {paid: 700}
    story.check()
