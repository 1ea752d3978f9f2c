"""What a provider reports of itself: by webhook, by the sweep, in any order, any number of times.

A change carries the object as it stands now, never what an event said; each is recorded once, under a reference of
the provider's. So any permutation of any multiplicity of them comes to the same (I19).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec.structs import replace

from arrears.core import facts as f
from arrears.core.account import ALL_STOPS, Hold, HoldScope
from arrears.core.errors import Refused
from arrears.core.money import format_amount
from arrears.core.payments.values import (
    AttemptChange,
    Change,
    DebitReturned,
    DisputeChange,
    DisputeState,
    RefundChange,
    RefundState,
    SetupChange,
)
from arrears.core.rules.hold import end_hold
from arrears.core.unit import Unit
from arrears.core.view import View
from arrears.engine.acting import acting_on, local_today
from arrears.engine.booking import Payment, book
from arrears.engine.payments.attempts import payment_ref, record_foreign, record_outcome
from arrears.engine.payments.providers import provider_of
from arrears.ports import AccountsAndMoney, MoneyBook, PaymentRecord

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
        case SetupChange():
            return
        case RefundChange():
            if change.state is RefundState.DONE:
                _money_left(store, provider, change.payment_ref, change.ref, change.amount_minor, "refund", now)
        case DisputeChange():
            _dispute(store, provider, change, now)
        case DebitReturned():
            _money_left(store, provider, change.payment_ref, change.ref, change.amount_minor, "returned debit", now)


def _same_currency(record: PaymentRecord | None, change: RefundChange | DisputeChange | DebitReturned) -> None:
    if record is not None and record.fact.currency != change.currency:
        ours = format_amount(record.fact.amount_minor, record.fact.currency)
        theirs = format_amount(change.amount_minor, change.currency)
        raise Refused("wrong_currency", f"{change.ref} moves {theirs} of a payment of {ours}")


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


def _money_left(
    store: AccountsAndMoney, provider: str, payment: str, ref: str, minor: int, reason: str, now: datetime
) -> PaymentRecord | None:
    """Money of a payment has left. A refund reopens nothing; what the bank or network took back reopens the debts
    that the payment had paid: this local day is their day 0 (spec, section 4, point 10)."""
    record = store.payment(payment_ref(provider, payment))
    ours = payment_ref(provider, ref)
    if record is None or store.refund_known(ours):
        return record
    with acting_on(store, record.account, now) as unit:
        if store.refund_known(ours):
            return record
        left = minor
        if reason != "refund":
            left -= _reopened(store, unit, record, minor, f"{reason} {ref}", provider)
        credit = min(left, unit.account.credit.get(record.fact.currency, 0))
        unit.record(
            f.Refunded(
                ref=ours,
                payment_ref=record.fact.ref,
                currency=record.fact.currency,
                amount_minor=left,
                credit_minor=credit,
            ),
            f"provider:{provider}",
            reason,
        )
    return record


def _reopened(store: MoneyBook, unit: Unit, record: PaymentRecord, minor: int, reason: str, provider: str) -> int:
    """How much of the money that left is owed again."""
    left = minor
    today = local_today(unit)
    known = store.invoices(unit.no)
    for part in reversed(record.fact.allocations):
        issued = known[part.debt]
        was = unit.account.debt(part.debt)
        open_minor = 0 if was is None else was.open_minor
        again = min(left, part.minor, issued.total_minor - open_minor)
        if again <= 0:
            continue
        debt = replace(
            issued,
            open_minor=open_minor + again,
            past_due_from=today if was is None or was.day_0 is None else None,
            day_0=None if was is None else was.day_0,
            tries=0 if was is None else was.tries,
            charged_back=reason.startswith("chargeback") or (was is not None and was.charged_back),
        )
        unit.record(f.DebtReopened(debt=debt, minor=again, reason=reason), f"provider:{provider}", reason)
        left -= again
    return minor - left


def _dispute(store: AccountsAndMoney, provider: str, change: DisputeChange, now: datetime) -> None:
    """An open chargeback has taken the money and is a hold until won or lost. An inquiry has taken nothing."""
    if change.state is DisputeState.INQUIRY:
        return
    record = _money_left(store, provider, change.payment_ref, change.ref, change.amount_minor, "chargeback", now)
    if record is None:
        return
    author, reason = f"provider:{provider}", f"chargeback {change.ref}"
    if change.state is DisputeState.OPEN:
        with acting_on(store, record.account, now) as unit:
            _hold_all(unit, record, reason, author)
        return
    policies = store.policies()
    with acting_on(store, record.account, now) as unit:
        for hold in unit.account.holds:
            if hold.reason == reason and hold.ended_at is None:
                view = View(policies, unit.account, store.system().guards, now)
                unit.record(end_hold(view, hold, now), author, reason)
        won = payment_ref(provider, f"{change.ref}-won")
        if change.state is DisputeState.WON and store.payment(won) is None:
            debts = tuple(part.debt for part in record.fact.allocations)
            book(unit, Payment(unit.no, won, change.currency, change.amount_minor, debts), author)


def _hold_all(unit: Unit, record: PaymentRecord, reason: str, author: str) -> None:
    placed = {h.target for h in unit.account.holds if h.reason == reason}
    for part in record.fact.allocations:
        if part.debt in placed or unit.account.debt(part.debt) is None:
            continue
        hold = Hold(
            no=unit.account.hold_count + 1,
            scope=HoldScope.DEBT,
            target=part.debt,
            stops=ALL_STOPS,
            reason=reason,
            from_at=unit.now,
        )
        unit.record(f.HoldPlaced(hold=hold), author, reason)


def refuse_unknown_payment(ref: str) -> Refused:
    """For commands that name a payment."""
    return Refused("unknown_payment", f"there is no payment {ref!r} in the book")
