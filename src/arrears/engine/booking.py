"""Booking money received on the debts it names (spec, section 3, Amounts)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from arrears.core.account import Account
from arrears.core.errors import Refused
from arrears.core.facts import Allocation, PaymentBooked
from arrears.core.money import bounded, exponent
from arrears.core.states import State
from arrears.core.unit import Unit


class Payment(msgspec.Struct, frozen=True, gc=False):
    """Money that arrived. `ref` is unique: the same payment is booked once. `debts` are the invoices it names, by
    their number within the account, in the order they are to be paid. `unasked`: nobody was to pay it any more, so
    it is offered back."""

    account: int
    ref: str
    currency: str
    amount_minor: int
    debts: tuple[int, ...] = ()
    unasked: bool = False
    names: int = 0
    """The one invoice that the money came for, where it must be known whatever of it went there."""
    of: str = ""
    """The payment of which this money had been taken back, and has come back."""
    cured: tuple[int, ...] = ()
    """The debts of which no bank holds anything any more."""
    most: tuple[Allocation, ...] = ()
    """What each of its debts takes of it at most, where that is less than what is open."""


def book(unit: Unit, payment: Payment, author: str) -> None:
    """Book a payment on the debts it names, of the same currency, held ones too; what is left becomes account credit,
    which the consequences then put on whatever else is open. Refuses `unknown_currency`, `bad_amount`,
    `wrong_currency`."""
    exponent(payment.currency)
    left = bounded(payment.amount_minor, f"payment {payment.ref!r}")
    allocations = []
    only = payment.debts[0] if len(payment.debts) == 1 else 0
    for number in payment.debts:
        debt = unit.account.debt(number)
        if debt is None or not left:
            continue
        if debt.currency != payment.currency:
            raise Refused(
                "wrong_currency",
                f"payment {payment.ref!r} is in {payment.currency} and invoice {debt.number!r} in {debt.currency}",
            )
        taken = min(left, debt.open_minor, *(part.minor for part in payment.most if part.debt == number))
        allocations.append(Allocation(number, taken))
        left -= taken
    unit.record(
        PaymentBooked(
            ref=payment.ref,
            currency=payment.currency,
            amount_minor=payment.amount_minor,
            allocations=tuple(allocations),
            credit_minor=left,
            tell=_receipt_kind(unit.account, payment, [a.debt for a in allocations]),
            invoice=payment.names or (only if left else 0),
            of=payment.of,
            cured=payment.cured,
        ),
        author,
    )


def _receipt_kind(account: Account, payment: Payment, paid: Sequence[int]) -> str:
    """What the customer is told at once: nothing about what was paid in time."""
    debts = [d for d in account.debts if d.no in paid] or [d for d in account.debts if d.currency == payment.currency]
    late = [d for d in debts if d.day_0 is not None]
    if not late:
        return "credit" if payment.unasked else ""
    deleted = {s.no for s in account.subscriptions if s.state is State.DELETED}
    return "after_deletion" if all(d.subscriptions and deleted.issuperset(d.subscriptions) for d in late) else "settled"
