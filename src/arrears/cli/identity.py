"""`arrears identity`: who this installation is to its payment providers, and how a copy of one becomes another."""

from __future__ import annotations

import click

from arrears.cli.common import AS_JSON, BY, WORDS, print_json
from arrears.core.errors import Refused
from arrears.engine.payments.becoming import become_another
from arrears.wiring import open_installation, settings


@click.group(invoke_without_command=True)
@AS_JSON
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Show it; `arrears identity new` makes a copy of an installation one of its own."""
    if context.invoked_subcommand is not None:
        return
    with open_installation() as live:
        system = live.store.system()
    if as_json:
        print_json({"identity": system.identity, "copied_at": system.copied_at})
        return
    click.echo(f"this installation is {system.identity} to its payment providers")
    if system.copied_at is not None:
        click.echo(f"it was a copy of another until {system.copied_at}; what is older belongs to that one")


@command.command()
@click.option("--why", type=WORDS, required=True, help="What this copy is for; it is kept with the fact.")
@BY
def new(why: str, by: str) -> None:
    """Make this copy an installation of its own: run it before its worker and its pages are started, never on the
    original. What was copied is never charged, renewed, removed or given back from here."""
    if settings().mode == "live":
        message = "this is in live mode, and a copy is for tests: set ARREARS_MODE=test and a test key"
        raise Refused("live_installation", message)
    with open_installation() as live:
        taken = become_another(live.store, live.clock.now(), f"staff:{by}", why)
    click.echo(f"this installation is {taken} from now on; restart whatever runs of it")
