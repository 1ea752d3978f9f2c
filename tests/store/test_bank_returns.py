"""A transfer that the bank takes back before anybody could tell whose it is, in both orders."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from tests.store.contract import at, invoice, open_book
from tests.store.test_bank import PAYER, STAFF, bank_sum, credit, open_of, statement, states, take

from arrears.core.bank.statements import BankEntry, wrong_with
from arrears.core.errors import Refused
from arrears.engine import commands
from arrears.engine.commands.bank import deciding
from arrears.engine.commands.bank.deciding import Share
from arrears.engine.commands.bank.taking import bank_hourly
from arrears.ports.bank import CreditState
from arrears.store.postgres.store import PostgresStore

DAMAGED = credit(12_000, "INV-001", PAYER, end_to_end="E1")
BACK = credit(-12_000, "return", returned=True, end_to_end="E1", day=6)
REVERSED = replace(credit(-12_000, "reversal", reference="R1", day=6), reversal=True)


@pytest.fixture
def store(make_postgres: Callable[[], PostgresStore]) -> PostgresStore:
    """Two accounts that owe EUR 120.00 each, invoices INV-0001 and INV-0002."""
    made = make_postgres()
    numbers = open_book(made, 2)
    commands.issue_invoices(made, [invoice(number, f"INV-{number:04}") for number in numbers], at(1), STAFF)
    return made


def take_each(store: PostgresStore, *entries: BankEntry) -> None:
    """A file for each, in this order, as a bank numbers its days."""
    opening = 50_000
    for place, entry in enumerate(entries):
        take(store, statement(entry, opening=opening), f"{place}.xml", day=7)
        opening += entry.amount_minor


def together(store: PostgresStore) -> None:
    """The two are closed, with their reasons, and nobody can book the one."""
    [one] = [some for some in store.credits_in(list(CreditState)) if some.amount_minor > 0]
    [back] = [some for some in store.credits_in(list(CreditState)) if some.amount_minor < 0]
    assert (one.state, back.state, back.takes_back) == (CreditState.RETURNED, CreditState.RETURNED, one.number)
    assert (one.why, back.why) == ("the bank returned it (2026-01-06)", f"takes back credit {one.number}")
    assert (bank_sum(store), doubts_of(store), deciding.queue(store)) == (0, {}, [])
    with pytest.raises(Refused) as refused:
        deciding.share_out(store, one.number, [Share(1, 12_000)], set(), at(8), STAFF, "theirs")
    assert refused.value.code == "credit_decided"
    assert store.check_all()[1] == []


def doubts_of(store: PostgresStore) -> dict[int, int]:
    accounts = store.snapshots([1, 2])
    return {number: len(account.doubts) for number, account in accounts.items() if account.doubts}


@pytest.mark.parametrize("first", [0, 1], ids=["the credit first", "the return first"])
@pytest.mark.parametrize(
    ("came", "back", "files"),
    [
        (DAMAGED, BACK, 2),
        (DAMAGED, BACK, 1),
        (replace(DAMAGED, bank_reference="R1"), REVERSED, 2),
        (credit(12_000, "INV-0001", PAYER, end_to_end="E1"), BACK, 2),
        (credit(12_000, "INV-0001", PAYER), credit(-12_000, "", PAYER, returned=True, day=6), 2),
    ],
    ids=["the payer's reference", "in one file", "the bank's reference", "what is matched", "the IBAN of it"],
)
def test_a_return_finds_what_it_takes_back_in_both_orders(
    store: PostgresStore, came: BankEntry, back: BankEntry, files: int, first: int
) -> None:
    entries = (back, came) if first else (came, back)
    if files == 2:
        take_each(store, *entries)
    else:
        take(store, statement(*entries, opening=50_000), day=7)
    together(store)
    assert open_of(store, 1) == [12_000]


def test_a_credit_that_was_ignored_is_taken_back_too(store: PostgresStore) -> None:
    take_each(store, DAMAGED)
    deciding.ignore(store, 1, at(7), STAFF, "the neighbour's")
    take(store, statement(BACK, opening=62_000), "b", day=7)
    together(store)


@pytest.mark.parametrize(
    "others",
    [
        (replace(DAMAGED, bank_reference="R1"), replace(DAMAGED, bank_reference="R2")),
        (credit(12_000, "INV-001", "NL91ABNA0417164300", end_to_end="E2"),),
        (credit(12_100, "INV-001", end_to_end="E1"),),
        (credit(12_000, "INV-001", end_to_end="E1", day=7),),
        (credit(12_000, "who knows", PAYER, end_to_end="E2"),),
    ],
    ids=["two", "another reference", "another sum", "later than the return", "its IBAN alone"],
)
def test_a_return_of_what_is_not_clear_waits_for_a_person(store: PostgresStore, others: tuple[BankEntry, ...]) -> None:
    take_each(store, *others, replace(BACK, transactions=(replace(BACK.transactions[0], iban=PAYER),)))
    assert {state for _, state in states(store)} == {"waiting"}


def test_what_two_payers_call_alike_is_not_returned_for_the_other(store: PostgresStore) -> None:
    others = replace(BACK, transactions=(replace(BACK.transactions[0], iban="NL39RABO0300065264"),))
    take_each(store, DAMAGED, others)
    assert states(store) == [(12_000, "waiting"), (-12_000, "waiting")]


def test_a_return_without_a_name_is_not_of_the_one_that_is_booked_while_another_waits(store: PostgresStore) -> None:
    take_each(
        store,
        credit(12_000, "INV-0001", PAYER),
        credit(12_000, "INV-001", PAYER),
        credit(-12_000, "", PAYER, returned=True, day=6),
    )
    assert states(store) == [(12_000, "matched"), (12_000, "waiting"), (-12_000, "waiting")]
    assert [one.number for one in deciding.queue(store)[1].may_take_back] == [1, 2]


@pytest.mark.parametrize("number", [1, 2], ids=["of the credit", "of the return"])
def test_undoing_a_return_opens_both_and_no_look_closes_them_again(store: PostgresStore, number: int) -> None:
    take_each(store, DAMAGED, BACK)
    assert deciding.undo(store, number, at(8), STAFF, "it was another's") == {}
    bank_hourly(store, set(), 0, at(8))
    assert states(store) == [(12_000, "waiting"), (-12_000, "waiting")]
    assert list(doubts_of(store)) == [1, 2]
    deciding.book_return(store, 2, 1, at(9), STAFF, "it was theirs")
    assert (states(store), doubts_of(store)) == ([(12_000, "returned"), (-12_000, "returned")], {})


def test_undoing_a_return_of_what_was_booked_books_it_again(store: PostgresStore) -> None:
    take_each(store, credit(12_000, "INV-0001", end_to_end="E1"), BACK)
    assert (open_of(store, 1), bank_sum(store)) == ([12_000], 0)
    deciding.undo(store, 2, at(8), STAFF, "it was another's")
    bank_hourly(store, set(), 0, at(8))
    assert states(store) == [(12_000, "matched"), (-12_000, "waiting")]
    assert (open_of(store, 1), bank_sum(store)) == ([], 12_000)
    assert store.check_all()[1] == []


@pytest.mark.parametrize("was", ["waiting", "matched", "ignored"])
def test_a_person_says_what_a_return_takes_back(store: PostgresStore, was: str) -> None:
    take_each(store, credit(12_000, "INV-0001" if was == "matched" else "INV-001"), replace(BACK, bank_reference="R9"))
    if was == "ignored":
        deciding.ignore(store, 1, at(7), STAFF, "the neighbour's")
    assert states(store) == [(12_000, was), (-12_000, "waiting")]
    with pytest.raises(Refused, match="arrears bank return 2 CREDIT") as refused:
        deciding.share_out(store, 2, [Share(1, -12_000)], set(), at(8), STAFF, "theirs")
    assert refused.value.code == "bank_return"
    deciding.book_return(store, 2, 1, at(8), STAFF, "the bank says so")
    assert states(store) == [(12_000, "returned"), (-12_000, "returned")]
    assert (open_of(store, 1), bank_sum(store), doubts_of(store)) == ([12_000], 0, {})
    with pytest.raises(Refused, match="returned already"):
        deciding.book_return(store, 2, 1, at(8), STAFF, "again")
    assert store.check_all()[1] == []


def test_money_that_the_bank_does_not_call_a_return_can_be_one(store: PostgresStore) -> None:
    take_each(store, credit(12_000, "INV-0001"), credit(-12_000, "unmarked", day=6))
    assert states(store) == [(12_000, "matched"), (-12_000, "noted")]
    deciding.book_return(store, 2, 1, at(8), STAFF, "the bank says so")
    assert (open_of(store, 1), bank_sum(store)) == ([12_000], 0)


@pytest.mark.parametrize(("debit", "takes"), [(3, 1), (1, 1), (1, 3), (2, 2)])
def test_a_person_cannot_say_that_a_return_takes_back_another_sum(store: PostgresStore, debit: int, takes: int) -> None:
    take_each(store, credit(500, "who"), credit(700, "knows"), credit(-600, "return", returned=True, day=6))
    before = states(store)
    with pytest.raises(Refused) as refused:
        deciding.book_return(store, debit, takes, at(8), STAFF, "x")
    assert (refused.value.code, states(store)) == ("bad_return", before)


def test_a_worker_that_ends_while_it_closes_the_two_leaves_nothing_half_done(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_each(store, DAMAGED)
    decide = store.decide_credit

    def ends(number: int, *said: object, **more: object) -> bool:
        if number == 2:
            raise KeyboardInterrupt
        return decide(number, *said, **more)  # type: ignore[arg-type]  # as it was called

    with monkeypatch.context() as ending:
        ending.setattr(store, "decide_credit", ends)
        with pytest.raises(KeyboardInterrupt):
            take(store, statement(BACK, opening=62_000), "b", day=7)
    assert states(store) == [(12_000, "waiting"), (-12_000, "new")]
    assert list(doubts_of(store)) == [1, 2]
    bank_hourly(store, set(), 0, at(9))
    together(store)


def test_an_entry_and_what_reverses_it_may_stand_in_one_statement_with_one_reference() -> None:
    [both] = statement(replace(DAMAGED, bank_reference="R1"), REVERSED).statements
    assert wrong_with(both) == ""
    [twice] = statement(replace(DAMAGED, bank_reference="R1"), replace(REVERSED, reversal=False)).statements
    assert "stands twice" in wrong_with(twice)
