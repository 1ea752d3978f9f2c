"""A new method that pays at once: what a person saw and agreed to is settled the moment the method is there.

The person may close the tab on the provider's page. Whoever hears first that it is done goes on: the page they come
back to, the provider's webhook, or the sweep. A page settles once; the others see what came of it (spec, section 4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from arrears.core.errors import Refused
from arrears.core.payments.values import Change, SetupChange
from arrears.core.rules.request import SET_UP
from arrears.engine.doubting import asking
from arrears.engine.payments import provider_changes as changes
from arrears.engine.payments import settling
from arrears.engine.payments.methods import activate_where_needed, customer_of, finish_setup
from arrears.engine.payments.providers import Providers
from arrears.ports import AccountsAndMoney, AccountsAndSetups, MoneyBook, Processor
from arrears.ports.setups import SetupPage, SetupState

STUCK_AFTER: Final = timedelta(minutes=2)
"""Longer than a provider takes to answer for every currency; after that another goes on."""

WAITS: Final = ("setup_open", "provider_unreachable", "provider_denied", "attempt_in_flight")
"""What passes by itself: the page stays open, and is looked at again."""


def start(
    store: AccountsAndSetups,
    providers: Providers,
    account: int,
    shown: Mapping[str, str],
    locale: str,
    now: datetime,
    author: str,
    *,
    back: Callable[[int], str],
    also: Iterable[int] = (),
) -> SetupPage:
    """The provider's page for a new method that will pay what was `shown` (currency to quote hash); with nothing
    shown it is only added. `back` gives the address to come back to, by the page's number. Refuses `stale_quote`,
    `no_such_provider`, `not_supported`."""
    opener, provider = providers.opening(Processor.open_setup), providers.default
    also = tuple(also)
    owed = {q.currency: q.hash for q in settling.quote(store, account, now, also)}
    if any(owed.get(currency) != wanted for currency, wanted in shown.items()):
        raise settling.StaleQuote(settling.quote(store, account, now, also))
    number = store.begin_setup(account, author, provider, shown, also, now)
    customer = customer_of(store, account, provider)
    with asking(store, account, SET_UP, now):
        page = opener.open_setup(f"setup-{account}-{number}", account, customer, locale, back(number))
    store.record_setup_page(number, page.ref, page.url)
    made = store.setup(number)
    assert made is not None, "it was noted just now"
    return made


def finish(store: AccountsAndSetups, providers: Providers, number: int, now: Callable[[], datetime]) -> SetupPage:
    """Store the method and settle what was shown with it; asked again, what came of it. While somebody else does it,
    or the person has not finished, the page comes back as it stands. Where what was shown is not owed any more nothing
    is charged, and the method pays all the same for what no other can pay for. Refuses `unknown_setup`."""
    page = store.setup(number)
    if page is None or not page.ref:
        raise Refused("unknown_setup", f"there is no set-up page {number}")
    at = now()
    if page.state in ("done", "failed") or not store.claim_setup(number, at, at - STUCK_AFTER):
        return page
    method, why = 0, ""
    try:
        method = finish_setup(store, providers, page.account, page.provider, page.ref, at, page.author)
        _settle(store, providers, page, method, now)
    except Refused as refused:
        why = refused.code
        if method and why not in WAITS:
            activate_where_needed(store, page.account, method, now(), page.author, replaces=True)
    attempts = [made[currency] for made in [_made(store, page, method)] for currency in sorted(made)]
    state: SetupState = "open" if why in WAITS else "failed" if method == 0 else "done"
    store.end_setup(number, state, method, attempts, why)
    done = store.setup(number)
    assert done is not None, "pages are never deleted"
    return done


def _settle(
    store: AccountsAndMoney, providers: Providers, page: SetupPage, method: int, now: Callable[[], datetime]
) -> None:
    if not page.shown:
        activate_where_needed(store, page.account, method, now(), page.author)
        return
    made = _made(store, page, method)
    left = {currency: wanted for currency, wanted in page.shown.items() if currency not in made}
    if left:
        results = settling.settle(store, providers, page.account, left, method, now, page.author, also=page.also)
        for refused in results.refused.values():
            raise refused


def _made(store: MoneyBook, page: SetupPage, method: int) -> dict[str, int]:
    """The attempt of each currency that this page has led to: made by us, or by whoever was ended before they could
    say so. It is found by what it is for, so that a decline is not tried once more."""
    return {
        attempt.currency: attempt.no
        for attempt in store.attempts(page.account)
        if attempt.method == method
        and attempt.created_at >= page.started_at
        and page.shown.get(attempt.currency) == attempt.quote
    }


def follow(
    store: AccountsAndSetups, providers: Providers, provider: str, change: Change, now: Callable[[], datetime]
) -> None:
    """Record what a provider reports; a set-up page that has ended settles what it was opened for."""
    if not isinstance(change, SetupChange):
        changes.apply(store, provider, change, now())
        return
    page = store.setup_at(provider, change.ref)
    if page is not None:
        finish(store, providers, page.number, now)


def finish_stuck(store: AccountsAndSetups, providers: Providers, now: Callable[[], datetime], limit: int = 100) -> None:
    """Go on where whoever settled was ended."""
    for number in store.stuck_setups(now() - STUCK_AFTER, limit):
        finish(store, providers, number, now)
