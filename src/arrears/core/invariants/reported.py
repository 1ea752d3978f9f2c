"""What came from outside, checked: money (I2), terms, holds and doubts, stops for other reasons."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

from msgspec.structs import replace

from arrears.core import facts as f
from arrears.core.account import Action, DoubtKind, HoldScope
from arrears.core.calendar import calendar_of
from arrears.core.invariants.checked import (
    STOP,
    AccountBook,
    CheckedDebt,
    CheckedDoubt,
    Checks,
    End,
    Sub,
    Warned,
)
from arrears.core.invariants.clocks import clock_day
from arrears.core.invariants.payments import came_back
from arrears.core.states import Reason, State
from arrears.core.working_days import stop_day

NEVER: Final = 10**18


def account_opened(book: AccountBook, fact: f.AccountOpened, recorded: f.Recorded) -> None:
    """The first fact, and no other."""
    if recorded.seq != 1:
        book.breach("I18", "an account is opened once")
    book.terms = fact.terms
    book.pays(fact.mode, recorded.at)


def terms_changed(book: AccountBook, fact: f.TermsChanged, recorded: f.Recorded) -> None:
    """For what starts from now on."""
    book.terms = fact.terms
    book.pays(fact.mode, recorded.at)


def subscription_added(book: AccountBook, fact: f.SubscriptionAdded, _: f.Recorded) -> None:
    """Numbered in order."""
    if fact.subscription != len(book.subs) + 1:
        book.breach("I18", f"subscription {fact.subscription} is not the next number")
    book.subs[fact.subscription] = Sub(fact.subscription, fact.service)


def invoice_issued(book: AccountBook, fact: f.InvoiceIssued, _: f.Recorded) -> None:
    """Open in full, with a due date not before its issue (I2)."""
    debt = fact.debt
    if debt.no in book.debts or debt.open_minor != debt.total_minor or debt.total_minor <= 0:
        book.breach("I2", f"invoice {debt.no} is not issued once and in full")
    issued = CheckedDebt(debt.no, debt.currency, debt.total_minor, debt.due_on, debt.subscriptions)
    book.debts[debt.no] = book.open[debt.no] = issued


def _allocate(book: AccountBook, currency: str, allocations: Iterable[f.Allocation]) -> int:
    total = 0
    for part in allocations:
        debt = book.debts.get(part.debt)
        if debt is None or debt.currency != currency:
            book.breach("I2", f"{currency} is put on invoice {part.debt}, which is not in {currency}")
            continue
        if not 0 < part.minor <= debt.open:
            book.breach("I2", f"{part.minor} is put on invoice {part.debt}, of which {debt.open} is open")
        debt.open -= part.minor
        if debt.open == 0:
            book.open.pop(debt.no, None)
            if book.at is not None:
                book.gone[debt.no] = book.at
        total += part.minor
    return total


def payment_booked(book: AccountBook, fact: f.PaymentBooked, _: f.Recorded) -> None:
    """Received = allocated + credit (I2)."""
    allocated = _allocate(book, fact.currency, fact.allocations)
    if fact.amount_minor <= 0 or fact.credit_minor < 0 or allocated + fact.credit_minor != fact.amount_minor:
        book.breach("I2", f"{fact.amount_minor} received, {allocated} allocated, {fact.credit_minor} kept as credit")
    book.credit[fact.currency] = book.credit.get(fact.currency, 0) + fact.credit_minor
    if fact.of:
        came_back(book, fact)
    else:
        book.payment(fact.ref).amount = fact.amount_minor


def credit_allocated(book: AccountBook, fact: f.CreditAllocated, _: f.Recorded) -> None:
    """No more than there is, and nothing on held debt (I2)."""
    for part in fact.allocations:
        debt = book.debts.get(part.debt)
        if debt is not None and book.debt_held(debt, promised=False):
            book.breach("I2", f"credit is put on held invoice {part.debt}")
    left = book.credit.get(fact.currency, 0) - _allocate(book, fact.currency, fact.allocations)
    if left < 0:
        book.breach("I2", f"{-left} more {fact.currency} credit is used than there is")
    book.credit[fact.currency] = left


def charge_declined(book: AccountBook, fact: f.ChargeDeclined, recorded: f.Recorded) -> None:
    """Past due from this local day, never from an earlier one (I10)."""
    if fact.on < book.calendar.local_day(recorded.at):
        book.breach("I10", "a decline counts from a day before it was known")
    for number in fact.debts:
        debt = book.debts.get(number)
        if debt is not None and debt.day_0 is None:
            debt.forced_from = fact.on


def debt_reopened(book: AccountBook, fact: f.DebtReopened, recorded: f.Recorded) -> None:
    """Open by what has left again, from this local day (I2, I10)."""
    debt = book.debts.get(fact.debt.no)
    if debt is None:
        book.breach("I2", f"invoice {fact.debt.no} was never issued")
        return
    was, debt.open = debt.open, debt.open + fact.minor
    if fact.minor <= 0 or debt.open > debt.total or debt.open != fact.debt.open_minor:
        book.breach("I2", f"invoice {debt.no}: {was} open, {fact.minor} left again, {fact.debt.open_minor} recorded")
    start, today = fact.debt.past_due_from, book.calendar.local_day(recorded.at)
    # An invoice whose day has not come is owed again, and not past due before that day is over.
    if (start is None and debt.due_on < today) or (start is not None and start < today):
        book.breach("I10", f"invoice {debt.no} reopens with a day 0 before the money left")
    debt.forced_from, debt.day_0, debt.ended = start, None, False
    book.open[debt.no] = debt
    book.gone.pop(debt.no, None)
    if not fact.given_up and not recorded.author.startswith("provider:"):
        book.left_unnamed = True


def written_off(book: AccountBook, fact: f.WrittenOff, _: f.Recorded) -> None:
    """Of one invoice, no more than is open (I2)."""
    _allocate(book, fact.currency, (f.Allocation(fact.debt, fact.minor),))


def invoice_credited(book: AccountBook, fact: f.InvoiceCredited, _: f.Recorded) -> None:
    """What is credited = what is open less + credit (I2)."""
    lowered = fact.minor - fact.credit_minor
    if fact.minor <= 0 or fact.credit_minor < 0 or lowered < 0 or (lowered and not fact.debt):
        book.breach("I2", f"{fact.minor} of invoice {fact.debt} is credited, {fact.credit_minor} of it kept as credit")
    if lowered:
        _allocate(book, fact.currency, (f.Allocation(fact.debt, lowered),))
    book.credit[fact.currency] = book.credit.get(fact.currency, 0) + fact.credit_minor


def due_moved(book: AccountBook, fact: f.DueMoved, _: f.Recorded) -> None:
    """Earlier only where nothing was demanded; warnings whose day has moved no longer count (I9, I10)."""
    debt = book.debts.get(fact.debt)
    if debt is None:
        book.breach("I10", f"invoice {fact.debt} is given a due date and was never issued")
        return
    if fact.due_on < debt.due_on and debt.day_0 is not None:
        book.breach("I10", f"invoice {debt.no} is past due and gets an earlier due date")
    debt.due_on, debt.day_0, debt.forced_from = fact.due_on, None, None
    done = {(v.subscription, v.action) for v in fact.voided}
    for number, action in done:
        void(book.subs[number], action)
    no_ladder_goes_on(book)


def no_ladder_goes_on(book: AccountBook) -> None:
    """Days may have moved while a service was stopped for another reason than debt: its ladder does not go on."""
    for sub in book.subs.values():
        if sub.end is not None:
            sub.end.ladder = False


# -- stops for other reasons -------------------------------------------------------------------------------------


def order_given(book: AccountBook, sub: Sub, number: int, kind: str) -> None:
    """Orders of a subscription count up by one, and nothing follows a deletion (I15, I16)."""
    if number == 0:
        return
    if number != sub.order_no + 1:
        book.breach("I16", f"order {number} of subscription {sub.no} follows {sub.order_no}")
    if sub.end is not None and sub.end.ordered_at is not None and kind != "delete":
        book.breach("I13", f"subscription {sub.no} is ordered to {kind} after its deletion was ordered")
    sub.order_no = number
    sub.open_orders[number] = kind


def canceled(book: AccountBook, fact: f.Canceled, recorded: f.Recorded) -> None:
    """The service ends on the day of the cancel (spec, section 8)."""
    sub = book.subs[fact.subscription]
    _before(book, sub, fact.before)
    end = End(fact.terms, fact.on, recorded, fact.order_no)
    end.ended_on = fact.on
    if fact.on < book.calendar.local_day(recorded.at):
        book.breach("I13", f"subscription {sub.no}: a cancel counts from a day before it")
    order_given(book, sub, fact.order_no, "disable")
    if sub.end is None:
        end.ladder = sub.state is State.PAST_DUE
    else:
        end.ladder, end.stopped_on = sub.end.ladder, sub.end.stopped_on
    sub.end, sub.state = end, State.DISABLED
    sub.reasons.add(Reason.CANCELED)


def reason_set(book: AccountBook, fact: f.ReasonSet, recorded: f.Recorded) -> None:
    """Stopped for a reason that has nothing to do with debt; a time without service that runs goes on."""
    sub = book.subs[fact.subscription]
    _before(book, sub, fact.before)
    order_given(book, sub, fact.order_no, "disable")
    if sub.end is None:
        sub.end = End(fact.terms, fact.on, recorded, fact.order_no)
        sub.end.ended_on = fact.on if fact.order_no == 0 else None
        sub.end.ladder = sub.state is State.PAST_DUE
    sub.state = State.DISABLED
    sub.reasons.add(fact.reason)


def _before(book: AccountBook, sub: Sub, before: State) -> None:
    if sub.state is not before:
        book.breach("I18", f"subscription {sub.no} is {sub.state}, and the fact says it was {before}")
    if sub.state is State.DELETED or (sub.end is not None and sub.end.ordered_at is not None):
        book.breach("I13", f"subscription {sub.no} is touched after its deletion was ordered")


def reactivated(book: AccountBook, fact: f.Reactivated, _: f.Recorded) -> None:
    """The cancellation is taken back."""
    book.subs[fact.subscription].reasons.discard(Reason.CANCELED)


def reason_lifted(book: AccountBook, fact: f.ReasonLifted, _: f.Recorded) -> None:
    """One reason less."""
    book.subs[fact.subscription].reasons.discard(fact.reason)


# -- holds and doubts --------------------------------------------------------------------------------------------


def hold_placed(book: AccountBook, fact: f.HoldPlaced, _: f.Recorded) -> None:
    """From now on."""
    book.holds[fact.hold.no] = fact.hold


def hold_ended(book: AccountBook, fact: f.HoldEnded, recorded: f.Recorded) -> None:
    """Once, at its time; the warnings whose date it moved no longer count (I9)."""
    hold = book.holds.get(fact.hold)
    if hold is None or hold.ended_at is not None:
        book.breach("I18", f"hold {fact.hold} is not open")
        return
    early = recorded.author == f.ARREARS and (hold.until is None or fact.at < book.calendar.end_of_day(hold.until))
    if early:
        book.breach("I8", f"hold {hold.no} ends by itself before its last day is over")
    book.holds[hold.no] = replace(hold, ended_at=fact.at)
    done = {(v.subscription, v.action) for v in fact.voided}
    for sub in book.subs.values():
        for action in Action:
            if (sub.no, action) not in done and STOP[action] in hold.stops and _moved(book, sub, action, hold.no):
                book.breach("I9", f"hold {hold.no} moved the {action} of subscription {sub.no}, its warnings stay")
    for number, action in done:
        void(book.subs[number], action)
    no_ladder_goes_on(book)


def _moved(book: AccountBook, sub: Sub, action: Action, hold: int) -> bool:
    """Whether holds put the day by the clocks after every day that was named in the running episode."""
    scope, target = book.holds[hold].scope, book.holds[hold].target
    if scope is HoldScope.SUBSCRIPTION and target != sub.no:
        return False
    if scope is HoldScope.DEBT and all(d.no != target for d in book.owing(sub)):
        return False
    counting = [
        w
        for w in sub.warned
        if w.action is action and not w.void and w.seq > since(sub, action) and w.accepted_at is not None
    ]
    moved, without = clock_day(book, sub, action), clock_day(book, sub, action, held=False)
    if not counting or moved is None or without is None:
        return False
    first = min(counting, key=lambda w: (w.accepted_at, w.seq))
    policy = book.policy if action is not Action.DELETE or sub.end is None else book.policies[sub.end.terms.policy]
    return stop_day(policy, moved) > stop_day(policy, max(without, first.promised_on, lead_end(book, sub, first)))


def since(sub: Sub, action: Action) -> int:
    """The fact since which warnings of this action count: the cause, or the end of the service."""
    if action is not Action.DELETE:
        return sub.past_due_seq
    return sub.end.seq if sub.end is not None else NEVER


def lead_end(book: AccountBook, sub: Sub, warned: Warned) -> date:
    """The day on which the lead of an accepted warning is over."""
    policy, calendar = book.policy, book.calendar
    if warned.action is Action.DELETE and sub.end is not None:
        policy, calendar = book.policies[sub.end.terms.policy], calendar_of(sub.end.terms.zone)
    leads = {
        Action.RESTRICT: policy.restrict_lead_days,
        Action.DISABLE: policy.disable_lead_days,
        Action.DELETE: policy.delete_lead_days,
    }
    assert warned.accepted_at is not None
    return calendar.local_day(warned.accepted_at) + timedelta(days=leads[warned.action])


def void(sub: Sub, action: Action) -> None:
    """The warnings given so far no longer count, nor what was scheduled on them."""
    for warned in sub.warned:
        if warned.action is action:
            warned.void = True
    if action is Action.DELETE and sub.end is not None:
        sub.end.scheduled_at, sub.end.capped, sub.end.released_by = None, False, set()


def doubt_raised(book: AccountBook, fact: f.DoubtRaised, recorded: f.Recorded) -> None:
    """It stands from now on; raised again while it stands, it is the same one."""
    if fact.doubt is DoubtKind.TRANSFER:
        if book.case is None or book.waited == book.case_no or fact.until is None:
            book.breach("I8", "a transfer on its way is waited for where nothing is past due, or once more")
        book.waited = book.case_no
    if not any((d.kind, d.ref, d.end) == (fact.doubt, fact.ref, None) for d in book.doubts):
        book.doubts.append(CheckedDoubt(fact.doubt, fact.ref, recorded.at, None, fact.until))


def doubt_cleared(book: AccountBook, fact: f.DoubtCleared, recorded: f.Recorded) -> None:
    """It stood until now; a transfer is waited for until its last day is over."""
    same = [d for d in book.doubts if (d.kind, d.ref, d.end) == (fact.doubt, fact.ref, None)]
    if any(d.until and book.past_due and recorded.at < book.calendar.end_of_day(d.until) for d in same):
        book.breach("I8", "a transfer on its way was not waited for until its last day")
    book.doubts = [
        d._replace(end=recorded.at) if (d.kind, d.ref, d.end) == (fact.doubt, fact.ref, None) else d
        for d in book.doubts
    ]


REPORTED: Final[Checks] = {
    f.AccountOpened: account_opened,
    f.TermsChanged: terms_changed,
    f.SubscriptionAdded: subscription_added,
    f.InvoiceIssued: invoice_issued,
    f.PaymentBooked: payment_booked,
    f.CreditAllocated: credit_allocated,
    f.ChargeDeclined: charge_declined,
    f.DebtReopened: debt_reopened,
    f.WrittenOff: written_off,
    f.InvoiceCredited: invoice_credited,
    f.DueMoved: due_moved,
    f.Canceled: canceled,
    f.Reactivated: reactivated,
    f.ReasonSet: reason_set,
    f.ReasonLifted: reason_lifted,
    f.HoldPlaced: hold_placed,
    f.HoldEnded: hold_ended,
    f.DoubtRaised: doubt_raised,
    f.DoubtCleared: doubt_cleared,
}
