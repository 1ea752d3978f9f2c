"""A book that numbers its invoices otherwise than before, or calls a customer otherwise, brings no debt a second time
(spec, section 14: nothing is ever booked twice)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.stories.ledger import PRICE, Ledger, imported
from tests.stories.story import Story

from arrears.core.errors import Refused


def renumbered(ledger: Ledger, before: str, now: str) -> None:
    ledger.invoices = {now: replace(ledger.invoices[before], number=now)}


@pytest.mark.parametrize(("before", "now"), [("I1", "B1/I1"), ("B1/I1", "I1")], ids=["of each customer", "of all"])
def test_another_way_to_number_is_refused_with_the_way_out(before: str, now: str) -> None:
    story = Story(bill=False)
    ledger = Ledger(story).invoice(before, -1)
    ledger.comes()
    renumbered(ledger, before, now)
    with pytest.raises(Refused, match=f"invoice {now} is here as {before}, and would be asked twice; leave `numbers`"):
        ledger.comes()
    report = ledger.comes(per_account=True)
    assert (report.count["invoices"], len(report.refused)) == (0, 1)
    story.no = story.store.account_numbers(["B1"])["B1"]
    assert [(d.number, d.open_minor) for d in story.account.debts] == [(before, PRICE)]


def test_a_number_that_has_the_customers_reference_in_it_stands_beside_the_bare_one() -> None:
    story, ledger = imported()
    ledger.invoice("B1/I1", 5).comes()
    assert [d.number for d in story.account.debts] == ["I1", "B1/I1"]


@pytest.mark.parametrize("number", ["I1", "Bert BV/I1"])
def test_a_customer_of_another_name_whose_invoices_are_all_here_is_told_how_to_say_so(number: str) -> None:
    _story, ledger = imported()
    ledger.account = replace(ledger.account, ref="Bert BV")
    ledger.invoices = {number: replace(ledger.invoices["I1"], number=number, account_ref="Bert BV")}
    with pytest.raises(Refused, match="arrears account rename-ref B1 'Bert BV' --by YOU --why WHY"):
        ledger.comes()


def test_no_way_out_of_a_refusal_asks_for_the_same_debt_under_a_new_number() -> None:
    _story, ledger = imported()
    for other in ({"services": ("other",)}, {"currency": "USD"}):
        ledger.change("I1", **other)
        with pytest.raises(Refused, match="leave the same debt as it was; only another one gets another number"):
            ledger.comes()
