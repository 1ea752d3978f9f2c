"""`arrears settle ACCOUNT`: show what is owed, and collect all of it with a method on file."""

from __future__ import annotations

import click

from arrears.cli.common import AS_JSON, BY, print_json, rows
from arrears.core.errors import Refused
from arrears.core.money import format_amount
from arrears.core.payments.settlement import Quote
from arrears.engine.finding import find_account
from arrears.engine.payments.settling import Result, quote, settle
from arrears.wiring import Installation, open_installation


@click.command()
@click.argument("account")
@click.option("--method", type=click.IntRange(1), help="The payment method's number; the newest one otherwise.")
@click.option("--yes", is_flag=True, help="Charge what is shown, without asking.")
@BY
@AS_JSON
def command(account: str, method: int | None, yes: bool, by: str, as_json: bool) -> None:
    """Show what ACCOUNT owes and charge all of it, one sum a currency."""
    with open_installation() as live:
        number = find_account(live.store, account)
        owed = quote(live.store, number, live.clock.now())
        if not as_json:
            _show(owed)
        if not owed:
            if as_json:
                print_json([])
            return
        chosen = method or _newest(live, number)
        if not (yes or as_json) and not click.confirm(f"Charge this with payment method {chosen}?"):
            raise Refused("not_charged", "nothing was charged", exit_code=3)
        if as_json and not yes:
            print_json([{"currency": q.currency, "amount_minor": q.amount_minor, "invoices": q.numbers} for q in owed])
            raise Refused("not_charged", "nothing was charged; add --yes to charge it", exit_code=3)
        shown = {q.currency: q.hash for q in owed}
        results = settle(live.store, live.providers, number, shown, chosen, live.clock.now, f"staff:{by}")
    _say(results, as_json)
    for currency, refused in results.refused.items():
        click.echo(f"{currency}: not tried: {refused.message}", err=True)
    if results.refused or any(r.attempt.state != "paid" for r in results):
        raise Refused("not_paid", "not everything was paid; see `arrears timeline`", exit_code=1)


def _show(owed: list[Quote]) -> None:
    if not owed:
        click.echo("nothing is past due")
    for one in owed:
        click.echo(f"{format_amount(one.amount_minor, one.currency)} past due")
        amounts = {part.debt: part.minor for part in one.parts}
        rows([(f"  {n}", format_amount(m, one.currency)) for n, m in zip(one.numbers, amounts.values(), strict=True)])


def _newest(live: Installation, account: int) -> int:
    usable = [m.no for m in live.store.methods(account) if not m.removed]
    if not usable:
        raise Refused("no_method", "this account has no payment method; one is set up in the account centre")
    return usable[-1]


def _say(results: list[Result], as_json: bool) -> None:
    if as_json:
        print_json([{**r.attempt._asdict(), "joined": r.joined} for r in results])
        return
    for result in results:
        attempt = result.attempt
        why = f" ({attempt.decline})" if attempt.decline else ""
        state = attempt.state.replace("_", " ")
        click.echo(f"{format_amount(attempt.amount_minor, attempt.currency)}: {state}{why}")
