"""Payment methods: set up on the provider's page, made active, renewed, removed (spec, section 4, Payment methods)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import MAXYEAR, MINYEAR, date, datetime
from typing import Final

from arrears.core import facts as f
from arrears.core.account import Account
from arrears.core.closed import closed
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, INVOICE, SUBSCRIPTION, format_id
from arrears.core.payments.holding import HeldFor, Holding, holdings
from arrears.core.payments.planner import Tried
from arrears.core.payments.settlement import moves_with, settles_first, unconfirmed, usable
from arrears.core.payments.values import Funding, HostedPage, MethodDetails, MethodKind, SetupDone, SetupOpen
from arrears.core.states import State
from arrears.core.view import ONE_DAY, View
from arrears.engine.acting import acting_on
from arrears.engine.payments.copies import WHOSE, methods_of_the_original
from arrears.engine.payments.permitted import refused_card
from arrears.engine.payments.providers import Providers
from arrears.ports import AccountsAndMoney, MethodRecord


def start_setup(
    store: AccountsAndMoney, providers: Providers, account: int, provider: str, key: str, locale: str
) -> HostedPage:
    """The provider's page on which a person sets up a new method. Nothing is stored here until it is done."""
    customer = customer_of(store, account, provider)
    return providers.of(provider).open_setup(key, account, customer, locale, providers.return_url(account))


def customer_of(store: AccountsAndMoney, account: int, provider: str) -> str:
    """What this provider calls the payer, by the newest payment method that is ours; empty where it knows none."""
    theirs = methods_of_the_original(store, account)
    known = [m.customer_ref for m in store.methods(account) if m.at_provider == provider and m.no not in theirs]
    return known[-1] if known else ""


def finish_setup(
    store: AccountsAndMoney,
    providers: Providers,
    account: int,
    provider: str,
    page_ref: str,
    now: datetime,
    author: str,
) -> int:
    """Store the method that was set up; its number. The same page gives the same method, however often it is asked.

    Refuses `unknown_page` for one that was opened for another account, `setup_open`, `setup_failed`,
    `prepaid_refused`. Adding alone collects nothing.
    """
    outcome = providers.of(provider).setup_outcome(page_ref)
    if isinstance(outcome, SetupOpen):
        raise Refused("setup_open", "the payment method has not been set up yet; finish it on the provider's page")
    if not isinstance(outcome, SetupDone):
        raise Refused("setup_failed", "no payment method was set up; your bank refused it, or the page was left")
    if outcome.account != account:
        raise Refused("unknown_page", f"{format_id(ACCOUNT, account)} has no such page at {provider}")
    return add(store, providers, account, provider, outcome.method, now, author)


def add(
    store: AccountsAndMoney,
    providers: Providers,
    account: int,
    provider: str,
    details: MethodDetails,
    now: datetime,
    author: str,
) -> int:
    """Store a method; its number. A card that is here already and good is that one: it stays, with the later expiry of
    both, and the new copy is forgotten at the provider. Refuses `prepaid_refused` before it is stored, and forgets it
    there too."""
    if details.funding is Funding.PREPAID:
        providers.of(provider).forget(details.ref, f"forget-{details.ref}")
        raise Refused("prepaid_refused", "prepaid cards cannot pay for a subscription; use a credit or debit card")
    here = _same_card(store, account, provider, details)
    if here is not None and _as_good_as(store, providers, account, here, details, now, author):
        providers.of(provider).forget(details.ref, f"forget-{details.ref}")
        return here.no
    with acting_on(store, account, now) as unit:
        known = store.methods(account)
        same = next((m for m in known if (m.at_provider, m.ref) == (provider, details.ref) and not m.removed), None)
        if same is not None:
            return same.no
        number = max((m.no for m in known), default=0) + 1
        credential = next((m.no for m in known if m.fingerprint and m.fingerprint == details.fingerprint), number)
        unit.record(f.MethodAdded(method=number, at_provider=provider, details=details, credential=credential), author)
        return number


