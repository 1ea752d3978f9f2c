"""What operations about bank statements answer; see `answers.py`."""

from __future__ import annotations

from typing import TypedDict

from arrears.web.api.answers import LocalDay


class TransferSaid(TypedDict):
    """A transfer of an entry, and what was decided about it: `credit` is its number here, None where it was here
    before; `account` whose it is, once it is booked."""

    amount_minor: int
    currency: str
    references: list[str]
    end_to_end: str
    counterparty: str
    iban: str
    text: str
    returned: bool
    credit: int | None
    decided: str | None
    why: str
    account: str | None


class BankEntrySaid(TypedDict):
    """An entry of a statement, by the statement's place in the file: credits are positive, debits negative."""

    statement: int
    date: LocalDay | None
    value_date: LocalDay | None
    amount_minor: int
    currency: str
    bank_reference: str
    references: list[str]
    counterparty: str
    iban: str
    text: str
    reversal: bool
    code: str
    unclear: str
    transactions: list[TransferSaid]


class BankStatementSaid(TypedDict):
    """A statement, or an early notice, of one bank account."""

    account: str
    currency: str
    kind: str
    id: str
    number: int
    opening_minor: int | None
    opening_on: LocalDay | None
    closing_minor: int | None
    closing_on: LocalDay | None
    left_out: int


class StatementFileSaid(TypedDict):
    """What a bank's file says, and what became of it; `known`: this very file was taken before."""

    file: str
    state: str
    known: bool
    reason: str
    code: str | None
    format: str
    account: str
    currency: str
    opening_minor: int | None
    closing_minor: int | None
    gaps: list[str]
    statements: list[BankStatementSaid]
    entries: list[BankEntrySaid]


class StatementFilesSaid(TypedDict):
    """One file, in the shape in which `arrears statement --json` answers for several."""

    dry_run: bool
    files: list[StatementFileSaid]
