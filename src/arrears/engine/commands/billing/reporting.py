"""What a billing system is told of what arrears has: payments that it does not know, and those that have left again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from typing import Final

from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.core.known import IMPORTER, KINDS, known_of
from arrears.engine.system import set_change_aside
from arrears.ports.billing import AccountsAndBilling, BilledCustomer, BillingSystem, PaymentReport, PaymentReturn

AWAY: Final = ("provider_unreachable", "provider_denied", "import_under_way")
"""What has nothing to do with the customer: everything is asked again later."""


def author_of(system: BillingSystem) -> str:
    """Who records what a billing system says."""
    return f"billing:{system.name}"


def report(
    store: AccountsAndBilling, system: BillingSystem, number: int, told: BilledCustomer, now: datetime
) -> Iterator[PaymentReport]:
    """Report what is paid of each invoice here and does not stand there: never more than is left there."""
    known = known_of(store.facts_of([number], KINDS).get(number, ()), IMPORTER)
    identity = store.system().identity
    for one in told.invoices:
        no = known.by_number.get(one.number, 0)
        if not no or one.row is None or one.under_way:
            continue
        lacking = min(known.invoices[no].other_minor - one.reported_minor, one.asks_minor)
        if lacking <= 0:
            continue
        reference, at = _newest(store, number, no, now)
        named = f"{identity} {one.ref} {one.reported_minor} {lacking} {reference}"
        key = f"report_{sha256(named.encode()).hexdigest()[:40]}"
        report = PaymentReport(one.ref, key, reference, known.invoices[no].currency, lacking, at)
        try:
            system.report(report)
        except Refused as refused:
            if refused.code in AWAY:
                raise
            why = f"a payment of invoice {one.number} is not known there: {refused.message[:200]}"
            way = "attach it there by hand, or close this task if it was paid there as well"
            set_change_aside(store, f"{system.name}:{one.ref}", now, author_of(system), f"{why}; {way}")
            continue
        yield report


def _newest(store: AccountsAndBilling, number: int, debt: int, now: datetime) -> tuple[str, datetime]:
    """Our name of the newest payment that went to a debt, and when it was recorded."""
    for recorded in reversed(store.facts_of([number], (f.PaymentBooked, f.CreditAllocated)).get(number, ())):
        fact = recorded.fact
        with suppress(AttributeError):
            if any(part.debt == debt for part in fact.allocations):  # type: ignore[union-attr]
                name = fact.ref if isinstance(fact, f.PaymentBooked) else f"account credit, fact {recorded.seq}"
                return name, recorded.at
    return f"invoice {debt}", now


def give_back(
    store: AccountsAndBilling, system: BillingSystem, number: int, told: BilledCustomer, now: datetime
) -> Iterator[PaymentReturn]:
    """Report what was reported and has left again here: refunded so that it is owed again, or charged back. Not before
    the network has ruled: nothing takes such a word back."""
    if not any(one.reported for one in told.invoices) or _is_disputed(store, number):
        return
    known = known_of(store.facts_of([number], KINDS).get(number, ()), IMPORTER)
    identity = store.system().identity
    for one in told.invoices:
        no = known.by_number.get(one.number, 0)
        if not no:
            continue
        returned = sum(part.returned_minor for part in one.reported)
        left = one.reported_minor - known.invoices[no].other_minor - returned
        for part in reversed(one.reported):
            minor = min(left, part.amount_minor - part.returned_minor)
            if minor <= 0:
                continue
            named = f"{identity} {part.ref} {part.returned_minor} {minor}"
            key = f"return_{sha256(named.encode()).hexdigest()[:40]}"
            word = PaymentReturn(part.ref, key, known.invoices[no].currency, minor, now)
            try:
                system.give_back(word)
            except Refused as refused:
                if refused.code in AWAY:
                    raise
                why = f"that {part.ref} of invoice {one.number} has left again is not known there: {refused.message}"
                way = "report its refund there by hand, or close this task"
                set_change_aside(store, f"{system.name}:{one.ref}", now, author_of(system), f"{why[:300]}; {way}")
                break
            left -= minor
            yield word


def _is_disputed(store: AccountsAndBilling, number: int) -> bool:
    """Whether the network has not ruled on a chargeback of this account."""
    open_ones: set[str] = set()
    for recorded in store.facts_of([number], (f.Refunded, f.ChargebackClosed)).get(number, ()):
        match recorded.fact:
            case f.Refunded(ref=ref, open=True):
                open_ones.add(ref)
            case f.ChargebackClosed(ref=ref):
                open_ones.discard(ref)
            case _:
                continue
    return bool(open_ones)
