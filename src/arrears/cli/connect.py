"""`arrears connect`: a billing system beside arrears, whose customers and invoices come in by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

import click

from arrears.billing_beside import BillingBeside
from arrears.cli.common import AS_JSON, print_json, progress_of
from arrears.core.calendar import calendar_of
from arrears.core.errors import Refused
from arrears.engine.commands.billing.drift import Drift, DriftReport, drift
from arrears.engine.commands.billing.sweeping import Swept
from arrears.ports.billing import BillingOptions
from arrears.wiring import Installation, open_installation

SINCE_DAYS: Final = 35
_DIFFER_EXIT_CODE: Final = 3


@click.group()
def command() -> None:
    """Let a billing system's customers and invoices come in by themselves, and tell it what was paid."""


@command.command("stripe-billing")
@click.option("--service", default="", help="The service that invoices are for, where no product below says another.")
@click.option("--product", "products", multiple=True, help="PRODUCT=SERVICE, as prod_12=mail; again and again.")
@click.option("--zone", default="", help="The time zone of your customers, as Stripe does not say it.")
@click.option("--country", default="", help="Of customers without an address, as NL.")
@click.option("--language", default="en", show_default=True, help="Of customers whose language Stripe does not say.")
@click.option("--policy", default="default", show_default=True, help="The policy that new accounts follow.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    help=f"Take invoices from this day on, and whatever is open; else of the last {SINCE_DAYS} days.",
)
@AS_JSON
def stripe_billing(
    service: str,
    products: Sequence[str],
    zone: str,
    country: str,
    language: str,
    policy: str,
    since: Any,
    as_json: bool,
) -> int:
    """Connect Stripe Billing, or read it whole again, and say what differs. Its key is ARREARS_STRIPE_KEY."""
    with open_installation() as live, progress_of("connect"):
        beside = _beside(live)
        known = live.store.billing(beside.system.name)
        if known is None or service or products or zone or country or since:
            day = since.date() if since is not None else None
            options = _options(live, service, products, zone, country, language, policy, day)
            live.store.connect_billing(beside.system.name, options, live.clock.now())
        swept = beside.sweep_now(live.clock.now(), everybody=True)
        found = drift(live.store, beside.system)
    left_out = [(invoice, why) for one in swept.synced for invoice, why in one.left_out.items()]
    if as_json:
        print_json({**_counts(swept), "left_out": [{"invoice": i, "why": w} for i, w in left_out], **_drift(found)})
    else:
        counts = _counts(swept)
        click.echo(f"{counts['read']} customers read, {counts['changed']} changes taken, {counts['reported']} reported")
        for invoice, why in left_out:
            click.echo(f"left out: {invoice}: {why}")
        _say(found)
        click.echo(f"switch this off: {beside.system.switch}")
    return _DIFFER_EXIT_CODE if found.differences or left_out else 0


@command.command("drift")
@AS_JSON
def drift_command(as_json: bool) -> int:
    """Compare every open invoice with Stripe Billing; exit code 3 names each that differs. Writes nothing."""
    with open_installation() as live, progress_of("drift"):
        found = drift(live.store, _beside(live).system)
    if as_json:
        print_json(_drift(found))
    else:
        _say(found)
    return _DIFFER_EXIT_CODE if found.differences else 0


def _beside(live: Installation) -> BillingBeside:
    if live.billing is None:
        raise Refused("no_provider_key", "give ARREARS_STRIPE_KEY: the secret key of the Stripe account that bills")
    return live.billing


def _options(
    live: Installation,
    service: str,
    products: Sequence[str],
    zone: str,
    country: str,
    language: str,
    policy: str,
    since: date | None,
) -> BillingOptions:
    """What Stripe does not say, each checked before anything is stored."""
    services = {}
    for one in products:
        product, equals, name = one.partition("=")
        if not (product and equals and name):
            raise Refused("bad_product", f"--product {one!r} is not PRODUCT=SERVICE, as prod_12=mail")
        services[product] = name
    if not service or not zone or not country:
        missing = ", ".join(
            n for n, given in (("--service", service), ("--zone", zone), ("--country", country)) if not given
        )
        raise Refused("option_missing", f"give {missing}: Stripe does not say it")
    calendar_of(zone)
    if len(country) != 2 or not country.isascii() or not country.isupper():
        raise Refused("unknown_country", f"{country!r} is no country; give two capital letters, as NL")
    if policy not in live.store.policies():
        raise Refused("unknown_policy", f"no policy named {policy!r} is in force; `arrears policy list` names them")
    first = since or (live.clock.now() - timedelta(days=SINCE_DAYS)).date()
    return BillingOptions(
        since=first, zone=zone, country=country, locale=language, policy=policy, service=service, services=services
    )


def _counts(swept: Swept) -> dict[str, int]:
    changed = sum(sum(one.report.changed.values()) + one.report.count["invoices"] for one in swept.synced if one.report)
    return {"read": swept.customers, "changed": changed, "reported": sum(len(one.reported) for one in swept.synced)}


def _drift(found: DriftReport) -> dict[str, Any]:
    return {**found._asdict(), "differences": [_difference(one) for one in found.differences]}


def _difference(one: Drift) -> dict[str, Any]:
    return one._asdict()


def _say(found: DriftReport) -> None:
    waits = f", {found.not_tried} wait for Stripe's own first charge" if found.not_tried else ""
    click.echo(f"{found.invoices} invoices of {found.customers} customers compared{waits}")
    for one in found.differences:
        click.echo(f"differs: {one}")
    if not found.differences:
        click.echo("both books agree")
