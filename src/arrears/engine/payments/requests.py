"""What a provider refuses of our own requests, before it asks any bank: never the payer's fault (decision 30)."""

from __future__ import annotations

from datetime import datetime

from arrears.core import facts as f
from arrears.core.account import Attempt
from arrears.core.errors import Refused
from arrears.core.payments.values import Declined, NeedsCustomer, Outcome, Paid, Processing
from arrears.engine.acting import acting_on
from arrears.engine.doubting import note_refused
from arrears.engine.payments.providers import Providers
from arrears.ports import AccountsAndMoney


def taken_up(attempt: Attempt, outcome: Outcome) -> bool:
    """Whether the provider has tried to take this; that it opened a page says nothing of a charge of ours."""
    return isinstance(outcome, Paid | Processing) or (
        isinstance(outcome, Declined | NeedsCustomer) and not attempt.on_page
    )


def note_denied(
    store: AccountsAndMoney, providers: Providers, account: int, attempt: Attempt, refused: Refused, now: datetime
) -> None:
    """Record that our key may not ask for what is owed, where that is why nothing was asked. Of a key that may not even
    read, the sweep tells once for the whole installation."""
    if refused.code != "provider_denied":
        return
    try:
        providers.of(store.method(account, attempt.method).at_provider).time(now)
    except Refused:
        return
    record_denied(store, account, attempt.currency, refused, now)


def record_denied(store: AccountsAndMoney, account: int, currency: str, refused: Refused, now: datetime) -> None:
    """Record that our key may not ask for what is owed in this currency."""
    with acting_on(store, account, now) as unit:
        note_refused(unit, currency, f.ARREARS, refused.message)
