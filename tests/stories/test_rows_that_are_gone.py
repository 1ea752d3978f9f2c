"""Where the rows of a book are payments, a row that is gone says nothing: only a row that is there says that less is
paid (spec, section 14)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.stories.ledger import PRICE, Ledger, imported
from tests.stories.story import STAFF, Story

from arrears.core import facts as f
from arrears.engine.commands import corrections
from arrears.engine.commands.importing import ImportReport


def paid_in_two(*, first: int = 7000) -> tuple[Story, Ledger]:
    story, ledger = imported()
    ledger.pay("I1", first, "P1").pay("I1", PRICE - first, "P2").comes()
    assert (story.account.debts, story.account.credit) == ((), {})
    return story, ledger


def exported(ledger: Ledger, *parts: tuple[int, str]) -> ImportReport:
    """The next export, with these payments of I1."""
    ledger.payments = []
    for minor, ref in parts:
        ledger.pay("I1", minor, ref)
    return ledger.comes()


def refs(story: Story) -> list[str]:
    return [one.fact.ref for one in story.store.history(story.no) if isinstance(one.fact, f.PaymentBooked)]


def test_a_payment_whose_row_is_gone_stays_and_is_counted() -> None:
    story, ledger = paid_in_two()
    report = exported(ledger, (7000, "P1"))
    assert (report.changes, report.count["payments_gone"], story.account.debts) == ([], 1, ())


def test_when_its_row_is_back_it_is_the_same_payment() -> None:
    story, ledger = paid_in_two()
    exported(ledger, (7000, "P1"))
    report = exported(ledger, (7000, "P1"), (3000, "P2"))
    assert (report.changes, report.count["payments_gone"], refs(story)) == ([], 0, ["P1", "P2"])


def test_rows_without_references_are_gone_in_the_same_way() -> None:
    story, ledger = imported()
    exported(ledger, (7000, ""))
    exported(ledger, (7000, ""), (3000, ""))
    report = exported(ledger, (7000, ""))
    assert (report.changes, report.count["payments_gone"], story.account.debts) == ([], 1, ())


def test_the_same_reference_with_a_lower_sum_takes_back_from_that_payment_alone() -> None:
    story, ledger = paid_in_two()
    report = exported(ledger, (4000, "P1"), (3000, "P2"))
    assert (report.changed, report.taken_back) == ({"taken_back": 1}, {"EUR": 3000})
    assert [one.fact.payment_ref for one in story.store.history(story.no) if isinstance(one.fact, f.Refunded)] == ["P1"]
    exported(ledger, (7000, "P1"), (3000, "P2"))
    assert (story.account.debts, story.account.credit) == ((), {})


def test_a_lower_sum_beside_a_row_that_is_gone_takes_back_that_and_no_more() -> None:
    story, ledger = paid_in_two()
    assert exported(ledger, (4000, "P1")).taken_back == {"EUR": 3000}
    assert [d.open_minor for d in story.account.debts] == [3000]


def test_what_was_taken_back_of_a_payment_is_booked_again_for_that_payment() -> None:
    story, ledger = paid_in_two()
    exported(ledger, (7000, "P1"), (1000, "P2"))
    exported(ledger, (7000, "P1"), (3000, "P2"))
    assert refs(story) == ["P1", "P2", "P2+2"]


def test_a_row_that_says_no_payment_takes_back_all_of_them() -> None:
    story, ledger = paid_in_two()
    assert exported(ledger).taken_back == {"EUR": PRICE}
    assert [d.open_minor for d in story.account.debts] == [PRICE]


def test_a_column_of_what_is_paid_by_now_takes_back_what_it_says_less() -> None:
    story, ledger = paid_in_two()
    ledger.payments = []
    ledger.pay("I1", 7000)
    ledger.payments = [replace(one, dated=False) for one in ledger.payments]
    assert ledger.comes().taken_back == {"EUR": 3000}
    assert [d.open_minor for d in story.account.debts] == [3000]


def test_an_export_of_new_payments_alone_adds_them() -> None:
    story, ledger = imported()
    exported(ledger, (7000, "P1"))
    exported(ledger, (3000, "P2"))
    assert (story.account.debts, story.account.credit, refs(story)) == ((), {}, ["P1", "P2"])


@pytest.mark.parametrize("other", [7000, 10_000])
def test_a_payment_under_another_name_is_not_booked_twice(other: int) -> None:
    story, ledger = imported()
    exported(ledger, (7000, "P1"))
    exported(ledger, (other, "X9"))
    assert sum(d.open_minor for d in story.account.debts) == PRICE - other
    assert story.account.credit == {}


def test_what_is_taken_back_of_a_transfer_names_the_parts_that_stay() -> None:
    story, ledger = imported()
    ledger.invoice("I2", -1).pay("I1", ref="T9").pay("I2", ref="T9").comes()
    took = corrections.take_back(story.store, "T9", None, story.now, STAFF, "never came")
    assert took == (PRICE, "EUR", ["T9+2"])
    assert [d.open_minor for d in story.account.debts] == [PRICE]
