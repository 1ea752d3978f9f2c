"""`arrears policy dry-run`: what a policy would change on the live book, before it is put in force."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Any, Final

import click

from arrears.adapters.books.cluster import on_cluster
from arrears.adapters.books.processes import cores, several_processes
from arrears.cli.common import AS_JSON, each_mistake_on_a_line, print_json, progress_of
from arrears.core.account import Action
from arrears.core.closed import closed
from arrears.core.dry_run import DAYS, PART_ACCOUNTS, DryRunTotals, dry_run
from arrears.core.ids import ACCOUNT, SUBSCRIPTION, format_id
from arrears.core.money import format_amount
from arrears.core.parallel import OrderedMap, map_here
from arrears.core.policy import Policy
from arrears.store.postgres.dry_run import dry_run_work, due_count, due_parts
from arrears.wiring import Installation, open_installation

DAYS_MAX: Final = 800
SHOWN_MAX: Final = 20

_DONE: Final = closed(
    "words of what is done",
    Action,
    {Action.RESTRICT: "restricted", Action.DISABLE: "disabled", Action.DELETE: "to be deleted"},
)


@click.command("dry-run")
@click.argument("file")
@click.option("--days", type=click.IntRange(1, DAYS_MAX), default=DAYS, show_default=True, help="How far to look.")
@click.option("--on", metavar="ADDRESS", help="Work on the Dask cluster of this scheduler, like tcp://HOST:8786.")
@AS_JSON
def command(file: str, days: int, on: str | None, as_json: bool) -> None:
    """Say what the policy in FILE would change on the live book: who is disabled or deleted no more, later or sooner,
    how many messages leave, and what those owe who are disabled. Nothing is written.

    Every account of which something is due in that time is foretold twice, as it stands and as if the policy had been
    adopted now: nobody pays, nothing is charged and nothing new is invoiced. A running case keeps its version."""
    from arrears.cli.policy import read_policy  # which has this command

    with each_mistake_on_a_line("nothing was foretold"):
        new = read_policy(file)
    with open_installation() as live, progress_of("dry run") as progress:
        now = live.clock.now()
        before = live.store.policies().get(new.name)
        found = _foretold(live, new, now, now + timedelta(days=days), progress, on)
    if as_json:
        print_json(as_answer(found, new, before, now, days))
        return
    for line in lines_of(found, new, before, now, days):
        click.echo(line)


def _foretold(
    live: Installation,
    new: Policy,
    now: datetime,
    until: datetime,
    progress: Callable[[int, int], None],
    on: str | None,
) -> DryRunTotals:
    """The whole live book, on every core of this machine, or on the cluster of the scheduler at `on`."""
    total = due_count(live.store, until)
    work = dry_run_work(live.store, new, now, until)
    with _processes(total) if on is None else on_cluster(on) as ordered_map:
        return dry_run(work, due_parts(live.store, until), ordered_map, lambda done: progress(done, total))


def _processes(accounts: int) -> AbstractContextManager[OrderedMap]:
    if accounts <= 2 * PART_ACCOUNTS:
        return nullcontext(map_here)
    return several_processes(("arrears.core.dry_run",), cores())


def as_answer(found: DryRunTotals, new: Policy, before: Policy | None, now: datetime, days: int) -> dict[str, Any]:
    """The result as docs/json.md has it."""
    return {
        "policy": new.name,
        "version": new.version,
        "before": None if before is None else before.version,
        "at": now,
        "days": days,
        "accounts": found.accounts,
        "in_arrears": found.in_arrears,
        "doubted": found.doubted,
        "changed": found.changed,
        "actions": [{"action": action, **counts._asdict()} for action, counts in found.counts.items()],
        "notices": _pair(found.notices),
        "owed_when_disabled": {currency: _pair(sums) for currency, sums in sorted(found.owed.items())},
        "differences": [
            {
                "account": format_id(ACCOUNT, one.account),
                "subscription": format_id(SUBSCRIPTION, one.account, one.subscription),
                "action": one.action,
                "before": one.before,
                "after": one.after,
            }
            for one in found.differences
        ],
        "digests": list(found.digests),
    }


def _pair(values: tuple[int, int]) -> dict[str, int]:
    return {"before": values[0], "after": values[1]}


def lines_of(found: DryRunTotals, new: Policy, before: Policy | None, now: datetime, days: int) -> Iterator[str]:
    """The result as people read it."""
    was = "not in force before" if before is None else f"version {before.version} -> {new.version}"
    yield f"policy {new.name}, {was}: {days} days from {now:%Y-%m-%d %H:%M} UTC, nobody pays; nothing was written"
    accounts = "1 account" if found.accounts == 1 else f"{found.accounts} accounts"
    yield f"{accounts} with something due, {found.in_arrears} of them past due; a difference for {found.changed}"
    for action, counts in found.counts.items():
        if not (counts.before or counts.after):
            continue
        said = ("fewer", "more", "later", "earlier")
        parts = [f"{number} {word}" for word, number in zip(said, counts[2:], strict=True) if number]
        yield f"  {_DONE[action]}: {counts.before} -> {counts.after} ({', '.join(parts) or 'the same'})"
    yield f"  messages: {found.notices[0]} -> {found.notices[1]}"
    for currency, (was_owed, owed) in sorted(found.owed.items()):
        sums = (format_amount(minor, currency) for minor in (was_owed, owed))
        yield f"  owed by those disabled: {' -> '.join(sums)}"
    if found.doubted:
        yield f"  {found.doubted} accounts wait for something that is not known, and are foretold as waiting"
    for one in found.differences[:SHOWN_MAX]:
        days_of = (day.isoformat() if day is not None else "never in this time" for day in (one.before, one.after))
        name = format_id(SUBSCRIPTION, one.account, one.subscription)
        yield f"  {name}: {_DONE[one.action]} {' -> '.join(days_of)}"
    if len(found.differences) > SHOWN_MAX:
        yield "  and others; --json lists them"
