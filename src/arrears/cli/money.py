"""`arrears money check`: our ledger against each provider's own book."""

from __future__ import annotations

from datetime import timedelta

import click

from arrears.cli.common import AS_JSON, print_json
from arrears.core.errors import Refused
from arrears.core.money import format_amount
from arrears.engine.money_check import MoneyCheck, check
from arrears.engine.sweep import sweep
from arrears.wiring import open_installation


@click.group()
def money() -> None:
    """Compare our book with the payment providers'."""


@money.command("check")
@click.option("--days", type=click.IntRange(1, 3650), default=35, show_default=True, help="How far back.")
@click.option("--no-sweep", is_flag=True, help="Compare as it stands, without asking for what is missing first.")
@AS_JSON
def check_command(days: int, no_sweep: bool, as_json: bool) -> None:
    """Compare every payment and the sums; exit code 1 names each difference."""
    with open_installation() as live:
        if not live.providers.by_name:
            raise Refused("no_provider_key", "no payment provider is set up here; see ARREARS_STRIPE_KEY")
        now = live.clock.now()
        if not no_sweep:
            sweep(live.store, live.providers, now)
        since = now - timedelta(days=days)
        until = now + timedelta(minutes=5)
        found = [check(live.store, processor, since, until) for processor in live.providers.by_name.values()]
    if as_json:
        print_json([{**one._asdict(), "holds": one.holds} for one in found])
    else:
        for one in found:
            _say(one)
    if not all(one.holds for one in found):
        raise Refused("books_differ", "the books differ", exit_code=1)


def _say(one: MoneyCheck) -> None:
    for difference in one.differences:
        click.echo(difference)
    sums = ", ".join(format_amount(minor, currency) for currency, minor in one.ours.items()) or "nothing"
    agrees = "both books agree" if one.holds else "the books differ"
    click.echo(f"{one.provider}: {one.compared} payments compared, {sums} net; {agrees}")
