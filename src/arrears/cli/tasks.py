"""`arrears tasks`: what waits for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Final

import click

from arrears.cli.common import AS_JSON, BY, WORDS, print_json, rows
from arrears.core.ids import ACCOUNT, format_id
from arrears.engine.commands import close_task
from arrears.ports.bank import CreditState
from arrears.store.postgres.queries import Task, open_task, open_tasks
from arrears.wiring import open_installation

EACH_MAX: Final = 3
"""So many of one kind are listed one by one; more are one line with a count, as they most often have one cause."""

NAMED_MAX: Final = 5


@click.group(invoke_without_command=True)
@click.option("--kind", help="Only tasks of this kind, each on a line of its own.")
@AS_JSON
@click.pass_context
def command(context: click.Context, kind: str | None, as_json: bool) -> None:
    """List the open tasks, oldest first, each with its number. There is one for an account and a cause; how often it
    was asked for is counted, and it is closed by itself when its cause is gone. Many of one kind are one line with a
    count of accounts; --kind lists them."""
    if context.invoked_subcommand is not None:
        return
    with open_installation() as live:
        found = [task for task in open_tasks(live.store) if kind in (None, task.kind)]
        transfers = len(live.store.credits_in([CreditState.NEW, CreditState.WAITING])) if kind is None else 0
    if as_json:
        print_json([{**asdict(t), "account": _where(t.account) if t.account else None} for t in found])
        return
    if not found and not transfers:
        click.echo("nothing waits for a person" if kind is None else f"no task of kind {kind!r} is open")
    rows(list(lines(found, each=kind is not None)))
    if transfers:
        which = f"{transfers:,} transfers wait" if transfers > 1 else "1 transfer waits"
        click.echo(f"{which}; `arrears bank queue` lists what waits")


@command.command()
@click.argument("number", type=click.IntRange(1, 2**63 - 1))
@click.option("--why", type=WORDS, required=True, help="What was done about it, for the journal.")
@BY
def close(number: int, why: str, by: str) -> None:
    """Close task NUMBER, which a person has dealt with. What asks for it again opens another."""
    with open_installation() as live:
        task = open_task(live.store, number)
        close_task(live.store, task.account, task.seq, live.clock.now(), f"staff:{by}", why)
    click.echo(f"task {number} is closed: {task.kind} of {_where(task.account)}")


def lines(tasks: Sequence[Task], *, each: bool) -> Iterator[tuple[str, ...]]:
    """A line for each task, or with many of one kind a line for all of those, which counts accounts."""
    by_kind = Counter(task.kind for task in tasks)
    counted: set[str] = set()
    for task in tasks:
        if each or by_kind[task.kind] <= EACH_MAX:
            what = task.what if task.times == 1 else f"{task.what} ({task.times} times)"
            what += f'; the mail server: "{task.reply}"' if task.reply else ""
            yield f"{task.since:%Y-%m-%d %H:%M}", str(task.no), _where(task.account), task.ref, task.kind, what
        elif task.kind not in counted:
            counted.add(task.kind)
            accounts = list(dict.fromkeys(one.account for one in tasks if one.kind == task.kind))
            more = ", ..." if len(accounts) > NAMED_MAX else ""
            named = ", ".join(map(_where, accounts[:NAMED_MAX]))
            count = f"{len(accounts):,} account{'s' if len(accounts) > 1 else ''}"
            yield f"{task.since:%Y-%m-%d %H:%M}", "", count, "", task.kind, f"{named}{more}"


def _where(account: int) -> str:
    return format_id(ACCOUNT, account) if account else "system"
