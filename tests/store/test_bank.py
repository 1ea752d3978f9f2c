"""What comes by bank, on PostgreSQL: each credit once, booked where it decides by itself, a doubt where it does not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import date

import pytest
from msgspec.structs import replace
from tests.store.contract import API, at, invoice, open_book

from arrears.core import facts as f
from arrears.core.account import DoubtKind
from arrears.core.bank.creditor_reference import creditor_reference
from arrears.core.bank.statements import (
    Balance,
    BankEntry,
    BankFile,
    BankStatement,
    BankTransaction,
    StatementKind,
)
from arrears.core.errors import Refused
from arrears.engine import commands
from arrears.engine.commands.bank import deciding, taking
from arrears.engine.commands.bank.crediting import end_old_doubts
from arrears.engine.commands.bank.deciding import Share
from arrears.engine.commands.bank.taking import TakenFile, bank_hourly, take_file
from arrears.engine.run import run
from arrears.engine.system import set_book_taken
from arrears.ports.bank import CreditState
from arrears.store.postgres.store import PostgresStore

OURS = {("NL91ABNA0417164300", "EUR")}
PAYER = "DE89370400440532013000"
STAFF = "staff:1"


@pytest.fixture
def store(make_postgres: Callable[[], PostgresStore]) -> PostgresStore:
    """Three accounts that owe EUR 120.00 each since day 1, invoices INV-0001 and on; the third two of them."""
    made = make_postgres()
    numbers = open_book(made, 3)
    issued = [invoice(number, f"INV-{number:04}") for number in numbers] + [invoice(3, "INV-0004", due_day=2)]
    commands.issue_invoices(made, issued, at(1), API)
    run(made, at(2, 9))
    return made


def credit(
    minor: int,
    text: str = "",
    iban: str = "",
    reference: str = "",
    returned: bool = False,
    day: int = 5,
    end_to_end: str = "",
) -> BankEntry:
    said = BankTransaction(
        minor, "EUR", end_to_end=end_to_end, texts=(text,), iban=iban, name="Somebody", returned=returned
    )
    booked = date(2026, 1, day)
    return BankEntry(minor, "EUR", booked, booked, reference, transactions=(said,))


def statement(
    *entries: BankEntry, opening: int = 0, kind: StatementKind = StatementKind.STATEMENT, day: int = 5
) -> BankFile:
    closing = opening + sum(entry.amount_minor for entry in entries)
    balances = (Balance(opening, "EUR"), Balance(closing, "EUR", date(2026, 1, day)))
    ends = balances if kind is StatementKind.STATEMENT else (None, None)
    return BankFile((BankStatement("camt.053.001.08", kind, "NL91ABNA0417164300", "EUR", *ends, entries),))


def take(store: PostgresStore, file: BankFile, name: str = "a.xml", day: int = 6) -> TakenFile:
    digest = hashlib.sha256(repr((file, name)).encode()).digest()
    return take_file(store, file, digest, name, OURS, at(day))


def states(store: PostgresStore) -> list[tuple[int, str]]:
    return [(one.amount_minor, one.state.value) for one in store.credits_in(list(CreditState))]


def open_of(store: PostgresStore, account: int) -> list[int]:
    return [debt.open_minor for debt in store.snapshots([account])[account].debts]


def doubts(store: PostgresStore) -> dict[int, list[str]]:
    accounts = store.snapshots([1, 2, 3])
    found = {n: [d.ref for d in a.doubts if d.kind is DoubtKind.BANK_CREDIT] for n, a in accounts.items()}
    return {n: refs for n, refs in found.items() if refs}


def bank_sum(store: PostgresStore) -> int:
    with store.reading() as db:
        row = db.execute("SELECT coalesce(sum(minor), 0)::bigint FROM entry WHERE ledger = 'bank'").fetchone()
    assert row is not None
    return int(row[0])


def test_a_credit_that_names_an_invoice_is_booked_and_what_was_stopped_resumes_in_one_transaction(
    store: PostgresStore,
) -> None:
    run(store, at(3, 9))
    take(store, statement(credit(12_000, "invoice INV-0001")))
    assert states(store) == [(12_000, "matched")]
    assert open_of(store, 1) == []
    booked = [one for one in store.history(1) if isinstance(one.fact, f.PaymentBooked)]
    assert [one.fact.ref for one in booked if isinstance(one.fact, f.PaymentBooked)] == ["bank:1"]
    assert store.snapshots([1])[1].case is None
    assert store.check_all()[1] == []


def test_i20_the_same_file_an_overlap_and_an_early_notice_give_each_credit_once(store: PostgresStore) -> None:
    paid, other = credit(12_000, "INV-0001", reference="R1"), credit(500, "who knows", reference="R2")
    assert take(store, statement(paid, kind=StatementKind.EARLY), "early").state == "taken"
    assert take(store, statement(paid, kind=StatementKind.EARLY), "early").state == "known"
    assert take(store, statement(paid, other), "day").state == "taken"
    assert take(store, statement(paid, other), "day again").state == "taken"
    assert take(store, statement(other, paid, credit(700, reference="R3")), "overlap").state == "taken"
    assert sorted(states(store)) == [(500, "waiting"), (700, "waiting"), (12_000, "matched")]
    assert bank_sum(store) == 12_000


def test_two_equal_credits_of_one_statement_are_two(store: PostgresStore) -> None:
    half = credit(6_000, "INV-0001")
    take(store, statement(half, half))
    assert states(store) == [(6_000, "matched"), (6_000, "matched")]
    assert open_of(store, 1) == []


@pytest.mark.parametrize(
    ("file", "state", "why"),
    [
        (BankFile(refused="it is empty", code="empty_file"), "refused", "it is empty"),
        (statement(credit(12_000, "INV-0001")), "taken", ""),
        (BankFile((replace(statement(credit(12_000, "INV-0001")).statements[0], closing=Balance(1, "EUR")),)),
         "quarantined", "it begins"),
        (BankFile((replace(statement().statements[0], account="XX"),)),
         "quarantined", "is not one of our bank accounts"),
    ],
)  # fmt: skip
def test_what_is_wrong_settles_nothing(store: PostgresStore, file: BankFile, state: str, why: str) -> None:
    taken = take(store, file)
    assert (taken.state, why in taken.why) == (state, True)
    assert bank_sum(store) == (12_000 if state == "taken" else 0)


def test_a_missing_statement_makes_invoice_mode_wait_until_it_comes(store: PostgresStore) -> None:
    take(store, statement(opening=0, day=5), "5")
    assert store.system().books_refused == ()
    late = take(store, statement(opening=500, day=7), "7")
    assert late.state == "taken"
    assert "one is missing" in next(iter(late.gaps.values()))
    assert store.system().guards.bank_stale
    take(store, statement(credit(500, "x", day=6), opening=0, day=6), "6")
    assert store.system().books_refused == ()


def test_whoever_ends_before_a_file_is_kept_has_said_what_is_missing_with_it(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(store, statement(opening=0, day=5), "5")

    class Ended(BaseException):
        """As where the power fails."""

    def end(*_: object) -> None:
        raise Ended

    with monkeypatch.context() as broken:
        broken.setattr(taking, "look_at", end)
        broken.setattr(taking, "_standing_gaps", end)
        with pytest.raises(Ended):
            take(store, statement(opening=500, day=7), "7")
    assert take(store, statement(opening=500, day=7), "7").state == "known"
    assert store.system().guards.bank_stale


def test_a_gap_that_a_person_has_closed_stays_closed_and_another_is_one_again(store: PostgresStore) -> None:
    take(store, statement(opening=0, day=5), "5")
    take(store, statement(opening=500, day=7), "7")
    take(store, statement(opening=500, day=8), "8")
    assert store.system().guards.bank_stale, "a later one that ends with as much closes no gap"
    [gap] = store.system().books_refused
    set_book_taken(store, gap, at(8), API, "the bank says that there is none")
    take(store, statement(opening=500, day=9), "9")
    assert not store.system().guards.bank_stale
    take(store, statement(opening=900, day=12), "12")
    assert store.system().guards.bank_stale


@pytest.mark.parametrize(("code", "waits"), [("not_xml", True), ("no_such_file", False)])
def test_a_file_that_cannot_be_read_may_say_who_has_paid_until_a_statement_comes(
    store: PostgresStore, code: str, waits: bool
) -> None:
    take(store, BankFile(refused="line 3: it is not well-formed", code=code))
    assert (store.system().guards.bank_stale, store.system().guards.feed_stale) == (waits, False)
    take(store, statement(), "5")
    assert not store.system().guards.bank_stale


def test_what_nobody_can_tell_is_a_doubt_of_those_whom_it_may_belong_to(store: PostgresStore) -> None:
    take(store, statement(credit(11_000, "INV-001"), credit(12_000, "thanks")))
    assert [state for _, state in states(store)] == ["waiting", "waiting"]
    assert doubts(store) == {1: ["bank:1", "bank:2"], 2: ["bank:2"], 3: ["bank:2"]}
    first, second = deciding.queue(store)
    assert [one.account for one in first.suggestions] == [1]
    assert {one.account for one in second.suggestions} == {1, 2, 3}
    end_old_doubts(store, date(2026, 1, 12), at(12))
    assert doubts(store)[2] == ["bank:2"]
    end_old_doubts(store, date(2026, 1, 13), at(13))
    assert doubts(store) == {1: ["bank:1"]}
    deciding.ignore(store, 1, at(14), STAFF, "the neighbour's")
    assert doubts(store) == {}
    assert [state for _, state in states(store)] == ["ignored", "waiting"]


def test_a_person_matches_and_the_iban_is_known_from_then_on(store: PostgresStore) -> None:
    take(store, statement(credit(12_000, "thanks", PAYER)))
    deciding.share_out(store, 1, [Share(2, 12_000)], set(), at(7), STAFF, "they telephoned")
    assert open_of(store, 2) == []
    assert doubts(store) == {}
    commands.issue_invoices(store, [invoice(2, "INV-0005")], at(8), API)
    take(store, statement(credit(12_000, "again", PAYER, day=9), opening=12_000, day=9), "b", day=9)
    assert states(store) == [(12_000, "matched"), (12_000, "matched")]
    assert open_of(store, 2) == []


def test_undoing_takes_back_what_was_booked_and_forgets_what_it_taught(store: PostgresStore) -> None:
    take(store, statement(credit(12_000, "thanks", PAYER)))
    deciding.share_out(store, 1, [Share(2, 12_000)], set(), at(7), STAFF, "they telephoned")
    assert deciding.undo(store, 1, at(8), STAFF, "it was another") == {2: "€120.00"}
    assert open_of(store, 2) == [12_000]
    assert states(store) == [(12_000, "waiting")]
    assert bank_sum(store) == 0
    assert not store.payers_of([PAYER])
    deciding.share_out(store, 1, [Share(1, 12_000)], set(), at(9), STAFF, "theirs")
    assert (open_of(store, 1), open_of(store, 2), bank_sum(store)) == ([], [12_000], 12_000)
    assert store.check_all()[1] == []


def test_one_transfer_pays_several_invoices_of_several_accounts(store: PostgresStore) -> None:
    take(store, statement(credit(30_000, "for all of us")))
    parts = [Share(1, 12_000, (1,)), Share(3, 18_000, (1, 2))]
    with pytest.raises(Refused, match="parts must be that in sum"):
        deciding.share_out(store, 1, parts[:1], set(), at(7), STAFF, "their letter")
    deciding.share_out(store, 1, parts, set(), at(7), STAFF, "their letter")
    assert (open_of(store, 1), open_of(store, 3), bank_sum(store)) == ([], [6_000], 30_000)
    with pytest.raises(Refused, match="matched already"):
        deciding.ignore(store, 1, at(8), STAFF, "x")
    deciding.undo(store, 1, at(9), STAFF, "a mistake")
    assert (open_of(store, 1), open_of(store, 3), bank_sum(store)) == ([12_000], [12_000, 12_000], 0)


@pytest.mark.parametrize("spent", [False, True])
def test_a_returned_transfer_opens_what_it_paid_wherever_that_money_is(store: PostgresStore, spent: bool) -> None:
    take(store, statement(credit(15_000 if spent else 12_000, "INV-0001", PAYER)))
    if spent:
        deciding.share_out(store, 1, [Share(1, 15_000)], set(), at(7), STAFF, "too much")
        commands.issue_invoices(store, [invoice(1, "INV-0006", due_day=8)], at(8), API)
        assert open_of(store, 1) == [9_000]
    minor = 15_000 if spent else 12_000
    back = credit(-minor, "return", PAYER, returned=True, day=9)
    take(store, statement(back, opening=minor, day=9), "b", day=9)
    assert states(store) == [(minor, "returned"), (-minor, "returned")]
    assert sum(open_of(store, 1)) == (24_000 if spent else 12_000)
    assert bank_sum(store) == 0
    assert store.check_all()[1] == []


def test_money_that_goes_out_is_noted_and_a_return_of_nothing_waits(store: PostgresStore) -> None:
    take(store, statement(credit(-300, "bank charges"), credit(-900, "return", PAYER, returned=True), opening=9_000))
    assert states(store) == [(-300, "noted"), (-900, "waiting")]
    assert doubts(store) == {}


def test_what_a_process_left_is_taken_up_by_the_next(store: PostgresStore) -> None:
    file = statement(credit(12_000, "INV-0001"))
    store.keep_bank_file(b"1" * 32, "killed.xml", file.statements, at(6))
    assert states(store) == [(12_000, "new")]
    take(store, statement(opening=12_000, day=6), "next")
    assert states(store) == [(12_000, "matched")]
    assert bank_sum(store) == 12_000


def test_a_worker_that_ends_while_it_takes_back_leaves_nothing_half_done(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(store, statement(credit(12_000, "INV-0001", PAYER)))

    def ends(_number: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as ending:
        ending.setattr(store, "forget_payers", ends)
        with pytest.raises(KeyboardInterrupt):
            take(
                store, statement(credit(-12_000, "return", PAYER, returned=True, day=9), opening=12_000, day=9), "b", 9
            )
    assert states(store) == [(12_000, "matched"), (-12_000, "new")]
    bank_hourly(store, OURS, 0, at(9))
    assert states(store) == [(12_000, "returned"), (-12_000, "returned")]
    assert (open_of(store, 1), bank_sum(store)) == ([12_000], 0)


def test_a_reference_made_of_numbers_finds_its_invoice(store: PostgresStore) -> None:
    take(store, statement(credit(12_000, creditor_reference("A3I2")), credit(12_000, creditor_reference("INV0002"))))
    assert (open_of(store, 3), open_of(store, 2)) == ([12_000], [])


def test_i20_orders_of_files_give_the_same_books(make_postgres: Callable[[], PostgresStore]) -> None:
    days: Sequence[tuple[BankFile, str]] = (
        (statement(credit(12_000, "INV-0001", reference="R1"), kind=StatementKind.EARLY), "early"),
        (statement(credit(12_000, "INV-0001", reference="R1")), "day"),
        (statement(credit(5_000, "INV-0002", reference="R2", day=6), opening=12_000, day=6), "next"),
    )
    ends = []
    for order in ((0, 1, 2), (2, 1, 0), (1, 0, 2), (2, 0, 1)):
        made = make_postgres()
        open_book(made, 3)
        commands.issue_invoices(made, [invoice(n, f"INV-{n:04}") for n in (1, 2, 3)], at(1), API)
        for place in order:
            take(made, *days[place])
        ends.append(([open_of(made, n) for n in (1, 2, 3)], bank_sum(made), made.system().books_refused))
    assert ends == [([[], [7_000], [12_000]], 17_000, ())] * 4


def test_no_new_statement_makes_invoice_mode_wait_where_there_is_to_be_one(store: PostgresStore) -> None:
    take(store, statement(credit(500, "x", day=5), day=5))
    for feed_days, day, waits in ((0, 30, False), (3, 8, False), (3, 9, True), (3, 10, True)):
        bank_hourly(store, OURS, feed_days, at(day))
        assert store.system().guards.bank_stale is waits, (feed_days, day)
    take(store, statement(opening=500, day=10), "b", day=11)
    bank_hourly(store, OURS, 3, at(11))
    assert not store.system().guards.bank_stale


def test_each_file_that_was_set_aside_and_each_gap_is_a_task_of_its_own(store: PostgresStore) -> None:
    take(store, statement(opening=0, day=5), "5")
    take(store, statement(opening=500, day=7), "7")
    take(store, BankFile(refused="it has a DOCTYPE", code="doctype"), "junk")
    gap, junk = store.system().books_refused
    set_book_taken(store, junk, at(8), API, "junk, thrown away")
    assert store.system().books_refused == (gap,)
    assert store.system().guards.bank_stale
    take(store, statement(credit(500, "x", day=6), opening=0, day=6), "6")
    assert store.system().books_refused == ()
