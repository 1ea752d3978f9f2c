"""What was tried in vain on Stripe's pages: each charge of a payment that failed, each check of a set-up that did."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import stripe

from arrears.adapters.payments.stripe.amounts import from_stripe
from arrears.adapters.payments.stripe.codes import Thing, attempt_in, codes_of, id_of, inside, instant
from arrears.core.payments.values import CardsTried, CardTry

PAGE_MARK: Final = "page"
"""Metadata of an intent behind a hosted page: what was declined there may be tried again by the person on it."""


def tried_to_pay(client: stripe.StripeClient, intent: Thing) -> Iterator[CardsTried]:
    """What was tried on a hosted page; nothing for a payment that has none, or on which nobody tried."""
    if not (intent.get("metadata") or {}).get(PAGE_MARK) or not intent.get("latest_charge"):
        return
    charges = _all(client.v1.charges.list, {"payment_intent": intent["id"], "limit": 100})
    last = inside(intent.get("last_payment_error"))
    tries = tuple(charged(charge, last) for charge in charges if charge.get("status") == "failed")
    if tries:
        yield CardsTried(intent["id"], _account_of(intent), attempt_in(intent), tries)


def tried_to_set_up(client: stripe.StripeClient, page: Thing) -> Iterator[CardsTried]:
    """What was tried on a page that sets a method up; nothing where every check went well."""
    ref, account = id_of(page.get("setup_intent")), _account_of(page)
    if not ref or not account:
        return
    checks = _all(client.v1.setup_attempts.list, {"setup_intent": ref, "limit": 100})
    tries = tuple(_checked(check) for check in checks if check.get("status") == "failed")
    if tries:
        yield CardsTried(ref, account, "", tries)


def _all(list_them: Callable[[Any], Any], wanted: Mapping[str, object]) -> list[Thing]:
    """All of a list; nothing where our key may not read it, as everything else goes on without."""
    try:
        return [one.to_dict() for one in list_them(wanted).auto_paging_iter()]
    except stripe.PermissionError:
        return []


def _account_of(thing: Thing) -> int:
    text = str((thing.get("metadata") or {}).get("account") or "")
    return int(text) if text.isdecimal() else 0


def charged(charge: Thing, last: Thing) -> CardTry:
    # The intent keeps the error of its last charge alone; of the others the bank's word is the outcome's reason.
    outcome = inside(charge.get("outcome"))
    error: Thing = last if last.get("charge") == charge["id"] else {"decline_code": outcome.get("reason")}
    currency = str(charge["currency"]).upper()
    return CardTry(
        ref=charge["id"],
        at=instant(charge["created"]),
        fingerprint=_fingerprint(inside(charge.get("payment_method_details"))),
        codes=codes_of(error, charge),
        amount_minor=from_stripe(charge["amount"], currency),
        currency=currency,
    )


def _checked(check: Thing) -> CardTry:
    error = inside(check.get("setup_error"))
    return CardTry(
        ref=check["id"],
        at=instant(check["created"]),
        fingerprint=_fingerprint(inside(error.get("payment_method"))),
        codes=codes_of(error, {}),
    )


def _fingerprint(method: Thing) -> str:
    return str(inside(method.get("card")).get("fingerprint") or "")
