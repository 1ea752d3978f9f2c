"""`arrears staff`: who of the operator's people comes into the console, and as what. There are no default users."""

from __future__ import annotations

from typing import Any

import click

from arrears.cli.common import AS_JSON, BY, WORDS, print_json, rows
from arrears.core.errors import Refused
from arrears.core.people.roles import StaffRole
from arrears.wiring import open_installation, set_up_django

ROLE = click.Choice([role.value for role in StaffRole])


@click.group()
def command() -> None:
    """Say who of your people comes into the console, and what each may do.

    A viewer looks; an agent acts on accounts; an approver is also one of the two whom something irrevocable takes; an
    administrator may do everything.
    """


@command.command()
@click.argument("email")
@click.option("--name", type=WORDS, required=True, help="What they are called.")
@click.option("--role", type=ROLE, required=True, help="What they may do.")
@BY
@AS_JSON
def add(email: str, name: str, role: str, by: str, as_json: bool) -> None:
    """Let EMAIL into the console. Shows a first password, this once: with it they choose one of their own and set an
    authenticator app up, without which nobody comes in."""
    if email.count("@") != 1 or not email.isprintable() or " " in email:
        raise Refused("bad_address", f"{email[:254]!r} is not an e-mail address")
    with open_installation() as live:
        set_up_django(live.url)
        from arrears.web.console import members

        password = members.first_password()
        members.create_staff(email, name, password, role, live.clock.now(), by=by, first=True)
        made = members.known_member(email)
    _said(made, password, as_json)


@command.command("list")
@AS_JSON
def list_staff(as_json: bool) -> None:
    """List everybody who is or was staff."""
    with open_installation() as live:
        set_up_django(live.url)
        from arrears.web.console import members

        found = members.members()
    if as_json:
        print_json([_shown(one) for one in found])
        return
    if not found:
        click.echo("nobody is staff; `arrears staff add EMAIL --name NAME --role administrator` lets the first one in")
    rows([(one.email, one.name, str(one.role), _state(one)) for one in found])


@command.command()
@click.argument("email")
@click.argument("role", type=ROLE)
def role(email: str, role: str) -> None:
    """Give EMAIL another ROLE, from their next click on."""
    with open_installation() as live:
        set_up_django(live.url)
        from arrears.web.console import members

        members.set_role(members.known_member(email), StaffRole(role))
    click.echo(f"{email} is {role} now")


@command.command()
@click.argument("email")
@AS_JSON
def reset(email: str, as_json: bool) -> None:
    """Give EMAIL a new start, if a phone or a password is lost: their password, app and sessions end, and a first
    password is shown, this once. Whoever had been ended comes back."""
    with open_installation() as live:
        set_up_django(live.url)
        from arrears.web.console import members

        password = members.first_password()
        members.reset_member(members.known_member(email), password)
        one = members.known_member(email)
    _said(one, password, as_json)


@command.command()
@click.argument("email")
def end(email: str) -> None:
    """EMAIL comes into the console no more; their sessions end at once. What they did stays theirs."""
    with open_installation() as live:
        set_up_django(live.url)
        from arrears.web.console import members

        members.end_member(members.known_member(email))
    click.echo(f"{email} does not come in any more")


def _said(one: Any, password: str, as_json: bool) -> None:
    if as_json:
        print_json({**_shown(one), "first_password": password})
        return
    click.echo(password)
    click.echo(
        f"{one.name} is {one.role}: tell them this first password, it is not shown again; they sign in at /console/",
        err=True,
    )


def _state(one: Any) -> str:
    if not one.is_active:
        return "ended"
    return "has not come in yet" if one.first_password or not one.has_app else "comes in"


def _shown(one: Any) -> dict[str, Any]:
    return {
        "number": one.number,
        "email": one.email,
        "name": one.name,
        "role": str(one.role),
        "state": _state(one).replace(" ", "_"),
        "made_by": one.made_by,
        "created_at": one.created_at,
    }
