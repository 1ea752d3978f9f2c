"""`arrears promise`: promises to pay and instalments, agreed with who and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import click

from arrears.cli.common import AS_JSON, WORDS, print_json, rows
from arrears.core.account import Account
from arrears.core.arrangements import Arrangement, Instalment
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, PROMISE, format_id, parse_id
from arrears.core.money import format_amount, parse_amount
from arrears.core.payments.arranged import due_parts
from arrears.core.view import View
from arrears.engine import commands
from arrears.engine.finding import find_account
from arrears.store.postgres.lists import promising_accounts
from arrears.wiring import Installation, open_installation

LISTED_MAX: Final = 1000
WHO = click.option("--by", "who", type=WORDS, required=True, help="Who does this, for the journal.")
REASON = click.option("--why", type=WORDS, required=True, help="Why, for the journal.")


@click.group()
def command() -> None:
    """Agree when what is past due will be paid: a promise to pay, or instalments."""


@command.command()
@click.argument("account")
@click.argument("parts", nargs=-1, required=True, metavar="DATE[=AMOUNT]...")
@click.option("--invoice", "numbers", multiple=True, help="Of this invoice alone; once for each. Else all past due.")
@click.option("--collect", is_flag=True, help="The customer has agreed that each part is charged on its day.")
@WHO
@REASON
@AS_JSON
def add(
    account: str,
    parts: Sequence[str],
    numbers: Sequence[str],
    collect: bool,
    who: str,
    why: str,
    as_json: bool,
) -> None:
    """ACCOUNT (acc_12, or your own reference) promises to pay by DATE, or AMOUNT by each of several dates.

    `2026-12-15` is a promise to pay everything by then; `2026-12-15=40.00 2027-01-15=40.00` are instalments, which
    are together exactly what is open. Until the next date nothing is sent, charged or stopped because of these
    invoices; a date that passes unpaid breaks the promise, and the ladder goes on where it had stopped."""
    with open_installation() as live:
        number = find_account(live.store, account)
        snapshot = live.store.snapshots([number])[number]
        debts = [_debt(snapshot, one) for one in numbers]
        made = commands.promise(
            live.store,
            number,
            _parts(snapshot, debts, parts),
            debts=debts,
            collects=collect,
            now=live.clock.now(),
            author=f"staff:{who}",
            why=why,
        )
        snapshot = live.store.snapshots([number])[number]
        shown = _shown(live, snapshot, next(one for one in snapshot.arrangements if one.no == made))
    if as_json:
        print_json(shown)
        return
    _say(shown)


@command.command("list")
@click.argument("account", required=False)
@AS_JSON
def list_command(account: str | None, as_json: bool) -> None:
    """List the promises that are open, of ACCOUNT or of everybody, the next date first."""
    with open_installation() as live:
        store = live.store
        numbers = promising_accounts(store, LISTED_MAX) if account is None else [find_account(store, account)]
        found = [
            _shown(live, snapshot, one)
            for snapshot in store.snapshots(numbers).values()
            for one in snapshot.arrangements
        ]
    found.sort(key=lambda one: (one["next_on"], one["promise"]))
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo("nothing is promised")
    rows([(one["promise"], one["next_on"], ", ".join(one["invoices"]), _parts_in_words(one)) for one in found])


@command.command()
@click.argument("promise_id", metavar="PROMISE")
@WHO
@REASON
def end(promise_id: str, who: str, why: str) -> None:
    """End PROMISE (promise_12_1) before it is kept: the ladder goes on where it had stopped, with new warnings."""
    account, number = parse_id(PROMISE, promise_id)
    with open_installation() as live:
        if not live.store.snapshots([account]):
            raise Refused("unknown_promise", f"there is no account {format_id(ACCOUNT, account)}")
        commands.end_promise(live.store, account, number, live.clock.now(), f"staff:{who}", why)
    click.echo(f"{promise_id} is ended; notices and promises follow, see `arrears explain`")


def _debt(account: Account, number: str) -> int:
    found = next((debt.no for debt in account.debts if debt.number == number), None)
    if found is None:
        raise Refused("unknown_invoice", f"nothing is open of an invoice {number[:60]!r} on this account")
    return found


def _parts(account: Account, debts: Sequence[int], parts: Sequence[str]) -> list[Instalment]:
    """`DATE` or `DATE=AMOUNT`, in the one currency of what is promised."""
    named = [debt for debt in account.past_due if not debts or debt.no in debts]
    currencies = {debt.currency for debt in named}
    found = []
    for one in parts:
        day, equals, amount = one.partition("=")
        if equals and len(currencies) > 1:
            raise Refused("several_currencies", "a promise is in one currency; name its invoices with --invoice")
        minor = parse_amount(amount, currencies.copy().pop()) if equals and currencies else 0
        if (equals and currencies and minor <= 0) or (not equals and len(parts) > 1):
            raise Refused("bad_amount", f"{one[:60]!r}: of several dates each has its amount, like 2026-12-15=40.00")
        found.append(Instalment(_day(day), minor))
    return found


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused("bad_date", f"{text[:60]!r} is not a date, like 2026-12-15") from None


def _shown(live: Installation, account: Account, one: Arrangement) -> dict[str, Any]:
    view = View(live.store.policies(), account, live.store.system().guards, live.clock.now())
    return {
        "promise": format_id(PROMISE, account.no, one.no),
        "account": format_id(ACCOUNT, account.no),
        "invoices": [debt.number for debt in account.debts if debt.no in one.debts],
        "currency": one.currency,
        "parts": [
            {"on": part.on, "amount_minor": part.minor, "kept": place < one.kept}
            for place, part in enumerate(one.parts)
        ],
        "next_on": one.next.on,
        "next_minor": sum(part.minor for part in due_parts(account, one, max(view.today, one.next.on))),
        "collects": one.collects,
    }


def _parts_in_words(shown: dict[str, Any]) -> str:
    left = [part for part in shown["parts"] if not part["kept"]]
    said = ", ".join(f"{format_amount(part['amount_minor'], shown['currency'])} by {part['on']}" for part in left)
    return f"{said}{'; each is charged on its day' if shown['collects'] else ''}"


def _say(shown: dict[str, Any]) -> None:
    click.echo(f"{shown['promise']}: {', '.join(shown['invoices'])}, {_parts_in_words(shown)}")
    click.echo("notices and promises follow, see `arrears explain`")
