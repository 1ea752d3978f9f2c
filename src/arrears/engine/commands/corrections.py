"""Corrections that a person makes: another due date, less asked, an invoice withdrawn or given up, a payment that
never came. Who and why are recorded; notices, promises and causes follow by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Final, NamedTuple

from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.core.ids import check_ref, ref_digest
from arrears.core.known import IMPORTER, KINDS, Known, KnownInvoice, known_of
from arrears.core.money import format_amount
from arrears.core.payments.values import AttemptState
from arrears.core.unit import Unit
from arrears.core.view import View
from arrears.engine import correcting
from arrears.engine.acting import acting_on
from arrears.ports import AccountsAndReceivables, CorrectingRefs, Place

PARTS_MAX: Final = 50
"""So many parts of one transfer are looked for."""


@contextmanager
def _open(store: AccountsAndReceivables, number: str, now: datetime) -> Iterator[tuple[Unit, Known, KnownInvoice]]:
    """The account of an invoice, open for a change, and what is known of it and of the invoice."""
    place = _place(store, number)
    with acting_on(store, place.account, now) as unit:
        known = _known(store, unit)
        yield unit, known, known.invoices[known.by_number[number]]


def _place(store: AccountsAndReceivables, number: str) -> Place:
    place = store.invoice_places([number]).get(number)
    if place is None:
        way = "give the number that is on it, or CUSTOMER/NUMBER where each customer's are numbered apart"
        raise Refused("unknown_invoice", f"there is no invoice {number[:60]!r}; {way}")
    return place


def _known(store: AccountsAndReceivables, unit: Unit) -> Known:
    return known_of(store.facts_of([unit.no], KINDS)[unit.no], IMPORTER)


def move_due(store: AccountsAndReceivables, number: str, due_on: date, now: datetime, author: str, why: str) -> None:
    """Give an invoice another due date; every promise that moves with it is void. Refuses `unknown_invoice`,
    `bad_date`, `demanded` (earlier than what the customer was told), `nothing_changes`."""
    policies, guards = store.policies(), store.system().guards
    with _open(store, number, now) as (unit, _known, invoice):
        if due_on == invoice.due_on:
            raise Refused("nothing_changes", f"invoice {number!r} is due on {due_on} already")
        if unit.account.debt(invoice.no) is None:
            raise Refused("nothing_changes", f"nothing is open of invoice {number!r}, so no day of it can move")
        view = View(policies, unit.account, guards, unit.now)
        correcting.move_due(unit, invoice, due_on, view, author, why)


def credit(
    store: AccountsAndReceivables, number: str, minor: int, now: datetime, author: str, why: str, ref: str = ""
) -> None:
    """Ask so much less of an invoice; what is paid of that already is account credit. `ref` is the credit note's own
    number. Refuses `unknown_invoice`, `bad_amount`, and `duplicate_credit` for a note that the account has."""
    with _open(store, number, now) as (unit, known, invoice):
        if ref and ref in known.credits:
            raise Refused("duplicate_credit", f"credit note {ref[:60]!r} is here already")
        correcting.credit_invoice(unit, known, invoice, minor, author, why, ref=ref)


def void(store: AccountsAndReceivables, number: str, now: datetime, author: str, why: str) -> None:
    """Withdraw an invoice: nothing is asked any more. Refuses `unknown_invoice`, `nothing_changes`."""
    with _open(store, number, now) as (unit, known, invoice):
        if not invoice.total_minor:
            raise Refused("nothing_changes", f"invoice {number!r} asks for nothing any more")
        correcting.credit_invoice(unit, known, invoice, invoice.total_minor, author, why, void=True)


def correct(store: AccountsAndReceivables, number: str, total_minor: int, now: datetime, author: str, why: str) -> None:
    """The invoice asks this much: less than before. Refuses `unknown_invoice`, `bad_amount`; for more there is
    another invoice."""
    with _open(store, number, now) as (unit, known, invoice):
        less = invoice.total_minor - total_minor
        if less <= 0 or total_minor < 0:
            asked = format_amount(invoice.total_minor, invoice.currency)
            raise Refused("bad_amount", f"invoice {number!r} asks {asked}; for more, issue another invoice")
        correcting.credit_invoice(unit, known, invoice, less, author, why)


def give_up(store: AccountsAndReceivables, number: str, now: datetime, author: str, why: str) -> None:
    """Write off what is open of an invoice. Refuses `unknown_invoice`, `nothing_changes`."""
    with _open(store, number, now) as (unit, _known, invoice):
        if not correcting.give_up(unit, invoice, author, why):
            raise Refused("nothing_changes", f"nothing is open of invoice {number!r}")


class TakenBack(NamedTuple):
    """What was taken back of a payment, in minor units; `others` are the further parts of the same transfer, which
    paid other invoices and stay."""

    minor: int
    currency: str
    others: Sequence[str]


def take_back(
    store: AccountsAndReceivables, ref: str, minor: int | None, now: datetime, author: str, why: str
) -> TakenBack:
    """A payment never came, or has left again: what it paid is owed again from today. `minor` None: all of it.

    What a payment provider took is not taken back by a person, as its own report of the same loss, or of its end, would
    come on top: the customer would be charged for what the provider holds. Refuses `unknown_payment`, `bad_amount`,
    `provider_reports`."""
    parts = [f"{ref}+{number}" for number in range(2, PARTS_MAX)]
    places = store.payment_places([ref, *parts])
    place = places.get(ref)
    if place is None:
        raise Refused("unknown_payment", f"there is no payment {ref[:60]!r}; `arrears timeline` shows their references")
    with acting_on(store, place.account, now) as unit:
        if _taken_by_provider(store, unit, ref):
            raise Refused(
                "provider_reports",
                f"payment {ref[:60]!r} was taken by {ref.partition(':')[0]}, which reports by itself what it gives "
                "back or loses; to give money back, refund it; for what is owed beside that, issue an invoice",
            )
        known = _known(store, unit)
        payment = known.payments[ref]
        taken = payment.minor if minor is None else minor
        correcting.take_back(unit, known, payment, taken, author, why)
    return TakenBack(taken, payment.currency, [one for one in parts if one in places])


def _taken_by_provider(store: AccountsAndReceivables, unit: Unit, ref: str) -> bool:
    """Whether a provider took a payment, by what the ledger says: whoever asks need not have that provider set up."""
    theirs = ref.partition(":")[2]
    for recorded in store.facts_of([unit.no], (f.PaymentBooked, f.AttemptMoved))[unit.no]:
        match recorded.fact:
            case f.PaymentBooked(ref=named) if named == ref and recorded.author.startswith("provider:"):
                return True
            case f.AttemptMoved(to=AttemptState.PAID, ref=named) if named and named == theirs:
                return True
            case _:
                pass
    return False


def rename_ref(store: CorrectingRefs, before: str, ref: str, now: datetime, author: str, why: str) -> None:
    """The billing system calls this customer otherwise from now on. The journal says who and why with the account's
    terms, which stay. Invoices whose numbers have the old reference in them keep them: the import finds them by what
    the account was called. Refuses `unknown_account`, `ref_taken`, `bad_ref`."""
    check_ref(ref)
    found = store.account_numbers([before, ref])
    if before not in found:
        raise Refused("unknown_account", f"there is no account {before[:60]!r}; give your own reference of it")
    if ref in found:
        raise Refused("ref_taken", f"{ref[:60]!r} is another account's already; two accounts cannot be made one")
    with acting_on(store, found[before], now) as unit:
        account = unit.account
        digest = ref_digest(unit.no, ref)
        renamed = f.TermsChanged(terms=account.terms, mode=account.mode, was_called=before, ref_digest=digest)
        unit.record(renamed, author, f"called {ref}, not {before}: {why}")
        store.rename_ref(unit.no, ref)


def currency_of(store: AccountsAndReceivables, number: str) -> str:
    """The currency that an invoice asks. Refuses `unknown_invoice`."""
    place = _place(store, number)
    known = known_of(store.facts_of([place.account], KINDS)[place.account], IMPORTER)
    return known.invoices[known.by_number[number]].currency
