"""What a provider would not even try to take is in doubt only while it is owed, and by card (decision 30)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final

from arrears.core.account import DoubtKind, Mode
from arrears.core.facts import DoubtCleared
from arrears.core.view import IMMEDIATELY, Due, Rank, View

SET_UP: Final = "set-up"
"""What is in doubt where a provider would not open the page on which a payment method is added; else it is a
currency."""


def rule(view: View) -> Iterable[Due]:
    """At once, with what paid or withdrew the last of it that can be charged."""
    return [
        Due(
            IMMEDIATELY,
            Rank.CONSEQUENCE,
            0,
            f"{doubt.ref} is in doubt no more",
            partial(DoubtCleared, doubt=doubt.kind, ref=doubt.ref),
        )
        for doubt in view.account.doubts
        if doubt.kind is DoubtKind.REQUEST and not _matters(view, doubt.ref)
    ]


def _matters(view: View, ref: str) -> bool:
    """Whether anything could still be asked for: what is too little for any charge waits for more without a doubt."""
    owed = [debt for debt in view.account.debts if not debt.ended and ref in (debt.currency, SET_UP)]
    least = 1 if ref == SET_UP else max(1, view.carried_below(ref))
    return view.account.mode is Mode.CARD and sum(debt.open_minor for debt in owed) >= least
