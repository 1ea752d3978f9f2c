"""An account whose rows are refused is left as it was, people see it, and nothing is cut before that is over."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace
from tests.stories.ledger import PRICE, Ledger, imported
from tests.stories.story import STAFF, Story

from arrears.adapters.books import load_map, read_rows
from arrears.core import facts as f
from arrears.core.known import IMPORTER
from arrears.core.receivables import BookCredit, ReceivablesBook
from arrears.core.states import State
from arrears.engine import commands
from arrears.engine.commands import corrections
from arrears.engine.commands.importing import import_book

MAP: Final = """
[file]
date_format = "%Y-%m-%d"
[account]
ref = { column = "ref" }
country = { value = "NL" }
zone = { value = "UTC" }
locale = { value = "nl" }
[invoice]
number = { column = "number" }
service = { value = "cloud" }
issued_on = { column = "issued" }
due_on = { column = "due" }
amount = { column = "amount" }
currency = { value = "EUR" }
[mode]
value = "card"
"""


def refused(story: Story, ledger: Ledger) -> None:
    """The next export says that I1 is paid, and that it asks for more, which cannot be taken."""
    ledger.change("I1", total_minor=PRICE + 1).pay("I1", PRICE)
    assert list(ledger.comes(per_account=True).refused) == ["B1"]


def test_nothing_is_cut_while_an_accounts_rows_are_refused_and_people_have_one_task() -> None:
    story, ledger = imported()
    story.until(20)
    refused(story, ledger)
    ledger.comes(per_account=True)
    assert story.tasks() == ["change_not_recorded"]
    raised = [one for one in story.store.history(story.no) if isinstance(one.fact, f.DoubtRaised)]
    assert ["ask for the other" in one.why for one in raised] == [True, True]
    story.until(60)
    assert story.sub().state is State.PAST_DUE


def test_the_next_import_that_takes_its_rows_ends_it() -> None:
    story, ledger = imported()
    refused(story, ledger)
    ledger.change("I1", total_minor=PRICE).comes()
    assert (story.account.doubts, story.account.debts, story.tasks()) == ((), (), [])


def test_refused_again_the_task_is_counted_up_and_has_the_newest_reasons() -> None:
    story, ledger = imported()
    refused(story, ledger)
    ledger.change("I1", services=("other",)).comes(per_account=True)
    [task] = story.inner.tasks.values()
    assert (task.times, "says other" in task.what) == (2, True)
    assert len(story.account.doubts) == 1
    ledger.change("I1", services=("cloud",), total_minor=PRICE).comes()
    assert (story.account.doubts, story.tasks()) == ((), [])
    story.check()


def test_a_dry_run_leaves_no_task() -> None:
    story, ledger = imported()
    before = len(story.store.history(story.no))
    ledger.change("I1", total_minor=PRICE + 1)
    ledger.comes(per_account=True, dry_run=True)
    assert len(story.store.history(story.no)) == before
    assert not any(isinstance(one.fact, f.DoubtRaised) for one in story.store.history(story.no))


def renamed(ledger: Ledger, **as_now: str) -> Ledger:
    """The billing system calls the customer C1 from now on, and I1 is paid."""
    ledger.account = replace(ledger.account, ref="C1")
    return ledger.change("I1", account_ref="C1", **as_now).pay("I1")


def not_cut(story: Story) -> bool:
    """Whether B1 is in doubt, with one task, and nothing of it is stopped long after its day."""
    assert ([doubt.ref for doubt in story.account.doubts], story.tasks()) == (["book"], ["change_not_recorded"])
    story.until(80)
    return story.sub().state is State.PAST_DUE


@pytest.mark.parametrize("day", [5, 25], ids=["before the warning", "after it"])
def test_rows_of_another_name_that_name_an_accounts_invoice_put_it_in_doubt(day: int) -> None:
    story, ledger = imported()
    story.until(day)
    assert list(renamed(ledger).comes(per_account=True).refused) == ["C1"]
    [task] = story.inner.tasks.values()
    assert "C1: row 2, column number: invoice I1 is C1's, and here it is B1's already" in task.what
    assert not_cut(story)
    story.check()


def test_a_customer_that_was_renamed_here_too_early_is_in_doubt_while_the_file_has_its_old_name() -> None:
    story, ledger = imported()
    corrections.rename_ref(story.store, "B1", "C1", story.now, STAFF, "ahead of the billing system")
    assert list(ledger.pay("I1").comes(per_account=True).refused) == ["B1"]
    assert not_cut(story)


def other_reason(ledger: Ledger) -> ReceivablesBook:
    """C1's row is refused for something else: its policy."""
    renamed(ledger)
    ledger.account = replace(ledger.account, policy="nowhere")
    return ledger.book()


