"""The sums of the whole book while it is imported: those before, and what each account adds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date

from arrears.core import facts as f
from arrears.core.ledger import BAD_DEBT, CREDIT, RECEIVABLE, REVENUE, entries_of
from arrears.core.unit import Unit
from arrears.ports import Sums


class RunningSums:
    """Sums by currency, as the ledger has them (core/ledger.py). An invoice is overdue that is open and was due before
    `today`."""

    def __init__(self, before: Mapping[str, Sums], today: date) -> None:
        self._today = today
        self._sums: defaultdict[str, list[int]] = defaultdict(lambda: list(Sums()))
        self._sums.update({currency: list(sums) for currency, sums in before.items() if any(sums)})

    @property
    def now(self) -> Mapping[str, Sums]:
        """The sums as they are once everything that was added is written."""
        return {currency: Sums(*sums) for currency, sums in self._sums.items()}

    def join(self, sums: Mapping[str, Sums]) -> None:
        """What others have added up."""
        for currency, more in sums.items():
            self._sums[currency] = [one + other for one, other in zip(self._sums[currency], more, strict=True)]

    def add(self, unit: Unit) -> None:
        """What was recorded in this unit. Nearly all of it is invoices and their payments, which are added directly."""
        for stored in unit.stored:
            fact = stored.recorded.fact
            if isinstance(fact, f.InvoiceIssued):
                debt = fact.debt
                sums = self._sums[debt.currency]
                sums[0] += debt.total_minor
                sums[2] += debt.total_minor
                continue
            if isinstance(fact, f.PaymentBooked):
                sums = self._sums[fact.currency]
                for part in fact.allocations:
                    sums[2] -= part.minor
                sums[4] += fact.credit_minor
                continue
            for entry in entries_of(stored.recorded):
                sums = self._sums[entry.currency]
                if entry.ledger == REVENUE:
                    sums[0] -= entry.minor
                elif entry.ledger == BAD_DEBT:
                    sums[1] += entry.minor
                elif entry.ledger == RECEIVABLE:
                    sums[2] += entry.minor
                elif entry.ledger == CREDIT:
                    sums[4] -= entry.minor
        for sign, account in ((-1, unit.before), (1, unit.account)):
            for debt in () if account is None else account.debts:
                if debt.due_on < self._today:
                    self._sums[debt.currency][3] += sign * debt.open_minor
