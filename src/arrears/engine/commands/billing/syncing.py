"""One customer of a billing system and the account here, brought to say the same.

Everything is computed from how both stand now, so it may be repeated by anybody at any time, and whatever told of a
change, in whatever order, the end is the same. No call to the billing system is made inside a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from datetime import UTC, datetime, time, timedelta
from typing import Final, NamedTuple

from msgspec.structs import replace

from arrears.core import facts as f
from arrears.core.account import Account, DoubtKind
from arrears.core.errors import Refused
from arrears.core.known import IMPORTER
from arrears.core.payments.values import CardsTried
from arrears.core.receivables import AccountRows, rows_of_accounts
from arrears.engine.acting import acting_on, local_today
from arrears.engine.commands.billing.asking_less import tell_less
from arrears.engine.commands.billing.ending import follow_subscriptions, tell_ends
from arrears.engine.commands.billing.pausing import hold_unserved, stretches_of, tell_pauses, unlike_pauses
from arrears.engine.commands.billing.reporting import author_of, give_back, report
from arrears.engine.commands.importing import ImportReport, import_book
from arrears.engine.doubting import begin_doubt, end_doubt
from arrears.engine.system import set_change_aside
from arrears.ports.billing import (
    BILLING_COLUMNS,
    AccountsAndBilling,
    BilledCustomer,
    BillingConnection,
    BillingSystem,
    PaymentReport,
    PaymentReturn,
)

LOOKED_BACK: Final = timedelta(days=35)
"""Invoices that came to their end so long before what was read last are read again: more than what a billing system
tells of, so that what was missed is seen (decision 25)."""

RecordTries = Callable[[str, CardsTried, datetime], None]
"""Keeps, under a provider's name, the charges of others in the book of attempts."""


class Synced(NamedTuple):
    """What came of a customer: the account's number (0: nothing of it is here), what the import has changed, what was
    reported, why which invoices were left out, and what was reported as given back."""

    account: int
    report: ImportReport | None = None
    reported: Sequence[PaymentReport] = ()
    left_out: Mapping[str, str] = {}
    returned: Sequence[PaymentReturn] = ()


def collecting(system: BillingSystem) -> str:
    """How the doubt is called that stands while a billing system would charge an invoice by itself."""
    return f"{system.name}: automatic collection"


def under_way(system: BillingSystem) -> str:
    """How the doubt is called that stands while a payment there is at the bank."""
    return f"{system.name}: payment under way"


def detached(system: BillingSystem) -> str:
    """How the doubt is called that stands while money of the customer's is there that pays no invoice."""
    return f"{system.name}: payment detached"


def in_doubt(account: Account, system: BillingSystem) -> bool:
    """Whether the billing system may be taking what this account owes, or has money that would pay it."""
    return any(doubt.ref in (collecting(system), under_way(system), detached(system)) for doubt in account.doubts)


def sync_customer(
    store: AccountsAndBilling,
    system: BillingSystem,
    connection: BillingConnection,
    customer: str,
    also: Set[str],
    now: datetime,
    keep_tries: RecordTries,
) -> Synced:
    """Bring one customer up to date, and the billing system. What it would charge by itself from now on is stopped
    before anything is recorded. Refuses AWAY, with nothing half done that a repetition does not complete."""
    told = _read(store, system, connection, customer, also)
    if told is None:
        return Synced(0)
    taken, left_out = _import(store, _taken(store, told), now)
    number = store.account_numbers([customer]).get(customer, 0)
    if not number:
        for invoice, why in left_out.items():
            set_change_aside(store, f"{system.name}:{invoice}", now, author_of(system), _left(invoice, why))
        return Synced(0, taken, (), left_out)
    for one in told.invoices:
        if one.tries:
            keep_tries(system.provider, CardsTried(one.ref, number, "", tuple(one.tries)), now)
    _record(store, system, number, told, left_out, now)
    reported = list(report(store, system, number, told, now))
    tell_less(store, system, number, told, {one.invoice: one.amount_minor for one in reported}, now)
    returned = list(give_back(store, system, number, told, now))
    asked = tell_ends(store, system, number, told.subscriptions, now)
    asked |= {
        ref: why for ref, why in tell_pauses(store, system, number, told.subscriptions).items() if ref not in asked
    }
    if asked:
        told = system.read(customer, connection.options, now, frozenset()) or told
    pauses = tuple(unlike_pauses(store, number, told.subscriptions))
    follow_subscriptions(store, system, number, told.subscriptions, now, asked, pauses)
    return Synced(number, taken, reported, left_out, returned)


def _read(
    store: AccountsAndBilling, system: BillingSystem, connection: BillingConnection, customer: str, also: Set[str]
) -> BilledCustomer | None:
    """The customer as it stands once nothing is charged there by itself any more that arrears collects."""
    first = datetime.combine(connection.options.since, time(), UTC)
    since = first if connection.cursor is None else max(first, connection.cursor - LOOKED_BACK)
    told = system.read(customer, connection.options, since, also)
    if told is None:
        return None
    here = store.invoice_places([one.number for one in told.invoices])
    to_stop = [one for one in told.invoices if one.collected and (one.number in here or not one.not_tried)]
    for one in to_stop:
        try:
            system.stop(one.ref)
        except Refused as refused:
            if refused.code == "provider_unreachable":
                raise
    return system.read(customer, connection.options, since, also) if to_stop else told


