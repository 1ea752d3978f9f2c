"""`arrears subscription`: end a subscription for a customer, or take that back, with who and why."""

from __future__ import annotations

from collections.abc import Sequence

import click

from arrears.cli.common import AS_JSON, WORDS, print_json
from arrears.core.account import Action
from arrears.core.deadlines import ahead
from arrears.core.ids import SUBSCRIPTION, format_id
from arrears.core.money import format_amount
from arrears.core.payments.settlement import quotes
from arrears.core.rules.resume import runs
from arrears.core.view import View
from arrears.engine import commands
from arrears.engine.finding import find_account, named_subscription
from arrears.wiring import Installation, open_installation

WHICH = click.argument("subscription")
WHOSE = click.argument("account")
WHO = click.option("--by", "who", type=WORDS, required=True, help="Who does this, for the journal.")
REASON = click.option("--why", type=WORDS, required=True, help="Why, for the journal.")


@click.group(name="subscription")
def command() -> None:
    """End a subscription for a customer, or take that back."""


@command.command()
@WHOSE
@WHICH
@WHO
@REASON
@AS_JSON
def cancel(account: str, subscription: str, who: str, why: str, as_json: bool) -> None:
    """End SUBSCRIPTION (sub_12_3, your own reference, or its service) of ACCOUNT (acc_12, or your own reference) today.

    Its service is stopped, what is open stays open, and its data is kept for the days of retention; until then the
    customer's administrator, or `reactivate`, brings it back. Your billing system is not told."""
    with open_installation() as live:
        number = find_account(live.store, account)
        sub = named_subscription(live.store, number, subscription)
        commands.cancel(live.store, number, sub, live.clock.now(), f"staff:{who}", why)
        _say(live, number, sub, "canceled", as_json=as_json)


@command.command()
@WHOSE
@WHICH
@WHO
@REASON
@AS_JSON
def reactivate(account: str, subscription: str, who: str, why: str, as_json: bool) -> None:
    """Take the cancellation of SUBSCRIPTION (sub_12_3, your own reference, or its service) of ACCOUNT back.

    It is switched on again unless something else keeps it stopped."""
    with open_installation() as live:
        number = find_account(live.store, account)
        sub = named_subscription(live.store, number, subscription)
        commands.reactivate(live.store, number, sub, live.clock.now(), f"staff:{who}", why)
        _say(live, number, sub, "brought back", as_json=as_json)


def _say(live: Installation, account: int, subscription: int, done: str, *, as_json: bool) -> None:
    """What became of it: what else keeps it stopped, until when its data is kept, what is open."""
    snapshot = live.store.snapshots([account])[account]
    view = View(live.store.policies(), snapshot, live.store.system().guards, live.clock.now())
    sub = snapshot.subscription(subscription)
    days = [one.announced_day for one in ahead(view) if one.sub.no == subscription and one.action is Action.DELETE]
    owed = quotes(view)
    name = format_id(SUBSCRIPTION, account, subscription)
    if as_json:
        print_json(
            {
                "subscription": name,
                "service": sub.service,
                "done": done.replace(" ", "_"),
                "runs": runs(view, sub),
                "reasons": sorted(sub.reasons),
                "data_kept_until": next(iter(days), None),
                "open": [{"currency": one.currency, "amount_minor": one.amount_minor} for one in owed],
            }
        )
        return
    stays = "" if done == "canceled" or runs(view, sub) else _stays(sorted(sub.reasons))
    click.echo(f"{sub.service} ({name}) is {done}{stays}")
    for day in days:
        click.echo(f"its data is kept at least until {day}")
    if owed:
        click.echo(f"still open: {' and '.join(format_amount(one.amount_minor, one.currency) for one in owed)}")


def _stays(reasons: Sequence[str]) -> str:
    return f", and stays stopped: {', '.join(reasons).replace('_', ' ')}"