def _same_card(store: AccountsAndMoney, account: int, provider: str, details: MethodDetails) -> MethodRecord | None:
    """The newest method of the account that is this very card, known by another reference; none where that one failed
    or works only once, since adding it anew is then a remedy."""
    if details.kind is not MethodKind.CARD or not details.fingerprint:
        return None
    snapshot, theirs = store.snapshots([account])[account], methods_of_the_original(store, account)
    good = {m.no for m in snapshot.methods if not m.removed and m.durable and not m.failed and m.no not in theirs}
    known = store.methods(account)
    if any((one.at_provider, one.ref) == (provider, details.ref) for one in known):
        return None
    wanted = provider, details.fingerprint
    return next((m for m in reversed(known) if m.no in good and (m.at_provider, m.fingerprint) == wanted), None)


def _as_good_as(
    store: AccountsAndMoney,
    providers: Providers,
    account: int,
    here: MethodRecord,
    details: MethodDetails,
    now: datetime,
    author: str,
) -> bool:
    """Whether a card that is here has the expiry of its new copy, or a later one; else it is given that, where the
    provider does so."""
    new = details.expires_on
    if new is None or (here.expires_on is not None and here.expires_on >= new):
        return here.expires_on is None or usable(store.snapshots([account])[account].method(here.no), now.date())
    try:
        renew(store, providers, account, here.no, new.month, new.year, now, author)
    except Refused:
        return False
    return True


def activate(
    store: AccountsAndMoney, account: int, method: int, now: datetime, author: str, subscriptions: tuple[int, ...] = ()
) -> None:
    """Make a method pay for these subscriptions (all where none is named, and what is added later) of an account that
    has nothing past due to settle.

    With past-due debt it is the settlement that makes a method active: refuses `settle_first`, `unknown_method`; and
    what could not be charged: `never_retry`, `retry_later`, `method_not_usable`, `method_expired`, or, where nothing
    was paid with it since, `last_declined` or `last_unconfirmed` (its payer left the bank's question open).
    """
    policies, guards = store.policies(), store.system().guards
    with acting_on(store, account, now) as unit:
        _present(unit.account, method)
        elsewhere = store.method_and_tries(account, method)[1]
        why = refused_activation(View(policies, unit.account, guards, now), method, elsewhere)
        if why:
            raise Refused(why, _NOT_ACTIVE[why])
        chosen = subscriptions or tuple(s.no for s in unit.account.subscriptions if s.state is not State.DELETED)
        changed = tuple(s.no for s in unit.account.subscriptions if s.no in chosen and s.method != method)
        if changed or (not subscriptions and unit.account.default_method != method):
            unit.record(f.MethodActivated(method=method, subscriptions=changed), author)


def activate_where_needed(
    store: AccountsAndMoney, account: int, method: int, now: datetime, author: str, *, replaces: bool = False
) -> None:
    """Make a method that somebody has set up pay for what none pays for, and as the first one for what is added later;
    `replaces`: it was set up to pay, so also for what is paid by a method whose last payment failed.

    Nothing is collected by that at once. What is past due was not shown to its payer as it is now: a charge of ours
    takes it on the next morning at the earliest. A method that may not be charged is left as it is; an expired card
    takes no other's place, but pays for what none pays for: its new expiry is asked for then.
    """
    policies, guards = store.policies(), store.system().guards
    with acting_on(store, account, now) as unit:
        _present(unit.account, method)
        elsewhere = store.method_and_tries(account, method)[1]
        view = View(policies, unit.account, guards, now)
        if _refused_payer(view, method, elsewhere):
            return
        good = usable(unit.account.method(method), view.today)
        needing = moves_with(unit.account, method) if replaces and good else ()
        chosen = tuple(
            s.no for s in unit.account.subscriptions
            if s.state is not State.DELETED and (s.method == 0 or s.no in needing)
        )  # fmt: skip
        if chosen or not unit.account.default_method:
            later = view.morning(view.today + ONE_DAY) if unit.account.past_due else None
            unit.record(f.MethodActivated(method=method, subscriptions=chosen, charged_from=later), author)


_NOT_ACTIVE: Final[Mapping[str, str]] = {
    "settle_first": "pay what is past due with this method; that makes it active",
    "method_expired": "this card has expired; enter its new expiry, or use another one",
    "method_not_usable": "this card works only once; use another one",
    "never_retry": "the card networks' rules forbid charging this card; use another one",
    "retry_later": "the card networks' rules forbid charging this card; use another one",
    "last_declined": "the last payment with this method was declined; use another one",
    "last_unconfirmed": "the last payment with this method was not confirmed at the bank; use another one",
}


