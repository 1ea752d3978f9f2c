"""`arrears simulate`: the engine in a made-up world, every invariant on. Same seed, same facts, on either store."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from arrears.cli.common import AS_JSON, print_json, progress_of
from arrears.cli.scratch import STORE, scratch_store
from arrears.sim.people import MIXES
from arrears.sim.simulate import SimulationReport, simulate


@click.command()
@click.option("--accounts", type=click.IntRange(1, 1_000_000), default=50, show_default=True)
@click.option("--days", type=click.IntRange(1, 36_500), default=365, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True)
@click.option("--people", type=click.Choice(sorted(MIXES)), default="troubled", show_default=True)
@STORE
@AS_JSON
def command(accounts: int, days: int, seed: int, people: str, where: str, as_json: bool) -> None:
    """Play made-up people who pay, forget, dispute and vanish; exit code 1 if an invariant breaks."""
    began = time.perf_counter()
    with scratch_store(where, f"simulate_{seed}") as store, progress_of("simulate") as progress:
        report = simulate(
            store, accounts, days, seed, mix=MIXES[people], progress=lambda passed: progress(passed, days)
        )
    seconds = round(time.perf_counter() - began, 1)
    if as_json:
        print_json({**asdict(report), "store": where, "seconds": seconds})
    else:
        _show(report, seconds)
    if not report.holds:
        click.get_current_context().exit(1)


def _show(report: SimulationReport, seconds: object) -> None:
    click.echo(f"digest of all facts: {report.digest} (the same seed gives the same)")
    click.echo(f"{report.accounts} accounts, {report.days} days, seed {report.seed}: {report.facts} facts")
    click.echo(f"{report.invoices} invoices, {report.payments} payments, {report.notices} messages")
    click.echo(f"{report.disabled} disabled, {report.resumed} resumed, {report.deleted} deleted")
    click.echo(f"{report.invariants_checked} checks, {report.breach_count} breaches, {seconds} seconds")
    for breach in report.breaches:
        click.echo(f"{breach.invariant} account {breach.account}: {breach.what}", err=True)
    for wrong in (*report.wrongful_disablements, *report.wrongful_deletions):
        click.echo(f"wrongful: {wrong}", err=True)
