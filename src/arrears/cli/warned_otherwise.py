"""`arrears told`: somebody was told of a warning by letter, by telephone or in person."""

from __future__ import annotations

from datetime import datetime

import click

from arrears.cli.common import AS_JSON, WORDS, print_json
from arrears.core.account import Action
from arrears.core.facts import WarnedHow
from arrears.core.ids import SUBSCRIPTION, format_id
from arrears.engine.commands.warned_otherwise import SpokenWarning, record_warned
from arrears.engine.finding import find_account, named_subscription
from arrears.wiring import open_installation

_HOW = click.Choice([how.value for how in WarnedHow])
_ACTION = click.Choice([action.value for action in Action])


@click.command()
@click.argument("account")
@click.option("--subscription", required=True, help="What they were told of: sub_12_3, or the name of the service.")
@click.option("--action", type=_ACTION, required=True, help="What they were told will happen to it.")
@click.option("--how", type=_HOW, required=True, help="How they were told.")
@click.option(
    "--on", type=click.DateTime(formats=["%Y-%m-%d"]), required=True, help="The day: of a letter, its arrival."
)
@click.option("--proof", type=WORDS, required=True, help="Where the proof is kept, like a receipt's number; no names.")
@click.option("--why", type=WORDS, required=True, help="What was said, for the journal.")
@click.option("--by", "who", type=WORDS, required=True, help="Who told them, for the journal.")
@AS_JSON
def command(
    account: str,
    subscription: str,
    action: str,
    how: str,
    on: datetime,
    proof: str,
    why: str,
    who: str,
    as_json: bool,
) -> None:
    """Record that somebody of ACCOUNT (acc_12, or your own reference) was told what one warning says: the newest one of
    that action and subscription.

    It counts as if a mail server had accepted that warning now: the lead runs from here, and the date is the one that
    the warning names, or a later one. Tell them the date that `arrears explain` shows, on the day of the warning. No
    other warning counts by this: who was told that a service stops was not told that data is deleted."""
    with open_installation() as live:
        number = find_account(live.store, account)
        sub = named_subscription(live.store, number, subscription)
        spoken = SpokenWarning(sub, Action(action), WarnedHow(how), on.date(), proof)
        told = record_warned(live.store, number, spoken, live.clock.now(), f"staff:{who}", why)
    name = format_id(SUBSCRIPTION, number, sub)
    if as_json:
        days = {"named_on": told.named_on, "happens_on": told.happens_on}
        print_json({"subscription": name, "action": action, **days})
        return
    later = "" if told.happens_on == told.named_on else f", later than the {told.named_on} of the warning: tell them"
    click.echo(f"told: {action} of {name} on {told.happens_on}{later}")
