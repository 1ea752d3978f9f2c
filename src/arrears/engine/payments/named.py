"""The payment methods that a receivables book says customers have at a provider already (spec, section 14).

A book is no proof: a column too far to the left would charge one customer for another. So each is looked at there
first, must belong to the payer that the book names, and may be named for one account only. What the customer chose here
goes before it; until it is added, an invoice says that nothing pays for it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, format_id
from arrears.core.payments.values import Funding, MethodDetails
from arrears.core.receivables import NamedMethod
from arrears.core.unit import Unit
from arrears.engine.acting import acting_on
from arrears.engine.payments.providers import Providers
from arrears.ports import NamedMethods, WaitingMethod

AT_ONCE: Final = 200
"""So many are looked at before what else there is to do goes on."""

AUTHOR: Final = "named"
"""Who added a method that a book names."""


def add_named(store: NamedMethods, providers: Providers, now: datetime) -> int:
    """Look at up to AT_ONCE that wait; how many. A provider that does not answer is asked again another time."""
    waiting = store.waiting_methods(list(providers.by_name), AT_ONCE)
    silent: set[str] = set()
    for one in waiting:
        name = one.method.at_provider
        if name in silent:
            continue
        try:
            details = _shown(store, providers, one)
        except Refused as refused:
            if refused.code in _FINAL:
                store.answer_method(one.account, one.method, "refused", refused.message)
            else:
                silent.add(name)
            continue
        _add(store, one, details, now)
        store.answer_method(one.account, one.method, "added", "")
    return len(waiting)


_FINAL: Final = ("unknown_method", "not_theirs", "not_ours", "prepaid_refused", "not_supported", "wrong_mode")


def _shown(store: NamedMethods, providers: Providers, one: WaitingMethod) -> MethodDetails:
    """What the provider says of it. Refuses what may not be charged for this account."""
    named = one.method
    copied_at = store.system().copied_at
    if copied_at is not None and one.named_at <= copied_at:
        raise Refused("not_ours", "it was named to the installation of which this one is a copy")
    if one.also:
        others = ", ".join(format_id(ACCOUNT, account) for account in one.also)
        raise Refused(
            "not_theirs", f"payment method {named.ref} is {others}'s too; nobody knows who is charged with it"
        )
    details = providers.of(named.at_provider).show(named.ref)
    if details.customer_ref != named.customer_ref:
        raise Refused("not_theirs", f"payment method {named.ref} is not {named.customer_ref}'s at {named.at_provider}")
    if details.funding is Funding.PREPAID:
        raise Refused("prepaid_refused", f"payment method {named.ref} is a prepaid card")
    return details


def _add(store: NamedMethods, one: WaitingMethod, details: MethodDetails, now: datetime) -> None:
    """Added; and it pays for what nothing pays for, and for what the one did that a book named before."""
    with acting_on(store, one.account, now) as unit:
        known = store.methods(one.account)
        same = next((m.no for m in known if _is(one.method, m.at_provider, m.ref) and not m.removed), None)
        number = same or max((m.no for m in known), default=0) + 1
        if same is None:
            credential = next((m.no for m in known if m.fingerprint and m.fingerprint == details.fingerprint), number)
            added = f.MethodAdded(
                method=number, at_provider=one.method.at_provider, details=details, credential=credential
            )
            unit.record(added, AUTHOR)
        default = unit.account.default_method
        if default in (0, number) or default in _of_books(store, unit):
            moved = tuple(s.no for s in unit.account.subscriptions if default and s.method == default != number)
            if default != number:
                unit.record(f.MethodActivated(method=number, subscriptions=moved), AUTHOR)


def _is(named: NamedMethod, at_provider: str, ref: str) -> bool:
    return (named.at_provider, named.ref) == (at_provider, ref)


def _of_books(store: NamedMethods, unit: Unit) -> frozenset[int]:
    """The methods of an account that a book named, and that nobody has chosen."""
    facts = store.facts_of([unit.no], [f.MethodAdded, f.MethodActivated]).get(unit.no, ())
    added = {r.fact.method for r in facts if isinstance(r.fact, f.MethodAdded) and r.author == AUTHOR}
    chosen = {r.fact.method for r in facts if isinstance(r.fact, f.MethodActivated) and r.author.startswith("person")}
    return frozenset(added - chosen)
