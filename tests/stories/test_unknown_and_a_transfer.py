"""A charge whose answer is lost, and a transfer that pays some of it: the rest can be paid as soon as it is certain
that the charge is not made, and nothing is taken twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest
from tests.stories.ledger import PRICE as ASKED
from tests.stories.ledger import Ledger
from tests.stories.paying import Paying
from tests.stories.story import PRICE, STAFF

from arrears.core.account import DoubtKind, Mode, Stop
from arrears.core.errors import Refused
from arrears.engine import commands
from arrears.engine.commands import corrections
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


@pytest.mark.parametrize("fault", ["drop_after", "error_after"])
@pytest.mark.parametrize("path", ["payment_intents", "payment_intents/"], ids=["it is used up", "that is ended"])
def test_an_answer_that_is_lost_while_its_key_is_used_up_costs_minutes(sandbox: Running, path: str, fault: str) -> None:
    story, _ = paid_in_part(sandbox)
    sandbox.control("faults", plan=[{"kind": fault, "path": path, "times": 1}])
    for minute in (30, 40):
        story.until(1, f"12:{minute}").sweep()
    assert [a.state for a in story.attempts()][:1] == ["canceled"]
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


@pytest.mark.parametrize(("fault", "took"), [("drop_before", 0), ("late", 0), ("drop_after", ASKED)])
@pytest.mark.parametrize("paid", ["in part", "whole"])
def test_what_a_newer_book_calls_paid_meanwhile_is_not_asked_for_again(
    sandbox: Running, fault: str, took: int, paid: str
) -> None:
    story = Paying(sandbox, bill=False)
    ledger = Ledger(story, "A1").invoice("I1", -1)
    ledger.comes()
    story.until(1)
    card = story.add()
    away = {**LOST, "verb": "GET"}
    sandbox.control("faults", plan=[{"kind": fault, "path": "payment_intents", "times": 2, "verb": "POST"}, away])
    assert story.settle(card) == ["unknown"]
    ledger.pay("I1", ASKED if paid == "whole" else 4_000)
    ledger.comes()
    sandbox.control("faults", plan=[])
    story.until(1, "14:00").sweep()
    sandbox.control("release")
    story.until(3).sweep()
    assert story.taken().get("EUR", 0) == took
    assert [a.state for a in story.attempts()] == ["paid" if took else "canceled"]
    story.check()


def test_a_payer_who_is_there_may_pay_what_the_book_calls_paid(sandbox: Running) -> None:
    story = Paying(sandbox, bill=False)
    ledger = Ledger(story, "A1").invoice("I1", -1)
    ledger.comes()
    story.until(1)
    card = story.add()
    away = {**LOST, "verb": "GET"}
    plan = [{"kind": "drop_before", "path": "payment_intents", "times": 2, "verb": "POST"}, away]
    sandbox.control("faults", plan=plan)
    story.settle(card)
    ledger.pay("I1")
    ledger.comes()
    sandbox.control("faults", plan=[])
    story.until(2).sweep()
    assert story.account.doubts
    assert story.settle(card) == ["paid"]
    story.check()


LATER: Final[dict[str, Callable[[Paying], object]]] = {
    "its day is moved": lambda s: corrections.move_due(s.store, "I1-1", s.date(20), s.now, STAFF, "why"),
    "a hold stops charges": lambda s: s.hold(30, stops=(Stop.CHARGE,)),
    "another card pays": lambda s: s.card(own=True),
    "a transfer may be theirs": lambda s: s.doubt(DoubtKind.BANK_CREDIT),
    "it is paid by invoice from now on": lambda s: commands.change_terms(
        s.store, s.no, s.now, STAFF, policy="default", zone="UTC", mode=Mode.INVOICE
    ),
}


@pytest.mark.parametrize("later", LATER.values(), ids=LATER)
@pytest.mark.parametrize(("fault", "took"), [("drop_before", 0), ("drop_after", PRICE)])
def test_a_charge_of_ours_that_never_arrived_is_not_sent_once_it_would_not_be_planned(
    sandbox: Running, fault: str, took: int, later: Callable[[Paying], object]
) -> None:
    story = Paying(sandbox)
    story.card()
    away = {**LOST, "verb": "GET"}
    sandbox.control("faults", plan=[{"kind": fault, "path": "payment_intents", "times": 2, "verb": "POST"}, away])
    story.until(-1, "09:10")
    assert [a.state for a in story.attempts()] == ["unknown"]
    later(story)
    sandbox.control("faults", plan=[])
    story.until(-1, "12:00").sweep()
    assert story.taken().get("EUR", 0) == took
    assert [a.state for a in story.attempts()] == ["paid" if took else "canceled"]
    story.check()


def test_a_charge_of_ours_that_never_arrived_is_sent_again_while_it_would_be_planned(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card()
    away = {**LOST, "verb": "GET"}
    sandbox.control(
        "faults", plan=[{"kind": "drop_before", "path": "payment_intents", "times": 2, "verb": "POST"}, away]
    )
    story.until(-1, "09:10")
    sandbox.control("faults", plan=[])
    story.until(-1, "12:00").sweep()
    assert ([a.state for a in story.attempts()], story.taken()) == (["paid"], {"EUR": PRICE})
    story.check()
