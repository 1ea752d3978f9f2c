"""What keeps a payment method from being removed, and what ends each (spec, section 4, Payment methods)."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import NamedTuple

from arrears.core.account import Account
from arrears.core.states import State


class HeldFor(StrEnum):
    """Why a payment method is held: it is `active` for a subscription; a subscription in `retention` may come back with
    it; it `owes` an invoice; a payment with it is `under_way`."""

    ACTIVE = "active"
    RETENTION = "retention"
    OWES = "owes"
    UNDER_WAY = "under_way"


class Holding(NamedTuple):
    """One thing that holds a method: the number of the subscription, debt or attempt, and for retention the day of its
    deletion, where one is promised."""

    why: HeldFor
    number: int
    until: date | None = None


def holdings(account: Account, method: int) -> list[Holding]:
    """Everything that holds a method; none where it may be removed."""
    paid_for = [sub for sub in account.subscriptions if sub.method == method]
    found = [
        Holding(HeldFor.ACTIVE, sub.no)
        if sub.end is None
        else Holding(HeldFor.RETENTION, sub.no, sub.end.delete.promised_on)
        for sub in paid_for
        if sub.state is not State.DELETED
    ]
    numbers = {sub.no for sub in paid_for}
    found += [Holding(HeldFor.OWES, d.no) for d in account.debts if not d.ended and numbers & set(d.subscriptions)]
    return found + [Holding(HeldFor.UNDER_WAY, a.no) for a in account.attempts if a.method == method]
