"""`arrears db`: start, stop or look at the embedded database without doing anything else."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from arrears.core.errors import Refused
from arrears.store.server import EmbeddedServer, ServerStatus
from arrears.wiring import settings

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")


@click.group()
def command() -> None:
    """Start, stop or look at the embedded database."""
    if settings().database_url:
        message = "ARREARS_DATABASE_URL names another database, so there is no embedded one to look after; unset it"
        raise Refused("database_not_embedded", message)


@command.command()
@_as_json
def start(as_json: bool) -> None:
    """Start it, and recover it if it was killed."""
    server = EmbeddedServer(settings().home)
    server.start()
    _show(server.status(), as_json)


@command.command()
@_as_json
def stop(as_json: bool) -> None:
    """Stop it; its connections are closed first."""
    server = EmbeddedServer(settings().home)
    server.stop()
    _show(server.status(), as_json)


@command.command()
@_as_json
def status(as_json: bool) -> None:
    """Show whether it runs, where, and which version. Changes nothing."""
    _show(EmbeddedServer(settings().home).status(), as_json)


def _show(status: ServerStatus, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(asdict(status), default=str))
        return
    click.echo(f"{'running' if status.running else 'stopped'}: PostgreSQL {status.version}")
    if status.pid is not None:
        click.echo(f"process: {status.pid}")
    click.echo(f"data:    {status.data_folder}")
    click.echo(f"url:     {status.url}  (the password is in {status.data_folder.parent / 'password'})")
