"""The invoices and payments of an account, read once from its facts: what was asked, what came, what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from msgspec.structs import replace

from arrears.core import facts as f
from arrears.core.account import Debt
from arrears.web.account_centre.frame import Visit


@dataclass
class InvoiceShown:
    """One invoice as it was issued; `left` is what is still open of it, None when that is nothing. `given_up` is what
    nobody asks for any more, in minor units; `paid_at` is when something was last booked on it. `has_lines`: what it is
    for is known, or its tax, `taxes` how many there are; `void`: it was withdrawn."""

    debt: Debt
    issued_on: date
    left: Debt | None
    given_up: int = 0
    paid_at: datetime | None = None
    has_lines: bool = False
    taxes: int = 0
    void: bool = False
    credited: list[tuple[str, int]] = field(default_factory=list)
    """The number of each credit note, or empty, and how much less it asked, in minor units."""

    @property
    def open_minor(self) -> int:
        """What is still open, in minor units."""
        return 0 if self.left is None else self.left.open_minor


@dataclass
class Back:
    """Money of a payment that has left again; `invoices` are those it reopened, none where it was simply paid back."""

    on: date
    minor: int
    invoices: tuple[str, ...] = ()


@dataclass
class Received:
    """A payment: its fact's number, what it was booked on (invoice, minor units), and what of it has left again."""

    seq: int
    at: datetime
    ref: str
    currency: str
    minor: int
    parts: tuple[tuple[str, int], ...]
    credit_minor: int
    back: list[Back] = field(default_factory=list)


@dataclass
class Given:
    """Account credit that went to invoices."""

    at: datetime
    currency: str
    minor: int
    parts: tuple[tuple[str, int], ...]


@dataclass
class Books:
    """Everything of both, the oldest first."""

    invoices: list[InvoiceShown]
    money: list[Received | Given]

    def payment(self, seq: int) -> Received | None:
        """The payment of this fact, or None where it is none."""
        return next((one for one in self.money if isinstance(one, Received) and one.seq == seq), None)


def books_of(visit: Visit, history: Sequence[f.Recorded]) -> Books:
    """The books of one account."""
    left = {debt.no: debt for debt in visit.snapshot.debts}
    invoices: dict[int, InvoiceShown] = {}
    money: list[Received | Given] = []
    payments: dict[str, Received] = {}
    reopened: list[tuple[datetime, str, int]] = []

    for one in history:
        match one.fact:
            case f.InvoiceIssued(debt=debt, issued_on=issued_on) as fact:
                has_lines, taxes = bool(fact.lines or fact.tax_lines), len(fact.tax_lines)
                shown = InvoiceShown(debt, issued_on, left.get(debt.no), has_lines=has_lines, taxes=taxes)
                invoices[debt.no] = shown
            case f.WrittenOff(debt=no, minor=minor):
                invoices[no].given_up += minor
            case f.InvoiceCredited(debt=no, minor=minor, void=void, ref=ref) if no:
                invoices[no].given_up += minor
                invoices[no].void |= void
                invoices[no].credited.append((ref, minor))
            case f.DueMoved(debt=no, due_on=due_on):
                invoices[no].debt = replace(invoices[no].debt, due_on=due_on)
            case f.PaymentBooked() as fact:
                booked = _booked(invoices, fact.allocations, one.at)
                paid = Received(one.seq, one.at, fact.ref, fact.currency, fact.amount_minor, booked, fact.credit_minor)
                money.append(paid)
                payments[fact.ref] = paid
            case f.CreditAllocated() as fact:
                used = sum(part.minor for part in fact.allocations)
                just = money[-1] if money else None
                came = isinstance(just, Received) and (just.at, just.currency) == (one.at, fact.currency)
                if isinstance(just, Received) and came and used <= just.credit_minor:
                    # What came without naming an invoice goes to the oldest in the same instant: it paid them.
                    just.parts += _booked(invoices, fact.allocations, one.at)
                    just.credit_minor -= used
                else:
                    money.append(Given(one.at, fact.currency, used, _booked(invoices, fact.allocations, one.at)))
            case f.DebtReopened(debt=debt, minor=minor):
                invoices[debt.no].given_up = 0
                reopened.append((one.at, debt.number, minor))
            case f.Refunded(payment_ref=ref, amount_minor=minor):
                # What a chargeback reopened was recorded with it, in the same instant.
                again = [(number, part) for at, number, part in reopened if at == one.at]
                if ref in payments:
                    whole = minor + sum(part for _number, part in again)
                    numbers = tuple(number for number, _part in again)
                    payments[ref].back.append(Back(visit.local_day(one.at), whole, numbers))
            case _:
                pass
    return Books(list(invoices.values()), money)


def _booked(
    invoices: dict[int, InvoiceShown], allocations: Sequence[f.Allocation], at: datetime
) -> tuple[tuple[str, int], ...]:
    """What was booked on which invoice (its number, minor units); each was paid, in part or whole, at this time."""
    known = [part for part in allocations if part.debt in invoices]
    for part in known:
        invoices[part.debt].paid_at = at
    return tuple((invoices[part.debt].debt.number, part.minor) for part in known)
