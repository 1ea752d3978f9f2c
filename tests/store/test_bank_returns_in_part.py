"""A return of which the bank kept charges, or to which it added them: what has left is owed again, and no more; and
what comes in because a debit is taken back, which is no new money of a customer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from tests.store.contract import at, invoice, open_book
from tests.store.test_bank import PAYER, STAFF, bank_sum, credit, open_of, statement, states, take
from tests.store.test_bank_returns import doubts_of, take_each

from arrears.core.bank.statements import BankEntry
from arrears.core.errors import Refused
from arrears.engine import commands
from arrears.engine.commands.bank import deciding
from arrears.engine.commands.bank.deciding import Share
from arrears.engine.commands.bank.taking import bank_hourly
from arrears.ports.bank import CreditState
from arrears.store.postgres.store import PostgresStore

PAID = credit(12_000, "INV-0001", PAYER, end_to_end="E1")
DAMAGED = credit(12_000, "INV-001", PAYER, end_to_end="E1")


@pytest.fixture
def store(make_postgres: Callable[[], PostgresStore]) -> PostgresStore:
    """Two accounts that owe EUR 120.00 each, invoices INV-0001 and INV-0002."""
    made = make_postgres()
    numbers = open_book(made, 2)
    commands.issue_invoices(made, [invoice(number, f"INV-{number:04}") for number in numbers], at(1), STAFF)
    return made


def back(minor: int, original: int = 0, charges: int = 0, end_to_end: str = "E1", iban: str = "") -> BankEntry:
    """A return on day 6, and what the bank says of it."""
    entry = credit(-minor, "return", iban, returned=True, end_to_end=end_to_end, day=6)
    said = replace(entry.transactions[0], original_minor=original, charges_minor=charges)
    return replace(entry, transactions=(said,))


def whys(store: PostgresStore) -> list[str]:
    return [one.why for one in store.credits_in(list(CreditState))]


@pytest.mark.parametrize(
    ("first", "returned", "owed", "stays", "said"),
    [
        (0, back(11_500, charges=500), 11_500, 500, ", but for €5.00"),
        (1, back(11_500, charges=500), 11_500, 500, ", but for €5.00"),
        (1, back(11_500, original=12_000), 11_500, 500, ", but for €5.00"),
        (0, back(12_500, charges=500), 12_000, 0, "; €5.00 above it are the bank's charges"),
        (1, back(12_500, original=12_000, charges=499), 12_000, 0, "; €5.00 above it are the bank's charges"),
        (0, back(11_500, charges=500, end_to_end="", iban=PAYER), 11_500, 500, ", but for €5.00"),
        (0, back(12_000, charges=500), 12_000, 0, ""),
    ],
    ids=["kept", "kept, first", "of what was paid", "added", "added to what was paid", "by the IBAN", "charged apart"],
)
def test_what_has_left_is_owed_again_and_no_more(
    store: PostgresStore, first: int, returned: BankEntry, owed: int, stays: int, said: str
) -> None:
    take_each(store, *((returned, PAID) if first else (PAID, returned)))
    assert [state for _, state in states(store)] == ["returned", "returned"]
    assert (open_of(store, 1), bank_sum(store)) == ([owed], stays)
    one, other = (1, 0) if first else (0, 1)
    assert whys(store)[other] == f"takes back credit {one + 1}{said}"
    assert whys(store)[one] == "the bank returned it (2026-01-06)" + (said if stays else "")
    assert [part.amount_minor for part in store.parts_of(one + 1)] == [stays] * bool(stays)
    assert (deciding.queue(store), store.check_all()[1]) == ([], [])


@pytest.mark.parametrize(
    "returned",
    [back(11_500), back(11_500, charges=499), back(11_500, original=11_999, charges=500), back(13_000)],
    ids=["nothing", "other charges", "another sum", "more"],
)
def test_a_difference_that_nobody_explains_waits_for_a_person(store: PostgresStore, returned: BankEntry) -> None:
    take_each(store, PAID, returned)
    assert ([state for _, state in states(store)], open_of(store, 1)) == (["matched", "waiting"], [])
    assert [one.number for one in deciding.queue(store)[0].may_take_back] == [1]
    deciding.book_return(store, 2, 1, at(8), STAFF, "the bank says so")
    assert open_of(store, 1) == [min(12_000, -returned.amount_minor)]
    assert store.check_all()[1] == []


def test_a_return_is_of_the_one_of_its_sum_where_two_are_called_alike(store: PostgresStore) -> None:
    take_each(store, PAID, credit(11_500, "INV-0002", PAYER, end_to_end="E1"), back(11_500, end_to_end="E1"))
    assert [state for _, state in states(store)] == ["matched", "returned", "returned"]
    assert (open_of(store, 1), open_of(store, 2)) == ([], [12_000])


@pytest.mark.parametrize("first", [0, 1], ids=["the credit first", "the return first"])
def test_whose_the_rest_is_is_said_before_a_part_is_taken_back(store: PostgresStore, first: int) -> None:
    returned = back(11_500, charges=500)
    take_each(store, *((returned, DAMAGED) if first else (DAMAGED, returned)))
    came, left = (2, 1) if first else (1, 2)
    assert {state for _, state in states(store)} == {"waiting"}
    with pytest.raises(Refused, match=f"€5.00 of credit {came} stays here.*arrears bank match {came}") as refused:
        deciding.book_return(store, left, came, at(8), STAFF, "the bank says so")
    assert refused.value.code == "bad_return"
    deciding.share_out(store, came, [Share(1, 12_000)], set(), at(8), STAFF, "theirs")
    assert {state for _, state in states(store)} == {"returned"}, "at once"
    assert (open_of(store, 1), bank_sum(store), doubts_of(store)) == ([11_500], 500, {})


@pytest.mark.parametrize("first", [True, False])
def test_a_part_of_what_is_none_of_ours_is_none_of_ours(store: PostgresStore, first: bool) -> None:
    take_each(store, DAMAGED, *([back(11_500, charges=500)] if first else []))
    deciding.ignore(store, 1, at(7), STAFF, "the neighbour's")
    if not first:
        take_each(store, back(11_500, charges=500))
    assert ({state for _, state in states(store)}, bank_sum(store)) == ({"returned"}, 0)


@pytest.mark.parametrize("ends", [False, True], ids=["", "the worker ends between two accounts"])
def test_of_what_two_accounts_paid_the_last_part_left_first(
    store: PostgresStore, ends: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_each(store, credit(20_000, "for both", PAYER, end_to_end="E1"))
    deciding.share_out(store, 1, [Share(1, 12_000), Share(2, 8_000)], set(), at(7), STAFF, "both")
    if ends:
        with monkeypatch.context() as ending:
            ending.setattr(store, "undo_parts", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                take_each(store, back(15_000, charges=5_000))
        bank_hourly(store, set(), 0, at(9))
    else:
        take_each(store, back(15_000, charges=5_000))
    assert (open_of(store, 1), open_of(store, 2), bank_sum(store)) == ([7_000], [12_000], 5_000)
    assert [(part.account, part.amount_minor) for part in store.parts_of(1)] == [(1, 5_000)]
    assert store.check_all()[1] == []


@pytest.mark.parametrize("number", [1, 2], ids=["of the credit", "of the return"])
def test_undoing_a_return_in_part_books_the_whole_again_once(store: PostgresStore, number: int) -> None:
    take_each(store, PAID, back(11_500, charges=500))
    deciding.undo(store, number, at(8), STAFF, "it was another's")
    bank_hourly(store, set(), 0, at(8))
    assert [state for _, state in states(store)] == ["matched", "waiting"]
    assert (open_of(store, 1), bank_sum(store)) == ([], 12_000)
    deciding.book_return(store, 2, 1, at(9), STAFF, "it was theirs")
    assert (open_of(store, 1), bank_sum(store)) == ([11_500], 500)
    assert store.check_all()[1] == []


# -- what comes in because a debit is taken back ----------------------------------------------------------------------

OUT = credit(-12_000, "INV-0001", PAYER, reference="R7", day=5)
MARKS = ("a reversal", "a return")


def coming_back(mark: str, minor: int = 12_000, iban: str = PAYER, reference: str = "R7") -> BankEntry:
    """Money that comes back on day 6, and says so."""
    entry = credit(minor, "INV-0001", iban, reference=reference, returned=mark == "a return", day=6)
    return replace(entry, reversal=mark == "a reversal")


@pytest.mark.parametrize("mark", MARKS)
def test_what_takes_back_a_debit_is_no_money_of_a_customer(store: PostgresStore, mark: str) -> None:
    take_each(store, coming_back(mark))
    assert (states(store), open_of(store, 1)) == ([(12_000, "waiting")], [12_000])
    assert whys(store) == ["it takes something back, and nobody can tell what"]
    assert list(doubts_of(store)) == [1, 2], "it may be theirs until a person has looked"
    deciding.share_out(store, 1, [Share(1, 12_000)], set(), at(8), STAFF, "they sent it, the bank errs")
    assert (open_of(store, 1), doubts_of(store)) == ([], {})


@pytest.mark.parametrize(
    ("mark", "first", "reference"),
    [("a reversal", 0, "R7"), ("a return", 1, "R7"), ("a return", 0, ""), ("a reversal", 1, "")],
)
def test_with_money_that_we_paid_it_is_closed(store: PostgresStore, mark: str, first: int, reference: str) -> None:
    comes = coming_back(mark, reference=reference)
    take_each(store, *((comes, OUT) if first else (OUT, comes)))
    assert sorted(states(store)) == [(-12_000, "returned"), (12_000, "returned")]
    assert sorted(whys(store)) == [f"takes back debit {2 if first else 1}", "the bank took it back (2026-01-06)"]
    assert (open_of(store, 1), bank_sum(store), doubts_of(store)) == ([12_000], 0, {})
    deciding.undo(store, 1, at(8), STAFF, "another one")
    assert sorted(states(store)) == [(-12_000, "noted"), (12_000, "waiting")]
    deciding.book_return(store, 1 if first else 2, 2 if first else 1, at(9), STAFF, "no, this")
    assert sorted(states(store)) == [(-12_000, "returned"), (12_000, "returned")]


@pytest.mark.parametrize("files", [1, 3])
@pytest.mark.parametrize("kept", [0, 500])
def test_a_return_that_is_itself_taken_back_leaves_the_payment_as_it_was(
    store: PostgresStore, files: int, kept: int
) -> None:
    returned = replace(back(12_000 - kept, charges=kept), bank_reference="R7")
    comes = coming_back("a reversal", 12_000 - kept, "")
    if files == 3:
        take_each(store, PAID, returned)
        assert (open_of(store, 1), bank_sum(store)) == ([12_000 - kept], kept)
        take_each(store, comes)
    else:
        take_each(store, PAID, returned, comes)
    assert [state for _, state in states(store)] == ["matched", "returned", "returned"]
    assert (open_of(store, 1), bank_sum(store)) == ([], 12_000)
    assert store.check_all()[1] == []
    deciding.undo(store, 3, at(8), STAFF, "it was another's")
    assert [state for _, state in states(store)] == ["returned", "returned", "waiting"]
    assert (open_of(store, 1), bank_sum(store)) == ([12_000 - kept], kept)


def test_which_of_two_debits_comes_back_is_said_by_a_person(store: PostgresStore) -> None:
    plain = replace(OUT, bank_reference="")
    take_each(store, plain, replace(plain, value_on=None), coming_back("a reversal", reference=""))
    assert [state for _, state in states(store)] == ["noted", "noted", "waiting"]
    assert [one.number for one in deciding.queue(store)[0].may_take_back] == [1, 2]
    deciding.book_return(store, 3, 2, at(8), STAFF, "the second")
    assert ([state for _, state in states(store)], doubts_of(store)) == (["noted", "returned", "returned"], {})
    with pytest.raises(Refused, match="returned already"):
        deciding.book_return(store, 3, 1, at(8), STAFF, "again")


@pytest.mark.parametrize("files", [1, 3])
def test_a_reversal_of_a_reversal_under_one_reference_is_all_three(store: PostgresStore, files: int) -> None:
    came = replace(PAID, bank_reference="R1")
    gone = replace(credit(-12_000, "INV-0001", PAYER, reference="R1", day=6), reversal=True)
    back_again = replace(credit(12_000, "INV-0001", PAYER, reference="R1", day=6), reversal=True)
    if files == 1:
        assert take(store, statement(came, gone, back_again, opening=50_000), day=7).state == "taken"
    else:
        take_each(store, came, gone, back_again)
    assert [state for _, state in states(store)] == ["matched", "returned", "returned"]
    assert (open_of(store, 1), bank_sum(store), store.check_all()[1]) == ([], 12_000, [])
