"""`arrears told`: somebody was told of a warning by letter, by telephone or in person."""

from __future__ import annotations

from datetime import datetime

import click

from arrears.cli.common import AS_JSON, find_account, print_json
from arrears.core.facts import WarnedHow
from arrears.core.ids import SUBSCRIPTION, format_id
from arrears.engine.commands.warned_otherwise import record_warned
from arrears.wiring import open_installation

_HOW = click.Choice([how.value for how in WarnedHow])


@click.command()
@click.argument("account")
@click.option("--how", type=_HOW, required=True, help="How they were told.")
@click.option(
    "--on", type=click.DateTime(formats=["%Y-%m-%d"]), required=True, help="The day: of a letter, its arrival."
)
@click.option("--proof", required=True, help="Where the proof is kept, like a receipt's number; no names.")
@click.option("--why", required=True, help="What was said, for the journal.")
@click.option("--by", "who", required=True, help="Who told them, for the journal.")
@AS_JSON
def command(account: str, how: str, on: datetime, proof: str, why: str, who: str, as_json: bool) -> None:
    """Record that somebody of ACCOUNT (acc_12, or your own reference) was told what the newest warning says.

    It counts as if a mail server had accepted that warning now: the lead runs from here, and the date is the one that
    the warning names, or a later one. Tell them the date that `arrears explain` shows, on the day of the warning."""
    with open_installation() as live:
        number = find_account(live.store, account)
        told = record_warned(
            live.store, number, WarnedHow(how), on.date(), proof, live.clock.now(), f"staff:{who}", why
        )
    if as_json:
        rows = [(format_id(SUBSCRIPTION, number, one.subscription), one.action.value, one.on) for one in told]
        print_json([{"subscription": sub, "action": action, "on": day} for sub, action, day in rows])
        return
    for one in told:
        click.echo(f"told: {one.action} of {format_id(SUBSCRIPTION, number, one.subscription)} on {one.on}")
