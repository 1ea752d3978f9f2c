"""Ending what waits for the payer before something else is asked of them, at the provider and with proof."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from arrears.core.account import Attempt
from arrears.core.errors import Refused
from arrears.core.payments.settlement import Quote, quotes
from arrears.core.payments.values import AttemptCanceled, AttemptState, Paid
from arrears.core.view import View
from arrears.engine.payments.attempts import attempt_ref, end_page, pursue, record_outcome
from arrears.engine.payments.providers import Providers
from arrears.engine.payments.wanted import still_owed
from arrears.ports import AccountsAndMoney


def cancel_open_attempts(
    store: AccountsAndMoney,
    providers: Providers,
    account: int,
    currency: str,
    shown: str,
    also: tuple[int, ...],
    now: datetime,
    may: Callable[[View, Quote], None] = lambda _view, _wanted: None,
) -> None:
    """A new settlement first cancels what is waiting for the payer, at the provider, with proof; and what is unknown
    and not owed any more as it was, because some of it was paid otherwise, is looked up at once. `may` is asked before
    anything is canceled, and refuses what could not follow; whoever was `shown` something else than what is owed is
    refused later, and ends nothing either."""
    view = store.seen(account, now)
    if view is None or not view.account.attempts:
        return
    owed = next((q for q in quotes(view, also) if q.currency == currency), None)
    wanted = {p.debt for p in owed.parts} if owed is not None else set()
    for attempt in view.account.attempts:
        if not any(p.debt in wanted for p in attempt.parts):
            continue
        if attempt.on_page or attempt.state is AttemptState.NEEDS_CUSTOMER:
            if owed is None or owed.hash != shown:
                continue
            may(view, owed)
            cancel(store, providers, account, attempt, now)
        elif attempt.state is AttemptState.UNKNOWN and not still_owed(view.account, attempt):
            pursue(store, providers, account, attempt.no, now)


def cancel(store: AccountsAndMoney, providers: Providers, account: int, attempt: Attempt, now: datetime) -> None:
    """End an attempt that waits for the payer; refuses `attempt_in_flight` where the provider gave no proof."""
    if attempt.on_page or not attempt.method:
        outcome = end_page(store, providers, account, attempt, now)
    else:
        method = store.method(account, attempt.method)
        processor, reference = providers.of(method.at_provider), attempt_ref(account, attempt.no)
        outcome = processor.cancel(reference, method.customer_ref, attempt.ref, f"{attempt.key}-end")
        record_outcome(store, method.at_provider, account, attempt.no, outcome, now)
    if not isinstance(outcome, AttemptCanceled | Paid):
        raise Refused("attempt_in_flight", "a payment for this is under way; wait for its outcome, then look again")
