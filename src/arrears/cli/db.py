"""`arrears db`: bring the database up to date; start, stop or look at the embedded one."""

from __future__ import annotations

import json
import time
from dataclasses import asdict

import click

from arrears.cli.common import progress_of
from arrears.core.errors import Refused
from arrears.store.postgres.upgrading import upgrade as bring_up_to_date
from arrears.store.server import EmbeddedServer, ServerStatus
from arrears.wiring import RealClock, live_url, migrate, settings

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")


@click.group()
def command() -> None:
    """Bring the database up to date; start, stop or look at the embedded one."""


def _embedded() -> EmbeddedServer:
    if settings().database_url:
        message = "ARREARS_DATABASE_URL names another database, so there is no embedded one to look after; unset it"
        raise Refused("database_not_embedded", message)
    return EmbeddedServer(settings().home)


@command.command()
@click.option("--in-use", is_flag=True, help="Go on although others are connected.")
def upgrade(in_use: bool) -> int:
    """Bring the database up to this version. Make a backup, and stop the workers and the pages before; what is broken
    off goes on with the next try."""
    began = time.perf_counter()

    def step_done(name: str) -> None:
        click.echo(f"schema version {name} ({time.perf_counter() - began:.1f} seconds)")

    with progress_of("accounts") as progress:
        report = bring_up_to_date(
            live_url(), migrate, RealClock().now(), in_use=in_use, step_done=step_done, folded=progress
        )
    click.echo(f"up to date: {report.accounts} accounts, {report.rewritten} of them read anew")
    for breach in report.broken:
        click.echo(f"{breach.invariant} account {breach.account}: {breach.what}", err=True)
    if report.broken:
        way = "their states are as they were; `arrears check` says more"
        raise Refused("accounts_broken", f"{len(report.broken)} accounts have a history that does not hold; {way}")
    return 0


@command.command()
@_as_json
def start(as_json: bool) -> None:
    """Start it, and recover it if it was killed."""
    server = _embedded()
    server.start()
    _show(server.status(), as_json)


@command.command()
@_as_json
def stop(as_json: bool) -> None:
    """Stop it; its connections are closed first."""
    server = _embedded()
    server.stop()
    _show(server.status(), as_json)


@command.command()
@_as_json
def status(as_json: bool) -> None:
    """Show whether it runs, where, and which version. Changes nothing."""
    _show(_embedded().status(), as_json)


def _show(status: ServerStatus, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(asdict(status), default=str))
        return
    click.echo(f"{'running' if status.running else 'stopped'}: PostgreSQL {status.version}")
    if status.pid is not None:
        click.echo(f"process: {status.pid}")
    click.echo(f"data:    {status.data_folder}")
    click.echo(f"url:     {status.url}  (the password is in {status.data_folder.parent / 'password'})")
