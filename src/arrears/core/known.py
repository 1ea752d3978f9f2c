"""What arrears knows of each invoice of one account, read from the account's facts: what is asked, and who says that
how much of it is paid. A newer export of the billing system is compared with this (spec, section 14).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import msgspec

from arrears.core import facts as f
from arrears.core.account import Debt, HoldScope
from arrears.core.facts.payments import TAKEN_BACK
from arrears.core.invoice_lines import InvoiceLine, TaxLine
from arrears.core.payments import trail

IMPORTER: Final = "import"
"""The author of everything that an import records: its word is the billing system's, and can be taken back by it."""

KINDS: Final[tuple[type[f.Fact], ...]] = (
    f.TermsChanged,
    f.SubscriptionAdded,
    f.InvoiceIssued,
    f.PaymentBooked,
    f.CreditAllocated,
    f.DebtReopened,
    f.WrittenOff,
    f.InvoiceCredited,
    f.DueMoved,
    f.Refunded,
    f.HoldPlaced,
    f.HoldEnded,
    f.BecamePastDue,
    f.ChargeDeclined,
    f.Noticed,
    f.DoubtRaised,
    f.DoubtCleared,
    f.RefundAsked,
    f.RefundCovered,
    f.RefundUndone,
)
"""The facts that say it; no other is read."""

_TRAIL: Final = frozenset(trail.KINDS)

PAID_IN_DOUBT: Final = "paid in the book: "
"""How a doubt about what an import says is paid of an invoice is called, before the invoice's own number."""


class KnownPayment(msgspec.Struct, gc=False):
    """A payment as it was booked; `minor` is what of it has not been taken back. `invoice` 0: it names none or several.
    `paid` is what went to invoices at once."""

    ref: str
    invoice: int
    currency: str
    minor: int
    by_book: bool
    paid: tuple[f.Allocation, ...] = ()

    def of_invoices(self, minor: int) -> Iterator[f.Allocation]:
        """The invoices that so much of it came for: the one that it names, or those that it has paid at once and still
        pays, the latest first; what those never took is left out."""
        if self.invoice:
            yield f.Allocation(self.invoice, minor)
            return
        stands = min(self.minor, sum(part.minor for part in self.paid))
        minor -= self.minor - stands
        found = []
        for part in self.paid:
            found.append(f.Allocation(part.debt, min(part.minor, stands)))
            stands -= found[-1].minor
        for part in reversed(found):
            if (taken := min(minor, part.minor)) > 0:
                yield f.Allocation(part.debt, taken)
                minor -= taken


class KnownInvoice(msgspec.Struct, gc=False):
    """One invoice. Sums are minor units. `by_book`: an import brought it.

    `total_minor` is what is asked now: less than was issued after a credit note; `noted_minor` of what it is less has
    a credit note of its own in the book, and `here_only_minor` was credited by a person, which the billing system need
    not know. `other_minor` is what was paid of it
    besides the imported payments: collected by arrears, booked by a person or the bank, covered by account credit.
    `book_holds` are the open holds that an import has placed on it. `demanded`: a message about it has left.
    """

    issued: Debt
    services: tuple[str, ...]
    total_minor: int
    issued_on: date
    due_on: date
    noted_minor: int = 0
    here_only_minor: int = 0
    said_due_on: date | None = None
    """The due date that the billing system last said, where a person has moved it since."""
    other_minor: int = 0
    taken_back_minor: int = 0
    """What a person has taken back of what an import booked."""
    given_up_minor: int = 0
    given_up_by_book: bool = False
    void: bool = False
    demanded: bool = False
    book_holds: tuple[int, ...] = ()
    by_book: bool = False
    gone_minor: int = 0
    """What was paid here and is owed again, as the provider, the bank or a person took it back; not what an import had
    booked. `gone_on` is the newest day on which it was, where that is past the due date, `since_minor` what has been
    paid since."""
    gone_on: date | None = None
    since_minor: int = 0
    said_minor: int = 0
    """What an import last said is paid, while that was in doubt; `heard_minor` is what of `gone_minor` its system has
    heard of, and `judged` whether a person has closed that doubt."""
    heard_minor: int = 0
    judged: bool = False
    lines: tuple[InvoiceLine, ...] = ()
    tax_lines: tuple[TaxLine, ...] = ()

    @property
    def no(self) -> int:
        """Its number within the account."""
        return self.issued.no

    @property
    def number(self) -> str:
        """Its own number, as people know it."""
        return self.issued.number

    @property
    def currency(self) -> str:
        """The currency that it asks."""
        return self.issued.currency


