"""Credits are looked up, booked and doubted many at a time: the same comes of them as one by one."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date

import pytest
from tests.core.bank.index import IndexInMemory
from tests.core.bank.test_matching import _damaged
from tests.store.contract import API, at
from tests.store.test_bank import credit, open_of, statement, states, store, take

from arrears.core.bank.creditor_reference import creditor_reference
from arrears.core.bank.matching import Credit, OpenItem, match, suggest
from arrears.core.bank.references import folded
from arrears.engine import commands
from arrears.engine.commands.bank import crediting, deciding
from arrears.engine.commands.bank.index import StoredIndex
from arrears.ports.bank import CreditState
from arrears.store.postgres.store import PostgresStore

__all__ = ["store"]


def filled(store: PostgresStore, items: list[OpenItem], payers: dict[str, list[int]]) -> None:
    """These invoices as rows; no account has a journal."""
    with store.transaction() as db, db.cursor() as cursor:
        with cursor.copy("COPY invoice FROM STDIN") as out:
            for one in items:
                day = date(2026, 1, 1)
                late = day if one.past_due else None
                out.write_row((one.account, one.debt, one.number, one.currency, 99_999, one.open_minor, day, day, late))
        with cursor.copy("COPY known_payer FROM STDIN") as out:
            for iban, accounts in payers.items():
                for account in accounts:
                    out.write_row((iban, account, 1))


def made_up(seed: int) -> tuple[list[OpenItem], dict[str, list[int]], list[Credit]]:
    """A book with numbers of several kinds, near each other, and credits of every kind for it."""
    draw = random.Random(seed)
    numbers = [
        *(f"INV-2026-{n:04}" for n in draw.sample(range(400), 90)),
        *(f"{n}" for n in draw.sample(range(20_260_000, 20_260_400), 60)),
        *(f"F26/{n}" for n in draw.sample(range(1_000, 1_300), 50)),
    ]
    items = []
    for at_no, number in enumerate(numbers):
        minor = 0 if draw.randrange(9) == 0 else draw.randrange(100, 140) * 100
        items.append(OpenItem(1 + at_no // 3, 1 + at_no % 3, number, "EUR", minor, draw.random() < 0.7))
    payers = {f"NL{n:02}": sorted(draw.sample(range(1, 60), draw.choice([1, 1, 1, 2]))) for n in range(30)}
    credits = []
    for _ in range(250):
        one = draw.choice(items)
        texts = [one.number, _damaged(one.number, draw), f"{one.number} {draw.choice(numbers)}", "thanks", "May 2026"]
        reference = (creditor_reference(folded(one.number)),) if draw.randrange(4) == 0 else ()
        iban = draw.choice([*payers, "", "", "NL99"])
        minor = draw.choice([one.open_minor or 500, one.open_minor + 100, draw.randrange(100, 140) * 100])
        credits.append(Credit(minor, "EUR", reference, "", draw.choice(texts), iban, ""))
    return items, payers, credits


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_rows_say_what_an_index_in_memory_says(make_postgres: Callable[[], PostgresStore], seed: int) -> None:
    items, payers, credits = made_up(seed)
    store = make_postgres()
    filled(store, items, payers)
    here, there = IndexInMemory(items, payers), StoredIndex(store)
    there.look_up(credits)
    found = [match(one, there) for one in credits]
    assert found == [match(one, here) for one in credits]
    assert any(found)
    near = StoredIndex(store)
    near.look_up_near(credits)
    for one in credits:
        said, wanted = (
            {(s.account, frozenset(s.debts), s.score) for s in suggest(one, index)} for index in (near, here)
        )
        assert said == wanted, one


def test_two_credits_for_one_invoice_in_one_set_pay_it_once(store: PostgresStore) -> None:
    take(store, statement(credit(12_000, "INV-0001", reference="R1"), credit(12_000, "INV-0001", reference="R2")))
    assert states(store) == [(12_000, "matched"), (12_000, "waiting")]
    assert open_of(store, 1) == []
    assert store.check_all()[1] == []


def test_whether_an_invoice_is_held_is_seen_under_the_lock(store: PostgresStore) -> None:
    commands.dispute(store, 1, 1, at(3), API)
    take(store, statement(credit(12_000, "INV-0001"), credit(12_000, "INV-0002")))
    assert states(store) == [(12_000, "waiting"), (12_000, "matched")]


def test_a_credit_is_booked_before_the_debit_of_the_same_file_that_gives_it_back(store: PostgresStore) -> None:
    entries = [credit(12_000, "INV-0001", iban="NL01"), credit(-12_000, iban="NL01", returned=True)]
    take(store, statement(*entries, credit(12_000, "INV-0002")))
    assert [state for _, state in states(store)] == ["returned", "returned", "matched"]
    assert (open_of(store, 1), open_of(store, 2)) == ([12_000], [])


def test_what_a_person_decides_meanwhile_is_left_alone(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = StoredIndex.look_up

    def decided_meanwhile(index: StoredIndex, credits: list[Credit]) -> None:
        looked(index, credits)
        deciding.ignore(store, 1, at(6), "staff:1", "none of ours")

    monkeypatch.setattr(StoredIndex, "look_up", decided_meanwhile)
    take(store, statement(credit(12_000, "INV-0001"), credit(12_000, "INV-0002")))
    assert states(store) == [(12_000, "ignored"), (12_000, "matched")]
    assert open_of(store, 1) == [12_000]


def test_more_credits_than_one_set_are_all_decided(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EXACT_AT_ONCE", "NEAR_AT_ONCE", "BOOKED_AT_ONCE"):
        monkeypatch.setattr(crediting, name, 2)
    entries = [credit(100 + n, f"INV-000{1 + n % 4}", reference=f"R{n}") for n in range(7)]
    lost = [credit(900 + n, f"INV-00{n}", reference=f"L{n}") for n in range(3)]
    take(store, statement(*entries, *lost))
    assert {one.state for one in store.credits_in(list(CreditState))} == {CreditState.MATCHED, CreditState.WAITING}
    assert [state for _, state in states(store)][:7] == ["matched"] * 7
    assert store.check_all()[1] == []
