"""Tasks of staff compared with the facts that asked for them and with those that say that they are over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime
from typing import Final, LiteralString, NamedTuple

from arrears.core import facts as f
from arrears.core.invariants import Breach
from arrears.core.replayed import Replayed
from arrears.core.tasks import SYSTEM, TaskGone, TaskRow, ends_of, system_ends_of, system_tasks_of
from arrears.store.postgres.write import Db, utc

_ROWS: Final[LiteralString] = """
SELECT account_id, seq, kind, cause, last_seq, closed_seq FROM task WHERE account_id = ANY(%b)"""


_LATER: Final = frozenset({"provider_unread", "notice_refused"})
"""Not asked for by the first version: facts from before a database was brought up to date may have none."""
_BROUGHT_UP: Final[LiteralString] = """
SELECT max(applied_at) FROM schema_version HAVING max(applied_at) - min(applied_at) > interval '1 hour'"""


class _Row(NamedTuple):
    account: int
    seq: int
    kind: str
    cause: str
    last_seq: int
    closed_seq: int | None


class _Said(NamedTuple):
    """Which facts asked for a task, which may have ended some, which tasks a person has closed by which fact, and which
    facts are from before the database was brought up to date."""

    asked: Sequence[TaskRow]
    over: Sequence[TaskGone]
    closed: Mapping[int, int]
    old: Set[int]


def changed_tasks(db: Db, numbers: Sequence[int], replayed: Sequence[Replayed]) -> Iterator[Breach]:
    """Every task that is gone, that nothing asked for, or that was closed by nothing."""
    rows, brought_up = _rows(db, numbers), _brought_up(db)
    for one in replayed:
        over = [
            gone
            for place, recorded in enumerate(one.history)
            for account in one.of_the_same_instant(place)
            for gone in ends_of(recorded, account)
        ]
        closed = {end.seq: end.closed_seq for end in one.rows.task_ends}
        old = {r.seq for r in one.history if brought_up is not None and r.at < brought_up}
        number = one.accounts[0].no
        yield from _compared(number, rows[number], _Said(one.rows.tasks, over, closed, old))


def changed_system_tasks(db: Db, facts: Iterable[tuple[int, datetime, str, f.SystemFact]]) -> Iterator[Breach]:
    """The same for the installation; each fact is given by number, with when and why it was recorded."""
    asked: list[TaskRow] = []
    over: list[TaskGone] = []
    closed: dict[int, int] = {}
    old: set[int] = set()
    brought_up = _brought_up(db)
    for seq, at, why, fact in facts:
        old |= {seq} if brought_up is not None and at < brought_up else set()
        asked += system_tasks_of(seq, fact, why)
        over += system_ends_of(seq, fact)
        if isinstance(fact, f.SystemTaskClosed):
            closed[fact.task] = seq
    yield from _compared(SYSTEM, _rows(db, [SYSTEM])[SYSTEM], _Said(asked, over, closed, old))


def _brought_up(db: Db) -> datetime | None:
    """When the database was last brought up to date; None where it was made as it is."""
    row = db.execute(_BROUGHT_UP).fetchone()
    return None if row is None else utc(row[0])


def _rows(db: Db, numbers: Sequence[int]) -> Mapping[int, list[_Row]]:
    found: Mapping[int, list[_Row]] = defaultdict(list)
    for row in db.execute(_ROWS, [numbers]):
        found[row[0]].append(_Row(*row))
    return found


def _compared(account: int, rows: Sequence[_Row], said: _Said) -> Iterator[Breach]:
    asked = {(task.seq, task.kind) for task in said.asked}
    for task in said.asked:
        if not any(_counts(row, task) for row in rows) and not (task.kind in _LATER and task.seq in said.old):
            yield Breach("I18", account, f"the task {task.kind} of fact {task.seq} is gone")
    for row in rows:
        if not {(row.seq, row.kind), (row.last_seq, row.kind)} <= asked:
            yield Breach("I18", account, f"the task {row.kind} of fact {row.seq} is there, and no fact asks for it")
        elif row.closed_seq is not None and not _is_over(row, rows, said):
            yield Breach("I18", account, f"the task {row.kind} of fact {row.seq} is closed, and no fact closes it")


def _counts(row: _Row, task: TaskRow) -> bool:
    """Whether this row is the one on which that is counted. Tasks from before they had a cause have none."""
    return row.kind == task.kind and row.cause in (task.cause, "") and row.seq <= task.seq <= row.last_seq


def _is_over(row: _Row, rows: Sequence[_Row], said: _Said) -> bool:
    if said.closed.get(row.seq) == row.closed_seq:
        return True
    if row.closed_seq == row.seq:
        # It was one of several of a time when each was asked for by itself: the oldest has counted it.
        return any(o.seq < row.seq <= o.last_seq and (o.kind, o.cause) == (row.kind, row.cause) for o in rows)
    return any(gone.seq == row.closed_seq and _ends(gone, row) for gone in said.over)


def _ends(gone: TaskGone, row: _Row) -> bool:
    return gone.kind == row.kind and gone.cause in (None, row.cause)
