"""The double entry of each money fact. Entries are only ever added; the sum of one fact's entries is zero.

Debts are assets of the operator: `receivable` rises when an invoice is issued and falls when it is paid. Amounts
are minor units, positive for debit and negative for credit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from arrears.core import facts as f
from arrears.core.effects import MOVING_MONEY

RECEIVABLE: Final = "receivable"
REVENUE: Final = "revenue"
BANK: Final = "bank"
CREDIT: Final = "credit"
BAD_DEBT: Final = "bad_debt"
REFUND: Final = "refund"


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One line: `debt` is the debt's number for receivables, else 0."""

    account: int
    seq: int
    line: int
    ledger: str
    debt: int
    currency: str
    minor: int


def entries_of(recorded: f.Recorded) -> list[Entry]:
    """The entries that a fact makes; none for a fact that moves no money."""
    if type(recorded.fact) not in MOVING_MONEY:
        return []
    account, seq = recorded.account, recorded.seq
    entries: list[Entry] = []
    for ledger, debt, currency, minor in _lines(recorded.fact):
        if minor:
            entries.append(Entry(account, seq, len(entries) + 1, ledger, debt, currency, minor))
    return entries


Line = tuple[str, int, str, int]


def _lines(fact: f.AnyFact) -> Iterable[Line]:
    match fact:
        case f.InvoiceIssued(debt=debt):
            yield RECEIVABLE, debt.no, debt.currency, debt.total_minor
            yield REVENUE, 0, debt.currency, -debt.total_minor
        case f.PaymentBooked():
            yield BANK, 0, fact.currency, fact.amount_minor
            for part in fact.allocations:
                yield RECEIVABLE, part.debt, fact.currency, -part.minor
            yield CREDIT, 0, fact.currency, -fact.credit_minor
        case f.CreditAllocated():
            yield CREDIT, 0, fact.currency, sum(part.minor for part in fact.allocations)
            for part in fact.allocations:
                yield RECEIVABLE, part.debt, fact.currency, -part.minor
        case f.DebtReopened(debt=debt):
            yield RECEIVABLE, debt.no, debt.currency, fact.minor
            yield BAD_DEBT if fact.given_up else BANK, 0, debt.currency, -fact.minor
        case f.WrittenOff():
            yield BAD_DEBT, 0, fact.currency, fact.minor
            yield RECEIVABLE, fact.debt, fact.currency, -fact.minor
        case f.InvoiceCredited():
            yield REVENUE, 0, fact.currency, fact.minor
            yield RECEIVABLE, fact.debt, fact.currency, fact.credit_minor - fact.minor
            yield CREDIT, 0, fact.currency, -fact.credit_minor
        case f.Refunded():
            yield REFUND, 0, fact.currency, fact.amount_minor - fact.credit_minor
            yield CREDIT, 0, fact.currency, fact.credit_minor
            yield BANK, 0, fact.currency, -fact.amount_minor
        case f.RefundAsked():
            # Owed to the customer from now on; what it was is nobody's to use.
            yield CREDIT, 0, fact.currency, fact.credit_minor
            yield REFUND, 0, fact.currency, -fact.credit_minor
        case f.RefundCovered():
            yield CREDIT, 0, fact.currency, fact.minor
            yield REFUND, 0, fact.currency, -fact.minor
        case f.RefundUndone():
            yield BANK, 0, fact.currency, fact.amount_minor
            yield CREDIT, 0, fact.currency, -fact.credit_minor
            yield REFUND, 0, fact.currency, fact.credit_minor - fact.amount_minor
        case _:
            raise AssertionError(fact)
