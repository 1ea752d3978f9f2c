"""What is not asked here any more, a billing system is told: an invoice that was voided, credited or written off here
would else be collected there, by its page or by a person.

What is told is computed from both books each time, after what was paid has been reported. So a lost answer is no
matter, and what both have credited by themselves is told to neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from arrears.core.account import Account
from arrears.core.errors import Refused
from arrears.core.known import IMPORTER, KINDS, Known, known_of
from arrears.engine.commands.billing.reporting import author_of
from arrears.engine.system import set_change_aside
from arrears.ports.billing import AccountsAndBilling, BilledCustomer, BilledInvoice, BillingSystem, CreditReport


class Less(NamedTuple):
    """An invoice that asks more there than here: `minor` of it was voided or credited here, the rest written off."""

    invoice: BilledInvoice
    minor: int
    void: bool
    written_off: bool

    def __str__(self) -> str:
        if self.void:
            return "void here"
        return "credited here" if self.minor else "written off here"


def tell_less(
    store: AccountsAndBilling,
    system: BillingSystem,
    number: int,
    told: BilledCustomer,
    reported: Mapping[str, int],
    now: datetime,
) -> list[Less]:
    """Ask there for less, too: what of it was told. `reported` is what of each invoice has just been reported as paid.
    A refusal is a task and stops nothing else. Refuses `provider_unreachable`."""
    if not any(one.asks_minor for one in told.invoices):
        return []
    known = known_of(store.facts_of([number], KINDS).get(number, ()), IMPORTER)
    account, identity = store.snapshots([number])[number], store.system().identity
    done = []
    for less in asked_less(known, account, told, reported):
        try:
            _tell(system, identity, less)
        except Refused as refused:
            if refused.code == "provider_unreachable":
                raise
            one = less.invoice
            why = f"invoice {one.number} was {less}, and is asked there still: {refused.message[:200]}"
            way = "void, credit or mark it uncollectible there by hand"
            set_change_aside(store, f"{system.name}:{one.ref}", now, author_of(system), f"{why}; {way}")
            continue
        done.append(less)
    return done


def asked_less(known: Known, account: Account, told: BilledCustomer, reported: Mapping[str, int]) -> Iterator[Less]:
    """The invoices that ask more there than here, though no payment of ours is lacking there. Not one whose payment is
    at a bank: it may come in any moment."""
    in_flight = {part.debt for attempt in account.attempts for part in attempt.parts}
    for one in told.invoices:
        no = known.by_number.get(one.number, 0)
        left = one.asks_minor - reported.get(one.ref, 0)
        if not no or one.row is None or one.under_way or left <= 0 or no in in_flight:
            continue
        here, debt = known.invoices[no], account.debt(no)
        minor = min(one.row.total_minor - here.total_minor, left)
        written_off = one.is_open and debt is None and here.given_up_minor > 0 and minor < left
        if minor > 0 or written_off:
            untouched = left == one.row.total_minor
            yield Less(one, max(minor, 0), here.void and minor == left and untouched, written_off)


def _tell(system: BillingSystem, identity: str, less: Less) -> None:
    one = less.invoice
    assert one.row is not None
    if less.void:
        system.void(one.ref)
    elif less.minor:
        named = f"{identity} {one.ref} {one.row.total_minor} {less.minor}"
        key = f"credit_{sha256(named.encode()).hexdigest()[:40]}"
        system.credit(CreditReport(one.ref, key, one.row.currency, less.minor))
    if less.written_off:
        system.give_up(one.ref)
