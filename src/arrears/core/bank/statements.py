"""What a bank reports, as frozen values: statements, their balances, entries and the transactions in a batch.

Amounts are minor units; what came in is positive, what went out negative. A statement is taken whole or not at all:
`wrong_with` says what does not add up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from enum import StrEnum
from typing import Final

import msgspec

from arrears.core.errors import Refused
from arrears.core.money import format_amount

NO_REFERENCE: Final = frozenset({"", "NONREF", "NOTPROVIDED", "NOT PROVIDED", "NOREF"})
"""What banks write where there is no reference."""


class StatementKind(StrEnum):
    """A *statement* closes its days; an *early* notice (camt.052, camt.054, MT942) tells of entries before that."""

    STATEMENT = "statement"
    EARLY = "early"


class Balance(msgspec.Struct, frozen=True):
    """A sum on one day: minor units, negative where the account is overdrawn. `day` is None where the file has none
    that exists."""

    minor: int
    currency: str
    day: date | None = None


class BankTransaction(msgspec.Struct, frozen=True, omit_defaults=True):
    """One transfer of an entry. `references` are structured creditor references, `texts` what else its payer wrote;
    `end_to_end` is the payer's own number for it."""

    amount_minor: int
    currency: str
    references: tuple[str, ...] = ()
    end_to_end: str = ""
    name: str = ""
    iban: str = ""
    texts: tuple[str, ...] = ()
    returned: bool = False
    """Whether it says of itself that it is a transfer that came back."""
    original_minor: int = 0
    """What the transfer was of that it brings back, above zero; 0 where the bank does not say it."""
    charges_minor: int = 0
    """What the bank kept of it, or added to it, above zero."""

    @property
    def text(self) -> str:
        """Everything that its payer wrote, on one line."""
        return " ".join(one for one in self.texts if one)


class BankEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One booked entry. `bank_reference` is the bank's own of it, empty where it gives none. `reversal`: it undoes an
    earlier one. `unclear` says what is missing, so that a person looks at it. With several `transactions` it is a
    batch, with one or none a single transfer."""

    amount_minor: int
    currency: str
    booked_on: date | None = None
    value_on: date | None = None
    bank_reference: str = ""
    code: str = ""
    reversal: bool = False
    transactions: tuple[BankTransaction, ...] = ()
    charges_minor: int = 0
    """What the bank kept back of its transactions."""
    unclear: str = ""


class BankStatement(msgspec.Struct, frozen=True, omit_defaults=True):
    """One statement, or one early notice, of one account in one currency.

    `account` is its IBAN, or the bank's own number where the file gives no IBAN. `number` is its sequence number, 0 for
    none; `page` that of a part of it. `left_out` counts entries that are not booked yet. `wrong` says why it settles
    nothing whatever its sums are."""

    format: str
    kind: StatementKind
    account: str
    currency: str
    opening: Balance | None = None
    closing: Balance | None = None
    entries: tuple[BankEntry, ...] = ()
    id: str = ""
    number: int = 0
    page: int = 0
    continues: bool = False
    """Whether the opening balance is that of a page before it."""
    left_out: int = 0
    wrong: str = ""


class BankFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that one file says; `refused` is why it says nothing."""

    statements: tuple[BankStatement, ...] = ()
    refused: str = ""
    code: str = ""


def refused_file(refused: Refused) -> BankFile:
    """A file that could not be read."""
    return BankFile(refused=refused.message, code=refused.code)


def wrong_with(statement: BankStatement) -> str:
    """Why a statement is quarantined and settles nothing, in one line; empty where it adds up."""
    return next(iter(_wrong(statement)), "")


def _wrong(statement: BankStatement) -> Iterator[str]:
    if statement.wrong:
        yield statement.wrong
    if not statement.account:
        yield "it names no account"
    for at, entry in enumerate(statement.entries, 1):
        if entry.currency != statement.currency:
            yield f"entry {at} is in {entry.currency}, and the account in {statement.currency}"
        if len(entry.transactions) > 1 and all(t.currency == entry.currency for t in entry.transactions):
            inside = sum(t.amount_minor for t in entry.transactions)
            if inside - entry.amount_minor not in (0, entry.charges_minor, -entry.charges_minor):
                said, found = (format_amount(m, entry.currency) for m in (entry.amount_minor, inside))
                yield f"entry {at} is a batch of {said}, and its transactions are {found} in sum"
    if statement.format.startswith("camt"):
        yield from _twice(statement.entries)
    yield from _unbalanced(statement)


def _twice(entries: Sequence[BankEntry]) -> Iterator[str]:
    amounts: dict[tuple[str, bool, bool], int] = {}
    for entry in entries:
        # What reverses an entry may have its reference, and what reverses that.
        reference = (entry.bank_reference, entry.reversal, entry.reversal and entry.amount_minor > 0)
        if entry.bank_reference and amounts.setdefault(reference, entry.amount_minor) != entry.amount_minor:
            yield f"reference {entry.bank_reference[:40]!r} stands twice, with two amounts"


def _unbalanced(statement: BankStatement) -> Iterator[str]:
    opening, closing = statement.opening, statement.closing
    for balance in (opening, closing):
        if balance is not None and balance.currency != statement.currency:
            yield f"a balance is in {balance.currency}, and the account in {statement.currency}"
            return
    if statement.kind is StatementKind.EARLY:
        return
    if opening is None or closing is None:
        yield f"it has no {'opening' if opening is None else 'closing'} balance"
        return
    moved = sum(entry.amount_minor for entry in statement.entries)
    if opening.minor + moved != closing.minor:
        was, plus, stands = (format_amount(m, statement.currency) for m in (opening.minor, moved, closing.minor))
        yield f"it begins with {was}, its entries are {plus}, and it ends with {stands}"
