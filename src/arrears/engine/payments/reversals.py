"""Money that a bank or a card network takes back, and gives back when it was wrong (spec, section 4, point 10).

What leaves is taken from where the money is now, the latest use first: account credit, then the invoices. What comes
back undoes exactly that. A payment has its money less everything that is taken back of it and not undone, whatever the
order in which that was reported; each report is recorded once, under the provider's reference.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec.structs import replace

from arrears.core import facts as f
from arrears.core.account import ALL_STOPS, Debt, Hold, HoldScope
from arrears.core.payments.planner import Tried
from arrears.core.payments.trail import KINDS, Refund, Traced, Trail, trail_of
from arrears.core.payments.values import AttemptState, DebitReturned, DisputeChange, DisputeState, Initiator
from arrears.core.rules.hold import end_hold
from arrears.core.unit import Unit
from arrears.core.view import View
from arrears.engine.acting import acting_on, local_today
from arrears.engine.booking import Payment, book
from arrears.engine.payments.attempts import payment_ref
from arrears.ports import AccountsAndMoney, MoneyBook

CHARGEBACK: Final = "chargeback"
RETURNED: Final = "returned debit"
REFUND: Final = "refund"
"""One of which staff say that what the payment has paid is owed again."""


def trail_in(store: MoneyBook, unit: Unit) -> Trail:
    """Where the money of an account is, with what its unit has recorded and not written yet."""
    stored = store.facts_of([unit.no], KINDS).get(unit.no, ())
    return trail_of([*stored, *(s.recorded for s in unit.stored)])


def record_change(store: AccountsAndMoney, provider: str, change: DisputeChange | DebitReturned, now: datetime) -> None:
    """Record how a dispute or a returned debit stands. An inquiry has taken nothing; of what is not ours, nothing."""
    state = DisputeState.LOST if isinstance(change, DebitReturned) else change.state
    record = store.payment(payment_ref(provider, change.payment_ref))
    if record is None or state is DisputeState.INQUIRY:
        return
    with acting_on(store, record.account, now) as unit:
        trail = trail_in(store, unit)
        one = Reversing(store, unit, provider, trail, trail.payments[record.fact.ref])
        kind = RETURNED if isinstance(change, DebitReturned) else CHARGEBACK
        if isinstance(change, DebitReturned):
            one.debit = returned_debit(store, unit, provider, change, one.traced)
        one.stands(payment_ref(provider, change.ref), change.amount_minor, state, kind, f"{kind} {change.ref}")


def returned_debit(
    store: MoneyBook, unit: Unit, provider: str, change: DebitReturned, traced: Traced
) -> f.ReturnedDebit | None:
    """The attempt by which a payment came that is returned, with the return's code; None where it was made on a page
    of the provider's, with no method of ours."""
    made = next(
        (a for a in store.attempts(unit.no) if a.method and (a.at_provider, a.ref) == (provider, change.payment_ref)),
        None,
    )
    if made is None:
        return None
    tried = Tried(
        no=made.no,
        at=made.created_at,
        by=Initiator(made.initiator),
        amount_minor=made.amount_minor,
        currency=made.currency,
        state=AttemptState.DECLINED,
        codes=change.codes,
    )
    paid = {use.debt for use in traced.uses} | set(traced.reopened)
    return f.ReturnedDebit(made.method, tried, tuple(sorted(paid)))


