"""The memory store's open tasks: one for an account, kind and cause, counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from arrears.core import facts as f
from arrears.core.rows import Rows
from arrears.core.tasks import SYSTEM, TaskGone, TaskRow, system_ends_of, system_tasks_of


class OpenTask(NamedTuple):
    """Something that waits for a person: how often it was asked for, and by which fact last."""

    kind: str
    what: str
    cause: str
    times: int
    last_seq: int


class MemoryTasks:
    """The open tasks by the account and the fact that first asked for each."""

    def __init__(self) -> None:
        self.tasks: dict[tuple[int, int], OpenTask] = {}
        self._open: dict[int, dict[tuple[str, str], int]] = defaultdict(dict)

    def write_tasks(self, rows: Rows) -> None:
        """The tasks of one transaction."""
        self._add(rows.tasks)
        for end in rows.task_ends:
            self._close(end.account_id, end.seq)
        self._end(rows.tasks_gone)

    def write_system_tasks(self, seq: int, fact: f.SystemFact, why: str) -> None:
        """What a fact of the installation asks for or ends."""
        self._add(system_tasks_of(seq, fact, why))
        self._end(system_ends_of(seq, fact))
        if isinstance(fact, f.SystemTaskClosed):
            self._close(SYSTEM, fact.task)

    def _add(self, rows: Iterable[TaskRow]) -> None:
        for t in rows:
            key = (t.account, self._open[t.account].setdefault((t.kind, t.cause), t.seq))
            was = self.tasks.get(key)
            self.tasks[key] = OpenTask(t.kind, t.what, t.cause, 1 if was is None else was.times + 1, t.seq)

    def _close(self, account: int, seq: int) -> None:
        task = self.tasks.pop((account, seq), None)
        if task is not None:
            del self._open[account][(task.kind, task.cause)]

    def _end(self, rows: Iterable[TaskGone]) -> None:
        for gone in rows:
            for (kind, cause), seq in list(self._open.get(gone.account, {}).items()):
                ended = kind == gone.kind and gone.cause in (None, cause)
                if ended and self.tasks[(gone.account, seq)].last_seq < gone.seq:
                    self._close(gone.account, seq)
