"""`arrears tasks`: what waits for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Final

import click

from arrears.cli.common import AS_JSON, print_json, rows
from arrears.core.ids import ACCOUNT, format_id
from arrears.store.postgres.queries import Task, open_tasks
from arrears.wiring import open_installation

EACH_MAX: Final = 3
"""So many of one kind are listed one by one; more are one line with a count, as they most often have one cause."""

NAMED_MAX: Final = 5


@click.command()
@click.option("--kind", help="Only tasks of this kind, each on a line of its own.")
@AS_JSON
def command(kind: str | None, as_json: bool) -> None:
    """List the open tasks, oldest first. Many of one kind are one line with a count; --kind lists them."""
    with open_installation() as live:
        found = [task for task in open_tasks(live.store) if kind in (None, task.kind)]
    if as_json:
        print_json([{**asdict(t), "account": _where(t.account)} for t in found])
        return
    if not found:
        click.echo("nothing waits for a person" if kind is None else f"no task of kind {kind!r} is open")
    rows(list(lines(found, each=kind is not None)))


def lines(tasks: Sequence[Task], *, each: bool) -> Iterator[tuple[str, ...]]:
    """A line for each task, or with many of one kind a line for all of those."""
    by_kind = Counter(task.kind for task in tasks)
    counted: set[str] = set()
    for task in tasks:
        count = by_kind[task.kind]
        if each or count <= EACH_MAX:
            yield f"{task.since:%Y-%m-%d %H:%M}", _where(task.account), task.ref, task.kind, task.what
        elif task.kind not in counted:
            counted.add(task.kind)
            named = [_where(one.account) for one in tasks if one.kind == task.kind][:NAMED_MAX]
            more = ", ..." if count > NAMED_MAX else ""
            yield f"{task.since:%Y-%m-%d %H:%M}", f"{count:,} accounts", "", task.kind, f"{', '.join(named)}{more}"


def _where(account: int) -> str:
    return format_id(ACCOUNT, account) if account else "system"