class Reversing:
    """One payment of an account that is open for a change, and what is reported of it."""

    def __init__(self, store: AccountsAndMoney, unit: Unit, provider: str, trail: Trail, traced: Traced) -> None:
        self.store, self.unit, self.trail, self.traced = store, unit, trail, traced
        self.author = f"provider:{provider}"
        self.debit: f.ReturnedDebit | None = None

    def stands(self, ref: str, minor: int, state: DisputeState, kind: str, reason: str) -> None:
        """The report: what was won stays won, and what was ruled on is not open again, however late that is told."""
        known = self.traced.reversals.get(ref)
        if known is None:
            self.taken(ref, minor, kind, reason, state)
            known = self.traced.reversals[ref]
        if state is DisputeState.WON and not known.undone:
            self.came_back(ref)
        if state is not DisputeState.OPEN and known.open:
            known.open = False
            closed = f.ChargebackClosed(ref=ref, payment_ref=self.traced.ref, won=state is DisputeState.WON)
            self._record(closed, reason)
        self._holds()

    def given_back(self, ref: str, minor: int, refund: Refund | None) -> None:
        """So much has left by a refund that reopens: beyond the credit that was set aside for it, as if a
        bank had taken it."""
        self.taken(ref, minor, REFUND, f"{REFUND} of {self.traced.ref}", DisputeState.LOST, refund)
        self._holds()

    def taken(
        self, ref: str, minor: int, kind: str, reason: str, state: DisputeState, refund: Refund | None = None
    ) -> None:
        """So much has left. What was taken and is back already, before we heard of either, has touched nothing."""
        traced = self.traced
        set_aside = 0 if refund is None else refund.credit
        more = 0 if state is DisputeState.WON else minor - set_aside
        less = min(more, max(0, traced.pays - traced.may_pay(more)))
        credit = min(less, traced.credit)
        owed = less - credit
        for debt, part in self._latest(owed):
            self._reopen(debt, part, reason, charged_back=kind in (CHARGEBACK, REFUND))
        fact = f.Refunded(
            ref=ref,
            payment_ref=traced.ref,
            currency=traced.currency,
            amount_minor=minor - owed,
            credit_minor=credit,
            reopened_minor=owed,
            reversal=True,
            open=state is DisputeState.OPEN,
            refund=0 if refund is None else refund.number,
            debit=self.debit,
        )
        self._record(fact, kind)

    def came_back(self, ref: str) -> None:
        """So much is here again. It pays what was reopened, the oldest use first, as far as that is still open; what
        was written off meanwhile is paid after all, and what was paid otherwise leaves account credit."""
        traced = self.traced
        minor = traced.reversals[ref].minor
        back = min(minor, max(0, traced.may_pay(-minor) - traced.pays))
        if minor > back:
            undone = f.RefundUndone(0, ref, traced.ref, traced.currency, amount_minor=minor - back)
            self._record(undone, "won")
        if back:
            self._booked(f"{ref}-won", back)

    def _booked(self, ref: str, minor: int) -> None:
        left, used = minor, 0
        named, cured = [], []
        for number, gone in sorted(self.traced.reopened.items(), key=lambda item: self._order(item[0])):
            part = min(left, gone)
            if not part:
                continue
            self._ask_again(number, part)
            debt = self.unit.account.debt(number)
            used += 0 if debt is None else min(part, debt.open_minor)
            named.append(f.Allocation(number, part))
            if part == gone and not self._held_by_another(number):
                cured.append(number)
            left -= part
        payment = Payment(
            self.unit.no,
            ref,
            self.traced.currency,
            minor,
            tuple(part.debt for part in named),
            unasked=used < minor,
            of=self.traced.ref,
            cured=tuple(cured),
            most=tuple(named),
        )
        book(self.unit, payment, self.author)
        self.trail.take(self.unit.stored[-1].recorded)

    def _held_by_another(self, debt: int) -> bool:
        return any(p.reopened.get(debt) for p in self.trail.payments.values() if p is not self.traced)

    def _latest(self, minor: int) -> list[tuple[int, int]]:
        """The debts that so much of the payment has paid, the latest use first, and how much of each."""
        found: dict[int, int] = {}
        for use in self.traced.latest_first():
            part = min(minor, use.minor)
            if part:
                found[use.debt] = found.get(use.debt, 0) + part
                minor -= part
        return list(found.items())

    def _order(self, debt: int) -> int:
        return next((i for i, use in enumerate(self.traced.uses) if use.debt == debt), len(self.traced.uses))

    def _reopen(self, number: int, minor: int, reason: str, *, charged_back: bool) -> None:
        """So much of a debt is owed again. Its day 0 is today, unless its day has not come."""
        debt = self._debt(number)
        again = replace(self._open_again(debt, minor), charged_back=charged_back or debt.charged_back)
        self._record(f.DebtReopened(debt=again, minor=minor, reason=reason), reason)

    def _ask_again(self, number: int, minor: int) -> None:
        """What was written off of a debt is asked for after all, as far as it is paid now."""
        debt = self._debt(number)
        minor = min(minor - debt.open_minor, self.trail.given_up.get(number, 0))
        if minor <= 0:
            return
        again, reason = self._open_again(debt, minor), "paid after all"
        self._record(f.DebtReopened(debt=again, minor=minor, reason=reason, given_up=True), reason)

    def _open_again(self, debt: Debt, minor: int) -> Debt:
        today = local_today(self.unit)
        past_due_from = today if debt.due_on < today else None
        return replace(debt, open_minor=debt.open_minor + minor, past_due_from=past_due_from, day_0=None, ended=False)

    def _debt(self, number: int) -> Debt:
        open_one = self.unit.account.debt(number)
        return open_one or replace(self.store.invoices(self.unit.no)[number], open_minor=0)

    def _holds(self) -> None:
        """While a chargeback of the payment is open, what is owed again of it is held; when none is any more, it is
        not."""
        is_open = [ref for ref, r in self.traced.reversals.items() if r.open]
        reason = f"{CHARGEBACK} of {self.traced.ref}"
        # Before, each dispute had a hold of its own.
        reasons = {reason, *(f"{CHARGEBACK} {ref.partition(':')[2]}" for ref in self.traced.reversals)}
        holds = [h for h in self.unit.account.holds if h.reason in reasons and h.ended_at is None]
        if not is_open:
            policies, guards = self.store.policies(), self.store.system().guards
            for hold in holds:
                view = View(policies, self.unit.account, guards, self.unit.now)
                self._record(end_hold(view, hold, self.unit.now), reason)
            return
        held = {h.target for h in holds}
        for number in sorted(d for d, minor in self.traced.reopened.items() if minor):
            debt = self.unit.account.debt(number)
            if number not in held and debt is not None:
                hold = Hold(
                    no=self.unit.account.hold_count + 1,
                    scope=HoldScope.DEBT,
                    target=number,
                    stops=ALL_STOPS,
                    reason=reason,
                    from_at=self.unit.now,
                    named=debt.subscriptions,
                )
                self._record(f.HoldPlaced(hold=hold), reason)

    def _record(self, fact: f.Fact, why: str) -> None:
        self.trail.take(self.unit.record(fact, self.author, why))
