"""A book that numbers its invoices otherwise than before, or calls a customer otherwise, brings no debt a second time
(spec, section 14: nothing is ever booked twice)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.stories.ledger import PRICE, Ledger, imported
from tests.stories.story import STAFF, Story

from arrears.core.errors import Refused
from arrears.engine.commands import corrections


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


def test_a_customer_that_is_called_otherwise_is_the_same_account_once_that_was_said() -> None:
    story, ledger = imported()
    corrections.rename_ref(story.store, "B1", "Bert BV", story.now, STAFF, "a new name")
    ledger.account = replace(ledger.account, ref="Bert BV")
    ledger.change("I1", account_ref="Bert BV").pay("I1").comes()
    assert (story.store.account_numbers(["B1", "Bert BV"]), story.account.debts) == ({"Bert BV": story.no}, ())
    assert "called Bert BV, not B1: a new name" in [one.why for one in story.store.history(story.no)]


def test_a_reference_in_the_numbers_or_of_another_account_is_no_new_one() -> None:
    story = Story(bill=False)
    Ledger(story).invoice("B1/I1", -1).comes()
    Ledger(story, "C1").invoice("I2", -1).comes()
    for before, ref, code in (("B1", "X", "numbered_by_ref"), ("C1", "B1", "ref_taken"), ("Z", "X", "unknown_account")):
        with pytest.raises(Refused) as refused:
            corrections.rename_ref(story.store, before, ref, story.now, STAFF, "a new name")
        assert refused.value.code == code
