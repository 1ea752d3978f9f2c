"""`arrears demo`: a living example on this machine, and the story of one account in it."""

from __future__ import annotations

import time
from datetime import timedelta

import click

from arrears.cli.common import progress_on_terminal
from arrears.cli.explain import explanation, sentences
from arrears.cli.serve import serve
from arrears.core.ids import ACCOUNT, format_id
from arrears.ports import Store
from arrears.sim.simulate import START, SimulationReport, simulate
from arrears.sim.story import Line, as_text, tell
from arrears.store.postgres import PostgresStore
from arrears.wiring import fresh_database, tune_for_batches

DATABASE = "demo"
ACCOUNTS = 50
DAYS = 365


@click.command()
@click.option("--no-serve", is_flag=True, help="End after the story; do not serve the pages.")
@click.option("--seed", type=click.IntRange(0, 2**31), default=2, show_default=True, help="Another world.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
def command(no_serve: bool, seed: int, port: int) -> None:
    """Play a year of 50 made-up accounts on PostgreSQL, and tell the story of one."""
    click.echo("Starting a database on this machine and opening 50 made-up accounts ...")
    url = fresh_database(DATABASE)
    tune_for_batches()
    store = PostgresStore(url, durable=False, clock_is_real=False)
    try:
        began = time.perf_counter()
        with progress_on_terminal("a year of 50 accounts") as progress:
            report = simulate(store, ACCOUNTS, DAYS, seed, progress=lambda day: progress(day, DAYS))
        _year(report, round(time.perf_counter() - began))
        number = _chosen(store)
        _story(store, number)
    finally:
        store.close()
    _next(number)
    if not no_serve:
        serve(url, "127.0.0.1", port)


def _year(report: SimulationReport, seconds: int) -> None:
    click.echo()
    click.echo(f"A year went by in {seconds} seconds (seed {report.seed}).")
    click.echo(
        f"{report.invoices} invoices, {report.payments} payments, {report.notices} messages; "
        f"{report.disabled} services stopped, {report.resumed} brought back, {report.deleted} deleted at the end"
    )
    click.echo(
        f"{report.invariants_checked} times an account was checked against every promise; {report.breach_count} broken"
    )


def _chosen(store: Store) -> int:
    """The account whose story shows the most in the fewest lines: reminders, warnings, a stop, and back again."""
    best = (10**9, 10**9, 1)
    for number in range(1, ACCOUNTS + 1):
        lines = _episode(list(tell(store.history(number))))
        texts = " ".join(line.text for line in lines)
        missing = sum(part not in texts for part in ("day 0", "day 3", "day 7", "day 14", "warning", "stops on"))
        if lines:
            best = min(best, (missing, len(lines), number))
    return best[2]


def _episode(lines: list[Line]) -> list[Line]:
    """From the invoice that was not paid to the service that is back; empty if this account never stopped so."""
    stopped = next((i for i, line in enumerate(lines) if line.what == "disabled"), None)
    if stopped is None:
        return []
    back = next((i for i in range(stopped, len(lines)) if lines[i].text.endswith("carried out resume")), None)
    opened = next((i for i in range(stopped, -1, -1) if lines[i].what == "past due"), None)
    if back is None or opened is None or not any(line.what == "paid" for line in lines[stopped:back]):
        return []
    first = next((i for i in range(opened, -1, -1) if lines[i].what == "invoice"), opened)
    return lines[first : back + 1]


def _story(store: Store, number: int) -> None:
    click.echo()
    click.echo(f"The story of one of them, {format_id(ACCOUNT, number)}, by day:")
    click.echo()
    for line in _episode(list(tell(store.history(number)))):
        click.echo(f"  {as_text(line)}")
    click.echo()
    click.echo("Where it stands at the end of the year:")
    click.echo()
    for text in sentences(explanation(store, number, START + timedelta(days=DAYS))):
        click.echo(f"  {text}")


def _next(number: int) -> None:
    account = format_id(ACCOUNT, number)
    click.echo()
    click.echo("Where to look next:")
    click.echo(f"  ARREARS_DATABASE=demo .venv/bin/arrears timeline {account}   everything that happened")
    click.echo(f"  ARREARS_DATABASE=demo .venv/bin/arrears explain {account}    why, and what comes next")
    click.echo("  ARREARS_DATABASE=demo .venv/bin/arrears status            all 50 in numbers")
    click.echo("  docs/tour.md                                              one invoice through every file")
    click.echo()