def credit_note(ledger: Ledger) -> ReceivablesBook:
    """C1, whose own invoice is right, has a credit note of B1's invoice."""
    note = BookCredit(3, "N1", "C1", "I1", ledger.invoices["I1"].issued_on, "EUR", PRICE)
    ledger.account = replace(ledger.account, ref="C1")
    ledger.invoices = {"I2": replace(ledger.invoices["I1"], number="I2", account_ref="C1")}
    return replace(ledger.book(), credits=(note,))


def numbered_apart(ledger: Ledger) -> ReceivablesBook:
    """C1 numbers its invoices apart now, and has B1's."""
    ledger.account = replace(ledger.account, ref="C1")
    ledger.invoices = {"C1/I1": replace(ledger.invoices["I1"], number="C1/I1", account_ref="C1")}
    return ledger.pay("C1/I1").book()


def payment(ledger: Ledger) -> ReceivablesBook:
    """C1's invoice is paid by a payment that B1 has."""
    ledger.account = replace(ledger.account, ref="C1")
    ledger.invoices = {"I2": replace(ledger.invoices["I1"], number="I2", account_ref="C1")}
    ledger.payments = []
    return ledger.pay("I2", ref="T1").book()


def both_names(ledger: Ledger) -> ReceivablesBook:
    """B1 has another invoice in the file, and C1 has B1's."""
    before = ledger.account
    book = renamed(ledger).book()
    own = replace(ledger.invoices["I1"], row=3, number="I3", account_ref="B1")
    return replace(book, accounts=(before, *book.accounts), invoices=(*book.invoices, own))


NAMES_ANOTHERS: Final = (other_reason, credit_note, numbered_apart, payment, both_names)


@pytest.mark.parametrize("says", NAMES_ANOTHERS)
def test_whatever_a_row_is_refused_for_whoever_has_what_it_names_is_in_doubt(
    says: Callable[[Ledger], ReceivablesBook],
) -> None:
    story, ledger = imported()
    if says is payment:
        ledger.pay("I1", PRICE // 2, ref="T1").comes()
    story.until(20)
    report = import_book(story.store, says(ledger), story.now, IMPORTER, per_account=True)
    assert list(report.refused) == ["C1"]
    assert not_cut(story)
    story.check()


def test_a_row_that_cannot_be_read_puts_whoever_has_its_invoice_in_doubt(tmp_path: Path) -> None:
    story, _ = imported()
    book_map = tmp_path / "map.toml"
    book_map.write_text(MAP)
    file = tmp_path / "book.csv"
    file.write_text(f"ref,number,issued,due,amount\nC1,I1,{story.date(-15)},{story.date(-1)},abc\n")
    with closing(read_rows(file, load_map(book_map))) as rows:
        assert list(import_book(story.store, rows, story.now, IMPORTER, per_account=True).refused) == ["C1"]
    assert not_cut(story)


def test_it_ends_when_the_rows_come_under_its_own_name_or_its_new_one_was_said() -> None:
    for said in (False, True):
        story, ledger = imported()
        before = ledger.account
        story.until(20)
        renamed(ledger).comes(per_account=True)
        if said:
            corrections.rename_ref(story.store, "B1", "C1", story.now, STAFF, "a new name")
        else:
            ledger.account = before
            ledger.change("I1", account_ref="B1").payments = []
            ledger.pay("I1")
        ledger.comes(per_account=True)
        assert (story.account.doubts, story.account.debts, story.tasks()) == ((), (), [])
        story.check()


def test_a_person_ends_it_and_the_next_book_that_says_so_asks_again() -> None:
    story, ledger = imported()
    renamed(ledger).comes(per_account=True)
    [(_, task)] = story.inner.tasks
    commands.close_task(story.store, story.no, task, story.now, STAFF, "they are two customers")
    assert (story.account.doubts, story.tasks()) == ((), [])
    ledger.comes(per_account=True)
    assert not_cut(story)


def test_of_one_transfer_for_several_customers_the_others_are_in_no_doubt() -> None:
    story, ledger = imported()
    ledger.pay("I1", PRICE // 2, ref="T1").comes()
    other = Ledger(story, "C1").invoice("I2", -1, services=("other",))
    other.account = replace(other.account, policy="nowhere")
    other.pay("I2", ref="T1")
    both = replace(
        ledger.book(),
        accounts=(ledger.account, other.account),
        invoices=(*ledger.invoices.values(), *other.invoices.values()),
        payments=(*ledger.payments, *other.payments),
    )
    assert list(import_book(story.store, both, story.now, IMPORTER, per_account=True).refused) == ["C1"]
    assert (story.account.doubts, story.tasks()) == ((), [])
