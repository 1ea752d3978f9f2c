"""`arrears support`: what people ask for help with, and what staff do about it until there is a console."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import click

from arrears.cli.common import AS_JSON, BY, WORDS, print_json, rows
from arrears.core.account import Stop
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, format_id
from arrears.engine.finding import find_account
from arrears.engine.people import support as engine
from arrears.ports.support import Request
from arrears.wiring import Installation, open_installation

LISTED_MAX: Final = 1000

WHY: Final = click.option("--why", type=WORDS, required=True, help="Why; it is kept with the fact.")
NUMBER: Final = click.argument("number", type=click.IntRange(1, 2**63 - 1))


@click.group()
def command() -> None:
    """Work on support requests."""


@command.command("list")
@click.option("--open", "only_open", is_flag=True, help="Only what waits for us, the oldest first.")
@AS_JSON
def list_command(only_open: bool, as_json: bool) -> None:
    """List the requests, the newest first."""
    with open_installation() as live:
        found = live.store.waiting_requests(LISTED_MAX, every=not only_open)
    if as_json:
        print_json([_shown(one) for one in found])
        return
    if not found:
        click.echo("nobody waits for help" if only_open else "nobody has asked for help")
    rows([(o.number, f"{o.asked_at:%Y-%m-%d %H:%M}", o.state, _where(o), o.about, o.via) for o in found])


@command.command()
@NUMBER
@AS_JSON
def show(number: int, as_json: bool) -> None:
    """Show one request with its conversation and what it holds."""
    with open_installation() as live:
        asked = engine.known(live.store, number)
        entries = live.store.support_entries(number)
        holds, payment = _holds(live, asked), _payment(live, asked)
        names = live.store.contacts([asked.account]) if asked.account else {}
    said = [{"by": e.author or "customer", "at": e.at, "text": e.body} for e in entries]
    if as_json:
        print_json({**_shown(asked), "holds": holds, "payment": payment, "said": said})
        return
    click.echo(f"request {number}, {asked.state}: {asked.about.replace('_', ' ')}, by {asked.via}")
    click.echo(f"{asked.asked_at:%Y-%m-%d %H:%M} UTC, {_where(asked)}")
    for line in (*(one.name for one in names.values()), *_who(asked)):
        click.echo(line)
    if payment:
        click.echo(f"payment {payment}")
    for hold in holds:
        click.echo(f"holds {', '.join(hold['stops'])} to {hold['until']}{'' if hold['open'] else ' (over)'}")
    for one in said:
        click.echo(f"\n{one['at']:%Y-%m-%d %H:%M} {one['by']}\n{one['text']}")


@command.command()
@NUMBER
@click.argument("text")
@BY
def answer(number: int, text: str, by: str) -> None:
    """Answer request NUMBER with TEXT; whoever asked gets a message with a link to it."""
    with open_installation() as live:
        engine.answer(live.store, number, text, live.clock.now(), f"staff:{by}")
    click.echo(f"request {number} is answered")


@command.command()
@NUMBER
@click.option("--stops", required=True, help="What is held: disable, delete, restrict, remind, charge; with commas.")
@click.option("--days", type=int, required=True, help="So many local days, beginning with tomorrow.")
@WHY
@BY
def hold(number: int, stops: str, days: int, why: str, by: str) -> None:
    """Hold more on the account of request NUMBER than it holds by itself."""
    wanted = tuple(dict.fromkeys(_stop(name.strip()) for name in stops.split(",")))
    with open_installation() as live:
        until = engine.grant_hold(live.store, number, wanted, days, why, live.clock.now(), f"staff:{by}")
    click.echo(f"held to {until} and including it: {', '.join(wanted)}")


@command.command()
@NUMBER
@click.argument("account")
@WHY
@BY
def assign(number: int, account: str, why: str, by: str) -> None:
    """Say that request NUMBER of a stranger is about ACCOUNT (acc_12, or your own reference)."""
    with open_installation() as live:
        found = find_account(live.store, account)
        engine.place(live.store, number, found, live.clock.now(), f"staff:{by}", why)
    click.echo(f"request {number} is about {format_id(ACCOUNT, found)}")


@command.command()
@NUMBER
@WHY
@BY
def close(number: int, why: str, by: str) -> None:
    """Close request NUMBER. What it holds stays held to its last day."""
    with open_installation() as live:
        engine.close(live.store, number, why, live.clock.now(), f"staff:{by}")
    click.echo(f"request {number} is closed")


def _stop(name: str) -> Stop:
    try:
        return Stop(name)
    except ValueError:
        every = ", ".join(Stop)
        raise Refused("bad_hold", f"{name[:40]!r} cannot be held; give some of {every}, with commas between") from None


def _where(asked: Request) -> str:
    return format_id(ACCOUNT, asked.account) if asked.account else "no account"


def _who(asked: Request) -> Iterator[str]:
    """As they typed it, which nobody has checked but for the address."""
    for name in ("name", "address", "company", "known_by"):
        if getattr(asked, name):
            yield f"{name.replace('_', ' ')}: {getattr(asked, name)}"


def _holds(live: Installation, asked: Request) -> list[dict[str, Any]]:
    if not asked.holds:
        return []
    account = live.store.snapshots([asked.account])[asked.account]
    return [
        {"hold": h.no, "stops": list(h.stops), "until": h.until, "open": h.ended_at is None}
        for h in account.holds
        if h.no in asked.holds
    ]


def _payment(live: Installation, asked: Request) -> str:
    """The reference of the payment after which something did not come back."""
    if not asked.account:
        return ""
    account = live.store.snapshots([asked.account])[asked.account]
    late = [o for sub in account.subscriptions for o in sub.orders if asked.seq and o.late_seq == asked.seq]
    return live.store.payment_of_fact(asked.account, late[0].given_seq) if late else ""


def _shown(asked: Request) -> dict[str, Any]:
    return {
        "number": asked.number,
        "account": format_id(ACCOUNT, asked.account) if asked.account else None,
        "about": asked.about,
        "via": asked.via,
        "state": asked.state,
        "asked_at": asked.asked_at,
        "name": asked.name,
        "address": asked.address,
        "company": asked.company,
        "known_by": asked.known_by,
    }
