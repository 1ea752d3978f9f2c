"""Both stores have one open task for an account and a cause, counted, and over when its cause is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from tests.store.contract import AnyStore, at, owing_book

from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.engine.commands import close_task
from arrears.store.memory.store import MemoryStore
from arrears.store.postgres.queries import open_task, open_tasks
from arrears.store.postgres.store import PostgresStore


def tasks(store: AnyStore) -> list[tuple[int, int, str, str, int]]:
    """Account, fact, kind, what and how often, of every open task."""
    if isinstance(store, PostgresStore):
        return sorted((t.account, t.seq, t.kind, t.what, t.times) for t in open_tasks(store))
    assert isinstance(store, MemoryStore)
    return sorted((a, seq, t.kind, t.what, t.times) for (a, seq), t in store.tasks.items())


def record(store: AnyStore, account: int, day: int, facts: Sequence[f.AnyFact]) -> int:
    with store.accounts([account], at(day)) as batch:
        [unit] = batch.units
        for fact in facts:
            unit.record(fact)
        return unit.seq


FAILED = f.NoticeFailed(notice=1, why="nobody can be reached")
OTHER = f.NoticeFailed(notice=2, why="nobody can be reached: the account has none")
ACCEPTED = f.NoticeAccepted(notice=1)


def test_the_same_cause_is_counted_in_one_transaction_and_in_several(store: AnyStore) -> None:
    owing_book(store, 2)
    first = record(store, 1, 1, [FAILED, FAILED]) - 1
    record(store, 2, 1, [FAILED])
    record(store, 1, 2, [OTHER])
    ours = [task for task in tasks(store) if task[0] == 1]
    assert ours == [(1, first, "nobody_reachable", f"the message of fact 2: {OTHER.why}", 3)]


def test_what_ends_a_task_ends_it_for_that_account_and_what_asks_later_is_another(store: AnyStore) -> None:
    owing_book(store, 2)
    record(store, 1, 1, [FAILED])
    record(store, 2, 1, [FAILED])
    record(store, 1, 2, [ACCEPTED])
    assert [task[0] for task in tasks(store)] == [2]
    last = record(store, 1, 3, [ACCEPTED, FAILED])
    assert [(account, seq) for account, seq, *_ in tasks(store)] == [(1, last), (2, tasks(store)[1][1])]
    record(store, 1, 4, [FAILED, ACCEPTED])
    assert [task[0] for task in tasks(store)] == [2]


def test_a_person_closes_a_task_of_an_account_and_of_the_installation(store: AnyStore) -> None:
    owing_book(store, 1)
    store.record_system(f.MailTrouble(what=f.MailTroubleKind.SERVER), at(1), "arrears", "no connection")
    store.record_system(f.MailTrouble(what=f.MailTroubleKind.SERVER), at(1), "arrears", "wrong password")
    store.record_system(f.BreakerSet(open=True), at(1), "staff:1", "a storm")
    seq = record(store, 1, 1, [FAILED])
    found = {task[2]: task for task in tasks(store)}
    assert found["mail_server"][3:] == ("wrong password", 2)
    close_task(store, 1, seq, at(2), "staff:1", "telephoned")
    close_task(store, 0, found["mail_server"][1], at(2), "staff:1", "mended")
    assert [task[2] for task in tasks(store)] == ["decline_storm"]
    store.record_system(f.BreakerSet(open=False), at(3), "staff:1", "over")
    assert tasks(store) == []
    with pytest.raises(Refused, match="say why"):
        close_task(store, 1, seq, at(2), "staff:1", " ")


def test_a_task_is_named_by_a_number_and_one_that_is_closed_is_not_there(
    make_postgres: Callable[[], PostgresStore],
) -> None:
    store = make_postgres()
    owing_book(store, 1)
    record(store, 1, 1, [FAILED])
    [task] = open_tasks(store)
    assert open_task(store, task.no) == task
    close_task(store, task.account, task.seq, at(2), "staff:1", "done")
    with pytest.raises(Refused, match=f"no open task {task.no}"):
        open_task(store, task.no)


def test_more_than_a_thousand_are_listed(store: AnyStore) -> None:
    owing_book(store, 1)
    record(store, 1, 1, [f.SupportSaid(request=number) for number in range(1, 1101)])
    assert len(tasks(store)) == 1100
