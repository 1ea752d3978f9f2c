"""Doubts about one account: restrictions, disablements and deletions wait while there is one, and no date moves."""

from __future__ import annotations

from datetime import datetime

from arrears.core import facts as f
from arrears.core.account import DoubtKind
from arrears.core.decide import decide
from arrears.core.rules import ESCALATION_RULES
from arrears.engine.acting import acting_on
from arrears.ports import Accounts


def raise_doubt(
    store: Accounts, account: int, kind: DoubtKind, ref: str, now: datetime, author: str, why: str = ""
) -> None:
    """Record that something about this account is unknown: restrictions, disablements and deletions wait until the
    doubt is cleared. No date moves."""
    with acting_on(store, account, now) as unit:
        if not any(d.kind is kind and d.ref == ref for d in unit.account.doubts):
            unit.record(f.DoubtRaised(doubt=kind, ref=ref), author, why)


def clear_doubt(store: Accounts, account: int, kind: DoubtKind, ref: str, now: datetime, author: str) -> None:
    """End a doubt. What is due is looked at first, while it still stands: a deadline that passed under it has waited,
    even if no run has looked at it since."""
    policies = store.policies()
    guards = store.system().guards
    with acting_on(store, account, now) as unit:
        if any(d.kind is kind and d.ref == ref for d in unit.account.doubts):
            while waits := decide(policies, unit.account, guards, now, rules=ESCALATION_RULES).facts:
                for fact in waits:
                    unit.record(fact)
            unit.record(f.DoubtCleared(doubt=kind, ref=ref), author)
