"""Money that the operator's book has called paid before its provider tells of it: one payment, whoever is first.

Spec, section 14: *paid* means "at least so much is paid". Told by the provider first, the book's word comes to nothing
more; so it must where the book's word was first, or the customer would have credit that nobody has paid. Only what was
paid before the book was taken can be what it spoke of: what a payer pays after that has been paid twice.
"""

from __future__ import annotations

from typing import Final

from arrears.core import facts as f
from arrears.core.account import Attempt
from arrears.core.known import IMPORTER, KINDS, known_of
from arrears.core.payments.values import Paid
from arrears.core.unit import Unit
from arrears.engine.correcting import take_back
from arrears.ports import MoneyBook

WHY: Final = "the book called this paid; its provider tells of that payment now"


def make_way(store: MoneyBook, unit: Unit, attempt: Attempt, outcome: Paid) -> None:
    """Take back what an import has booked of an attempt's debts, as far as the attempt has taken the same money: no
    more than it brings beyond what is open, and nothing that was booked before its payer paid."""
    wanted = {part.debt: part.minor for part in attempt.parts}
    open_minor = {d.no: d.open_minor for d in unit.account.debts if d.no in wanted}
    left = outcome.amount_minor - sum(open_minor.values())
    if left <= 0:
        return
    history = [*store.facts_of([unit.no], KINDS).get(unit.no, ()), *(one.recorded for one in unit.stored)]
    said_since = {
        one.fact.ref
        for one in history
        if isinstance(one.fact, f.PaymentBooked) and one.author == IMPORTER and one.at >= outcome.at
    }
    known = known_of(history, IMPORTER)
    for payment in known.payments.values():
        if payment.ref in said_since and payment.invoice in wanted:
            missing = wanted[payment.invoice] - open_minor.get(payment.invoice, 0)
            same = min(left, payment.minor, missing)
            if same > 0:
                take_back(unit, known, payment, same, f.ARREARS, WHY)
                wanted[payment.invoice] -= same
                left -= same
