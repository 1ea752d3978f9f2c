"""A real book through the real engine and PostgreSQL, against counts and dates that the tests work out themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from tests import books
from tests.data_counts import expected
from tests.store.contract import AnyStore

from arrears.adapters.books import load_map, read_book
from arrears.core import facts as f
from arrears.core.policy import default_policy
from arrears.core.receivables import ReceivablesBook
from arrears.sim.outcome import PolicyOutcome
from arrears.sim.replay import Replay, ReplaySettings
from arrears.store import schema
from arrears.store.memory.store import MemoryStore
from arrears.store.postgres.store import PostgresStore


@pytest.fixture(scope="module", params=books.PLAYED)
def path(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.long)])
def store(request: pytest.FixtureRequest) -> Iterator[AnyStore]:
    """Either: that both give the same outcome has a test of its own, which every run takes."""
    if request.param == "memory":
        yield MemoryStore()
        return
    with scratch(request.getfixturevalue("database_url"), "replay") as found:
        yield found


@contextmanager
def scratch(url: str, name: str) -> Iterator[PostgresStore]:
    schema.create_scratch(url, name)
    store = PostgresStore(url, schema=name, durable=False, clock_is_real=False)
    try:
        yield store
    finally:
        store.close()
        with psycopg.connect(url, autocommit=True) as db:
            schema.drop_scratch(db, name)


def the_book(path: Path) -> ReceivablesBook:
    return read_book(path, load_map(books.MAP))


@pytest.mark.sample(1)
@pytest.mark.parametrize("disputes", ["hold", "ignore"])
def test_the_book_agrees_with_an_independent_count(store: AnyStore, path: Path, disputes: str) -> None:
    report = Replay(store, the_book(path), ReplaySettings(default_policy(), disputes == "hold")).play()
    wanted = expected(path, disputes)
    assert wanted["disabled"] > 0
    assert {key: counted(report, key) for key in wanted} == wanted
    assert (report.sums["USD"].still_open, report.invariants_breached, report.deleted) == (0, 0, 0)


def counted(report: PolicyOutcome, key: str) -> int:
    """A count of the whole book, or the sum of its one currency."""
    value: int = getattr(report.sums["USD"] if key in ("invoiced", "past_due", "recovered_minor") else report, key)
    return value


def test_who_never_pays_is_warned_disabled_and_deleted_on_the_exact_days(store: AnyStore, path: Path) -> None:
    book = the_book(path)
    report = Replay(store, book, ReplaySettings(default_policy(), False, 4, 150)).play()
    numbers = store.account_numbers([a.ref for a in book.accounts])
    silent = silent_from(book)
    assert len(silent) == len([r for r in silent if r in numbers]) > 1
    for ref, first_late_due in silent.items():
        assert stops(store, numbers[ref]) == expected_stops(book, ref, first_late_due), ref
    assert report.deleted == len(silent)
    assert report.invariants_breached == 0
    assert_book_is_shortened(report, book)


def silent_from(book: ReceivablesBook) -> dict[str, date]:
    """Every fourth of the customers with a late invoice, and the due date of the first late one."""
    paid = {p.invoice_number: p.paid_on for p in book.payments}
    late: dict[str, date] = {}
    for i in book.invoices:
        if paid[i.number] > i.due_on:
            late[i.account_ref] = min(i.due_on, late.get(i.account_ref, i.due_on))
    chosen = sorted(late)[3::4]
    return {ref: late[ref] for ref in chosen}


def expected_stops(book: ReceivablesBook, ref: str, silent: date) -> list[tuple[date, str]]:
    """The days of the last episode, by the default policy: day 0 is the day after the first unpaid due date."""
    paid = {p.invoice_number: p.paid_on for p in book.payments}
    mine = [i for i in book.invoices if i.account_ref == ref]
    unpaid = [i.due_on for i in mine if paid[i.number] > silent]
    day_0 = min(unpaid) + timedelta(days=1)
    stop = day_0 + timedelta(days=30)
    delete = stop + timedelta(days=90)
    days = [(day_0 + timedelta(days=d), f"warn disable {stop}") for d in (21, 28)]
    days.append((stop + timedelta(days=1), f"disabled {stop}"))
    days += [(stop + timedelta(days=d), f"warn delete {delete}") for d in (30, 60, 75, 83, 87, 89)]
    days.append((delete + timedelta(days=1), f"scheduled {delete}"))
    days.append((delete + timedelta(days=2), f"deleted {delete}"))
    return days


def stops(store: AnyStore, account: int) -> list[tuple[date, str]]:
    """The warnings and cuts of the episode that ended with the deletion, as they were recorded; UTC."""
    found: list[tuple[date, str]] = []
    for r in store.history(account):
        match r.fact:
            case f.CaseEnded(outcome=outcome) if outcome == "settled":
                found = []
            case f.Noticed() as notice:
                warnings = notice.each(f.Warning)
                assert not warnings or r.at.hour == 9
                found += [(r.at.date(), f"warn {w.action} {w.promised_on}") for w in warnings]
            case f.Disabled(on=on):
                assert r.at == midnight(r.at.date())
                found.append((r.at.date(), f"disabled {on}"))
            case f.DeletionScheduled(on=on):
                found.append((r.at.date(), f"scheduled {on}"))
            case f.DeletionOrdered(evidence=evidence):
                assert r.at == midnight(r.at.date())
                found.append((r.at.date(), f"deleted {evidence.promised_on}"))
    return found


def midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)


def assert_book_is_shortened(report: PolicyOutcome, book: ReceivablesBook) -> None:
    """Nothing is invoiced after a deletion date; what is open is what the silent did not pay."""
    paid = {p.invoice_number: p.paid_on for p in book.payments}
    silent = silent_from(book)
    deleted_on = {ref: date.fromisoformat(expected_stops(book, ref, day)[-1][1][-10:]) for ref, day in silent.items()}
    issued = [i for i in book.invoices if i.issued_on <= deleted_on.get(i.account_ref, date.max)]
    unpaid = [i for i in issued if paid[i.number] > silent.get(i.account_ref, date.max)]
    assert report.invoices == len(issued) < len(book.invoices)
    assert report.sums["USD"].invoiced == sum(i.total_minor for i in issued)
    assert report.sums["USD"].still_open == sum(i.total_minor for i in unpaid) > 0
    assert report.sums["USD"].not_asked == sum(i.total_minor for i in book.invoices) - report.sums["USD"].invoiced


@pytest.mark.turn(3)
def test_both_stores_give_the_same_outcome(database_url: str) -> None:
    book = the_book(books.OWN)
    settings = ReplaySettings(default_policy(), never_pay_every=3)
    with scratch(database_url, "replay_stores") as store:
        there = Replay(store, book, settings).play()
    assert Replay(MemoryStore(), book, settings).play() == there
