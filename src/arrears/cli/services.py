"""`arrears services`: where the operator's services obey, what they were told, and what became of it."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import click

from arrears.cli.common import AS_JSON, BY, WORDS, print_json, rows
from arrears.cli.events import LISTED_MAX, OVERLAP_HOURS, how_it_does, said_at, shown_delivery
from arrears.core.delivery.signing import SECRET_BYTES, secret_text
from arrears.core.errors import Refused
from arrears.core.ids import SUBSCRIPTION, format_id, parse_id
from arrears.engine.drift import DriftWatch, repeat_order, sentence
from arrears.ports import DeliveryEndpoint, DeliveryState, EndpointState, EndpointUse, NewEndpoint
from arrears.ports.drift import KnownDrift
from arrears.store.postgres.queries import ServiceOrders, services_of_book
from arrears.wiring import Installation, RealClock, open_installation, settings

NAME: Final = click.argument("name", type=WORDS)


@click.group()
def command() -> None:
    """Say where each service obeys, and see what it was told and what it did."""


@command.command("list")
@AS_JSON
def list_services(as_json: bool) -> None:
    """List the services with their addresses, how they do, and how many orders are acknowledged, pending or parked."""
    with open_installation() as live:
        found = services_of_book(live.store)
        endpoints = {one.name: one for one in live.store.endpoints() if one.use is EndpointUse.SERVICE}
        wait = settings().mode == "live"
    known = [(found.get(name, ServiceOrders()), name, endpoints.get(name)) for name in sorted({*found, *endpoints})]
    if as_json:
        print_json([_shown(name, orders, one) for orders, name, one in known])
        return
    if not known:
        click.echo("there is no service; an account's subscriptions name them")
    rows([_row(name, orders, one, wait=wait) for orders, name, one in known])


@command.command()
@NAME
@click.argument("url")
@AS_JSON
def add(name: str, url: str, as_json: bool) -> None:
    """Give the orders of service NAME to URL from now on, and show the secret that signs them, this once.

    NAME is as the subscriptions call it. What waited for the service is given within minutes."""
    secret = secret_text(secrets.token_bytes(SECRET_BYTES))
    with open_installation() as live:
        live.transport().check(url)
        new = NewEndpoint(EndpointUse.SERVICE, name, url, live.transport().sealed(secret))
        number, now = live.store.add_endpoint(new, live.clock.now()), live.clock.now()
        # Whoever was told that it has no address is told that it has.
        live.store.switch_endpoint(number, EndpointState.ON, "", now, "command line")
        orders = services_of_book(live.store).get(name, ServiceOrders())
        made = live.store.endpoint_named(name)
    _say_secret(made, orders, secret, "", as_json)


@command.command()
@NAME
@click.argument("url")
def move(name: str, url: str) -> None:
    """Give the orders of service NAME to another URL from now on; its secret stays."""
    with open_installation() as live:
        one = service_endpoint(live, name)
        live.transport().check(url)
        live.store.change_endpoint(one.number, url, (), live.clock.now())
    click.echo(f"{name} obeys at {url}")


@command.command()
@NAME
@click.option("--overlap-hours", type=click.IntRange(0, 24 * 30), default=OVERLAP_HOURS, show_default=True)
@AS_JSON
def secret(name: str, overlap_hours: int, as_json: bool) -> None:
    """Sign the orders of service NAME by another secret and show it, this once; the old one signs too for a while."""
    new = secret_text(secrets.token_bytes(SECRET_BYTES))
    with open_installation() as live:
        one, now = service_endpoint(live, name), live.clock.now()
        until = now + timedelta(hours=overlap_hours)
        live.store.rotate_secret(one.number, live.transport().sealed(new), now, until)
        orders = services_of_book(live.store).get(name, ServiceOrders())
    _say_secret(one, orders, new, f"; the one before signs too until {said_at(until)}", as_json)


@command.command()
@NAME
@BY
def on(name: str, by: str) -> None:
    """Give orders again; what waited is given in its order."""
    _switched(name, EndpointState.ON, "", by)


@command.command()
@NAME
@click.option("--reason", type=WORDS, default="switched off by hand", show_default=True)
@BY
def off(name: str, reason: str, by: str) -> None:
    """Give no orders for now; everything waits and nothing is lost."""
    _switched(name, EndpointState.OFF, reason, by)


@command.command()
@NAME
@click.option("--state", type=click.Choice([one.value for one in DeliveryState]))
@click.option("--limit", type=click.IntRange(1, LISTED_MAX), default=50, show_default=True)
@AS_JSON
def orders(name: str, state: str | None, limit: int, as_json: bool) -> None:
    """List what a service was told, the newest first, and what it answered; `--state parked` is what waits for you."""
    with open_installation() as live:
        one = service_endpoint(live, name)
        found = live.store.listed_deliveries(one.number, DeliveryState(state) if state else None, limit)
    if as_json:
        print_json([shown_delivery(each) for each in found])
        return
    rows(
        [
            (d.key, d.message, d.kind, d.state, f"{d.tries} tries", said_at(d.moved_at), d.status or "-", d.said)
            for d in found
        ]
    )


@command.command()
@NAME
@click.argument("order", default="")
def redrive(name: str, order: str) -> None:
    """Give again what is parked at service NAME: all of it, or one ORDER (o12-3-7)."""
    with open_installation() as live:
        count = live.store.redrive(service_endpoint(live, name).number, order, live.clock.now())
    if order and not count:
        raise Refused(
            "not_parked", f"{order[:60]!r} is not parked at {name}; `arrears services orders {name}` has them"
        )
    click.echo(f"{count} are given again")


@command.command()
@click.argument("name", default="")
@AS_JSON
def check(name: str, as_json: bool) -> None:
    """Ask each service, or NAME, what it is in, and list where that is not what arrears says; exit code 3 then.

    What it says for the first time is not certain yet: an order may be under way. What it says twice is a task."""
    with open_installation() as live:
        if name:
            service_endpoint(live, name)
        DriftWatch(live.store, live.transport(), live.clock, RealClock()).look(timedelta(), name)
        found = [one for one in live.store.drift() if name in ("", one.service)]
    _say_drift(found, as_json)
    if found:
        sys.exit(3)


@command.command()
@AS_JSON
def drift(as_json: bool) -> None:
    """List where services said otherwise than arrears when they were last asked, the oldest first."""
    with open_installation() as live:
        found = live.store.drift()
    _say_drift(found, as_json)


@command.command()
@NAME
@click.argument("subscription")
@BY
@click.option("--why", type=WORDS, required=True, help="Why it is so, for the journal.")
def repair(name: str, subscription: str, by: str, why: str) -> None:
    """Order anew what SUBSCRIPTION (sub_12_3) of service NAME is to be, where a person has looked why it is not."""
    account, number = parse_id(SUBSCRIPTION, subscription)
    with open_installation() as live:
        service_endpoint(live, name)
        found = [one.drift for one in live.store.drift() if one.service == name]
        drift = next((one for one in found if (one.account, one.subscription) == (account, number)), None)
        if drift is None:
            raise Refused("no_drift", f"{name} said no other of {subscription} than arrears; `arrears services drift`")
        if drift.wanted in ("", "deleted") or not repeat_order(live.store, drift, live.clock.now(), f"staff:{by}", why):
            raise Refused("not_repaired", "a deletion is ordered once, and nothing anew while another order is open")
    click.echo(f"{subscription} is ordered anew to be {drift.wanted}")


def _say_drift(found: Sequence[KnownDrift], as_json: bool) -> None:
    if as_json:
        print_json([_drift_shown(one) for one in found])
        return
    if not found:
        click.echo("every service says what arrears says")
    for one in found:
        more = "" if one.certain else " (said once)"
        given = f"; its newest order was given {one.repairs} times more" if one.repairs else ""
        click.echo(f"{sentence(one)}{given}{more}")


def _drift_shown(one: KnownDrift) -> dict[str, Any]:
    return {
        "service": one.service,
        "subscription": format_id(SUBSCRIPTION, one.drift.account, one.drift.subscription),
        "kind": one.drift.kind,
        "wanted": one.drift.wanted or None,
        "reported": one.drift.reported or None,
        "sequence": one.drift.sequence,
        "given": one.drift.given,
        "since": one.since,
        "certain": one.certain,
        "repairs": one.repairs,
    }


def service_endpoint(live: Installation, name: str) -> DeliveryEndpoint:
    """Where a service obeys; refuses `unknown_service`."""
    for one in live.store.endpoints():
        if one.name == name and one.use is EndpointUse.SERVICE:
            return one
    raise Refused("unknown_service", f"{name[:60]!r} obeys nowhere; `arrears services add {name[:60]} URL` says where")


def _switched(name: str, state: EndpointState, why: str, by: str) -> None:
    with open_installation() as live:
        one = service_endpoint(live, name)
        live.store.switch_endpoint(one.number, state, why, live.clock.now(), by)
    click.echo(f"{name} is {state}")


def _row(name: str, orders: ServiceOrders, one: DeliveryEndpoint | None, *, wait: bool) -> tuple[Any, ...]:
    counted = (f"{orders.subscriptions} subscriptions", f"{orders.given} orders", f"{orders.acknowledged} acknowledged")
    if one is None:
        how = "nowhere: its orders wait" if wait else "nowhere: a stand-in of test mode obeys"
        return (name, how, "-", *counted, f"{orders.open} open", "0 parked")
    parked = _parked(one, orders)
    return (name, one.url, how_it_does(one), *counted, f"{orders.open - parked} pending", f"{parked} parked")


def _parked(one: DeliveryEndpoint | None, orders: ServiceOrders) -> int:
    """Of the open orders: a deletion that was carried out and is given once more, and parked, is none of them."""
    return 0 if one is None else min(one.counts[DeliveryState.PARKED], orders.open)


def _say_secret(one: DeliveryEndpoint, orders: ServiceOrders, secret: str, more: str, as_json: bool) -> None:
    if as_json:
        print_json({**_shown(one.name, orders, one), "secret": secret})
        return
    click.echo(secret)
    click.echo(f"service {one.name}: keep its secret now, it is not shown again{more}", err=True)


def _shown(name: str, orders: ServiceOrders, one: DeliveryEndpoint | None) -> dict[str, Any]:
    parked = _parked(one, orders)
    return {
        "name": name,
        "url": None if one is None else one.url,
        "state": None if one is None else one.state,
        "why": (one.why or None) if one is not None else None,
        "failing_since": None if one is None else one.failing_since,
        "subscriptions": orders.subscriptions,
        "orders": {
            "created": orders.given,
            "acknowledged": orders.acknowledged,
            "pending": orders.open - parked,
            "parked": parked,
        },
        "oldest_open_since": orders.oldest_open_since,
    }
