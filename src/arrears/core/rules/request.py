"""What a provider would not even try to take is in doubt only while it is owed, and by card (decision 30)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final

from arrears.core.account import Account, DoubtKind, Mode
from arrears.core.facts import DoubtCleared
from arrears.core.view import IMMEDIATELY, Due, Rank, View

SET_UP: Final = "set-up"
"""What is in doubt where a provider would not open the page on which a payment method is added; else it is a
currency."""


def rule(view: View) -> Iterable[Due]:
    """At once, with what paid or withdrew the last of it."""
    return [
        Due(
            IMMEDIATELY,
            Rank.CONSEQUENCE,
            0,
            f"{doubt.ref} is in doubt no more",
            partial(DoubtCleared, doubt=doubt.kind, ref=doubt.ref),
        )
        for doubt in view.account.doubts
        if doubt.kind is DoubtKind.REQUEST and not _matters(view.account, doubt.ref)
    ]


def _matters(account: Account, ref: str) -> bool:
    owed = any(debt.currency == ref or ref == SET_UP for debt in account.debts if not debt.ended)
    return owed and account.mode is Mode.CARD
