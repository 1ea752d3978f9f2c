"""A copy of an installation, as for trying something out, that has taken an identity of its own.

What it was copied with is not its own: the payment methods in it are those of real customers, and their payments are
the original's. So at a payment provider it never charges, renews, removes or gives back what is older than its
identity.
"""

from __future__ import annotations

from datetime import datetime

from arrears.core.errors import Refused
from arrears.core.facts import MethodAdded, PaymentBooked
from arrears.ports import AccountsAndMoney, MoneyBook

WHOSE = "belongs to the installation of which this one is a copy"


def methods_of_the_original(store: AccountsAndMoney, account: int) -> frozenset[int]:
    """The payment methods of an account that it was copied with; none where this is no copy."""
    return methods_before(store, account, store.system().copied_at)


def methods_before(store: MoneyBook, account: int, copied_at: datetime | None) -> frozenset[int]:
    """The same where it is known since when this is no copy any more; None where it never was one."""
    if copied_at is None:
        return frozenset()
    added = store.facts_of([account], [MethodAdded]).get(account, ())
    return frozenset(r.fact.method for r in added if isinstance(r.fact, MethodAdded) and r.at <= copied_at)


def must_be_ours(store: AccountsAndMoney, account: int, payment: str) -> None:
    """Refuse `not_ours` for a payment that was booked before this copy became an installation of its own."""
    copied_at = store.system().copied_at
    if copied_at is None:
        return
    for booked in store.facts_of([account], [PaymentBooked]).get(account, ()):
        if isinstance(booked.fact, PaymentBooked) and booked.fact.ref == payment and booked.at <= copied_at:
            raise Refused("not_ours", f"payment {payment} {WHOSE}; give it back there")
