"""A book that numbers its invoices otherwise than before, or calls a customer otherwise, brings no debt a second time
(spec, section 14: nothing is ever booked twice)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.stories.ledger import PRICE, Ledger, imported
from tests.stories.story import STAFF, Story

from arrears.core.errors import Refused
from arrears.core.known import IMPORTER
from arrears.core.states import State
from arrears.engine.commands import corrections
from arrears.engine.commands.importing import import_book


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


def numbered_apart() -> tuple[Story, Ledger]:
    """A customer whose invoices are numbered apart, and who is called otherwise in the next export."""
    story = Story(bill=False)
    ledger = Ledger(story).invoice("B1/1", -1).invoice("B1/2", 5)
    ledger.comes()
    story.no = story.store.account_numbers(["B1"])["B1"]
    ledger.account = replace(ledger.account, ref="C1")
    for number in ("1", "2"):
        was = ledger.invoices.pop(f"B1/{number}")
        ledger.invoices[f"C1/{number}"] = replace(was, number=f"C1/{number}", account_ref="C1")
    return story, ledger


def test_a_customer_numbered_apart_whose_name_changes_is_not_asked_twice() -> None:
    story, ledger = numbered_apart()
    story.until(20)
    with pytest.raises(Refused, match=r"is here as B1's.*say `arrears account rename-ref B1 C1 --by YOU --why WHY`"):
        ledger.comes()
    ledger.pay("C1/1").pay("C1/2")
    assert list(ledger.comes(per_account=True).refused) == ["C1"]
    assert (story.store.account_numbers(["C1"]), story.tasks()) == ({}, ["change_not_recorded"])
    story.until(60)
    assert story.sub().state is State.PAST_DUE, "what was refused may say that it is paid"


def test_it_is_found_by_its_old_numbers_once_the_new_name_was_said() -> None:
    story, ledger = numbered_apart()
    corrections.rename_ref(story.store, "B1", "C1", story.now, STAFF, "a new name")
    assert ledger.comes().changes == []
    report = ledger.invoice("C1/3", 9).pay("C1/1").comes()
    assert (report.changed, report.count["invoices"], report.count["invoices_gone"]) == ({"paid": 1}, 1, 0)
    assert [(d.number, d.open_minor) for d in story.account.debts] == [("B1/2", PRICE), ("C1/3", PRICE)]
    corrections.rename_ref(story.store, "C1", "D1", story.now, STAFF, "another one")
    numbers = {"C1/1": "D1/1", "C1/2": "D1/2", "C1/3": "D1/3"}
    ledger.account = replace(ledger.account, ref="D1")
    ledger.invoices = {now: replace(ledger.invoices[was], number=now, account_ref="D1") for was, now in numbers.items()}
    ledger.payments = []
    assert (ledger.pay("D1/1").comes().changes, len(story.account.debts)) == ([], 2)


def test_another_customer_with_the_same_numbers_days_and_sums_is_one_where_the_other_is_in_the_file_too() -> None:
    story, ledger = numbered_apart()
    other = Ledger(story).invoice("B1/1", -1)
    both = replace(
        ledger.book(),
        accounts=(other.account, ledger.account),
        invoices=(*other.invoices.values(), *ledger.invoices.values()),
    )
    import_book(story.store, both, story.now, IMPORTER)
    assert set(story.store.account_numbers(["B1", "C1"])) == {"B1", "C1"}


def test_a_reference_of_another_account_is_no_new_one() -> None:
    story = Story(bill=False)
    Ledger(story).invoice("B1/I1", -1).comes()
    Ledger(story, "C1").invoice("I2", -1).comes()
    for before, ref, code in (("C1", "B1", "ref_taken"), ("Z", "X", "unknown_account")):
        with pytest.raises(Refused) as refused:
            corrections.rename_ref(story.store, before, ref, story.now, STAFF, "a new name")
        assert refused.value.code == code


@pytest.mark.parametrize("again", ["i1", "I 1", "00I1", "\uff291"])
def test_one_number_written_in_two_ways_is_one_debt(again: str) -> None:
    story, ledger = imported()
    said = f"column number: invoice {again} would be asked twice: I1 is here already with the same date and sum"
    ledger.invoices[again] = replace(ledger.invoices["I1"], number=again, row=3)
    with pytest.raises(Refused, match=said):
        ledger.comes()
    del ledger.invoices["I1"]
    with pytest.raises(Refused, match=said):
        ledger.comes()
    assert [d.number for d in story.account.debts] == ["I1"]


def test_and_so_it_is_in_a_first_file_with_both_rows_named() -> None:
    ledger = Ledger(Story(bill=False)).invoice("A1", -1).invoice("a1", -1)
    with pytest.raises(Refused, match="row 3, column number: invoice a1 would be asked twice: A1 is on row 2 with the"):
        ledger.comes()
    ledger.change("a1", total_minor=PRICE + 1)
    assert ledger.comes().count["invoices"] == 2, "another sum is another invoice"


def test_an_unknown_number_says_how_numbers_are_given() -> None:
    story, _ = numbered_apart()
    with pytest.raises(Refused, match="no invoice '1'; give the number that is on it, or CUSTOMER/NUMBER where"):
        corrections.void(story.store, "1", story.now, STAFF, "wrong")
