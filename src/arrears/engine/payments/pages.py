"""The provider's page that pays once and stores nothing, for the pay link (spec, section 7)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from arrears.core.errors import Refused
from arrears.core.payments.limits import charge_of
from arrears.core.payments.settlement import in_part, quotes
from arrears.core.payments.values import AttemptCanceled, Initiator
from arrears.engine.acting import seeing
from arrears.engine.failpoints import reached
from arrears.engine.payments.attempts import record_outcome, reopen_page
from arrears.engine.payments.canceling import cancel_open_attempts
from arrears.engine.payments.providers import Providers
from arrears.engine.payments.requests import record_denied
from arrears.engine.payments.settling import StaleQuote, nothing_shown, record_attempt
from arrears.ports import AccountsAndMoney, Processor


def open_page(
    store: AccountsAndMoney, providers: Providers, account: int, shown: Mapping[str, str], now: datetime, author: str
) -> str:
    """The address of the provider's page that pays exactly one currency of what was shown.

    The provider that opens pages opens it, and it stays with that one. Refuses `stale_quote`, `nothing_owed`,
    `attempt_in_flight`, `one_currency_a_page`, `no_such_provider`, `not_supported`.
    """
    if not shown:
        raise nothing_shown(store, account, now)
    opener, page_at = providers.opening(Processor.open_payment), providers.default
    if len(shown) != 1:
        raise Refused("one_currency_a_page", "a payment page takes one currency; open one for each")
    [(currency, wanted_hash)] = shown.items()
    cancel_open_attempts(store, providers, account, currency, wanted_hash, (), now)
    with seeing(store, account, now) as (unit, view):
        owed = quotes(view)
        wanted = next((q for q in owed if q.currency == currency), None)
        if wanted is None or wanted.hash != wanted_hash:
            raise StaleQuote(owed)
        if unit.account.attempt_on(p.debt for p in wanted.parts) is not None:
            raise Refused("attempt_in_flight", "a payment for this is under way; wait for its outcome, then look again")
        amount = charge_of(view.guards.limits, currency, wanted.amount_minor)
        # More than can be taken at once is paid in several goes: the page says how much this one takes.
        asked = wanted if amount in (0, wanted.amount_minor) else in_part(wanted, unit.account, amount)
        opener.takes(asked.amount_minor, currency)
        number = record_attempt(
            unit,
            asked,
            0,
            Initiator.CUSTOMER,
            author,
            shown=wanted_hash,
            identity=view.guards.identity,
            in_part=asked is not wanted,
            page_at=page_at,
        )
        attempt = unit.account.attempt(number)
    assert attempt is not None, "it was recorded just now"
    reached("attempt.after_begin")
    try:
        return reopen_page(store, providers, account, attempt, now).url
    except Refused as refused:
        if refused.code == "provider_refused":
            gone = AttemptCanceled("", reached_network=False, why=refused.message)
            record_outcome(store, page_at, account, number, gone, now)
        elif refused.code == "provider_denied":
            record_denied(store, account, currency, refused, now)
        raise
