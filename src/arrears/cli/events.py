"""`arrears events`: what goes out to the operator's systems, where to, and what became of it."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any, Final

import click

from arrears.cli.common import AS_JSON, BY, WORDS, print_json, rows
from arrears.core.delivery.signing import SECRET_BYTES, secret_text
from arrears.core.errors import Refused
from arrears.core.events import EVENTS, number_of_event, wanted_types
from arrears.core.ids import ACCOUNT, format_id
from arrears.engine.finding import find_account
from arrears.ports import DeliveryEndpoint, DeliveryState, EndpointState, EndpointUse, ListedDelivery, NewEndpoint
from arrears.wiring import Installation, open_installation

NAME_CHARACTERS_MAX: Final = 60
OVERLAP_HOURS: Final = 24
LISTED_MAX: Final = 1000


@click.group()
def command() -> None:
    """List what happened, and say who hears of it."""


@command.command("list")
@click.option("--after", default="0", show_default=True, help="The id of the last event that you have.")
@click.option("--type", "kinds", multiple=True, help="Only these: payment.settled, 'invoice.*'; again and again.")
@click.option("--limit", type=click.IntRange(1, LISTED_MAX), default=100, show_default=True)
def list_events(after: str, kinds: tuple[str, ...], limit: int) -> None:
    """Print the events after a cursor, one JSON text a line, with the bodies that endpoints get."""
    with open_installation() as live:
        found, _ = live.store.events_after(number_of_event(after), limit, wanted_types(kinds))
    for one in found:
        click.echo(one.body)


@command.command()
def types() -> None:
    """List every type of event with its version."""
    rows(sorted((row.type, f"version {row.version}") for row in EVENTS.values()))


@command.group()
def endpoints() -> None:
    """Add, list and end the addresses that events are sent to."""


@endpoints.command()
@click.argument("name", type=WORDS)
@click.argument("url")
@click.option("--type", "kinds", multiple=True, help="Only these: payment.settled, 'invoice.*'; else all.")
@click.option("--account", help="The only account it hears of, by your own reference or as acc_12.")
@click.option("--after", help="Begin after this event (0: with the first there ever was); else with what comes now.")
@AS_JSON
def add(name: str, url: str, kinds: tuple[str, ...], account: str | None, after: str | None, as_json: bool) -> None:
    """Send events to URL from now on, and show the secret that signs them, this once."""
    if len(name) > NAME_CHARACTERS_MAX:
        raise Refused("name_too_long", f"an endpoint's name has at most {NAME_CHARACTERS_MAX} characters")
    secret = secret_text(secrets.token_bytes(SECRET_BYTES))
    with open_installation() as live:
        live.transport().check(url)
        number = 0 if account is None else find_account(live.store, account)
        begin = None if after is None else number_of_event(after)
        kept = live.transport().sealed(secret)
        new = NewEndpoint(EndpointUse.EVENTS, name, url, kept, wanted_types(kinds), number, begin)
        live.store.add_endpoint(new, live.clock.now())
        made = live.store.endpoint_named(name)
    _say_secret(made, secret, "", as_json)


@endpoints.command("list")
@AS_JSON
def list_endpoints(as_json: bool) -> None:
    """List the endpoints, how they do, and how much was taken, waits, or is parked."""
    with open_installation() as live:
        found = [one for one in live.store.endpoints() if one.use is EndpointUse.EVENTS]
    if as_json:
        print_json([shown_endpoint(one) for one in found])
        return
    if not found:
        click.echo("there is no endpoint; `arrears events endpoints add NAME URL` makes one")
    rows([(one.name, one.url, how_it_does(one), *_counted(one)) for one in found])


@endpoints.command()
@click.argument("name")
@click.option("--overlap-hours", type=click.IntRange(0, 24 * 30), default=OVERLAP_HOURS, show_default=True)
@AS_JSON
def rotate(name: str, overlap_hours: int, as_json: bool) -> None:
    """Sign by another secret and show it, this once; the one before signs too for a while."""
    secret = secret_text(secrets.token_bytes(SECRET_BYTES))
    with open_installation() as live:
        one, now = _events_endpoint(live, name), live.clock.now()
        until = now + timedelta(hours=overlap_hours)
        live.store.rotate_secret(one.number, live.transport().sealed(secret), now, until)
    _say_secret(one, secret, f"; the one before signs too until {until:%Y-%m-%d %H:%M} UTC", as_json)


@endpoints.command()
@click.argument("name")
@click.option("--url", help="Another address.")
@click.option("--type", "kinds", multiple=True, help="Only these from now on; '*' for all.")
def change(name: str, url: str | None, kinds: tuple[str, ...]) -> None:
    """Send to another address, or other types of events, from now on."""
    with open_installation() as live:
        one = _events_endpoint(live, name)
        address = one.url if url is None else url
        live.transport().check(address)
        wanted = () if kinds == ("*",) else wanted_types(kinds) or one.kinds
        live.store.change_endpoint(one.number, address, wanted, live.clock.now())
    click.echo(f"{name} is changed")


def _switched(name: str, state: EndpointState, why: str, by: str) -> None:
    with open_installation() as live:
        one = _events_endpoint(live, name)
        live.store.switch_endpoint(one.number, state, why, live.clock.now(), by)
    click.echo(f"{name} is {state}")


@endpoints.command()
@click.argument("name")
@BY
def on(name: str, by: str) -> None:
    """Send again; what waited goes out in its order."""
    _switched(name, EndpointState.ON, "", by)


@endpoints.command()
@click.argument("name")
@click.option("--reason", type=WORDS, default="switched off by hand", show_default=True)
@BY
def off(name: str, reason: str, by: str) -> None:
    """Send nothing for now; everything waits and nothing is lost."""
    _switched(name, EndpointState.OFF, reason, by)


@endpoints.command()
@click.argument("name")
@BY
def remove(name: str, by: str) -> None:
    """Never send anything there again; its name may be used anew."""
    _switched(name, EndpointState.REMOVED, "removed by hand", by)


@endpoints.command()
@click.argument("name")
@click.option("--after", required=True, help="The id of the last event that was right, or 0.")
def replay(name: str, after: str) -> None:
    """Send everything after an event again, with the same ids and bodies."""
    with open_installation() as live:
        live.store.replay_events(_events_endpoint(live, name).number, number_of_event(after), live.clock.now())
    click.echo(f"{name} gets everything after {after} again")


@command.command()
@click.argument("name")
@click.option("--state", type=click.Choice([one.value for one in DeliveryState]))
@click.option("--limit", type=click.IntRange(1, LISTED_MAX), default=50, show_default=True)
@AS_JSON
def deliveries(name: str, state: str | None, limit: int, as_json: bool) -> None:
    """List what an endpoint was sent, the newest first, and what it answered."""
    with open_installation() as live:
        one = live.store.endpoint_named(name)
        found = live.store.listed_deliveries(one.number, DeliveryState(state) if state else None, limit)
    if as_json:
        print_json([shown_delivery(each) for each in found])
        return
    rows(
        [(d.message, d.kind, d.state, f"{d.tries} tries", said_at(d.moved_at), d.status or "-", d.said) for d in found]
    )


@command.command()
@click.argument("name")
@click.argument("message", default="")
def redrive(name: str, message: str) -> None:
    """Try again what is parked at an endpoint: all of it, or one MESSAGE."""
    with open_installation() as live:
        count = live.store.redrive(live.store.endpoint_named(name).number, message, live.clock.now())
    click.echo(f"{count} are tried again")


def _events_endpoint(live: Installation, name: str) -> DeliveryEndpoint:
    one = live.store.endpoint_named(name)
    if one.use is not EndpointUse.EVENTS:
        raise Refused("unknown_endpoint", f"{name[:60]!r} is a service, and no endpoint for events")
    return one


def _say_secret(one: DeliveryEndpoint, secret: str, more: str, as_json: bool) -> None:
    if as_json:
        print_json({**shown_endpoint(one), "secret": secret})
        return
    click.echo(secret)
    click.echo(f"endpoint {one.name}: keep its secret now, it is not shown again{more}", err=True)


def _counted(one: DeliveryEndpoint) -> list[str]:
    return [f"{one.counts[state]} {state}" for state in DeliveryState]


def how_it_does(one: DeliveryEndpoint) -> str:
    """Whether it is on, and since when it takes nothing."""
    if one.state is EndpointState.OFF:
        return f"off: {one.why}"
    return "on" if one.failing_since is None else f"on, takes nothing since {said_at(one.failing_since)}"


def said_at(instant: datetime) -> str:
    """An instant as a line says it."""
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def shown_endpoint(one: DeliveryEndpoint) -> dict[str, Any]:
    """An endpoint as a script reads it."""
    return {
        "number": one.number,
        "name": one.name,
        "url": one.url,
        "types": list(one.kinds),
        "account": format_id(ACCOUNT, one.account) if one.account else None,
        "state": one.state,
        "why": one.why or None,
        "cursor": f"evt_{one.event_no}",
        "failing_since": one.failing_since,
        "deliveries": {state.value: one.counts[state] for state in DeliveryState},
    }


def shown_delivery(one: ListedDelivery) -> dict[str, Any]:
    """A delivery as a script reads it."""
    return {
        "id": one.message,
        "type": one.kind,
        "key": one.key,
        "state": one.state,
        "tries": one.tries,
        "made_at": one.made_at,
        "next_at": one.next_at,
        "moved_at": one.moved_at,
        "status": one.status,
        "said": one.said or None,
    }