def _taken(store: AccountsAndBilling, told: BilledCustomer) -> BilledCustomer:
    """Without the invoices whose first charge is the billing system's, unless they are here already."""
    here = store.invoice_places([one.number for one in told.invoices])
    return told._replace(invoices=[one for one in told.invoices if one.number in here or not one.not_tried])


def _import(
    store: AccountsAndBilling, told: BilledCustomer, now: datetime
) -> tuple[ImportReport | None, dict[str, str]]:
    """Take the rows, without those that cannot be taken; these, by their invoice, with the reasons."""
    left_out = {one.ref: one.unreadable for one in told.invoices if one.row is None}
    while True:
        wanted = sorted(
            (one for one in told.invoices if one.row is not None and one.ref not in left_out),
            key=lambda one: (one.row.issued_on, one.number),  # type: ignore[union-attr]
        )
        if not wanted:
            return None, left_out
        rows, ref = AccountRows(told.account), told.account.ref
        for at, one in enumerate(wanted, 1):
            assert one.row is not None
            rows.invoices.append(replace(one.row, row=at))
            rows.payments[one.number] = [replace(part, row=at) for part in one.payments]
        source = rows_of_accounts([rows], BILLING_COLUMNS, {})
        report = import_book(store, source, now, IMPORTER, per_account=True, whole=False)
        wrong = {wanted[row - 1].ref: why for row, why in report.wrong.get(ref, {}).items() if row}
        if not wrong:
            # Where the account itself is refused the import leaves it in doubt, with its own task.
            return report, left_out
        left_out |= wrong


def _left(invoice: str, why: str) -> str:
    way = "put that right there, or settle it by hand and close this task; the others are taken"
    return f"invoice {invoice} is not taken: {why[:300]}; {way}"


# -- what follows for the account --------------------------------------------------------------------------------------


def _record(
    store: AccountsAndBilling,
    system: BillingSystem,
    number: int,
    told: BilledCustomer,
    left_out: Mapping[str, str],
    now: datetime,
) -> None:
    """The doubts that stand and those that are over, and the declines of what the billing system charged first."""
    author, own = author_of(system), f"{system.name}:"
    stopped = stretches_of(store, number, told)
    with acting_on(store, number, now) as unit:
        before = {(doubt.kind, doubt.ref) for doubt in unit.account.doubts if doubt.ref.startswith(own)}
        wanted = dict(_doubts(system, unit.account, told, left_out))
        for (kind, ref), why in wanted.items():
            begin_doubt(unit, kind, ref, author, why)
        for kind, ref in sorted(before - wanted.keys()):
            if ref not in {own + one for one in _not_read(told, before, own)}:
                end_doubt(store, unit, kind, ref, author)
        unserved = hold_unserved(store, system, unit, told, stopped)
        debts = {debt.number: debt for debt in unit.account.debts}
        failed = [debts[one.number] for one in told.invoices if one.failed and one.number in debts]
        fresh = tuple(d.no for d in failed if not (d.declined or d.charged or d.day_0 or d.reopened_seq))
        if fresh:
            unit.record(f.ChargeDeclined(debts=fresh, on=local_today(unit)), author)
        begun = wanted.keys() - before
    for ref in (collecting(system), detached(system)):
        if (DoubtKind.ATTEMPT, ref) in begun:
            set_change_aside(store, ref, now, author, wanted[DoubtKind.ATTEMPT, ref])
    for invoice, why in unserved.items():
        set_change_aside(store, own + invoice, now, author, why)


def _not_read(told: BilledCustomer, before: Set[tuple[DoubtKind, str]], own: str) -> Iterator[str]:
    """Invoices in doubt that were not read this time: nothing is known of them, so the doubt stands."""
    read = {one.ref for one in told.invoices}
    for kind, ref in before:
        if kind is DoubtKind.FEED and ref.removeprefix(own) not in read:
            yield ref.removeprefix(own)


def _doubts(
    system: BillingSystem, account: Account, told: BilledCustomer, left_out: Mapping[str, str]
) -> Iterator[tuple[tuple[DoubtKind, str], str]]:
    owed = {debt.number for debt in account.debts}
    here = [one for one in told.invoices if one.number in owed]
    if any(one.collected for one in here):
        yield (DoubtKind.ATTEMPT, collecting(system)), _still_collected(system, told)
    if any(one.under_way for one in here):
        yield (DoubtKind.ATTEMPT, under_way(system)), "a payment of the billing system's own is at the bank"
    if owed and (loose := _loose(told)):
        yield (DoubtKind.ATTEMPT, detached(system)), _still_there(loose)
    for invoice, why in left_out.items():
        yield (DoubtKind.FEED, f"{system.name}:{invoice}"), _left(invoice, why)


def _loose(told: BilledCustomer) -> dict[str, str]:
    """The payments that were taken from an invoice and pay none now, each with the number of that invoice."""
    attached = {ref for one in told.invoices for ref in one.attached}
    return {ref: one.number for one in told.invoices for ref in one.detached if ref not in attached}


def _still_there(loose: Mapping[str, str]) -> str:
    those = ", ".join(f"{ref} from {number}" for ref, number in loose.items())
    why = f"a payment was taken from its invoice there and its money kept ({those[:150]})"
    return f"{why}; attach it to an invoice there or refund it: until then nobody is charged or stopped"


def _still_collected(system: BillingSystem, told: BilledCustomer) -> str:
    numbers = ", ".join(one.number for one in told.invoices if one.collected)
    why = f"the billing system would charge {numbers} by itself again, and does not let itself be stopped from here"
    return f"{why[:200]}: {system.switch}; until then nobody is charged or stopped for it"
