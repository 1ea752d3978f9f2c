"""`arrears timeline`: everything that happened to an account, by day."""

from __future__ import annotations

import json

import click

from arrears.cli.common import AS_JSON, find_account, print_json
from arrears.core.facts import ARREARS, Recorded, encode_fact
from arrears.sim.story import as_text, tell
from arrears.wiring import open_installation


@click.command()
@click.argument("account")
@AS_JSON
def command(account: str, as_json: bool) -> None:
    """Show every fact of ACCOUNT (acc_12, or your own reference). --json gives them whole."""
    with open_installation() as live:
        history = live.store.history(find_account(live.store, account))
    if as_json:
        print_json(
            [
                {"seq": r.seq, "at": r.at, "author": r.author, "why": r.why, **json.loads(encode_fact(r.fact))}
                for r in history
            ]
        )
        return
    for recorded, line in zip(history, tell(history, every_fact=True), strict=True):
        click.echo(as_text(line) + _by(recorded))


def _by(recorded: Recorded) -> str:
    """Who did it and why, where it was not arrears itself."""
    if recorded.author == ARREARS:
        return ""
    return f"  [{recorded.author}{': ' + recorded.why if recorded.why else ''}]"
