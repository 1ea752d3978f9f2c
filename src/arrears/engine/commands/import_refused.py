"""Rows of a book that cannot be taken: people see whose they are, and nothing is cut meanwhile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import islice
from typing import Final

from arrears.core import facts as f
from arrears.core.account import Account, DoubtKind
from arrears.core.policy import Policies
from arrears.core.receivables import BookCredit, BookSource, NamedThings
from arrears.core.unit import Unit
from arrears.engine.acting import decide_until_rest
from arrears.engine.doubting import end_doubt_under
from arrears.ports import AccountsInParts, ReceivablesImport

ROWS_REFUSED: Final = "book"
"""How the doubt about an account whose rows of a book were refused is called."""
_ACCOUNTS_AT_ONCE: Final = 1_000
_WHY_MAX: Final = 400

Reasons = Mapping[str, Sequence[str]]
"""Why rows are refused, by the reference of their customer."""


def is_left(account: Account) -> bool:
    """Whether rows of an earlier book that are about this account were refused."""
    return any(doubt.kind is DoubtKind.FEED and doubt.ref == ROWS_REFUSED for doubt in account.doubts)


def owners_here(store: ReceivablesImport, source: BookSource, refused: Reasons) -> dict[str, list[str]]:
    """The accounts that are here and of which refused rows of other customers speak, with the reasons: whatever a row
    was refused for, an invoice or a payment that it names is somebody's, and may be what it calls paid. A transfer that
    pays for several customers of the book says nothing about the others."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    named = _named_by(source, refused.keys())
    while some := list(islice(named, _ACCOUNTS_AT_ONCE)):
        invoices = store.invoice_places([number for _, (numbers, _) in some for number in numbers])
        payments = store.payment_places([name for _, (_, names) in some for name in names])
        for ref, (numbers, names) in some:
            owners = [invoices[number].ref for number in numbers if number in invoices]
            owners += [
                payments[name].ref
                for name in names
                if name in payments and payments[name].ref not in source.shared_refs.get(name, ())
            ]
            for owner in owners:
                if owner != ref:
                    found[owner] |= dict.fromkeys(f"{ref}: {reason}" for reason in refused[ref])
    return {owner: list(reasons) for owner, reasons in found.items()}


def numbered_otherwise(ref: str, number: str) -> str:
    """The number of an invoice of this customer under the other way to number: `5` where each customer's are numbered
    apart and it is `ANN/5`, and the other way round."""
    return number.removeprefix(f"{ref}/") if number.startswith(f"{ref}/") else f"{ref}/{number}"


def _named_by(source: BookSource, refused: Set[str]) -> Iterator[tuple[str, NamedThings]]:
    """What the rows of these customers name: those that can be read, and as far as they can be the others."""
    for ref, (numbers, names) in source.misread():
        yield ref, ([*numbers, *(numbered_otherwise(ref, number) for number in numbers)], names)
    for one in source.kept():
        if one.ref in refused:
            numbers, names, noted = source.keys(one)
            yield one.ref, ([*numbers, *(numbered_otherwise(one.ref, number) for number in numbers), *noted], names)


class WrongRow(Exception):
    """A row that cannot be taken, in one line: its number, its column, the reason and the way out."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(row, reason)
        self.row = row
        self.reason = reason


def in_another_currency(note: BookCredit, currency: str) -> str:
    """What is wrong with a credit note whose invoice asks another currency."""
    return f"is in {note.currency}, and its invoice {note.invoice_number} in {currency}; say it in that currency"


def leave_in_doubt(
    store: ReceivablesImport, parts: AccountsInParts, doubted: Reasons, policies: Policies, author: str
) -> None:
    """Doubt each of these accounts that is here, by its reference with the reasons: what the book has to say may be
    that it has paid. There is one task about it until a book's rows are taken, or a person closes it."""
    for ref, unit in _units(store, parts, policies, doubted):
        why = f"rows of the newer book are not taken: {'; '.join(doubted[ref])}"
        why = why if len(why) <= _WHY_MAX else f"{why[:_WHY_MAX]}..."
        # Raised again with each book, so that the task is counted up and has the newest reasons.
        unit.record(f.DoubtRaised(doubt=DoubtKind.FEED, ref=ROWS_REFUSED), author, why)


def rows_were_taken(
    store: ReceivablesImport, parts: AccountsInParts, taken: Iterable[str], policies: Policies, author: str
) -> None:
    """The book's rows of these accounts are recorded, and no refused row is about them: they are in doubt no more."""
    for _, unit in _units(store, parts, policies, taken):
        end_doubt_under(policies, parts.guards, unit, DoubtKind.FEED, ROWS_REFUSED, author)


def _units(
    store: ReceivablesImport, parts: AccountsInParts, policies: Policies, refs: Iterable[str]
) -> Iterator[tuple[str, Unit]]:
    """Those of these accounts that are here; what is recorded of them is sent, with what follows from it."""
    ordered, encode = sorted(refs), parts.encoder()
    for at in range(0, len(ordered), _ACCOUNTS_AT_ONCE):
        here = {number: ref for ref, number in store.account_numbers(ordered[at : at + _ACCOUNTS_AT_ONCE]).items()}
        units = parts.units(0, list(here)) if here else ()
        for unit in units:
            before = len(unit.stored)
            yield here[unit.no], unit
            if len(unit.stored) > before:
                decide_until_rest(unit, policies, parts.guards, only_consequences=True)
        parts.send(encode([unit for unit in units if unit.stored], {}))
