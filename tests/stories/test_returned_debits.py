"""A bank debit that settles and comes back is presented again only as its return's code, its count and its amount let
it, and its end is announced (spec, sections 4.10 and 5; payment rules, section 4)."""

from __future__ import annotations

from typing import Final

import pytest
from tests.stories.paying import Paying
from tests.stories.story import PRICE

from arrears.core import facts as f
from arrears.core.states import State
from arrears.sandbox.run import Running

DEBITS: Final = ("card", "sepa_debit", "us_bank_account", "bacs_debit")
CURRENCY: Final = {"sepa": "EUR", "ach": "USD", "bacs": "GBP"}


class Returning(Paying):
    """An account whose debits settle, and come back when the bank says so."""

    def __init__(self, sandbox: Running, kind: str) -> None:
        super().__init__(sandbox, kinds=DEBITS, bill=False)
        self.currency = CURRENCY[kind]
        self.card(kind, own=True)
        self.bill(-1, currency=self.currency)
        self.until(2).sweep()
        self.settled()

    def settled(self) -> None:
        """All debits under way are paid."""
        self.control("end_debits")
        self.sweep()

    def comes_back(self, attempt: int, code: str, network: str) -> None:
        """The bank returns a debit, with its code."""
        ref = next(a.ref for a in self.attempts() if a.no == attempt)
        said = {"code": code, "network_code": network} if code else {}
        self.control("return_debit", intent=ref, **said)
        self.sweep()

    def debits(self) -> list[tuple[int, str]]:
        """What each debit was for, and why it came back."""
        return [(a.amount_minor, a.network_code) for a in self.attempts()]


# kind, our provider's word, the return's code, whether it may be presented again
RETURNS: Final = (
    ("sepa", "insufficient_funds", "AM04", True),
    ("sepa", "debit_not_authorized", "MD06", False),
    ("sepa", "weird", "XX99", False),
    ("sepa", "account_closed", "AC04", False),
    ("ach", "insufficient_funds", "R01", True),
    ("ach", "debit_not_authorized", "R10", False),
    ("bacs", "", "", False),
)


@pytest.mark.sample(4)
@pytest.mark.parametrize(("kind", "code", "network", "again"), RETURNS)
def test_only_the_listed_codes_let_a_returned_debit_be_presented_again(
    sandbox: Running, kind: str, code: str, network: str, *, again: bool
) -> None:
    story = Returning(sandbox, kind)
    story.bill(20, 3_000, currency=story.currency)
    story.until(3).comes_back(1, code, network)
    assert story.account.method(1).failed
    story.until(12)
    assert len(story.attempts()) == (2 if again else 1)
    if network:
        assert story.debits()[0] == (PRICE, network)
    if not again:
        story.until(36)
        assert story.sub().state is State.DISABLED, "told, and on the ladder from the day of the return"
    story.check()


@pytest.mark.parametrize("kind", ["sepa", "ach"])
@pytest.mark.parametrize("other_due", [1, 4])
def test_a_returned_debit_is_presented_again_alone_and_a_new_invoice_is_a_new_entry(
    sandbox: Running, kind: str, other_due: int
) -> None:
    story = Returning(sandbox, kind)
    code = {"sepa": "AM04", "ach": "R01"}[kind]
    story.bill(other_due, 3_000, currency=story.currency)
    story.until(3).comes_back(1, "insufficient_funds", code)
    story.until(9)
    story.settled()
    story.until(12)
    assert sorted(a.amount_minor for a in story.attempts()) == [3_000, PRICE, PRICE]
    story.check()


def test_a_debit_that_is_returned_each_time_is_presented_as_often_as_the_scheme_says_and_then_the_ladder_ends(
    sandbox: Running,
) -> None:
    story, back = Returning(sandbox, "ach"), 0
    story.until(3).comes_back(1, "insufficient_funds", "R01")
    for day in range(4, 90, 3):
        story.until(day)
        story.settled()
        for attempt in story.attempts()[1:]:
            if attempt.state == "paid" and attempt.no > back:
                back = attempt.no
                story.comes_back(attempt.no, "insufficient_funds", "R01")
    assert story.debits() == [(PRICE, "R01")] * 3
    assert len(story.facts(f.Disabled)) == 1
    story.check()


def test_a_later_success_of_another_debit_does_not_cure_a_return_that_came_after_it(sandbox: Running) -> None:
    story = Returning(sandbox, "bacs")
    story.bill(3, 3_000, currency="GBP")
    story.until(5)
    story.settled()
    assert [a.state for a in story.attempts()] == ["paid", "paid"]
    story.comes_back(1, "", "")
    story.until(30)
    assert len(story.attempts()) == 2
    story.check()
