"""A charge whose answer is lost, and a transfer that pays some of it: the rest can be paid as soon as it is certain
that the charge is not made, and nothing is taken twice."""

from __future__ import annotations

import pytest
from tests.stories.paying import Paying
from tests.stories.story import PRICE

from arrears.core.errors import Refused
from arrears.sandbox.run import Running

LOST = {"kind": "drop_before", "path": "payment_intents", "times": 1000}


def paid_in_part(sandbox: Running, *, fault: str = "drop_before") -> tuple[Paying, int]:
    """A settlement whose answer is lost, and then a transfer of 50.00."""
    story = Paying(sandbox)
    story.until(1)
    card = story.add()
    away = {**LOST, "verb": "GET"}
    sandbox.control("faults", plan=[{"kind": fault, "path": "payment_intents", "times": 2, "verb": "POST"}, away])
    assert story.settle(card) == ["unknown"]
    story.pay(5_000, (1,))
    return story, card


def test_the_rest_is_payable_at_once_when_the_charge_never_arrived(sandbox: Running) -> None:
    story, card = paid_in_part(sandbox)
    sandbox.control("faults", plan=[])
    assert story.settle(card) == ["paid"]
    assert [(a.state, a.amount_minor) for a in story.attempts()] == [("canceled", PRICE), ("paid", PRICE - 5_000)]
    assert (story.taken(), story.account.credit) == ({"EUR": PRICE - 5_000}, {})
    story.sweep().check()


def test_and_by_itself_within_minutes(sandbox: Running) -> None:
    story, _ = paid_in_part(sandbox)
    sandbox.control("faults", plan=[])
    story.until(1, "12:30").sweep()
    assert [a.state for a in story.attempts()][:1] == ["canceled"]
    assert story.taken().get("EUR", 0) <= PRICE - 5_000
    story.check()


def test_a_charge_that_arrives_late_is_refused_as_its_key_is_used_up(sandbox: Running) -> None:
    story, card = paid_in_part(sandbox, fault="late")
    sandbox.control("faults", plan=[])
    assert story.settle(card) == ["paid"]
    sandbox.control("release")
    story.sweep()
    assert story.taken() == {"EUR": PRICE - 5_000}
    story.check()


def test_what_was_taken_is_found_first_and_offered_back_not_taken_again(sandbox: Running) -> None:
    story, card = paid_in_part(sandbox, fault="drop_after")
    sandbox.control("faults", plan=[])
    with pytest.raises(Refused) as refused:
        story.settle(card)
    assert refused.value.code == "stale_quote"
    assert (story.taken(), story.account.credit) == ({"EUR": PRICE}, {"EUR": 5_000})
    story.check()


def test_while_the_provider_does_not_answer_nothing_else_is_asked(sandbox: Running) -> None:
    story, card = paid_in_part(sandbox)
    sandbox.control("faults", plan=[LOST])
    with pytest.raises(Refused) as refused:
        story.settle(card)
    assert (refused.value.code, story.taken()) == ("attempt_in_flight", {})
    sandbox.control("faults", plan=[])
