"""`arrears replay`: play a receivables book through the engine, on its own clock and in a schema of its own."""

from __future__ import annotations

import secrets
import time
from dataclasses import asdict
from pathlib import Path

import click
import psycopg

from arrears.adapters.books import load_map, read_book
from arrears.cli.common import AS_JSON, each_mistake_on_a_line, print_json, progress_on_terminal
from arrears.cli.policy import read_policy
from arrears.core.money import format_amount
from arrears.core.policy import default_policy
from arrears.sim.replay import Replay, ReplayReport, ReplaySettings
from arrears.store import schema
from arrears.store.postgres.store import PostgresStore
from arrears.wiring import database_url


@click.command()
@click.argument("file")
@click.option("--map", "map_file", required=True, help="The map that says what each column means (docs/import.md).")
@click.option("--policy", "policy_file", help="A policy file; without it the default policy.")
@click.option("--disputes", type=click.Choice(["hold", "ignore"]), default="hold", show_default=True)
@click.option("--never-pay-every", type=click.IntRange(min=1), help="Each N-th late customer stops paying.")
@click.option("--days-beyond", type=click.IntRange(min=0, max=4000), default=0, help="Days after the book's last.")
@AS_JSON
def command(
    file: str,
    map_file: str,
    policy_file: str | None,
    disputes: str,
    never_pay_every: int | None,
    days_beyond: int,
    as_json: bool,
) -> None:
    """Play the book in FILE, day by day: what would have happened under a policy."""
    with each_mistake_on_a_line("nothing was replayed"):
        policy = default_policy()
        if policy_file is not None:
            policy = read_policy(policy_file)
        book = read_book(Path(file), load_map(Path(map_file)))
    settings = ReplaySettings(policy, disputes == "hold", never_pay_every or 0, days_beyond)
    began = time.perf_counter()
    url, name = database_url(), f"replay_{secrets.token_hex(4)}"
    schema.create_scratch(url, name)
    try:
        store = PostgresStore(url, schema=name, durable=False, clock_is_real=False)
        try:
            with progress_on_terminal("replay") as progress:
                report = Replay(store, book, settings).play(progress)
        finally:
            store.close()
    finally:
        with psycopg.connect(url, autocommit=True) as db:
            schema.drop_scratch(db, name)
    seconds = round(time.perf_counter() - began, 1)
    if as_json:
        print_json({**asdict(report), "seconds": seconds})
    else:
        _show(report, seconds)
    if report.invariants_breached:
        click.get_current_context().exit(1)


def _show(report: ReplayReport, seconds: object) -> None:
    invoiced = format_amount(report.invoiced_minor, report.currency)
    still_open = format_amount(report.open_debt_minor, report.currency)
    click.echo(f"{report.invoices} invoices of {report.accounts} accounts, {invoiced}, over {report.virtual_days} days")
    click.echo(
        f"{report.past_due_invoices} went past due; {report.cases} cases of {report.accounts_with_case} accounts"
    )
    click.echo(
        f"{report.notices} messages, {report.disabled} disabled, {report.resumed} resumed, {report.deleted} deleted"
    )
    click.echo(f"{still_open} open at the end")
    click.echo(f"{report.invariants_checked} checks, {report.invariants_breached} breaches, {seconds} seconds")
