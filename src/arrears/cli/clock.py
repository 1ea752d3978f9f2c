"""`arrears clock`: look at the clock guard, or say that the time is right."""

from __future__ import annotations

import click

from arrears.cli.common import AS_JSON, BY, print_json
from arrears.engine.system import confirm_clock
from arrears.wiring import open_installation


@click.group(invoke_without_command=True)
@AS_JSON
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Show the clock guard; `arrears clock confirm` lets what waits for it go on."""
    if context.invoked_subcommand is not None:
        return
    with open_installation() as live:
        system = live.store.system()
    if as_json:
        shown = {"suspect": system.clock_suspect, "differs_from_provider": system.clock_differs}
        print_json({"last_tick_at": system.last_tick_at, **shown})
        return
    click.echo(f"last tick: {system.last_tick_at or 'never'}")
    if system.clock_suspect:
        click.echo("the clock is suspect: nothing is restricted, disabled or deleted until `arrears clock confirm`")
    if system.clock_differs:
        click.echo(
            "the clock differs from a payment provider's: nothing is restricted, disabled or deleted until they agree;"
            " see `arrears tasks`, and set this machine's clock right"
        )
    if not system.guards.clock_suspect:
        click.echo("the clock is trusted")


@command.command()
@click.option("--why", default="", help="What you looked at; it is kept with the fact.")
@BY
def confirm(why: str, by: str) -> None:
    """Say that the time is right."""
    with open_installation() as live:
        waited = confirm_clock(live.store, live.clock.now(), f"staff:{by}", why)
        differs = live.store.system().clock_differs
    click.echo(f"the clock is trusted; {waited} accounts that waited are looked at again")
    if differs:
        click.echo("it still differs from a payment provider's, which this does not end: they wait until both agree")
