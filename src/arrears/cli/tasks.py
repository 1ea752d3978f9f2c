"""`arrears tasks`: what waits for a person."""

from __future__ import annotations

from dataclasses import asdict

import click

from arrears.cli.common import AS_JSON, print_json, rows
from arrears.core.ids import ACCOUNT, format_id
from arrears.store.queries import open_tasks
from arrears.wiring import open_installation


@click.command()
@AS_JSON
def command(as_json: bool) -> None:
    """List the open tasks, oldest first."""
    with open_installation() as live:
        found = open_tasks(live.store)
    if as_json:
        print_json([{**asdict(t), "account": _where(t.account)} for t in found])
        return
    if not found:
        click.echo("nothing waits for a person")
    rows([(f"{t.since:%Y-%m-%d %H:%M}", _where(t.account), t.ref, t.kind, t.what) for t in found])


def _where(account: int) -> str:
    return format_id(ACCOUNT, account) if account else "system"
