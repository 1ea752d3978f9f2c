"""What the operator and the customer tell us, folded into the account: money, terms, holds, doubts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from msgspec.structs import replace

from arrears.core import facts as f
from arrears.core.account import Account, Debt, Doubt, DoubtKind, Mode, ServiceEnd, Subscription, Terms
from arrears.core.fold import Folds
from arrears.core.fold.replacing import fresh, relieved, reminded_of, void, with_order, with_subscription
from arrears.core.promises import Promise
from arrears.core.states import Reason, State


def _terms_changed(account: Account, fact: f.TermsChanged, _: f.Recorded) -> Account:
    limits = (fact.credit_limits or account.credit_limits) if fact.mode is Mode.INVOICE else {}
    return replace(account, terms=fact.terms, mode=fact.mode, credit_limits=limits)


def _subscription_added(account: Account, fact: f.SubscriptionAdded, _: f.Recorded) -> Account:
    added = Subscription(no=fact.subscription, service=fact.service)
    return replace(account, subscriptions=(*account.subscriptions, added))


def _invoice_issued(account: Account, fact: f.InvoiceIssued, _: f.Recorded) -> Account:
    if fact.debt.open_minor == 0:
        return replace(account, debt_count=fact.debt.no)
    debts = tuple(sorted((*account.debts, fact.debt), key=_by_due_date))
    return replace(account, debts=debts, debt_count=fact.debt.no)


def _by_due_date(debt: Debt) -> tuple[Any, int]:
    return (debt.due_on, debt.no)


def _reduced(account: Account, allocations: Iterable[f.Allocation], recorded: f.Recorded) -> Account:
    """Less is open; a debt with nothing open leaves. A stopped subscription for which it was past due is relieved:
    what is disputed must not keep a customer out who paid the rest, whichever came first."""
    paid = {a.debt: a.minor for a in allocations}
    if not paid:
        return account
    before = account
    debts = []
    closed: set[int] = set()
    for debt in account.debts:
        if debt.no in paid:
            rest = debt.open_minor - paid[debt.no]
            assert rest >= 0, f"debt {debt.no} of account {account.no} would be paid below zero"
            if rest == 0:
                closed.add(debt.no)
                continue
            debt = replace(debt, open_minor=rest)
        debts.append(debt)
    holds = tuple(
        replace(h, debt_gone_at=recorded.at) if h.named and h.target in closed and h.ended_at is None else h
        for h in account.holds
    )
    account = replace(account, debts=tuple(debts), holds=holds)
    return reminded_of(before, relieved(before, account, closed), recorded.at) if closed else account


def _payment_booked(account: Account, fact: f.PaymentBooked, recorded: f.Recorded) -> Account:
    account = _reduced(account, fact.allocations, recorded)
    if fact.cured:
        debts = tuple(replace(d, charged_back=False) if d.no in fact.cured else d for d in account.debts)
        account = replace(account, debts=debts)
    if fact.credit_minor:
        credit = dict(account.credit)
        credit[fact.currency] = credit.get(fact.currency, 0) + fact.credit_minor
        account = replace(account, credit=credit)
    if account.case is not None and account.case.written_off:
        account = replace(account, case=replace(account.case, written_off=False))
    return account


def _credit_allocated(account: Account, fact: f.CreditAllocated, recorded: f.Recorded) -> Account:
    used = sum(a.minor for a in fact.allocations)
    left = account.credit.get(fact.currency, 0) - used
    assert left >= 0, f"account {account.no} would use more credit than it has"
    credit = {k: v for k, v in account.credit.items() if k != fact.currency}
    if left:
        credit[fact.currency] = left
    return replace(_reduced(account, fact.allocations, recorded), credit=credit)


def _charge_declined(account: Account, fact: f.ChargeDeclined, _: f.Recorded) -> Account:
    debts = tuple(
        replace(d, past_due_from=fact.on, declined=True) if d.no in fact.debts and d.day_0 is None else d
        for d in account.debts
    )
    return replace(account, debts=debts)


def _debt_reopened(account: Account, fact: f.DebtReopened, recorded: f.Recorded) -> Account:
    others = tuple(d for d in account.debts if d.no != fact.debt.no)
    again = replace(fact.debt, reopened_seq=recorded.seq, reminded=())
    holds = tuple(
        replace(h, debt_gone_at=None) if h.debt_gone_at and h.target == again.no and h.ended_at is None else h
        for h in account.holds
    )
    return replace(account, debts=tuple(sorted((*others, again), key=_by_due_date)), holds=holds)


def _written_off(account: Account, fact: f.WrittenOff, recorded: f.Recorded) -> Account:
    account = _reduced(account, (f.Allocation(fact.debt, fact.minor),), recorded)
    if account.case is not None:
        account = replace(account, case=replace(account.case, written_off=True))
    return account


def _stopped(sub: Subscription, reason: Reason, terms: Terms, recorded: f.Recorded, order_no: int) -> Subscription:
    """A stop for another reason than debt. An end that was running starts anew with a cancellation, never for an
    earlier deletion, and the day on which the service stopped stays. The day of its stage is kept: taken back before
    the day of the stop is over, the ladder goes on with it; not where it was restricted, as it runs when it is back."""
    fact = recorded.fact
    assert isinstance(fact, f.Canceled | f.ReasonSet)
    before = sub.end.delete if sub.end is not None else Promise()
    floor = before.promised_on
    canceled = isinstance(fact, f.Canceled)
    end = ServiceEnd(
        terms=terms,
        stopped_on=fact.on if sub.end is None else sub.end.stopped_on,
        recorded_at=recorded.at,
        order_no=order_no,
        ended_on=fact.on if canceled or order_no == 0 else None,
        delete=replace(fresh(before, recorded.seq, fact.on), promised_on=floor),
    )
    if sub.end is not None and not canceled:
        end = sub.end
    reasons = (*(r for r in sub.reasons if r is not reason), reason)
    entered_on = None if fact.before is State.RESTRICTED else sub.entered_on
    sub = replace(sub, state=State.DISABLED, reasons=reasons, end=end, entered_on=entered_on)
    return with_order(sub, order_no, "disable")


def _invoice_credited(account: Account, fact: f.InvoiceCredited, recorded: f.Recorded) -> Account:
    lowered = fact.minor - fact.credit_minor
    if lowered:
        account = _reduced(account, (f.Allocation(fact.debt, lowered),), recorded)
    if fact.credit_minor:
        credit = dict(account.credit)
        credit[fact.currency] = credit.get(fact.currency, 0) + fact.credit_minor
        account = replace(account, credit=credit)
    return account


def _due_moved(account: Account, fact: f.DueMoved, recorded: f.Recorded) -> Account:
    """It has rungs of its own from its next day 0, and until then the later reminders follow another debt."""
    moved = account.debt(fact.debt)
    if moved is not None:
        others = tuple(d for d in account.debts if d.no != fact.debt)
        moved = replace(moved, due_on=fact.due_on, day_0=None, past_due_from=None, declined=False)
        moved = replace(moved, reminded=(), moved_seq=recorded.seq)
        debts = tuple(sorted((*others, moved), key=_by_due_date))
        account = reminded_of(account, replace(account, debts=debts), recorded.at)
    for voided in fact.voided:
        account = void(account, voided.subscription, voided.action, recorded, doubted=False)
    return _ladders_broken_off(account)


def _canceled(account: Account, fact: f.Canceled, recorded: f.Recorded) -> Account:
    sub = account.subscription(fact.subscription)
    return with_subscription(account, _stopped(sub, Reason.CANCELED, fact.terms, recorded, fact.order_no))


def _reason_set(account: Account, fact: f.ReasonSet, recorded: f.Recorded) -> Account:
    sub = account.subscription(fact.subscription)
    return with_subscription(account, _stopped(sub, fact.reason, fact.terms, recorded, fact.order_no))


def _ladders_broken_off(account: Account) -> Account:
    """The account with no ladder left to go on with where a service is stopped for another reason than debt: days may
    have moved, and nobody has looked which of its warnings that voids."""
    subs = [
        replace(s, entered_on=None) if s.end is not None and not s.cut and s.entered_on is not None else s
        for s in account.subscriptions
    ]
    return replace(account, subscriptions=tuple(subs)) if subs != list(account.subscriptions) else account


def _lifted(account: Account, subscription: int, reason: Reason) -> Account:
    sub = account.subscription(subscription)
    return with_subscription(account, replace(sub, reasons=tuple(r for r in sub.reasons if r is not reason)))


def _reactivated(account: Account, fact: f.Reactivated, _: f.Recorded) -> Account:
    return _lifted(account, fact.subscription, Reason.CANCELED)


def _reason_lifted(account: Account, fact: f.ReasonLifted, _: f.Recorded) -> Account:
    return _lifted(account, fact.subscription, fact.reason)


def _hold_placed(account: Account, fact: f.HoldPlaced, recorded: f.Recorded) -> Account:
    held = replace(account, holds=(*account.holds, fact.hold), hold_count=fact.hold.no)
    return reminded_of(account, held, recorded.at)


def _hold_ended(account: Account, fact: f.HoldEnded, recorded: f.Recorded) -> Account:
    holds = tuple(replace(h, ended_at=fact.at) if h.no == fact.hold else h for h in account.holds)
    account = _ladders_broken_off(reminded_of(account, replace(account, holds=holds), fact.at))
    for voided in fact.voided:
        account = void(account, voided.subscription, voided.action, recorded, doubted=False)
    if not _days_are_counted(account, recorded):
        account = replace(account, holds=tuple(h for h in holds if h.ended_at is None))
    return account


def _days_are_counted(account: Account, recorded: f.Recorded) -> bool:
    """Whether an ended hold can still matter: to a case, to a service end, or to a debt that may be past due by now
    although nobody has looked yet. Two days are more than any zone is away from UTC."""
    near = recorded.at.date() + timedelta(days=2)
    return (
        account.case is not None
        or any(s.end is not None for s in account.subscriptions)
        or any(d.past_due_from is not None or d.due_on < near for d in account.debts)
    )


def _doubt_raised(account: Account, fact: f.DoubtRaised, _: f.Recorded) -> Account:
    raised = Doubt(fact.doubt, fact.ref, fact.until)
    if raised in account.doubts:
        return account
    if fact.doubt is DoubtKind.TRANSFER and account.case is not None:
        account = replace(account, case=replace(account.case, waited=True))
    return replace(account, doubts=(*account.doubts, raised))


def _doubt_cleared(account: Account, fact: f.DoubtCleared, _: f.Recorded) -> Account:
    gone = fact.doubt, fact.ref
    return replace(account, doubts=tuple(d for d in account.doubts if (d.kind, d.ref) != gone))


FOLDS: Final[Folds] = {
    f.TermsChanged: _terms_changed,
    f.SubscriptionAdded: _subscription_added,
    f.InvoiceIssued: _invoice_issued,
    f.PaymentBooked: _payment_booked,
    f.CreditAllocated: _credit_allocated,
    f.ChargeDeclined: _charge_declined,
    f.DebtReopened: _debt_reopened,
    f.WrittenOff: _written_off,
    f.InvoiceCredited: _invoice_credited,
    f.DueMoved: _due_moved,
    f.Canceled: _canceled,
    f.Reactivated: _reactivated,
    f.ReasonSet: _reason_set,
    f.ReasonLifted: _reason_lifted,
    f.HoldPlaced: _hold_placed,
    f.HoldEnded: _hold_ended,
    f.DoubtRaised: _doubt_raised,
    f.DoubtCleared: _doubt_cleared,
}