@dataclass(slots=True)
class Known:
    """Everything about one account; invoices by their numbers within it, payments in the order they were booked.

    `by_number` leads from an invoice's own number to its number within the account. `credits` has the minor units of
    each credit note, by its number. `on_credit` are the allocations of account credit, the oldest first.
    `was_called` are the references that the operator had for the account before. `money` are the facts that say where
    the money of each payment is (`payments/trail.py`); `gave_back`: something was given back, or is on its way.
    """

    invoices: dict[int, KnownInvoice] = field(default_factory=dict)
    by_number: dict[str, int] = field(default_factory=dict)
    payments: dict[str, KnownPayment] = field(default_factory=dict)
    credits: dict[str, int] = field(default_factory=dict)
    on_credit: list[f.Allocation] = field(default_factory=list)
    was_called: list[str] = field(default_factory=list)
    money: list[f.AnyFact] = field(default_factory=list)
    gave_back: bool = False

    def by_book(self, invoice: int) -> int:
        """How much of an invoice is paid by the imports' own word."""
        return sum(p.minor for p in self.payments.values() if p.by_book and p.invoice == invoice)

    def undo_credit(self, invoice: int, minor: int) -> None:
        """So much of what account credit has paid of an invoice is owed again: of its latest uses."""
        for place, part in reversed([*enumerate(self.on_credit)]):
            if part.debt == invoice and minor:
                less = min(minor, part.minor)
                self.on_credit[place] = f.Allocation(invoice, part.minor - less)
                minor -= less

    def paid(self, invoice: int) -> int:
        """How much has come for an invoice at least, whoever said so; it can be more than was asked."""
        return self.by_book(invoice) + self.invoices[invoice].other_minor


def known_of(history: Iterable[f.Recorded], importer: str) -> Known:
    """What these facts of one account come to; `importer` is the author of what an import recorded."""
    return known_from(((recorded.author, recorded.fact) for recorded in history), importer)


def known_from(history: Iterable[tuple[str, f.AnyFact]], importer: str) -> Known:
    """The same from each fact's author and itself."""
    reading = _Reading(importer)
    for author, fact in history:
        reading.take(fact, author == importer)
    return reading.known


