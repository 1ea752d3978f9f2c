"""Whether the networks' rules let a card be asked now, by this account's book of attempts and by the books of every
other account that pays with the same card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from arrears.core.account import Account, Attempt
from arrears.core.errors import Refused
from arrears.core.payments.networks import load_rules
from arrears.core.payments.planner import EXPIRED, NEW_ENTRY, Allowed, Refusal, Tried, Wanted, earliest, is_final
from arrears.core.payments.values import CURRENCY_OF, AttemptCanceled, Codes, Declined, Initiator, takes_currency
from arrears.core.rules.paying import history_of, wanted_of


def not_to_be_asked(
    account: Account, attempt: Attempt, elsewhere: Sequence[Tried], now: datetime
) -> Declined | AttemptCanceled | None:
    """What the networks' rules forbid is not asked for (they may bill us for asking): it is no decline of the
    customer's, and is canceled; an expired card has failed. None where it may be asked."""
    method = account.method(attempt.method)
    wanted = wanted_of(method, attempt.amount_minor, attempt.currency, attempt.by, attempt.entry or NEW_ENTRY)
    own = history_of(account, method, besides=attempt.no)
    allowed = earliest(load_rules(), wanted, own, now)
    if isinstance(allowed, Refusal):
        expired = Declined("", Codes(decline="expired"), now)
        return expired if allowed.rule == EXPIRED else AttemptCanceled("", reached_network=False)
    if not elsewhere:
        return None
    everywhere = earliest(load_rules(), wanted, [*elsewhere, *own], now)
    if isinstance(everywhere, Allowed) and everywhere.at <= now:
        return None
    # What forbids the card for ever is kept with the account, which then plans no more of it.
    return AttemptCanceled("", reached_network=False, codes=_final(wanted, elsewhere, now))


def _final(wanted: Wanted, elsewhere: Sequence[Tried], now: datetime) -> Codes:
    final = (tried.codes for tried in elsewhere if is_final(load_rules(), wanted, tried, now))
    return next(final, Codes())


def must_be_permitted(
    account: Account, number: int, amount_minor: int, currency: str, elsewhere: Sequence[Tried], now: datetime
) -> None:
    """Refuse `unknown_method`, `method_expired`, `method_not_usable` (it works only once, or never in this currency),
    `never_retry` or `retry_later` where the customer may not pay this much with it now."""
    if not any(m.no == number and not m.removed for m in account.methods):
        raise Refused("unknown_method", f"there is no payment method {number} on this account")
    method = account.method(number)
    if not takes_currency(method.kind, currency):
        only = CURRENCY_OF[method.kind]
        raise Refused(
            "method_not_usable", f"this method can pay in {only} only, and this is in {currency}; use another one"
        )
    asked = wanted_of(method, amount_minor, currency, Initiator.CUSTOMER)
    allowed = earliest(load_rules(), asked, [*elsewhere, *history_of(account, method)], now)
    if isinstance(allowed, Refusal) and allowed.until is None:
        raise Refused(_OF_THE_CARD.get(allowed.rule, "never_retry"), allowed.why)
    at = allowed.until if isinstance(allowed, Refusal) else allowed.at
    if at is not None and at > now:
        raise Refused("retry_later", f"{allowed.why} It can be tried again from {at:%Y-%m-%d %H:%M} UTC.")


_OF_THE_CARD: Final[Mapping[str, str]] = {EXPIRED: "method_expired", "not_durable": "method_not_usable"}
"""What is no bank's and no network's word: the rules that are about the card itself, with the code of each."""


def refused_card(account: Account, number: int, elsewhere: Sequence[Tried], now: datetime) -> str:
    """Why the customer may not pay with this method now, as a refusal's code; empty where they may. What the networks
    count does not depend on the sum."""
    currency = CURRENCY_OF.get(account.method(number).kind, "EUR")
    try:
        must_be_permitted(account, number, 1, currency, elsewhere, now)
    except Refused as refused:
        return refused.code
    return ""
