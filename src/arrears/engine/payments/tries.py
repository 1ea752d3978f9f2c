"""What was tried in vain on a provider's own page is in the book of attempts too, under the card that was tried."""

from __future__ import annotations

from datetime import datetime

from arrears.core import facts as f
from arrears.core.payments.values import CardsTried, CardTry
from arrears.engine.acting import acting_on
from arrears.ports import AccountsAndMoney


def record_tries(store: AccountsAndMoney, provider: str, change: CardsTried, attempt: int, now: datetime) -> None:
    """Record each try once, by the provider's name of it. `attempt` is ours that they were for, 0 for a set-up."""
    if not store.snapshots([change.account]) or not _new(store, change):
        return
    with acting_on(store, change.account, now) as unit:
        for one in _new(store, change):
            unit.record(f.CardTried(at_provider=provider, tried=one, attempt=attempt), f"provider:{provider}")


def _new(store: AccountsAndMoney, change: CardsTried) -> list[CardTry]:
    told = store.facts_of([change.account], [f.CardTried]).get(change.account, ())
    known = {one.fact.tried.ref for one in told if isinstance(one.fact, f.CardTried)}
    return [one for one in change.tries if one.ref not in known]
