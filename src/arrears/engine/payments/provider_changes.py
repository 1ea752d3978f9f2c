"""What a provider reports of itself: by webhook, by the sweep, in any order, any number of times.

A change carries the object as it stands now, never what an event said; each is recorded once, under a reference of
the provider's. So any permutation of any multiplicity of them comes to the same (I19).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from arrears.core.errors import Refused
from arrears.core.money import format_amount
from arrears.core.payments.values import (
    AttemptChange,
    CardsTried,
    Change,
    DebitReturned,
    DisputeChange,
    ForeignChange,
    Paid,
    RefundChange,
    SetupChange,
)
from arrears.engine.payments import refunds, reversals
from arrears.engine.payments.attempts import payment_ref, record_foreign, record_outcome
from arrears.engine.payments.providers import provider_of
from arrears.engine.payments.tries import record_tries
from arrears.ports import AccountsAndMoney, MoneyBook, PaymentRecord, ProviderBook

_ATTEMPT: Final = "att"


def apply(store: AccountsAndMoney, provider: str, change: Change, now: datetime) -> None:
    """Record one change, if it is not recorded yet. Of payments and attempts that are not ours, nothing. Refuses
    `wrong_currency` for money that left in another currency than it came in: how much of ours that is, nobody here
    knows."""
    if isinstance(change, RefundChange | DisputeChange | DebitReturned):
        _same_currency(store.payment(payment_ref(provider, change.payment_ref)), change)
    match change:
        case AttemptChange():
            _attempt(store, provider, change, now)
        case SetupChange() | ForeignChange():
            return
        case CardsTried(attempt=reference):
            place = attempt_of(reference)
            if place is None or place[0] == change.account:
                record_tries(store, provider, change, 0 if place is None else place[1], now)
        case RefundChange():
            refunds.record_change(store, provider, change, now)
        case DisputeChange() | DebitReturned():
            reversals.record_change(store, provider, change, now)


def _same_currency(record: PaymentRecord | None, change: RefundChange | DisputeChange | DebitReturned) -> None:
    if record is not None and record.fact.currency != change.currency:
        ours = format_amount(record.fact.amount_minor, record.fact.currency)
        theirs = format_amount(change.amount_minor, change.currency)
        raise Refused("wrong_currency", f"{change.ref} moves {theirs} of a payment of {ours}")


def known(store: ProviderBook | MoneyBook, change: Change) -> bool:
    """Whether what a provider tells of an attempt is of ours. Where the object does not say so, as those made before
    objects did, it is if our book has that attempt with this reference or none yet, or on a page, and of that sum."""
    if not isinstance(change, AttemptChange) or change.certain:
        return True
    place = attempt_of(change.attempt)
    record = next((a for a in store.attempts(place[0]) if a.no == place[1]), None) if place else None
    if record is None:
        return False
    told = change.outcome
    if isinstance(told, Paid) and (told.currency, told.amount_minor) != (record.currency, record.amount_minor):
        return False
    return record.on_page or getattr(told, "ref", "") in ("", record.ref) or not record.ref


def _attempt(store: AccountsAndMoney, provider: str, change: AttemptChange, now: datetime) -> None:
    place = attempt_of(change.attempt)
    snapshot = None if place is None else store.snapshots([place[0]]).get(place[0])
    if place is None or snapshot is None:
        return
    number, attempt_no = place
    attempt = snapshot.attempt(attempt_no)
    if attempt is not None and provider_of(store, provider, number, attempt) != provider:
        record_foreign(store, provider, number, change.outcome, now)
    else:
        record_outcome(store, provider, number, attempt_no, change.outcome, now)


def attempt_of(reference: str) -> tuple[int, int] | None:
    """The account and number inside our reference ("att_12_3"); None for what is not ours."""
    kind, _, numbers = reference.partition("_")
    account, _, number = numbers.partition("_")
    if kind != _ATTEMPT or not account.isdecimal() or not number.isdecimal():
        return None
    return int(account), int(number)
