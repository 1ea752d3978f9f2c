"""Account credit of the same currency goes to the open debts, oldest due date first, before anything is demanded:
a debt covered by credit is never past due (spec, section 3, Amounts). Disputed and held debts take none, but
those that are held by a promise to pay do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from arrears.core.facts import Allocation, CreditAllocated
from arrears.core.view import IMMEDIATELY, Due, Rank, View


def rule(view: View) -> Iterable[Due]:
    """Whatever credit can be allocated is allocated in the same transaction."""
    return _allocations(view) if view.account.credit else ()


def _allocations(view: View) -> Iterator[Due]:
    account = view.account
    for order, (currency, credit_minor) in enumerate(sorted(account.credit.items())):
        left = credit_minor
        allocations = []
        for debt in account.debts:
            if left and debt.currency == currency and not account.debt_is_withheld(debt.no):
                taken = min(left, debt.open_minor)
                allocations.append(Allocation(debt.no, taken))
                left -= taken
        if allocations:
            build = partial(CreditAllocated, currency=currency, allocations=tuple(allocations))
            yield Due(IMMEDIATELY, Rank.CREDIT, order, "credit", build)