def refused_activation(view: View, number: int, elsewhere: Sequence[Tried]) -> str:
    """Why a method of the account cannot be made active now, as a refusal's code; empty where it can."""
    if settles_first(view):
        return "settle_first"
    method = view.account.method(number)
    expired = method.durable and not usable(method, view.today)
    return "method_expired" if expired else _refused_payer(view, number, elsewhere)


def _refused_payer(view: View, number: int, elsewhere: Sequence[Tried]) -> str:
    """Why nothing can be paid with a method, as a refusal's code; empty where it can."""
    account = view.account
    method = account.method(number)
    if not method.durable:
        return "method_not_usable"
    why = refused_card(account, number, elsewhere, view.now)
    if why and usable(method, view.now.date()):
        return why
    if not method.failed:
        return ""
    return "last_unconfirmed" if unconfirmed(account, method) else "last_declined"


def renew(
    store: AccountsAndMoney,
    providers: Providers,
    account: int,
    method: int,
    month: int,
    year: int,
    now: datetime,
    author: str,
) -> None:
    """The same card with a new expiry: nothing else is asked, and it stays what it is."""
    record = store.method(account, method)
    if not (1 <= month <= 12 and MINYEAR <= year <= MAXYEAR) or date(year, month, 1) < now.date().replace(day=1):
        raise Refused("bad_expiry", f"{month:02d}/{year} is no expiry of a card that can still be used")
    if method in methods_of_the_original(store, account):
        raise Refused("not_ours", f"this payment method {WHOSE}; add another one")
    key = f"renew-{record.ref}-{year}-{month}"
    details = providers.of(record.at_provider).renew(record.ref, month, year, key)
    assert details.expires_on is not None, "a renewed card has an expiry"
    with acting_on(store, account, now) as unit:
        _present(unit.account, method)
        if unit.account.method(method).expires_on != details.expires_on:
            unit.record(f.MethodRenewed(method=method, expires_on=details.expires_on), author)


def remove(
    store: AccountsAndMoney, providers: Providers, account: int, method: int, now: datetime, author: str
) -> None:
    """Remove a method; refuses `method_held` with everything that holds it, and until when."""
    record = store.method(account, method)
    with acting_on(store, account, now) as unit:
        _present(unit.account, method)
        held = holdings(unit.account, method)
        if held:
            words = "; ".join(_said(unit.account, one) for one in held)
            raise Refused("method_held", f"this payment method cannot be removed: {words}")
        unit.record(f.MethodRemoved(method=method), author)
    if method not in methods_of_the_original(store, account):
        providers.of(record.at_provider).forget(record.ref, f"forget-{record.ref}")


_HELD: Final[Mapping[HeldFor, str]] = closed("what holds a method", HeldFor, {
    HeldFor.ACTIVE: "it is active for {name} until another one is",
    HeldFor.RETENTION: "{name} is in retention{until}: it is held until that is reactivated, deleted or released",
    HeldFor.OWES: "it owes invoice {name} until that is paid",
    HeldFor.UNDER_WAY: "attempt {name} with it is not over",
})  # fmt: skip


def _said(account: Account, one: Holding) -> str:
    """What holds a method, in words, with what ends it."""
    name = str(one.number)
    if one.why in (HeldFor.ACTIVE, HeldFor.RETENTION):
        service = account.subscription(one.number).service
        name = f"{service} ({format_id(SUBSCRIPTION, account.no, one.number)})"
    elif one.why is HeldFor.OWES:
        number = next(debt.number for debt in account.debts if debt.no == one.number)
        name = f"{number} ({format_id(INVOICE, account.no, one.number)})"
    return _HELD[one.why].format(name=name, until=f" until {one.until}" if one.until else "")


def _present(account: Account, method: int) -> None:
    if not any(m.no == method and not m.removed for m in account.methods):
        raise Refused("unknown_method", f"there is no payment method {method} on {format_id(ACCOUNT, account.no)}")
