"""Rows of a book that cannot be taken: people see whose they are, and nothing is cut meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from arrears.core import facts as f
from arrears.core.account import DoubtKind
from arrears.core.guards import Guards
from arrears.core.policy import Policies
from arrears.core.receivables import BookCredit
from arrears.core.unit import Unit
from arrears.engine.acting import decide_until_rest
from arrears.engine.doubting import end_doubt_under
from arrears.ports import AccountReader, AccountsInParts

ROWS_REFUSED: Final = "book"
"""How the doubt about an account whose rows of a book were refused is called."""
_ACCOUNTS_AT_ONCE: Final = 1_000
_WHY_MAX: Final = 400


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
    store: AccountReader,
    parts: AccountsInParts,
    refused: Mapping[str, Sequence[str]],
    policies: Policies,
    author: str,
) -> None:
    """Doubt each of these accounts that is here, by its reference with the reasons: what the book has to say may be
    that it has paid. There is one task about it until a book's rows are taken, or a person closes it."""
    refs, encode = sorted(refused), parts.encoder()
    for at in range(0, len(refs), _ACCOUNTS_AT_ONCE):
        here = {number: ref for ref, number in store.account_numbers(refs[at : at + _ACCOUNTS_AT_ONCE]).items()}
        units = parts.units(0, list(here)) if here else ()
        for unit in units:
            why = f"rows of the newer book are not taken: {'; '.join(refused[here[unit.no]])}"
            why = why if len(why) <= _WHY_MAX else f"{why[:_WHY_MAX]}..."
            # Raised again with each book, so that the task is counted up and has the newest reasons.
            unit.record(f.DoubtRaised(doubt=DoubtKind.FEED, ref=ROWS_REFUSED), author, why)
            if unit.stored:
                decide_until_rest(unit, policies, parts.guards, only_consequences=True)
        parts.send(encode([unit for unit in units if unit.stored], {}))


def rows_were_taken(policies: Policies, guards: Guards, unit: Unit, author: str) -> None:
    """The book's rows of this account are recorded: nothing about them is in doubt any more."""
    end_doubt_under(policies, guards, unit, DoubtKind.FEED, ROWS_REFUSED, author)