class _Reading:
    """The facts of one account, one after the other."""

    def __init__(self, importer: str) -> None:
        self.known = Known()
        self.importer = importer
        self._services: dict[int, str] = {}
        self._past_due: set[int] = set()
        self._taken_back: list[tuple[Debt, int]] = []

    def take(self, fact: f.AnyFact, by_book: bool) -> None:
        """One more fact."""
        invoices = self.known.invoices
        if type(fact) in _TRAIL:
            self.known.money.append(fact)
            self.known.gave_back |= isinstance(fact, f.RefundAsked | f.Refunded)
        match fact:
            case f.TermsChanged():
                self.known.was_called += [fact.was_called] if fact.was_called else []
            case f.SubscriptionAdded():
                self._services[fact.subscription] = fact.service
            case f.InvoiceIssued(debt=debt):
                services = tuple(self._services[no] for no in debt.subscriptions)
                found = KnownInvoice(debt, services, debt.total_minor, fact.issued_on, debt.due_on)
                found.said_due_on = debt.due_on
                found.by_book = by_book
                found.lines, found.tax_lines = fact.lines, fact.tax_lines
                invoices[debt.no], self.known.by_number[debt.number] = found, debt.no
            case f.InvoiceCredited():
                if fact.debt:
                    invoices[fact.debt].total_minor -= fact.minor
                    invoices[fact.debt].void = fact.void
                    self._credited(invoices[fact.debt], fact, by_book)
                if fact.ref:
                    self.known.credits[fact.ref] = self.known.credits.get(fact.ref, 0) + fact.minor
            case f.WrittenOff(debt=no):
                invoices[no].given_up_minor += fact.minor
                invoices[no].given_up_by_book = by_book
            case f.DueMoved(debt=no):
                invoices[no].due_on = fact.due_on
                invoices[no].said_due_on = fact.due_on if by_book else invoices[no].said_due_on
                self._past_due.discard(no)
            case f.PaymentBooked() | f.CreditAllocated() | f.DebtReopened() | f.Refunded():
                self._money(fact, by_book)
            case f.HoldPlaced(hold=hold) if by_book and hold.scope is HoldScope.DEBT:
                invoices[hold.target].book_holds += (hold.no,)
            case f.HoldEnded(hold=ended):
                for one in invoices.values():
                    one.book_holds = tuple(no for no in one.book_holds if no != ended)
            case f.BecamePastDue() | f.ChargeDeclined() | f.Noticed():
                self._demand(fact)
            case f.DoubtRaised() | f.DoubtCleared():
                self._doubt(fact, by_book)
            case _:
                pass

    def _doubt(self, fact: f.DoubtRaised | f.DoubtCleared, by_book: bool) -> None:
        no = self.known.by_number.get(fact.ref.removeprefix(PAID_IN_DOUBT)) if fact.ref.startswith(PAID_IN_DOUBT) else 0
        if not no:
            return
        invoice = self.known.invoices[no]
        match fact:
            case f.DoubtRaised():
                invoice.said_minor, invoice.heard_minor, invoice.judged = fact.said_minor, fact.heard_minor, False
            case f.DoubtCleared():
                invoice.judged = not by_book
                invoice.heard_minor = fact.heard_minor if by_book else invoice.heard_minor

    def _credited(self, invoice: KnownInvoice, fact: f.InvoiceCredited, by_book: bool) -> None:
        if not by_book:
            invoice.here_only_minor += fact.minor
        elif fact.ref:
            invoice.noted_minor += fact.minor
        else:
            invoice.here_only_minor = 0  # The billing system asks for exactly what is asked here now.

    def _demand(self, fact: f.BecamePastDue | f.ChargeDeclined | f.Noticed) -> None:
        match fact:
            case f.BecamePastDue(debts=debts):
                self._past_due.update(d.debt for d in debts)
            case f.ChargeDeclined(debts=numbers):
                self._past_due.update(numbers)
            case f.Noticed():
                for no in self._past_due:
                    self.known.invoices[no].demanded = True

    def _money(self, fact: f.PaymentBooked | f.CreditAllocated | f.DebtReopened | f.Refunded, by_book: bool) -> None:
        invoices = self.known.invoices
        match fact:
            case f.PaymentBooked():
                self._payment(fact, by_book)
            case f.CreditAllocated():
                for part in fact.allocations:
                    invoices[part.debt].other_minor += part.minor
                    invoices[part.debt].since_minor += part.minor
                self.known.on_credit += fact.allocations
            case f.DebtReopened(debt=debt, given_up=True):
                invoices[debt.no].given_up_minor -= fact.minor
            case f.DebtReopened(debt=debt):
                # What is taken back of a payment is followed by the fact that names the payment.
                self._taken_back.append((debt, fact.minor))
                invoices[debt.no].other_minor -= fact.minor
            case f.Refunded():
                payment = self.known.payments.get(fact.payment_ref)
                of_book = payment is not None and payment.by_book and fact.reopened_minor
                for debt, minor in self._taken_back:
                    invoice = invoices[debt.no]
                    if not of_book:
                        invoice.gone_minor += minor
                        invoice.gone_on, invoice.since_minor, invoice.judged = debt.past_due_from, 0, False
                    elif payment is not None and invoice.no == payment.invoice:
                        invoice.other_minor += minor
                        invoice.taken_back_minor += 0 if by_book else minor
                if payment is not None:
                    minor = fact.amount_minor + fact.reopened_minor
                    direct = {part.debt: part.minor for part in payment.of_invoices(minor)}
                    for debt, again in self._taken_back:
                        at_once = min(again, direct.get(debt.no, 0))
                        direct[debt.no] = direct.get(debt.no, 0) - at_once
                        self.known.undo_credit(debt.no, again - at_once)
                    if fact.ref.startswith(TAKEN_BACK) and not payment.by_book:
                        for no, rest in direct.items():
                            invoices[no].other_minor -= rest
                    payment.minor -= minor
                self._taken_back = []

    def _payment(self, fact: f.PaymentBooked, by_book: bool) -> None:
        known = self.known
        named = fact.invoice or (fact.allocations[0].debt if len(fact.allocations) == 1 else 0)
        # Before an import said which invoice it pays, its payments had that invoice's number for a reference.
        named = named or (known.by_number.get(fact.ref, 0) if by_book else 0)
        known.payments[fact.ref] = KnownPayment(
            fact.ref, named, fact.currency, fact.amount_minor, by_book, fact.allocations
        )
        if by_book and named:
            known.invoices[named].since_minor += fact.amount_minor
            return
        for part in fact.allocations:
            invoice = known.invoices[part.debt]
            invoice.other_minor += part.minor
            invoice.since_minor += 0 if fact.of else part.minor
            invoice.gone_minor -= min(part.minor, invoice.gone_minor) if fact.of else 0
        if fact.invoice:
            known.invoices[fact.invoice].other_minor += fact.credit_minor
