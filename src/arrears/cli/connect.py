"""`arrears connect`: a billing system beside arrears, whose customers and invoices come in by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import click

from arrears.cli.common import AS_JSON, print_json, progress_of
from arrears.core.calendar import calendar_of
from arrears.core.errors import Refused
from arrears.engine.beside import BillingBeside, billing_of
from arrears.engine.commands.billing.drift import DriftReport, drift
from arrears.engine.commands.billing.sweeping import Swept
from arrears.ports.billing import BillingOptions
from arrears.wiring import BILLING_SYSTEMS, Installation, open_installation

SINCE_DAYS: Final = 35
_DIFFER_EXIT_CODE: Final = 3


@click.command()
@click.argument("name")
@click.option("--service", default="", help="The service that invoices are for, where no product below says another.")
@click.option("--product", "products", multiple=True, help="PRODUCT=SERVICE, as prod_12=mail; again and again.")
@click.option("--zone", default="", help="The time zone of your customers.")
@click.option("--country", default="", help="Of customers without an address, as NL.")
@click.option("--language", default="en", show_default=True, help="Of customers whose language is not said.")
@click.option("--policy", default="default", show_default=True, help="The policy that new accounts follow.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    help=f"Take invoices from this day on, and whatever is open; else of the last {SINCE_DAYS} days.",
)
@click.option("--drift", "only_compare", is_flag=True, help="Only compare every open invoice; write nothing.")
@AS_JSON
def command(name: str, only_compare: bool, as_json: bool, since: datetime | None, **said: Any) -> int:
    """Connect the billing system NAME, or read it whole again, and say what differs in the end. The key is that of the
    same company's payment provider. Exit code 3: something was left out, or differs."""
    if name not in BILLING_SYSTEMS:
        there = ", ".join(BILLING_SYSTEMS)
        raise Refused("no_billing_system", f"there is no billing system {name[:60]!r}; there is {there}")
    with open_installation() as live, progress_of("connect"):
        beside = _beside(live, name)
        swept = Swept()
        if not only_compare:
            _connect(live, beside, None if since is None else since.date(), **said)
            swept = beside.sweep_now(live.clock.now(), everybody=True)
        found = drift(live.store, beside.system, live.clock.now())
    left_out = [(invoice, why) for one in swept.synced for invoice, why in one.left_out.items()]
    counts = _counts(swept)
    if as_json:
        print_json({**counts, "left_out": [{"invoice": i, "why": w} for i, w in left_out], **_said(found)})
    else:
        if not only_compare:
            click.echo(f"{counts['read']} read, {counts['changed']} changes taken, {counts['reported']} reported")
            click.echo(f"switch this off: {beside.system.switch}")
        for invoice, why in left_out:
            click.echo(f"left out: {invoice}: {why}")
        _say(found)
    return 0 if found.agrees and not left_out else _DIFFER_EXIT_CODE


def _beside(live: Installation, name: str) -> BillingBeside:
    found = billing_of(live.providers)
    if found is None or found.system.name != name:
        raise Refused("no_billing_system", f"{name} is not set up here; give the key of its payment provider (README)")
    return found


def _connect(
    live: Installation,
    beside: BillingBeside,
    since: date | None,
    service: str,
    products: Sequence[str],
    zone: str,
    country: str,
    language: str,
    policy: str,
) -> None:
    """Store what the billing system does not say, each checked before; one that is connected keeps what it has."""
    if live.store.billing(beside.system.name) is not None and not (service or products or zone or country or since):
        return
    services = {}
    for one in products:
        product, equals, name = one.partition("=")
        if not (product and equals and name):
            raise Refused("bad_product", f"--product {one[:60]!r} is not PRODUCT=SERVICE, as prod_12=mail")
        services[product] = name
    needed = {"--service": service, "--zone": zone, "--country": country}
    if missing := ", ".join(option for option, given in needed.items() if not given):
        raise Refused("option_missing", f"give {missing}: a billing system does not say it")
    calendar_of(zone)
    if len(country) != 2 or not country.isascii() or not country.isupper():
        raise Refused("unknown_country", f"{country[:60]!r} is no country; give two capital letters, as NL")
    if policy not in live.store.policies():
        raise Refused(
            "unknown_policy", f"no policy named {policy[:60]!r} is in force; `arrears policy list` names them"
        )
    now = live.clock.now()
    first = since or (now - timedelta(days=SINCE_DAYS)).date()
    options = BillingOptions(
        since=first, zone=zone, country=country, locale=language, policy=policy, service=service, services=services
    )
    live.store.connect_billing(beside.system.name, options, now)


def _counts(swept: Swept) -> dict[str, int]:
    changed = sum(sum(one.report.changed.values()) + one.report.count["invoices"] for one in swept.synced if one.report)
    return {"read": swept.customers, "changed": changed, "reported": sum(len(one.reported) for one in swept.synced)}


def _said(found: DriftReport) -> dict[str, Any]:
    return {**found._asdict(), "differences": [one._asdict() for one in found.differences]}


def _say(found: DriftReport) -> None:
    waits = f", {found.not_tried} wait for the first charge there" if found.not_tried else ""
    click.echo(f"{found.invoices} invoices of {found.customers} customers compared{waits}")
    for one in found.differences:
        click.echo(f"differs: {one}")
    for line in found.subscriptions:
        click.echo(f"differs: {line}")
    if found.agrees:
        click.echo("both books agree")
