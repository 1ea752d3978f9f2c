"""Facts that come from outside: what the operator, the customer and the bank tell us."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from arrears.core.account import Action, Debt, DoubtKind, Hold, Mode, Terms
from arrears.core.facts.base import Allocation, Fact
from arrears.core.invoice_lines import InvoiceLine, TaxLine
from arrears.core.states import Reason, State


class AccountOpened(Fact, frozen=True, tag="account_opened"):
    """`ref_digest` proves what the operator calls the account (core.ids); empty in a journal of before."""

    terms: Terms
    mode: Mode
    ref_digest: str = ""


class TermsChanged(Fact, frozen=True, tag="terms_changed"):
    """A new policy or zone: for what starts from now on; a running case keeps its own. `was_called`: only the
    operator's own reference is another one now, and that is what it was. `ref_digest` is that of the reference as it
    is now, where it is known."""

    terms: Terms
    mode: Mode
    was_called: str = ""
    ref_digest: str = ""
    credit_limits: dict[str, int] = msgspec.field(default_factory=dict)
    """How much may be open in invoice mode, in minor units by currency; empty: as before."""


class SubscriptionAdded(Fact, frozen=True, tag="subscription_added"):
    subscription: int
    service: str


class InvoiceIssued(Fact, frozen=True, tag="invoice_issued"):
    """Money asked. `lines` and `tax_lines` are what its document shows, where the operator said them: they name no
    person, and are kept as long as the books."""

    debt: Debt
    issued_on: date
    lines: tuple[InvoiceLine, ...] = ()
    tax_lines: tuple[TaxLine, ...] = ()
    over_limit_minor: int = 0
    """So much more is open with it than the account's credit limit."""


class PaymentBooked(Fact, frozen=True, tag="payment_booked"):
    """Money received, put on the debts it named; the rest is account credit. `tell` is what the customer is told at
    once: `settled` where debts were past due, `after_deletion` where it comes too late for data, `credit` where no
    invoice takes it, or nothing."""

    ref: str
    currency: str
    amount_minor: int
    allocations: tuple[Allocation, ...] = ()
    credit_minor: int = 0
    tell: str = ""
    invoice: int = 0
    """The one invoice that it names, where its allocations do not say so: more came than was open, or an import."""
    of: str = ""
    """The payment of which this money had been taken back, and has come back."""
    cured: tuple[int, ...] = ()
    """The debts of which no bank holds anything any more."""


class CreditAllocated(Fact, frozen=True, tag="credit_allocated"):
    currency: str
    allocations: tuple[Allocation, ...]


class ChargeDeclined(Fact, frozen=True, tag="charge_declined"):
    """A definitive decline: the debts are past due from this local day, and their first reminder tells it at once.
    `tell`: of a journal in which a case that was open gave none, so that this is told by itself."""

    debts: tuple[int, ...]
    on: date
    tell: bool = False


class AuthorisationDeclined(Fact, frozen=True, tag="authorisation_declined"):
    """The operator's word that a card was refused for an amount that is not invoiced yet. Nothing is owed."""

    currency: str
    amount_minor: int
    decline: str = ""


class DebtReopened(Fact, frozen=True, tag="debt_reopened"):
    """Money has left again (chargeback, returned transfer): that local day is the debt's new day 0. `given_up`: no
    money has left, but what was written off is asked for after all."""

    debt: Debt
    minor: int
    reason: str
    given_up: bool = False


class InvoiceCredited(Fact, frozen=True, tag="invoice_credited"):
    """Less is asked than before: a credit note, an invoice withdrawn (`void`) or corrected downwards. It lowers what is
    open of its invoice; `credit_minor` of it, which nothing open takes, is account credit. `debt` 0: of no invoice.
    `ref` is the credit note's own number, where it has one."""

    debt: int
    currency: str
    minor: int
    credit_minor: int = 0
    void: bool = False
    ref: str = ""


class WrittenOff(Fact, frozen=True, tag="written_off"):
    debt: int
    minor: int
    currency: str


class Canceled(Fact, frozen=True, tag="canceled"):
    """The customer, or somebody for them, ends a subscription. `tell`: that is confirmed by a message."""

    subscription: int
    on: date
    terms: Terms
    order_no: int
    before: State
    tell: bool = False


class Reactivated(Fact, frozen=True, tag="reactivated"):
    """A cancellation is taken back. `tell`: something else keeps it stopped, and a message says so; that it runs
    again is told when the service has said it."""

    subscription: int
    tell: bool = False


class ReasonSet(Fact, frozen=True, tag="reason_set"):
    subscription: int
    reason: Reason
    on: date
    terms: Terms
    order_no: int
    before: State


class ReasonLifted(Fact, frozen=True, tag="reason_lifted"):
    subscription: int
    reason: Reason


class HoldPlaced(Fact, frozen=True, tag="hold_placed"):
    hold: Hold


class Voided(msgspec.Struct, frozen=True):
    """The warnings of one action of one subscription no longer count."""

    subscription: int
    action: Action


class DueMoved(Fact, frozen=True, tag="due_moved"):
    """The operator gives an invoice another due date. What was past due is not any more, until that day has passed;
    `voided` are the warnings that named a day which has moved."""

    debt: int
    due_on: date
    voided: tuple[Voided, ...] = ()


class HoldEnded(Fact, frozen=True, tag="hold_ended"):
    hold: int
    at: datetime
    voided: tuple[Voided, ...] = ()


class DoubtRaised(Fact, frozen=True, tag="doubt_raised"):
    """`said_minor`: so much is paid of the invoice that `ref` names, an import says, which is more than is here, where
    as much was taken back. `heard_minor`: of what was taken back, so much the importing system is known to have heard
    of by now. `until`: the last local day on which it stands."""

    doubt: DoubtKind
    ref: str
    said_minor: int = 0
    heard_minor: int = 0
    until: date | None = None


class DoubtCleared(Fact, frozen=True, tag="doubt_cleared"):
    """`heard_minor` as in DoubtRaised."""

    doubt: DoubtKind
    ref: str
    heard_minor: int = 0
