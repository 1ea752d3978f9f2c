"""What a promise to pay comes to now: what is open of its invoices, how much of it is due, and which parts are done."""

from __future__ import annotations

from datetime import date

from arrears.core.account import Account, Debt, DebtPart
from arrears.core.arrangements import Arrangement


def arranged_debts(account: Account, arrangement: Arrangement) -> list[Debt]:
    """Its invoices that are past due, the oldest due date first. One that is not past due any more (paid, moved to a
    later day, within the tolerance) is not asked for by it."""
    return [debt for debt in account.debts if debt.day_0 is not None and debt.no in arrangement.debts]


def _asked_for(account: Account, arrangement: Arrangement) -> list[Debt]:
    """Those of which nothing is disputed or held otherwise."""
    return [debt for debt in arranged_debts(account, arrangement) if not account.debt_is_withheld(debt.no)]


def parts_done(account: Account, arrangement: Arrangement) -> int:
    """How many parts are done: no more is open than what comes after them."""
    return _done(arrangement, sum(debt.open_minor for debt in arranged_debts(account, arrangement)))


def parts_not_missed(account: Account, arrangement: Arrangement) -> int:
    """The same without what is disputed: of that nothing is asked, so nobody has missed it."""
    return _done(arrangement, sum(debt.open_minor for debt in _asked_for(account, arrangement)))


def _done(arrangement: Arrangement, open_minor: int) -> int:
    kept = arrangement.kept
    while kept < len(arrangement.parts) and open_minor <= arrangement.rest_minor(kept + 1):
        kept += 1
    return kept


def due_parts(account: Account, arrangement: Arrangement, on: date) -> tuple[DebtPart, ...]:
    """What is due by this local day and not paid, by invoice, the oldest due date first, without what is disputed."""
    debts = _asked_for(account, arrangement)
    left = sum(debt.open_minor for debt in debts) - arrangement.later_minor(on)
    found = []
    for debt in debts:
        taken = min(left, debt.open_minor)
        if taken > 0:
            found.append(DebtPart(debt.no, taken))
            left -= taken
    return tuple(found)
