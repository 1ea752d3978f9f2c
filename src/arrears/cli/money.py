"""`arrears money`: our ledger against each provider's own book, and the decline-storm breaker."""

from __future__ import annotations

from datetime import timedelta

import click

from arrears.cli.common import AS_JSON, BY, print_json, progress_of, without_words
from arrears.core.errors import Refused
from arrears.core.money import format_amount
from arrears.engine.payments.reconciliation import MoneyCheck, check, unheard
from arrears.engine.payments.sweep import sweep
from arrears.engine.system import set_breaker
from arrears.ports import Processor
from arrears.wiring import open_installation


@click.group()
def money() -> None:
    """Our book and the payment providers', and what protects customers from a bad day of theirs."""


@money.command("check")
@click.option("--days", type=click.IntRange(1, 3650), default=35, show_default=True, help="How far back.")
@click.option("--no-sweep", is_flag=True, help="Compare as it stands, without asking for what is missing first.")
@AS_JSON
def check_command(days: int, no_sweep: bool, as_json: bool) -> None:
    """Compare every payment and the sums; exit code 1 names each difference."""
    with open_installation() as live, progress_of("money check"):
        if not live.providers.by_name:
            raise Refused("no_provider_key", "no payment provider is set up here")
        now = live.clock.now()
        since = now - timedelta(days=days)
        if not no_sweep:
            sweep(live.store, live.providers, now, since)
        until = now + timedelta(minutes=5)
        shown = [one for one in live.providers.by_name.values() if one.supports(Processor.book)]
        unseen = [one.name for one in live.providers.by_name.values() if one not in shown]
        found = [check(live.store, processor, since, until) for processor in shown]
        for attempt in unheard(live.store, now):
            click.echo(str(attempt), err=True)
    if as_json:
        print_json(
            [
                {**one._asdict(), "holds": one.holds}
                | {"differences": [without_words(each._asdict()) for each in one.differences]}
                for one in found
            ]
            + [
                {"provider": name, "compared": 0, "ours": {}, "theirs": {}, "differences": [], "holds": None}
                for name in unseen
            ]
        )
    else:
        for one in found:
            _say(one)
        for name in unseen:
            click.echo(f"{name}: it shows no book of its own, so nothing was compared")
    if not all(one.holds for one in found):
        raise Refused("books_differ", "the books differ", exit_code=1)


@money.command("breaker")
@click.option("--close", is_flag=True, help="Say that it is known what the storm was: escalation goes on.")
@click.option("--why", default="", help="What it was; it is kept with the fact.")
@BY
@AS_JSON
def breaker_command(close: bool, why: str, by: str, as_json: bool) -> None:
    """Show the decline-storm breaker, or close it."""
    with open_installation() as live:
        is_open = live.store.system().breaker_open
        waited = 0
        if close:
            if not why.strip():
                raise Refused("no_reason", "say what the storm was: --why TEXT")
            waited = set_breaker(live.store, is_open=False, now=live.clock.now(), author=f"staff:{by}", why=why)
    if as_json:
        print_json({"was_open": is_open, "open": is_open and not close, "waited": waited})
    elif close:
        click.echo(f"the breaker is closed; {waited} accounts that waited are looked at again")
    elif is_open:
        click.echo(
            "the breaker is open: nothing is restricted, disabled or deleted until it is closed with --close --why"
        )
    else:
        click.echo("the breaker is closed")


def _say(one: MoneyCheck) -> None:
    for difference in one.differences:
        click.echo(difference)
    sums = ", ".join(format_amount(minor, currency) for currency, minor in one.ours.items()) or "nothing"
    agrees = "both books agree" if one.holds else "the books differ"
    click.echo(f"{one.provider}: {one.compared} payments compared, {sums} net; {agrees}")
