"""Where the money of each payment is now: on which invoices, as account credit, given back, or taken back again.

Read from one account's facts in order, so that what leaves is taken from where the money is and not from where it
first went (spec, section 4, point 10). Amounts are minor units of the payment's currency.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from arrears.core import facts as f
from arrears.core.facts.payments import TAKEN_BACK

KINDS: Final[tuple[type[f.Fact], ...]] = (
    f.PaymentBooked,
    f.CreditAllocated,
    f.InvoiceCredited,
    f.WrittenOff,
    f.DebtReopened,
    f.Refunded,
    f.RefundAsked,
    f.RefundCovered,
    f.RefundUndone,
    f.ChargebackClosed,
)
"""The facts that say it; no other is read."""


@dataclass(slots=True)
class Use:
    """So much of a payment has paid this debt."""

    debt: int
    minor: int


@dataclass(slots=True)
class Refund:
    """Money that was to be given back, by our own number or found at the provider (0). `ref` is the provider's, with
    its name, once it is known; `left` whether the money has left; `over` that nothing more can happen to it, `undone`
    that the money stayed or came back. One that `reopens` is, beyond the credit that it
    took, a reversal of that reference too, once the money has left."""

    number: int
    key: str
    request: str
    payment_ref: str
    currency: str
    minor: int
    credit: int
    asked_at: datetime
    ref: str = ""
    left: bool = False
    undone: bool = False
    reopens: bool = False

    @property
    def over(self) -> bool:
        """Whether its end is known."""
        return self.left or self.undone


@dataclass(slots=True)
class Reversal:
    """What a bank or network took back of a payment under one reference: `open` while the network has not ruled."""

    minor: int
    open: bool = False
    undone: bool = False


@dataclass(slots=True)
class Traced:
    """One payment. `uses` are in the order in which its money was used, `credit` is what no invoice has taken yet;
    `reopened` is what is owed again because money of it was taken back, by debt in the order of its use."""

    ref: str
    currency: str
    amount: int
    uses: list[Use] = field(default_factory=list)
    credit: int = 0
    reversals: dict[str, Reversal] = field(default_factory=dict)
    refunds: list[Refund] = field(default_factory=list)
    reopened: dict[int, int] = field(default_factory=dict)

    @property
    def pays(self) -> int:
        """What of it pays something, or lies as credit."""
        return self.credit + sum(use.minor for use in self.uses)

    @property
    def taken_back(self) -> int:
        """What the bank or network holds of it."""
        return sum(r.minor for r in self.reversals.values() if not r.undone)

    @property
    def given_back(self) -> int:
        """What was given back of it, or is on its way."""
        return sum(r.credit if r.ref in self.reversals else r.minor for r in self.refunds if not r.undone)

    @property
    def kind_refunds(self) -> list[Refund]:
        """What was given back of it, or is on its way, and reopens nothing; not what a person said never came."""
        kind = [r for r in self.refunds if not (r.undone or r.reopens or r.ref in self.reversals)]
        return [r for r in kind if not r.ref.startswith(TAKEN_BACK)]

    @property
    def kindness(self) -> int:
        """What of those was beyond the credit that it took."""
        return sum(r.minor - r.credit for r in self.kind_refunds)

    def may_pay(self, besides: int = 0) -> int:
        """What of it may pay something at most, once so much more has been taken back: a refund out of its credit is
        gone, any other is a kindness that reopens nothing; what was taken back is gone."""
        of_credit = sum(r.credit for r in self.refunds if not r.undone)
        return max(0, self.amount - of_credit - self.taken_back - besides)

    def use(self, debt: int, minor: int) -> None:
        """So much of it pays this debt."""
        self.uses.append(Use(debt, minor))

    def latest_first(self) -> Iterable[Use]:
        """What it pays, the latest use first."""
        return [use for use in reversed(self.uses) if use.minor]

    def unuse(self, debt: int, minor: int) -> int:
        """So much less of it pays this debt; how much it was."""
        left = minor
        for use in self.latest_first():
            if use.debt == debt:
                taken = min(left, use.minor)
                use.minor -= taken
                left -= taken
        return minor - left


class Trail:
    """The payments of one account by reference, the refunds by number, and what was written off by debt."""

    def __init__(self, history: Iterable[f.Recorded] = ()) -> None:
        self.payments: dict[str, Traced] = {}
        self.refunds: dict[int, Refund] = {}
        self.given_up: dict[int, int] = {}
        self._lots: dict[str, list[tuple[str, int]]] = {}
        """The account credit by currency, the oldest first: whose payment it is (empty: nobody's), and how much."""
        self._apart: list[tuple[int, int, int]] = []
        """What was reopened by the facts right before: number of the fact, debt and minor units."""
        for recorded in history:
            self.take(recorded)

    def take(self, recorded: f.Recorded) -> None:
        """One more fact."""
        fact = recorded.fact
        match fact:
            case f.PaymentBooked():
                self._booked(fact)
            case f.CreditAllocated(currency=currency, allocations=allocations):
                for part in allocations:
                    for ref, minor in self._from_credit(currency, part.minor):
                        if ref:
                            self.payments[ref].use(part.debt, minor)
            case f.InvoiceCredited():
                self._credited(fact)
            case f.WrittenOff():
                self.given_up[fact.debt] = self.given_up.get(fact.debt, 0) + fact.minor
            case f.DebtReopened(debt=debt, given_up=True):
                self.given_up[debt.no] = self.given_up.get(debt.no, 0) - fact.minor
            case f.DebtReopened(debt=debt):
                self._reopened(recorded.seq, debt.no, fact.minor)
            case f.Refunded():
                self._refunded(recorded.seq, fact, recorded)
            case f.RefundAsked():
                self._asked(fact, recorded.at)
            case f.RefundCovered():
                self._covered(fact)
            case f.RefundUndone():
                self._undone(fact)
            case f.ChargebackClosed(payment_ref=payment, ref=ref):
                if payment in self.payments and ref in self.payments[payment].reversals:
                    self.payments[payment].reversals[ref].open = False
            case _:
                pass

    def _booked(self, fact: f.PaymentBooked) -> None:
        of = fact.of or fact.ref
        traced = self.payments.setdefault(of, Traced(of, fact.currency, 0 if fact.of else fact.amount_minor))
        if fact.of:
            self._won(traced, fact.ref)
        for part in fact.allocations:
            traced.use(part.debt, part.minor)
            if fact.of and part.debt in traced.reopened:
                traced.reopened[part.debt] -= min(part.minor, traced.reopened[part.debt])
        self._lot(fact.currency, of, fact.credit_minor)

    def _won(self, traced: Traced, ref: str) -> None:
        """What was taken back under the reference before the last dash has come back."""
        reversal = traced.reversals.get(ref.rpartition("-")[0])
        if reversal is not None:
            reversal.undone, reversal.open = True, False

    def _credited(self, fact: f.InvoiceCredited) -> None:
        """What an invoice that asks less had got is its payments' money again: as much as was given back of them in
        kindness first, which is this money, then the latest; what is left is nobody's."""
        left = fact.credit_minor
        latest = [*reversed(self.payments.values())] if fact.debt else []
        for traced, most in [*((one, one.kindness) for one in latest), *((one, left) for one in latest)]:
            freed = traced.unuse(fact.debt, min(left, most))
            self._lot(fact.currency, traced.ref, freed)
            left -= freed
        self._lot(fact.currency, "", left)

    def _reopened(self, seq: int, debt: int, minor: int) -> None:
        """Money left: of the payment that the next fact names, or where it names none of the latest that paid it."""
        if self._apart and self._apart[-1][0] != seq - 1:
            self._assign_apart("")
        self._apart.append((seq, debt, minor))

    def _assign_apart(self, payment: str) -> None:
        named = [self.payments[payment]] if payment in self.payments else []
        for _, debt, minor in self._apart:
            left = minor
            for traced in named or reversed([*self.payments.values()]):
                gone = traced.unuse(debt, left)
                if named:
                    traced.reopened[debt] = traced.reopened.get(debt, 0) + gone
                left -= gone
        self._apart = []

    def _refunded(self, seq: int, fact: f.Refunded, recorded: f.Recorded) -> None:
        follows = bool(self._apart) and self._apart[-1][0] == seq - 1
        reopened = sum(minor for _, _, minor in self._apart) if follows else 0
        self._assign_apart(fact.payment_ref if follows else "")
        traced = self.payments.get(fact.payment_ref)
        self._take_credit(fact.currency, fact.payment_ref, fact.credit_minor)
        if traced is None:
            return
        refund = self.refunds.get(fact.refund)
        if fact.reversal and refund is not None:
            traced.reversals[fact.ref] = Reversal(fact.amount_minor + reopened - refund.credit)
            refund.ref, refund.left = fact.ref, True
            return
        if fact.reversal or reopened or recorded.why in ("chargeback", "returned debit"):
            # Before it was recorded whether the network had ruled, a chargeback is taken to be open.
            is_open = fact.open or (not fact.reversal and recorded.why == "chargeback")
            traced.reversals[fact.ref] = Reversal(fact.amount_minor + reopened, is_open)
            return
        if refund is None:
            refund = Refund(
                0, "", "", fact.payment_ref, fact.currency, fact.amount_minor, fact.credit_minor, recorded.at
            )
            traced.refunds.append(refund)
        refund.ref, refund.left = fact.ref, True

    def _asked(self, fact: f.RefundAsked, at: datetime) -> None:
        self._take_credit(fact.currency, fact.payment_ref, fact.credit_minor)
        refund = Refund(
            fact.refund,
            fact.key,
            fact.request,
            fact.payment_ref,
            fact.currency,
            fact.amount_minor,
            fact.credit_minor,
            at,
            reopens=fact.reopens,
        )
        self.refunds[fact.refund] = refund
        self.payments[fact.payment_ref].refunds.append(refund)

    def _covered(self, fact: f.RefundCovered) -> None:
        self._take_credit(fact.currency, fact.payment_ref, fact.minor)
        for refund in self.payments[fact.payment_ref].refunds:
            if (fact.refund and refund.number == fact.refund) or (fact.ref and refund.ref == fact.ref):
                refund.credit += fact.minor

    def _undone(self, fact: f.RefundUndone) -> None:
        traced = self.payments.get(fact.payment_ref)
        if traced is None:
            return
        self._won(traced, f"{fact.ref}-")
        for refund in traced.refunds:
            if (fact.refund and refund.number == fact.refund) or (fact.ref and refund.ref == fact.ref):
                refund.undone = True
                refund.ref = refund.ref or fact.ref
        self._lot(fact.currency, fact.payment_ref, fact.credit_minor)

    # -- account credit ----------------------------------------------------------------------------------------

    def _lot(self, currency: str, ref: str, minor: int) -> None:
        if minor > 0:
            self._lots.setdefault(currency, []).append((ref, minor))
            if ref:
                self.payments[ref].credit += minor

    def _from_credit(self, currency: str, minor: int, of: str | None = None) -> list[tuple[str, int]]:
        """Take so much of the credit, the oldest first, all of it or what is this payment's; from whom how much."""
        kept, taken = [], []
        for ref, there in self._lots.get(currency, []):
            part = min(minor, there) if of is None or ref == of else 0
            minor -= part
            if part:
                taken.append((ref, part))
                if ref:
                    self.payments[ref].credit -= part
            if there > part:
                kept.append((ref, there - part))
        self._lots[currency] = kept
        return taken

    def _take_credit(self, currency: str, ref: str, minor: int) -> None:
        """A payment's own credit leaves first; what is more than that was anybody's."""
        left = minor - sum(part for _, part in self._from_credit(currency, minor, ref))
        self._from_credit(currency, left)

    def refund_of(self, *, request: str = "", key: str = "", ref: str = "") -> Refund | None:
        """The refund that was asked for with this request, or has this key or reference at the provider."""
        every = [refund for traced in self.payments.values() for refund in traced.refunds]
        return next(
            (r for r in every if r.request == request != "" or r.key == key != "" or r.ref == ref != ""),
            None,
        )


def trail_of(history: Sequence[f.Recorded]) -> Trail:
    """The trail of one account's facts."""
    return Trail(history)
