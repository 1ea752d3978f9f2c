"""`arrears statement` and `arrears bank`: what a bank's files say, and what people decide about it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from arrears.adapters.books.statements import load_statement_map, read_apart
from arrears.cli.common import AS_JSON, WORDS, each_mistake_on_a_line, print_json
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, format_id
from arrears.core.money import format_amount, parse_amount
from arrears.engine.commands.bank import deciding
from arrears.engine.commands.bank.deciding import Queued, Share
from arrears.engine.commands.bank.saying import said_of_file
from arrears.engine.commands.bank.taking import NEVER_SEEN
from arrears.engine.finding import find_account
from arrears.ports.bank import AccountsAndBank, CreditState
from arrears.wiring import Installation, open_installation, settings

WHO = click.option("--by", "who", type=WORDS, required=True, help="Who decides this, for the journal.")
REASON = click.option("--why", type=WORDS, required=True, help="Why, for the journal.")
_LEFT_EXIT_CODE: Final = 3


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--map", "map_file", help="The map that says what the columns of a CSV mean (docs/statements.md).")
@click.option("--dry-run", is_flag=True, help="Write nothing; say what the files say.")
@AS_JSON
def command(files: tuple[str, ...], map_file: str | None, dry_run: bool, as_json: bool) -> int:
    """Take bank statements from FILES: CAMT.053 (.052 and .054 as early notices), MT940 and MT942, or a CSV. What is
    matched by itself is booked at once; the rest waits for `arrears bank`."""
    said: list[dict[str, Any]] = []
    left = 0
    with each_mistake_on_a_line("nothing was read"), open_installation() as live:
        for name in files:
            one = _take(live, Path(name), map_file, dry_run=dry_run)
            left += one["state"] in ("refused", "quarantined")
            said.append(one)
    if as_json:
        print_json({"dry_run": dry_run, "files": said})
    else:
        for one in said:
            for line in _lines(one):
                click.echo(line)
    if left:
        files_said = "1 file was" if left == 1 else f"{left} files were"
        raise Refused("statements_left_out", f"{files_said} not taken", exit_code=_LEFT_EXIT_CODE)
    return 0


def bank_accounts() -> frozenset[tuple[str, str]]:
    """Our bank accounts whose statements are taken, each with its currency."""
    return settings().statement_accounts


def _take(live: Installation, path: Path, map_file: str | None, *, dry_run: bool) -> dict[str, Any]:
    read = read_apart(path, None if map_file is None else load_statement_map(Path(map_file)))
    digest = b"" if read.code in NEVER_SEEN else hashlib.sha256(path.read_bytes()).digest()
    as_of = live.clock.now()
    return said_of_file(live.store, read, digest, path.name, bank_accounts(), as_of, dry_run=dry_run, place=str(path))


def _lines(one: Mapping[str, Any]) -> Iterator[str]:
    if one["reason"]:
        yield f"{one['file']}: {one['state']}: {one['reason']}"
        return
    known = "; it was taken before" if one["known"] else ""
    decided = [part["decided"] for entry in one["entries"] for part in entry["transactions"] if part["decided"]]
    counts = ", ".join(f"{decided.count(state)} {state}" for state in dict.fromkeys(decided))
    yield f"{one['file']}: {one['format']}, {len(one['entries'])} entries{': ' + counts if counts else ''}{known}"
    for gap in one["gaps"]:
        yield f"{one['file']}: {gap}"


@click.group()
def bank() -> None:
    """Say whose a transfer is that nobody could tell, or take that back."""


@bank.command(name="queue")
@AS_JSON
def show_queue(as_json: bool) -> None:
    """List the transfers that wait, with whose they may be."""
    with open_installation() as live:
        waiting = deciding.queue(live.store)
    if as_json:
        print_json([_queued(one) for one in waiting])
        return
    for one in waiting:
        said = one.credit.transaction
        amount = format_amount(one.credit.amount_minor, one.credit.currency)
        click.echo(f"{one.credit.number}  {one.credit.booked_on}  {amount}  {said.name}  {said.text[:100]}".rstrip())
        if one.credit.why:
            click.echo(f"    {one.credit.why}")
        for suggestion in one.suggestions[:3]:
            account = format_id(ACCOUNT, suggestion.account)
            click.echo(f"    {suggestion.score:3}  {account}  {'; '.join(suggestion.reasons)}")
        for like in one.may_take_back:
            amount = format_amount(like.amount_minor, like.currency)
            click.echo(f"    may take back {like.number} of {like.booked_on}, {amount}, which is {like.state}")
    if not waiting:
        click.echo("nothing waits")


def _queued(queued: Queued) -> dict[str, Any]:
    credit, said = queued.credit, queued.credit.transaction
    return {
        "credit": credit.number,
        "date": credit.booked_on,
        "amount_minor": credit.amount_minor,
        "currency": credit.currency,
        "references": list(said.references),
        "end_to_end": said.end_to_end,
        "counterparty": said.name,
        "iban": said.iban,
        "text": said.text,
        "why": credit.why,
        "suggestions": [
            {
                "account": format_id(ACCOUNT, one.account),
                "invoices": list(one.numbers),
                "score": one.score,
                "reasons": list(one.reasons),
            }
            for one in queued.suggestions
        ],
        "may_take_back": [one.number for one in queued.may_take_back],
    }


@bank.command(name="match")
@click.argument("credit", type=click.IntRange(1))
@click.argument("account")
@click.option("--invoice", "invoices", multiple=True, help="An invoice that it pays first; otherwise the oldest.")
@WHO
@REASON
def match_credit(credit: int, account: str, invoices: tuple[str, ...], who: str, why: str) -> None:
    """Book CREDIT for ACCOUNT, all of it; what no invoice takes is account credit."""
    with open_installation() as live:
        amount = deciding.waiting_credit(live.store, credit).amount_minor
        number = find_account(live.store, account)
        debts = tuple(_invoice(live.store, one, number)[1] for one in invoices)
        _share(live, credit, [Share(number, amount, debts)], who, why)
    click.echo(f"credit {credit} is booked for {format_id(ACCOUNT, number)}")


@bank.command()
@click.argument("credit", type=click.IntRange(1))
@click.argument("parts", nargs=-1, required=True)
@WHO
@REASON
def split(credit: int, parts: tuple[str, ...], who: str, why: str) -> None:
    """Book CREDIT in PARTS, each INVOICE=AMOUNT, which are all of it together."""
    with open_installation() as live:
        currency = deciding.waiting_credit(live.store, credit).currency
        shares = []
        for part in parts:
            number, equals, amount = part.rpartition("=")
            if not equals:
                raise Refused("bad_part", f"{part[:60]!r} is not INVOICE=AMOUNT, like INV-2026-0041=120.00")
            account, debt = _invoice(live.store, number, 0)
            shares.append(Share(account, parse_amount(amount, currency), (debt,)))
        _share(live, credit, shares, who, why)
    click.echo(f"credit {credit} is booked in {len(shares)} parts")


def _share(live: Installation, credit: int, shares: Sequence[Share], who: str, why: str) -> None:
    ours = {account for account, _ in bank_accounts()}
    deciding.share_out(live.store, credit, shares, ours, live.clock.now(), f"staff:{who}", why)


def _invoice(store: AccountsAndBank, number: str, account: int) -> tuple[int, int]:
    """The account of an open invoice, and its number within it. Refuses `unknown_invoice`."""
    place = store.invoice_places([number]).get(number)
    if place is not None and account in (0, place.account):
        found = store.snapshots([place.account])[place.account]
        for debt in found.debts:
            if debt.number == number:
                return place.account, debt.no
    whose = "" if not account else f" of {format_id(ACCOUNT, account)}"
    raise Refused("unknown_invoice", f"{number[:60]!r} is no open invoice{whose}")


@bank.command(name="return")
@click.argument("debit", type=click.IntRange(1))
@click.argument("credit", type=click.IntRange(1))
@WHO
@REASON
def book_return(debit: int, credit: int, who: str, why: str) -> None:
    """DEBIT takes back CREDIT: what that paid is owed again, and nobody can book it any more."""
    with open_installation() as live:
        deciding.book_return(live.store, debit, credit, live.clock.now(), f"staff:{who}", why)
    click.echo(f"debit {debit} takes back credit {credit}")


@bank.command()
@click.argument("credit", type=click.IntRange(1))
@WHO
@REASON
def undo(credit: int, who: str, why: str) -> None:
    """Take back what CREDIT was booked as: what it paid is owed again, and it waits. Of a return and what it took back
    the return waits, and the credit is looked at as if it came now."""
    with open_installation() as live:
        took = deciding.undo(live.store, credit, live.clock.now(), f"staff:{who}", why)
        state = deciding.credit(live.store, credit).state
    for account, amount in took.items():
        click.echo(f"{amount} of {format_id(ACCOUNT, account)} is taken back")
    click.echo(f"credit {credit} " + ("waits again" if state is CreditState.WAITING else f"is {state}"))


@bank.command()
@click.argument("credit", type=click.IntRange(1))
@WHO
@REASON
def ignore(credit: int, who: str, why: str) -> None:
    """CREDIT is not for any account here: nobody waits for it any more."""
    with open_installation() as live:
        deciding.ignore(live.store, credit, live.clock.now(), f"staff:{who}", why)
    click.echo(f"credit {credit} is ignored")
