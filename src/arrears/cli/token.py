"""`arrears token`: how programs come in at the API. Each has a token of its own, which one name can be taken from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from arrears.cli.common import AS_JSON, BY, WORDS, print_json, rows
from arrears.core.ids import ACCOUNT, format_id
from arrears.core.people.scopes import EVERYTHING, READS, TokenScope, scopes_of, scopes_text
from arrears.engine.finding import find_account
from arrears.web.api_tokens import OVERLAP, ListedToken, listed_tokens, make_token, revoke_token, rotate_token
from arrears.wiring import open_installation, set_up_django


@click.group()
def command() -> None:
    """Make, list and end the tokens with which programs use the API."""


@command.command()
@click.argument("name", type=WORDS)
@click.option("--read-only", is_flag=True, help="It may look, and change nothing.")
@click.option("--scope", "scopes", multiple=True, help="What it may do, KIND:ACT, again and again; else everything.")
@click.option("--account", help="The only account it may see, by the operator's own reference or as acc_12.")
@click.option(
    "--expires-on", type=click.DateTime(formats=["%Y-%m-%d"]), help="The day (UTC) on which it is no longer taken."
)
@BY
@AS_JSON
def create(
    name: str,
    read_only: bool,
    scopes: tuple[str, ...],
    account: str | None,
    expires_on: datetime | None,
    by: str,
    as_json: bool,
) -> None:
    """Make a token for the program NAME and show it, this once: only its digest is kept.

    --scope says what it may do: payments:money, people:read, '*:read' (docs/api.md lists them).
    """
    if read_only and scopes:
        raise click.UsageError("say --read-only or --scope; --scope '*:read' is --read-only")
    with open_installation() as live:
        set_up_django(live.url)
        now = live.clock.now()
        expires_at = None if expires_on is None else expires_on.replace(tzinfo=UTC)
        number = 0 if account is None else find_account(live.store, account)
        made, token = make_token(name, _allowed(read_only, scopes), now, expires_at, number, made_by=f"staff:{by}")
    if as_json:
        print_json({**_shown(made, now), "token": token})
        return
    click.echo(token)
    click.echo(f"token {made.number}, {name}: keep it now, it is not shown again", err=True)


def _allowed(read_only: bool, scopes: tuple[str, ...]) -> frozenset[TokenScope]:
    if read_only:
        return READS
    return scopes_of(scopes) if scopes else EVERYTHING


@command.command("list")
@AS_JSON
def list_tokens(as_json: bool) -> None:
    """List every token, also those that have ended, with who made each and when it was last used."""
    with open_installation() as live:
        set_up_django(live.url)
        found, now = listed_tokens(), live.clock.now()
    if as_json:
        print_json([_shown(one, now) for one in found])
        return
    if not found:
        click.echo("there is no token; `arrears token create NAME` makes one")
    rows([(one.number, one.name, _may(one), _state(one, now), _used(one), _made(one)) for one in found])


@command.command()
@click.argument("number", type=click.IntRange(1, 2**63 - 1))
@click.option(
    "--overlap-hours",
    type=click.IntRange(0, 24 * 30),
    default=int(OVERLAP.total_seconds()) // 3600,
    show_default=True,
    help="How long the secret that it has now is still taken.",
)
@AS_JSON
def rotate(number: int, overlap_hours: int, as_json: bool) -> None:
    """Give token NUMBER another secret and show it, this once; the one it has is taken a while longer."""
    with open_installation() as live:
        set_up_django(live.url)
        now = live.clock.now()
        token = rotate_token(number, now, timedelta(hours=overlap_hours))
        [one] = [one for one in listed_tokens() if one.number == number]
    if as_json:
        print_json({**_shown(one, now), "token": token})
        return
    click.echo(token)
    until = f"{one.before_until:%Y-%m-%d %H:%M} UTC"
    click.echo(f"token {number}, {one.name}: keep it now; the secret before is taken until {until}", err=True)


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


def _made(one: ListedToken) -> str:
    return f"made by {one.made_by}" if one.made_by else ""


def _used(one: ListedToken) -> str:
    return "never used" if one.last_used_at is None else f"last used {one.last_used_at:%Y-%m-%d %H:%M} UTC"


def _may(one: ListedToken) -> str:
    of = f" of {format_id(ACCOUNT, one.account)}" if one.account else ""
    return f"{'everything' if one.scopes == EVERYTHING else scopes_text(one.scopes)}{of}"


def _shown(one: ListedToken, now: datetime) -> dict[str, Any]:
    return {
        "number": one.number,
        "name": one.name,
        "scopes": scopes_text(one.scopes).split(),
        "account": format_id(ACCOUNT, one.account) if one.account else None,
        "state": _state(one, now),
        "created_at": one.created_at,
        "made_by": one.made_by or None,
        "expires_at": one.expires_at,
        "revoked_at": one.revoked_at,
        "last_used_at": one.last_used_at,
        "rotated_at": one.rotated_at,
        "before_until": one.before_until,
    }
