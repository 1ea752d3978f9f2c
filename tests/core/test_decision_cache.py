"""What is written from a shape is, byte for byte, what the account would have come to by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import get_args, get_type_hints

import msgspec
import pytest

from arrears.core import facts as f
from arrears.core.account import Account, Case, Debt, Promise, Subscription, Terms, decode_account, encode_account
from arrears.core.decision_cache import SHARED, DecisionCache
from arrears.core.guards import Guards
from arrears.core.policy import default_policy
from arrears.core.rows import rows_of
from arrears.core.states import Reason, State
from arrears.core.unit import GENESIS, Unit
from arrears.engine import run as engine
from arrears.engine.run import decision_cache_of
from arrears.sim.simulate import simulate
from arrears.store.memory.store import MemoryBatch, MemoryStore

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
VALUES = {"number", "total_minor", "open_minor", "amount_minor", "minor"}
PINNED = Terms(default_policy().version, "UTC")


class TextStore(MemoryStore):
    """Hands out what is due as stored texts, as PostgreSQL does."""

    @contextmanager
    def due(self, now: datetime, limit: int) -> Iterator[MemoryBatch]:
        with super().due(now, limit) as batch:
            batch.units = [as_text(u) for u in batch.units]
            yield batch


def as_text(unit: Unit) -> Unit:
    return Unit(unit.no, None, unit.seq, unit.head, unit.now, unit.next_at, encode_account(unit.account))


def came_to(unit: Unit) -> tuple[object, ...]:
    rows = rows_of([unit])
    facts = [(s.recorded, s.body, s.hash) for s in unit.stored]
    text = unit.written.text if unit.written is not None else encode_account(unit.account)
    return facts, rows, text, unit.seq, unit.head, unit.next_at, unit.account


class Twins(DecisionCache):
    """Decides the twin of everything that is written from a shape."""

    taken: Counter[str]

    def take(self, unit: Unit) -> bool:
        alone = as_text(unit)
        if not super().take(unit):
            self.taken["alone"] += 1
            return False
        self._decide(alone, self._guards)
        assert came_to(unit) == came_to(alone)
        self.taken.update(type(s.recorded.fact).__name__ for s in unit.stored)
        return True


@pytest.mark.sample(1)
@pytest.mark.parametrize("seed", range(12))
def test_a_made_up_world_is_the_same_with_the_decision_cache_and_without(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: Counter[str] = Counter()

    def twins_of(policies):
        cache = decision_cache_of(policies)
        twins = Twins(policies, cache._decide, learn_at=1)
        twins.taken = taken
        return twins

    alone = simulate(MemoryStore(), 6, 400, seed)
    monkeypatch.setattr(engine, "decision_cache_of", twins_of)
    together = simulate(TextStore(), 6, 400, seed)
    assert together.digest == alone.digest
    assert taken["Noticed"] > 20
    assert taken["BecamePastDue"] > 0


def units(count: int) -> list[Unit]:
    """Accounts three days past due, alike in all that matters; their invoice numbers try to look like amounts."""
    day_0 = date(2026, 5, 29)
    found = []
    for no in range(1, count + 1):
        debt = Debt(
            1, f'{no}"\\_minor":{no}', "EUR", 1000 * no, 900 * no, date(2026, 5, 28), (1,), day_0=day_0, reminded=(0,)
        )
        told = Promise(promised_on=date(2026, 6, 28), since_seq=4 + no)
        sub = Subscription(1, "cloud", State.PAST_DUE, reasons=(Reason.PAST_DUE,), entered_on=day_0, disable=told)
        case = Case(1, day_0, PINNED, reminder_seq=4 + no)
        account = Account(
            no, Terms("default", "UTC"), debts=(debt,), subscriptions=(sub,), case=case, debt_count=1, case_count=1
        )
        found.append(Unit(no, None, 7 + no, GENESIS, NOW, NOW, encode_account(account)))
    return found


def decision_cache(policies=None) -> DecisionCache:
    return decision_cache_of(policies or {"default": default_policy(), default_policy().version: default_policy()})


def test_the_second_account_of_a_shape_teaches_it_and_every_later_one_is_written_from_it() -> None:
    known = decision_cache()
    assert [known.take(u) for u in units(5)] == [False, True, True, True, True]


def test_an_invoice_number_that_looks_like_a_stored_amount_is_only_a_number() -> None:
    known = decision_cache()
    for unit in units(3)[1:]:
        known._learn_at = 1
        assert known.take(unit)
        alone = decode_account(unit.text)
        assert unit.account.debts[0].number == alone.debts[0].number
        assert unit.account.debts[0].open_minor == alone.debts[0].open_minor


def test_where_a_policy_looks_at_amounts_nothing_is_shared() -> None:
    policy = replace(default_policy(), minimum_minor={"EUR": 1500})
    known = decision_cache({"default": policy, policy.version: policy, default_policy().version: default_policy()})
    assert not any(known.take(u) for u in units(3))


def test_what_was_learnt_under_other_guards_is_forgotten() -> None:
    known = decision_cache()
    known.under(Guards())
    assert [known.take(u) for u in units(3)] == [False, True, True]
    known.under(Guards(feed_stale=True))
    assert [known.take(u) for u in units(3)] == [False, True, True]
    known.under(Guards(feed_stale=True))
    assert known.take(units(1)[0])


def test_no_fact_about_a_deletion_or_money_is_shared() -> None:
    kinds = {kind for kind in get_args(f.AnyFact) if kind not in SHARED}
    assert {f.DeletionScheduled, f.DeletionOrdered, f.DeletionCapped, f.PaymentBooked, f.CreditAllocated} <= kinds


def test_only_numbers_of_invoices_and_amounts_have_names_that_end_in_r() -> None:
    found: set[str] = set()

    def walk(kind: object) -> None:
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            for name, hint in get_type_hints(kind).items():
                found.add(name)
                walk(hint)
        for inner in get_args(kind):
            walk(inner)

    walk(Account)
    assert {name for name in found if name.endswith("r")} == VALUES
    seqs = {"accepted_seq", "given_seq", "late_seq", "moved_seq", "reminder_seq", "reopened_seq", "seq", "since_seq"}
    assert {name for name in found if name.endswith("seq")} == seqs


def test_a_text_that_nobody_wrote_is_never_taken() -> None:
    known = decision_cache()
    for text in ("", "garbage", '{"no":1}', '{"no":x,"debts":[{"number":"', '{"no":1,"a":2,"seq":9}'):
        for _ in range(3):
            assert not known.take(Unit(1, None, 5, GENESIS, NOW, NOW, text))
