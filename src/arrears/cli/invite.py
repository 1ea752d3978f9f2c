"""`arrears invite`: let somebody into the account centre. There are no default users: so the first comes in."""

from __future__ import annotations

import click

from arrears.cli.common import AS_JSON, BY, print_json
from arrears.core.ids import ACCOUNT, format_id
from arrears.engine.finding import find_account
from arrears.engine.people.access import ROLES, invite
from arrears.wiring import open_installation


@click.command()
@click.argument("account")
@click.argument("email")
@click.option("--role", type=click.Choice(ROLES), default="administrator", show_default=True)
@click.option("--name", default="", help="What they are called; they can change it.")
@click.option("--language", default="", help="In which they read, like nl-BE [default: the account's].")
@BY
@AS_JSON
def command(account: str, email: str, role: str, name: str, language: str, by: str, as_json: bool) -> None:
    """Invite EMAIL to ACCOUNT (acc_12, or your own reference). The worker sends the link; it is good for a week, and
    once. An earlier invitation to the same address is replaced."""
    with open_installation() as live:
        number = find_account(live.store, account)
        link = invite(live.store, number, email, role, name, live.clock.now(), f"staff:{by}", language)
    if as_json:
        print_json({"account": format_id(ACCOUNT, number), "invitation": link, "role": role})
        return
    click.echo(
        f"invited {email} to {format_id(ACCOUNT, number)} as {role.replace('_', ' ')}; the worker sends the link"
    )
