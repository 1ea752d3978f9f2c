"""What became of a bank's file, as a command and the API answer a program."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from arrears.core.bank.statements import BankEntry, BankFile, BankStatement
from arrears.core.ids import ACCOUNT, format_id
from arrears.engine.commands.bank.taking import TakenFile, take_file, wrong_with_file
from arrears.ports.bank import BankTaking, CreditState, StoredCredit


def said_of_file(
    store: BankTaking,
    read: BankFile,
    digest: bytes,
    name: str,
    ours: Collection[tuple[str, str]],
    now: datetime,
    *,
    dry_run: bool,
    place: str = "",
) -> dict[str, Any]:
    """Take a file, or with `dry_run` only look at it: what it says, what became of it, and of each of its transfers
    to whom it went and why; docs/json.md has the shape. `place`: where it is, if that is more than its name."""
    if dry_run:
        wrong = wrong_with_file(read, ours)
        taken = TakenFile("refused" if read.refused else "quarantined" if wrong else "complete", wrong)
    else:
        taken = take_file(store, read, digest, name, ours, now)
    return _file(store, place or name, read, taken)


def _file(store: BankTaking, name: str, read: BankFile, taken: TakenFile) -> dict[str, Any]:
    states = {"taken": "complete", "known": "complete"}
    credits = _credits_of(store, taken)
    statements = read.statements
    first, last = (statements[0], statements[-1]) if statements else (None, None)
    return {
        "file": name,
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
            _entry(number, entry, _first(taken, number, at), credits)
            for number, one in enumerate(statements, 1)
            for at, entry in enumerate(one.entries)
        ],
    }


def _credits_of(store: BankTaking, taken: TakenFile) -> Mapping[int, DecidedCredit]:
    numbers = [first for firsts in taken.firsts for first in firsts if first is not None]
    if not numbers:
        return {}
    found = store.credits_in(list(CreditState), range(min(numbers), max(numbers) + BATCH_MAX))
    accounts = store.booked_for([one.number for one in found])
    return {one.number: DecidedCredit(one, accounts.get(one.number)) for one in found}


class DecidedCredit(NamedTuple):
    """A transfer, and the account that it is booked for."""

    credit: StoredCredit
    account: int | None


BATCH_MAX: Final = 100_000
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


def _entry(number: int, entry: BankEntry, first: int | None, credits: Mapping[int, DecidedCredit]) -> dict[str, Any]:
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
            **_decided(credits.get(first + at) if first is not None else None),
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


def _decided(one: DecidedCredit | None) -> dict[str, Any]:
    if one is None:
        return {"credit": None, "decided": None, "why": "", "account": None}
    account = None if one.account is None else format_id(ACCOUNT, one.account)
    said = one.credit
    return {"credit": said.number, "decided": said.state.value, "why": said.why, "account": account}
