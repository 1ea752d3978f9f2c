"""`arrears token`: how programs come in at the API. Each has a token of its own, which one name can be taken from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import click

from arrears.cli.common import AS_JSON, WORDS, print_json, rows
from arrears.core.errors import Refused
from arrears.web.api_tokens import ListedToken, create_token, listed_tokens, revoke_token
from arrears.wiring import open_installation, set_up_django

NAME_CHARACTERS_MAX: Final = 60


@click.group()
def command() -> None:
    """Make, list and end the tokens with which programs use the API."""


@command.command()
@click.argument("name", type=WORDS)
@click.option("--read-only", is_flag=True, help="It may look, and change nothing.")
@click.option(
    "--expires-on", type=click.DateTime(formats=["%Y-%m-%d"]), help="The day (UTC) on which it is no longer taken."
)
@AS_JSON
def create(name: str, read_only: bool, expires_on: datetime | None, as_json: bool) -> None:
    """Make a token for the program NAME and show it, this once: only its digest is kept."""
    if len(name) > NAME_CHARACTERS_MAX:
        raise Refused("name_too_long", f"a token's name has at most {NAME_CHARACTERS_MAX} characters")
    with open_installation() as live:
        set_up_django(live.url)
        now = live.clock.now()
        expires_at = None if expires_on is None else expires_on.replace(tzinfo=UTC)
        if expires_at is not None and expires_at <= now:
            raise Refused(
                "already_expired", f"--expires-on {expires_at:%Y-%m-%d}: that day has begun; give a later one"
            )
        if any(one.name == name and one.is_good(now) for one in listed_tokens()):
            raise Refused(
                "duplicate_token", f"a token called {name!r} is in use; revoke that one, or choose another name"
            )
        token = create_token(name, "read" if read_only else "write", now, expires_at)
        made = listed_tokens()[-1]
    if as_json:
        print_json({**_shown(made, now), "token": token})
        return
    click.echo(token)
    click.echo(f"token {made.number}, {name}: keep it now, it is not shown again", err=True)


@command.command("list")
@AS_JSON
def list_tokens(as_json: bool) -> None:
    """List every token, also those that have ended, with when each was last used."""
    with open_installation() as live:
        set_up_django(live.url)
        found, now = listed_tokens(), live.clock.now()
    if as_json:
        print_json([_shown(one, now) for one in found])
        return
    if not found:
        click.echo("there is no token; `arrears token create NAME` makes one")
    rows([(one.number, one.name, one.scope, _state(one, now), _used(one)) for one in found])


@command.command()
@click.argument("number", type=click.IntRange(1, 2**63 - 1))
@AS_JSON
def revoke(number: int, as_json: bool) -> None:
    """End token NUMBER at once; whoever sends it is refused from now on."""
    with open_installation() as live:
        set_up_django(live.url)
        now = live.clock.now()
        revoke_token(number, now)
        [one] = [one for one in listed_tokens() if one.number == number]
    if as_json:
        print_json(_shown(one, now))
        return
    click.echo(f"token {number}, {one.name}, is revoked")


def _state(one: ListedToken, now: datetime) -> str:
    if one.revoked_at is not None:
        return "revoked"
    return "good" if one.is_good(now) else "expired"


def _used(one: ListedToken) -> str:
    return "never used" if one.last_used_at is None else f"last used {one.last_used_at:%Y-%m-%d %H:%M} UTC"


def _shown(one: ListedToken, now: datetime) -> dict[str, Any]:
    return {
        "number": one.number,
        "name": one.name,
        "scope": one.scope,
        "state": _state(one, now),
        "created_at": one.created_at,
        "expires_at": one.expires_at,
        "revoked_at": one.revoked_at,
        "last_used_at": one.last_used_at,
    }
