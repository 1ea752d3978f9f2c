"""`arrears statement` and `arrears bank`: what a bank's files say, and what people decide about it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from arrears.adapters.books.statements import load_statement_map, read_apart
from arrears.cli.common import AS_JSON, WORDS, each_mistake_on_a_line, print_json
from arrears.core.bank.matching import Suggestion
from arrears.core.bank.statements import BankEntry, BankFile, BankStatement
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, format_id
from arrears.core.money import format_amount, parse_amount
from arrears.engine.commands.bank import deciding
from arrears.engine.commands.bank.deciding import Share
from arrears.engine.commands.bank.taking import TakenFile, take_file, wrong_with_file
from arrears.engine.finding import find_account
from arrears.ports.bank import AccountsAndBank, CreditState, StoredCredit
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
    ours = bank_accounts()
    if dry_run or read.refused:
        wrong = wrong_with_file(read, ours)
        state = "refused" if read.refused else "quarantined" if wrong else "complete"
        if read.refused and not dry_run:
            take_file(live.store, read, b"", path.name, ours, live.clock.now())
        return _file(live.store, path, read, TakenFile(state, wrong), dry_run=dry_run)
    digest = hashlib.sha256(path.read_bytes()).digest()
    taken = take_file(live.store, read, digest, path.name, ours, live.clock.now())
    return _file(live.store, path, read, taken, dry_run=False)


def _file(store: AccountsAndBank, path: Path, read: BankFile, taken: TakenFile, *, dry_run: bool) -> dict[str, Any]:
    states = {"taken": "complete", "known": "complete"}
    credits = {one.number: one for one in _credits_of(store, taken)}
    statements = read.statements
    first, last = (statements[0], statements[-1]) if statements else (None, None)
    return {
        "file": str(path),
        "state": states.get(taken.state, taken.state),
        "known": taken.state == "known",
        "reason": taken.why,
        "code": read.code or None,
        "format": first.format if first is not None else "",
        "account": first.account if first is not None else "",
        "currency": first.currency if first is not None else "",
        "opening_minor": first.opening.minor if first is not None and first.opening is not None else None,
        "closing_minor": last.closing.minor if last is not None and last.closing is not None else None,
        "gaps": list(taken.gaps.values()),
        "statements": [_statement(one) for one in statements],
        "entries": [
            _entry(store, number, entry, _first(taken, number, at), credits)
            for number, one in enumerate(statements, 1)
            for at, entry in enumerate(one.entries)
        ],
    }


def _credits_of(store: AccountsAndBank, taken: TakenFile) -> Sequence[StoredCredit]:
    numbers = [first for firsts in taken.firsts for first in firsts if first is not None]
    if not numbers:
        return ()
    return store.credits_in(list(CreditState), range(min(numbers), max(numbers) + _BATCH_MAX))


_BATCH_MAX: Final = 100_000
"""A batch has its credits one after the other; no entry has more."""


def _first(taken: TakenFile, number: int, at: int) -> int | None:
    return taken.firsts[number - 1][at] if taken.firsts else None


def _statement(one: BankStatement) -> dict[str, Any]:
    return {
        "account": one.account,
        "currency": one.currency,
        "kind": one.kind.value,
        "id": one.id,
        "number": one.number,
        "opening_minor": one.opening.minor if one.opening is not None else None,
        "opening_on": one.opening.day if one.opening is not None else None,
        "closing_minor": one.closing.minor if one.closing is not None else None,
        "closing_on": one.closing.day if one.closing is not None else None,
        "left_out": one.left_out,
    }


def _entry(
    store: AccountsAndBank, number: int, entry: BankEntry, first: int | None, credits: Mapping[int, StoredCredit]
) -> dict[str, Any]:
    parts = [
        {
            "amount_minor": one.amount_minor,
            "currency": one.currency,
            "references": list(one.references),
            "end_to_end": one.end_to_end,
            "counterparty": one.name,
            "iban": one.iban,
            "text": one.text,
            "returned": one.returned,
            **_decided(store, credits.get(first + at) if first is not None else None),
        }
        for at, one in enumerate(entry.transactions)
    ]
    only = parts[0] if parts else {}
    return {
        "statement": number,
        "date": entry.booked_on,
        "value_date": entry.value_on,
        "amount_minor": entry.amount_minor,
        "currency": entry.currency,
        "bank_reference": entry.bank_reference,
        "references": [reference for part in parts for reference in part["references"]],
        "counterparty": only.get("counterparty", "") if len(parts) == 1 else "",
        "iban": only.get("iban", "") if len(parts) == 1 else "",
        "text": " / ".join(part["text"] for part in parts if part["text"]),
        "reversal": entry.reversal,
        "code": entry.code,
        "unclear": entry.unclear,
        "transactions": parts,
    }


def _decided(store: AccountsAndBank, credit: StoredCredit | None) -> dict[str, Any]:
    if credit is None:
        return {"credit": None, "decided": None, "why": "", "account": None}
    account = format_id(ACCOUNT, parts[0].account) if (parts := store.parts_of(credit.number)) else None
    return {"credit": credit.number, "decided": credit.state.value, "why": credit.why, "account": account}


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
        print_json([_queued(one.credit, one.suggestions) for one in waiting])
        return
    for one in waiting:
        said = one.credit.transaction
        amount = format_amount(one.credit.amount_minor, one.credit.currency)
        click.echo(f"{one.credit.number}  {one.credit.booked_on}  {amount}  {said.name}  {said.text[:100]}".rstrip())
        for suggestion in one.suggestions[:3]:
            account = format_id(ACCOUNT, suggestion.account)
            click.echo(f"    {suggestion.score:3}  {account}  {'; '.join(suggestion.reasons)}")
    if not waiting:
        click.echo("nothing waits")


def _queued(credit: StoredCredit, suggestions: Sequence[Suggestion]) -> dict[str, Any]:
    said = credit.transaction
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
            for one in suggestions
        ],
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
        number = find_account(live.store, account)
        amount = deciding.credit(live.store, credit).amount_minor
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
        currency = deciding.credit(live.store, credit).currency
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


@bank.command()
@click.argument("credit", type=click.IntRange(1))
@WHO
@REASON
def undo(credit: int, who: str, why: str) -> None:
    """Take back what CREDIT was booked as: what it paid is owed again, and it waits."""
    with open_installation() as live:
        took = deciding.undo(live.store, credit, live.clock.now(), f"staff:{who}", why)
    for account, amount in took.items():
        click.echo(f"{amount} of {format_id(ACCOUNT, account)} is taken back")
    click.echo(f"credit {credit} waits again")


@bank.command()
@click.argument("credit", type=click.IntRange(1))
@WHO
@REASON
def ignore(credit: int, who: str, why: str) -> None:
    """CREDIT is not for any account here: nobody waits for it any more."""
    with open_installation() as live:
        deciding.ignore(live.store, credit, live.clock.now(), f"staff:{who}", why)
    click.echo(f"credit {credit} is ignored")
