"""`arrears run`: one collections run and everything it asked for, then exit."""

from __future__ import annotations

from dataclasses import asdict

import click

from arrears.cli.common import AS_JSON, print_json
from arrears.wiring import open_installation, tune_for_batches


@click.command()
@AS_JSON
def command(as_json: bool) -> None:
    """Collect what is due now, perform what that asked for, and exit."""
    tune_for_batches()
    with open_installation() as live:
        report, performed = live.work_once(say=lambda line: click.echo(line, err=True))
    if as_json:
        print_json({**asdict(report), "performed": performed})
        return
    click.echo(f"{report.accounts} accounts were due, {report.facts} facts recorded, {performed} actions performed")
    if report.parked:
        click.echo(f"{report.parked} accounts are parked; see `arrears tasks`")
