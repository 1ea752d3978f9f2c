"""What a book says and an import does not take is refused in one line, or counted (spec, section 14)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.stories.ledger import Ledger, imported
from tests.stories.story import STAFF

from arrears.core.errors import Refused
from arrears.core.receivables import BookCredit
from arrears.engine.commands import corrections


def test_a_credit_note_of_an_invoice_that_is_not_here_is_account_credit_and_counted() -> None:
    story, ledger = imported()
    ledger.credits = [BookCredit(3, "CN-1", "B1", "I9", ledger.invoices["I1"].issued_on, "EUR", 3000)]
    assert ledger.comes().count["credits_of_none"] == 1
    assert [d.open_minor for d in story.account.debts] == [7000]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"currency": "USD"}, "credit note CN-1 is in USD, and its invoice I1 in EUR"),
        ({"number": "I1", "invoice_number": ""}, "credit note I1 has the number of an invoice"),
        ({"invoice_number": "C1"}, "credit note CN-1 is B1's, and invoice C1 is C1's"),
    ],
    ids=["currency", "number", "another customer's"],
)
@pytest.mark.parametrize("named", ["in the file", "here"])
def test_a_credit_note_that_cannot_be_one_is_refused(wrong: dict[str, str], reason: str, named: str) -> None:
    story, ledger = imported()
    Ledger(story, "C1").invoice("C1", -1).comes()
    note = BookCredit(3, "CN-1", "B1", "I1", ledger.invoices["I1"].issued_on, "EUR", 3000)
    ledger.credits = [replace(note, **wrong)]
    if named == "here":
        ledger.invoices.clear()
    with pytest.raises(Refused, match=reason):
        ledger.comes()
    assert story.account.credit == {}


def test_what_was_given_up_here_and_is_open_in_the_file_is_counted() -> None:
    story, ledger = imported()
    corrections.give_up(story.store, "I1", story.now, STAFF, "too old")
    report = ledger.comes()
    assert (report.count["given_up_here"], report.changes, story.account.debts) == (1, [], ())
    assert ledger.pay("I1").comes().count["given_up_here"] == 0
